// SPDX-License-Identifier: Apache-2.0
/// @file The part of the fence that reaches a process's sockets from outside: list, duplicate, reset.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "shm/clock.hpp"
#include "watchdog/fence.hpp"
#include "watchdog/proc_files.hpp"
#include "watchdog/tcp_socket.hpp"

namespace portcullis {
namespace {

constexpr std::size_t kDescriptorsMax = 16'384;
constexpr std::uint64_t kLookAgainNs = 200'000;

/// "socket:[123]" -> 123.
bool parse_socket_link(std::string_view link, std::uint64_t& inode) noexcept {
  constexpr std::string_view kPrefix = "socket:[";
  std::string_view rest;
  return link.substr(0, kPrefix.size()) == kPrefix && take_number(link.substr(kPrefix.size()), inode, rest) &&
         rest == "]";
}

FenceError from_open_errno(int error) noexcept {
  if (error == ENOENT || error == ESRCH) return FenceError::gone;
  return error == EACCES || error == EPERM ? FenceError::no_permission : FenceError::failed;
}

/// In the child: find, take, reset. Plain system calls only.
ResetOutcome reset_here(const ProcessHandle& process, std::uint64_t inode) noexcept {
  OpenSockets sockets;
  const FenceError found = find_sockets(process.pid, sockets);
  if (found == FenceError::no_permission) return ResetOutcome::no_permission;
  if (found == FenceError::gone) return ResetOutcome::not_found;
  if (found != FenceError::ok) return ResetOutcome::not_reset;
  for (std::size_t i = 0; i < sockets.count; ++i) {
    if (sockets.list[i].inode != inode) continue;
    UniqueFd socket;
    const FenceError taken = take_socket(process, sockets.list[i].fd, inode, socket);
    if (taken == FenceError::no_permission) return ResetOutcome::no_permission;
    if (taken != FenceError::ok) continue;
    return reset_tcp(socket.get()) == TcpError::ok ? ResetOutcome::reset : ResetOutcome::not_reset;
  }
  return sockets.more ? ResetOutcome::not_reset : ResetOutcome::not_found;
}

pid_t start_reset(const ProcessHandle& process, std::uint64_t inode) noexcept {
  const pid_t child = fork();
  if (child != 0) return child;
  _exit(static_cast<int>(reset_here(process, inode)));
}

ResetOutcome outcome_of(int status) noexcept {
  if (!WIFEXITED(status) || WEXITSTATUS(status) > static_cast<int>(ResetOutcome::hung))
    return ResetOutcome::not_reset;
  return static_cast<ResetOutcome>(WEXITSTATUS(status));
}

/// True once the child has answered.
bool collect(pid_t child, ResetOutcome& outcome) noexcept {
  int status = 0;
  const pid_t ended = waitpid(child, &status, WNOHANG);
  if (ended == child) outcome = outcome_of(status);
  return ended == child;
}

FenceError summary(const ResetOutcome* outcomes, std::size_t count) noexcept {
  bool hung = false, refused = false, failed = false;
  for (std::size_t i = 0; i < count; ++i) {
    hung = hung || outcomes[i] == ResetOutcome::hung;
    refused = refused || outcomes[i] == ResetOutcome::no_permission;
    failed = failed || outcomes[i] == ResetOutcome::not_reset;
  }
  if (hung) return FenceError::timed_out;
  if (refused) return FenceError::no_permission;
  return failed ? FenceError::failed : FenceError::ok;
}

}  // namespace

const char* reset_outcome_name(ResetOutcome outcome) noexcept {
  switch (outcome) {
    case ResetOutcome::reset: return "reset";
    case ResetOutcome::not_found: return "not_found";
    case ResetOutcome::no_permission: return "no_permission";
    case ResetOutcome::not_reset: return "not_reset";
    case ResetOutcome::hung: return "hung";
  }
  return "?";
}

FenceError find_sockets(pid_t pid, OpenSockets& out) noexcept {
  out.count = 0;
  out.more = false;
  const UniqueFd folder(open(ProcPath(pid, "fd").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return from_open_errno(errno);
  FolderScan scan(folder.get());
  std::size_t descriptors = 0;
  while (const char* name = scan.next()) {
    if (++descriptors > kDescriptorsMax || out.count == kOpenSocketsMax) {
      out.more = true;
      return FenceError::ok;
    }
    char link[64];
    const ssize_t size = readlinkat(folder.get(), name, link, sizeof link);
    if (size < 0 && errno != ENOENT) return from_open_errno(errno);
    OpenSocket socket;
    if (size <= 0 || !parse_socket_link({link, static_cast<std::size_t>(size)}, socket.inode)) continue;
    std::uint64_t number = 0;
    std::string_view rest;
    if (!take_number(name, number, rest)) return FenceError::failed;
    socket.fd = static_cast<int>(number);
    out.list[out.count++] = socket;
  }
  return scan.failed() ? FenceError::failed : FenceError::ok;
}

FenceError take_socket(const ProcessHandle& process, int fd, std::uint64_t inode, UniqueFd& out) noexcept {
  UniqueFd taken(static_cast<int>(syscall(SYS_pidfd_getfd, process.pidfd.get(), fd, 0U)));
  if (!taken.valid()) {
    if (errno == ENOSYS) return FenceError::unsupported;
    return errno == EBADF ? FenceError::failed : from_open_errno(errno);
  }
  struct stat about {};
  if (fstat(taken.get(), &about) != 0 || !S_ISSOCK(about.st_mode) || about.st_ino != inode)
    return FenceError::failed;
  out = std::move(taken);
  return FenceError::ok;
}

FenceError reset_sockets(const ProcessHandle& process, const std::uint64_t* inodes, std::size_t count,
                         ResetOutcome* outcomes, std::uint64_t timeout_ns) noexcept {
  if (count > kResetsMax) return FenceError::failed;
  std::fill(outcomes, outcomes + count, ResetOutcome::not_reset);
  if (is_gone(process)) {
    std::fill(outcomes, outcomes + count, ResetOutcome::not_found);
    return FenceError::gone;
  }
  std::array<pid_t, kResetsMax> children{};
  for (std::size_t i = 0; i < count; ++i) children[i] = start_reset(process, inodes[i]);
  const std::uint64_t begin_ns = monotonic_now_ns();
  for (;;) {
    bool waiting = false;
    for (std::size_t i = 0; i < count; ++i) {
      if (children[i] > 0 && collect(children[i], outcomes[i])) children[i] = 0;
      waiting = waiting || children[i] > 0;
    }
    if (!waiting || monotonic_now_ns() - begin_ns >= timeout_ns) break;
    const timespec pause{0, static_cast<long>(kLookAgainNs)};
    nanosleep(&pause, nullptr);
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (children[i] <= 0) continue;  // answered, or the fork failed
    kill(children[i], SIGKILL);      // our own child, not waited for yet: its pid is its own
    outcomes[i] = ResetOutcome::hung;
    waitpid(children[i], nullptr, WNOHANG);  // else init waits for it when we are gone
  }
  return summary(outcomes, count);
}

}  // namespace portcullis
