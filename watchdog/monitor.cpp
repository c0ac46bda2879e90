// SPDX-License-Identifier: Apache-2.0
#include "watchdog/monitor.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "shm/clock.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kRenewEveryNs = 1'000'000;  // each renewal costs the engine a cache miss
constexpr std::uint64_t kSpinFullCycleNs = 100'000;  // in spin mode everything is judged at least this often

}  // namespace

bool close_lane(GateLane& lane) noexcept {
  std::uint64_t word = lane.word.load(std::memory_order_relaxed);
  while (gate_state(word) != static_cast<std::uint8_t>(GateState::halted)) {
    if (lane.word.compare_exchange_weak(word, gate_word(gate_generation(word), GateState::halted),
                                        std::memory_order_seq_cst))
      return true;
  }
  return false;
}

Monitor::Monitor(const Config& config, Board& board, int wake_fd, ReadSessions read_sessions)
    : config_(config), board_(board), wake_fd_(wake_fd), read_sessions_(std::move(read_sessions)), evaluator_(config) {}

void Monitor::wake() const noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);  // full: control is awake already
}

void Monitor::take_attachment() noexcept {
  const std::uint64_t sequence = load(board_.attachment_sequence);
  if (sequence == load(board_.attachment_seen)) return;
  attachment_ = board_.attachment;
  armed_generation_ = 0;
  last_renewed_ns_ = 0;
  glanced_.fill(0);
  told_.reset();
  store(board_.all_evaluated, 0);
  if (attachment_ != nullptr) evaluator_.attach(attachment_->gate, attachment_->ledger);
  store(board_.attachment_seen, sequence);
}

void Monitor::gather(std::uint64_t now_ns) noexcept {
  const std::uint64_t generation = load(board_.armed_generation);
  if (generation != armed_generation_ && generation != 0) {
    evaluator_.arm(now_ns);
    told_.reset();
  }
  armed_generation_ = generation;
  facts_.armed = generation != 0;
  facts_.armed_ns = load(board_.armed_ns);
  facts_.engine_dead = load(board_.engine_dead) != 0;
  const std::uint64_t census = load(board_.census);
  facts_.census_ns = load(board_.census_ns);
  facts_.census_failed = census >> 32U != 0;
  facts_.unregistered_sockets = static_cast<std::uint32_t>(census);
  for (std::uint32_t lane = 0; lane < config_.lanes.size(); ++lane) {
    facts_.owner_dead[lane] = (load(board_.owner_dead[lane / 64]) >> (lane % 64) & 1U) != 0;
    facts_.halted[lane] =
        gate_state(load(attachment_->gate.lane(lane).word)) == static_cast<std::uint8_t>(GateState::halted);
  }
  read_sessions_(facts_);
}

/// Tells the hook how far each session's kernel is, in the order that GateSession asks for.
void Monitor::publish_streams() noexcept {
  for (std::uint32_t s = 0; s < config_.sessions.size(); ++s) {
    const Facts::Session& from = facts_.sessions[s];
    GateSession& to = attachment_->gate.session(s);
    if (!from.witnessed || from.epoch == 0) continue;
    if (load(to.accepted_epoch) != from.epoch) {
      store(to.accepted_bytes, 0);
      store(to.accepted_epoch, from.epoch);
    }
    if (load(to.accepted_bytes) != from.accepted_bytes) store(to.accepted_bytes, from.accepted_bytes);
  }
}

void Monitor::close_all() noexcept {
  for (std::uint32_t lane = 0; lane < config_.lanes.size(); ++lane) close_lane(attachment_->gate.lane(lane));
}

void Monitor::trip(const Breach& breach) noexcept {
  bool news = false;
  if (breach.action == Action::halt_lane && breach.lane < config_.lanes.size()) {
    news = close_lane(attachment_->gate.lane(breach.lane));
  } else {  // everything else that is a breach, an unknown lane included
    for (std::uint32_t lane = 0; lane < config_.lanes.size(); ++lane)
      news |= close_lane(attachment_->gate.lane(lane));
  }
  const auto kind = static_cast<std::size_t>(breach.kind);
  const bool goes_on = trips_while_locked(breach.kind) && !told_[kind];  // told once more although all is closed
  if (!news && !goes_on) return;
  told_[kind] = true;
  const std::uint64_t count = load(board_.breach_count);
  if (count - load(board_.breach_taken) < kBreachRing) {
    board_.breaches[count % kBreachRing] = breach;
    store(board_.breach_count, count + 1);
  }
  wake();
}

