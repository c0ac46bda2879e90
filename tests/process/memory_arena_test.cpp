// SPDX-License-Identifier: Apache-2.0
/// @file After the ban no thread takes memory from the system, counted by strace in a process of its own. Not
/// part of sanitized builds, which have no arena. Without strace (or the right to trace) only the ban itself
/// is checked.
#include "watchdog/memory_arena.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/scratch_folder.hpp"

namespace portcullis {
namespace {

void churn() {
  for (int round = 0; round < 100; ++round) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < 200; ++i) texts.emplace_back(1 + i * 37 % 30'000, 'x');
  }
}

void say(const char* word) {
  static_cast<void>(!write(STDERR_FILENO, word, std::char_traits<char>::length(word)));
}

/// What the supervisor does: reserve, start threads, touch, forbid, work.
int armed_work() {
  constexpr std::size_t kTouched = 8UL * 1024 * 1024;
  std::atomic<int> stage{0};
  if (reserve_memory(2) != ArenaError::ok) return 2;
  std::thread other([&] {
    if (touch_memory(kTouched) != ArenaError::ok) _exit(3);
    stage = 1;
    while (stage < 2) continue;
    churn();
    stage = 3;
    while (stage < 4) continue;
  });
  if (touch_memory(kTouched) != ArenaError::ok) return 4;
  while (stage < 1) continue;
  if (forbid_system_memory() != ArenaError::ok) return 5;
  say("ARMED\n");
  stage = 2;
  churn();
  while (stage < 3) continue;
  say("DONE\n");
  const bool refused = std::malloc(512UL * 1024 * 1024) == nullptr;
  stage = 4;
  other.join();
  return refused ? 0 : 6;
}

TEST_CASE("armed work", "[.child]") { _exit(armed_work()); }

std::string own_path() {
  char path[4096];
  const ssize_t bytes = readlink("/proc/self/exe", path, sizeof path);
  return {path, static_cast<std::size_t>(bytes > 0 ? bytes : 0)};
}

int run(std::vector<std::string> words) {
  const pid_t pid = fork();
  if (pid == 0) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

TEST_CASE("after the ban an allocation beyond the arena fails instead of asking the system") {
  CHECK(run({own_path(), "armed work"}) == 0);
}

TEST_CASE("after the ban no thread takes memory from the system") {
  const test::ScratchFolder folder;
  const std::string trace = folder.file("trace");
  if (run({"strace", "-f", "-o", folder.file("probe"), "true"}) != 0) {
    WARN("strace cannot run here: not measured");
    return;
  }
  CHECK(run({"strace", "-f", "-e", "trace=mmap,mremap,munmap,mprotect,madvise,brk,write", "-o", trace,
             own_path(), "armed work"}) == 0);
  std::ifstream lines(trace);
  int inside = 0;
  std::vector<std::string> taken;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("\"ARMED\\n\"") != std::string::npos)
      inside = 1;
    else if (line.find("\"DONE\\n\"") != std::string::npos)
      inside = 2;
    else if (inside == 1 && line.find("write(") == std::string::npos)
      taken.push_back(line);
  }
  CHECK(inside == 2);
  INFO((taken.empty() ? std::string() : taken.front()));
  CHECK(taken.empty());
}

}  // namespace
}  // namespace portcullis
