// SPDX-License-Identifier: Apache-2.0
/// @file What the hook refuses to attach to, and what it says then. Every refusal leaves a hook that is
/// closed.
#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>
#include <cstdio>

#include "tests/unit/engine_fixture.hpp"

using namespace portcullis;
using namespace portcullis::testing;

namespace {

/// Attaches to a gate that `limits` spoiled.
pc_status attach_to(std::function<void(GateView&)> limits, std::string* why = nullptr) {
  TestSupervisor supervisor({.limits = std::move(limits)});
  Engine engine(supervisor);
  if (why != nullptr) *why = pc_why(engine.hook);
  if (engine.attached != PC_OK) {
    CHECK(engine.ask({"A1"}, nullptr) == PC_CLOSED);
    CHECK(pc_fd(engine.hook) == -1);
  }
  return engine.attached;
}

}  // namespace

TEST_CASE("a gate of another layout is refused") {
  CHECK(attach_to([](GateView&) {}) == PC_OK);
  CHECK(attach_to([](GateView& gate) { gate.header().fingerprint ^= 1; }) == PC_ERR_VERSION);
  CHECK(attach_to([](GateView& gate) { gate.header().magic ^= 1; }) == PC_ERR_VERSION);
  CHECK(attach_to([](GateView& gate) { gate.header().capacities.open_orders = 65; }) == PC_ERR_VERSION);
}

TEST_CASE("a gate of another engine, or one whose ledger is another's, is refused") {
  std::string why;
  CHECK(attach_to([](GateView& gate) { gate.header().engine[0] = 'x'; }, &why) == PC_ERR_REFUSED);
  CHECK(why == "the memories belong to another engine");
  CHECK(attach_to([](GateView& gate) { gate.header().incarnation[1] ^= 1; }) == PC_ERR_REFUSED);
}

TEST_CASE("a limit that the hook could not judge is refused before the first order") {
  CHECK(attach_to([](GateView& gate) { gate.lane(0).order_rates = 9; }) == PC_ERR_VERSION);
  CHECK(attach_to([](GateView& gate) {
          gate.limits().order_rate[0] = {257, 1};
          gate.limits().order_rates = 1;
        }) == PC_ERR_VERSION);
  CHECK(attach_to([](GateView& gate) { gate.lane(0).refusals = {256, 1}; }) == PC_ERR_VERSION);
  CHECK(attach_to([](GateView& gate) { gate.lane(0).pair_count = 4; }) == PC_ERR_VERSION);
  CHECK(attach_to([](GateView& gate) { gate.pair(1).instrument = 3; }) == PC_ERR_VERSION);
  CHECK(attach_to([](GateView& gate) { gate.pair(1).lane = 1; }) == PC_ERR_VERSION);
}

TEST_CASE("each refusal of the supervisor has its status and its sentence") {
  const std::pair<AttachStatus, pc_status> answers[] = {
      {AttachStatus::wrong_version, PC_ERR_VERSION},    {AttachStatus::wrong_user, PC_ERR_REFUSED},
      {AttachStatus::already_attached, PC_ERR_REFUSED}, {AttachStatus::no_membarrier, PC_ERR_KERNEL},
      {AttachStatus::wrong_engine, PC_ERR_REFUSED},     {AttachStatus::internal, PC_ERR_REFUSED},
      {static_cast<AttachStatus>(200), PC_ERR_REFUSED}};
  for (const auto& [said, expected] : answers) {
    TestSupervisor supervisor;
    supervisor.answer = said;
    Engine engine(supervisor);
    CHECK(engine.attached == expected);
    CHECK(std::string(pc_why(engine.hook)) == "because the test says so");
  }
}

TEST_CASE("a supervisor that hangs up or never answers is no supervisor") {
  TestSupervisor supervisor;
  supervisor.hang_up_on_attach = true;
  Engine engine(supervisor);
  CHECK(engine.attached == PC_ERR_IO);
  char folder[] = "/tmp/portcullis-test-XXXXXX";
  const std::string run_dir = mkdtemp(folder);
  const std::string path = run_dir + "/eng.attach";
  UniqueFd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(listener.get(), 1) == 0);
  const pc_attach_options options{sizeof options, 50, "eng", run_dir.c_str()};
  pc_hook* hook = nullptr;
  const std::uint64_t before_ns = monotonic_now_ns();
  CHECK(pc_attach(&options, &hook) == PC_ERR_NO_SUPERVISOR);
  CHECK(monotonic_now_ns() - before_ns < 2'000'000'000);
  CHECK(std::string(pc_why(hook)) == "the supervisor did not answer in time");
  pc_detach(hook, PC_KEEP_NONE);
  unlink(path.c_str());
  rmdir(run_dir.c_str());
}

