// SPDX-License-Identifier: Apache-2.0
/// @file The names of all limits, as one table. Hook, supervisor, CLI and documentation count over this list, so a
/// limit that nobody evaluates shows as a counter that stays at zero. What a limit *does* when broken is policy and
/// lives in the supervisor's configuration, not here.
/// Rejected: one enum per process. Two lists of the same names drift, and a drifted limit is one that nobody reads.
#pragma once
#include <cstddef>
#include <cstdint>

namespace portcullis {

/// One bound. The order is part of the shared layout (counters are indexed by it): append only.
enum class LimitKind : std::uint8_t {
  order_rate = 0,       ///< new orders in an exact sliding window; unit: orders per window
  order_qty,            ///< quantity of one order (38); unit: quantity
  order_notional,       ///< value of one order; unit: money_e4 in the configuration's currency
  price_collar,         ///< distance of the price (44) from the reference; unit: basis points
  position,             ///< |position| with all working orders of the worse side; unit: quantity
  gross_notional,       ///< sum of |position| at reference plus working orders; unit: money_e4
  children,             ///< child orders of one parent; unit: orders
  child_qty,            ///< working + filled quantity of one parent's children; unit: basis points of its quantity
  open_orders,          ///< open orders; unit: orders
  refusals,             ///< refusals in an exact sliding window; unit: refusals per window
  foreign_orders,       ///< reports for orders that the hook never saw; unit: orders
  beat_age,             ///< age of a lane's last beat while one is owed; unit: ns
  progress,             ///< time since work_done moved while work_in > work_done; unit: ns
  death,                ///< the engine's process, or a lane's owner, is gone; unit: none (0 or 1)
  lease,                ///< the engine saw the lease run out; unit: none (0 or 1)
  ledger_integrity,     ///< a ledger block torn, absurd or unreadable for too long; unit: ns
  undeclared_bytes,     ///< accepted bytes of a session beyond the declared ones; unit: bytes
  unsubmitted_orders,   ///< new-order messages declared whose ClOrdID was never submitted; unit: orders
  unregistered_sockets, ///< TCP sockets of the engine neither registered nor allowed; unit: sockets
};
inline constexpr std::size_t kLimitKinds = 19;
[[nodiscard]] constexpr std::uint64_t kind_bit(LimitKind kind) noexcept {
  return std::uint64_t{1} << static_cast<unsigned>(kind);
}

/// The configuration's name of a limit; "?" for a byte that is none of them (hostile input).
constexpr const char* limit_name(LimitKind kind) noexcept {
  switch (kind) {
    case LimitKind::order_rate: return "order_rate";
    case LimitKind::order_qty: return "order_qty";
    case LimitKind::order_notional: return "order_notional";
    case LimitKind::price_collar: return "price_collar";
    case LimitKind::position: return "position";
    case LimitKind::gross_notional: return "gross_notional";
    case LimitKind::children: return "children";
    case LimitKind::child_qty: return "child_qty";
    case LimitKind::open_orders: return "open_orders";
    case LimitKind::refusals: return "refusals";
    case LimitKind::foreign_orders: return "foreign_orders";
    case LimitKind::beat_age: return "beat_age";
    case LimitKind::progress: return "progress";
    case LimitKind::death: return "death";
    case LimitKind::lease: return "lease";
    case LimitKind::ledger_integrity: return "ledger_integrity";
    case LimitKind::undeclared_bytes: return "undeclared_bytes";
    case LimitKind::unsubmitted_orders: return "unsubmitted_orders";
    case LimitKind::unregistered_sockets: return "unregistered_sockets";
  }
  return "?";
}

}  // namespace portcullis
