// SPDX-License-Identifier: Apache-2.0
#include "integration/booking.hpp"

namespace portcullis {
namespace {

/// Own addition with a bound; false leaves the word alone.
bool add_bounded(SignedWord& word, std::int64_t by) noexcept {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(word.load(std::memory_order_relaxed), by, &sum) || sum > kWordMax ||
      sum < -kWordMax)
    return false;
  store(word, sum);
  return true;
}

std::int64_t position_of(const Cell& cell) noexcept {
  return load(cell.start_position) + load(cell.bought) - load(cell.sold) + load(cell.corrections);
}

/// The change of the lane's position value after a position moved; false on overflow.
bool revalue(LaneRun& run, std::uint32_t pair, std::int64_t last_px_e8, std::int64_t& change_e4) noexcept {
  const Cell& cell = run.cells[pair];
  const GateInstrument& instrument = run.instruments[run.pairs[pair].instrument];
  const std::int64_t start_e4 =
      std::atomic_ref(run.start_e4[pair - run.pair_begin]).load(std::memory_order_acquire);
  std::int64_t px_e8 = reference_of(cell, instrument);
  if (px_e8 == 0) px_e8 = last_px_e8;
  const std::int64_t position = position_of(cell);
  std::int64_t value_e4 = 0;
  if (!notional_e4(px_e8, position < 0 ? -position : position, instrument.value_num, instrument.value_den,
                   value_e4) ||
      value_e4 > kWordMax)
    return false;
  std::int64_t& known_e4 = run.value_e4[pair - run.pair_begin];
  std::int64_t& start_seen_e4 = run.start_seen_e4[pair - run.pair_begin];
  change_e4 = value_e4 - known_e4 - (start_e4 - start_seen_e4);
  known_e4 = value_e4;
  start_seen_e4 = start_e4;
  return true;
}

/// Part of held for done of all, rounded down; all of it for the last part.
std::int64_t share_of(std::int64_t held, std::int64_t done, std::int64_t all) noexcept {
  if (done >= all) return held;
  std::int64_t product = 0;
  if (!__builtin_mul_overflow(held, done, &product)) return product / all;
  return static_cast<std::int64_t>(static_cast<__int128>(held) * done / all);
}

/// What an order still holds.
struct Held {
  std::int64_t qty;
  std::int64_t value_e4;
};
Held held_by(const OrderSlot& slot) noexcept {
  return {static_cast<std::int64_t>(load(slot.reserved_qty)) - load(slot.released_qty),
          load(slot.notional_e4) - load(slot.released_notional_e4)};
}

bool buys(const OrderSlot& slot) noexcept { return (load(slot.instrument_terms) >> 16U & 0xFFU) == PC_BUY; }
std::uint32_t pair_of(const OrderSlot& slot) noexcept {
  return static_cast<std::uint32_t>(load(slot.lane_pair));
}

ParentSlot* parent_of(LaneRun& run, const OrderSlot& slot) noexcept {
  const std::uint64_t link = load(slot.parent);
  if (link == 0) return nullptr;
  ParentSlot& parent = run.parents[static_cast<std::uint32_t>(link) - 1];
  return load(parent.generation) >> 8U == link >> 32U ? &parent : nullptr;
}

/// Gives back part of what the order holds: the slot's own words, the cell's, the lane's. Totals are the
/// caller's.
void release(Named& o, std::int64_t qty, std::int64_t value_e4) noexcept {
  Cell& cell = o.run.cells[pair_of(o.slot)];
  add_own(o.slot.released_qty, qty);
  add_own(o.slot.released_notional_e4, value_e4);
  add_own(buys(o.slot) ? cell.released_buy : cell.released_sell, qty);
  add_own(o.run.block->released_notional_e4, value_e4);
}

void change_totals(LaneRun& run, std::int64_t gross_e4, std::int64_t open_orders) noexcept {
  if (!run.shared) return;
  if (gross_e4 != 0) run.totals->gross_notional_e4.fetch_add(gross_e4, std::memory_order_acq_rel);
  if (open_orders != 0) run.totals->open_orders.fetch_add(open_orders, std::memory_order_acq_rel);
}

/// The order is over: its slot may be used again.
void finish(Named& o, AnswerState state, bool counted) noexcept {
  if (counted) add_own(o.run.block->released_orders, 1);
  set_answer(o, state);
  o.run.free_slots.push(handle_of(o.generation, o.index));
}

bool unbooked(LaneRun& run) noexcept {
  add_own(run.block->unbooked, 1);
  return false;
}

/// Moves the position of one cell and the lane's value with it. Raises only; the caller releases afterwards.
bool move_position(LaneRun& run, std::uint32_t pair, SignedWord& word, std::int64_t by, std::int64_t px_e8,
                   std::int64_t& change_e4) noexcept {
  if (!add_bounded(word, by)) return unbooked(run);
  if (!revalue(run, pair, px_e8, change_e4) || !add_bounded(run.block->position_notional_e4, change_e4))
    return unbooked(run);
  return true;
}

}  // namespace

void set_answer(const Named& o, AnswerState state) noexcept {
  store(o.slot.answer_word, std::uint64_t{o.generation} << 8U | static_cast<std::uint64_t>(state));
}

