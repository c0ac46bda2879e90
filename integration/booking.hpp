// SPDX-License-Identifier: Apache-2.0
/// @file How the venue's answers change the money words. Responder only. Everything happens between two steps
/// of responder_sequence (odd while inside) and raises before it releases. A fill is a fact: it is booked
/// whole, also when it is larger than the order, late or foreign; only what the order still holds is
/// released. What a slot holds is reserved_qty - released_qty (and notional_e4 - released_notional_e4). A
/// replace that was answered takes over what its order held.
#pragma once
#include "integration/commit.hpp"

namespace portcullis {

/// A report about a known order.
struct Named {
  LaneRun& run;
  OrderSlot& slot;
  std::uint32_t index;
  std::uint32_t generation;
};

/// Marks the lane's money words as moving for as long as it lives.
class MoneyMoves {
 public:
  explicit MoneyMoves(LaneRun& run) noexcept : run_(run) { step(); }
  MoneyMoves(const MoneyMoves&) = delete;
  MoneyMoves& operator=(const MoneyMoves&) = delete;
  ~MoneyMoves() { step(); }

 private:
  void step() noexcept { add_own(run_.block->responder_sequence, 1); }
  LaneRun& run_;
};

/// Books qty of a known order at px. False where the words would overflow: the ledger is untrue then
/// (`unbooked`).
bool book_fill(Named& order, std::int64_t qty, std::int64_t px_e8) noexcept;
/// Books a fill of an order that the hook never saw to the lane's position.
bool book_foreign(LaneRun& run, std::uint32_t instrument, bool buy, std::int64_t qty,
                  std::int64_t px_e8) noexcept;
/// Adds a signed correction to the position.
bool book_correction(LaneRun& run, std::uint32_t instrument, std::int64_t delta) noexcept;
/// Releases what the order still holds and ends it. Nothing to do for an order that ended before.
void end_order(Named& order, AnswerState state) noexcept;
/// The venue took the replace: the new order goes on with what the old one held, the old one ends.
void take_over(Named& newer) noexcept;

/// True when this ExecID was booked on this lane before (4,096 are remembered); remembers it otherwise.
[[nodiscard]] bool repeated(LaneRun& run, std::uint64_t hash) noexcept;

void set_answer(const Named& order, AnswerState state) noexcept;

}  // namespace portcullis
