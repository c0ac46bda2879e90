// SPDX-License-Identifier: Apache-2.0
/// @file See config_limits.hpp.
#include <array>

#include "watchdog/config_limits.hpp"

namespace portcullis {
namespace {

constexpr std::array kEngineLimits = {LimitKind::order_rate,          LimitKind::gross_notional,
                                      LimitKind::open_orders,         LimitKind::refusals,
                                      LimitKind::foreign_orders,      LimitKind::unsubmitted_orders,
                                      LimitKind::unregistered_sockets};
constexpr std::array kLaneLimits = {LimitKind::order_rate,   LimitKind::order_qty, LimitKind::order_notional,
                                    LimitKind::price_collar, LimitKind::position,  LimitKind::gross_notional,
                                    LimitKind::open_orders,  LimitKind::children,  LimitKind::child_qty};
/// What this version acts on; the others of Action belong to states that people will be able to choose later.
constexpr std::array kActions = {Action::refuse, Action::halt_lane, Action::halt_engine};

bool may_refuse(LimitKind kind) noexcept {
  switch (kind) {
    case LimitKind::order_qty:
    case LimitKind::order_notional:
    case LimitKind::price_collar:
    case LimitKind::position:
    case LimitKind::gross_notional:
    case LimitKind::open_orders: return true;
    case LimitKind::order_rate:
    case LimitKind::children:
    case LimitKind::child_qty:
    case LimitKind::refusals:
    case LimitKind::foreign_orders:
    case LimitKind::beat_age:
    case LimitKind::progress:
    case LimitKind::death:
    case LimitKind::lease:
    case LimitKind::ledger_integrity:
    case LimitKind::undeclared_bytes:
    case LimitKind::unsubmitted_orders:
    case LimitKind::unregistered_sockets: return false;
  }
  return false;
}

}  // namespace

std::span<const LimitKind> engine_limits() noexcept { return kEngineLimits; }
std::span<const LimitKind> lane_limits() noexcept { return kLaneLimits; }

bool action_allowed(LimitKind kind, bool lane_scope, Action action) noexcept {
  switch (action) {
    case Action::halt_engine: return true;
    case Action::halt_lane: return lane_scope;  // a breach of the engine's own bound names no lane to halt
    case Action::refuse: return may_refuse(kind);
    case Action::warn:
    case Action::reduce_only:
    case Action::pause: return false;
  }
  return false;
}

Action default_action(LimitKind kind, bool lane_scope) noexcept {
  for (const Action action : kActions)
    if (action_allowed(kind, lane_scope, action)) return action;
  return Action::halt_engine;
}

std::string allowed_actions(LimitKind kind, bool lane_scope) {
  std::string text;
  for (const Action action : kActions) {
    if (!action_allowed(kind, lane_scope, action)) continue;
    text += text.empty() ? "\"" : " or \"";
    text += std::string(action_name(action)) + "\"";
  }
  return text;
}

Action supervised_action(const LimitSetting& limit) noexcept {
  switch (limit.action) {
    case Action::halt_engine: return Action::halt_engine;
    case Action::halt_lane:
    case Action::warn:
    case Action::refuse:
    case Action::reduce_only:
    case Action::pause: return limit.lane == kEngineScope ? Action::halt_engine : Action::halt_lane;
  }
  return Action::halt_engine;
}

}  // namespace portcullis
