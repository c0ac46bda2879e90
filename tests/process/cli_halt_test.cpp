// SPDX-License-Identifier: Apache-2.0
// `portcullis halt` against real processes: an engine with a TCP session and a queue, supervisors that are
// stopped, dead, busy, slow or only half there, and the record that a supervisor would have written.
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "tests/process/child.hpp"
#include "tests/process/tcp_pair.hpp"
#include "tests/unit/cli_server.hpp"
#include "tests/unit/scratch_folder.hpp"
#include "watchdog/cli/halt.hpp"
#include "watchdog/fence.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <optional>

using namespace portcullis;
using namespace portcullis::cli;
using namespace portcullis::test;

namespace {

constexpr std::uint64_t kMsNs = 1'000'000;
constexpr int kSmallBuffer = 4096;
constexpr const char* kReceived = R"({"v":1,"received":true})";
constexpr const char* kHalted =
    R"({"v":1,"done":true,"ok":true,"exit":0,"halt":{"cause":"manual_halt","scope":"engine","closed_ns":1,)"
    R"("contained_ns":2,"asked":0,"acknowledged":0,"never_left":0,"refused_by_venue":0,"unknown":0,)"
    R"("open_at_containment":0,"halted_ns":3}})";

bool running(const Child& child) {
  ProcessHandle handle;
  return open_process(child.pid(), 0, handle) == FenceError::ok && !is_gone(handle);
}

std::uint64_t inode_of(int fd) {
  struct stat about {};
  REQUIRE(fstat(fd, &about) == 0);
  return about.st_ino;
}

/// An engine with one session whose queue is full, and a supervisor that only is there.
struct Desk {
  /// @param supervisor_holds the supervisor has a duplicate of the session
  explicit Desk(bool supervisor_holds = false) : pair(kSmallBuffer) {
    queued = fill(pair.engine.get());
    inode = inode_of(pair.engine.get());
    listener = listen_seqpacket(folder.file("mm1.halt"));
    const int session = pair.engine.get();
    const int halt = listener.get();
    engine.emplace([halt] {
      close(halt);
      sleep_for_ever();
    });
    supervisor.emplace([session, supervisor_holds] {
      if (!supervisor_holds) close(session);
      sleep_for_ever();
    });
    engine_ticks = read_start_ticks(engine->pid());
    supervisor_ticks = read_start_ticks(supervisor->pid());
    REQUIRE(engine_ticks != 0);
    pair.engine.reset();
    listener.reset();
    if (!supervisor_holds) REQUIRE(eventually([this] { return !holds_session(supervisor->pid()); }));
  }

  [[nodiscard]] bool holds_session(pid_t pid) const {
    OpenSockets sockets;
    if (find_sockets(pid, sockets) != FenceError::ok) return true;
    return std::any_of(sockets.list.begin(),
                       sockets.list.begin() + static_cast<std::ptrdiff_t>(sockets.count),
                       [this](const OpenSocket& socket) { return socket.inode == inode; });
  }

  void write_record(std::uint64_t ticks_off = 0) const {
    const std::string text = fmt::format(
        R"({{"v":1,"engine":"mm1","config":"x","supervisor":{{"pid":{},"start_ticks":{}}},)"
        R"("engine_process":{{"pid":{},"start_ticks":{}}},)"
        R"("sessions":[{{"name":"CME-A","inode":{},"local":"l","remote":"127.0.0.1:1"}}],"contact":["GCC +1"]}})",
        supervisor->pid(), supervisor_ticks, engine->pid(), engine_ticks + ticks_off, inode);
    write_bytes(folder.file("mm1.record"), text);
    REQUIRE(chmod(folder.file("mm1.record").c_str(), 0640) == 0);
  }
  /// The session was reset: the venue got an error, and less than what was queued.
  void check_purged() {
    const Drained got = drain(pair.venue.get());
    CHECK(got.error == ECONNRESET);
    CHECK(got.bytes < queued);
  }

