// SPDX-License-Identifier: Apache-2.0
/// @file The judgement of each kind of limit by what this cycle read. No default label: a new kind must be judged.
#include <algorithm>

#include "shm/clock.hpp"
#include "watchdog/evaluate.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kWitnessStaleNs = 100 * kNsPerMs;  // it reads every millisecond; a shared machine pauses for tens
constexpr std::uint64_t kSlackNs = 1'000 * kNsPerMs;  // from a declaration to its write, on a processor that others share
constexpr std::uint64_t kCensusStaleNs = 3'000 * kNsPerMs;  // it counts once a second

std::int64_t clamp(std::uint64_t value) noexcept {
  return value > static_cast<std::uint64_t>(INT64_MAX) ? INT64_MAX : static_cast<std::int64_t>(value);
}

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) noexcept {
  return __builtin_add_overflow(a, b, &a) ? UINT64_MAX : a;
}

}  // namespace

bool Evaluator::shut_by(const LimitSetting& row, std::uint32_t lane, Judged& judged) noexcept {
  const LaneBlock& block = ledger_.lane(lane);
  const std::uint64_t kind = load(block.shut_kind);
  const auto limit = static_cast<std::int64_t>(load(block.shut_limit));
  if (static_cast<ShutReason>(load(block.shut) & 0xFFU) != ShutReason::limit) return false;
  if ((kind & 0xFFU) != static_cast<std::uint64_t>(row.kind) || kind >> 32U != row.per_ms || limit != row.value)
    return false;
  if (row.lane != kEngineScope && row.lane != lane) return false;
  judged = {Result::breach, static_cast<std::int64_t>(load(block.shut_observed)), static_cast<std::uint16_t>(lane)};
  shut_explained_[lane] = true;
  return true;
}

Evaluator::Judged Evaluator::judge_rate(const LimitSetting& row, std::uint64_t now_ns) const noexcept {
  const bool shared = row.lane == kEngineScope && lanes_.size() > 1;
  const std::uint32_t lane = row.lane == kEngineScope ? 0 : row.lane;
  const std::uint64_t from = shared ? shared_from_ : lanes_[lane].rate_from;
  const std::uint64_t head = shared ? shared_head_ : lanes_[lane].rate_head;
  const auto max = static_cast<std::uint64_t>(row.value);
  const std::uint64_t window_ns = std::uint64_t{row.per_ms} * kNsPerMs;
  const std::uint64_t entries = ledger_.capacities.rate_entries;
  const bool lost = head - from > entries || (shared && shared_incomplete_);  // what the ring has, it still tells
  const auto stamp = [&](std::uint64_t n) {
    return shared ? load(ledger_.shared_stamp(n).stamp_ns) : load(ledger_.rate_stamp(lane, n));
  };
  const std::uint64_t first = std::max(from, head > entries ? head - entries + 1 : 0);
  for (std::uint64_t n = head; n > std::max(first, max); --n) {  // newest first: they are overwritten last
    const std::uint64_t newest = stamp(n - 1);
    const std::uint64_t oldest = stamp(n - 1 - max);
    const std::uint64_t now_head = shared ? load(ledger_.totals().ring_head) : load(ledger_.lane(lane).rate_head);
    if (now_head - (n - 1 - max) >= entries) return {Result::stale, 0, kEngineScope};  // overwritten meanwhile
    const bool torn = newest < oldest || from_the_future(newest, now_ns);  // a time that cannot be is too fast
    if (torn || newest - oldest < window_ns)
      return {Result::breach, clamp(max + 1), static_cast<std::uint16_t>(row.lane)};
  }
  if (lost) return {Result::stale, 0, kEngineScope};
  std::uint64_t inside = 0;  // how full the window is, for people
  if (head != 0) {
    const std::uint64_t newest = stamp(head - 1);
    while (inside < max && inside < head && newest - stamp(head - 1 - inside) < window_ns && inside < 64) ++inside;
  }
  return {Result::pass, clamp(inside), row.lane};
}

