// SPDX-License-Identifier: Apache-2.0
/// @file Reading, writing and closing of one connection.
#include "tests/venue/connection.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace portcullis {
namespace venue {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;      // small enough to serve eight sessions fairly
constexpr std::size_t kMaxOutBytes = 256UL << 20;  // an engine that reads nothing is cut off here
constexpr std::size_t kMaxInBytes = 8UL << 20;     // bytes that never become a message
constexpr std::int64_t kDrainNs = 5000000000;      // how long a peer may take to close after our FIN

}  // namespace

Connection::Connection(int fd, unsigned number, ConnectionOwner& owner, PollLoop& loop, LogWriter& log)
    : fd_(fd), number_(number), owner_(owner), loop_(loop), log_(log) {
  loop_.watch(fd_, *this, EPOLLIN);
}

Connection::~Connection() { die(); }

bool Connection::send(const std::string& message) {
  if (state_ != State::open) return false;
  owner_.write_message(*this, message, out_);
  return true;
}

void Connection::disconnect() {
  if (state_ == State::open) state_ = State::closing;
}

void Connection::reset() {
  if (state_ == State::dead) return;
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  die();
}

void Connection::die() {
  if (state_ == State::dead) return;
  state_ = State::dead;
  loop_.forget(fd_);
  close(fd_);
  log_.connection_closed(number_);
}

void Connection::on_ready(std::uint32_t events) {
  if (state_ == State::dead) return;
  if ((events & EPOLLIN) != 0) return read_some();
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) drain_after_error();
}

void Connection::read_some() {
  char buffer[kReadBytes];
  const std::size_t want =
      state_ == State::open ? std::min(kReadBytes, owner_.read_allowance(*this)) : kReadBytes;
  if (want == 0) return;
  const ssize_t n = recv(fd_, buffer, want, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    const int error = n < 0 ? errno : 0;
    const bool was_open = state_ == State::open;
    die();
    if (was_open) owner_.on_lost(*this, error == 0 ? "fin" : "rst", error);
    return;
  }
  log_.bytes(number_, buffer, static_cast<std::size_t>(n), monotonic_ns());
  received_bytes_ += static_cast<std::uint64_t>(n);
  read_tokens -= n;
  if (state_ != State::open) return;
  in_.append(buffer, static_cast<std::size_t>(n));
  act_upon_messages();
}

void Connection::act_upon_messages() {
  const std::uint64_t base = received_bytes_ - in_.size();
  std::size_t done = 0;
  while (state_ == State::open) {
    const Frame frame = next_frame(in_.data() + done, in_.size() - done);
    if (frame.kind == Frame::Kind::incomplete) break;
    const bool whole = frame.kind == Frame::Kind::message;
    const std::uint64_t offset = base + done + frame.begin;
    const std::uint64_t end = base + done + frame.end;
    if (!whole || frame.begin > 0) owner_.on_garbage(*this, base + done, whole ? offset : end);
    if (whole && state_ == State::open)
      owner_.on_message(*this, in_.substr(done + frame.begin, frame.end - frame.begin), offset, end);
    done += frame.end;
  }
  in_.erase(0, done);
  if (in_.size() > kMaxInBytes) disconnect();
}

/// The peer reset while we were not reading: the kernel still holds what it acked, so the log gets it.
void Connection::drain_after_error() {
  char buffer[kReadBytes];
  ssize_t n = 0;
  while ((n = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
    log_.bytes(number_, buffer, static_cast<std::size_t>(n), monotonic_ns());
    received_bytes_ += static_cast<std::uint64_t>(n);
  }
  const int error = n < 0 ? errno : 0;
  const bool was_open = state_ == State::open;
  die();
  if (was_open) owner_.on_lost(*this, error == 0 ? "fin" : "rst", error);
}

/// Sent bytes are dropped in large pieces: a peer that reads slowly must not cost the square of its backlog.
void Connection::write_out() {
  while (out_at_ < out_.size()) {
    const ssize_t n = ::send(fd_, out_.data() + out_at_, out_.size() - out_at_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) break;
    out_at_ =
        n <= 0 ? out_.size() : out_at_ + static_cast<std::size_t>(n);  // the reading side learns of errors
  }
  if (out_at_ < out_.size() && out_at_ < out_.size() / 2) return;
  out_.erase(0, out_at_);
  out_at_ = 0;
}

void Connection::settle(std::int64_t now_ns) {
  if (state_ == State::dead) return;
  write_out();
  if (out_.size() > kMaxOutBytes) disconnect();
  if (state_ == State::closing && (out_.empty() || out_.size() > kMaxOutBytes)) {
    shutdown(fd_, SHUT_WR);
    out_.clear();
    state_ = State::draining;
    drain_until_ns_ = now_ns + kDrainNs;
  }
  if (state_ == State::draining && now_ns > drain_until_ns_) return die();
  const bool reads = state_ != State::open || owner_.read_allowance(*this) > 0;
  loop_.watch(fd_, *this, (reads ? EPOLLIN : 0U) | (out_.empty() ? 0U : EPOLLOUT));
}

}  // namespace venue
}  // namespace portcullis
