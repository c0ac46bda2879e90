// SPDX-License-Identifier: Apache-2.0
/// @file A child process of a test: runs a function, ends with the test. Only pids started here are ever
/// signalled.
#pragma once
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

namespace portcullis::test {

class Child {
 public:
  /// Runs body() in a fork, which makes plain system calls only; leaving it ends the child.
  template <typename Body>
  explicit Child(Body body) : pid_(fork()) {
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
    _exit(0);
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const { kill(pid_, number); }
  /// True once it has ended; it stays to be reaped, so that its pid stays its own.
  [[nodiscard]] bool ended() const {
    siginfo_t about{};
    return waitid(P_PID, static_cast<id_t>(pid_), &about, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           about.si_pid == pid_;
  }
  /// Kills and reaps it.
  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_;
};

/// For a child that only has to be there.
[[noreturn]] inline void sleep_for_ever() {
  for (;;) pause();
}

}  // namespace portcullis::test
