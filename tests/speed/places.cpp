// SPDX-License-Identifier: Apache-2.0
#include "tests/speed/places.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "shm/clock.hpp"

namespace portcullis::speed {
namespace {

/// What may run where, as it was before anything was pinned.
const cpu_set_t& allowed() {
  static const cpu_set_t set = [] {
    cpu_set_t found;
    CPU_ZERO(&found);
    sched_getaffinity(0, sizeof found, &found);
    return found;
  }();
  return set;
}

}  // namespace

bool find_processors(Processors& out) {
  const cpu_set_t& set = allowed();
  Processors found;
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (!CPU_ISSET(processor, &set)) continue;
    if (found.engine < 0) found.engine = processor;
    found.other = processor;
  }
  out = found;
  return found.engine >= 0 && found.other != found.engine;
}

bool run_on(int processor) {
  static_cast<void>(allowed());
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

Child::Child(const std::vector<std::string>& argv, const std::string& output,
             const std::vector<std::string>& env) {
  std::vector<char*> raw;
  for (const std::string& part : argv) raw.push_back(const_cast<char*>(part.c_str()));
  raw.push_back(nullptr);
  pid_ = fork();
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sched_setaffinity(0, sizeof(cpu_set_t), &allowed());
  for (const std::string& pair : env) putenv(const_cast<char*>(pair.c_str()));
  const int fd = open(output.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
  dup2(fd, 1);
  dup2(fd, 2);
  execv(raw[0], raw.data());
  dprintf(2, "cannot execute %s\n", raw[0]);
  _exit(127);
}

Child::Child(int processor, const std::function<void()>& body) {
  std::fflush(nullptr);
  pid_ = fork();
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  run_on(processor);
  body();
  _exit(0);
}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  return *this;
}

Child::~Child() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

int Child::wait(int timeout_ms) {
  int status = 0;
  const bool ended =
      pid_ > 0 && eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; }, timeout_ms);
  if (!ended) return -1;
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int Child::stop(int timeout_ms) {
  if (pid_ > 0) kill(pid_, SIGTERM);
  return wait(timeout_ms);
}

void* shared_memory(std::size_t bytes) {
  void* memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory != MAP_FAILED) return memory;
  std::perror("shared memory");
  std::exit(1);
}

bool eventually(const std::function<bool()>& holds, int timeout_ms) {
  const std::uint64_t until_ns = monotonic_now_ns() + static_cast<std::uint64_t>(timeout_ms) * 1'000'000;
  for (;;) {
    if (holds()) return true;
    if (monotonic_now_ns() >= until_ns) return false;
    poll(nullptr, 0, 1);
  }
}

}  // namespace portcullis::speed
