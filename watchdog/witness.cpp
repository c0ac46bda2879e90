// SPDX-License-Identifier: Apache-2.0
#include "watchdog/witness.hpp"

#include <sys/stat.h>

#include <cstdlib>

#include "shm/clock.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kIdleSleepNs =
    100'000'000;  // with no session there is nothing to read; commands wake it
// acknowledgements of a busy stream come in bursts; what must be exact is read until none came in between
constexpr int kTries = 4;
constexpr int kTriesAtRest = 100;
constexpr std::uint64_t kLastWaitNs = 1'000'000'000;

/// Epoch first: the hook zeroes declared_bytes before it stores the epoch.
Declared read_declared(const SessionBlock& block, std::uint64_t own_bytes) noexcept {
  Declared declared;
  declared.epoch = load(block.epoch);
  declared.bytes = load(block.declared_bytes) + own_bytes;
  return declared;
}

WitnessResult to_result(TcpError error) noexcept {
  switch (error) {
    case TcpError::ok: return WitnessResult::ok;
    case TcpError::not_tcp: return WitnessResult::not_tcp;
    case TcpError::not_connected: return WitnessResult::not_connected;
    case TcpError::busy:
    case TcpError::not_closed: return WitnessResult::not_reset;
    case TcpError::failed: return WitnessResult::failed;
  }
  return WitnessResult::failed;
}

}  // namespace

const char* witness_result_name(WitnessResult result) noexcept {
  switch (result) {
    case WitnessResult::pending: return "pending";
    case WitnessResult::ok: return "ok";
    case WitnessResult::not_tcp: return "not_tcp";
    case WitnessResult::not_connected: return "not_connected";
    case WitnessResult::slot_in_use: return "slot_in_use";
    case WitnessResult::bad_slot: return "bad_slot";
    case WitnessResult::no_session: return "no_session";
    case WitnessResult::not_reset: return "not_reset";
    case WitnessResult::failed: return "failed";
    case WitnessResult::lost: return "lost";
  }
  return "?";
}

Witness::~Witness() {
  if (!stop(kLastWaitNs)) std::abort();  // its memory would vanish under the stuck thread
}

ThreadError Witness::start(const WitnessOptions& options) noexcept {
  if (thread_.started()) return ThreadError::running;
  options_ = options;
  return thread_.start(
      "witness", [](void* self) { static_cast<Witness*>(self)->run(); }, this);
}

bool Witness::stop(std::uint64_t timeout_ns) noexcept {
  if (!thread_.stop(timeout_ns)) return false;
  while (Command* command = commands_.front()) {  // never served: nobody else closes these
    UniqueFd(command->fd).reset();
    commands_.finish(WitnessResult::lost);
  }
  for (std::uint32_t slot = 0; slot < kSessionsMax; ++slot) {
    if (sessions_[slot].socket.valid()) end(slot, SessionState::dropped);
    held_[slot].store(0, std::memory_order_release);
  }
  return true;
}

Ticket Witness::queue(const Command& command) noexcept {
  Command* place = commands_.reserve();
  if (place == nullptr) return kNoTicket;
  *place = command;
  const Ticket ticket = commands_.commit();
  thread_.wake();
  return ticket;
}

Ticket Witness::adopt(std::uint32_t slot, std::uint64_t epoch, const SessionBlock& block,
                      UniqueFd&& socket) noexcept {
  if (slot < kSessionsMax) held_[slot].fetch_add(1, std::memory_order_acq_rel);
  const Ticket ticket = queue({Op::adopt, slot, epoch, &block, socket.get(), nullptr});
  if (ticket != kNoTicket)
    static_cast<void>(socket.release());
  else if (slot < kSessionsMax)
    held_[slot].fetch_sub(1, std::memory_order_acq_rel);
  return ticket;
}

Ticket Witness::drop(std::uint32_t slot) noexcept { return queue({.op = Op::drop, .slot = slot}); }
Ticket Witness::reset(std::uint32_t slot) noexcept { return queue({.op = Op::reset, .slot = slot}); }
Ticket Witness::take_over(std::uint32_t slot, TakeoverSession& takeover) noexcept {
  return queue({.op = Op::take_over, .slot = slot, .takeover = &takeover});
}

bool Witness::sample(std::uint32_t slot, WitnessSample& out) const noexcept {
  return slot < kSessionsMax && samples_[slot].try_load(out);
}

bool Witness::held(std::uint32_t slot) const noexcept {
  return slot < kSessionsMax && held_[slot].load(std::memory_order_acquire) != 0;
}

void Witness::set_urgent(bool urgent) noexcept {
  urgent_.store(urgent, std::memory_order_release);
  if (urgent) thread_.wake();
}

void Witness::run() noexcept {
  while (!thread_.stopping()) {
    const std::uint64_t begin_ns = monotonic_now_ns();
    store(beat_ns_, begin_ns);
    serve_commands();
    bool any = false;
    for (std::uint32_t slot = 0; slot < kSessionsMax; ++slot) {
      if (!sessions_[slot].socket.valid()) continue;
      poll(slot);
      any = true;
    }
    const std::uint64_t period_ns = !any                                      ? kIdleSleepNs
                                    : urgent_.load(std::memory_order_acquire) ? options_.urgent_poll_ns
                                                                              : options_.poll_ns;
    const std::uint64_t used_ns = monotonic_now_ns() - begin_ns;
    if (commands_.waiting() == 0) thread_.sleep(used_ns < period_ns ? period_ns - used_ns : 0);
  }
}

