// SPDX-License-Identifier: Apache-2.0
#include "watchdog/scribe.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "shm/clock.hpp"
#include "watchdog/state_file.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kRetryNs = 1'000'000'000;  // of a latch write that failed; also the longest sleep
constexpr std::uint64_t kLastWaitNs = 10'000'000'000;  // a full queue on a slow disk takes seconds
constexpr mode_t kRecordMode = 0644;  // the CLI of every permitted user reads it; the run folder says who

bool write_all(int fd, const char* bytes, std::size_t size) noexcept {
  while (size > 0) {
    const ssize_t written = write(fd, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

Scribe::~Scribe() {
  if (!stop(kLastWaitNs)) std::abort();  // its memory would vanish under the stuck thread
}

ScribeOpened Scribe::open(const std::string& state_dir, const std::string& run_dir, std::string_view engine,
                          const Stamp& now) {
  ScribeOpened opened;
  engine_ = engine;
  record_name_ = engine_ + ".record";
  record_temp_name_ = record_name_ + ".new";
  boot_id_ = now.boot_id;
  opened.latch = latch_.open(state_dir, engine, now);
  opened.audit = audit_.open(state_dir, engine);
  static_cast<void>(journal_.open());  // a host without one is no error
  run_dir_.reset(::open(run_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  opened.run_dir = run_dir_.valid();
  publish_latch();
  audit_head_.publish(audit_.head());
  return opened;
}

bool Scribe::keep(TakeoverLog& log, const std::string& state_dir) {
  takeover_log_ = &log;
  takeover_piece_.resize(4 * TakeoverLog::kRecordBytes);
  StateFile file;
  if (open_state_file(state_dir, engine_, ".takeover", O_APPEND, file) != StateFileError::ok) return false;
  ::close(file.folder);
  takeover_file_.reset(file.fd);
  return true;
}

ThreadError Scribe::start(int done_eventfd) noexcept {
  if (thread_.started()) return ThreadError::running;
  done_eventfd_ = done_eventfd;
  return thread_.start(
      "scribe", [](void* self) { static_cast<Scribe*>(self)->run(); }, this);
}

Scribe::Receipt Scribe::event(const ScribeEvent& event) noexcept {
  ScribeEvent* place = events_.reserve();
  if (place == nullptr) {
    add_own(counters_.queue_overflows, 1);
    return {};
  }
  *place = event;
  const Ticket ticket = events_.commit();
  thread_.wake();
  return {Queue::event, ticket};
}

Scribe::Receipt Scribe::latch(const LatchMessage& message) noexcept {
  LatchMessage* place = latches_.reserve();
  if (place == nullptr) {
    add_own(counters_.queue_overflows, 1);
    return {};
  }
  *place = message;
  const Ticket ticket = latches_.commit();
  thread_.wake();
  return {Queue::latch, ticket};
}

Scribe::Receipt Scribe::record(std::string_view text) noexcept {
  RecordMessage* place = text.size() <= RecordMessage::kTextBytes ? records_.reserve() : nullptr;
  if (place == nullptr) {
    add_own(counters_.queue_overflows, 1);
    return {};
  }
  place->bytes = static_cast<std::uint32_t>(text.size());
  std::memcpy(place->text.data(), text.data(), text.size());
  const Ticket ticket = records_.commit();
  thread_.wake();
  return {Queue::record, ticket};
}

ScribeResult Scribe::result(const Receipt& receipt) const noexcept {
  switch (receipt.queue) {
    case Queue::none: return ScribeResult::lost;
    case Queue::event: return events_.result(receipt.ticket);
    case Queue::latch: return latches_.result(receipt.ticket);
    case Queue::record: return records_.result(receipt.ticket);
  }
  return ScribeResult::lost;
}

std::uint64_t Scribe::waiting() const noexcept {
  return events_.waiting() + latches_.waiting() + records_.waiting();
}

bool Scribe::stop(std::uint64_t timeout_ns) noexcept { return thread_.stop(timeout_ns); }

void Scribe::run() noexcept {
  for (;;) {
    store(beat_ns_, monotonic_now_ns());
    if (work_once()) continue;
    if (thread_.stopping()) return;
    thread_.sleep(kRetryNs);
  }
}

bool Scribe::work_once() noexcept {
  const bool any = waiting() > 0;
  write_latches();
  retry_latch();
  if (const ScribeEvent* next = events_.front()) {
    events_.finish(write_event(*next));
    notify_eventfd(done_eventfd_);
  }
  if (const RecordMessage* next = records_.front()) {
    records_.finish(write_record(*next));
    notify_eventfd(done_eventfd_);
  }
  write_takeover();
  return any;
}

/// As it comes, in large pieces: for people, after the latch and the events.
void Scribe::write_takeover() noexcept {
  if (takeover_log_ == nullptr) return;
  constexpr std::size_t kLine = 128;
  std::size_t used = 0;
  TakeoverLog::Record record;
  std::span<char> piece(takeover_piece_);
  const auto flush = [&] {
    if (used == 0) return;
    if (!takeover_file_.valid() || !write_all(takeover_file_.get(), piece.data(), used)) add_own(counters_.takeover_failures, 1);
    used = 0;
  };
  while (takeover_log_->take(record, piece.subspan(used + kLine))) {
    char line[kLine];
    const int head = std::snprintf(line, sizeof line, "@ %llu %s %s %u %llu\n", static_cast<unsigned long long>(record.now_ns),
                                   takeover_log_->session(record.slot).c_str(),
                                   record.direction == TakeoverLog::Direction::in ? "in" : "out", record.bytes,
                                   static_cast<unsigned long long>(record.lost_bytes));
    const auto head_bytes = static_cast<std::size_t>(std::max(head, 0));
    std::memmove(piece.data() + used + head_bytes, piece.data() + used + kLine, record.bytes);
    std::memcpy(piece.data() + used, line, head_bytes);
    used += head_bytes + record.bytes;
    piece[used++] = '\n';
    if (piece.size() - used >= 2 * kLine + TakeoverLog::kRecordBytes) continue;
    flush();
    if (latches_.waiting() != 0 || events_.waiting() != 0) return;  // they come first; the next round goes on
  }
  flush();
}

void Scribe::write_latches() noexcept {
  while (const LatchMessage* next = latches_.front()) {
    latches_.finish(write_latch(*next));
    notify_eventfd(done_eventfd_);
  }
}

ScribeResult Scribe::write_latch(const LatchMessage& message) noexcept {
  const LatchError error = act_on_latch(message);
  publish_latch();
  if (error == LatchError::ok) return ScribeResult::ok;
  store(counters_.last_latch_error, static_cast<std::uint64_t>(error));
  add_own(counters_.latch_failures, 1);
  latch_retry_ns_ = monotonic_now_ns() + kRetryNs;
  return ScribeResult::failed;
}

LatchError Scribe::act_on_latch(const LatchMessage& message) noexcept {
  switch (message.op) {
    case LatchOp::trip: return latch_.trip(message.record);
    case LatchOp::outcome: {
      const auto& record = message.record;
      const std::size_t listed = std::min<std::size_t>(record.unresolved_count, kLatchOrders);
      return latch_.outcome(record.fates, {record.unresolved.data(), listed, record.unlisted});
    }
    case LatchOp::resolve: {
      const std::size_t bytes = std::min<std::size_t>(message.cl_ord_id_bytes, kClOrdIdBytes);
      return latch_.resolve({message.cl_ord_id.data(), bytes});
    }
    case LatchOp::resolve_unlisted: return latch_.resolve_unlisted();
    case LatchOp::clear: return latch_.clear(message.actor, message.now);
  }
  return LatchError::not_open;
}

void Scribe::retry_latch() noexcept {
  if (!latch_.pending() || monotonic_now_ns() < latch_retry_ns_) return;
  const LatchError error = latch_.flush();
  if (error != LatchError::ok) store(counters_.last_latch_error, static_cast<std::uint64_t>(error));
  latch_retry_ns_ = monotonic_now_ns() + kRetryNs;
  publish_latch();
}

void Scribe::publish_latch() noexcept {
  LatchStatus status;
  status.view = latch_.view();
  status.pending = latch_.pending() ? 1 : 0;
  status.made_new = latch_.made_new() ? 1 : 0;
  latch_status_.publish(status);
}

ScribeResult Scribe::write_record(const RecordMessage& message) noexcept {
  bool written = false;
  if (message.bytes == 0) {
    written = unlinkat(run_dir_.get(), record_name_.c_str(), 0) == 0 || errno == ENOENT;
  } else {
    const char* temp = record_temp_name_.c_str();
    UniqueFd file(openat(run_dir_.get(), temp,
                         O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kRecordMode));
    written = file.valid() && fchmod(file.get(), kRecordMode) == 0 &&
              write_all(file.get(), message.text.data(), message.bytes) &&
              renameat(run_dir_.get(), temp, run_dir_.get(), record_name_.c_str()) == 0;
  }
  if (written) return ScribeResult::ok;
  add_own(counters_.record_failures, 1);
  return ScribeResult::failed;
}

}  // namespace portcullis
