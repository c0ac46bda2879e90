// SPDX-License-Identifier: Apache-2.0
// `portcullis drill`: the real kill path, where it costs nothing: a lane kept for it, or the whole engine while it has no
// open order. The same request, barrier, ladder, latch and audit as a halt in earnest; nothing is simulated, so it is
// latched afterwards and people lead back. Never fences: a supervisor that does not answer is the drill's finding.
#include <fmt/format.h>

#include <cstdio>

#include "watchdog/cli/commands.hpp"
#include "watchdog/cli/control_answer.hpp"
#include "watchdog/cli/drill.hpp"
#include "watchdog/cli/halt.hpp"
#include "watchdog/cli/run_folder.hpp"

namespace portcullis::cli {
namespace {

constexpr std::uint64_t kAskNs = 3'000'000'000;

ExitCode refuse(const Common& common, const std::string& engine, ExitCode code, const std::string& why) {
  if (common.json)
    fmt::print("{}\n", dump({{"engine", engine}, {"ok", false}, {"exit", static_cast<int>(code)}, {"error", why}}));
  else
    fmt::print("{}  no drill: {}\n", engine, why);
  return code;
}

}  // namespace

std::string drill_refusal(const Json& status, const std::string& lane) {
  if (!flag_of(status, "attached")) return "no engine is attached";
  if (text_of(status, "state") != "armed") return "it is not armed: a gate that is closed already proves nothing";
  bool found = lane.empty();
  for (const Json& row : array_of(status, "lanes")) {
    if (!lane.empty() && text_of(row, "name") != lane) continue;
    found = true;
    const auto open = number_of(row, "open_orders");
    if (!open || *open != 0)
      return fmt::format("lane {} has {} open orders", text_of(row, "name"), open ? std::to_string(*open) : "?");
  }
  return found ? "" : fmt::format("no lane {}: keep one for drills, or use --engine while nothing is open", lane);
}

ExitCode drill_command(const Common& common, const std::string& engine, const std::string& lane, const std::string& reason) {
  Json status;
  const ClientError error = ask(run_path(common.run_dir, engine, "control"), make_request("status"), kAskNs, status);
  if (error != ClientError::ok) return refuse(common, engine, exit_of(error), client_error_text(error));
  if (const ExitCode code = exit_of(status); code != ExitCode::ok) return refuse(common, engine, code, text_of(status, "error"));
  if (const std::string why = drill_refusal(status, lane); !why.empty()) return refuse(common, engine, ExitCode::refused, why);
  HaltSettings settings;
  settings.run_dir = common.run_dir;
  settings.reason = cut("drill: " + printable(reason), kMaxReasonBytes);
  settings.may_fence = false;
  HaltOutcome outcome;
  const ExitCode code = halt_all({{engine, lane}}, settings, [&](const HaltOutcome& one) { outcome = one; });
  if (common.json) {
    fmt::print("{}\n", dump(outcome.json));
    return code;
  }
  fmt::print("{}     DRILL {}: its times are in the audit as `{}`. It is latched: portcullis clear {}, then arm.\n", outcome.text,
             code == ExitCode::ok ? "PROVEN" : "NOT PROVEN", settings.reason, engine);
  return code;
}

}  // namespace portcullis::cli
