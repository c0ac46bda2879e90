// SPDX-License-Identifier: Apache-2.0
/// @file What a refusal costs: counters, the refusal window, and closing the lane where the limit is a
/// run-away's. Off the hot path. A run-away that is only refused would be held at its limit for ever: a
/// throttle, not a kill switch.
#include "integration/hook_state.hpp"
#include "integration/trial.hpp"

namespace portcullis {
namespace {

void shut_by_limit(LaneRun& run, std::uint64_t generation, LimitKind kind, std::uint64_t observed,
                   std::uint64_t limit, std::uint64_t window_ms) noexcept {
  LaneBlock& block = *run.block;
  store(block.shut_observed, observed);
  store(block.shut_limit, limit);
  store(block.shut_kind, static_cast<std::uint64_t>(kind) | window_ms << 32U);
  shut_lane(run, generation, ShutReason::limit);
}

/// Says that a check was made, and ended in a refusal.
void count_evaluated(LaneBlock& block, std::uint64_t kinds) noexcept {
  for (; kinds != 0; kinds &= kinds - 1) add_own(block.partial_evaluated[__builtin_ctzll(kinds)], 1);
}

/// One more refusal stamp; true when there are more of them in the window than allowed.
bool too_many_refusals(LaneRun& run, std::uint64_t now_ns) noexcept {
  LaneBlock& block = *run.block;
  const RateWindow& w = run.gate->refusals;
  const std::uint64_t before = block.refusals.load(std::memory_order_relaxed);
  const std::uint64_t nth = load(block.refusal_ns[(before - w.max) % kRefusalEntries]);
  store(block.refusal_ns[before % kRefusalEntries], now_ns);
  store(block.refusals, before + 1);
  if (w.window_ns == 0 || w.max >= static_cast<std::uint64_t>(kNoLimit)) return false;
  count_evaluated(block, kind_bit(LimitKind::refusals));
  return !rate_passes(w, before, nth, now_ns);
}

}  // namespace

void shut_lane(LaneRun& run, std::uint64_t generation, ShutReason reason) noexcept {
  run.shut_generation = generation;
  run.shut_reason = reason;
  store(run.block->shut, generation << 8U | static_cast<std::uint64_t>(reason));
}

__attribute__((noinline, cold)) void note_refusal(LaneRun& run, const Refused& refused) noexcept {
  LaneBlock& block = *run.block;
  const Refusal& no = refused.no;
  count_evaluated(block, refused.evaluated);
  if (!no.by_limit) {
    add_own(block.refused_other, 1);
    return;
  }
  const auto kind = static_cast<std::size_t>(no.kind);
  add_own(block.refused[kind], 1);
  const bool shuts = (run.gate->shut_kinds >> kind & 1U) != 0;
  const bool too_many = too_many_refusals(run, refused.now_ns);
  if (shuts) {
    shut_by_limit(run, refused.generation, no.kind, static_cast<std::uint64_t>(no.observed),
                  static_cast<std::uint64_t>(no.limit), no.window_ms);
  } else if (too_many) {
    const RateWindow& w = run.gate->refusals;
    add_own(block.refused[static_cast<std::size_t>(LimitKind::refusals)], 1);
    shut_by_limit(run, refused.generation, LimitKind::refusals, w.max + 1, w.max, w.window_ns / 1'000'000);
  }
}

bool backlog_above(LaneRun& run, std::int64_t bound) noexcept {
  const Attachment& a = *run.attachment;
  for (std::uint32_t i = 0; i < a.capacities.sessions; ++i) {
    if (a.sessions[i].load(std::memory_order_relaxed) == nullptr) continue;
    const SessionBlock& block = a.ledger.session(i);
    StreamSeen& seen = run.streams[i];
    const std::uint64_t epoch = load(block.epoch);
    if (seen.epoch != epoch) seen = {epoch, 0};  // a reconnect: what its predecessor's kernel took is not its own
    const std::uint64_t declared = load(block.declared_bytes);
    const auto backlog = [&] { return static_cast<std::int64_t>(declared - seen.accepted_bytes); };
    if (backlog() <= bound) continue;
    const GateSession& gate = a.gate.session(i);
    if (load(gate.accepted_epoch) == epoch) seen.accepted_bytes = load(gate.accepted_bytes);  // only now: it moves
    if (backlog() > gate.backlog_bytes) return true;
  }
  return false;
}

}  // namespace portcullis