  ScratchFolder folder;
  TcpPair pair;
  UniqueFd listener;
  std::uint64_t queued = 0;
  std::uint64_t inode = 0;
  std::optional<Child> engine;
  std::optional<Child> supervisor;
  std::uint64_t engine_ticks = 0;
  std::uint64_t supervisor_ticks = 0;
};

HaltSettings settings_for(const ScratchFolder& folder) {
  HaltSettings settings;
  settings.run_dir = folder.path();
  settings.reason = "test";
  settings.receipt_ns = 300 * kMsNs;
  settings.done_ns = 3000 * kMsNs;
  return settings;
}

struct Halted {
  ExitCode exit;
  std::string text;
  std::vector<HaltOutcome> outcomes;
  std::uint64_t took_ns;
};
Halted halt(const ScratchFolder& folder, const std::vector<HaltTarget>& targets = {{"mm1", ""}}) {
  Halted halted{ExitCode::internal, "", {}, 0};
  const std::uint64_t begin = monotonic_now_ns();
  halted.exit = halt_all(targets, settings_for(folder), [&](const HaltOutcome& outcome) {
    halted.text += outcome.text;
    halted.outcomes.push_back(outcome);
  });
  halted.took_ns = monotonic_now_ns() - begin;
  return halted;
}

bool says(const Halted& halted, const std::string& part) {
  INFO(halted.text);
  CHECK(halted.text.find(part) != std::string::npos);
  return true;
}

}  // namespace

TEST_CASE("halting with a stopped supervisor resets the session, kills the engine, then the supervisor") {
  Desk desk;
  desk.write_record();
  desk.supervisor->signal(SIGSTOP);
  const Halted halted = halt(desk.folder);
  CHECK(halted.exit == ExitCode::fenced_blind);
  CHECK(halted.took_ns < 2500 * kMsNs);
  CHECK_FALSE(running(*desk.engine));
  CHECK_FALSE(running(*desk.supervisor));
  desk.check_purged();
  says(halted, "the supervisor does not answer  FENCED BLIND");
  says(halted, "SESSION CME-A to 127.0.0.1:1  reset\n");
  says(halted, "killed, verified gone");
  says(halted, "NOT KNOWN: open orders");
  says(halted, "contact: GCC +1");
  CHECK(halted.text.find("MAY HAVE DRAINED") == std::string::npos);
  CHECK(halted.outcomes.at(0).json["exit"] == 4);
}

TEST_CASE("on a host the root helper fences, and nothing is done twice") {
  Desk desk;
  desk.write_record();
  desk.supervisor->signal(SIGSTOP);
  const FakeServer helper(desk.folder.file("mm1.fence"), [](int client) {
    send_packet(client, R"({"v":1,"done":true,"ok":false,"exit":4,"fence":{},"lines":["mm1  FENCED BLIND","     ENGINE gone"]})");
  });
  const Halted halted = halt(desk.folder);
  CHECK(halted.exit == ExitCode::fenced_blind);
  CHECK(helper.connections() == 1);
  says(halted, "the root helper fenced it");
  says(halted, "NOW WHAT  portcullis runbook mm1");
  says(halted, "     ENGINE gone");
  CHECK(running(*desk.engine));  // the fake helper did nothing, and this user left it to the helper
}

TEST_CASE("a drill leaves an engine alone whose supervisor does not answer") {
  Desk desk;
  desk.write_record();
  desk.supervisor->signal(SIGSTOP);
  HaltSettings settings = settings_for(desk.folder);
  settings.may_fence = false;
  ExitCode told = ExitCode::ok;
  CHECK(halt_all({{"mm1", ""}}, settings, [&](const HaltOutcome& one) { told = one.exit; }) == ExitCode::not_running);
  CHECK(told == ExitCode::not_running);
  CHECK(running(*desk.engine));
}