void Monitor::renew(std::uint64_t began_ns) noexcept {
  GateHeader& header = attachment_->gate.header();
  const std::uint64_t lease_ns = load(header.lease_ns);
  if (stamp_age_ns(load(board_.control_beat_ns), monotonic_now_ns()) > lease_ns) return;  // nobody would act on a trip
  if (last_renewed_ns_ != 0 && began_ns - last_renewed_ns_ < kRenewEveryNs) return;
  store(header.lease_deadline_ns, began_ns + lease_ns);
  last_renewed_ns_ = began_ns;
}

bool Monitor::step(std::uint64_t now_ns) noexcept {
  if (load(board_.supervisor_late) != 0) return false;
  take_attachment();
  const std::uint64_t gap_ns = last_began_ns_ == 0 ? 0 : now_ns - last_began_ns_;
  last_began_ns_ = now_ns;
  const std::uint64_t expected_ns = std::uint64_t{config_.supervisor.cycle_us} * 1'000;
  if (gap_ns > 2 * expected_ns) add_own(board_.late_cycles, 1);
  if (gap_ns > load(board_.worst_late_ns)) store(board_.worst_late_ns, gap_ns);
  if (gap_ns > std::uint64_t{config_.supervisor.lease_ms} * 1'000'000) {
    if (attachment_ != nullptr) close_all();
    store(board_.supervisor_late, gap_ns);
    wake();
    return false;
  }
  if (attachment_ != nullptr) {
    facts_.late_ns = gap_ns;
    gather(now_ns);
    publish_streams();
    const Breach breach = evaluator_.cycle(facts_, now_ns);
    if (breach.found()) trip(breach);
    const auto lost = static_cast<std::uint64_t>(evaluator_.lease_lost().count());
    if (lost != load(board_.lease_lost)) {
      store(board_.lease_lost, lost);
      wake();
    }
    store(board_.standing_row, evaluator_.standing_row());
    if (evaluator_.all_evaluated()) store(board_.all_evaluated, load(board_.cycle) + 1);
    store(attachment_->gate.header().cycle, load(board_.cycle) + 1);
  }
  store(board_.cycle_ns, monotonic_now_ns());
  store(board_.cycle, load(board_.cycle) + 1);
  if (attachment_ != nullptr) renew(now_ns);
  return true;
}

bool Monitor::glance() noexcept {
  if (attachment_ == nullptr) return true;
  bool changed = false;
  for (std::uint32_t lane = 0; lane < config_.lanes.size(); ++lane) {
    const LaneBlock& block = attachment_->ledger.lane(lane);
    const std::uint64_t shut = load(block.shut);
    GateLane& gate = attachment_->gate.lane(lane);
    if ((shut & 0xFFU) == static_cast<std::uint64_t>(ShutReason::limit)) {
      const std::uint64_t word = load(gate.word);
      if (gate_generation(word) == shut >> 8U && gate_state(word) == static_cast<std::uint8_t>(GateState::open)) {
        std::uint64_t expected = word;  // paused by the quick look; the full cycle halts it, with its cause
        gate.word.compare_exchange_strong(expected, gate_word(gate_generation(word), GateState::paused));
      }
    }
    const std::uint64_t mix = shut + load(block.passes) + load(block.responder_sequence);
    changed |= mix != glanced_[lane];
    glanced_[lane] = mix;
  }
  return changed;
}

void Monitor::run(const std::atomic<bool>& stop) noexcept {
  if (config_.supervisor.spin) {
    std::uint64_t last_full_ns = 0;
    while (!stop.load(std::memory_order_relaxed)) {
      const bool changed = glance();
      const std::uint64_t now_ns = monotonic_now_ns();
      if (!changed && now_ns - last_full_ns < kSpinFullCycleNs) continue;
      last_full_ns = now_ns;
      if (!step(now_ns)) return;
    }
    return;
  }
  const std::uint64_t period_ns = std::uint64_t{config_.supervisor.cycle_us} * 1'000;
  std::uint64_t next_ns = monotonic_now_ns();
  while (!stop.load(std::memory_order_relaxed)) {
    if (!step(monotonic_now_ns())) return;
    next_ns = std::max(next_ns + period_ns, monotonic_now_ns());  // no catching up after a pause
    const timespec until{static_cast<time_t>(next_ns / 1'000'000'000), static_cast<long>(next_ns % 1'000'000'000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
  }
}

}  // namespace portcullis
