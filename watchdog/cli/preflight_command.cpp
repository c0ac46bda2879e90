// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "watchdog/cli/commands.hpp"
#include "watchdog/cli/control_answer.hpp"
#include "watchdog/cli/preflight.hpp"
#include "watchdog/cli/run_folder.hpp"
#include "watchdog/config.hpp"

namespace portcullis::cli {
namespace {

constexpr std::uint64_t kAskNs = 3'000'000'000;

bool in_group(const std::string& name) {
  const group* entry = getgrnam(name.c_str());
  std::vector<gid_t> own(static_cast<std::size_t>(std::max(0, getgroups(0, nullptr))));
  if (entry == nullptr || getgroups(static_cast<int>(own.size()), own.data()) < 0) return false;
  return getegid() == entry->gr_gid || std::find(own.begin(), own.end(), entry->gr_gid) != own.end();
}

/// Whether the asking user could arm. Somebody else may, so it is never a failure.
void judge_person(const Config& config, Findings& findings) {
  const passwd* me = getpwuid(geteuid());
  const std::string name = me != nullptr ? me->pw_name : std::to_string(geteuid());
  if (config.mode == Mode::desk) return;
  if (name == config.engine_user || std::to_string(geteuid()) == config.engine_user)
    findings.push_back({"person", Level::warning, name + " is the engine's user, who never arms"});
  else if (geteuid() == 0)
    findings.push_back({"person", Level::warning, "root arms only with a login that names a person"});
  else if (in_group(config.arm_group))
    findings.push_back({"person", Level::ok, name + " may arm"});
  else
    findings.push_back({"person", Level::warning, fmt::format("{} may not arm: not in group {}", name, config.arm_group)});
}

void judge_config(const LoadResult& loaded, const std::string& file, const Json& status, Findings& findings) {
  if (!loaded.config) {
    findings.push_back({"config", Level::failure, fmt::format("{}: {} errors; portcullis check {}", file, loaded.error_count, file)});
    return;
  }
  const std::string running = text_of(status, "config_hash").substr(0, 8), on_disk = short_hash(loaded.config->hash);
  if (running.empty() || running == on_disk)
    findings.push_back({"config", Level::ok, fmt::format("{}  {}", file, on_disk)});
  else
    findings.push_back({"config", Level::warning,
                        fmt::format("{} is {} now, the supervisor runs with {}: it takes effect at its next start", file, on_disk, running)});
}

Json findings_json(const Findings& findings) {
  static constexpr std::array<const char*, 3> kNames{"ok", "warning", "failure"};
  Json rows = Json::array();
  for (const Finding& one : findings)
    rows.push_back({{"what", one.what}, {"level", kNames[static_cast<std::size_t>(one.level)]}, {"text", one.text}});
  return rows;
}

}  // namespace

ExitCode preflight_command(const Common& common, const std::string& engine) {
  Findings findings;
  Json status;
  const ClientError error = ask(run_path(common.run_dir, engine, "control"), make_request("status"), kAskNs, status);
  const bool answered = error == ClientError::ok && status.contains("state");
  const std::string file = common.config_dir + "/" + engine + ".toml";
  const LoadResult loaded = load_config(file);
  judge_config(loaded, file, answered ? status : Json::object(), findings);
  if (loaded.config) judge_person(*loaded.config, findings);
  if (answered)
    judge_status(status, findings);
  else
    findings.push_back({"supervisor", Level::failure,
                        error == ClientError::ok ? text_of(status, "error") : std::string(client_error_text(error))});
  HostPlace place{common.run_dir, common.state_dir, engine, !loaded.config || loaded.config->mode == Mode::host, 0, 0};
  RunRecord record;
  if (read_record(common.run_dir, engine, record) == RecordError::ok) {
    place.engine_pid = record.engine.pid;
    place.supervisor_pid = record.supervisor.pid;
  }
  judge_host(place, findings);
  const ExitCode code = any_failure(findings) ? ExitCode::refused : ExitCode::ok;
  if (common.json)
    fmt::print("{}\n", dump({{"engine", engine}, {"ok", code == ExitCode::ok}, {"exit", static_cast<int>(code)}, {"findings", findings_json(findings)}}));
  else
    fmt::print("{}", render_findings(engine, findings));
  return code;
}

}  // namespace portcullis::cli
