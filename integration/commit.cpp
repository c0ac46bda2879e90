// SPDX-License-Identifier: Apache-2.0
#include "integration/record.hpp"

namespace portcullis {
namespace {

constexpr int kSharedRetries =
    64;  ///< of a compare-exchange on a shared total; then the verdict is `contended`

enum class Reserved : std::uint8_t { yes, above, contended };

/// Adds to a shared total unless the sum would pass the limit. observed is the sum that was too much.
Reserved reserve(SignedWord& total, std::int64_t by, std::int64_t limit, std::int64_t& observed) noexcept {
  std::int64_t seen = total.load(std::memory_order_relaxed);
  for (int n = 0; n < kSharedRetries; ++n) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(seen, by, &sum)) sum = INT64_MAX;
    if (sum > limit || sum == INT64_MAX) {
      observed = sum;
      return Reserved::above;
    }
    if (total.compare_exchange_weak(seen, sum, std::memory_order_acq_rel, std::memory_order_relaxed))
      return Reserved::yes;
  }
  return Reserved::contended;
}

bool reserve_gross(Trial& t, OrderSlot& slot) noexcept {
  const std::int64_t bound = t.run.engine_limits->gross_notional_e4;
  if (bound != kNoLimit) t.evaluated(LimitKind::gross_notional);
  if (t.added_notional_e4 == 0) return true;
  std::int64_t observed = 0;
  const Reserved got = reserve(t.run.totals->gross_notional_e4, t.added_notional_e4, bound, observed);
  if (got == Reserved::yes) return true;
  if (t.reduces) {  // passes, and reserves nothing
    add_own(t.run.block->withdrawn_notional_e4, t.added_notional_e4);
    t.added_notional_e4 = 0;
    store(slot.notional_e4, 0);
    return true;
  }
  return got == Reserved::contended ? t.refuse(PC_CONTENDED)
                                    : t.refuse(PC_GROSS_NOTIONAL, LimitKind::gross_notional, observed, bound);
}

bool reserve_open_order(Trial& t) noexcept {
  const std::int64_t bound = t.run.engine_limits->open_orders;
  if (bound != kNoLimit) t.evaluated(LimitKind::open_orders);
  if (t.replaces) return true;
  std::int64_t observed = 0;
  const Reserved got = reserve(t.run.totals->open_orders, 1, bound, observed);
  if (got == Reserved::yes) return true;
  return got == Reserved::contended ? t.refuse(PC_CONTENDED)
                                    : t.refuse(PC_OPEN_ORDERS, LimitKind::open_orders, observed, bound);
}

enum class Window : std::uint8_t { passes, full, moving };

Window shared_window(const LaneRun& run, const RateWindow& w, std::uint64_t head,
                     std::uint64_t now_ns) noexcept {
  if (head < w.max) return Window::passes;
  const std::uint64_t nth = head - w.max;
  const RingEntry& entry = run.shared_ring[nth & run.ring_mask];
  if (load(entry.sequence) != nth + 1) return Window::moving;  // claimed but not written yet, or overwritten
  const std::uint64_t stamp = load(entry.stamp_ns);
  if (load(entry.sequence) != nth + 1) return Window::moving;
  return rate_passes(w, head, stamp, now_ns) ? Window::passes : Window::full;
}

/// Claims an entry of the shared ring. The clock is read after the head, so that stamps are in the order of
/// the claims.
bool claim_shared_ring(Trial& t) noexcept {
  const EngineLimits& engine = *t.run.engine_limits;
  if (engine.order_rates == 0) return true;
  t.evaluated(LimitKind::order_rate);
  for (int n = 0; n < kSharedRetries; ++n) {
    std::uint64_t head = load(t.run.totals->ring_head);
    const std::uint64_t now_ns = monotonic_now_ns();
    bool moving = false;
    for (std::uint32_t i = 0; i < engine.order_rates && !moving; ++i) {
      const RateWindow& w = engine.order_rate[i];
      const Window said = shared_window(t.run, w, head, now_ns);
      moving = said == Window::moving;
      if (said != Window::full) continue;
      t.window_ms = static_cast<std::uint32_t>(w.window_ns / 1'000'000);
      return t.refuse(PC_ORDER_RATE, LimitKind::order_rate, static_cast<std::int64_t>(w.max) + 1,
                      static_cast<std::int64_t>(w.max));
    }
    if (moving || !t.run.totals->ring_head.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel))
      continue;
    RingEntry& entry = t.run.shared_ring[head & t.run.ring_mask];
    store(entry.sequence, 0);
    store(entry.stamp_ns, now_ns);
    store(entry.sequence, head + 1);
    return true;
  }
  return t.refuse(PC_CONTENDED);
}

