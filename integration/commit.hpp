// SPDX-License-Identifier: Apache-2.0
/// @file From a passed trial to a recorded order, and back. Order of stores: the slot, private words, shared
/// totals (compare-exchange that never holds a value above the limit), the shared ring, and last the slot's
/// submit word with release: the ledger never shows less than the wire. Submitter only. Rejected: add to a
/// shared total and undo it when it is too much; a sick lane's oversized retries would refuse a healthy
/// lane's orders and look like a breach.
#pragma once
#include "integration/trial.hpp"

namespace portcullis {

/// What the slot says about the order beyond the trial. Its ClOrdID is there already.
struct OrderRecord {
  OrderIndex::Home home;
  std::uint32_t place = OrderIndex::kNone;  ///< free place in the index
  std::uint32_t terms = 0;                  ///< side << 16 | ord_type << 8 | tif
  std::uint64_t orig_link = 0;              ///< of the order that this replaces; 0 none
};
[[nodiscard]] constexpr std::uint32_t terms_of(std::uint32_t side, std::uint32_t ord_type,
                                               std::uint32_t tif) noexcept {
  return side << 16U | ord_type << 8U | tif;
}

/// Makes LaneRun::next ready: empties its slot and works out when the rate windows are open. Off the order's
/// way, after the order before was sent. choose: may take a slot where none was chosen yet; only inside a
/// flight, because whoever closed the gate exactly counts on no slot being used again.
void make_next_ready(LaneRun& run, bool choose) noexcept;

/// Reads the ClOrdID into the next slot and fetches what the look-up at the end will need. After the clock
/// was read: the hash is a chain of multiplications, which the checks are done beside. False: absurd id.
[[nodiscard, gnu::always_inline]] inline bool take_id(const LaneRun& run, const pc_text& text,
                                                      OrderRecord& record) noexcept {
  Id id;
  if (!id.assign(text.data, text.length)) return false;
  run.next.slot->cl_ord_id.put(id);
  record.home = run.index.home_of(id);
  run.index.prefetch(record.home);
  return true;
}
/// What a recorded order wants of what several lanes share, and what came of it.
struct Joining {
  OrderIndex::Home home;
  std::int64_t added_notional_e4;
  bool replaces;
  bool reduces;
  std::uint64_t evaluated = 0;  ///< bit per LimitKind that was judged here
  Refusal no{PC_PASS, LimitKind{}, false, 0, 0, 0};
  bool refuse(const Refusal& why) noexcept {
    no = why;
    return false;
  }
};
/// What the engine's other lanes share in: totals and the shared ring. Takes a recorded order back where it
/// does not pass.
[[nodiscard]] Joining join_others(LaneRun& run, Joining joining, std::uint32_t index) noexcept;
/// Takes back an order of this lane that was never sent: words, totals, slot. Its rate stamp stays: asking is
/// an event.
void withdraw(LaneRun& run, std::uint32_t slot) noexcept;

/// The slot of this id, OrderIndex::kNone if there is none. Any thread.
[[nodiscard]] std::uint32_t find_slot(const LaneRun& run, const Id& id) noexcept;
/// The slot of a handle whose order is known (sent or reserved, ended or not), OrderIndex::kNone otherwise.
/// Any thread.
[[nodiscard]] inline std::uint32_t slot_of(const LaneRun& run, pc_order_handle handle) noexcept {
  const auto slot = static_cast<std::uint32_t>(handle);
  if (slot >= run.attachment->capacities.open_orders) return OrderIndex::kNone;
  const std::uint64_t word = load(run.orders[slot].submit_word);
  const auto state = static_cast<std::uint8_t>(word);
  const bool known = state == static_cast<std::uint8_t>(SubmitState::reserved) ||
                     state == static_cast<std::uint8_t>(SubmitState::sent);
  return known && word >> 8U == handle >> 32U ? slot : OrderIndex::kNone;
}

/// State of the answer in the slot's present generation.
[[nodiscard]] inline std::uint8_t answer_of(const OrderSlot& slot) noexcept {
  const std::uint64_t answer = load(slot.answer_word);
  return answer >> 8U == load(slot.submit_word) >> 8U ? static_cast<std::uint8_t>(answer) : 0;
}
/// A replace that the venue has not answered yet.
[[nodiscard]] inline bool pending_replace(const OrderSlot& slot) noexcept {
  return load(slot.orig_slot) != 0 && answer_of(slot) == static_cast<std::uint8_t>(AnswerState::none);
}

}  // namespace portcullis
