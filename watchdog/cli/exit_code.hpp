// SPDX-License-Identifier: Apache-2.0
/// @file What the CLI's exit status says. Scripts depend on the numbers: portcullis(1) lists them and a test
/// compares. With several engines the worst one wins, where worst means: least is known about whether orders
/// still leave.
#pragma once
#include <cstdint>

namespace portcullis::cli {

enum class ExitCode : std::uint8_t {
  ok = 0,          ///< done; for halt: contained and every open order acknowledged or never left
  internal = 1,    ///< an internal error, or a fence that did not succeed: nothing is proven to have stopped
  usage = 2,       ///< wrong command line
  not_proven = 3,  ///< closed but not proven: not contained, or orders unknown or refused by the venue
  fenced_blind = 4,  ///< the supervisor did not answer; the engine was killed without it, or was already gone
  permission = 5,    ///< the caller's groups, or the kernel, do not allow it
  not_running = 6,   ///< no such engine, or no supervisor
  refused = 7,       ///< the supervisor refuses: the cause lasts, an order is unknown, ...
  bad_config = 8,    ///< the configuration has errors
  audit_failed = 9,  ///< the audit's chain does not hold
};

/// How bad it is among several engines; larger is worse.
constexpr int badness(ExitCode code) noexcept {
  switch (code) {
    case ExitCode::ok: return 0;
    case ExitCode::not_proven: return 1;
    case ExitCode::fenced_blind: return 2;
    case ExitCode::not_running: return 3;
    case ExitCode::refused: return 4;
    case ExitCode::bad_config: return 5;
    case ExitCode::audit_failed: return 6;
    case ExitCode::usage: return 7;
    case ExitCode::permission: return 8;
    case ExitCode::internal: return 9;
  }
  return 9;
}

constexpr ExitCode worse(ExitCode a, ExitCode b) noexcept { return badness(a) >= badness(b) ? a : b; }

/// The code with this number; `internal` for a number that is none (an answer from elsewhere).
constexpr ExitCode exit_code_from(std::int64_t number) noexcept {
  return number >= 0 && number <= 9 ? static_cast<ExitCode>(number) : ExitCode::internal;
}

}  // namespace portcullis::cli
