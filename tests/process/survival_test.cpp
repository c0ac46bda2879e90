// SPDX-License-Identifier: Apache-2.0
/// @file What becomes of the right to trade when the supervisor itself is hurt: killed, stopped, replaced,
/// doubled, or with a disk that stalls. The engine is a real one; the venue's log says when its last order
/// came.
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>

#include "tests/process/rig.hpp"

using namespace portcullis::test;

namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

std::int64_t now_ns() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

RigOptions steady_trader() {
  RigOptions options;
  options.engine_args = {"--rate", "300", "--rest-share", "0.2"};
  return options;
}

/// The venue's clock time of the newest order; 0 none.
std::int64_t last_order_ns(Rig& rig) {
  std::int64_t last = 0;
  for (const auto* connection : rig.venue().log().of_session("ENG1"))
    for (const auto& message : connection->messages)
      if (message.type == "D") last = std::max(last, message.time_ns);
  return last;
}

/// No order reaches the venue later than the lease allows, with room for a busy machine's queues.
void check_lease_kept(Rig& rig, std::int64_t hurt_ns) {
  const std::int64_t late_ms = (last_order_ns(rig) - hurt_ns) / kNsPerMs;
  INFO("last order " << late_ms << " ms after the supervisor was hurt");
  CHECK(late_ms <
        500 + 250);  // the lease is 500 ms; what was handed over before it ran out may take a moment
}

}  // namespace

