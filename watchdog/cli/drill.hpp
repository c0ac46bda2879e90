// SPDX-License-Identifier: Apache-2.0
/// @file When a drill may be held. Pure.
#pragma once
#include <string>

#include "watchdog/cli/json_value.hpp"

namespace portcullis::cli {

/// "" or why not: the scope must be armed and without an open order. @param lane empty: the whole engine
[[nodiscard]] std::string drill_refusal(const Json& status, const std::string& lane);

}  // namespace portcullis::cli
