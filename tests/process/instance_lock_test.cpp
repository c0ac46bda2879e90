// SPDX-License-Identifier: Apache-2.0
/// @file One supervisor per engine, with real processes: living, stopped, dead and replaced holders.
#include "watchdog/instance_lock.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "shm/clock.hpp"
#include "tests/unit/scratch_folder.hpp"
#include "watchdog/fence.hpp"

namespace portcullis {
namespace {

/// A child that holds the lock of mm1 until it is killed.
class Holder {
 public:
  explicit Holder(const std::string& folder) {
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      InstanceLock lock;
      const bool held = lock.acquire(folder, "mm1", false).error == LockError::ok;
      const char word = held ? 'y' : 'n';
      static_cast<void>(!write(ready[1], &word, 1));
      while (true) pause();
    }
    close(ready[1]);
    pollfd entry{ready[0], POLLIN, 0};
    char word = 0;
    REQUIRE(poll(&entry, 1, 10'000) == 1);
    REQUIRE(read(ready[0], &word, 1) == 1);
    close(ready[0]);
    REQUIRE(word == 'y');
  }
  ~Holder() {
    kill(pid_, SIGKILL);  // a child of ours, not reaped yet: nobody else can have its pid
    waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void stop() const {
    kill(pid_, SIGSTOP);
    int status = 0;
    waitpid(pid_, &status, WUNTRACED);
    REQUIRE(WIFSTOPPED(status));
  }
  [[nodiscard]] bool killed() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid_ && info.si_status == SIGKILL;
  }

 private:
  pid_t pid_ = -1;
};

TEST_CASE("a free engine is taken, and its lock file names the holder") {
  const test::ScratchFolder folder;
  InstanceLock lock;
  CHECK(lock.acquire(folder.path(), "mm1", false).error == LockError::ok);
  CHECK(lock.held());
  CHECK(test::read_bytes(folder.file("mm1.lock")) ==
        std::to_string(getpid()) + " " + std::to_string(read_start_ticks(getpid())) + "\n");
  struct stat status {};
  REQUIRE(stat(folder.file("mm1.lock").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  InstanceLock other;
  CHECK(other.acquire(folder.path(), "mm2", false).error == LockError::ok);
}

TEST_CASE("a second supervisor is refused and told who holds the engine") {
  const test::ScratchFolder folder;
  const Holder holder(folder.path());
  InstanceLock lock;
  const LockOutcome outcome = lock.acquire(folder.path(), "mm1", false);
  CHECK(outcome.error == LockError::held);
  CHECK(outcome.holder == holder.pid());
  CHECK_FALSE(outcome.holder_stopped);
  CHECK(outcome.sentence("mm1") ==
        "mm1: already supervised by pid " + std::to_string(holder.pid()) + "; --replace kills it first");
  CHECK_FALSE(lock.held());
  CHECK_FALSE(holder.killed());
}

TEST_CASE("a stopped supervisor still holds its engine, and the refusal says that it is stopped") {
  const test::ScratchFolder folder;
  const Holder holder(folder.path());
  holder.stop();
  InstanceLock lock;
  const LockOutcome outcome = lock.acquire(folder.path(), "mm1", false);
  CHECK(outcome.error == LockError::held);
  CHECK(outcome.holder_stopped);
  CHECK(outcome.sentence("mm1").find("(stopped)") != std::string::npos);
}

TEST_CASE("--replace kills a living or a stopped holder first, then holds the engine") {
  for (const bool stopped : {false, true}) {
    const test::ScratchFolder folder;
    const Holder holder(folder.path());
    if (stopped) holder.stop();
    InstanceLock lock;
    const LockOutcome outcome = lock.acquire(folder.path(), "mm1", true);
    CHECK(outcome.error == LockError::ok);
    CHECK(outcome.replaced);
    CHECK(outcome.holder == holder.pid());
    CHECK(outcome.holder_stopped == stopped);
    CHECK(lock.held());
    CHECK(holder.killed());
    CHECK(test::read_bytes(folder.file("mm1.lock")).rfind(std::to_string(getpid()) + " ", 0) == 0);
  }
}

TEST_CASE("the lock of a dead supervisor is free") {
  const test::ScratchFolder folder;
  { const Holder holder(folder.path()); }
  InstanceLock lock;
  const LockOutcome outcome = lock.acquire(folder.path(), "mm1", false);
  CHECK(outcome.error == LockError::ok);
  CHECK_FALSE(outcome.replaced);
}

TEST_CASE("--replace kills nobody when the file names a pid that was used again, or none") {
  const test::ScratchFolder folder;
  const Holder holder(folder.path());
  const pid_t bystander = fork();
  if (bystander == 0)
    while (true) pause();
  const std::string start = std::to_string(read_start_ticks(bystander) + 1);
  for (const std::string& text : {std::to_string(bystander) + " " + start + "\n", std::string("garbage"),
                                  std::string(), std::string("-1 5\n"), std::string("1 0\n")}) {
    test::write_bytes(folder.file("mm1.lock"), text);
    InstanceLock lock;
    const std::uint64_t before_ns = monotonic_now_ns();
    const LockOutcome outcome = lock.acquire(folder.path(), "mm1", true);
    CHECK(outcome.error == LockError::holder_unknown);
    CHECK(monotonic_now_ns() - before_ns < 10'000'000'000);
    CHECK_FALSE(lock.held());
  }
  CHECK_FALSE(holder.killed());
  CHECK(kill(bystander, 0) == 0);
  kill(bystander, SIGKILL);
  waitpid(bystander, nullptr, 0);
}

TEST_CASE("a supervisor does not replace itself") {
  const test::ScratchFolder folder;
  InstanceLock first;
  REQUIRE(first.acquire(folder.path(), "mm1", false).error == LockError::ok);
  InstanceLock second;
  CHECK(second.acquire(folder.path(), "mm1", true).error == LockError::held);
}

TEST_CASE("a lock file that others may open, a link or a folder is not believed") {
  const test::ScratchFolder folder;
  test::write_bytes(folder.file("mm1.lock"), "");
  REQUIRE(chmod(folder.file("mm1.lock").c_str(), 0644) == 0);  // whoever can open it could hold it
  InstanceLock lock;
  CHECK(lock.acquire(folder.path(), "mm1", false).error == LockError::cannot_open);
  REQUIRE(symlink("elsewhere", folder.file("mm2.lock").c_str()) == 0);
  CHECK(lock.acquire(folder.path(), "mm2", false).error == LockError::cannot_open);
  REQUIRE(mkdir(folder.file("mm3.lock").c_str(), 0700) == 0);
  CHECK(lock.acquire(folder.path(), "mm3", false).error == LockError::cannot_open);
  CHECK(lock.acquire(folder.file("missing"), "mm1", true).error == LockError::cannot_open);
}

}  // namespace
}  // namespace portcullis
