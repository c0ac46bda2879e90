// SPDX-License-Identifier: Apache-2.0
/// @file The demonstration as a newcomer runs it, judged from outside: by its JSON, and by what it leaves
/// behind.
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/demonstration/child_process.hpp"
#include "tests/demonstration/interruption.hpp"

using namespace portcullis::demonstration;

namespace {

constexpr int kWholeMs = 120'000;

/// A folder that the demonstration uses as /tmp; short, for paths of sockets.
class Scratch {
 public:
  Scratch() {
    char name[] = "/tmp/pcdt-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path_ = name;
    std::filesystem::create_directory(path_ + "/t");
    setenv("TMPDIR", (path_ + "/t").c_str(), 1);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    unsetenv("TMPDIR");
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] Launch launch(const std::vector<std::string>& arguments) const {
    Launch launch{{PORTCULLIS_DEMONSTRATION_BINARY}, path_ + "/out", path_ + "/err"};
    launch.argv.insert(launch.argv.end(), arguments.begin(), arguments.end());
    return launch;
  }
  [[nodiscard]] bool empty() const { return std::filesystem::is_empty(path_ + "/t"); }
  /// Processes whose command line names this folder.
  [[nodiscard]] int processes() const {
    int found = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "cmdline");
      std::ostringstream text;
      text << file.rdbuf();
      if (text.str().find(path_ + "/t/") != std::string::npos) ++found;
    }
    return found;
  }

 private:
  std::string path_;
};

void check_halt(const nlohmann::json& column, const char* first_cause) {
  INFO(column.dump());
  CHECK(column.at("orders_after_containment") == 0);
  CHECK(column.at("unknown") == 0);
  CHECK(column.at("refused_by_venue") == 0);
  CHECK(column.at("first_cause") == first_cause);
  const int open = column.at("open_at_containment").get<int>();
  CHECK(open > 0);
  CHECK(open == column.at("acknowledged").get<int>() + column.at("never_left").get<int>());
  CHECK(2 * column.at("acknowledged").get<int>() > open);
  const nlohmann::json& ns = column.at("ns");
  CHECK(ns.at("closed").get<std::int64_t>() > 0);
  CHECK(ns.at("contained").get<std::int64_t>() >= ns.at("closed").get<std::int64_t>());
  CHECK(ns.at("last_ack").get<std::int64_t>() > 0);
  CHECK(ns.at("last_byte").get<std::int64_t>() > 0);
}

}  // namespace

TEST_CASE("the demonstration stops the run-away, gets every open order cancelled, and proves it") {
  const Scratch scratch;
  ChildProcess demonstration(scratch.launch({"--json", "--seconds", "6"}));
  const int status = demonstration.wait(kWholeMs);
  INFO(demonstration.output() << demonstration.errors());
  REQUIRE(status == 0);
  const nlohmann::json result = nlohmann::json::parse(demonstration.last_line(), nullptr, false);
  REQUIRE(result.is_object());
  const nlohmann::json& guarded = result.at("guarded");
  const nlohmann::json& unguarded = result.at("unguarded");
  check_halt(guarded, "child_qty");
  check_halt(result.at("guarded_killed"), "death");
  CHECK(result.at("guarded_killed").at("open_at_containment") >= 50);
  for (const char* figure : {"orders", "executions", "shares", "gross_notional", "loss"}) {
    INFO(figure);
    CHECK(guarded.at(figure).get<double>() > 0);
    CHECK(unguarded.at(figure).get<double>() > guarded.at(figure).get<double>());
  }
  CHECK(scratch.empty());
  CHECK(scratch.processes() == 0);
}

TEST_CASE("a demonstration that is interrupted in its guarded run leaves no process and no file") {
  const Scratch scratch;
  ChildProcess demonstration(scratch.launch({"--seconds", "4"}));
  REQUIRE(wait_until([&] { return demonstration.errors().find("2 of 3") != std::string::npos; }, kWholeMs));
  REQUIRE(wait_until([&] { return scratch.processes() >= 16; }, kWholeMs));
  demonstration.signal(SIGTERM);
  CHECK(demonstration.wait(30'000) == 1);
  CHECK(scratch.empty());
  CHECK(scratch.processes() == 0);
}

TEST_CASE("a demonstration that is killed takes its processes with it") {
  const Scratch scratch;
  ChildProcess demonstration(scratch.launch({"--seconds", "4"}));
  REQUIRE(wait_until([&] { return scratch.processes() >= 9; }, kWholeMs));  // the venue and eight servers
  demonstration.signal(SIGKILL);
  CHECK(demonstration.wait(30'000) == 128 + SIGKILL);
  CHECK(wait_until([&] { return scratch.processes() == 0; }, 10'000));
}
