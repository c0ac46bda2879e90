// SPDX-License-Identifier: Apache-2.0
#include "watchdog/takeover_session.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace portcullis {
namespace {

constexpr std::uint64_t kSettleNs = 200'000;  // ten times what a write under way needs to end on a stopped thread
constexpr int kReadsPerRound = 64;            // a flood must not keep the witness from its other sessions
constexpr int kWritesPerRound = 64;

}  // namespace

const char* takeover_obstacle_name(TakeoverObstacle obstacle) noexcept {
  switch (obstacle) {
    case TakeoverObstacle::none: return "none";
    case TakeoverObstacle::no_session: return "no_session";
    case TakeoverObstacle::not_established: return "not_established";
    case TakeoverObstacle::undeclared_bytes: return "undeclared_bytes";
    case TakeoverObstacle::still_moving: return "still_moving";
    case TakeoverObstacle::backlog: return "backlog";
    case TakeoverObstacle::unreadable: return "unreadable";
    case TakeoverObstacle::start: return "start";
  }
  return "?";
}

TakeoverSession::TakeoverSession(std::uint32_t orders_max, TakeoverLog& log)
    : dialogue_(std::min(orders_max, kTakeoverOrdersMax)), log_(log) {
  const std::size_t room = std::min(orders_max, kTakeoverOrdersMax);
  orders_.reserve(room);
  this_epoch_.reserve(room);
  left_.reserve(room);
  left_index_.reserve(room);
  outcomes_ = std::make_unique<Outcome[]>(room);
}

void TakeoverSession::prepare(const TakeoverPlan& plan, const MessageEndRing& ring, std::uint64_t epoch,
                              std::uint64_t backlog_bytes) noexcept {
  plan_ = plan;
  ring_ = ring;
  epoch_ = epoch;
  backlog_bytes_ = backlog_bytes;
  orders_.clear();
  this_epoch_.clear();
  full_ = false;
  state_ = TakeoverState::settling;
  obstacle_ = TakeoverObstacle::none;
  start_ = TakeoverStart::ok;
  own_bytes_ = engine_bytes_ = changes_seen_ = 0;
  status_.publish({});
}

bool TakeoverSession::add(const TakeoverOrder& order, bool this_epoch) noexcept {
  if (orders_.size() == orders_.capacity()) full_ = true;
  if (full_) return false;
  Outcome& outcome = outcomes_[orders_.size()];
  outcome.fate.store(static_cast<std::uint8_t>(Fate::open), std::memory_order_relaxed);
  outcome.cum_qty.store(order.cum_qty, std::memory_order_relaxed);
  orders_.push_back(order);
  this_epoch_.push_back(this_epoch ? 1 : 0);
  return true;
}

Fate TakeoverSession::fate(std::uint32_t i) const noexcept {
  return static_cast<Fate>(outcomes_[i].fate.load(std::memory_order_acquire));
}

std::int64_t TakeoverSession::cum_qty(std::uint32_t i) const noexcept {
  return outcomes_[i].cum_qty.load(std::memory_order_acquire);
}

void TakeoverSession::start(std::uint32_t slot, const WitnessSample& sample, std::uint64_t now_ns) noexcept {
  slot_ = slot;
  state_ = TakeoverState::settling;
  settle_until_ns_ = now_ns + kSettleNs;
  engine_bytes_ = sample.accepted_bytes;
  publish(false);
}

void TakeoverSession::round(int fd, const WitnessSample& sample, std::uint64_t now_ns) noexcept {
  if (sample.accepted_bytes > engine_bytes_ + own_bytes_) {  // not us; a reading that is not at rest can only be too low
    if (state_ == TakeoverState::settling) return obstacle(TakeoverObstacle::still_moving);
    state_ = TakeoverState::intruded;
    return publish(true);
  }
  if (state_ == TakeoverState::settling) {
    if (now_ns < settle_until_ns_) return;
    begin(sample, now_ns);
  }
  if (state_ != TakeoverState::speaking) return;
  bool alive = listen(fd, now_ns);
  dialogue_.step(now_ns);
  alive = speak(fd, now_ns) && alive;
  if (!alive) return lost(now_ns);
  if (dialogue_.report().phase == TakeoverPhase::done) state_ = TakeoverState::ended;
  publish(true);
}