Evaluator::Judged Evaluator::judge_refusals(const LimitSetting& row) const noexcept {
  const auto max = static_cast<std::uint64_t>(row.value);
  if (max >= kRefusalEntries) return {Result::error, 0, kEngineScope};  // more than is remembered
  const auto kept = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(refusals_, kRefusalEntries));
  if (kept == 0) return {};
  const auto* begin = refusal_ns_.data();  // lane after lane, so not in the order of time
  const std::uint64_t newest = *std::max_element(begin, begin + kept);
  const std::uint64_t window_ns = std::uint64_t{row.per_ms} * kNsPerMs;
  const auto inside = static_cast<std::uint64_t>(
      std::count_if(begin, begin + kept, [&](std::uint64_t stamp_ns) { return newest - stamp_ns < window_ns; }));
  return {inside > max ? Result::breach : Result::pass, clamp(inside), kEngineScope};
}

Evaluator::Judged Evaluator::judge_position(const LimitSetting& row) const noexcept {
  Judged judged;
  for (std::uint16_t lane = 0; lane < lanes_.size(); ++lane) {
    if (row.lane != kEngineScope && row.lane != lane) continue;
    if (lanes_[lane].unstable || lanes_[lane].wrong) return {Result::stale, 0, lane};
    const GateLane& limits = gate_.lane(lane);
    for (std::uint32_t pair = limits.pair_begin; pair < limits.pair_begin + limits.pair_count; ++pair) {
      const bool mine = row.instrument == kAnyInstrument ? !cells_[pair].own_row
                                                         : gate_.pair(pair).instrument == row.instrument;
      if (mine && cells_[pair].worst_case > judged.observed) judged = {Result::pass, cells_[pair].worst_case, lane};
    }
  }
  if (judged.observed > row.value) judged.result = Result::breach;
  return judged;
}

/// The sum of several lanes can show what one of them reserved, is about to be refused and takes back. So a breach of
/// the engine's totals counts only if it is seen between two equal readings with every lane out of its submit.
bool Evaluator::seen_at_rest(const std::array<std::uint64_t, kLanesMax>& flights) const noexcept {
  for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane) {
    const std::uint64_t now = load(ledger_.lane(lane).in_flight);
    if ((now & 1U) != 0 || now != flights[lane]) return false;
  }
  return true;
}

template <typename Sum>
Evaluator::Judged Evaluator::judge_sum(const LimitSetting& row, Sum&& sum) noexcept {
  Judged judged = sum();
  const bool shared = row.lane == kEngineScope && lanes_.size() > 1;
  if (!shared || judged.result != Result::breach) return judged;
  for (int tries = 0; tries < kStableReads; ++tries) {
    for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane) flights_[lane] = load(ledger_.lane(lane).in_flight);
    if (!seen_at_rest(flights_)) continue;
    bool whole = true;
    for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane)
      whole &= stable_read(ledger_.lane(lane), [&] { static_cast<void>(read_lane_cells(lane)); });
    judged = sum();
    if (whole && seen_at_rest(flights_)) return judged;
  }
  judged.result = Result::stale;
  return judged;
}

Evaluator::Judged Evaluator::judge_gross(const LimitSetting& row) noexcept {
  return judge_sum(row, [&] { return sum_gross(row); });
}

Evaluator::Judged Evaluator::judge_open_orders(const LimitSetting& row) noexcept {
  return judge_sum(row, [&] { return sum_open_orders(row); });
}

Evaluator::Judged Evaluator::sum_gross(const LimitSetting& row) const noexcept {
  Judged judged;
  for (std::uint16_t lane = 0; lane < lanes_.size(); ++lane) {
    if (row.lane != kEngineScope && row.lane != lane) continue;
    if (lanes_[lane].unstable || lanes_[lane].wrong) return {Result::stale, 0, lane};
    if (__builtin_add_overflow(judged.observed, lanes_[lane].gross_e4, &judged.observed)) judged.observed = INT64_MAX;
  }
  if (judged.observed > row.value) judged.result = Result::breach;
  return judged;
}

