// SPDX-License-Identifier: Apache-2.0
/// @file SIGKILL at each step of writing the latch. A child does a whole story (trip, outcome, clear,
/// resolve) on a real file; it is stopped at the entry and the exit of each of its system calls (ptrace) and
/// killed there, once per stop, and what a new supervisor would read is judged by how far the child had come.
/// A kill cannot tear a page that the kernel has; torn sectors are the unit test's.
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <vector>

#include "tests/unit/scratch_folder.hpp"
#include "watchdog/latch_file.hpp"

using namespace portcullis;

namespace {

constexpr int kStopsMax = 2'000;  // no story here needs a tenth of it

/// How far the child came: a page that both processes see.
class Progress {
 public:
  Progress()
      : page_(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)),
        word_(new (page_) std::atomic<int>(0)) {}
  ~Progress() { munmap(page_, 4096); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void set(int step) noexcept { word_->store(step); }
  [[nodiscard]] int get() const noexcept { return word_->load(); }

 private:
  void* page_;
  std::atomic<int>* word_;
};

using Story = std::function<bool(Progress&)>;  // false: a step failed

/// Runs the story in a child and kills it at its `stop`-th system call stop. False: the child ended before.
/// `calls` gets the numbers of the system calls that the child entered.
bool kill_at(int stop, const Story& prepare_and_tell, Progress& progress,
             std::vector<long>* calls = nullptr) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(70);
    _exit(prepare_and_tell(progress) ? 0 : 71);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);  // the child's own SIGSTOP
  REQUIRE(WIFSTOPPED(status));
  REQUIRE(ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0);
  for (int seen = 0; seen < stop; ++seen) {
    REQUIRE(ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) == 0);
    REQUIRE(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status)) {
      REQUIRE(WEXITSTATUS(status) == 0);
      return false;
    }
    REQUIRE(WIFSTOPPED(status));
    __ptrace_syscall_info info{};
    REQUIRE(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) > 0);
    if (calls != nullptr && info.op == PTRACE_SYSCALL_INFO_ENTRY)
      calls->push_back(static_cast<long>(info.entry.nr));
  }
  kill(child, SIGKILL);
  REQUIRE(waitpid(child, &status, 0) == child);
  return true;
}

/// Kills at every stop of the story, each time in a new folder, and lets `judge` look at what is left.
int kill_everywhere(const std::function<bool(const std::string& folder, Progress&)>& tell,
                    const std::function<void(const std::string& folder, int step)>& judge) {
  for (int stop = 1; stop <= kStopsMax; ++stop) {
    const test::ScratchFolder folder;
    Progress progress;
    const bool killed = kill_at(
        stop, [&](Progress& step) { return tell(folder.path(), step); }, progress);
    INFO("killed at stop " << stop << " after step " << progress.get());
    judge(folder.path(), progress.get());
    if (!killed) return stop;
  }
  FAIL("the story has no end");
  return 0;
}

LatchRecord trip_record() {
  LatchRecord record;
  record.cause = Cause::position;
  record.limit_value = 15;
  record.observed_value = 16;
  record.fates.open = 38;
  return record;
}

enum Step { opened, tripped, outcome_known, cleared, resolved };

bool tell_whole_story(const std::string& folder, Progress& progress) {
  LatchFile latch;
  UnresolvedOrder unknown;
  if (latch.open(folder, "mm1", Stamp{}) != LatchError::ok) return false;
  if (!make_unresolved("Q7", OrderFate::unknown, unknown)) return false;
  raise(SIGSTOP);
  if (latch.trip(trip_record()) != LatchError::ok) return false;
  progress.set(tripped);
  if (latch.outcome({37, 0, 0, 1, 0}, {&unknown, 1, 0}) != LatchError::ok) return false;
  progress.set(outcome_known);
  if (latch.clear({1004, 1004}, Stamp{}) != LatchError::ok) return false;
  progress.set(cleared);
  if (latch.resolve("Q7") != LatchError::ok) return false;
  progress.set(resolved);
  return true;
}