TEST_CASE(
    "a killed supervisor: orders are refused within the lease, the engine is told, and re-attaches locked") {
  Rig rig(steady_trader());
  REQUIRE(rig.up(5));
  const std::int64_t hurt_ns = now_ns();
  rig.supervisor().signal(SIGKILL);
  CHECK(rig.supervisor().wait(5'000) != -1);
  REQUIRE(eventually(
      [&] { return rig.venue_open_orders() == 0; }));  // the engine was told, and cancelled by itself
  check_lease_kept(rig, hurt_ns);
  rig.start_supervisor();
  INFO(rig.logs());
  REQUIRE(rig.attached());
  CHECK(rig.state() == "locked");
  const std::int64_t before = last_order_ns(rig);
  CHECK(rig.engine().alive());
  CHECK(last_order_ns(rig) == before);
}

TEST_CASE("a supervisor stopped for ten seconds and continued opens nothing") {
  Rig rig(steady_trader());
  REQUIRE(rig.up(5));
  const std::int64_t hurt_ns = now_ns();
  rig.supervisor().signal(SIGSTOP);
  REQUIRE(eventually([&] { return rig.venue_open_orders() == 0; }));
  CHECK_FALSE(eventually([&] { return now_ns() - hurt_ns > 10'000 * kNsPerMs; }, 9'000));
  REQUIRE(eventually([&] { return now_ns() - hurt_ns > 10'000 * kNsPerMs; }, 2'000));
  rig.supervisor().signal(SIGCONT);
  CHECK(rig.supervisor().wait(5'000) != -1);  // late by more than the lease: it may only close and exit
  check_lease_kept(rig, hurt_ns);
  rig.start_supervisor();
  REQUIRE(rig.attached());
  CHECK(rig.state() == "locked");
}

TEST_CASE("the CLI fences by itself when the supervisor is stopped") {
  Rig rig;
  REQUIRE(rig.up(20));
  rig.supervisor().signal(SIGSTOP);
  const CliResult halt = rig.cli({"halt", "mm1"});
  INFO(halt.text);
  CHECK(halt.exit == 4);
  CHECK(rig.engine().wait(5'000) != -1);
  CHECK(rig.supervisor().wait(5'000) != -1);
  REQUIRE(eventually([&] { return rig.venue_open_orders() == 0; }));
}

TEST_CASE("the CLI fences by itself when the supervisor is dead") {
  RigOptions options;
  options.engine_args.push_back("--deaf");  // it does not cancel by itself when the lease is lost
  Rig rig(options);
  REQUIRE(rig.up(20));
  rig.supervisor().signal(SIGKILL);
  CHECK(rig.supervisor().wait(5'000) != -1);
  const CliResult halt = rig.cli({"halt", "mm1"});
  INFO(halt.text);
  CHECK(halt.exit == 4);
  CHECK(rig.engine().wait(5'000) != -1);
  REQUIRE(eventually([&] { return rig.venue_open_orders() == 0; }));
}

TEST_CASE("a latch outlives the supervisor") {
  Rig rig;
  REQUIRE(rig.up(5));
  CHECK(rig.cli({"halt", "mm1"}).exit == 0);
  rig.supervisor().signal(SIGKILL);
  CHECK(rig.supervisor().wait(5'000) != -1);
  rig.start_supervisor();
  REQUIRE(rig.attached());
  const nlohmann::json status = rig.status();
  INFO(status.dump(1));
  CHECK(status.value("state", "") == "locked");
  CHECK(status.value("locked_reason", "") == "latched");
  CHECK(rig.cli({"arm", "mm1", "--reason", "test"}).exit == 7);
}

TEST_CASE("a second supervisor refuses, also while the first is stopped, and --replace takes its place") {
  Rig rig;
  rig.start_supervisor();
  REQUIRE(eventually([&] { return rig.state() == "locked"; }));
  Process second({PORTCULLIS_SUPERVISOR_BINARY, "--config", rig.config()}, rig.dir() + "/second.out");
  const int refused = second.wait(5'000);
  CHECK((WIFEXITED(refused) && WEXITSTATUS(refused) == 69));
  rig.supervisor().signal(SIGSTOP);
  Process third({PORTCULLIS_SUPERVISOR_BINARY, "--config", rig.config(), "--replace"},
                rig.dir() + "/third.out");
  CHECK(rig.supervisor().wait(5'000) != -1);
  CHECK(eventually([&] { return rig.state() == "locked"; }));
  CHECK(third.alive());
}

TEST_CASE("a second engine on one supervisor is refused") {
  Rig rig;
  REQUIRE(rig.up(5));
  Process second(
      {PORTCULLIS_RUNAWAY_BINARY, "--name", "mm1", "--guarded", "--run-dir", rig.run_dir(), "--session",
       "ENG2:VENUE", "--port", std::to_string(rig.venue().port()), "--session-name", "VENUE", "--lane",
       "flow", "--symbol", "AAA:99.99:100.01:1000000", "--no-parent", "--orders", "1"},
      rig.dir() + "/second.out");
  const int status = second.wait(10'000);
  INFO(second.output());
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) != 0));
  CHECK(second.output().find("a live engine is attached already") != std::string::npos);
  CHECK(rig.state() == "armed");
}

#ifndef PORTCULLIS_SANITIZED
TEST_CASE("once armed, no thread of the supervisor takes memory from the system, through a whole halt") {
  RigOptions options;
  options.supervisor["lease_ms"] = "5000";  // being traced slows the supervisor; the lease is not the subject here
  Rig rig(options);
  REQUIRE(rig.up(20));
  REQUIRE(rig.status().is_object());
  const std::string counted = rig.dir() + "/memory.calls";
  Process count({"/usr/bin/strace", "-f", "-qq", "-o", counted, "-p", std::to_string(rig.supervisor().pid()), "-e",
                 "trace=mmap,munmap,mremap,brk,madvise,mprotect,pwrite64"},
                rig.dir() + "/count.out");
  const auto calls = [&](const std::string& name) {
    const std::string text = Process::read(counted);
    int found = 0;
    for (std::size_t at = text.find(name + "("); at != std::string::npos; at = text.find(name + "(", at + 1)) ++found;
    return found;
  };
  const auto traced = [&](const std::string& task) {
    const std::string text = Process::read(task + "/status");
    return text.find("TracerPid:") != std::string::npos && text.find("TracerPid:\t0\n") == std::string::npos;
  };
  REQUIRE(eventually([&] {
    const std::string tasks = "/proc/" + std::to_string(rig.supervisor().pid()) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks))
      if (!traced(task.path().string())) return false;
    return true;
  }));
  const CliResult halt = rig.cli({"halt", "mm1"});
  CHECK(halt.exit == 0);
  CHECK(rig.status().is_object());
  REQUIRE(eventually([&] { return calls("pwrite64") >= 2; }));  // the latch was written under our eyes: we do count
  count.signal(SIGINT);
  CHECK(count.wait(20'000) != -1);
  INFO(Process::read(counted));
  for (const char* name : {"mmap", "munmap", "mremap", "brk", "madvise", "mprotect"}) {
    INFO(name);
    CHECK(calls(name) == 0);
  }
}
#endif
