// SPDX-License-Identifier: Apache-2.0
/// @file What the supervisor asks of the kernel for itself, each in a child process, so that the tests stay
/// as they are.
#include "watchdog/hardening.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstddef>

namespace portcullis {
namespace {

template <typename Body>
int in_child(Body&& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/// From now on this process's kernel does not know the call.
bool take_away(unsigned call) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{sizeof filter / sizeof filter[0], filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST_CASE("a supervisor that refuses inspection is not dumpable and gains no rights by exec") {
  CHECK(in_child([] {
          if (!refuse_inspection()) return 1;
          if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return 2;
          return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 3;
        }) == 0);
}

TEST_CASE("this kernel has what Portcullis needs") { CHECK(missing_in_kernel().empty()); }

TEST_CASE("a missing feature is named in one line") {
  struct Row {
    unsigned call;
    const char* name;
  };
  for (const Row& row : {Row{SYS_memfd_create, "memfd seals"}, Row{SYS_pidfd_open, "pidfd_open"},
                         Row{SYS_pidfd_send_signal, "pidfd_send_signal"}, Row{SYS_membarrier, "membarrier"},
                         Row{SYS_close_range, "close_range"}}) {
    INFO(row.name);
    CHECK(in_child([&row] {
            if (!take_away(row.call)) return 1;
            const std::string missing = missing_in_kernel();
            if (missing.rfind("missing: ", 0) != 0 || missing.find('\n') != std::string::npos) return 2;
            return missing.find(row.name) != std::string::npos ? 0 : 3;
          }) == 0);
  }
}

TEST_CASE("what was permitted is said, a processor that does not exist is refused") {
  CHECK(in_child([] {
          const Scheduling got = schedule_fifo(pthread_self(), 1);
          int policy = 0;
          sched_param parameters{};
          pthread_getschedparam(pthread_self(), &policy, &parameters);
          const bool fifo = (policy & ~SCHED_RESET_ON_FORK) == SCHED_FIFO;
          return fifo == (got == Scheduling::fifo) ? 0 : 1;
        }) == 0);
  CHECK(schedule_fifo(pthread_self(), 1000) == Scheduling::other);
  CHECK_FALSE(pin_to_cpu(pthread_self(), -1));
  CHECK_FALSE(pin_to_cpu(pthread_self(), CPU_SETSIZE));
  CHECK_FALSE(keep_off_cpu(pthread_self(), CPU_SETSIZE));
  CHECK(in_child([] {
          const int cpu = sched_getcpu();
          if (!pin_to_cpu(pthread_self(), cpu)) return 1;
          return keep_off_cpu(pthread_self(), cpu) ? 2 : 0;  // no other is left
        }) == 0);
}

}  // namespace
}  // namespace portcullis
