// SPDX-License-Identifier: Apache-2.0
#include "watchdog/control.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "shm/clock.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kRestTickNs = 20 * kNsPerMs;  // nothing runs: only the beat and the watchdog
constexpr std::uint64_t kBusyTickNs = kNsPerMs / 5;   // a ladder or an arming runs
constexpr std::uint64_t kSpeakingTickNs = 2 * kNsPerMs;  // a take-over runs: the witness says when it has ended
constexpr std::uint64_t kCensusEveryNs = 1'000 * kNsPerMs;
constexpr std::uint64_t kCensusConfirmSoonNs = 120 * kNsPerMs;

void drain(int fd) noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(fd, &count, sizeof count);
}

}  // namespace

Control::Control(Parts parts)
    : p_(std::move(parts)),
      server_(p_.people, [this](ClientId c, const Request& r, const Peer& peer) { serve(c, r, peer); }),
      link_(p_.config, p_.board, p_.witness, *this),
      book_(p_.config.capacities),
      takeover_rung_(p_.config, p_.witness, p_.takeover_log) {
  waiters_.reserve(2 * kClientsPerSocket);
}

Control::~Control() {
  sd_event_source_unref(tick_source_);
  sd_event_unref(loop_);
}

std::string Control::start() {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGTERM);
  sigaddset(&mask, SIGINT);
  pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  if (sd_event_new(&loop_) < 0) return "no event loop";
  const std::uint64_t now_ns = monotonic_now_ns();
  store(p_.board.control_beat_ns, now_ns);
  if (sd_event_add_io(loop_, nullptr, p_.wake_fd, EPOLLIN, &Control::on_wake, this) < 0 ||
      sd_event_add_io(loop_, nullptr, p_.done_fd, EPOLLIN, &Control::on_done, this) < 0 ||
      sd_event_add_signal(loop_, nullptr, SIGTERM, &Control::on_signal, this) < 0 ||
      sd_event_add_signal(loop_, nullptr, SIGINT, &Control::on_signal, this) < 0 ||
      sd_event_add_time(loop_, &tick_source_, CLOCK_MONOTONIC, now_ns / 1'000, 1, &Control::on_tick, this) < 0)
    return "the event loop refused a source";
  if (const ServerError e = server_.start(loop_, p_.config.run_dir, p_.config.engine); e != ServerError::ok)
    return server_error_text(e);
  if (const int r = link_.start(loop_, p_.people.engine_uid); r < 0)
    return std::string("cannot listen for the engine: ") + strerror(-r);
  LatchStatus latch;
  if (p_.scribe.latch_status(latch) && latch.view.state == LatchState::latched) {
    locked_reason_ = latch.view.unreadable ? LockedReason::unreadable : LockedReason::latched;
    if (latch.view.unreadable) note(Event::latch_unreadable);
  }
  state_since_ns_ = now_ns;
  return {};
}

int Control::run() {
  int code = kExitOk;
  const int r = sd_event_loop(loop_);
  code = r < 0 ? kExitUnavailable : r;
  return code;
}

void Control::leave(int code) {
  if (link_.attached()) close_gate(kEngineScope);
  static_cast<void>(p_.notifier.stopping());
  sd_event_exit(loop_, code);
}

int Control::on_signal(sd_event_source*, const signalfd_siginfo*, void* self) {
  static_cast<Control*>(self)->leave(kExitOk);
  return 0;
}

int Control::on_done(sd_event_source*, int fd, std::uint32_t, void* self_ptr) {
  auto& self = *static_cast<Control*>(self_ptr);
  drain(fd);
  self.link_.serve_tickets();
  self.tick(monotonic_now_ns());
  return 0;
}

int Control::on_wake(sd_event_source*, int fd, std::uint32_t, void* self_ptr) {
  auto& self = *static_cast<Control*>(self_ptr);
  drain(fd);
  Board& board = self.p_.board;
  if (const std::uint64_t late_ns = load(board.supervisor_late); late_ns != 0) {
    ScribeEvent event = self.make_event(Event::supervisor_late, nullptr);
    event.add("late_ns", late_ns);
    static_cast<void>(self.p_.scribe.event(event));
    self.leave(kExitLate);
    return 0;
  }
  while (load(board.breach_taken) != load(board.breach_count)) {
    const Breach breach = board.breaches[load(board.breach_taken) % kBreachRing];
    add_own(board.breach_taken, 1);
    const bool one_lane = breach.action == Action::halt_lane && breach.lane < self.p_.config.lanes.size();
    self.begin_halt(cause_of(breach.kind), &breach, one_lane ? breach.lane : kEngineScope, nullptr, false);
  }
  if (load(board.lease_lost) != 0) self.lose_lease();
  self.tick(monotonic_now_ns());
  return 0;
}

int Control::on_tick(sd_event_source*, std::uint64_t, void* self) {
  static_cast<Control*>(self)->tick(monotonic_now_ns());
  return 0;
}

void Control::tick(std::uint64_t now_ns) {
  store(p_.board.control_beat_ns, now_ns);
  if (report().active) step_ladder(now_ns);
  if (arm_.phase != ArmJob::Phase::none) step_arm(now_ns);
  if (latch_.active) step_latch(now_ns);
  settle_numbers();
  if (link_.attached() && now_ns >= next_census_ns_) take_census(now_ns);
  answer_waiters(false);
  feed_watchdog(now_ns);
  schedule(now_ns);
}

void Control::schedule(std::uint64_t now_ns) {
  const bool busy = report().active || arm_.phase != ArmJob::Phase::none || latch_.active;
  const std::uint64_t lease_quarter_ns = std::uint64_t{p_.config.supervisor.lease_ms} * kNsPerMs / 4;
  const bool speaking = report().active && ladder_.rung == Rung::take_over && takeover_.begun;
  const std::uint64_t wait_ns = speaking ? kSpeakingTickNs : busy ? kBusyTickNs : std::min(kRestTickNs, lease_quarter_ns);
  sd_event_source_set_time(tick_source_, (now_ns + wait_ns) / 1'000);
  sd_event_source_set_enabled(tick_source_, SD_EVENT_ONESHOT);
}

/// A lost lease closes and asks, and leaves no latch: the engine is locked until people arm it.
void Control::lose_lease() {
  if (report().active || state_ != State::armed) return;
  store(p_.board.armed_generation, 0);
  close_gate(kEngineScope);
  for (std::uint32_t lane = 0; lane < p_.config.lanes.size(); ++lane)
    store(link_.attachment().gate.lane(lane).cancel_request, ++cancel_sequence_);
  add_own(link_.attachment().gate.header().wake_sequence, 1);
  link_.wake_engine();
  ScribeEvent event = make_event(Event::lease_lost, nullptr);
  event.add("lanes", load(p_.board.lease_lost));
  event.add("worst_late_ns", load(p_.board.worst_late_ns));
  static_cast<void>(p_.scribe.event(event));
  state_ = next_state(state_, StateEvent::lease_lost);
  locked_reason_ = LockedReason::lease_lost;
  state_since_ns_ = monotonic_now_ns();
}

void Control::take_census(std::uint64_t now_ns) {
  std::array<std::uint64_t, kSessionsMax> inodes{};
  std::size_t count = 0;
  for (std::uint32_t slot = 0; slot < kSessionsMax; ++slot)
    if (link_.inode(slot) != 0) inodes[count++] = link_.inode(slot);
  const CensusRules rules{inodes.data(), count, p_.config.allowed_sockets.data(), p_.config.allowed_sockets.size(),
                          kCensusConfirmNs};
  next_census_ns_ = now_ns + kCensusEveryNs;
  if (is_gone(link_.process())) return;
  const CensusReport taken = census_.take(link_.process().pid, rules, now_ns);
  if (is_gone(link_.process())) return;  // the answer may be about another process
  last_census_ = taken;
  const bool failed = taken.state == CensusState::unavailable;
  const std::uint64_t sockets = taken.state == CensusState::too_many ? UINT32_MAX : taken.unregistered;
  store(p_.board.census, sockets | (failed ? std::uint64_t{1} << 32U : 0));
  store(p_.board.census_ns, now_ns);
  if (taken.unconfirmed != 0) next_census_ns_ = now_ns + kCensusConfirmSoonNs;
}

void Control::feed_watchdog(std::uint64_t now_ns) {
  if (p_.notifier.watchdog_ns() == 0 || now_ns < next_watchdog_ns_) return;
  next_watchdog_ns_ = now_ns + p_.notifier.watchdog_ns() / 3;
  const std::uint64_t cycle = load(p_.board.cycle);
  const bool judged = !link_.attached() || load(p_.board.all_evaluated) > watchdog_cycle_;
  if (cycle == watchdog_cycle_ || !judged) return;  // the monitor stands, or a limit was not evaluated
  watchdog_cycle_ = cycle;
  static_cast<void>(p_.notifier.watchdog());
}

ScribeEvent Control::make_event(Event event, const Peer* peer) const noexcept {
  ScribeEvent out;
  out.event = event;
  out.when = read_stamp(p_.boot_id);
  if (peer != nullptr) {
    out.uid = peer->uid;
    out.login = peer->login_uid;
  }
  return out;
}

void Control::note(Event event, const Peer* peer, std::string_view text, std::uint16_t lane) {
  ScribeEvent out = make_event(event, peer);
  if (!text.empty()) out.add("text", text);
  if (lane != kEngineScope && lane < p_.config.lanes.size()) out.add("lane", p_.config.lanes[lane].name);
  static_cast<void>(p_.scribe.event(out));  // a full queue is counted by the scribe and shown by status
}

void Control::engine_attached(bool again) {
  next_census_ns_ = 0;
  frozen_ = kill_sent_ = false;
  if (state_ == State::armed) state_ = State::locked;
  ScribeEvent event = make_event(again ? Event::reattached : Event::attached, nullptr);
  event.add("engine_pid", link_.process().pid);
  event.add("engine_uid", link_.engine_uid());
  static_cast<void>(p_.scribe.event(event));
  write_record();
}

void Control::engine_refused(AttachStatus status, std::uint32_t uid, std::int32_t pid) {
  ScribeEvent event = make_event(Event::attach_refused, nullptr);
  event.add("status", static_cast<std::uint32_t>(status));
  event.add("peer_uid", uid);
  event.add("peer_pid", pid);
  static_cast<void>(p_.scribe.event(event));
}

void Control::engine_gone(bool dead) {
  if (dead) store(p_.board.engine_dead, 1);
  ScribeEvent event = make_event(dead ? Event::engine_died : Event::detached, nullptr);
  event.add("open_orders", open_orders());
  event.add("connection_lost", dead ? 0 : 1);
  static_cast<void>(p_.scribe.event(event));
  if (report().active) return;  // the ladder goes on with what it now knows
  if (state_ == State::armed || open_orders() != 0) {
    begin_halt(dead ? Cause::death : Cause::protocol, nullptr, kEngineScope, nullptr, false);
  } else {
    close_gate(kEngineScope);
    link_.release();
    write_record();
  }
}

AttachStatus Control::engine_detaches(std::uint32_t keep) {
  close_gate(kEngineScope);
  store(p_.board.armed_generation, 0);
  if (open_orders() != 0 || report().active) return AttachStatus::open_orders;
  ScribeEvent event = make_event(Event::detached, nullptr);
  event.add("keep", keep);
  static_cast<void>(p_.scribe.event(event));
  if (state_ == State::armed) {
    state_ = State::locked;
    locked_reason_ = LockedReason::fresh;
    state_since_ns_ = monotonic_now_ns();
  }
  return AttachStatus::ok;
}

void Control::session_changed(std::uint32_t slot, bool opened) {
  ScribeEvent event = make_event(opened ? Event::session_registered : Event::session_ended, nullptr);
  event.add("session", p_.config.sessions[slot].name);
  static_cast<void>(p_.scribe.event(event));
  write_record();
  next_census_ns_ = 0;
}

void Control::owner_died(std::uint32_t lane) {
  if (state_ != State::armed) return note(Event::engine_died, nullptr, "owner", static_cast<std::uint16_t>(lane));
  begin_halt(Cause::death, nullptr, static_cast<std::uint16_t>(lane), nullptr, false);
}

/// The run folder's record: what the CLI needs to fence without us.
void Control::write_record() {
  if (!link_.attached()) {  // nobody to fence: the file goes
    static_cast<void>(p_.scribe.record({}));
    return;
  }
  nlohmann::json record = {{"v", 1}, {"engine", p_.config.engine},
                           {"supervisor", {{"pid", getpid()}, {"start_ticks", read_start_ticks(getpid())}}}};
  record["engine_process"] = {{"pid", link_.process().pid}, {"start_ticks", link_.process().start_ticks}};
  nlohmann::json& sessions = record["sessions"] = nlohmann::json::array();
  nlohmann::json& contacts = record["contact"] = nlohmann::json::array();
  for (std::uint32_t slot = 0; slot < p_.config.sessions.size(); ++slot) {
    if (!p_.config.sessions[slot].contact.empty()) contacts.push_back(p_.config.sessions[slot].contact);
    if (link_.inode(slot) == 0) continue;
    const TcpAddresses& at = p_.witness.identity(slot).addresses;
    sessions.push_back({{"name", p_.config.sessions[slot].name}, {"inode", link_.inode(slot)},
                        {"local", at.local}, {"remote", at.remote}});
  }
  static_cast<void>(p_.scribe.record(record.dump()));
}

}  // namespace portcullis