TEST_CASE("a helper that hangs up or does not succeed leaves the fence to this user") {
  Desk desk;
  desk.write_record();
  desk.supervisor->signal(SIGSTOP);
  const bool speaks = GENERATE(false, true);
  const FakeServer helper(desk.folder.file("mm1.fence"), [speaks](int client) {
    if (speaks) send_packet(client, R"({"v":1,"done":true,"ok":false,"exit":1,"error":"no"})");
  });
  CHECK(halt(desk.folder).exit == ExitCode::fenced_blind);
  CHECK(helper.connections() == 1);
  CHECK_FALSE(running(*desk.engine));
}

TEST_CASE("halting with a dead supervisor fences the engine at once") {
  Desk desk;
  desk.write_record();
  desk.supervisor->end();
  const Halted halted = halt(desk.folder);
  CHECK(halted.exit == ExitCode::fenced_blind);
  CHECK(halted.took_ns < 1000 * kMsNs);
  CHECK_FALSE(running(*desk.engine));
  desk.check_purged();
  says(halted, "the supervisor is dead");
  says(halted, "SUPERVISOR pid");
  says(halted, "was already gone");
}

TEST_CASE("a pid that belongs to another process now is not touched") {
  Desk desk;
  desk.write_record(1);
  desk.supervisor->end();
  const Halted halted = halt(desk.folder);
  CHECK(halted.exit == ExitCode::fenced_blind);
  CHECK(running(*desk.engine));
  says(halted, "another process now, not touched");
  says(halted, "QUEUE MAY HAVE DRAINED");
}

TEST_CASE("without a record nothing is touched, and nothing is called fenced") {
  Desk desk;
  desk.supervisor->signal(SIGSTOP);
  Halted halted = halt(desk.folder);
  CHECK(halted.exit == ExitCode::internal);
  CHECK(running(*desk.engine));
  CHECK(running(*desk.supervisor));
  says(halted, "NOT FENCED");
  desk.supervisor->end();
  halted = halt(desk.folder);
  CHECK(halted.exit == ExitCode::not_running);
}

TEST_CASE("a record that anybody may write is not acted upon") {
  Desk desk;
  desk.write_record();
  REQUIRE(chmod(desk.folder.file("mm1.record").c_str(), 0666) == 0);
  desk.supervisor->end();
  const Halted halted = halt(desk.folder);
  CHECK(halted.exit == ExitCode::internal);
  CHECK(running(*desk.engine));
  says(halted, "THE ENGINE MAY STILL TRADE");
}

TEST_CASE("with the engine already gone the report says that its queue may have drained") {
  Desk desk;
  desk.write_record();
  desk.engine->end();
  desk.supervisor->signal(SIGSTOP);
  const Halted halted = halt(desk.folder);
  CHECK(halted.exit == ExitCode::fenced_blind);
  CHECK_FALSE(running(*desk.supervisor));
  says(halted, "THE ENGINE WAS ALREADY GONE");
  says(halted, "QUEUE MAY HAVE DRAINED");
}

TEST_CASE("with the engine already gone the session is reset through the supervisor's duplicate") {
  Desk desk(true);
  desk.write_record();
  desk.engine->end();
  desk.supervisor->signal(SIGSTOP);
  const Halted halted = halt(desk.folder);
  CHECK(halted.exit == ExitCode::fenced_blind);
  says(halted, "reset through the supervisor's duplicate");
  desk.check_purged();
}

TEST_CASE("a supervisor that answers while it is being fenced does the rest itself") {
  for (int step = 1; step <= 3; ++step) {
    INFO("answers before step " << step);
    Desk desk;
    desk.write_record();
    int asked = 0;
    const BlindFenceReport report = blind_fence(desk.folder.path(), "mm1", [&] { return ++asked == step; });
    CHECK(report.supervisor_answered);
    CHECK(report.sessions.empty() == (step == 1));
    CHECK(running(*desk.engine) == (step < 3));
    CHECK(running(*desk.supervisor));
  }
}

