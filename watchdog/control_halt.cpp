// SPDX-License-Identifier: Apache-2.0
/// @file A halt, from the breach to the report: the effects behind the ladder's plan. Order of every line matters:
/// gate words, barrier, then anything else; the latch is written after the gate is closed, never before; a session is
/// reset before the engine is killed, unless the witness hangs on it.
#include <algorithm>
#include <csignal>

#include "shm/clock.hpp"
#include "watchdog/control.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kTakeOverSpareNs = 500 * kNsPerMs;  // the dialogue ends by itself; this is for a witness that hangs

/// The engine sends what it does not say: asking it to cancel proves nothing.
bool goes_around(Cause cause) noexcept {
  return cause == Cause::unsubmitted_orders || cause == Cause::undeclared_bytes ||
         cause == Cause::unregistered_sockets || cause == Cause::foreign_orders;
}

bool is_liveness(Cause cause) noexcept {
  return cause == Cause::death || cause == Cause::beat_age || cause == Cause::progress ||
         cause == Cause::ledger_integrity || cause == Cause::protocol || cause == Cause::detach ||
         goes_around(cause);
}

}  // namespace

bool Control::engine_at_rest() const noexcept { return link_.dead() || frozen_; }

std::uint64_t Control::open_orders() const noexcept {
  if (!link_.attached()) return 0;
  std::uint64_t open = 0;
  for (std::uint32_t lane = 0; lane < p_.config.lanes.size(); ++lane)
    open += static_cast<std::uint64_t>(read_open_orders(link_.attachment().ledger.lane(lane)));
  return open;
}

void Control::close_gate(std::uint16_t lane) noexcept {
  if (!link_.attached()) return;
  for (std::uint32_t i = 0; i < p_.config.lanes.size(); ++i)
    if (lane == kEngineScope || lane == i) close_lane(link_.attachment().gate.lane(i));
}

void Control::begin_halt(Cause cause, const Breach* breach, std::uint16_t lane, const Peer* peer, bool planned) {
  close_gate(lane);
  if (report().active) {
    const bool covered = report().engine_wide || (lane != kEngineScope && lane == report().lane);
    if (!covered) widen_halt();
    if (report().planned && !planned) {  // a planned stop that turned into a real one
      report().planned = false;
      report().cause = cause;
      if (breach != nullptr) report().first = *breach;
      latch_trip(peer);
    }
    return;
  }
  if (arm_.phase != ArmJob::Phase::none) fail_arm("a halt came first");
  if (lane == kEngineScope) store(p_.board.armed_generation, 0);
  const std::uint64_t now_ns = monotonic_now_ns();
  HaltReport head;
  head.cause = cause;
  head.planned = planned;
  head.engine_wide = lane == kEngineScope;
  head.lane = lane;
  if (peer != nullptr) head.actor_uid = person_behind(*peer);
  if (breach != nullptr) head.first = *breach;
  head.undeclared_seen = goes_around(cause);
  head.breach_ns = breach != nullptr && breach->found_ns != 0 && breach->found_ns <= now_ns ? breach->found_ns : now_ns;
  head.wall_ns = read_stamp(p_.boot_id).wall_ns;
  book_.begin(head);
  have_report_ = true;
  closed_noted_ = false;
  sever_ = SeverJob{};
  takeover_ = TakeoverJob{};
  engine_stopped_ = retries_over_ = false;
  next_stop_look_ns_ = 0;
  ladder_ = ladder_begin(now_ns);
  report().rungs[0] = {RungResult::running, now_ns - head.breach_ns, 0};
  if (lane == kEngineScope) {
    state_ = next_state(state_, StateEvent::breach);
    state_since_ns_ = now_ns;
  }
  const bool barrier =
      !link_.attached() || close_.begin(link_.attachment().ledger, lane == kEngineScope ? ExactClose::kAllLanes : lane);
  p_.witness.set_urgent(true);
  ScribeEvent event = make_event(peer != nullptr && !planned ? Event::manual_halt : Event::tripped, peer);
  event.add("cause", std::string_view(planned ? "disarm" : cause_name(cause)));
  event.add("scope", scope_name(p_.config, lane, kNoSession));
  if (!halt_reason_.empty()) event.add("reason", halt_reason_);
  if (breach != nullptr) {
    if (breach->row != kNoRow) event.add("limit", p_.config.limits[breach->row].name);
    event.add("observed", breach->observed);
    event.add("bound", breach->limit);
    event.add("stale", breach->result == Result::breach ? 0 : 1);
  }
  event.add("worst_late_ns", load(p_.board.worst_late_ns));
  if (!barrier) event.add("membarrier", std::string_view("failed"));
  static_cast<void>(p_.scribe.event(event));
  if (!planned) latch_trip(peer);  // queued after the gate words and the barrier, never before
  step_ladder(monotonic_now_ns());
}

