// SPDX-License-Identifier: Apache-2.0
/// @file Freezing and killing real processes, and refusing the wrong ones.
#include "watchdog/fence.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/process/child.hpp"
#include "tests/process/tcp_pair.hpp"
#include "watchdog/control_group.hpp"

namespace portcullis {
namespace {

using test::Child;
using test::eventually;

constexpr std::uint64_t kSecond = 1'000'000'000;

/// A cgroup v2 folder of a test, where this host lets us make one.
class TestGroup {
 public:
  TestGroup() {
    for (const char* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
      path_ = std::string(root) + "/portcullis-test-" + std::to_string(getpid());
      if (access((std::string(root) + "/cgroup.procs").c_str(), W_OK) != 0) continue;
      if (mkdir(path_.c_str(), 0755) == 0) return;
    }
    path_.clear();
  }
  ~TestGroup() {
    if (!path_.empty()) eventually([&] { return rmdir(path_.c_str()) == 0; }, 2000);
  }
  TestGroup(const TestGroup&) = delete;
  TestGroup& operator=(const TestGroup&) = delete;
  [[nodiscard]] bool made() const { return !path_.empty(); }
  [[nodiscard]] bool has(const char* file) const { return access((path_ + "/" + file).c_str(), F_OK) == 0; }
  [[nodiscard]] bool take(pid_t pid) const {
    std::ofstream procs(path_ + "/cgroup.procs");
    procs << pid << std::flush;
    return procs.good();
  }

 private:
  std::string path_;
};

/// Ends a process that is not our own child when the test ends, however it ends.
struct EndsWithTest {
  EndsWithTest() = default;
  EndsWithTest(const EndsWithTest&) = delete;
  EndsWithTest& operator=(const EndsWithTest&) = delete;
  ~EndsWithTest() { static_cast<void>(kill_verified(process, kSecond)); }
  ProcessHandle process;
};

TEST_CASE("a stopped child is killed and seen to be gone") {
  const Child child([] { test::sleep_for_ever(); });
  ProcessHandle process;
  REQUIRE(open_process(child.pid(), 0, process) == FenceError::ok);
  CHECK_FALSE(is_frozen(process));
  CHECK(freeze_verified(process, kSecond) == FenceError::ok);
  CHECK(all_threads_stopped(child.pid()));
  CHECK_FALSE(is_gone(process));
  CHECK(kill_verified(process, kSecond) == FenceError::ok);
  CHECK(is_gone(process));
  CHECK(kill_verified(process, kSecond) == FenceError::ok);  // gone already
  CHECK(request_freeze(process) == FenceError::gone);
}

TEST_CASE("a pid that was used again is refused and its process lives on") {
  const Child child([] { test::sleep_for_ever(); });
  const std::uint64_t ticks = read_start_ticks(child.pid());
  REQUIRE(ticks > 0);
  ProcessHandle process;
  CHECK(open_process(child.pid(), ticks + 1, process) == FenceError::reused_pid);
  CHECK_FALSE(process.pidfd.valid());
  CHECK(open_process(child.pid(), ticks, process) == FenceError::ok);
  CHECK_FALSE(is_gone(process));
}

TEST_CASE("a process that ended is gone, also before its parent has asked") {
  const Child child([] {});
  ProcessHandle process;
  REQUIRE(eventually([&] { return open_process(child.pid(), 0, process) == FenceError::gone; }));
  CHECK(open_process(0, 0, process) == FenceError::failed);
  CHECK(open_process(-1, 0, process) == FenceError::failed);
  CHECK(open_process(1, 0, process) == FenceError::failed);
}

TEST_CASE("a handle that was never opened is not gone, not frozen, and cannot be killed") {
  const ProcessHandle nobody;
  CHECK_FALSE(is_gone(nobody));
  CHECK_FALSE(is_frozen(nobody));
  CHECK(kill_verified(nobody, kSecond / 10) != FenceError::ok);
}

TEST_CASE("a child in our own control group has none of its own") {
  const Child child([] { test::sleep_for_ever(); });
  ProcessHandle process;
  REQUIRE(open_process(child.pid(), 0, process) == FenceError::ok);
  CHECK_FALSE(process.cgroup.valid());
}

TEST_CASE("with a control group of its own a forked child is frozen and killed as well") {
  const TestGroup group;
  if (!group.made() || !group.has("cgroup.kill")) {
    WARN("skipped: no writable cgroup v2 with cgroup.kill here");
    return;
  }
  int gate[2];
  REQUIRE(pipe(gate) == 0);
  const UniqueFd wait_end(gate[0]);
  UniqueFd go_end(gate[1]);
  int report[2];
  REQUIRE(pipe(report) == 0);
  const UniqueFd from(report[0]), to(report[1]);
  const Child engine([&] {
    char go = 0;
    if (read(wait_end.get(), &go, 1) < 0) return;
    const pid_t forked = fork();
    if (forked == 0) test::sleep_for_ever();
    if (write(to.get(), &forked, sizeof forked) < 0) return;
    test::sleep_for_ever();
  });
  REQUIRE(group.take(engine.pid()));
  REQUIRE(write(go_end.get(), "g", 1) == 1);
  pid_t forked = 0;
  REQUIRE(read(from.get(), &forked, sizeof forked) == sizeof forked);
  ProcessHandle process;
  EndsWithTest orphan;
  const ProcessHandle& child = orphan.process;
  REQUIRE(open_process(forked, 0, orphan.process) == FenceError::ok);
  REQUIRE(open_process(engine.pid(), 0, process) == FenceError::ok);
  REQUIRE(process.cgroup.valid());
  CHECK_FALSE(child.cgroup.valid());  // the group holds more than it
  CHECK(freeze_verified(process, kSecond) == FenceError::ok);
  CHECK(group_frozen(process.cgroup.get()));
  CHECK(kill_verified(process, kSecond) == FenceError::ok);
  CHECK(eventually([&] { return is_gone(child); }));
}

TEST_CASE("a control group with a stranger in it is not killed") {
  const TestGroup group;
  if (!group.made()) {
    WARN("skipped: no writable cgroup v2 here");
    return;
  }
  const Child engine([] { test::sleep_for_ever(); }), stranger([] { test::sleep_for_ever(); });
  REQUIRE(group.take(engine.pid()));
  ProcessHandle process, other;
  REQUIRE(open_process(engine.pid(), 0, process) == FenceError::ok);
  REQUIRE(process.cgroup.valid());
  REQUIRE(group.take(stranger.pid()));  // after the handle was opened
  REQUIRE(open_process(stranger.pid(), 0, other) == FenceError::ok);
  CHECK(kill_verified(process, kSecond) == FenceError::ok);
  test::pause_ms(50);
  CHECK_FALSE(is_gone(other));
}

TEST_CASE("a socket is duplicated only if it is the one that was recorded") {
  const test::TcpPair pair;
  const Child child([] { test::sleep_for_ever(); });
  ProcessHandle process;
  REQUIRE(open_process(child.pid(), 0, process) == FenceError::ok);
  struct stat about {};
  REQUIRE(fstat(pair.engine.get(), &about) == 0);
  UniqueFd taken;
  CHECK(take_socket(process, pair.engine.get(), about.st_ino + 1, taken) == FenceError::failed);
  CHECK(take_socket(process, 9999, about.st_ino, taken) == FenceError::failed);
  CHECK_FALSE(taken.valid());
  CHECK(take_socket(process, pair.engine.get(), about.st_ino, taken) == FenceError::ok);
  CHECK(taken.valid());
}

}  // namespace
}  // namespace portcullis
