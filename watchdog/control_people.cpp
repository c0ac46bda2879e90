// SPDX-License-Identifier: Apache-2.0
/// @file What people ask of control, and the conditions under which they get it. Stopping needs one condition: who
/// asks may. Everything that leads towards trading has many, is waited for with a deadline, and is refused by default.
#include <fmt/core.h>

#include <algorithm>

#include "shm/clock.hpp"
#include "watchdog/control.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kNsPerS = 1'000'000'000;
constexpr std::uint64_t kArmWaitNs = 2 * kNsPerS;    // for the audit, and for a cycle that judged every limit
constexpr std::uint64_t kLatchWaitNs = 5 * kNsPerS;
constexpr std::uint64_t kWaiterNs = 60 * kNsPerS;    // then a client hears what is known
constexpr std::uint64_t kFreshCycles = 50;           // an evaluation older than this many cycles is none
constexpr std::uint64_t kWitnessFreshNs = kNsPerS;

constexpr int kExitNotProven = 3;
constexpr int kExitPermission = 5;
constexpr int kExitNotRunning = 6;
constexpr int kExitRefused = 7;

std::string done_json(std::string_view text) {
  return fmt::format(R"({{"v":1,"done":true,"ok":true,"exit":0,"text":"{}"}})", text);
}

}  // namespace

std::uint16_t Control::lane_of(const std::string& name) const noexcept {
  for (std::uint16_t lane = 0; lane < p_.config.lanes.size(); ++lane)
    if (p_.config.lanes[lane].name == name) return lane;
  return kEngineScope;
}

void Control::serve(ClientId client, const Request& request, const Peer& peer) {
  if (const Permission permission = p_.people.may(request.command, peer); permission != Permission::granted) {
    ScribeEvent event = make_event(Event::permission_refused, &peer);
    event.add("command", std::string_view(command_name(request.command)));
    event.add("why", std::string_view(permission_name(permission)));
    static_cast<void>(p_.scribe.event(event));
    return server_.refuse(client, kExitPermission, permission_text(permission));
  }
  switch (request.command) {
    case RequestCommand::status: return serve_status(client);
    case RequestCommand::halt: return serve_halt(client, request, peer);
    case RequestCommand::arm: return serve_arm(client, request, peer);
    case RequestCommand::disarm: return serve_disarm(client, request, peer);
    case RequestCommand::clear:
    case RequestCommand::resolve: return serve_latch(client, request, peer);
  }
}

void Control::serve_halt(ClientId client, const Request& request, const Peer& peer) {
  std::uint16_t lane = kEngineScope;
  if (!request.lane.empty()) {
    lane = lane_of(request.lane);
    if (lane == kEngineScope) return server_.refuse(client, kExitNotRunning, "no lane of that name; halt the engine?");
  }
  waiters_.push_back({client, monotonic_now_ns() + kWaiterNs});
  halt_reason_ = request.reason;
  begin_halt(Cause::manual_halt, nullptr, lane, &peer, false);
  halt_reason_ = {};
  answer_waiters(false);
  schedule(monotonic_now_ns());
}

void Control::answer_waiters(bool finished) {
  const std::uint64_t now_ns = monotonic_now_ns();
  const Attachment* attachment = link_.attachment().gate.base != nullptr ? &link_.attachment() : nullptr;
  finished = finished || (have_report_ && (report().finished || report().retrying));
  for (Waiter& waiter : waiters_) {
    if (!finished && now_ns < waiter.deadline_ns) continue;
    server_.answer(waiter.client, render_halt(report(), p_.config, attachment));
    waiter.client = 0;
  }
  std::erase_if(waiters_, [](const Waiter& waiter) { return waiter.client == 0; });
}

