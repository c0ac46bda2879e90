// SPDX-License-Identifier: Apache-2.0
/// @file Closing the gate exactly (architecture: "Closing the gate exactly"). The gate words are stored first; then one
/// membarrier(GLOBAL_EXPEDITED) makes every thread of the engine either see them or have marked its flight; then each
/// lane's in-flight counter is read. Even, or changed since the barrier: no further order enters from this lane.
/// Needs the hook's registration (checked at attach); without it membarrier succeeds and orders nothing.
#pragma once
#include <array>

#include "shm/ledger_layout.hpp"

namespace portcullis {

class ExactClose {
 public:
  /// After the gate words of the scope say halted or closed. lane: one, or kAllLanes. False: membarrier failed, the
  /// close can then not be proven (done() stays false).
  [[nodiscard]] bool begin(const LedgerView& ledger, std::uint32_t lane) noexcept;
  /// No further order enters. A lane still in flight counts as ended when the kernel took everything that was declared
  /// for it: accepted(session, epoch) gives that count.
  template <typename Accepted>
  [[nodiscard]] bool done(const LedgerView& ledger, Accepted&& accepted) noexcept {
    if (!barrier_) return false;
    bool all = true;
    for (std::uint32_t lane = first_; lane < end_; ++lane)
      if (!ended(ledger, lane)) all = flight_was_taken(ledger, lane, accepted) && all;
    return all;
  }
  static constexpr std::uint32_t kAllLanes = 0xFFFF;

 private:
  [[nodiscard]] bool ended(const LedgerView& ledger, std::uint32_t lane) const noexcept {
    const std::uint64_t now = load(ledger.lane(lane).in_flight);
    return (now & 1U) == 0 || now != at_barrier_[lane];
  }
  /// Every reserved order of the lane is declared, and its last byte is with the kernel.
  template <typename Accepted>
  [[nodiscard]] bool flight_was_taken(const LedgerView& ledger, std::uint32_t lane, Accepted&& accepted) const noexcept {
    bool any = false;
    const std::uint32_t begin = lane_share_begin(ledger.capacities.open_orders, ledger.capacities.lanes, lane);
    const std::uint32_t end = lane_share_begin(ledger.capacities.open_orders, ledger.capacities.lanes, lane + 1);
    for (std::uint32_t slot = begin; slot < end; ++slot) {
      const OrderSlot& order = ledger.order(slot);
      if ((load(order.submit_word) & 0xFFU) != static_cast<std::uint64_t>(SubmitState::reserved)) continue;
      const std::uint64_t session_epoch = load(order.session_epoch);
      const auto session = static_cast<std::uint32_t>(session_epoch >> 32U);
      const auto epoch = static_cast<std::uint32_t>(session_epoch);
      if (epoch == 0 || accepted(session, epoch) < load(order.msg_end_byte)) return false;
      any = true;
    }
    return any;
  }

  std::array<std::uint64_t, kLanesMax> at_barrier_{};
  std::uint32_t first_ = 0;
  std::uint32_t end_ = 0;
  bool barrier_ = false;
};

}  // namespace portcullis