/// Both slots clear, read without the rule under test.
bool both_slots_clear(const std::string& folder) {
  const std::string bytes = test::read_bytes(folder + "/mm1.latch");
  constexpr std::size_t state_offset = 24 + 154;
  return bytes.size() == 8192 && bytes[state_offset] == 1 && bytes[4096 + state_offset] == 1;
}

void judge_whole_story(const std::string& folder, int step) {
  const LatchView view = read_latch(folder, "mm1");
  const bool latched = view.state == LatchState::latched;
  switch (static_cast<Step>(step)) {
    case opened:  // the trip has not returned: the old state, or latched with its cause
      CHECK((both_slots_clear(folder) || (latched && view.record.cause == Cause::position)));
      break;
    case tripped:
      CHECK(latched);
      CHECK(view.record.cause == Cause::position);
      CHECK(view.record.observed_value == 16);
      break;
    case outcome_known:  // a clear under way: latched until both slots say clear
      CHECK(latched == !both_slots_clear(folder));
      CHECK(blocks_arming(view));
      CHECK(view.record.unresolved[0].id() == "Q7");
      break;
    case cleared: CHECK_FALSE(latched); break;
    case resolved: CHECK_FALSE(blocks_arming(view)); break;
  }
  CHECK_FALSE(view.unreadable);
}

bool tell_first_start(const std::string& folder, Progress& progress) {
  raise(SIGSTOP);
  LatchFile latch;
  if (latch.open(folder, "mm1", Stamp{}) != LatchError::ok) return false;
  progress.set(1);
  return true;
}

/// What is there is absent, latched, or whole; and a person finds the way out of each.
void judge_first_start(const std::string& folder, int step) {
  const LatchView view = read_latch(folder, "mm1");
  if (view.state == LatchState::clear) CHECK(both_slots_clear(folder));
  if (step == 1) CHECK(view.state == LatchState::clear);
  LatchFile latch;
  REQUIRE(latch.open(folder, "mm1", Stamp{}) == LatchError::ok);
  if (latch.view().state == LatchState::clear) return;
  CHECK(latch.clear({1004, 1004}, Stamp{}) == LatchError::ok);
  CHECK(latch.resolve_unlisted() == LatchError::ok);
  CHECK_FALSE(blocks_arming(latch.view()));
}

}  // namespace

TEST_CASE("a supervisor killed at any step of writing the latch never leaves a halt that is forgotten") {
  const int stops = kill_everywhere(tell_whole_story, judge_whole_story);
  CHECK(stops > 20);  // five slot writes and their syncs, each with an entry and an exit
}

TEST_CASE("a supervisor killed at any step of its first start leaves a latch that people can clear") {
  const int stops = kill_everywhere(tell_first_start, judge_first_start);
  CHECK(stops > 20);
}

#ifndef PORTCULLIS_SANITIZED  // a sanitizer makes calls of its own
TEST_CASE(
    "a trip opens, renames and allocates nothing: it writes, syncs and looks whether the file has a name") {
  const test::ScratchFolder folder;
  Progress progress;
  std::vector<long> calls;
  const auto trip_only = [&](Progress&) {
    LatchFile latch;
    if (latch.open(folder.path(), "mm1", Stamp{}) != LatchError::ok) return false;
    raise(SIGSTOP);
    return latch.trip(trip_record()) == LatchError::ok &&
           latch.outcome({38, 0, 0, 0, 0}, {}) == LatchError::ok && (_exit(0), true);
  };
  REQUIRE_FALSE(kill_at(kStopsMax, trip_only, progress, &calls));
  std::vector<long> file_calls;
  for (const long call : calls)
    if (call != SYS_fstat && call != SYS_newfstatat && call != SYS_exit_group) file_calls.push_back(call);
  CHECK(file_calls == std::vector<long>{SYS_pwrite64, SYS_fdatasync, SYS_pwrite64, SYS_fdatasync});
}
#endif
