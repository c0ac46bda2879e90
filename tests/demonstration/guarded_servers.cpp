// SPDX-License-Identifier: Apache-2.0
#include "tests/demonstration/guarded_servers.hpp"

#include <fmt/core.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/demonstration/guard_config.hpp"
#include "tests/demonstration/interruption.hpp"

namespace portcullis::demonstration {
namespace {

constexpr int kReadyMs = 15'000;
constexpr int kCliMs = 10'000;
constexpr int kStopMs = 5'000;

/// The venue's open orders of one session, -1 where it does not say.
std::int64_t open_orders(venue::VenueProcess& venue, const std::string& session) {
  const nlohmann::json stats = nlohmann::json::parse(venue.control("stats"), nullptr, false);
  const nlohmann::json::json_pointer place("/sessions/" + session + "/open");
  return stats.is_object() && stats.contains(place) ? static_cast<std::int64_t>(stats.at(place).size()) : -1;
}

std::string state_of(const nlohmann::json& status) {
  return status.is_object() ? status.value("state", "?") : "?";
}

}  // namespace

std::vector<std::string> GuardedServers::more_arguments(int) const {
  return {"--guarded", "--run-dir", path("run")};
}

int GuardedServers::ends_with(int server) const {
  return ending_ == Ending::killed && server == kStaleServer ? 128 + SIGKILL : 0;
}

/// While it sends at full rate: messages are under way in both directions.
std::string GuardedServers::kill_stale_server() {
  const auto resting = [&] { return open_orders(*venue_, comp_id(kStaleServer)) >= kOpenWhenKilled; };
  if (!wait_until(resting, plan_.seconds * 1000)) return "the stale server did not come to its orders";
  engines_[kStaleServer].signal(SIGKILL);
  return {};
}

GuardedServers::Answer GuardedServers::portcullis(const std::vector<std::string>& words) {
  Launch launch;
  launch.argv = {program("portcullis"), "--run-dir", path("run")};
  launch.argv.insert(launch.argv.end(), words.begin(), words.end());
  launch.output = path("cli.out");
  launch.errors = path("cli.err");
  ChildProcess call(launch);
  Answer answer;
  answer.exit = call.wait(kCliMs);
  answer.json = nlohmann::json::parse(call.last_line(), nullptr, false);
  answer.errors = call.errors();
  return answer;
}

nlohmann::json GuardedServers::status(int server) {
  return portcullis({"status", engine_name(server), "--json"}).json;
}

std::string GuardedServers::start_supervisor(int server) {
  const std::string config = path(engine_name(server) + ".toml");
  std::ofstream file(config);
  file << guard_config(
      {engine_name(server), comp_id(server), path("run"), path("state"), path("instruments.csv"),
       ending_ == Ending::tripped});
  file.close();
  if (!file) return "cannot write " + config;
  Launch launch;
  launch.argv = {program("portcullisd"), "--config", config};
  launch.output = path(engine_name(server) + ".supervisor.out");
  launch.errors = path(engine_name(server) + ".supervisor.err");
  launch.network = plan_.isolation == Isolation::none ? Network::ours : Network::none;
  supervisors_.emplace_back(launch);
  return {};
}

std::string GuardedServers::before() {
  std::error_code error;
  std::filesystem::create_directories(path("run"), error);
  if (!error) std::filesystem::create_directories(path("state"), error);
  if (error || !market_.write_instruments(path("instruments.csv"))) return "cannot write in " + path("");
  for (int server = 0; server < kServers; ++server)
    if (const std::string why = start_supervisor(server); !why.empty()) return why;
  for (int server = 0; server < kServers; ++server) {
    ChildProcess& supervisor = supervisors_[static_cast<std::size_t>(server)];
    const bool up = wait_until(
        [&] { return supervisor.poll() != ChildProcess::kRunning || state_of(status(server)) == "locked"; },
        kReadyMs);
    if (!up || supervisor.poll() != ChildProcess::kRunning)
      return fmt::format("the supervisor of {} did not start: {}", engine_name(server), supervisor.errors());
  }
  return {};
}

bool GuardedServers::ready_to_arm(int server) {
  const nlohmann::json now = status(server);
  if (!now.is_object() || !now.value("attached", false) || !now.contains("sessions")) return false;
  for (const nlohmann::json& session : now["sessions"])
    if (session.value("state", "") != "registered") return false;
  const std::string said = engines_[static_cast<std::size_t>(server)].output();
  return said.find("logged on") != std::string::npos;
}

std::string GuardedServers::arm(int server) {
  Answer last;
  const bool armed = wait_until(
      [&] {
        last = portcullis({"arm", engine_name(server), "--reason", "demonstration", "--json"});
        return last.exit == 0;
      },
      kReadyMs);
  return armed ? std::string()
               : fmt::format("{} could not be armed (status {}): {} {}", engine_name(server), last.exit,
                             last.json.dump(), last.errors);
}

/// The stale server is armed last: by the time it runs away the other seven work.
std::string GuardedServers::during() {
  for (int server = 0; server < kServers; ++server)
    if (!wait_until([&] { return ready_to_arm(server); }, kReadyMs))
      return fmt::format("{} did not log on: {}", engine_name(server),
                         engines_[static_cast<std::size_t>(server)].errors());
  for (int server = 0; server < kServers; ++server)
    if (const std::string why = arm(server); !why.empty()) return why;
  if (ending_ == Ending::killed)
    if (const std::string why = kill_stale_server(); !why.empty()) return why;
  const bool stopped = wait_until(
      [&] {
        halted_ = status(kStaleServer);
        return state_of(halted_) == "halted";
      },
      plan_.seconds * 1000);
  if (!stopped) return fmt::format("{} was not halted: {}", engine_name(kStaleServer), halted_.dump());
  open_at_venue_ = open_orders(*venue_, comp_id(kStaleServer));
  return {};
}

std::string GuardedServers::after() {
  at_the_end_ = status(kStaleServer);
  for (int server = 0; server < kServers; ++server) {
    const nlohmann::json now = server == kStaleServer ? nlohmann::json() : status(server);
    if (server != kStaleServer &&
        (state_of(now) != "locked" || now.value("/latch/latched"_json_pointer, true)))
      ++others_halted_;
  }
  for (ChildProcess& supervisor : supervisors_) supervisor.signal(SIGTERM);
  for (ChildProcess& supervisor : supervisors_)
    if (supervisor.wait(kStopMs) != 0) return "a supervisor did not end in order: " + supervisor.errors();
  return {};
}

}  // namespace portcullis::demonstration
