// SPDX-License-Identifier: Apache-2.0
/// @file The demonstration as a newcomer runs it, judged from outside: by its JSON, and by what it leaves
/// behind.
#include <unistd.h>

#include <algorithm>
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
  /// Processes whose command line names this folder, and begins with a path that ends in `program` ("" any).
  [[nodiscard]] std::vector<std::filesystem::path> processes_of(const std::string& program) const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string command = text_of(entry.path() / "cmdline");
      const std::string first = command.substr(0, command.find('\0'));
      if (command.find(path_ + "/t/") != std::string::npos && first.ends_with(program)) found.push_back(entry.path());
    }
    return found;
  }
  [[nodiscard]] int processes() const { return static_cast<int>(processes_of("").size()); }
  static std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
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

TEST_CASE("the demonstration has a network of loopback only, and each supervisor not even that") {
  const Scratch scratch;
  ChildProcess demonstration(scratch.launch({"--seconds", "4"}));
  REQUIRE(wait_until([&] { return demonstration.errors().find("network: ") != std::string::npos; }, kWholeMs));
  const std::string said = demonstration.errors();
  if (said.find("network namespaces are not permitted") != std::string::npos && geteuid() != 0) {
    WARN("network namespaces are not permitted to this user");
    return;
  }
  CHECK(said.find("a network namespace with loopback only; each supervisor in one without even that") != std::string::npos);
  REQUIRE(wait_until([&] { return scratch.processes_of("/portcullis_runaway").size() == 8 &&
                                  scratch.processes_of("/portcullisd").size() == 8; }, kWholeMs));
  const auto network_of = [](const std::filesystem::path& process) {
    std::error_code error;
    return std::filesystem::read_symlink(process / "ns/net", error).string();
  };
  const auto interfaces_of = [](const std::filesystem::path& process) {
    const std::string table = Scratch::text_of(process / "net/dev");  // a head of one bar a line, then NAME: a line
    return std::count(table.begin(), table.end(), ':');
  };
  const std::filesystem::path venue = scratch.processes_of("/portcullis_venue").at(0);
  CHECK(network_of(venue) != network_of("/proc/self"));
  CHECK(interfaces_of(venue) == 1);
  CHECK(Scratch::text_of(venue / "net/fib_trie").find("127.0.0.1") != std::string::npos);
  for (const auto& engine : scratch.processes_of("/portcullis_runaway")) CHECK(network_of(engine) == network_of(venue));
  for (const auto& supervisor : scratch.processes_of("/portcullisd")) {
    CHECK(network_of(supervisor) != network_of(venue));
    CHECK(network_of(supervisor) != network_of("/proc/self"));
    CHECK(interfaces_of(supervisor) == 1);
    CHECK(Scratch::text_of(supervisor / "net/fib_trie").find("127.0.0.1") == std::string::npos);  // loopback is down
  }
  demonstration.signal(SIGTERM);
  CHECK(demonstration.wait(30'000) == 1);
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
