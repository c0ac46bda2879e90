// SPDX-License-Identifier: Apache-2.0
#include "integration/record.hpp"

namespace portcullis {
namespace {

constexpr int kSharedRetries =
    64;  ///< of a compare-exchange on a shared total; then the verdict is `contended`

constexpr Refusal kContended{PC_CONTENDED, LimitKind{}, false, 0, 0, 0};

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

bool reserve_gross(LaneRun& run, Joining& j, OrderSlot& slot) noexcept {
  const std::int64_t bound = run.engine_limits->gross_notional_e4;
  if (bound != kNoLimit) j.evaluated |= kind_bit(LimitKind::gross_notional);
  if (j.added_notional_e4 == 0) return true;
  std::int64_t observed = 0;
  const Reserved got = reserve(run.totals->gross_notional_e4, j.added_notional_e4, bound, observed);
  if (got == Reserved::yes) return true;
  if (j.reduces) {  // passes, and reserves nothing
    add_own(run.block->withdrawn_notional_e4, j.added_notional_e4);
    j.added_notional_e4 = 0;
    store(slot.notional_e4, 0);
    return true;
  }
  if (got == Reserved::contended) return j.refuse(kContended);
  return j.refuse({PC_GROSS_NOTIONAL, LimitKind::gross_notional, true, 0, observed, bound});
}

bool reserve_open_order(LaneRun& run, Joining& j) noexcept {
  const std::int64_t bound = run.engine_limits->open_orders;
  if (bound != kNoLimit) j.evaluated |= kind_bit(LimitKind::open_orders);
  if (j.replaces) return true;
  std::int64_t observed = 0;
  const Reserved got = reserve(run.totals->open_orders, 1, bound, observed);
  if (got == Reserved::yes) return true;
  if (got == Reserved::contended) return j.refuse(kContended);
  return j.refuse({PC_OPEN_ORDERS, LimitKind::open_orders, true, 0, observed, bound});
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
bool claim_shared_ring(LaneRun& run, Joining& j) noexcept {
  const EngineLimits& engine = *run.engine_limits;
  if (engine.order_rates == 0) return true;
  j.evaluated |= kind_bit(LimitKind::order_rate);
  for (int n = 0; n < kSharedRetries; ++n) {
    std::uint64_t head = load(run.totals->ring_head);
    const std::uint64_t now_ns = monotonic_now_ns();
    bool moving = false;
    for (std::uint32_t i = 0; i < engine.order_rates && !moving; ++i) {
      const RateWindow& w = engine.order_rate[i];
      const Window said = shared_window(run, w, head, now_ns);
      moving = said == Window::moving;
      if (said == Window::full) return j.refuse(rate_refusal(w));
    }
    if (moving || !run.totals->ring_head.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel))
      continue;
    RingEntry& entry = run.shared_ring[head & run.ring_mask];
    store(entry.sequence, 0);
    store(entry.stamp_ns, now_ns);
    store(entry.sequence, head + 1);
    return true;
  }
  return j.refuse(kContended);
}

/// What the engine's other lanes share in. False: refused, nothing of it is left behind in the totals.
bool reserve_shared(LaneRun& run, Joining& j, OrderSlot& slot) noexcept {
  LedgerTotals& totals = *run.totals;
  if (!reserve_gross(run, j, slot)) return false;
  if (!reserve_open_order(run, j)) {
    totals.gross_notional_e4.fetch_sub(j.added_notional_e4, std::memory_order_acq_rel);
    return false;
  }
  if (claim_shared_ring(run, j)) return true;
  totals.gross_notional_e4.fetch_sub(j.added_notional_e4, std::memory_order_acq_rel);
  if (!j.replaces) totals.open_orders.fetch_sub(1, std::memory_order_acq_rel);
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
  if (note.place != OrderIndex::kNone) run.index.erase(note.place);
  note.place = OrderIndex::kNone;
  ++note.generation;  // what a responder may still say about it is about another order now
  run.withdrawn.push_back(index);
}

/// Two lanes may enter one id at the same moment: whoever sees the other's entry gives way, perhaps both.
bool entered_twice(const LaneRun& run, const OrderIndex::Home& home, std::uint32_t own) noexcept {
  const Id id = run.orders[own].cl_ord_id.get();
  return run.index.find(home, [&](std::uint32_t slot) {
    return slot != own && same_id(run.orders[slot], id);
  }) != OrderIndex::kNone;
}

/// From when on no window of the lane's own ring is full; with a single lane the engine's are the same
/// ring's.
class OpenRates {
 public:
  explicit OpenRates(const LaneRun& run) noexcept
      : run_(run), head_(run.block->rate_head.load(std::memory_order_relaxed)) {
    all_of(run.gate->order_rate, run.gate->order_rates);
    if (!run.shared) all_of(run.engine_limits->order_rate, run.engine_limits->order_rates);
  }
  [[nodiscard]] std::uint64_t not_before_ns() const noexcept { return not_before_ns_; }

