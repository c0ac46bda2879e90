// SPDX-License-Identifier: Apache-2.0
#include "watchdog/evaluate.hpp"

#include <algorithm>

#include "shm/clock.hpp"

namespace portcullis {
namespace {

constexpr std::uint32_t kOrdersPerCycle = 128;   // 320 bytes each: 40 KiB of cache a cycle
constexpr std::uint32_t kParentsPerCycle = 128;

std::size_t slice_index(LimitKind kind) noexcept {
  switch (kind) {
    case LimitKind::order_qty: return 0;
    case LimitKind::order_notional: return 1;
    case LimitKind::price_collar: return 2;
    case LimitKind::children: return 3;
    default: return 4;  // child_qty: the only other caller
  }
}

}  // namespace

Evaluator::Evaluator(const Config& config)
    : config_(config),
      rows_(config.limits.size()),
      lanes_(config.lanes.size()),
      cells_(config.capacities.pairs),
      slices_(config.lanes.size()) {
  for (const LimitSetting& row : config.limits)
    if (row.kind == LimitKind::ledger_integrity) unreadable_ns_ = static_cast<std::uint64_t>(row.value);
  std::uint32_t pair = 0;
  for (std::uint16_t lane = 0; lane < config.lanes.size(); ++lane) {
    for (const std::uint32_t instrument : config.lanes[lane].instruments) {
      const LimitSetting* row = find_limit(config, LimitKind::position, lane, instrument);
      cells_[pair++].own_row = row != nullptr && row->instrument == instrument;
    }
  }
}

void Evaluator::attach(const GateView& gate, const LedgerView& ledger) noexcept {
  gate_ = gate;
  ledger_ = ledger;
  for (RowState& row : rows_) {
    row.result = Result::stale;
    store(row.observed, 0);
    for (Word* word : {&row.evaluated, &row.last_ns, &row.bad_since_ns}) store(*word, 0);
  }
  std::fill(lanes_.begin(), lanes_.end(), LaneState{});
  std::fill(slices_.begin(), slices_.end(), SliceState{});
  for (CellState& cell : cells_) cell = {0, 0, 0, 0, cell.own_row};
  lease_lost_.reset();
  streams_.fill({});
  shared_from_ = shared_head_ = refusals_ = 0;
  shared_incomplete_ = false;
  order_slice_ = parent_slice_ = 0;
  torn_order_ = all_evaluated_ = false;
}

void Evaluator::arm(std::uint64_t now_ns) noexcept {
  refusals_ = 0;
  std::fill(slices_.begin(), slices_.end(), SliceState{});
  for (LaneState& lane : lanes_) lane.work_done_changed_ns = now_ns;
  torn_order_ = false;
}

std::int64_t Evaluator::value_e4(std::uint32_t instrument, std::int64_t position,
                                 std::int64_t mark_px_e8) const noexcept {
  if (position == 0) return 0;
  const GateInstrument& terms = gate_.instrument(instrument);
  const std::int64_t px = mark_px_e8 != 0 ? mark_px_e8 : terms.reference_px_e8;
  std::int64_t value = 0;
  if (position == INT64_MIN ||
      !notional_e4(px, position < 0 ? -position : position, terms.value_num, terms.value_den, value))
    return INT64_MAX;
  return value;
}

/// Reads every cell of a lane; false where one of them contradicts itself.
bool Evaluator::read_lane_cells(std::uint32_t lane) noexcept {
  const GateLane& limits = gate_.lane(lane);
  LaneState& state = lanes_[lane];
  bool wrong = false;
  std::int64_t gross = read_working_notional_e4(ledger_.lane(lane), wrong);
  for (std::uint32_t pair = limits.pair_begin; pair < limits.pair_begin + limits.pair_count; ++pair) {
    const CellReading reading = read_cell(ledger_.cell(pair));
    CellState& cell = cells_[pair];
    wrong |= reading.wrong;
    cell.worst_case = worst_case_position(reading.holding);
    if (cell.position != reading.holding.position || cell.reference_px_e8 != reading.reference_px_e8) {
      cell.position = reading.holding.position;
      cell.reference_px_e8 = reading.reference_px_e8;
      cell.value_e4 = value_e4(gate_.pair(pair).instrument, cell.position, cell.reference_px_e8);
    }
    if (__builtin_add_overflow(gross, cell.value_e4, &gross)) gross = INT64_MAX;
  }
  state.gross_e4 = gross;
  return !wrong;
}

/// A stamp from the future counts as now: otherwise one of them would make all others look old.
void Evaluator::note_refusals(std::uint32_t lane, std::uint64_t from, std::uint64_t to, std::uint64_t now_ns) noexcept {
  if (to - from > kRefusalEntries) from = to - kRefusalEntries;
  for (std::uint64_t n = from; n < to; ++n) {
    const std::uint64_t stamp_ns = load(ledger_.lane(lane).refusal_ns[n % kRefusalEntries]);
    refusal_ns_[refusals_++ % kRefusalEntries] = from_the_future(stamp_ns, now_ns) ? now_ns : stamp_ns;
  }
}

void Evaluator::read_lane(std::uint32_t lane, std::uint64_t now_ns) noexcept {
  const LaneBlock& block = ledger_.lane(lane);
  LaneState& state = lanes_[lane];
  state.wrong = state.unstable = false;
  const std::uint64_t head = load(block.rate_head);
  const std::uint64_t refusals = load(block.refusals);
  const std::uint64_t passes = load(block.passes);
  if (head < state.rate_head || refusals < state.refusals || passes < state.passes) state.wrong = true;
  state.rate_from = state.rate_head;
  state.rate_head = head;
  if (refusals > state.refusals) note_refusals(lane, state.refusals, refusals, now_ns);
  state.refusals = refusals;
  state.passes = passes;
  const std::uint64_t done = load(block.work_done);
  if (done != state.work_done) state.work_done_changed_ns = now_ns;
  state.work_done = done;

  const GateLane& limits = gate_.lane(lane);
  bool suspect = !read_lane_cells(lane) || state.gross_e4 > limits.gross_notional_e4 ||
                 state.gross_e4 > gate_.limits().gross_notional_e4 || read_open_orders(block) > limits.open_orders;
  for (std::uint32_t pair = limits.pair_begin; pair < limits.pair_begin + limits.pair_count; ++pair)
    suspect |= cells_[pair].worst_case > gate_.pair(pair).position;
  if (suspect) {  // judge only what holds while the responder is at rest
    bool whole = false;
    state.unstable = !stable_read(block, [&] { whole = read_lane_cells(lane); });
    state.wrong |= !state.unstable && !whole;
  }
  const std::uint64_t shut = load(block.shut);
  const bool now_shut = gate_generation(shut) == gate_generation(load(gate_.lane(lane).word)) && shut >> 8U != 0;
  const auto reason = static_cast<ShutReason>(shut & 0xFFU);
  lease_lost_[lane] = now_shut && reason == ShutReason::lease;
  shut_explained_[lane] = !now_shut || reason == ShutReason::lease;
  if (load(block.unbooked) != 0) state.wrong = true;
}

void Evaluator::read_shared_ring() noexcept {
  shared_from_ = shared_head_;
  const std::uint64_t head = load(ledger_.totals().ring_head);
  shared_incomplete_ = false;
  if (head < shared_head_) {
    lanes_[0].wrong = true;
    shared_head_ = head;
    return;
  }
  const std::uint64_t entries = ledger_.capacities.rate_entries;
  std::uint64_t complete = head - shared_head_ > entries ? head - entries : shared_head_;
  while (complete < head && load(ledger_.shared_stamp(complete).sequence) > complete) ++complete;
  shared_head_ = complete;  // an entry that is claimed but not written has the stamp of an earlier lap
  shared_incomplete_ = complete != head;
}

/// Notes when each stream moved last. An order in flight is a stream about to move.
void Evaluator::read_streams(const Facts& facts, std::uint64_t now_ns) noexcept {
  bool in_flight = false;
  for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane)
    in_flight |= (load(ledger_.lane(lane).in_flight) & 1U) != 0;
  for (std::size_t s = 0; s < streams_.size(); ++s) {
    const Facts::Session& from = facts.sessions[s];
    if (!from.witnessed) continue;
    const StreamState seen{from.epoch, from.accepted_bytes, from.acked_bytes, from.declared_bytes, streams_[s].moved_ns};
    if (in_flight || !(seen == streams_[s])) streams_[s] = seen, streams_[s].moved_ns = now_ns;
  }
}