TEST_CASE(
    "a name with other characters than letters, digits, _ and - is refused, so it cannot leave the folder") {
  for (const char* name : {"", "../eng", "a b", "eng\n", "0123456789012345678901234567890123"}) {
    INFO(name);
    const pc_attach_options options{sizeof options, 50, name, "/tmp"};
    pc_hook* hook = nullptr;
    CHECK(pc_attach(&options, &hook) == PC_ERR_ARGUMENT);
    REQUIRE(hook != nullptr);
    pc_detach(hook, PC_KEEP_NONE);
  }
}

TEST_CASE("names are looked up, and unknown ones are said") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  CHECK(pc_instrument(engine.hook, "BBB") == 1);
  CHECK(pc_instrument(engine.hook, "BB") == PC_NONE);
  CHECK(pc_instrument(engine.hook, "BBBB") == PC_NONE);
  pc_lane* lane = nullptr;
  CHECK(pc_lane_open(engine.hook, "nobody", &lane) == PC_ERR_UNKNOWN_NAME);
  CHECK(lane == nullptr);
  CHECK(engine.lane() == engine.lane());
}

TEST_CASE("detach says good-bye in the ledger") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  CHECK(pc_detach(engine.hook, PC_KEEP_GTC) == PC_OK);
  engine.hook = nullptr;
  CHECK(load(supervisor.ledger().header().detaching) == 1 + PC_KEEP_GTC);
}

TEST_CASE("a refused order is explained in one line of the limit's own unit") {
  pc_ticket ticket{};
  ticket.size = sizeof ticket;
  char text[64];
  const auto say = [&](pc_verdict verdict, std::int64_t observed, std::int64_t limit, std::uint32_t window) {
    ticket.verdict = verdict;
    ticket.observed = observed;
    ticket.limit = limit;
    ticket.window_ms = window;
    pc_ticket_text(&ticket, text, sizeof text);
    return std::string(text);
  };
  CHECK(say(PC_ORDER_RATE, 51, 50, 10) == "order_rate/10ms 51 > 50");
  CHECK(say(PC_GROSS_NOTIONAL, 50'000'000'001, 50'000'000'000, 0) == "gross_notional 5000000.0001 > 5000000");
  CHECK(say(PC_ORDER_NOTIONAL, -5'000, 0, 0) == "order_notional -0.5000 > 0");
  CHECK(say(PC_CLOSED, 0, 0, 0) == "closed");
  CHECK(say(static_cast<pc_verdict>(63), 0, 0, 0) == "?");
  CHECK(pc_ticket_text(&ticket, nullptr, 0) == 1);
  ticket.verdict = 1'000'000;
  CHECK(pc_ticket_text(&ticket, text, sizeof text) == 1);
  CHECK(std::string(pc_verdict_name(PC_LEASE_LOST)) == "lease lost");
  CHECK(std::string(pc_status_name(PC_ERR_NOT_TCP)) == "not a connected TCP socket");
  CHECK(pc_abi_version() == PC_ABI_VERSION);
}

TEST_CASE("the library shows pc_ names and nothing else, and needs nothing but the C and C++ libraries") {
  const auto run = [](const std::string& command) {
    std::string out;
    FILE* pipe = popen(command.c_str(), "r");
    char line[512];
    while (std::fgets(line, sizeof line, pipe) != nullptr) out += line;
    CHECK(pclose(pipe) == 0);
    return out;
  };
  const std::string library = PORTCULLIS_HOOK_LIBRARY;
  CHECK(run("nm -D --defined-only " + library +
            " | awk '{print $3}' | grep -v -e '^pc_' -e '^PORTCULLIS_' | wc -l") == "0\n");
  CHECK(run("nm -D --defined-only " + library + " | grep -c ' pc_submit@'") == "1\n");
#ifndef PORTCULLIS_SANITIZED
  CHECK(run("readelf -d " + library +
            " | awk '/NEEDED/{print $5}' | grep -v -E 'lib(c|m|gcc_s|stdc\\+\\+)\\.so|ld-linux' | wc -l") ==
        "0\n");
#endif
  CHECK(run("readelf -d " + library + " | grep -c 'SONAME.*libportcullis.so.1'") == "1\n");
}