bool book_fill(Named& o, std::int64_t qty, std::int64_t px_e8) noexcept {
  if (pending_replace(o.slot)) take_over(o);  // filled under its new id: the venue took the replace
  const std::uint8_t before = answer_of(o.slot);
  const std::uint32_t pair = pair_of(o.slot);
  Cell& cell = o.run.cells[pair];
  std::int64_t change_e4 = 0;
  MoneyMoves moves(o.run);
  if (!move_position(o.run, pair, buys(o.slot) ? cell.bought : cell.sold, qty, px_e8, change_e4))
    return false;
  add_own(o.run.block->fills, 1);
  const Held held = held_by(o.slot);
  const std::int64_t part = qty < held.qty ? qty : held.qty;
  if (ParentSlot* parent = parent_of(o.run, o.slot); parent != nullptr) {
    if (qty > part)
      add_own(parent->released_qty, part - qty);  // more than the order held: raises the exposure
    add_own(parent->filled_qty, qty);
  }
  const std::int64_t cum = load(o.slot.cum_qty) + qty;
  const bool full = !terminal(before) && cum >= load(o.slot.order_qty);
  store(o.slot.cum_qty, cum);
  const std::int64_t value_e4 =
      full || part >= held.qty ? held.value_e4 : share_of(held.value_e4, part, held.qty);
  release(o, full ? held.qty : part, value_e4);
  change_totals(o.run, change_e4 - value_e4, full ? -1 : 0);
  if (full) {
    finish(o, AnswerState::filled, true);
  } else if (!terminal(before)) {
    set_answer(o, AnswerState::partly_filled);
  }
  return true;
}

bool book_foreign(LaneRun& run, std::uint32_t instrument, bool buy, std::int64_t qty,
                  std::int64_t px_e8) noexcept {
  const std::uint32_t pair = run.find_pair(instrument);
  MoneyMoves moves(run);
  if (pair == kNoPair) return unbooked(run);
  std::int64_t change_e4 = 0;
  Cell& cell = run.cells[pair];
  if (!move_position(run, pair, buy ? cell.bought : cell.sold, qty, px_e8, change_e4)) return false;
  add_own(run.block->fills, 1);
  change_totals(run, change_e4, 0);
  return true;
}

bool book_correction(LaneRun& run, std::uint32_t instrument, std::int64_t delta) noexcept {
  const std::uint32_t pair = run.find_pair(instrument);
  MoneyMoves moves(run);
  if (pair == kNoPair) return unbooked(run);
  std::int64_t change_e4 = 0;
  if (!move_position(run, pair, run.cells[pair].corrections, delta, 0, change_e4)) return false;
  change_totals(run, change_e4, 0);
  return true;
}

void end_order(Named& o, AnswerState state) noexcept {
  if (terminal(answer_of(o.slot))) return;
  const bool pending = pending_replace(o.slot);
  MoneyMoves moves(o.run);
  const Held held = held_by(o.slot);
  if (ParentSlot* parent = parent_of(o.run, o.slot); parent != nullptr)
    add_own(parent->released_qty, held.qty);
  release(o, held.qty, held.value_e4);
  change_totals(o.run, -held.value_e4, pending ? 0 : -1);
  finish(o, state, !pending);
}

void take_over(Named& newer) noexcept {
  if (!pending_replace(newer.slot)) return;
  LaneRun& run = newer.run;
  const std::uint64_t link = load(newer.slot.orig_slot);
  const auto old_index = static_cast<std::uint32_t>(link) - 1;
  OrderSlot& old_slot = run.orders[old_index];
  const bool same = load(old_slot.submit_word) >> 8U == link >> 32U;
  const bool open = same && !terminal(answer_of(old_slot));
  const std::int64_t cum = same ? load(old_slot.cum_qty) : 0;
  const Held extra = held_by(newer.slot);
  const Held inherited = open ? held_by(old_slot) : Held{0, 0};
  const GateInstrument& instrument = run.instruments[run.pairs[pair_of(newer.slot)].instrument];
  const std::int64_t leaves = load(newer.slot.order_qty) > cum ? load(newer.slot.order_qty) - cum : 0;
  const Held all{extra.qty + inherited.qty, extra.value_e4 + inherited.value_e4};
  std::int64_t worth_e4 = all.value_e4;
  if (!notional_e4(load(newer.slot.px_e8), leaves, instrument.value_num, instrument.value_den, worth_e4) ||
      worth_e4 > all.value_e4)
    worth_e4 = all.value_e4;  // never above what was checked

  MoneyMoves moves(run);
  store(newer.slot.cum_qty, cum);
  // the slot's own words first take over what the old order held, then give back what is not needed
  add_own(newer.slot.released_qty, -inherited.qty);
  add_own(newer.slot.released_notional_e4, -inherited.value_e4);
  const std::int64_t spare =
      all.qty - leaves;  // below 0 only where the old order had ended: then it is raised
  if (ParentSlot* parent = parent_of(run, newer.slot); parent != nullptr)
    add_own(parent->released_qty, spare);
  release(newer, spare, all.value_e4 - worth_e4);
  change_totals(run, worth_e4 - all.value_e4, open ? 0 : 1);
  set_answer(newer, leaves == 0 ? AnswerState::filled : AnswerState::accepted);
  if (open) {
    Named older{run, old_slot, old_index, static_cast<std::uint32_t>(link >> 32U)};
    add_own(old_slot.released_qty, inherited.qty);
    add_own(old_slot.released_notional_e4, inherited.value_e4);
    finish(older, AnswerState::replaced, false);
  } else {
    add_own(run.block->released_orders,
            UINT64_MAX);  // the old one was counted as ended: this one is open again
  }
  if (leaves == 0) finish(newer, AnswerState::filled, true), change_totals(run, 0, -1);
}

bool repeated(LaneRun& run, std::uint64_t hash) noexcept {
  const std::uint64_t bucket = hash & (kExecBuckets - 1);
  std::uint64_t* words = &run.exec_ids[bucket * kExecBucketWords];
  bool found = false;
  for (std::uint32_t i = 0; i < kExecBucketWords; ++i) found |= words[i] == hash;
  if (found) return true;
  std::uint8_t& next = run.exec_next[bucket];
  words[next % kExecBucketWords] = hash;
  ++next;
  return false;
}

}  // namespace portcullis
