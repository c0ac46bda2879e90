// SPDX-License-Identifier: Apache-2.0
/// @file What a broken limit does, by severity: the worst action of all broken limits wins.
/// Written by the configuration, read by evaluation, ladder, status and audit. The values order the severity
/// and are stored in the latch and the audit: append only.
#pragma once
#include <cstdint>

namespace portcullis {

/// Severity grows with the value, so the worst of two is `std::max`.
enum class Action : std::uint8_t {
  warn = 0,     ///< a latched warning; orders pass
  refuse,       ///< the order that would break the limit does not leave
  reduce_only,  ///< only orders that truly reduce risk pass
  pause,        ///< nothing but cancels and reducing orders passes, until people end it
  halt_lane,    ///< close one lane, cancel its orders, latch
  halt_engine,  ///< close every lane, cancel all orders, latch
};

/// The configuration's word for an action; "?" for a byte that is none of them.
constexpr const char* action_name(Action action) noexcept {
  switch (action) {
    case Action::warn: return "warn";
    case Action::refuse: return "refuse";
    case Action::reduce_only: return "reduce_only";
    case Action::pause: return "pause";
    case Action::halt_lane: return "halt_lane";
    case Action::halt_engine: return "halt_engine";
  }
  return "?";
}

}  // namespace portcullis