TEST_CASE("a supervisor that received the request and dies in its ladder is replaced by the fence") {
  Desk desk;
  desk.write_record();
  unlink(desk.folder.file("mm1.halt").c_str());
  const FakeServer server(desk.folder.file("mm1.halt"), [](int fd) {
    read_packet(fd);
    send_packet(fd, kReceived);
  });
  const Halted halted = halt(desk.folder);
  CHECK(halted.exit == ExitCode::fenced_blind);
  CHECK_FALSE(running(*desk.engine));
}

TEST_CASE("a supervisor that said received is given the time that its ladder takes") {
  Desk desk;
  desk.write_record();
  unlink(desk.folder.file("mm1.halt").c_str());
  const FakeServer server(desk.folder.file("mm1.halt"), [](int fd) {
    read_packet(fd);
    send_packet(fd, kReceived);
    pause_ms(600);
    send_packet(fd, kHalted);
  });
  const Halted halted = halt(desk.folder);
  CHECK(halted.exit == ExitCode::ok);
  CHECK(running(*desk.engine));
  says(halted, "all cancelled");
}

TEST_CASE("a supervisor that is busy is asked again before anything is fenced") {
  Desk desk;
  desk.write_record();
  unlink(desk.folder.file("mm1.halt").c_str());
  int turn = 0;
  const FakeServer server(desk.folder.file("mm1.halt"), [&](int fd) {
    read_packet(fd);
    ++turn;
    send_packet(fd, turn < 3 ? R"({"v":1,"done":true,"ok":false,"exit":1,"error":"busy"})" : kHalted);
  });
  const Halted halted = halt(desk.folder);
  CHECK(halted.exit == ExitCode::ok);
  CHECK(running(*desk.engine));
}

TEST_CASE("who is not permitted to halt is refused and fences nothing") {
  Desk desk;
  desk.write_record();
  unlink(desk.folder.file("mm1.halt").c_str());
  const FakeServer server(desk.folder.file("mm1.halt"), [](int fd) {
    read_packet(fd);
    send_packet(fd, R"({"v":1,"done":true,"ok":false,"exit":5,"error":"not in the halt group"})");
  });
  const Halted halted = halt(desk.folder);
  CHECK(halted.exit == ExitCode::permission);
  CHECK(running(*desk.engine));
  says(halted, "not in the halt group");
}

TEST_CASE("a supervisor that talks nonsense is fenced like one that is silent") {
  Desk desk;
  desk.write_record();
  unlink(desk.folder.file("mm1.halt").c_str());
  const FakeServer server(desk.folder.file("mm1.halt"), [](int fd) {
    read_packet(fd);
    for (int i = 0; i < 20; ++i) send_packet(fd, "everything is fine");
    pause_ms(500);
  });
  CHECK(halt(desk.folder).exit == ExitCode::fenced_blind);
  CHECK_FALSE(running(*desk.engine));
}

TEST_CASE("an engine whose supervisor hangs delays the halt of no other engine") {
  Desk desk;
  desk.write_record();
  desk.supervisor->signal(SIGSTOP);
  std::atomic<std::uint64_t> asked_ns{0};
  const FakeServer server(desk.folder.file("zz9.halt"), [&](int fd) {
    read_packet(fd);
    asked_ns = monotonic_now_ns();
    send_packet(fd, kHalted);
  });
  const std::uint64_t begin = monotonic_now_ns();
  const Halted halted = halt(desk.folder, {{"mm1", ""}, {"zz9", ""}});
  CHECK(asked_ns - begin < 200 * kMsNs);
  REQUIRE(halted.outcomes.size() == 2);
  CHECK(halted.outcomes[0].target.engine == "zz9");
  CHECK(halted.outcomes[0].exit == ExitCode::ok);
  CHECK(halted.outcomes[1].exit == ExitCode::fenced_blind);
  CHECK(halted.exit == ExitCode::fenced_blind);
}