/// Everything that stands in the way of arming; empty: nothing does.
std::string Control::arm_refusal() const {
  if (!link_.attached() || link_.dead()) return "no engine is attached";
  if (book_.report().active) return "a halt is running";
  LatchStatus latch;
  if (!p_.scribe.latch_status(latch)) return "the latch cannot be read";
  if (latch.view.unreadable) return "the latch is unreadable: look at the state folder, then: portcullis clear";
  if (latch.view.state == LatchState::latched)
    return fmt::format("latched by {}: portcullis clear comes first", cause_name(latch.view.record.cause));
  if (latch.pending != 0) return "the latch holds something that is not on the disk yet";
  const LatchRecord& record = latch.view.record;
  if (record.unresolved_count != 0)
    return fmt::format("order {} is {}; confirm with the venue, then: portcullis resolve {} {} --as cancelled",
                       record.unresolved[0].id(), fate_name(record.unresolved[0].fate), p_.config.engine,
                       record.unresolved[0].id());
  if (record.unlisted != 0)
    return fmt::format("{} orders without a name have no confirmed fate; confirm with the venue, then: portcullis "
                       "resolve {} unlisted --as cancelled", record.unlisted, p_.config.engine);
  for (std::uint32_t slot = 0; slot < p_.config.sessions.size(); ++slot)
    if (const NextNumbers& numbers = link_.handed(slot); numbers.out != 0)
      return fmt::format("session {}: the engine has to go on with MsgSeqNum {} out and {} in, where the take-over left "
                         "it, or log on with a reset (141=Y)", p_.config.sessions[slot].name, numbers.out, numbers.in);
  const std::uint64_t now_ns = monotonic_now_ns();
  if (const std::uint64_t row = load(p_.board.standing_row); row < p_.config.limits.size())
    return fmt::format("the cause lasts: {} is {}, its bound is {}", p_.config.limits[row].name,
                       load(p_.evaluator.row(row).observed), p_.config.limits[row].value);
  if (load(p_.board.all_evaluated) + kFreshCycles < load(p_.board.cycle)) {
    for (std::size_t i = 0; i < p_.config.limits.size(); ++i) {
      const Result result = p_.evaluator.row(i).result.load(std::memory_order_acquire);
      if (!p_.config.limits[i].off && (result == Result::stale || result == Result::error))
        return fmt::format("limit {} is not being evaluated", p_.config.limits[i].name);
    }
    return "the limits are not being evaluated";
  }
  if (stamp_age_ns(p_.witness.beat_ns(), now_ns) > kWitnessFreshNs) return "the kernel witness does not answer";
  return {};
}

void Control::serve_arm(ClientId client, const Request& request, const Peer& peer) {
  if (arm_.phase != ArmJob::Phase::none) return server_.refuse(client, kExitRefused, "another arming is under way");
  arm_ = ArmJob{};
  arm_.client = client;
  arm_.peer = peer;
  if (const std::string why = arm_refusal(); !why.empty()) return fail_arm(why);
  ScribeEvent event = make_event(Event::armed, &peer);
  event.add("reason", request.reason);
  event.add("config", short_hash(p_.config.hash));
  event.add("engine_pid", link_.process().pid);
  event.add("separated", p_.config.mode == Mode::host ? 1 : 0);
  arm_.receipt = p_.scribe.event(event);
  arm_.deadline_ns = monotonic_now_ns() + kArmWaitNs;
  arm_.phase = ArmJob::Phase::audit;
  schedule(monotonic_now_ns());
}

void Control::fail_arm(std::string_view why) {
  if (arm_.phase == ArmJob::Phase::judged) {
    store(p_.board.armed_generation, 0);
    unlock_lanes();
  }
  ScribeEvent event = make_event(Event::arm_refused, &arm_.peer);
  event.add("why", why);
  static_cast<void>(p_.scribe.event(event));
  server_.refuse(arm_.client, kExitRefused, why);
  arm_ = ArmJob{};
}

void Control::step_arm(std::uint64_t now_ns) {
  if (now_ns > arm_.deadline_ns)
    return fail_arm(arm_.phase == ArmJob::Phase::audit ? "the audit could not be written in time"
                                                       : "the limits were not all evaluated in time");
  if (arm_.phase == ArmJob::Phase::audit) {
    const ScribeResult result = p_.scribe.result(arm_.receipt);
    if (result == ScribeResult::pending) return;
    if (result != ScribeResult::ok) return fail_arm("the audit cannot be written");
    if (const std::string why = arm_refusal(); !why.empty()) return fail_arm(why);
    arm_.generation = ++generation_;
    arm_.cycle = load(p_.board.cycle);
    arm_.phase = ArmJob::Phase::judged;
    const GateView& gate = link_.attachment().gate;
    for (std::uint32_t lane = 0; lane < p_.config.lanes.size(); ++lane) {
      if (gate_state(load(gate.lane(lane).word)) == static_cast<std::uint8_t>(GateState::open)) continue;
      store(gate.lane(lane).cancel_request, 0);
      gate.lane(lane).word.store(gate_word(generation_, GateState::closed), std::memory_order_seq_cst);
    }
    store(p_.board.armed_ns, now_ns);
    store(p_.board.armed_generation, generation_);
    return;
  }
  // two whole cycles began after the arming: the first may have read the words before it
  if (load(p_.board.all_evaluated) < arm_.cycle + 3 || load(p_.board.cycle) < arm_.cycle + 3) return;
  if (const std::string why = arm_refusal(); !why.empty()) return fail_arm(why);
  open_gate();
}

