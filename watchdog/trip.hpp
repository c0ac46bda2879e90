// SPDX-License-Identifier: Apache-2.0
/// @file The states of an engine or a lane, as one pure table. Everything that is new, restarted or re-attached is
/// locked; only people lead from locked to armed, and from latched to locked.
///
///            arm              trip             closed          contained        ladder ended
///   locked ------> armed ----------> tripped ------> closed ----------> contained ----------> halted
///     ^  ^           | disarm (planned: the same way, no latch)            (closed -> halted too: not contained)
///     |  +-- lease lost: no latch, locked(new)                                                   |
///     +------------------------------- clear / end of a disarm ----------------------------------+
///
/// Effects (gate words, latch, audit) are control's. An event that the table does not list changes nothing.
#pragma once
#include <cstdint>

namespace portcullis {

enum class State : std::uint8_t { locked, armed, tripped, closed, contained, halted };
[[nodiscard]] constexpr const char* state_name(State state) noexcept {
  switch (state) {
    case State::locked: return "locked";
    case State::armed: return "armed";
    case State::tripped: return "tripped";
    case State::closed: return "closed";
    case State::contained: return "contained";
    case State::halted: return "halted";
  }
  return "?";
}

/// Why a locked engine is locked.
enum class LockedReason : std::uint8_t { fresh, latched, lease_lost, disarmed, unreadable };
[[nodiscard]] constexpr const char* locked_reason_name(LockedReason reason) noexcept {
  switch (reason) {
    case LockedReason::fresh: return "new";
    case LockedReason::latched: return "latched";
    case LockedReason::lease_lost: return "lease_lost";
    case LockedReason::disarmed: return "disarmed";
    case LockedReason::unreadable: return "unreadable";
  }
  return "?";
}

enum class StateEvent : std::uint8_t {
  armed,         ///< people gave the right to trade
  breach,        ///< a limit, a person, or a planned stop
  gate_closed,   ///< the exact close is complete
  contained,     ///< and nothing is left in any queue
  ladder_ended,  ///< whatever its outcome
  lease_lost,    ///< the hook shut itself
  cleared,       ///< people left the latch, or a planned stop ended
  attached,      ///< an engine attached anew
};

[[nodiscard]] constexpr State next_state(State state, StateEvent event) noexcept {
  switch (event) {
    case StateEvent::armed: return state == State::locked ? State::armed : state;
    case StateEvent::breach: return state == State::locked || state == State::armed || state == State::halted
                                        ? State::tripped : state;
    case StateEvent::gate_closed: return state == State::tripped ? State::closed : state;
    case StateEvent::contained: return state == State::closed ? State::contained : state;
    case StateEvent::ladder_ended:
      return state == State::tripped || state == State::closed || state == State::contained ? State::halted : state;
    case StateEvent::lease_lost: return state == State::armed ? State::locked : state;
    case StateEvent::cleared: return state == State::halted ? State::locked : state;
    case StateEvent::attached: return state == State::armed ? State::locked : state;
  }
  return State::locked;
}

}  // namespace portcullis