/// One lane's halt becomes the engine's; first cause and times stay.
void Control::widen_halt() {
  close_gate(kEngineScope);
  store(p_.board.armed_generation, 0);
  book_.widen();
  closed_noted_ = false;
  state_ = next_state(state_, StateEvent::breach);
  state_since_ns_ = monotonic_now_ns();
  static_cast<void>(close_.begin(link_.attachment().ledger, ExactClose::kAllLanes));  // done() says whether it held
  ladder_ = ladder_begin(monotonic_now_ns());
  note(Event::tripped, nullptr, "the lane's halt was not proven in time and became the engine's");
}

LadderTimes Control::ladder_times() const noexcept {
  const LadderConfig& from = p_.config.ladder;
  LadderTimes times;
  times.ask_ns = from.ask_ms * kNsPerMs;
  times.sever_ns = from.sever_ms * kNsPerMs;
  times.fence_ns = from.fence_ms * kNsPerMs;
  times.fence_always = from.fence_if == FenceIf::always;
  std::uint32_t slowest = 100;  // per second, where no session says
  for (const SessionConfig& session : p_.config.sessions) slowest = std::min(slowest, session.cancel_rate_per_s);
  const HaltReport& report = book_.report();
  const std::uint64_t pace_ns = report.open_at_close * (1'000 * kNsPerMs) / std::max<std::uint32_t>(slowest, 1);
  times.ask_total_ns = times.ask_ns + pace_ns;
  times.take_over_ns = retries_over_ ? 0 : from.take_over_ms * kNsPerMs + pace_ns + kTakeOverSpareNs;
  times.retry_ns = retries_over_ ? 0 : from.cancel_retry_s * 1'000 * kNsPerMs;
  return times;
}

LadderView Control::ladder_view() {
  const HaltReport& report = book_.report();
  LadderView view;
  view.closed = closed_noted_;
  view.engine_dead = !link_.attached() || link_.dead();
  view.engine_stopped = engine_stopped_;
  // a lane's dead owner leaves an engine to ask; one that was seen going around the gate is not asked any more
  view.liveness = (is_liveness(report.cause) && report.engine_wide) || report.undeclared_seen;
  view.lane_scope = !report.engine_wide;
  view.planned = report.planned;
  view.contained = closed_noted_ && (!link_.attached() || book_.contained(sessions_, engine_at_rest()));
  view.open = report.count(Fate::open);
  view.unknown = report.count(Fate::unknown);
  view.refused = report.count(Fate::refused_by_venue);
  view.settled = book_.settled();
  view.can_take_over = link_.attached() && takeover_rung_.possible(link_, sessions_);
  view.taken_over = takeover_.active && (takeover_.failed || (takeover_.begun && takeover_rung_.over()));
  view.severed = severed();
  view.fenced = view.engine_dead;
  return view;
}

void Control::note_closed(std::uint64_t now_ns) {
  closed_noted_ = true;
  if (link_.attached()) {
    book_.snapshot(link_.attachment().ledger, sessions_, now_ns);
  } else {
    report().closed_ns = std::max<std::uint64_t>(now_ns - report().breach_ns, 1);
  }
  end_rung(Rung::close, RungResult::done, now_ns);
  if (report().engine_wide) state_ = next_state(state_, StateEvent::gate_closed);
  ScribeEvent event = make_event(Event::closed, nullptr);
  event.add("closed_ns", report().closed_ns);
  event.add("open", report().open_at_close);
  static_cast<void>(p_.scribe.event(event));
}

void Control::step_ladder(std::uint64_t now_ns) {
  for (int steps = 0; steps < 4 && report().active; ++steps) {  // close -> ask needs no timer in between
    link_.read_sessions(sessions_);
    look_for_stop(now_ns);
    if (!closed_noted_) {
      const auto accepted = [this](std::uint32_t s, std::uint32_t epoch) -> std::uint64_t {
        return s < kSessionsMax && sessions_[s].witnessed && sessions_[s].sample.epoch == epoch
                   ? sessions_[s].sample.accepted_bytes : 0;
      };
      if (!link_.attached() || engine_at_rest() || close_.done(link_.attachment().ledger, accepted))
        note_closed(now_ns);
    }
    const bool can_change = !engine_at_rest();  // nobody books any more; the end of the halt reads once again
    if (closed_noted_ && link_.attached() && can_change) book_.refresh(link_.attachment().ledger, now_ns);
    if (ladder_.rung == Rung::take_over) step_take_over(now_ns);
    if (ladder_.rung == Rung::sever) step_sever(now_ns);
    const LadderView view = ladder_view();
    if (view.contained && report().contained_ns == 0) {
      report().contained_ns = std::max<std::uint64_t>(now_ns - report().breach_ns, 1);
      if (report().engine_wide) state_ = next_state(state_, StateEvent::contained);
      ScribeEvent event = make_event(Event::contained, nullptr);
      event.add("contained_ns", report().contained_ns);
      static_cast<void>(p_.scribe.event(event));
    }
    const LadderAction action = ladder_step(ladder_, view, ladder_times(), now_ns);
    note_retries(ladder_retries(ladder_, view), now_ns);
    if (action == LadderAction::none) return;
    act(action, now_ns);
    now_ns = monotonic_now_ns();
  }
}

void Control::act(LadderAction action, std::uint64_t now_ns) {
  switch (action) {
    case LadderAction::none: return;
    case LadderAction::ask: return begin_ask(now_ns);
    case LadderAction::widen: return widen_halt();
    case LadderAction::take_over: return begin_take_over(now_ns);
    case LadderAction::kill: return kill_taken_over(now_ns);
    case LadderAction::sever: return begin_sever(now_ns);
    case LadderAction::settle_and_fence: return begin_fence(now_ns);
    case LadderAction::finish: return finish_halt(now_ns);
  }
}

void Control::end_rung(Rung rung, RungResult result, std::uint64_t now_ns) noexcept {
  RungTime& time = report().rungs[static_cast<std::size_t>(rung)];
  if (time.result != RungResult::running) return;
  time.result = result;
  time.ended_ns = now_ns - report().breach_ns;
}

void Control::finish_halt(std::uint64_t now_ns) {
  link_.read_sessions(sessions_);
  const bool gone = link_.attached() && (link_.dead() || is_gone(link_.process()));
  if (gone && sever_.active) step_sever(now_ns);  // a reset that hung on the engine's lock may be done by now
  const bool severed_or_gone = ladder_.rung == Rung::fence;
  if (link_.attached()) book_.refresh(link_.attachment().ledger, now_ns);
  if (takeover_.begun) {
    takeover_rung_.give_up(book_);  // who was spoken for without an answer is unknown, whatever a count says
    hand_back_numbers();
  }
  if (severed_or_gone || report().planned || !report().engine_wide || gone)
    book_.settle(sessions_, engine_at_rest() || gone);
  if (link_.attached() && closed_noted_ && report().contained_ns == 0 && book_.contained(sessions_, engine_at_rest() || gone))
    report().contained_ns = std::max<std::uint64_t>(now_ns - report().breach_ns, 1);
  if (link_.attached()) book_.note_positions(link_.attachment().gate, link_.attachment().ledger);
  if (kill_sent_) {
    report().fenced = gone;
    end_rung(Rung::fence, gone ? RungResult::done : RungResult::failed, now_ns);
    note(Event::fenced, nullptr, gone ? "verified gone" : "asked to end, not seen gone");
  }
  end_rung(Rung::ask, RungResult::done, now_ns);
  report().halted_ns = std::max<std::uint64_t>(now_ns - report().breach_ns, 1);
  report().active = report().retrying = false;
  report().finished = true;
  p_.witness.set_urgent(false);
  if (report().planned) {
    unlock_lanes();
    state_ = State::locked;
    locked_reason_ = LockedReason::disarmed;
  } else {
    latch_outcome();
    if (report().engine_wide) state_ = next_state(state_, StateEvent::ladder_ended);
  }
  state_since_ns_ = now_ns;
  ScribeEvent event = make_event(report().planned ? Event::disarmed : Event::halted, nullptr);
  event.add("halted_ns", report().halted_ns);
  event.add("proven", report().proven() ? 1 : 0);
  for (const Fate fate : {Fate::acknowledged, Fate::never_left, Fate::refused_by_venue, Fate::unknown, Fate::open})
    event.add(fate_text(fate), report().count(fate));
  static_cast<void>(p_.scribe.event(event));
  answer_waiters(true);
  if (gone) {
    link_.release();
    write_record();
  }
}

void Control::latch_trip(const Peer* peer) {
  LatchMessage message;
  message.op = LatchOp::trip;
  message.now = read_stamp(p_.boot_id);
  LatchRecord& record = message.record;
  const HaltReport& report = book_.report();
  record.wall_ns = report.wall_ns;
  record.monotonic_ns = report.breach_ns;
  record.boot_id = p_.boot_id;
  record.config_hash = p_.config.hash;
  record.arming_generation = generation_;
  record.cause = report.cause;
  record.limit_value = report.first.limit;
  record.observed_value = report.first.observed;
  record.per_ms = report.first.per_ms;
  record.lane = report.engine_wide ? (report.first.lane < p_.config.lanes.size() ? report.first.lane : kLatchEngineScope)
                                   : report.lane;
  record.engine_wide = report.engine_wide ? 1 : 0;
  if (record.lane < p_.config.lanes.size()) {
    const std::string& name = p_.config.lanes[record.lane].name;
    std::copy_n(name.begin(), std::min(name.size(), record.lane_name.size() - 1), record.lane_name.begin());
  }
  if (peer != nullptr) {
    record.actor_uid = peer->uid;
    record.actor_login = peer->login_uid;
  }
  record.fates.open = report.count(Fate::open);
  if (p_.scribe.latch(message).ticket == kNoTicket) note(Event::latch_failed, nullptr, "queue full");
}

void Control::latch_outcome() {
  LatchMessage message;
  message.op = LatchOp::outcome;
  message.now = read_stamp(p_.boot_id);
  LatchRecord& record = message.record;
  const HaltReport& report = book_.report();
  record.fates = {report.count(Fate::acknowledged), report.count(Fate::never_left),
                  report.count(Fate::refused_by_venue), report.count(Fate::unknown), report.count(Fate::open)};
  for (const HaltOrder& order : report.orders) {
    const bool settled = order.fate == Fate::acknowledged || order.fate == Fate::never_left;
    if (settled) continue;
    const OrderFate fate = order.fate == Fate::refused_by_venue ? OrderFate::refused_by_venue : OrderFate::unknown;
    if (record.unresolved_count == kLatchOrders ||
        !make_unresolved(order.cl_ord_id.view(), fate, record.unresolved[record.unresolved_count])) {
      ++record.unlisted;
      continue;
    }
    ++record.unresolved_count;
  }
  if (p_.scribe.latch(message).ticket == kNoTicket) note(Event::latch_failed, nullptr, "queue full");
}

}  // namespace portcullis
