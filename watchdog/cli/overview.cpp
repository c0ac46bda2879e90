// SPDX-License-Identifier: Apache-2.0
// `portcullis status --all`: one line for every engine that this host knows, also for those that are not running.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "watchdog/cli/commands.hpp"
#include "watchdog/cli/control_answer.hpp"
#include "watchdog/cli/host_facts.hpp"
#include "watchdog/cli/run_folder.hpp"

namespace portcullis::cli {
namespace {

constexpr std::uint64_t kAskNs = 2'000'000'000;
constexpr std::int64_t kNsPerMs = 1'000'000;
using Row = std::array<std::string, 6>;

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string open_orders(const Json& status) {
  std::int64_t sum = 0;
  for (const Json& lane : array_of(status, "lanes")) {
    const auto open = number_of(lane, "open_orders");
    if (!open || __builtin_add_overflow(sum, *open, &sum)) return "?";
  }
  return grouped(sum);
}

Row running_row(const std::string& engine, const Json& status) {
  const std::string reason = text_of(status, "locked_reason");
  std::string state = upper(text_of(status, "state"));
  if (!reason.empty()) state += " (" + reason + ")";
  const auto since = number_of(status, "state_since_ns"), now = number_of(status, "now_ns");
  if (since && now && *since > 0 && *since <= *now) state += " " + clock_time(*now - *since);
  const Json& lease = object_of(status, "lease");
  const auto left = number_of(lease, "left_ns"), whole = number_of(lease, "lease_ns");
  const auto pid = number_of(status, "pid");
  return {engine,
          state,
          pid && *pid > 0 ? std::to_string(*pid) : "-",
          left && whole ? fmt::format("{}/{} ms", *left / kNsPerMs, *whole / kNsPerMs) : "?",
          flag_of(status, "attached") ? open_orders(status) : "-",
          latch_words(object_of(status, "latch"))};
}

Row silent_row(const Common& common, const std::string& engine, ClientError error) {
  const LatchFacts latch = read_latch_facts(common.state_dir, engine);
  const bool absent = error == ClientError::absent || error == ClientError::not_listening;
  const char* state = absent                               ? "NOT RUNNING"
                      : error == ClientError::no_permission ? "NOT PERMITTED"
                                                            : "DOES NOT ANSWER";
  return {engine, state, "-", "-", "-", latch.known ? latch_words(latch.json) : "?"};
}

std::string table(const std::vector<Row>& rows) {
  std::array<std::size_t, 6> widths{};
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) text += fmt::format("{:<{}}  ", row[i], widths[i]);
    text += row.back() + "\n";
  }
  return text;
}

}  // namespace

ExitCode overview_command(const Common& common) {
  const std::vector<std::string> names = known_engines_of(common.run_dir, common.config_dir, common.state_dir);
  std::vector<Row> rows{{"ENGINE", "STATE", "PID", "LEASE", "OPEN", "LATCH"}};
  ExitCode worst = names.empty() ? ExitCode::not_running : ExitCode::ok;
  Json all = Json::array();
  for (const std::string& name : names) {
    Json status;
    const ClientError error = ask(run_path(common.run_dir, name, "control"), make_request("status"), kAskNs, status);
    const ExitCode code = error == ClientError::ok ? exit_of(status) : exit_of(error);
    worst = worse(worst, code);
    const bool answered = error == ClientError::ok && status.contains("state");
    rows.push_back(answered ? running_row(name, status)
                            : silent_row(common, name, code == ExitCode::permission ? ClientError::no_permission : error));
    if (!answered) status = {{"engine", name}, {"error", client_error_text(error)}};
    status["exit"] = static_cast<int>(code);
    all.push_back(std::move(status));
  }
  if (common.json)
    fmt::print("{}\n", dump({{"engines", std::move(all)}, {"exit", static_cast<int>(worst)}}));
  else if (names.empty())
    fmt::print(stderr, "portcullis: no engine in {}, {} or {}\n", common.run_dir, common.config_dir, common.state_dir);
  else
    fmt::print("{}", table(rows));
  return worst;
}

}  // namespace portcullis::cli
