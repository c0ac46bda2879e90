// SPDX-License-Identifier: Apache-2.0
#include "watchdog/cli/preflight.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace portcullis::cli {
namespace {

constexpr std::array<const char*, 5> kRungs{"close", "ask", "take_over", "sever", "fence"};

const char* level_word(Level level) noexcept {
  switch (level) {
    case Level::ok: return "ok";
    case Level::warning: return "WARNING";
    case Level::failure: return "FAILURE";
  }
  return "?";
}

void judge_rungs(const std::string& prefix, const Json& rungs, Findings& findings) {
  for (const char* rung : kRungs) {
    const std::string state = text_of(rungs, rung);
    const bool ready = state.rfind("ready", 0) == 0;
    // without close or fence there is no halt; without the others there is a poorer one
    const bool vital = std::string_view(rung) == "close" || std::string_view(rung) == "fence";
    findings.push_back({"rung", ready ? Level::ok : vital ? Level::failure : Level::warning,
                        fmt::format("{}{}  {}", prefix, rung, state.empty() ? "not stated" : state)});
  }
}

void judge_sessions(const Json& status, Findings& findings) {
  for (const Json& session : array_of(status, "sessions")) {
    const std::string name = text_of(session, "name"), transport = text_of(session, "transport");
    const bool registered = text_of(session, "state") == "registered";
    if (transport != "kernel")
      findings.push_back({"session", Level::warning, fmt::format("{}  transport {}: no witness, and it cannot be reset", name, transport)});
    else
      findings.push_back({"session", registered ? Level::ok : Level::failure,
                          registered ? name + "  its descriptor was handed over" : name + "  no connection was handed over"});
    if (flag_of(session, "stale")) findings.push_back({"session", Level::failure, name + "  the witness's reading is stale"});
    if (text_of(session, "contact").empty()) findings.push_back({"session", Level::warning, name + "  no contact of the venue is configured"});
  }
}

}  // namespace

void judge_status(const Json& status, Findings& findings) {
  const bool attached = flag_of(status, "attached");
  findings.push_back({"engine", attached ? Level::ok : Level::failure, attached ? "attached" : "no engine is attached"});
  if (!status.contains("arm_refusal"))
    findings.push_back({"arming", Level::failure, "the supervisor does not say whether it would arm"});
  else if (const std::string why = text_of(status, "arm_refusal"); !why.empty())
    findings.push_back({"arming", Level::failure, "would be refused: " + why});
  else
    findings.push_back({"arming", Level::ok, "the supervisor would arm"});
  judge_rungs("", object_of(status, "rungs"), findings);
  judge_sessions(status, findings);
  for (const Json& lane : array_of(status, "lanes"))
    if (const auto unset = number_of(lane, "unset_positions"); !unset || *unset != 0)
      findings.push_back({"position", unset ? Level::warning : Level::failure,
                          fmt::format("lane {}  {} start positions were never stated: its orders would be refused", text_of(lane, "name"),
                                      unset ? std::to_string(*unset) : "?")});
  findings.push_back({"users", flag_of(status, "separated") ? Level::ok : Level::warning,
                      flag_of(status, "separated") ? "engine and supervisor are two users" : text_of(status, "separation_note")});
  for (const Json& warning : array_of(status, "warnings"))
    if (warning.is_string()) findings.push_back({"warning", Level::warning, printable(warning.get_ref<const std::string&>())});
}

std::string render_findings(const std::string& engine, const Findings& findings) {
  std::string text;
  for (const Finding& one : findings) text += fmt::format("{}  {:7}  {:9}  {}\n", engine, level_word(one.level), one.what, one.text);
  const auto failures = std::count_if(findings.begin(), findings.end(), [](const Finding& one) { return one.level == Level::failure; });
  return text + (failures == 0 ? fmt::format("{}  nothing stands in the way of arming\n", engine)
                               : fmt::format("{}  {} of these stand in the way\n", engine, failures));
}

bool any_failure(const Findings& findings) noexcept {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& one) { return one.level == Level::failure; });
}

}  // namespace portcullis::cli
