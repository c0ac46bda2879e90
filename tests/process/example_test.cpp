// SPDX-License-Identifier: Apache-2.0
/// @file The two minimal engines as a newcomer runs them: under a supervisor of its own and under `portcullis run`, with
/// people who arm and halt by the CLI. The venue's log says what was sent.
#include <catch2/catch.hpp>
#include <csignal>

#include "tests/process/rig.hpp"

using namespace portcullis::test;

namespace {

RigOptions for_examples() {
  RigOptions options;
  options.begin_string = "FIX.4.2";
  options.session_name = "ENG1-VENUE";
  return options;
}

std::vector<std::string> engine_command(Rig& rig, const std::string& binary) {
  return {binary, "mm1", "flow", "AAA", "99", std::to_string(rig.venue().port())};  // one below the bid: they rest
}

int sent(Rig& rig, const std::string& type) {
  int count = 0;
  for (const auto* connection : rig.venue().log().of_session("ENG1"))
    for (const auto& message : connection->messages) count += message.type == type;
  return count;
}

int exit_of(Process& process) {
  const int status = process.wait(15'000);
  return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// From locked to halted, by the CLI.
void check_whole_day(Rig& rig, const std::string& binary, int orders) {
  rig.start_supervisor();
  rig.start_engine(engine_command(rig, binary));
  INFO(rig.logs());
  REQUIRE(rig.attached());
  CHECK(rig.state() == "locked");
  CHECK(rig.status()["sessions"][0]["rungs"].value("take_over", "") == "ready: templates F");
  CHECK(sent(rig, "D") == 0);  // nobody armed it
  REQUIRE(rig.arm());
  REQUIRE(rig.trading(orders));
  CHECK(sent(rig, "D") == orders);
  const CliResult halt = rig.cli({"halt", "mm1", "--json"});
  INFO(halt.text);
  CHECK(halt.exit == 0);
  const nlohmann::json report = rig.halted();
  REQUIRE(report.is_object());
  CHECK(report.value("proven", false));
  CHECK(report.value("acknowledged", -1) == report.value("open_at_containment", 0));
  CHECK(rig.venue_open_orders() == 0);
  CHECK(sent(rig, "F") == orders);
  CHECK(sent(rig, "D") == orders);
  CHECK(exit_of(rig.engine()) == 0);  // every order had its last answer: it ended in order
  CHECK(eventually([&] { return !rig.status().value("attached", true); }));
  CHECK(rig.status()["latch"].value("latched", false));
  CHECK(rig.cli({"audit", "verify", "mm1"}).exit == 0);
}

/// The name of a user who is not root, where this test is root and that user can run our programs.
int somebody() {
  constexpr int kNobody = 65534;
  if (geteuid() != 0) return -1;
  Process probe({PORTCULLIS_CLI_BINARY, "version"}, "/dev/null", {}, kNobody);
  return exit_of(probe) == 0 ? kNobody : -1;
}

}  // namespace

TEST_CASE("the minimal C++ engine: nothing before it is armed, then its orders, and a halt that is proven") {
  Rig rig(for_examples());
  check_whole_day(rig, PORTCULLIS_MINIMAL_CPP_BINARY, 10);
}

TEST_CASE("the minimal C engine: nothing before it is armed, then its orders, and a halt that is proven") {
  Rig rig(for_examples());
  check_whole_day(rig, PORTCULLIS_MINIMAL_C_BINARY, 5);
}

TEST_CASE("run on a desk: supervisor and engine by one command, armed by it, halted from another terminal") {
  RigOptions options = for_examples();
  options.uid = GENERATE(-1, -2);
  if (options.uid == -2) options.uid = somebody();
  Rig rig(options);
  std::vector<std::string> command = {PORTCULLIS_CLI_BINARY, "run", "--config", rig.config(), "--arm", "--reason", "test", "--"};
  for (const std::string& word : engine_command(rig, PORTCULLIS_MINIMAL_CPP_BINARY)) command.push_back(word);
  rig.start_engine(command);
  INFO("as uid " << options.uid);
  REQUIRE(rig.trading(10, 30'000));
  const nlohmann::json status = rig.status();
  CHECK(status.value("state", "") == "armed");
  CHECK_FALSE(status.value("separated", true));
  const CliResult halt = rig.cli({"halt", "--json"});  // bare: whatever is here
  INFO(halt.text << rig.engine().output());
  CHECK(halt.exit == 0);
  CHECK(rig.venue_open_orders() == 0);
  CHECK(exit_of(rig.engine()) == 0);  // the engine's own
  const std::string said = rig.engine().output();
  CHECK(said.find("mm1  armed") != std::string::npos);
  CHECK(rig.cli({"status", "mm1"}).exit == 6);  // the supervisor ended with it
  const std::string audit = Process::read(rig.state_dir() + "/mm1.audit.jsonl");
  CHECK(audit.find("\"separated\":0") != std::string::npos);
}

TEST_CASE("an ordinary user's supervisor, without any privilege, catches a run-away and proves it") {
  const int uid = somebody();
  if (uid == -1) {
    WARN("needs root to become another user, and programs which that user can reach");
    return;
  }
  RigOptions options;
  options.uid = uid;
  options.engine_args = {"--rate", "5000", "--rest-share", "0.3", "--stubborn"};
  options.lane_limits["order_rate"] = "[{ max = 300, per_ms = 1000 }]";
  Rig rig(options);
  REQUIRE(rig.up(1));
  const nlohmann::json halt = rig.halted();
  INFO(rig.logs());
  REQUIRE(halt.is_object());
  CHECK(halt.value("cause", "") == "order_rate");
  CHECK(halt.value("proven", false));
  CHECK(sent(rig, "D") == 300);
  CHECK(rig.venue_open_orders() == 0);
}