void Evaluator::walk_orders() noexcept {
  const std::uint32_t total = ledger_.capacities.open_orders;
  const std::uint32_t end = std::min(order_slice_ + kOrdersPerCycle, total);
  for (std::uint32_t i = order_slice_; i < end; ++i) {
    const OrderReading order = read_order_again(ledger_, i);
    torn_order_ |= order.torn || (order.open && (order.order_qty < 0 || order.notional_e4 < 0));
    if (!order.open) continue;
    std::array<std::int64_t, 5>& worst = slices_[order.lane].now;
    worst[0] = std::max(worst[0], order.order_qty);
    worst[1] = std::max(worst[1], order.notional_e4);
    const bool priced = order.ord_type == 2 || order.ord_type == 4;  // 40: limit, stop limit
    if (priced && order.reference_px_e8 != 0)
      worst[2] = std::max(worst[2], collar_bps(order.px_e8, order.reference_px_e8));
  }
  order_slice_ = end == total ? 0 : end;
  if (order_slice_ != 0) return;
  for (SliceState& slice : slices_)
    for (std::size_t k = 0; k < 3; ++k) slice.last[k] = std::exchange(slice.now[k], 0);
}

void Evaluator::walk_parents() noexcept {
  const std::uint32_t total = ledger_.capacities.parents;
  if (total == 0) return;
  const std::uint32_t end = std::min(parent_slice_ + kParentsPerCycle, total);
  for (std::uint32_t i = parent_slice_; i < end; ++i) {
    const ParentSlot& parent = ledger_.parent(i);
    const std::uint64_t lane = load(parent.lane);
    if ((load(parent.generation) & 0xFFU) != 1 || lane >= lanes_.size()) continue;
    std::array<std::int64_t, 5>& worst = slices_[lane].now;
    const std::int64_t qty = load(parent.qty);
    const std::uint64_t children = load(parent.children);
    worst[3] = std::max(worst[3], children > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(children));
    const std::int64_t submitted = load(parent.submitted_qty);
    const __int128 exposure = static_cast<__int128>(submitted) - load(parent.withdrawn_qty) - load(parent.released_qty);
    const __int128 bps = qty <= 0 ? INT64_MAX : (exposure * 10'000 + qty - 1) / qty;
    worst[4] = std::max(worst[4], static_cast<std::int64_t>(std::min<__int128>(bps, INT64_MAX)));
  }
  parent_slice_ = end == total ? 0 : end;
  if (parent_slice_ != 0) return;
  for (SliceState& slice : slices_)
    for (std::size_t k = 3; k < 5; ++k) slice.last[k] = std::exchange(slice.now[k], 0);
}

Evaluator::Judged Evaluator::judge_slice(const LimitSetting& row) const noexcept {
  Judged judged;
  const std::size_t k = slice_index(row.kind);
  for (std::uint16_t lane = 0; lane < lanes_.size(); ++lane) {
    if (row.lane != kEngineScope && row.lane != lane) continue;
    const std::int64_t worst = std::max(slices_[lane].now[k], slices_[lane].last[k]);
    if (worst > judged.observed) judged = {Result::pass, worst, lane};
  }
  if (judged.observed > row.value) judged.result = Result::breach;
  return judged;
}

void Evaluator::keep(Breach& worst, std::uint32_t index, const Judged& judged, const Facts& facts,
                     std::uint64_t now_ns) const noexcept {
  const LimitSetting& row = config_.limits[index];
  const bool owner = row.kind == LimitKind::death && judged.lane != kEngineScope;  // a lane's own process, not the engine
  const Action action = owner ? Action::halt_lane : supervised_action(row);
  const std::uint16_t lane = row.lane != kEngineScope ? row.lane : judged.lane;
  if (!facts.armed && !trips_while_locked(row.kind)) return;
  if (action == Action::halt_lane && lane != kEngineScope && facts.halted[lane]) return;
  const bool stronger = trips_while_locked(row.kind) && !trips_while_locked(worst.kind);  // names the graver thing
  if (worst.found() && (action < worst.action || (action == worst.action && !stronger))) return;
  worst = {action, row.kind, judged.result, lane, row.session, index, row.per_ms, judged.observed, row.value, now_ns};
}

Breach Evaluator::cycle(const Facts& facts, std::uint64_t now_ns) noexcept {
  for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane) read_lane(lane, now_ns);
  if (lanes_.size() > 1) read_shared_ring();
  read_streams(facts, now_ns);
  walk_orders();
  walk_parents();

  Breach worst;
  all_evaluated_ = true;
  standing_row_ = kNoRow;
  for (std::uint32_t i = 0; i < rows_.size(); ++i) {
    const LimitSetting& row = config_.limits[i];
    RowState& state = rows_[i];
    if (row.off) continue;
    Judged judged = judge(row, facts, now_ns);
    for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane) {  // also where the row is broken anyway
      Judged shut;
      if (!shut_explained_[lane] && shut_by(row, lane, shut) && judged.result != Result::breach) judged = shut;
    }
    state.result.store(judged.result, std::memory_order_release);
    store(state.observed, judged.observed);
    std::uint64_t bad_since_ns = load(state.bad_since_ns);
    if (judged.result == Result::pass || judged.result == Result::breach) {
      bad_since_ns = 0;
      add_own(state.evaluated, 1);
      store(state.last_ns, now_ns);
      const std::uint32_t scope = row.lane == kEngineScope ? 0 : row.lane + 1U;
      Evaluation& count = gate_.evaluation(scope, row.kind);
      add_own(count.count, 1);
      store(count.last_ns, now_ns);
    } else {
      all_evaluated_ = false;
      if (bad_since_ns == 0) bad_since_ns = now_ns;
    }
    store(state.bad_since_ns, bad_since_ns);
    const bool too_long = bad_since_ns != 0 && now_ns - bad_since_ns > unreadable_ns_;
    if (judged.result == Result::breach) standing_row_ = i;
    if (judged.result == Result::breach || too_long) keep(worst, i, judged, facts, now_ns);
  }
  for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane) {
    if (shut_explained_[lane] || facts.halted[lane]) continue;  // a lane that says it is shut for a reason nobody configured
    if (worst.action < Action::halt_engine)
      worst = {Action::halt_engine, LimitKind::ledger_integrity, Result::error, static_cast<std::uint16_t>(lane),
               kNoSession, kNoRow, 0, 1, 0, now_ns};
  }
  return worst;
}

}  // namespace portcullis
