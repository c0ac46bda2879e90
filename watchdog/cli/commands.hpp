// SPDX-License-Identifier: Apache-2.0
/// @file The commands of portcullis(1), one function each: they print, and return the exit code. main.cpp has
/// only the options.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "watchdog/cli/exit_code.hpp"

namespace portcullis::cli {

inline constexpr std::size_t kMaxReasonBytes = 200;

/// What all commands share.
struct Common {
  std::string run_dir;
  std::string state_dir;
  std::string config_dir;
  bool json = false;  ///< one JSON object on the last line of standard output, and no text there
};

/// A change that people make: arm, disarm, clear, resolve.
struct Change {
  std::string command;
  std::string engine;
  std::string reason;
  std::string cl_ord_id;  ///< resolve only
  std::string as;         ///< resolve only: cancelled, filled or rejected
};

struct RunOptions {
  std::string config;
  bool arm = false;
  std::string reason;
  std::vector<std::string> engine_command;
};

/// Without an engine: all of the run folder.
[[nodiscard]] ExitCode status_command(const Common& common, const std::string& engine);
[[nodiscard]] ExitCode change_command(const Common& common, const Change& change);
/// Without targets: every engine of the run folder.
[[nodiscard]] ExitCode halt_command(const Common& common, const std::vector<std::string>& targets,
                                    const std::string& reason);
[[nodiscard]] ExitCode check_command(const std::string& file, bool json);
/// @param what a file, an engine's name, or empty: all audits of the state folder
/// @param head "SEQ:HEX" or "HEX"; empty = no comparison
[[nodiscard]] ExitCode audit_verify_command(const Common& common, const std::string& what,
                                            const std::string& head);
/// One line for every engine of this host.
[[nodiscard]] ExitCode overview_command(const Common& common);
/// ok only for a latch that is known to be clear.
[[nodiscard]] ExitCode latch_command(const Common& common, const std::string& engine, bool trip_only);
[[nodiscard]] ExitCode runbook_command(const Common& common, const std::string& engine);
/// refused: something stands in the way of arming, or a vital rung is missing.
[[nodiscard]] ExitCode preflight_command(const Common& common, const std::string& engine);
/// The real kill path on a lane (empty: the engine) without open orders.
[[nodiscard]] ExitCode drill_command(const Common& common, const std::string& engine, const std::string& lane,
                                     const std::string& reason);
/// @param engine empty: every engine of this host  @param textfile empty: standard output
[[nodiscard]] ExitCode metrics_command(const Common& common, const std::string& engine, const std::string& textfile);
[[nodiscard]] ExitCode diff_command(const std::string& before, const std::string& after, bool json);
[[nodiscard]] ExitCode config_init_command(const std::string& engine, const std::string& folder);
/// Returns the engine's own exit status, so an int.
[[nodiscard]] int run_command(const RunOptions& options);

}  // namespace portcullis::cli
