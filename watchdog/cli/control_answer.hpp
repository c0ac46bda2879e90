// SPDX-License-Identifier: Apache-2.0
/// @file How the CLI judges and shows answers to arm, disarm, clear and resolve. Pure. An answer that claims
/// success but is not `ok`, or whose disarm figures do not show what it claims, is not success.
#pragma once
#include <string>

#include "watchdog/cli/client.hpp"
#include "watchdog/cli/commands.hpp"
#include "watchdog/cli/exit_code.hpp"

namespace portcullis::cli {

/// The answer's own code; `internal` if it has none, or says 0 without "ok":true.
[[nodiscard]] ExitCode exit_of(const Json& answer) noexcept;
/// The code where there is no answer.
[[nodiscard]] ExitCode exit_of(ClientError error) noexcept;
/// exit_of, and for disarm the figures.
[[nodiscard]] ExitCode judge_change(const Change& change, const Json& answer) noexcept;
[[nodiscard]] std::string render_change(const Change& change, const Json& answer, ExitCode code);

}  // namespace portcullis::cli