void TakeoverSession::begin(const WitnessSample& sample, std::uint64_t now_ns) noexcept {
  if (sample.state != SessionState::live || sample.epoch != epoch_) return obstacle(TakeoverObstacle::no_session);
  if (sample.tcp_state != TcpState::established) return obstacle(TakeoverObstacle::not_established);
  if (sample.undeclared_max_bytes != 0) return obstacle(TakeoverObstacle::undeclared_bytes);
  if (sample.accepted_bytes - sample.acked_bytes > backlog_bytes_) return obstacle(TakeoverObstacle::backlog);
  start_ = TakeoverStart::too_many_orders;
  if (full_) return obstacle(TakeoverObstacle::start);
  plan_.boundary = find_boundary(ring_, sample.accepted_bytes);
  choose_orders(plan_.boundary.left_bytes());
  plan_.orders = left_;
  start_ = dialogue_.begin(plan_, now_ns);
  if (start_ != TakeoverStart::ok) return obstacle(TakeoverObstacle::start);
  state_ = TakeoverState::speaking;
  for (std::uint32_t i = 0; i < orders_.size(); ++i)  // by the kernel's final count: their bytes stayed here
    if (this_epoch_[i] != 0 && orders_[i].msg_end_byte > plan_.boundary.left_bytes())
      outcomes_[i].fate.store(static_cast<std::uint8_t>(Fate::never_left), std::memory_order_release);
}

/// An order of an earlier connection left, for all that is known now.
void TakeoverSession::choose_orders(std::uint64_t left_bytes) noexcept {
  left_.clear();
  left_index_.clear();
  for (std::uint32_t i = 0; i < orders_.size(); ++i) {
    if (this_epoch_[i] != 0 && orders_[i].msg_end_byte > left_bytes) continue;
    left_.push_back(orders_[i]);
    left_index_.push_back(i);
  }
}

/// False: the venue's end of the stream, or the connection's.
bool TakeoverSession::listen(int fd, std::uint64_t now_ns) noexcept {
  for (int i = 0; i < kReadsPerRound; ++i) {
    const std::span<char> room = dialogue_.room();
    if (room.empty()) {
      dialogue_.step(now_ns);
      if (dialogue_.room().empty()) return true;
      continue;
    }
    const ssize_t got = recv(fd, room.data(), room.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (got > 0) {
      log_.put(slot_, TakeoverLog::Direction::in, now_ns, {room.data(), static_cast<std::size_t>(got)});
      dialogue_.received(static_cast<std::size_t>(got));
      if (static_cast<std::size_t>(got) < room.size()) return true;
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }
  return true;
}

bool TakeoverSession::speak(int fd, std::uint64_t now_ns) noexcept {
  for (int i = 0; i < kWritesPerRound; ++i) {
    const std::span<const char> bytes = dialogue_.output();
    if (bytes.empty()) return true;
    const ssize_t taken = send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken > 0) {
      log_.put(slot_, TakeoverLog::Direction::out, now_ns, {bytes.data(), static_cast<std::size_t>(taken)});
      own_bytes_ += static_cast<std::uint64_t>(taken);
      dialogue_.written(static_cast<std::size_t>(taken));
      dialogue_.step(now_ns);  // the pace may allow more, and there is room again
      continue;
    }
    if (taken < 0 && errno == EINTR) continue;
    return taken < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }
  return true;
}

void TakeoverSession::lost(std::uint64_t now_ns) noexcept {
  if (state_ == TakeoverState::settling) return obstacle(TakeoverObstacle::no_session);
  if (state_ != TakeoverState::speaking) return;
  dialogue_.connection_ended();
  dialogue_.step(now_ns);
  state_ = TakeoverState::ended;
  publish(true);
}

void TakeoverSession::obstacle(TakeoverObstacle what) noexcept {
  obstacle_ = what;
  state_ = TakeoverState::impossible;
  publish(false);
}

/// Fates first, the report behind them: who sees its `changes` sees them too.
void TakeoverSession::publish(bool fates) noexcept {
  TakeoverStatus status;
  status.state = state_;
  status.obstacle = obstacle_;
  status.start = start_;
  status.boundary = plan_.boundary.kind;
  status.engine_bytes = engine_bytes_;
  status.own_bytes = own_bytes_;
  if (fates) {
    status.report = dialogue_.report();
    if (status.report.changes != changes_seen_) {
      changes_seen_ = status.report.changes;
      for (std::uint32_t i = 0; i < left_index_.size(); ++i) {
        const TakeoverOutcome& outcome = dialogue_.outcome(i);
        Outcome& to = outcomes_[left_index_[i]];
        to.cum_qty.store(outcome.cum_qty, std::memory_order_relaxed);
        to.fate.store(static_cast<std::uint8_t>(outcome.fate), std::memory_order_release);
      }
    }
  }
  status_.publish(status);
}

}  // namespace portcullis
