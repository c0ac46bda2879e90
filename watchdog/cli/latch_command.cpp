// SPDX-License-Identifier: Apache-2.0
// `portcullis latch ENGINE`: what the latch's file says, with or without a supervisor. Made for ExecCondition= of an
// engine's unit and for notification: only "clear" is success; whatever cannot be read holds.
#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

#include "watchdog/cli/commands.hpp"
#include "watchdog/cli/host_facts.hpp"
#include "watchdog/cli/run_folder.hpp"

namespace portcullis::cli {
namespace {

constexpr int kReadAgain = 5;
constexpr long kPauseNs = 20'000'000;  // a slot is 4 KiB: longer than any write that is still going on

}  // namespace

LatchFacts read_latch_facts(const std::string& state_dir, const std::string& engine) {
  LatchFacts facts;
  const UniqueFd file(open((state_dir + "/" + engine + ".latch").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid()) {
    facts.exit = errno == EACCES ? ExitCode::permission : ExitCode::not_running;
    facts.why = errno == EACCES ? "this user may not read the latch" : "there is no latch: no supervisor ever ran for it";
    return facts;
  }
  LatchView view = read_latch(state_dir, engine);
  for (int again = 0; view.unreadable && again < kReadAgain; ++again) {  // a slot may be in the middle of its writing
    const timespec pause{0, kPauseNs};
    nanosleep(&pause, nullptr);
    view = read_latch(state_dir, engine);
  }
  facts.known = true;
  facts.json = latch_json(&view);
  facts.exit = view.state == LatchState::clear ? ExitCode::ok : ExitCode::refused;
  return facts;
}

std::string latch_words(const Json& latch) {
  if (!flag_of(latch, "latched")) return "clear";
  std::string text = "LATCHED  " + text_of(latch, "cause");
  const std::string limit = text_of(latch, "limit_name");
  if (!limit.empty())
    text += fmt::format("  {}  {} > {}", limit, count_or_unknown(number_of(latch, "observed")),
                        count_or_unknown(number_of(latch, "limit")));
  if (const std::string scope = text_of(latch, "scope"); !scope.empty() && scope != "engine") text += "  " + scope;
  if (const auto wall_ns = number_of(latch, "wall_ns"); wall_ns && *wall_ns > 0) text += "  since " + wall_time(*wall_ns);
  if (flag_of(latch, "unreadable")) text += "  UNREADABLE";
  return text;
}

ExitCode latch_command(const Common& common, const std::string& engine, bool trip_only) {
  const LatchFacts facts = read_latch_facts(common.state_dir, engine);
  if (!facts.known) {
    fmt::print(stderr, "portcullis: {}: {}\n", engine, facts.why);
  } else if (trip_only) {  // names one halt among all
    if (facts.exit == ExitCode::refused)
      fmt::print("{}\n", count_plain(number_of(facts.json, "wall_ns")));
  } else if (common.json) {
    Json json = facts.json;
    json["engine"] = engine;
    json["exit"] = static_cast<int>(facts.exit);
    fmt::print("{}\n", dump(json));
  } else {
    fmt::print("{}  {}\n", engine, latch_words(facts.json));
  }
  return facts.exit;
}

}  // namespace portcullis::cli