Evaluator::Judged Evaluator::sum_open_orders(const LimitSetting& row) noexcept {
  Judged judged;
  for (std::uint16_t lane = 0; lane < lanes_.size(); ++lane) {
    if (row.lane != kEngineScope && row.lane != lane) continue;
    std::int64_t open = read_open_orders(ledger_.lane(lane));
    if (open > row.value && !stable_read(ledger_.lane(lane), [&] { open = read_open_orders(ledger_.lane(lane)); }))
      return {Result::stale, 0, lane};
    if (open == INT64_MAX) lanes_[lane].wrong = true;
    if (__builtin_add_overflow(judged.observed, open, &judged.observed)) judged.observed = INT64_MAX;
  }
  if (judged.observed > row.value) judged.result = Result::breach;
  return judged;
}

/// A beat is owed by every lane that was ever used, unless it declared idle with nothing in flight or queued.
Evaluator::Judged Evaluator::judge_beat(const LimitSetting& row, const Facts& facts,
                                        std::uint64_t now_ns) const noexcept {
  Judged judged;
  if (!facts.armed) return judged;
  for (std::uint16_t lane = 0; lane < lanes_.size(); ++lane) {
    if (row.lane != kEngineScope && row.lane != lane) continue;
    const LaneBlock& block = ledger_.lane(lane);
    const auto age = [&](std::uint64_t now) -> std::uint64_t {
      const std::uint64_t beat = load(block.beat_ns);
      if (beat == 0) return 0;  // never used
      const bool at_rest = (load(block.in_flight) & 1U) == 0 && load(block.work_in) == load(block.work_done);
      if (load(block.idle) == 1 && at_rest) return 0;
      return stamp_age_ns(std::max(beat, facts.armed_ns), now);
    };
    std::uint64_t seen = age(now_ns);
    if (seen > static_cast<std::uint64_t>(row.value)) seen = age(monotonic_now_ns());  // once more, with a fresh clock
    if (clamp(seen) > judged.observed) judged = {Result::pass, clamp(seen), lane};
  }
  if (judged.observed > row.value) judged.result = Result::breach;
  return judged;
}

Evaluator::Judged Evaluator::judge_progress(const LimitSetting& row, const Facts& facts,
                                            std::uint64_t now_ns) noexcept {
  Judged judged;
  if (!facts.armed) return judged;
  for (std::uint16_t lane = 0; lane < lanes_.size(); ++lane) {
    if (row.lane != kEngineScope && row.lane != lane) continue;
    const LaneBlock& block = ledger_.lane(lane);
    LaneState& state = lanes_[lane];
    const std::uint64_t done = load(block.work_done);
    const std::uint64_t in = load(block.work_in);
    if (in <= done) state.work_done_changed_ns = now_ns;  // nothing owed
    if (in < done) state.wrong = true;
    const std::uint64_t since = std::max(state.work_done_changed_ns, facts.armed_ns);
    const std::uint64_t age = since <= now_ns ? now_ns - since : 0;
    if (clamp(age) > judged.observed) judged = {Result::pass, clamp(age), lane};
  }
  if (judged.observed > row.value) judged.result = Result::breach;
  return judged;
}

Evaluator::Judged Evaluator::judge_integrity() const noexcept {
  const LedgerHeader& header = ledger_.header();
  const GateHeader& ours = gate_.header();
  if (header.magic != kLedgerMagic || header.version.load(std::memory_order_acquire) != kLayoutVersion ||
      header.fingerprint != layout_fingerprint() || header.incarnation[0] != ours.incarnation[0] ||
      header.incarnation[1] != ours.incarnation[1] || torn_order_)
    return {Result::breach, 1, kEngineScope};
  Judged judged;
  for (std::uint16_t lane = 0; lane < lanes_.size(); ++lane) {
    if (lanes_[lane].wrong) return {Result::breach, 1, lane};
    if (lanes_[lane].unstable) judged = {Result::stale, 0, lane};
  }
  return judged;
}

