// SPDX-License-Identifier: Apache-2.0
/// @file Why a gate fell: every limit, and what is no limit (a person, a late supervisor, a bad
/// configuration). The trip logic chooses a cause, the latch keeps the first one, audit, CLI and journal
/// print its name. The numbers are part of the latch's layout: append only. A limit's cause is its LimitKind
/// plus one, so that a new limit has its cause by being listed here; a zeroed byte is `none`, never
/// somebody's limit.
#pragma once
#include <cstdint>

#include "shm/limit_kind.hpp"

namespace portcullis {

/// What tripped an engine or a lane. Values below 64 mirror LimitKind (value = kind + 1).
enum class Cause : std::uint8_t {
  none = 0,
  order_rate,
  order_qty,
  order_notional,
  price_collar,
  position,
  gross_notional,
  children,
  child_qty,
  open_orders,
  refusals,
  foreign_orders,
  beat_age,
  progress,
  death,
  lease,
  ledger_integrity,
  undeclared_bytes,
  unsubmitted_orders,
  unregistered_sockets,
  manual_halt = 64,  ///< a person of the halt group; outranks everything, nothing automatic clears it
  supervisor_late,   ///< the supervisor found itself late by more than the lease: it may only close and exit
  configuration,     ///< the configuration is missing, wrong or changed
  start,             ///< a supervisor started and found what it cannot vouch for
  detach,            ///< the engine detached with orders that were not accounted for
  replaced,          ///< another supervisor took this one's place by --replace
  not_proven,        ///< a lane's halt was not proven in time and became the engine's
  protocol,          ///< the engine broke the rules of the attach socket
  latch_unreadable,  ///< a latch slot is torn, foreign or cannot be read
  internal,          ///< a check inside the supervisor failed
};

static_assert(static_cast<std::size_t>(Cause::unregistered_sockets) == kLimitKinds,
              "a limit was added: append its cause, and bump the latch's layout version");

/// The cause that stands for a broken limit; kinds beyond the table give `internal`.
constexpr Cause cause_of(LimitKind kind) noexcept {
  const auto number = static_cast<std::uint8_t>(kind);
  return number < kLimitKinds ? static_cast<Cause>(number + 1) : Cause::internal;
}

/// True if a limit stands behind this cause; then `limit_of` names it.
constexpr bool is_limit(Cause cause) noexcept {
  const auto number = static_cast<std::uint8_t>(cause);
  return number >= 1 && number <= kLimitKinds;
}

/// The limit behind a cause. Only meaningful where is_limit(cause).
constexpr LimitKind limit_of(Cause cause) noexcept {
  return static_cast<LimitKind>(static_cast<std::uint8_t>(cause) - 1);
}

/// True if this byte is one of the values above (for bytes read from a file).
constexpr bool is_cause(std::uint8_t byte) noexcept {
  return byte <= kLimitKinds || (byte >= static_cast<std::uint8_t>(Cause::manual_halt) &&
                                 byte <= static_cast<std::uint8_t>(Cause::internal));
}

/// The cause's name for people and records; "?" for a byte that is none of them.
constexpr const char* cause_name(Cause cause) noexcept {
  switch (cause) {
    case Cause::none: return "none";
    case Cause::order_rate:
    case Cause::order_qty:
    case Cause::order_notional:
    case Cause::price_collar:
    case Cause::position:
    case Cause::gross_notional:
    case Cause::children:
    case Cause::child_qty:
    case Cause::open_orders:
    case Cause::refusals:
    case Cause::foreign_orders:
    case Cause::beat_age:
    case Cause::progress:
    case Cause::death:
    case Cause::lease:
    case Cause::ledger_integrity:
    case Cause::undeclared_bytes:
    case Cause::unsubmitted_orders:
    case Cause::unregistered_sockets: return limit_name(limit_of(cause));
    case Cause::manual_halt: return "manual_halt";
    case Cause::supervisor_late: return "supervisor_late";
    case Cause::configuration: return "configuration";
    case Cause::start: return "start";
    case Cause::detach: return "detach";
    case Cause::replaced: return "replaced";
    case Cause::not_proven: return "not_proven";
    case Cause::protocol: return "protocol";
    case Cause::latch_unreadable: return "latch_unreadable";
    case Cause::internal: return "internal";
  }
  return "?";
}

}  // namespace portcullis
