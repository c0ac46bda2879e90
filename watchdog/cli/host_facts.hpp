// SPDX-License-Identifier: Apache-2.0
/// @file What the CLI can say about an engine of this host from its files and, where one runs, its supervisor. Each
/// answer says by itself whether it is known.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "watchdog/cli/client.hpp"
#include "watchdog/cli/exit_code.hpp"
#include "watchdog/cli/figures.hpp"
#include "watchdog/latch_file.hpp"
#include "watchdog/status_json.hpp"

namespace portcullis::cli {

inline constexpr const char* kDefaultConfigDir = "/etc/portcullis";

/// The latch as its file has it.
struct LatchFacts {
  bool known = false;
  ExitCode exit = ExitCode::not_running;  ///< ok: clear; refused: latched or unreadable; permission; not_running: no file
  std::string why;                        ///< where it is not known
  Json json = Json::object();             ///< as in the answer to `status`
};
[[nodiscard]] LatchFacts read_latch_facts(const std::string& state_dir, const std::string& engine);

/// "clear" or "LATCHED  order_rate  order_rate/10ms  51 > 50  since 2026-11-23T17:00:00Z"
[[nodiscard]] std::string latch_words(const Json& latch);

/// Engines of this host: of the run folder, of the configurations and of the latches; sorted.
[[nodiscard]] std::vector<std::string> known_engines_of(const std::string& run_dir, const std::string& config_dir,
                                                        const std::string& state_dir);

/// "2026-11-23T17:00:00Z"
[[nodiscard]] std::string wall_time(std::int64_t wall_ns);
/// Digits without groups; "?" when absent.
[[nodiscard]] std::string count_plain(std::optional<std::int64_t> number);

}  // namespace portcullis::cli