void Witness::serve_commands() noexcept {
  while (Command* command = commands_.front()) {
    const WitnessResult result = serve(*command);
    commands_.finish(result);
    notify_eventfd(options_.done_eventfd);
  }
}

WitnessResult Witness::serve(Command& command) noexcept {
  UniqueFd socket(command.fd);
  if (command.slot >= kSessionsMax) return WitnessResult::bad_slot;
  switch (command.op) {
    case Op::adopt: {
      const WitnessResult result = take(command, std::move(socket));
      if (result != WitnessResult::ok) held_[command.slot].fetch_sub(1, std::memory_order_acq_rel);
      return result;
    }
    case Op::drop:
      if (!sessions_[command.slot].socket.valid()) return WitnessResult::no_session;
      end(command.slot, SessionState::dropped);
      return WitnessResult::ok;
    case Op::reset:
      if (!sessions_[command.slot].socket.valid()) return WitnessResult::no_session;
      return end_by_reset(command.slot);
    case Op::take_over:
      if (!sessions_[command.slot].socket.valid()) return WitnessResult::no_session;
      return begin_take_over(command.slot, *command.takeover);
  }
  return WitnessResult::failed;
}

WitnessResult Witness::take(Command& command, UniqueFd socket) noexcept {
  Session& session = sessions_[command.slot];
  if (session.socket.valid()) return WitnessResult::slot_in_use;
  const TcpError checked = check_tcp(socket.get());
  if (checked != TcpError::ok) return to_result(checked);
  SessionIdentity identity;
  struct stat about {};
  if (fstat(socket.get(), &about) != 0) return WitnessResult::failed;
  identity.inode = about.st_ino;
  if (read_addresses(socket.get(), identity.addresses) != TcpError::ok) return WitnessResult::not_connected;
  TcpCounts counts;
  const std::uint64_t now_ns = monotonic_now_ns();
  if (read_tcp(socket.get(), counts, kTriesAtRest) != TcpError::ok || !counts.at_rest)
    return WitnessResult::failed;
  if (counts.state != TcpState::established) return WitnessResult::not_connected;
  session.last = first_sample(command.epoch, counts, read_declared(*command.block, 0), now_ns);
  session.block = command.block;
  session.socket = std::move(socket);
  identities_[command.slot] = identity;
  samples_[command.slot].publish(session.last);
  return WitnessResult::ok;
}

/// The engine's part of the stream ends at the count that is read here.
WitnessResult Witness::begin_take_over(std::uint32_t slot, TakeoverSession& takeover) noexcept {
  Session& session = sessions_[slot];
  renew(session, kTriesAtRest);
  takeover.start(slot, session.last, monotonic_now_ns());
  session.takeover = &takeover;
  return WitnessResult::ok;
}

void Witness::poll(std::uint32_t slot) noexcept {
  Session& session = sessions_[slot];
  renew(session, session.takeover != nullptr ? kTriesAtRest : kTries);
  if (session.last.state != SessionState::live) return end(slot, session.last.state);
  samples_[slot].publish(session.last);
  if (session.takeover == nullptr || !session.takeover->running()) return;
  session.takeover->round(session.socket.get(), session.last, monotonic_now_ns());
  if (!session.takeover->running()) notify_eventfd(options_.done_eventfd);
}

void Witness::renew(Session& session, int tries) noexcept {
  TcpCounts counts;
  const std::uint64_t now_ns = monotonic_now_ns();
  const std::uint64_t own_bytes = session.takeover != nullptr ? session.takeover->own_bytes() : 0;
  session.last.own_bytes = own_bytes;
  if (read_tcp(session.socket.get(), counts, tries) == TcpError::ok)
    session.last = next_sample(session.last, counts, read_declared(*session.block, own_bytes), now_ns);
  else
    ++session.last.errors;  // the sample keeps its age
}

WitnessResult Witness::end_by_reset(std::uint32_t slot) noexcept {
  Session& session = sessions_[slot];
  static_cast<void>(stop_accepting(session.socket.get()));  // fails on a connection that is gone already
  renew(session, kTriesAtRest);
  const TcpError error = reset_tcp(session.socket.get());
  if (error == TcpError::failed) return WitnessResult::failed;
  if (error != TcpError::ok) return WitnessResult::not_reset;
  session.last.tcp_state = TcpState::close;
  end(slot, SessionState::reset);
  return WitnessResult::ok;
}

void Witness::end(std::uint32_t slot, SessionState state) noexcept {
  Session& session = sessions_[slot];
  session.last.state = state;
  if (session.takeover != nullptr) session.takeover->lost(monotonic_now_ns());
  session.takeover = nullptr;
  samples_[slot].publish(session.last);
  session.socket.reset();
  session.block = nullptr;
  held_[slot].fetch_sub(1, std::memory_order_acq_rel);
}

}  // namespace portcullis