void Control::open_gate() {
  const GateView& gate = link_.attachment().gate;
  bool all = true;
  for (std::uint32_t lane = 0; lane < p_.config.lanes.size(); ++lane) {
    std::uint64_t expected = gate_word(arm_.generation, GateState::closed);
    const bool open = gate_state(load(gate.lane(lane).word)) == static_cast<std::uint8_t>(GateState::open);
    all &= open || gate.lane(lane).word.compare_exchange_strong(
                       expected, gate_word(arm_.generation, GateState::open), std::memory_order_seq_cst);
  }
  if (!all) return fail_arm("a limit was broken while arming");  // the monitor halted a lane: its breach follows
  add_own(gate.header().wake_sequence, 1);
  link_.wake_engine();
  state_ = next_state(state_, StateEvent::armed);
  state_since_ns_ = monotonic_now_ns();
  const std::string text = fmt::format("armed by uid {} config {}", person_behind(arm_.peer), short_hash(p_.config.hash));
  static_cast<void>(p_.notifier.status(text));
  server_.answer(arm_.client, done_json(text), true);
  arm_ = ArmJob{};
}

/// Halted lanes become locked ones; nothing opens.
void Control::unlock_lanes() noexcept {
  if (link_.attachment().gate.base == nullptr) return;
  const GateView& gate = link_.attachment().gate;
  for (std::uint32_t lane = 0; lane < p_.config.lanes.size(); ++lane) {
    GateLane& at = gate.lane(lane);
    const std::uint64_t word = load(at.word);
    if (gate_state(word) == static_cast<std::uint8_t>(GateState::open)) continue;
    store(at.cancel_request, 0);
    at.word.store(gate_word(gate_generation(word), GateState::closed), std::memory_order_seq_cst);
  }
}

void Control::serve_disarm(ClientId client, const Request& request, const Peer& peer) {
  if (!link_.attached() || state_ != State::armed) return server_.refuse(client, kExitRefused, "it is not armed");
  if (report().active) return server_.refuse(client, kExitRefused, "a halt is running");
  note(Event::disarmed, &peer, request.reason.empty() ? "asked" : request.reason);
  waiters_.push_back({client, monotonic_now_ns() + kWaiterNs});
  begin_halt(Cause::none, nullptr, kEngineScope, &peer, true);
  answer_waiters(false);
  schedule(monotonic_now_ns());
}

void Control::serve_latch(ClientId client, const Request& request, const Peer& peer) {
  if (report().active && report().retrying && request.command == RequestCommand::clear) {
    retries_over_ = true;  // people have decided: what the venue refused stays refused
    step_ladder(monotonic_now_ns());
    return server_.refuse(client, kExitRefused, "refused cancels are no longer asked again; clear it when status says halted");
  }
  if (report().active) return server_.refuse(client, kExitRefused, "a halt is running");
  if (latch_.active) return server_.refuse(client, kExitRefused, "the latch is being written");
  LatchMessage message;
  message.actor = {peer.uid, peer.login_uid};
  message.now = read_stamp(p_.boot_id);
  const bool clears = request.command == RequestCommand::clear;
  if (clears) {
    message.op = LatchOp::clear;
  } else if (request.cl_ord_id == "unlisted") {
    message.op = LatchOp::resolve_unlisted;
  } else {
    message.op = LatchOp::resolve;
    message.cl_ord_id_bytes = static_cast<std::uint8_t>(std::min(request.cl_ord_id.size(), kClOrdIdBytes));
    std::copy_n(request.cl_ord_id.begin(), message.cl_ord_id_bytes, message.cl_ord_id.begin());
  }
  ScribeEvent event = make_event(clears ? Event::cleared : Event::resolved, &peer);
  if (clears) {
    event.add("reason", request.reason);
  } else {
    event.add("cl_ord_id", request.cl_ord_id);
    event.add("as", std::string_view(resolve_as_name(request.as)));
  }
  if (p_.scribe.event(event).ticket == kNoTicket) return server_.refuse(client, kExitRefused, "the audit's queue is full");
  latch_ = {true, clears, client, p_.scribe.latch(message), monotonic_now_ns() + kLatchWaitNs};
  schedule(monotonic_now_ns());
}

void Control::step_latch(std::uint64_t now_ns) {
  const ScribeResult result = p_.scribe.result(latch_.receipt);
  if (result == ScribeResult::pending && now_ns < latch_.deadline_ns) return;
  const LatchJob job = latch_;
  latch_ = LatchJob{};
  if (result != ScribeResult::ok)
    return server_.refuse(job.client, kExitRefused,
                          job.clears ? "the latch could not be written; it holds" : "no such unresolved order, or the latch could not be written");
  if (job.clears) {
    if (!report().active) unlock_lanes();
    if (state_ == State::halted) state_ = next_state(state_, StateEvent::cleared);
    if (state_ == State::locked) locked_reason_ = LockedReason::fresh;
    state_since_ns_ = now_ns;
  }
  server_.answer(job.client, done_json(job.clears ? "cleared; it stays locked until armed" : "resolved"), true);
}

