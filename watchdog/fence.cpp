// SPDX-License-Identifier: Apache-2.0
#include "watchdog/fence.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "shm/clock.hpp"
#include "watchdog/control_group.hpp"
#include "watchdog/proc_files.hpp"

namespace portcullis {
namespace {

constexpr int kThreadsMax = 4096;
constexpr std::uint64_t kLookAgainNs = 100'000;  // threads stop within 0.3 ms at the median

FenceError from_errno(int error) noexcept {
  if (error == ESRCH) return FenceError::gone;
  if (error == EPERM || error == EACCES) return FenceError::no_permission;
  return error == ENOSYS ? FenceError::unsupported : FenceError::failed;
}

FenceError send_signal(const ProcessHandle& process, int number) noexcept {
  const long sent = syscall(SYS_pidfd_send_signal, process.pidfd.get(), number, nullptr, 0U);
  return sent == 0 ? FenceError::ok : from_errno(errno);
}

/// False where the wait ended without the process having ended.
bool wait_gone(const ProcessHandle& process, std::uint64_t timeout_ns) noexcept {
  const std::uint64_t begin_ns = monotonic_now_ns();
  for (;;) {
    const std::uint64_t used_ns = monotonic_now_ns() - begin_ns;
    const std::uint64_t left_ns = used_ns < timeout_ns ? timeout_ns - used_ns : 0;
    pollfd waiting{process.pidfd.get(), POLLIN, 0};
    const timespec left{static_cast<time_t>(left_ns / 1'000'000'000ULL),
                        static_cast<long>(left_ns % 1'000'000'000ULL)};
    const int ready = ppoll(&waiting, 1, &left, nullptr);
    if (ready > 0) return (waiting.revents & POLLIN) != 0;
    if (ready == 0) return false;
    if (errno != EINTR) return false;
  }
}

}  // namespace

const char* fence_error_name(FenceError error) noexcept {
  switch (error) {
    case FenceError::ok: return "ok";
    case FenceError::gone: return "gone";
    case FenceError::reused_pid: return "reused_pid";
    case FenceError::no_permission: return "no_permission";
    case FenceError::timed_out: return "timed_out";
    case FenceError::unsupported: return "unsupported";
    case FenceError::failed: return "failed";
  }
  return "?";
}

std::uint64_t read_start_ticks(pid_t pid) noexcept {
  ProcStat stat;
  return read_stat(AT_FDCWD, ProcPath(pid, "stat").c_str(), stat) ? stat.start_ticks : 0;
}

FenceError open_process(pid_t pid, std::uint64_t start_ticks, ProcessHandle& out) noexcept {
  if (pid <= 1) return FenceError::failed;  // 0 and -1 name groups, 1 is init
  ProcessHandle process;
  process.pidfd.reset(static_cast<int>(syscall(SYS_pidfd_open, pid, 0U)));
  if (!process.pidfd.valid()) return errno == EINVAL ? FenceError::failed : from_errno(errno);
  process.pid = pid;
  process.start_ticks = read_start_ticks(pid);
  // alive after the read: so it was its own start time that was read
  if (is_gone(process)) return FenceError::gone;
  if (process.start_ticks == 0) return FenceError::failed;
  if (start_ticks != 0 && start_ticks != process.start_ticks) return FenceError::reused_pid;
  process.cgroup = open_own_group(pid);
  out = std::move(process);
  return FenceError::ok;
}

bool is_gone(const ProcessHandle& process) noexcept {
  pollfd ended{process.pidfd.get(), POLLIN, 0};
  return process.pidfd.valid() && poll(&ended, 1, 0) == 1 && (ended.revents & POLLIN) != 0;
}

bool all_threads_stopped(pid_t pid) noexcept {
  const UniqueFd tasks(open(ProcPath(pid, "task").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!tasks.valid()) return false;
  FolderScan scan(tasks.get());
  int threads = 0;
  while (const char* name = scan.next()) {
    char path[64];
    std::snprintf(path, sizeof path, "%s/stat", name);
    ProcStat stat;
    if (++threads > kThreadsMax) return false;
    errno = 0;
    if (!read_stat(tasks.get(), path, stat)) {
      if (errno == ENOENT || errno == ESRCH) continue;  // it ended while we looked
      return false;
    }
    if (stat.state != 'T' && stat.state != 't' && stat.state != 'Z' && stat.state != 'X') return false;
  }
  return threads > 0 && !scan.failed();
}

FenceError request_freeze(const ProcessHandle& process) noexcept {
  if (is_gone(process)) return FenceError::gone;
  if (process.cgroup.valid() && holds_only(process.cgroup.get(), process.pid) &&
      set_group(process.cgroup.get(), "cgroup.freeze"))
    return FenceError::ok;
  return send_signal(process, SIGSTOP);
}

bool is_frozen(const ProcessHandle& process) noexcept {
  if (is_gone(process)) return true;
  if (process.cgroup.valid() && group_frozen(process.cgroup.get())) return true;
  return all_threads_stopped(process.pid) && !is_gone(process);  // alive: so the pid was still its own
}

FenceError freeze_verified(const ProcessHandle& process, std::uint64_t timeout_ns) noexcept {
  const std::uint64_t begin_ns = monotonic_now_ns();
  const FenceError asked = request_freeze(process);
  if (asked != FenceError::ok) return asked;
  while (!is_frozen(process)) {
    if (monotonic_now_ns() - begin_ns >= timeout_ns) return FenceError::timed_out;
    const timespec pause{0, static_cast<long>(kLookAgainNs)};
    nanosleep(&pause, nullptr);
  }
  return FenceError::ok;
}

FenceError request_kill(const ProcessHandle& process) noexcept {
  if (is_gone(process)) return FenceError::gone;
  if (process.cgroup.valid() && holds_only(process.cgroup.get(), process.pid))
    static_cast<void>(
        set_group(process.cgroup.get(), "cgroup.kill"));  // the signal below is sent in any case
  return send_signal(process, SIGKILL);
}

FenceError kill_verified(const ProcessHandle& process, std::uint64_t timeout_ns) noexcept {
  const FenceError asked = request_kill(process);
  if (asked == FenceError::gone) return FenceError::ok;
  if (asked != FenceError::ok) return asked;
  return wait_gone(process, timeout_ns) ? FenceError::ok : FenceError::timed_out;
}

}  // namespace portcullis
