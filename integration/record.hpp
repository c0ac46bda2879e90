// SPDX-License-Identifier: Apache-2.0
/// @file The hot half of commit.hpp: look the ClOrdID up, fill the slot, store the private words, publish.
/// All of it is inlined into one function per entry point and works on trials that never leave registers
/// unless something is refused: handing the trial to a function by address made every atomic store reload it
/// (a third of the instructions).
#pragma once
#include "integration/commit.hpp"

namespace portcullis {

[[nodiscard]] inline std::uint64_t submit_word(std::uint64_t generation, SubmitState state) noexcept {
  return generation << 8U | static_cast<std::uint64_t>(state);
}

[[nodiscard]] inline bool same_id(const OrderSlot& slot, const Id& id) noexcept {
  for (int i = 4; i >= 0; --i)  // the last word holds the length and the end: differs first
    if (load(slot.cl_ord_id.words[i]) != id.words[i]) return false;
  return true;
}

/// An ended order stays readable until this many younger ones of its lane have ended too (repeated reports,
/// late fills). More would walk through more memory than a processor keeps close: with 4,096 an order took
/// half as long again.
inline constexpr std::uint64_t kEndedKept = 256;

/// Chooses the next order's slot; NextOrder::index stays kNone when all are in use. What is chosen may still
/// turn out to be freed twice: make_next_ready looks, and this reads nothing that is not at hand.
[[gnu::always_inline]] inline void choose_next_slot(LaneRun& run) noexcept {
  NextOrder& next = run.next;
  if (run.withdrawn.empty() && run.free_slots.more_than(kEndedKept)) [[likely]] {
    next.chosen = run.free_slots.pop();
  } else if (std::vector<std::uint32_t>& stack = run.withdrawn.empty() ? run.untouched : run.withdrawn;
             !stack.empty()) {
    next.chosen = handle_of(run.note(stack.back()).generation, stack.back());
    stack.pop_back();
  } else if (run.free_slots.more_than(0)) {
    next.chosen = run.free_slots.pop();
  } else {
    return;
  }
  next.index = static_cast<std::uint32_t>(next.chosen);
}

/// What make_next_ready did not put there already.
[[gnu::always_inline]] inline void fill_slot(const Trial& t, const OrderRecord& r, OrderSlot& slot) noexcept {
  store(slot.lane_pair, std::uint64_t{t.run.lane} << 32U | t.pair);
  store(slot.instrument_terms, std::uint64_t{t.instrument} << 32U | r.terms);
  store(slot.order_qty, t.order_qty);
  store(slot.px_e8, t.px_e8);
  store(slot.notional_e4, t.added_notional_e4);
  store(slot.submitted_ns, t.now_ns);
  store(slot.parent, t.parent_link);
  store(slot.orig_slot, r.orig_link);
  store(slot.reserved_qty, t.added_qty);
  store(slot.reference_px_e8, t.reference_px_e8);
}

[[gnu::always_inline]] inline void add_private(const Trial& t) noexcept {
  LaneBlock& block = *t.run.block;
  Cell& cell = t.run.cells[t.pair];
  store(t.buy ? cell.submitted_buy : cell.submitted_sell, t.at.submitted + t.added_qty);
  store(block.submitted_notional_e4, t.at.submitted_e4 + t.added_notional_e4);
  if (t.replaces) {
    add_own(block.replaces, 1);
  } else {
    add_own(block.submitted_orders, 1);
  }
  if (t.parent == nullptr) return;
  if (!t.replaces) add_own(t.parent->children, 1);
  add_own(t.parent->submitted_qty, t.added_qty);
}

/// True when the ClOrdID is free; finds its place in the index. False: PC_DUPLICATE_ID or PC_TABLE_FULL.
[[nodiscard, gnu::always_inline]] inline bool check_id(Trial& t, OrderRecord& r) noexcept {
  const OrderIndex::Probe found =
      t.run.index.probe(r.home, [orders = t.run.orders, mine = t.run.next.slot](std::uint32_t slot) {
        return same_id(orders[slot], mine->cl_ord_id.get());
      });
  if (found.slot != OrderIndex::kNone) return t.refuse(PC_DUPLICATE_ID);
  if (found.free_place == OrderIndex::kNone) return t.refuse(PC_TABLE_FULL);
  r.place = found.free_place;
  return true;
}

/// Records the order; the handle, or 0 with the trial's refusal filled in and everything taken back.
template <bool Shared>
[[nodiscard, gnu::always_inline]] inline pc_order_handle commit(Trial& t, const OrderRecord& r) noexcept {
  LaneRun& run = t.run;
  NextOrder& next = run.next;
  const std::uint32_t index = next.index;
  const std::uint32_t generation = next.generation;
  if (index == OrderIndex::kNone) [[unlikely]] {
    t.refuse(PC_TABLE_FULL);
    return 0;
  }
  OrderSlot& slot = *next.slot;
  next.index = OrderIndex::kNone;
  next.ready = false;
  fill_slot(t, r, slot);
  next.note->place = run.index.insert<Shared>(r.home, index, r.place);
  add_private(t);
  if constexpr (Shared) {
    const Joining j = join_others(run, {r.home, t.added_notional_e4, t.replaces, t.reduces()}, index);
    t.joined = j.evaluated;
    if (j.no.verdict != PC_PASS) {
      t.no = j.no;
      return 0;
    }
  }
  LaneBlock& block = *run.block;
  const std::uint64_t head = block.rate_head.load(std::memory_order_relaxed);
  store(run.rate_ring[head & run.ring_mask], t.now_ns);
  store(block.rate_head, head + 1);
  store(slot.submit_word, submit_word(generation, SubmitState::reserved));
  store(block.submitted_ns, t.now_ns);
  if (const std::uint64_t mask = t.evaluated(); mask != run.pass_mask) [[unlikely]] {
    run.pass_mask = mask;
    store(block.pass_mask, mask);
  }
  add_own(block.passes, 1);
  choose_next_slot(run);
  return handle_of(generation, index);
}

}  // namespace portcullis