/// Declared bytes that nobody is going to write: the kernel's queue is empty and nothing moved. As many undeclared ones
/// could hide behind them. A queue that the venue does not read is no slack.
bool Evaluator::slack(std::uint16_t session, std::uint64_t now_ns) const noexcept {
  const StreamState& stream = streams_[session];
  const bool short_of_declared = stream.accepted_bytes < stream.declared_bytes;
  return short_of_declared && stream.acked_bytes >= stream.accepted_bytes && now_ns - stream.moved_ns > kSlackNs;
}

Evaluator::Judged Evaluator::judge_undeclared(const LimitSetting& row, const Facts& facts,
                                              std::uint64_t now_ns) const noexcept {
  Judged judged;
  for (std::uint16_t s = 0; s < facts.sessions.size(); ++s) {
    const Facts::Session& session = facts.sessions[s];
    if (!session.witnessed || (row.session != kNoSession && row.session != s)) continue;
    const bool old = stamp_age_ns(session.sampled_ns, now_ns + kWitnessStaleNs) > 2 * kWitnessStaleNs;
    if (session.sampled_ns == 0 || old || slack(s, now_ns))
      judged.result = Result::stale;
    else
      judged.observed = std::max(judged.observed, clamp(session.undeclared_bytes));
  }
  if (judged.observed > row.value) judged.result = Result::breach;  // also beside a session that is not read
  return judged;
}

Evaluator::Judged Evaluator::judge(const LimitSetting& row, const Facts& facts, std::uint64_t now_ns) noexcept {
  const auto counted = [&](std::uint64_t value) {
    const std::int64_t observed = clamp(value);
    return Judged{observed > row.value ? Result::breach : Result::pass, observed, kEngineScope};
  };
  switch (row.kind) {
    case LimitKind::order_rate: return judge_rate(row, now_ns);
    case LimitKind::refusals: return judge_refusals(row);
    case LimitKind::position: return judge_position(row);
    case LimitKind::gross_notional: return judge_gross(row);
    case LimitKind::open_orders: return judge_open_orders(row);
    case LimitKind::order_qty:
    case LimitKind::order_notional:
    case LimitKind::price_collar:
    case LimitKind::children:
    case LimitKind::child_qty: return judge_slice(row);
    case LimitKind::beat_age: return judge_beat(row, facts, now_ns);
    case LimitKind::progress: return judge_progress(row, facts, now_ns);
    case LimitKind::death: {
      if (facts.engine_dead) return counted(1);
      Judged judged;
      for (std::uint16_t lane = 0; lane < lanes_.size(); ++lane) {
        if (!facts.owner_dead[lane]) continue;
        judged = {Result::breach, 1, lane};
        if (!facts.halted[lane]) break;  // one that is closed already hides nobody
      }
      return judged;
    }
    case LimitKind::lease: return {Result::pass, static_cast<std::int64_t>(lease_lost_.count()), kEngineScope};
    case LimitKind::ledger_integrity: return judge_integrity();
    case LimitKind::undeclared_bytes: return judge_undeclared(row, facts, now_ns);
    case LimitKind::foreign_orders: {
      std::uint64_t foreign = 0;
      for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane)
        foreign = saturating_add(foreign, load(ledger_.lane(lane).foreign_orders));
      return counted(foreign);
    }
    case LimitKind::unsubmitted_orders: {
      std::uint64_t unsubmitted = 0;
      for (std::uint32_t s = 0; s < ledger_.capacities.sessions; ++s)
        unsubmitted = saturating_add(unsubmitted, load(ledger_.session(s).unsubmitted_orders));
      return counted(unsubmitted);
    }
    case LimitKind::unregistered_sockets: {
      if (facts.census_failed) return {Result::error, 0, kEngineScope};
      if (facts.census_ns == 0 || stamp_age_ns(facts.census_ns, now_ns + kCensusStaleNs) > 2 * kCensusStaleNs)
        return {Result::stale, 0, kEngineScope};
      return counted(facts.unregistered_sockets);
    }
  }
  return {Result::error, 0, kEngineScope};  // a kind outside the table: never a pass
}

}  // namespace portcullis