/// What the engine's other lanes share in. False: refused, nothing of it is left behind in the totals.
bool reserve_shared(Trial& t, OrderSlot& slot) noexcept {
  LedgerTotals& totals = *t.run.totals;
  if (!reserve_gross(t, slot)) {
    return false;
  }
  if (!reserve_open_order(t)) {
    totals.gross_notional_e4.fetch_sub(t.added_notional_e4, std::memory_order_acq_rel);
    return false;
  }
  if (claim_shared_ring(t)) return true;
  totals.gross_notional_e4.fetch_sub(t.added_notional_e4, std::memory_order_acq_rel);
  if (!t.replaces) totals.open_orders.fetch_sub(1, std::memory_order_acq_rel);
  return false;
}

/// Takes the private words of a recorded order back and frees its slot.
void withdraw_private(LaneRun& run, std::uint32_t index) noexcept {
  OrderSlot& slot = run.orders[index];
  LaneBlock& block = *run.block;
  Cell& cell = run.cells[static_cast<std::uint32_t>(load(slot.lane_pair))];
  const bool buy = (load(slot.instrument_terms) >> 16U & 0xFFU) == PC_BUY;
  const std::int64_t qty = load(slot.reserved_qty);
  const bool replaces = load(slot.orig_slot) != 0;
  SlotNote& note = run.note(index);
  store(slot.submit_word, submit_word(note.generation, SubmitState::withdrawn));
  add_own(buy ? cell.withdrawn_buy : cell.withdrawn_sell, qty);
  add_own(block.withdrawn_notional_e4, load(slot.notional_e4));
  if (!replaces) add_own(block.withdrawn_orders, 1);
  if (const std::uint64_t parent = load(slot.parent); parent != 0) {
    ParentSlot& p = run.parents[static_cast<std::uint32_t>(parent) - 1];
    if (!replaces) add_own(p.children, UINT64_MAX);  // one less
    add_own(p.withdrawn_qty, qty);
  }
  if (note.place != OrderIndex::kNone) run.attachment->index.erase(note.place);
  note.place = OrderIndex::kNone;
  ++note.generation;  // what a responder may still say about it is about another order now
  run.withdrawn.push_back(index);
}

/// Two lanes may enter one id at the same moment: whoever sees the other's entry gives way, perhaps both.
bool entered_twice(const LaneRun& run, const OrderRecord& r, std::uint32_t own) noexcept {
  const OrderIndex::Probe found = run.attachment->index.probe(
      r.home, [&](std::uint32_t slot) { return slot != own && same_id(run.orders[slot], r.cl_ord_id); });
  return found.slot != OrderIndex::kNone;
}

}  // namespace

Trial join_others(Trial t, const OrderRecord r, std::uint32_t index) noexcept {
  const bool entered = t.run.note(index).place != OrderIndex::kNone;
  if (!entered) {
    t.refuse(PC_TABLE_FULL);
  } else if (entered_twice(t.run, r, index)) {
    t.refuse(PC_DUPLICATE_ID);
  } else if (reserve_shared(t, t.run.orders[index])) {
    return t;
  }
  withdraw_private(t.run, index);
  return t;
}

void withdraw(LaneRun& run, std::uint32_t index) noexcept {
  OrderSlot& slot = run.orders[index];
  if (run.shared) {
    run.totals->gross_notional_e4.fetch_sub(load(slot.notional_e4), std::memory_order_acq_rel);
    if (load(slot.orig_slot) == 0) run.totals->open_orders.fetch_sub(1, std::memory_order_acq_rel);
  }
  withdraw_private(run, index);
}

std::uint32_t find_slot(const LaneRun& run, const Id& id) noexcept {
  const OrderIndex& index = run.attachment->index;
  return index
      .probe(index.home_of(id.hash()), [&](std::uint32_t slot) { return same_id(run.orders[slot], id); })
      .slot;
}

}  // namespace portcullis
