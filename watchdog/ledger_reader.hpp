// SPDX-License-Identifier: Apache-2.0
/// @file Bounded reading of the hostile ledger. Every function here reads a fixed number of words, checks every index
/// against the capacities agreed at attach, and says `torn` instead of trying for ever.
/// A quick read of a lane's quantities takes the grow-only words in the order bought, submitted, released, so that it
/// can only come out smaller than the truth; what looks like a breach is read again between two equal, even values of
/// responder_sequence before anybody acts on it. Rejected: an unbounded seqlock reader (it hangs for ever when its
/// writer is killed in the middle of a store).
#pragma once
#include "shm/ledger_layout.hpp"

namespace portcullis {

inline constexpr int kStableReads = 16;  ///< tries to find a lane's responder, or a slot, at rest

/// A lane's holding in one listed pair; wrong is set where the words contradict each other.
struct CellReading {
  Holding holding;
  std::int64_t reference_px_e8 = 0;  ///< the engine's mark; 0 none
  bool start_set = false;
  bool wrong = false;
};

[[nodiscard]] inline CellReading read_cell(const Cell& cell) noexcept {
  CellReading r;
  const std::int64_t bought = load(cell.bought);
  const std::int64_t sold = load(cell.sold);
  const std::int64_t start = load(cell.start_position);
  const std::int64_t corrections = load(cell.corrections);
  const std::int64_t submitted_buy = load(cell.submitted_buy);
  const std::int64_t submitted_sell = load(cell.submitted_sell);
  const std::int64_t withdrawn_buy = load(cell.withdrawn_buy);
  const std::int64_t withdrawn_sell = load(cell.withdrawn_sell);
  const std::int64_t released_buy = load(cell.released_buy);
  const std::int64_t released_sell = load(cell.released_sell);
  r.start_set = load(cell.start_set) == 1;
  r.reference_px_e8 = load(cell.mark_px_e8);
  Holding& h = r.holding;
  bool wrong = bought < 0 || sold < 0 || __builtin_sub_overflow(bought, sold, &h.position);
  wrong |= __builtin_add_overflow(h.position, start, &h.position);
  wrong |= __builtin_add_overflow(h.position, corrections, &h.position);
  wrong |= __builtin_sub_overflow(submitted_buy, withdrawn_buy, &h.working_buy);
  wrong |= __builtin_sub_overflow(h.working_buy, released_buy, &h.working_buy);
  wrong |= __builtin_sub_overflow(submitted_sell, withdrawn_sell, &h.working_sell);
  wrong |= __builtin_sub_overflow(h.working_sell, released_sell, &h.working_sell);
  r.wrong = wrong || h.working_buy < 0 || h.working_sell < 0;
  return r;
}

/// Value of all working orders of a lane; wrong as above.
[[nodiscard]] inline std::int64_t read_working_notional_e4(const LaneBlock& lane, bool& wrong) noexcept {
  const std::int64_t submitted = load(lane.submitted_notional_e4);
  const std::int64_t withdrawn = load(lane.withdrawn_notional_e4);
  const std::int64_t released = load(lane.released_notional_e4);
  std::int64_t working = 0;
  wrong |= __builtin_sub_overflow(submitted, withdrawn, &working);
  wrong |= __builtin_sub_overflow(working, released, &working) || working < 0;
  return working;
}

/// Open orders of a lane; INT64_MAX where the words contradict each other.
[[nodiscard]] inline std::int64_t read_open_orders(const LaneBlock& lane) noexcept {
  const std::uint64_t submitted = load(lane.submitted_orders);
  const std::uint64_t withdrawn = load(lane.withdrawn_orders);
  const std::uint64_t released = load(lane.released_orders);
  const std::uint64_t open = submitted - withdrawn - released;
  return open <= static_cast<std::uint64_t>(INT64_MAX) ? static_cast<std::int64_t>(open) : INT64_MAX;
}

/// Calls read() between two equal, even responder sequences of one lane. False: no such moment in kStableReads tries.
template <typename Read>
[[nodiscard]] bool stable_read(const LaneBlock& lane, Read&& read) noexcept {
  for (int i = 0; i < kStableReads; ++i) {
    const std::uint64_t before = load(lane.responder_sequence);
    if ((before & 1U) != 0) continue;
    read();
    if (load(lane.responder_sequence) == before) return true;
  }
  return false;
}

/// One order slot as it stands; open is false for a free, withdrawn, terminal or torn slot.
struct OrderReading {
  Id cl_ord_id;
  std::uint64_t generation = 0;
  std::uint32_t lane = 0;
  std::uint32_t pair = 0;
  std::uint32_t instrument = 0;
  std::uint8_t side = 0;
  std::uint8_t ord_type = 0;
  SubmitState submit = SubmitState::free;
  std::uint8_t answer = 0;  ///< AnswerState of this generation, else 0
  std::int64_t order_qty = 0, cum_qty = 0, px_e8 = 0, notional_e4 = 0, reference_px_e8 = 0;
  std::uint32_t session = 0, epoch = 0;  ///< epoch 0: its bytes were never declared
  std::uint64_t msg_end_byte = 0;
  bool open = false;
  bool torn = false;  ///< indices out of range, or the slot changed while it was read
};

[[nodiscard]] inline OrderReading read_order(const LedgerView& ledger, std::uint32_t index) noexcept {
  const OrderSlot& slot = ledger.order(index);
  OrderReading r;
  const std::uint64_t word = load(slot.submit_word);
  r.generation = word >> 8U;
  r.submit = static_cast<SubmitState>(word & 0xFFU);
  const std::uint64_t lane_pair = load(slot.lane_pair);
  const std::uint64_t terms = load(slot.instrument_terms);
  r.lane = static_cast<std::uint32_t>(lane_pair >> 32U);
  r.pair = static_cast<std::uint32_t>(lane_pair);
  r.instrument = static_cast<std::uint32_t>(terms >> 32U);
  r.side = static_cast<std::uint8_t>(terms >> 16U);
  r.ord_type = static_cast<std::uint8_t>(terms >> 8U);
  r.order_qty = load(slot.order_qty);
  r.px_e8 = load(slot.px_e8);
  r.notional_e4 = load(slot.notional_e4);
  r.reference_px_e8 = load(slot.reference_px_e8);
  r.cl_ord_id = slot.cl_ord_id.get();
  const std::uint64_t session_epoch = load(slot.session_epoch);
  r.session = static_cast<std::uint32_t>(session_epoch >> 32U);
  r.epoch = static_cast<std::uint32_t>(session_epoch);
  r.msg_end_byte = load(slot.msg_end_byte);
  r.cum_qty = load(slot.cum_qty);
  const std::uint64_t answer = load(slot.answer_word);
  if (answer >> 8U == r.generation) r.answer = static_cast<std::uint8_t>(answer);
  const bool live = r.submit == SubmitState::reserved || r.submit == SubmitState::sent;
  const Capacities& c = ledger.capacities;
  r.torn = load(slot.submit_word) != word || (word & 0xFFU) > static_cast<std::uint64_t>(SubmitState::withdrawn) ||
           (live && (r.lane >= c.lanes || r.pair >= c.pairs || r.instrument >= c.instruments ||
                     (r.epoch != 0 && r.session >= c.sessions)));
  r.open = live && !r.torn && !terminal(r.answer);
  return r;
}

/// The same, looked at again while it is torn: within one order's life its word moves three times (free, reserved,
/// sent), on a fast engine within the time of one look.
[[nodiscard]] inline OrderReading read_order_again(const LedgerView& ledger, std::uint32_t index) noexcept {
  OrderReading order = read_order(ledger, index);
  for (int looks = 1; order.torn && looks < kStableReads; ++looks) order = read_order(ledger, index);
  return order;
}

}  // namespace portcullis
