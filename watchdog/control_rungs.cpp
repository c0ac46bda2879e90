// SPDX-License-Identifier: Apache-2.0
/// @file The rungs of a halt as effects: ask, take over, sever, fence. What follows what is the ladder's (ladder.hpp). A
/// session is reset before the engine is killed, unless the witness hangs on it; an engine that was frozen is never
/// thawed.
#include "shm/clock.hpp"
#include "watchdog/control.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kFreezeWaitNs = 200 * kNsPerMs;  // threads stop in 0.3 ms at the median, 141 ms at worst
constexpr std::uint64_t kScribeWakeNs = 10 * kNsPerMs;   // the take-over's log holds a megabyte
constexpr std::uint64_t kStopLookNs = 5 * kNsPerMs;      // reads one file of /proc for each thread

}  // namespace

/// An engine that somebody stopped cannot be asked. Looked at while it matters: until it is frozen by us.
void Control::look_for_stop(std::uint64_t now_ns) noexcept {
  const bool matters = ladder_.rung == Rung::close || ladder_.rung == Rung::ask;
  if (!matters || !link_.attached() || link_.dead() || now_ns < next_stop_look_ns_) return;
  next_stop_look_ns_ = now_ns + kStopLookNs;
  engine_stopped_ = all_threads_stopped(link_.process().pid);
}

void Control::begin_ask(std::uint64_t now_ns) {
  report().rungs[1] = {RungResult::running, now_ns - report().breach_ns, 0};
  report().asked = report().count(Fate::open);
  const GateView& gate = link_.attachment().gate;
  for (std::uint32_t lane = 0; lane < p_.config.lanes.size(); ++lane)
    if (report().engine_wide || report().lane == lane) store(gate.lane(lane).cancel_request, ++cancel_sequence_);
  add_own(gate.header().wake_sequence, 1);
  link_.wake_engine();
  ScribeEvent event = make_event(Event::asked, nullptr);
  event.add("asked", report().asked);
  static_cast<void>(p_.scribe.event(event));
}

void Control::freeze_engine() noexcept {
  end_rung(Rung::close, RungResult::failed, monotonic_now_ns());
  end_rung(Rung::ask, RungResult::failed, monotonic_now_ns());
  if (report().rungs[1].result == RungResult::not_run) report().rungs[1].result = RungResult::skipped;
  if (link_.attached() && !link_.dead() && request_freeze(link_.process()) == FenceError::gone)
    store(p_.board.engine_dead, 1);
}

void Control::begin_take_over(std::uint64_t now_ns) {
  freeze_engine();
  report().rungs[2] = {RungResult::running, now_ns - report().breach_ns, 0};
  takeover_ = TakeoverJob{};
  takeover_.active = true;
  takeover_.began_ns = now_ns;
}

/// Freeze, and only when it is verified hand the sessions over: an engine that may still write is never spoken for.
void Control::step_take_over(std::uint64_t now_ns) {
  if (!takeover_.active || takeover_.failed) return;
  if (takeover_.begun) {
    if (now_ns >= takeover_.next_wake_ns) p_.scribe.wake();
    if (now_ns >= takeover_.next_wake_ns) takeover_.next_wake_ns = now_ns + kScribeWakeNs;
    return takeover_rung_.step(book_);
  }
  frozen_ = link_.dead() || is_frozen(link_.process());
  if (!frozen_) {
    takeover_.failed = now_ns - takeover_.began_ns >= kFreezeWaitNs;
    return;
  }
  if (!closed_noted_) note_closed(now_ns);
  book_.refresh(link_.attachment().ledger, now_ns);
  takeover_rung_.begin(link_, book_, sessions_, read_stamp(p_.boot_id).wall_ns);
  takeover_.begun = true;
  ScribeEvent event = make_event(Event::taken_over, nullptr);
  event.add("open", report().count(Fate::open));
  event.add("frozen_ns", now_ns - takeover_.began_ns);
  static_cast<void>(p_.scribe.event(event));
}

/// It was spoken for: it must never run again, and the venue makes us wait.
void Control::kill_taken_over(std::uint64_t now_ns) {
  if (!link_.attached() || link_.dead()) return;
  report().rungs[4] = {RungResult::running, now_ns - report().breach_ns, 0};
  kill_sent_ = true;
  const FenceError error = request_kill(link_.process());
  if (error != FenceError::ok && error != FenceError::gone) note(Event::fenced, nullptr, fence_error_name(error));
}

