// SPDX-License-Identifier: Apache-2.0
#include "watchdog/hardening.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "shm/unique_fd.hpp"

namespace portcullis {
namespace {

bool has_release() noexcept {
  utsname name{};
  unsigned major = 0;
  unsigned minor = 0;
  if (uname(&name) != 0 || std::sscanf(name.release, "%u.%u", &major, &minor) != 2) return false;
  return major > kKernelFloorMajor || (major == kKernelFloorMajor && minor >= kKernelFloorMinor);
}

bool has_future_write_seal() noexcept {
  const UniqueFd fd(memfd_create("portcullis-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  return fd.valid() &&
         fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) == 0;
}

bool has_pidfd() noexcept {
  const UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  return fd.valid() && syscall(SYS_pidfd_send_signal, fd.get(), 0, nullptr, 0) == 0;
}

bool has_membarrier() noexcept {
  constexpr long kNeeded = MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED;
  const long offered = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  return offered >= 0 && (offered & kNeeded) == kNeeded;
}

bool has_close_range() noexcept {
  return syscall(SYS_close_range, ~0U, ~0U, 0) == 0;
}  // a range that holds none

bool has_peer_groups() noexcept {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return false;
  const UniqueFd ours(pair[0]);
  const UniqueFd theirs(pair[1]);
  std::array<gid_t, 1> groups{};
  socklen_t size = sizeof groups;
  return getsockopt(ours.get(), SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0 || errno == ERANGE;
}

struct Feature {
  const char* name;
  bool (*works)() noexcept;
};
constexpr std::array<Feature, 6> kFeatures{{
    {"Linux 5.14", &has_release},
    {"memfd seals with F_SEAL_FUTURE_WRITE (Linux 5.1)", &has_future_write_seal},
    {"pidfd_open and pidfd_send_signal (Linux 5.3)", &has_pidfd},
    {"membarrier GLOBAL_EXPEDITED (Linux 4.16)", &has_membarrier},
    {"close_range (Linux 5.9)", &has_close_range},
    {"SO_PEERGROUPS (Linux 4.13)", &has_peer_groups},
}};

}  // namespace

bool refuse_inspection() noexcept {
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

std::string lock_memory() {
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0) return {};
  const int error = errno;
  return fmt::format("memory is not locked: {} (raise LimitMEMLOCK or give CAP_IPC_LOCK)",
                     std::strerror(error));
}

const char* scheduling_name(Scheduling scheduling) noexcept {
  switch (scheduling) {
    case Scheduling::fifo: return "fifo";
    case Scheduling::other: return "other";
  }
  return "?";
}

Scheduling schedule_fifo(pthread_t thread, int priority) noexcept {
  sched_param parameters{};
  parameters.sched_priority = priority;
  const bool set = pthread_setschedparam(thread, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) == 0;
  return set ? Scheduling::fifo : Scheduling::other;
}

bool pin_to_cpu(pthread_t thread, int cpu) noexcept {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return false;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  return pthread_setaffinity_np(thread, sizeof set, &set) == 0;
}

bool keep_off_cpu(pthread_t thread, int cpu) noexcept {
  cpu_set_t set;
  if (cpu < 0 || cpu >= CPU_SETSIZE || pthread_getaffinity_np(thread, sizeof set, &set) != 0) return false;
  CPU_CLR(static_cast<unsigned>(cpu), &set);
  return CPU_COUNT(&set) > 0 && pthread_setaffinity_np(thread, sizeof set, &set) == 0;
}

std::string missing_in_kernel() {
  for (const Feature& feature : kFeatures)
    if (!feature.works())
      return fmt::format("missing: {}; Portcullis needs Linux 5.14 or later", feature.name);
  return {};
}

}  // namespace portcullis