 private:
  void all_of(const RateWindow* windows, std::uint32_t used) noexcept {
    for (const RateWindow* w = windows; w != windows + used; ++w) {
      const std::uint64_t from_ns = opens_ns(*w);
      if (from_ns > not_before_ns_) not_before_ns_ = from_ns;
    }
  }
  /// rate_passes() turned round: the first moment at which it says yes.
  [[nodiscard]] std::uint64_t opens_ns(const RateWindow& w) const noexcept {
    if (w.max == 0) return UINT64_MAX;
    if (head_ < w.max) return 0;
    const std::uint64_t nth =
        run_.rate_ring[(head_ - w.max) & run_.ring_mask].load(std::memory_order_relaxed);
    std::uint64_t from_ns = 0;
    return __builtin_add_overflow(nth, w.window_ns, &from_ns) ? UINT64_MAX : from_ns;
  }

  const LaneRun& run_;
  std::uint64_t head_;
  std::uint64_t not_before_ns_ = 0;
};

/// Takes the chosen slot out of the index and empties it. False: it was freed twice and belongs to somebody.
bool empty_chosen_slot(LaneRun& run) noexcept {
  NextOrder& next = run.next;
  SlotNote& note = run.note(next.index);
  if (note.generation != next.chosen >> 32U) return false;
  OrderSlot& slot = run.orders[next.index];
  next.slot = &slot;
  next.note = &note;
  next.generation = ++note.generation;
  if (note.place != OrderIndex::kNone) run.index.erase(note.place);
  note = {next.generation, OrderIndex::kNone, 0};
  store(slot.submit_word, submit_word(next.generation, SubmitState::free));
  store(slot.cancel_ns, 0);
  store(slot.session_epoch, 0);
  store(slot.msg_begin_byte, 0);
  store(slot.msg_end_byte, 0);
  store(slot.msg_seq_num, 0);
  store(slot.answer_word, 0);
  store(slot.cum_qty, 0);
  store(slot.released_qty, 0);
  store(slot.released_notional_e4, 0);
  store(slot.refused_reason, 0);
  store(slot.order_id.words[4], 0);
  return true;
}

}  // namespace

void make_next_ready(LaneRun& run, bool choose) noexcept {
  NextOrder& next = run.next;
  const OpenRates rates(run);
  next.not_before_ns = rates.not_before_ns();
  if (next.index == OrderIndex::kNone && choose) choose_next_slot(run);
  while (next.index != OrderIndex::kNone) {  // bounded: every turn takes one entry out of the free ring
    next.ready = empty_chosen_slot(run);
    if (next.ready) return;
    next.index = OrderIndex::kNone;
    if (choose) choose_next_slot(run);
  }
  next.slot = &run.spare;
}

RateWindow full_window(const LaneRun& run, std::uint64_t now_ns) noexcept {
  const std::uint64_t head = run.block->rate_head.load(std::memory_order_relaxed);
  const auto full = [&](const RateWindow& w) {
    const std::uint64_t nth = run.rate_ring[(head - w.max) & run.ring_mask].load(std::memory_order_relaxed);
    return !rate_passes(w, head, nth, now_ns);
  };
  for (std::uint32_t i = 0; i < run.gate->order_rates; ++i)
    if (full(run.gate->order_rate[i])) return run.gate->order_rate[i];
  if (run.shared) return {UINT64_MAX, 0};
  for (std::uint32_t i = 0; i < run.engine_limits->order_rates; ++i)
    if (full(run.engine_limits->order_rate[i])) return run.engine_limits->order_rate[i];
  return {UINT64_MAX, 0};
}

Moment look_again(const LaneBlock& block, const Cell& cell, bool buy) noexcept {
  constexpr int kTries = 8;
  Moment at = look_once(block, cell, buy);
  for (int n = 1; n < kTries && !at.settled; ++n) at = look_once(block, cell, buy);
  return at;
}

Joining join_others(LaneRun& run, Joining j, std::uint32_t index) noexcept {
  const bool entered = run.note(index).place != OrderIndex::kNone;
  if (!entered) {
    j.no.verdict = PC_TABLE_FULL;
  } else if (entered_twice(run, j.home, index)) {
    j.no.verdict = PC_DUPLICATE_ID;
  } else if (reserve_shared(run, j, run.orders[index])) {
    return j;
  }
  withdraw_private(run, index);
  return j;
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
  return run.index.find(run.index.home_of(id),
                        [&](std::uint32_t slot) { return same_id(run.orders[slot], id); });
}

}  // namespace portcullis
