// SPDX-License-Identifier: Apache-2.0
/// @file `portcullis halt`: every supervisor is asked before anybody is waited for; then each engine has a
/// thread of its own, so that one that hangs delays nobody. A supervisor says {"received":true} at once; one
/// that does not within a second is stopped, dead or hung, and its engine is fenced without it
/// (blind_fence.hpp): on a host by the root helper behind RUN_DIR/ENGINE.fence, else as this user. The exit code is the worst one. On this way no name service is asked and nothing is
/// opened but the run folder.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "watchdog/cli/blind_fence.hpp"
#include "watchdog/cli/client.hpp"
#include "watchdog/cli/exit_code.hpp"

namespace portcullis::cli {

/// One scope to halt; an empty lane means the engine.
struct HaltTarget {
  std::string engine;
  std::string lane;
};

struct HaltSettings {
  std::string run_dir;
  std::string reason;
  std::uint64_t receipt_ns = 1'000'000'000;  ///< until the supervisor must have said that it received
  std::uint64_t done_ns =
      65'000'000'000;  ///< until its ladder must have answered (it does so after 60 s at most)
  std::uint64_t helper_ns = 15'000'000'000;  ///< until the root helper must have answered
  bool may_fence = true;                     ///< false: a supervisor that does not answer is left alone (a drill)
  bool use_helper = true;                    ///< false: fence as this user (root does not need it)
  BlindFenceTimes fence;
};

/// What became of one target.
struct HaltOutcome {
  HaltTarget target;
  ExitCode exit = ExitCode::internal;
  std::string text;
  Json json = Json::object();
};

/// "mm1" or "mm1/es-quoter". False if a part is no name.
[[nodiscard]] bool parse_target(const std::string& text, HaltTarget& target);

/// The same scopes without doubles; a whole engine swallows its lanes.
[[nodiscard]] std::vector<HaltTarget> without_doubles(const std::vector<HaltTarget>& targets);

/// Halts them all. `report` is called once per target as soon as its outcome is known, one call at a time.
[[nodiscard]] ExitCode halt_all(const std::vector<HaltTarget>& targets, const HaltSettings& settings,
                                const std::function<void(const HaltOutcome&)>& report);

}  // namespace portcullis::cli
