// SPDX-License-Identifier: Apache-2.0
#include "tests/demonstration/servers.hpp"

#include <fmt/core.h>

#include <csignal>
#include <filesystem>

#include "tests/demonstration/guard_config.hpp"
#include "tests/demonstration/interruption.hpp"

namespace portcullis::demonstration {
namespace {

constexpr int kChildQty = 100;  // shares: 397 million over 4 million executions is 99 (paragraph 17)
constexpr int kCorrectChildren =
    600;                        // most that one correct server has to send; it takes half of the run for it
constexpr int kEndMs = 15'000;  // for logging on before, and out after the seconds of trading
constexpr int kKillMs = 2'000;

}  // namespace

std::string engine_name(int server) { return fmt::format("srv{}", server + 1); }
std::string comp_id(int server) { return fmt::format("SRV{}", server + 1); }

Servers::Servers(const Plan& plan, const Market& market, const std::string& name)
    : plan_(plan), market_(market), dir_(plan.dir + '/' + name) {}

std::string Servers::start_venue() {
  std::error_code error;
  std::filesystem::create_directories(path("venue"), error);
  if (error || !market_.write_book(path("book.csv"))) return "cannot write in " + dir_;
  venue::VenueOptions options;
  options.binary = program("portcullis_venue");
  options.dir = path("venue");
  options.more = {"--book", path("book.csv")};
  for (int server = 0; server < kServers; ++server)
    options.sessions.push_back(comp_id(server) + ":VENUE:FIX.4.2");
  venue_ = std::make_unique<venue::VenueProcess>(options);
  return venue_->ok() ? std::string() : venue_->why();
}

void Servers::start_engine(int server) {
  const bool stale = server == kStaleServer;
  const int rate_per_s = stale ? plan_.stale_rate_per_s : std::max(1, kCorrectChildren / plan_.seconds);
  Launch launch;
  launch.argv = {program("portcullis_runaway"),
                 "--name",
                 engine_name(server),
                 "--session",
                 comp_id(server) + ":VENUE",
                 "--session-name",
                 comp_id(server),
                 "--begin-string",
                 "FIX.4.2",
                 "--port",
                 std::to_string(venue_->port()),
                 "--book",
                 path("book.csv"),
                 "--lane",
                 kLane,
                 "--parents",
                 std::to_string(kParents),
                 "--servers",
                 std::to_string(kServers),
                 "--server",
                 std::to_string(server),
                 "--seed",
                 std::to_string(plan_.seed),
                 "--child-qty",
                 std::to_string(kChildQty),
                 "--rate",
                 std::to_string(rate_per_s),
                 "--seconds",
                 std::to_string(plan_.seconds)};
  if (stale) {
    const std::string share = fmt::format("0.{:02}", plan_.rest_percent);
    launch.argv.insert(launch.argv.end(), {"--stale", "--rest-share", share});
  }
  for (const std::string& word : more_arguments(server)) launch.argv.push_back(word);
  launch.output = path(engine_name(server) + ".out");
  launch.errors = path(engine_name(server) + ".err");
  engines_.emplace_back(launch);
}

std::string Servers::await_engines() {
  for (int server = 0; server < kServers; ++server) {
    ChildProcess& engine = engines_[static_cast<std::size_t>(server)];
    const int status = engine.wait(plan_.seconds * 1000 + kEndMs);
    if (status != ends_with(server))
      return fmt::format("{} ended with status {}: {}", engine_name(server), status, engine.errors());
    counters_.push_back(status == 0 ? nlohmann::json::parse(engine.last_line(), nullptr, false) : nlohmann::json());
    if (status == 0 && !counters_.back().is_object()) return engine_name(server) + " printed no counters";
  }
  return {};
}

std::string Servers::run() {
  std::string why = start_venue();
  if (why.empty()) why = before();
  for (int server = 0; why.empty() && server < kServers; ++server) start_engine(server);
  if (why.empty()) why = during();
  if (why.empty()) why = await_engines();
  if (why.empty()) why = after();
  if (why.empty()) log_ = venue_->log();
  if (interrupted()) why = "interrupted";
  engines_.clear();
  if (venue_) venue_->stop(kKillMs);
  return why;
}

}  // namespace portcullis::demonstration
