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

/// A slot of the share that is free; kNone when all are in use.
[[nodiscard]] inline std::uint32_t take_slot(LaneRun& run) noexcept {
  std::vector<std::uint32_t>& stack = run.withdrawn.empty() ? run.untouched : run.withdrawn;
  if (!stack.empty() && (&stack == &run.withdrawn || !run.free_slots.more_than(kEndedKept))) {
    const std::uint32_t slot = stack.back();
    stack.pop_back();
    return slot;
  }
  std::uint64_t entry = 0;
  while (run.free_slots.peek(entry)) {  // bounded: the ring holds at most twice the share
    run.free_slots.drop();
    const auto slot = static_cast<std::uint32_t>(entry);
    if (run.note(slot).generation == entry >> 32U) return slot;
  }
  return OrderIndex::kNone;
}

/// Chooses the next order's slot and fetches all its lines at once now instead of one after the other then.
[[gnu::always_inline]] inline void choose_next_slot(LaneRun& run) noexcept {
  run.upcoming = take_slot(run);
  if (run.upcoming == OrderIndex::kNone) return;
  run.attachment->index.prefetch_place(run.note(run.upcoming).place);
  const auto* line = reinterpret_cast<const char*>(&run.orders[run.upcoming]);
  for (std::size_t at = 0; at < sizeof(OrderSlot); at += kCacheLineBytes) __builtin_prefetch(line + at, 1);
}

[[gnu::always_inline]] inline void fill_slot(const Trial& t, const OrderRecord& r, OrderSlot& slot) noexcept {
  store(slot.lane_pair, std::uint64_t{t.run.lane} << 32U | t.pair);
  store(slot.instrument_terms, std::uint64_t{t.instrument} << 32U | std::uint64_t{r.side} << 16U |
                                   std::uint64_t{r.ord_type} << 8U | r.tif);
  store(slot.order_qty, t.order_qty);
  store(slot.px_e8, t.px_e8);
  store(slot.notional_e4, t.added_notional_e4);
  store(slot.submitted_ns, t.now_ns);
  store(slot.parent, t.parent_link);
  slot.cl_ord_id.put(r.cl_ord_id);
  store(slot.orig_slot, r.orig_link);
  store(slot.cancel_ns, 0);
  store(slot.reserved_qty, t.added_qty);
  store(slot.session_epoch, 0);
  store(slot.msg_begin_byte, 0);
  store(slot.msg_end_byte, 0);
  store(slot.msg_seq_num, 0);
  store(slot.reference_px_e8, t.reference_px_e8);
  store(slot.answer_word, 0);
  store(slot.cum_qty, 0);
  store(slot.released_qty, 0);
  store(slot.released_notional_e4, 0);
  store(slot.refused_reason, 0);
  store(slot.order_id.words[4], 0);
}

[[gnu::always_inline]] inline void add_private(const Trial& t) noexcept {
  LaneBlock& block = *t.run.block;
  Cell& cell = t.run.cells[t.pair];
  add_own(t.buy ? cell.submitted_buy : cell.submitted_sell, t.added_qty);
  add_own(block.submitted_notional_e4, t.added_notional_e4);
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
  const OrderIndex::Probe found = t.run.attachment->index.probe(
      r.home, [&](std::uint32_t slot) { return same_id(t.run.orders[slot], r.cl_ord_id); });
  if (found.slot != OrderIndex::kNone) return t.refuse(PC_DUPLICATE_ID);
  if (found.free_place == OrderIndex::kNone) return t.refuse(PC_TABLE_FULL);
  r.place = found.free_place;
  return true;
}

/// Records the order; the handle, or 0 with the trial's refusal filled in and everything taken back.
[[nodiscard, gnu::always_inline]] inline pc_order_handle commit(Trial& t, const OrderRecord& r) noexcept {
  LaneRun& run = t.run;
  const std::uint32_t index = run.upcoming != OrderIndex::kNone ? run.upcoming : take_slot(run);
  if (index == OrderIndex::kNone) [[unlikely]] {
    t.refuse(PC_TABLE_FULL);
    return 0;
  }
  run.upcoming = OrderIndex::kNone;
  OrderSlot& slot = run.orders[index];
  SlotNote& note = run.note(index);
  const std::uint32_t generation = ++note.generation;
  if (note.place != OrderIndex::kNone) run.attachment->index.erase(note.place);
  note.replaced_by = 0;
  store(slot.submit_word, submit_word(generation, SubmitState::free));
  fill_slot(t, r, slot);
  note.place = run.attachment->index.insert(r.home, index, r.place, run.shared);
  add_private(t);
  if (run.shared) {
    const Trial joined = join_others(t, r, index);
    t.take_over(joined);
    if (t.verdict != PC_PASS) return 0;
  }
  LaneBlock& block = *run.block;
  const std::uint64_t head = block.rate_head.load(std::memory_order_relaxed);
  store(run.rate_ring[head & run.ring_mask], t.now_ns);
  store(block.rate_head, head + 1);
  store(slot.submit_word, submit_word(generation, SubmitState::reserved));
  store(block.submitted_ns, t.now_ns);
  if (t.mask != run.pass_mask) [[unlikely]] {
    run.pass_mask = t.mask;
    store(block.pass_mask, t.mask);
  }
  add_own(block.passes, 1);
  choose_next_slot(run);
  return handle_of(generation, index);
}

}  // namespace portcullis