RungNotes Control::rung_notes(std::uint32_t slot) const {
  RungNotes notes;
  notes[0] = link_.attached() ? "ready" : "missing: no engine is attached";
  notes[1] = link_.attached() && !link_.dead() ? "ready" : "missing: no engine is attached";
  const auto sever_of = [this](std::uint32_t s) -> std::string {
    if (p_.config.sessions[s].transport != Transport::kernel)
      return fmt::format("missing: transport {}", transport_name(p_.config.sessions[s].transport));
    return link_.registered(s) && p_.witness.held(s) ? "ready" : "missing: no connection is registered";
  };
  notes[4] = link_.attached() && !link_.dead() ? "ready" : "missing: no engine is attached";
  if (slot != kNoSession) {
    notes[2] = takeover_rung_.note(slot, link_);
    notes[3] = sever_of(slot);
    return notes;
  }
  notes[2] = p_.config.sessions.empty() ? "missing: no session is configured" : "ready";
  for (std::uint32_t s = 0; s < p_.config.sessions.size(); ++s)
    if (const std::string one = takeover_rung_.note(s, link_); !one.starts_with("ready"))
      notes[2] = p_.config.sessions[s].name + " " + one;
  notes[3] = p_.config.sessions.empty() ? "missing: no session is configured" : "ready";
  for (std::uint32_t s = 0; s < p_.config.sessions.size(); ++s)
    if (const std::string one = sever_of(s); one != "ready") notes[3] = p_.config.sessions[s].name + " " + one;
  return notes;
}

void Control::serve_status(ClientId client) {
  const ScribeCounters& scribe = p_.scribe.counters();
  LatchStatus latch;
  const bool latch_known = p_.scribe.latch_status(latch);
  StatusView view{.config = p_.config, .board = p_.board, .evaluator = p_.evaluator};
  view.attachment = link_.attached() ? &link_.attachment() : nullptr;
  view.halt = have_report_ ? &report() : nullptr;
  view.latch = latch_known ? &latch.view : nullptr;
  view.state = state_name(state_);
  if (state_ == State::locked) view.locked_reason = locked_reason_name(locked_reason_);
  view.state_since_ns = state_since_ns_;
  view.now_ns = monotonic_now_ns();
  view.engine_pid = link_.attached() ? link_.process().pid : 0;
  view.separated = p_.config.mode == Mode::host && link_.engine_uid() != p_.people.own_uid;
  view.separation_note = view.separated ? "" : "not separated: engine and supervisor are one user";
  view.arm_refusal = arm_refusal();
  view.rungs = rung_notes(kNoSession);
  for (std::uint32_t slot = 0; slot < p_.config.sessions.size(); ++slot) {
    SessionView& session = view.sessions[slot];
    session.registered = link_.attached() && link_.registered(slot);
    session.sampled = session.registered && p_.witness.sample(slot, session.sample);
    const bool over = session.sampled && session.sample.state != SessionState::live;  // gone, and the engine has not said so
    session.registered = session.registered && !over;
    session.ended = over || (link_.attached() && !session.registered && link_.opened(slot));
    session.rungs = rung_notes(slot);
    session.next_out_seq_num = link_.handed(slot).out;
    session.next_in_seq_num = link_.handed(slot).in;
  }
  view.warnings = p_.warnings;
  if (link_.attached() && last_census_.state == CensusState::unavailable)
    view.warnings.emplace_back("the engine's sockets cannot be listed (permission)");
  if (load(scribe.audit_failures) != 0) view.warnings.emplace_back("the audit could not be written");
  if (load(scribe.takeover_failures) != 0) view.warnings.emplace_back("the log of a take-over could not be written");
  if (load(scribe.latch_failures) != 0) view.warnings.emplace_back("the latch could not be written");
  view.counters = {{"audit_failures", load(scribe.audit_failures)}, {"latch_failures", load(scribe.latch_failures)},
                   {"record_failures", load(scribe.record_failures)}, {"takeover_failures", load(scribe.takeover_failures)},
                   {"takeover_log_lost_bytes", p_.takeover_log.lost_bytes()}, {"queue_overflows", load(scribe.queue_overflows)},
                   {"scribe_waiting", p_.scribe.waiting()}, {"requests", server_.counters().requests},
                   {"malformed_requests", server_.counters().malformed}, {"strangers", server_.counters().strangers}};
  server_.answer(client, render_status(view));
}

}  // namespace portcullis
