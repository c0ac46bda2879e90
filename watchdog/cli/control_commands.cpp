// SPDX-License-Identifier: Apache-2.0
// status, arm, disarm, clear, resolve and halt: everything that asks a running supervisor.
#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "watchdog/cli/client.hpp"
#include "watchdog/cli/commands.hpp"
#include "watchdog/cli/control_answer.hpp"
#include "watchdog/cli/halt.hpp"
#include "watchdog/cli/render.hpp"
#include "watchdog/cli/run_folder.hpp"

namespace portcullis::cli {
namespace {

constexpr std::uint64_t kStatusTimeoutNs = 5'000'000'000;
constexpr std::uint64_t kChangeTimeoutNs = 15'000'000'000;  // arming waits for the disk
constexpr std::uint64_t kDisarmTimeoutNs = 65'000'000'000;  // cancels everything first

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void print_json(const Json& json) { print(dump(json) + "\n"); }

void complain(const std::string& text) { fmt::print(stderr, "portcullis: {}\n", text); }

std::string known_engines(const std::string& run_dir) {
  std::string text;
  for (const std::string& name : list_engines(run_dir)) text += " " + name;
  return text.empty() ? fmt::format("no engine in {}", printable(run_dir))
                      : fmt::format("engines in {}:{}", printable(run_dir), text);
}

bool is_known(const std::string& run_dir, const std::string& engine) {
  const std::vector<std::string> names = list_engines(run_dir);
  return std::find(names.begin(), names.end(), engine) != names.end();
}

/// The answer of one engine, or an object that says why there is none.
ExitCode ask_engine(const Common& common, const std::string& engine, const Json& request,
                    std::uint64_t timeout_ns, Json& answer) {
  const ClientError error = ask(run_path(common.run_dir, engine, "control"), request, timeout_ns, answer);
  if (error == ClientError::ok) return exit_of(answer);
  const ExitCode code = exit_of(error);
  answer = {{"engine", engine},
            {"ok", false},
            {"exit", static_cast<int>(code)},
            {"error", client_error_text(error)}};
  return code;
}

ExitCode unknown_engine(const Common& common, const std::string& engine) {
  const std::string sentence =
      fmt::format("no engine {}; {}", printable(engine), known_engines(common.run_dir));
  complain(sentence);
  if (common.json)
    print_json({{"ok", false}, {"exit", static_cast<int>(ExitCode::not_running)}, {"error", sentence}});
  return ExitCode::not_running;
}

std::string status_text(const std::string& engine, const Json& answer) {
  if (!answer.contains("state")) return fmt::format("{}  {}\n", engine, text_of(answer, "error"));
  return render_status(answer, NameSource::name_service);
}

/// Why a whole scope of engines cannot be asked; nothing in the folder is "not running", not success.
ExitCode no_engine_at_all(const Common& common) {
  complain(known_engines(common.run_dir));
  if (common.json)
    print_json({{"engines", Json::array()}, {"exit", static_cast<int>(ExitCode::not_running)}});
  return ExitCode::not_running;
}

}  // namespace

ExitCode exit_of(const Json& answer) noexcept {
  const auto claimed = number_of(answer, "exit");
  const ExitCode code = claimed ? exit_code_from(*claimed) : ExitCode::internal;
  return code == ExitCode::ok && !flag_of(answer, "ok") ? ExitCode::internal : code;
}

ExitCode exit_of(ClientError error) noexcept {
  switch (error) {
    case ClientError::ok: return ExitCode::ok;
    case ClientError::absent:
    case ClientError::not_listening:
    case ClientError::busy:
    case ClientError::no_answer:
    case ClientError::hung_up: return ExitCode::not_running;
    case ClientError::no_permission: return ExitCode::permission;
    case ClientError::bad_path:
    case ClientError::garbage:
    case ClientError::system: return ExitCode::internal;
  }
  return ExitCode::internal;
}

std::string render_change(const Change& change, const Json& answer, ExitCode code) {
  const std::string error = text_of(answer, "error");
  if (code != ExitCode::ok && code != ExitCode::not_proven)
    return fmt::format("{}  {} refused: {}\n", change.engine, change.command,
                       error.empty() ? "no reason given" : error);
  static constexpr std::array<std::pair<const char*, const char*>, 4> done{
      {{"arm", "armed"},
       {"disarm", "disarmed"},
       {"clear", "latch cleared; still locked"},
       {"resolve", "resolved"}}};
  std::string words = change.command;
  for (const auto& [command, past] : done)
    if (change.command == command) words = past;
  if (change.command == "resolve") words += fmt::format(" {} as {}", printable(change.cl_ord_id), change.as);
  const std::string actor = person_of(answer, "actor", NameSource::name_service);
  const std::string hash = text_of(answer, "config_hash").substr(0, 8);
  std::string text = fmt::format("{}  {}{}{}\n", change.engine, words, actor.empty() ? "" : "  by " + actor,
                                 hash.empty() ? "" : "  config " + hash);
  if (code == ExitCode::not_proven)
    text += "     NOT PROVEN: not every open order is confirmed as cancelled\n";
  if (!error.empty()) text += fmt::format("     {}\n", error);
  const Json& halt = object_of(answer, "halt");
  if (!halt.empty())
    text +=
        fmt::format("     {}\n", render_halt_figures(halt)) + render_halt_details(halt, contacts_of(answer));
  return text;
}

ExitCode judge_change(const Change& change, const Json& answer) noexcept {
  const ExitCode code = exit_of(answer);
  const Json& halt = object_of(answer, "halt");
  if (change.command != "disarm" || code != ExitCode::ok || halt.empty()) return code;
  return halt_is_proven(halt) ? code : ExitCode::not_proven;
}

ExitCode status_command(const Common& common, const std::string& engine) {
  if (!engine.empty() && !is_known(common.run_dir, engine)) return unknown_engine(common, engine);
  const std::vector<std::string> names = engine.empty() ? list_engines(common.run_dir) : std::vector{engine};
  if (names.empty()) return no_engine_at_all(common);
  ExitCode worst = ExitCode::ok;
  Json all = Json::array();
  for (const std::string& name : names) {
    Json answer;
    const ExitCode code = ask_engine(common, name, make_request("status"), kStatusTimeoutNs, answer);
    worst = worse(worst, code);
    if (!common.json)
      print(status_text(name, answer));
    else
      all.push_back(std::move(answer));
  }
  if (common.json && !engine.empty())
    print_json(all[0]);
  else if (common.json)
    print_json({{"engines", std::move(all)}, {"exit", static_cast<int>(worst)}});
  return worst;
}

ExitCode change_command(const Common& common, const Change& change) {
  if (!is_known(common.run_dir, change.engine)) return unknown_engine(common, change.engine);
  Json request = make_request(change.command);
  if (!change.reason.empty()) request["reason"] = change.reason;
  if (!change.cl_ord_id.empty()) request["cl_ord_id"] = change.cl_ord_id;
  if (!change.as.empty()) request["as"] = change.as;
  const std::uint64_t timeout_ns = change.command == "disarm" ? kDisarmTimeoutNs : kChangeTimeoutNs;
  Json answer;
  ask_engine(common, change.engine, request, timeout_ns, answer);
  const ExitCode code = judge_change(change, answer);
  if (common.json) {
    answer["exit"] = static_cast<int>(code);
    print_json(answer);
  } else {
    print(render_change(change, answer, code));
  }
  return code;
}

ExitCode halt_command(const Common& common, const std::vector<std::string>& texts,
                      const std::string& reason) {
  std::vector<HaltTarget> targets;
  ExitCode worst = ExitCode::ok;
  Json all = Json::array();
  for (const std::string& text : texts) {
    HaltTarget target;
    if (parse_target(text, target) && is_known(common.run_dir, target.engine)) {
      targets.push_back(std::move(target));
      continue;
    }
    // the others are halted all the same
    const std::string sentence =
        fmt::format("no engine {}; {}", printable(text), known_engines(common.run_dir));
    complain(sentence);
    worst = ExitCode::not_running;
    all.push_back({{"engine", printable(text)}, {"exit", static_cast<int>(worst)}, {"error", sentence}});
  }
  if (texts.empty())
    for (const std::string& name : list_engines(common.run_dir)) targets.push_back({name, ""});
  if (targets.empty() && texts.empty()) return no_engine_at_all(common);
  HaltSettings settings;
  settings.run_dir = common.run_dir;
  settings.use_helper = geteuid() != 0;  // root needs nobody, and PID 1 least of all
  settings.reason = cut(printable(reason), kMaxReasonBytes);  // a bad reason never stops a halt
  const ExitCode halted = halt_all(targets, settings, [&](const HaltOutcome& outcome) {
    if (common.json)
      all.push_back(outcome.json);
    else
      print(outcome.text);
  });
  worst = worse(worst, halted);
  if (common.json && texts.size() == 1)
    print_json(all[0]);
  else if (common.json)
    print_json({{"engines", std::move(all)}, {"exit", static_cast<int>(worst)}});
  return worst;
}

}  // namespace portcullis::cli
