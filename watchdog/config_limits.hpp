// SPDX-License-Identifier: Apache-2.0
/// @file Policy of limits: which actions a limit may have, and which it has when the file does not say.
/// A rate, the fan-out and the count of refusals *are* the run-away, so `refuse` is not offered for them: a
/// limit that only refuses would hold a run-away at its bound for ever, a throttle and no kill switch.
#pragma once
#include <span>
#include <string>

#include "watchdog/config.hpp"

namespace portcullis {

/// The limits that every engine, and every lane, must set or switch off with a reason.
[[nodiscard]] std::span<const LimitKind> engine_limits() noexcept;
[[nodiscard]] std::span<const LimitKind> lane_limits() noexcept;

/// Whether `action` may be set for a limit in the engine's scope or in a lane's.
[[nodiscard]] bool action_allowed(LimitKind kind, bool lane_scope, Action action) noexcept;
/// The mildest allowed action: what a limit does when the file does not say.
[[nodiscard]] Action default_action(LimitKind kind, bool lane_scope) noexcept;
/// "refuse, halt_lane or halt_engine", for error texts.
[[nodiscard]] std::string allowed_actions(LimitKind kind, bool lane_scope);

}  // namespace portcullis