/// Whoever logs on next has to go on where we stopped.
void Control::hand_back_numbers() noexcept {
  for (std::uint32_t slot = 0; slot < kSessionsMax; ++slot) {
    const HaltSession& session = report().sessions[slot];
    if (session.taken_over && session.next_out_seq_num != 0)
      link_.hand_back(slot, {session.next_out_seq_num, session.next_in_seq_num});
  }
}

/// The engine's first message had the number that we left, or reset the session, and the venue's answer was processed:
/// from now on its own store is right.
void Control::settle_numbers() {
  if (!link_.attached()) return;
  for (std::uint32_t slot = 0; slot < p_.config.sessions.size(); ++slot) {
    const NextNumbers& numbers = link_.handed(slot);
    if (numbers.out == 0 || !link_.registered(slot)) continue;
    const SessionBlock& block = link_.attachment().ledger.session(slot);
    const bool reset = load(block.logon_resets) != 0 && load(block.processed_seq_num) != 0;
    const bool goes_on = load(block.first_out_seq_num) == numbers.out && load(block.processed_seq_num) >= numbers.in;
    if (!reset && !goes_on) continue;
    ScribeEvent event = make_event(Event::numbers_agreed, nullptr);
    event.add("session", p_.config.sessions[slot].name);
    event.add("next_out", numbers.out);
    event.add("next_in", numbers.in);
    event.add("reset", reset ? 1 : 0);
    static_cast<void>(p_.scribe.event(event));
    link_.hand_back(slot, {});
  }
}

/// Only refused cancels are left: people get their answer now, the latch its outcome, and the asking goes on.
void Control::note_retries(bool retries, std::uint64_t now_ns) {
  if (retries == report().retrying || !report().active) return;
  report().retrying = retries;
  if (!retries) return;
  report().retry_until_ns = now_ns - report().breach_ns + ladder_times().retry_ns;
  note(Event::retrying);
  latch_outcome();
  answer_waiters(true);
}

void Control::begin_sever(std::uint64_t now_ns) {
  freeze_engine();
  if (takeover_.active) takeover_rung_.step(book_);
  const bool answered = report().count(Fate::open) == 0 && !takeover_.failed;
  end_rung(Rung::take_over, answered ? RungResult::done : RungResult::failed, now_ns);
  if (report().rungs[2].result == RungResult::not_run) report().rungs[2].result = RungResult::missing;
  report().rungs[3] = {RungResult::running, now_ns - report().breach_ns, 0};
  sever_ = SeverJob{};
  sever_.active = true;
  sever_.began_ns = now_ns;
}

/// Freeze, then reset each session; each part when the one before is verified or out of time.
void Control::step_sever(std::uint64_t now_ns) {
  if (!sever_.active) return;
  if (!sever_.asked) {
    frozen_ = !link_.attached() || link_.dead() || is_frozen(link_.process());
    if (!frozen_ && now_ns - sever_.began_ns < kFreezeWaitNs) return;
    if (!closed_noted_) note_closed(now_ns);
    sever_.asked = true;
    for (std::uint32_t slot = 0; slot < kSessionsMax; ++slot)
      if (p_.witness.held(slot)) sever_.tickets[slot] = p_.witness.reset(slot);
    return;
  }
  if (!severed()) return;
  sever_.active = false;
  end_rung(Rung::sever, RungResult::done, now_ns);
  if (!link_.attached()) return;
  link_.read_sessions(sessions_);
  book_.refresh(link_.attachment().ledger, now_ns);
  static_cast<void>(book_.contained(sessions_, engine_at_rest()));  // notes the final counts
  note(Event::severed);
}

/// Every duplicate that was held is reset and verified, or its connection was gone already.
bool Control::severed() const noexcept {
  if (!sever_.asked) return false;
  for (std::uint32_t slot = 0; slot < kSessionsMax; ++slot) {
    if (p_.witness.held(slot)) return false;
    if (link_.registered(slot) && !sessions_[slot].witnessed) return false;  // no reset exists for it
  }
  return true;
}

void Control::begin_fence(std::uint64_t now_ns) {
  step_sever(now_ns);
  if (sever_.active) report().queue_may_have_drained = true;  // it is killed with a session that is not reset yet
  end_rung(Rung::sever, RungResult::failed, now_ns);
  report().rungs[4] = {RungResult::running, now_ns - report().breach_ns, 0};
  const bool gone = !link_.attached() || link_.dead();
  report().engine_died = gone && !kill_sent_;
  if (kill_sent_) return;
  if (report().engine_died) {
    report().rungs[4].result = RungResult::skipped;
    return;
  }
  kill_sent_ = true;
  const FenceError error = request_kill(link_.process());
  if (error != FenceError::ok && error != FenceError::gone) note(Event::fenced, nullptr, fence_error_name(error));
}

}  // namespace portcullis
