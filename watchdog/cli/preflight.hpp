// SPDX-License-Identifier: Apache-2.0
/// @file `portcullis preflight`: everything that would stop the arming, and every rung of the ladder, looked at now, as the
/// user who asks. A finding that stops the arming, or without which a halt could not be carried out, is a failure; what
/// makes a halt poorer is a warning; what this user may not look at is said as such and never called fine. It changes
/// nothing: freezing and killing are judged by rights, not by doing (a drill does).
#pragma once
#include <string>
#include <vector>

#include "watchdog/cli/json_value.hpp"

namespace portcullis::cli {

enum class Level : std::uint8_t { ok, warning, failure };

struct Finding {
  const char* what;
  Level level = Level::failure;
  std::string text;
};
using Findings = std::vector<Finding>;

/// From the supervisor's answer: what it would refuse arming for, rungs, sessions, separation, its own warnings.
void judge_status(const Json& status, Findings& findings);

/// The part of this host: processes, control group, sockets, disk, clock.
struct HostPlace {
  std::string run_dir, state_dir;
  std::string engine;
  bool host_mode = true;
  std::int32_t engine_pid = 0;      ///< 0: none
  std::int32_t supervisor_pid = 0;  ///< 0: not known
};
void judge_host(const HostPlace& place, Findings& findings);

/// One line each, the failures counted in the last.
[[nodiscard]] std::string render_findings(const std::string& engine, const Findings& findings);
[[nodiscard]] bool any_failure(const Findings& findings) noexcept;

}  // namespace portcullis::cli
