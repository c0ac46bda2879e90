// SPDX-License-Identifier: Apache-2.0
/// @file Power over the engine's process: freeze, kill, and proof of both. Used by control on the ladder and
/// by the CLI when the supervisor does not answer. A process is held by pidfd, opened together with a check
/// of its start time, so that a pid that was used again is never touched. `request_*` never waits; what waits
/// has a deadline. Stopping is not purging: what the kernel has queued is delivered after a stop and after a
/// kill. Reset the sockets first (reset_sockets, or the witness), then kill; where a reset hangs, kill, then
/// reset. Does not reach: children that left the process's control group or never had one of their own.
#pragma once
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "shm/unique_fd.hpp"

namespace portcullis {

enum class [[nodiscard]] FenceError : std::uint8_t{
    ok = 0,
    gone,           ///< the process has ended
    reused_pid,     ///< another process has this pid now: nothing was done
    no_permission,  ///< the kernel refused
    timed_out,      ///< asked for, but not true yet at the deadline
    unsupported,    ///< the kernel lacks the call
    failed,         ///< another error
};
/// "ok", "gone", ...
[[nodiscard]] const char* fence_error_name(FenceError error) noexcept;

/// One process, and its control group where it has one to itself.
struct ProcessHandle {
  UniqueFd pidfd;  ///< readable when the process has ended, all its threads with it
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  ///< /proc/PID/stat field 22: with the pid it names one process of this boot
  UniqueFd cgroup;                ///< its cgroup v2 folder, invalid: none of its own
};

/// Start time of a process in clock ticks since boot; 0: there is none, or it cannot be read.
[[nodiscard]] std::uint64_t read_start_ticks(pid_t pid) noexcept;

/// Opens a process. `start_ticks` 0 = whatever runs there now. Also looks for its own control group: not
/// ours, not root, and holding only this process and its descendants (at most 256).
FenceError open_process(pid_t pid, std::uint64_t start_ticks, ProcessHandle& out) noexcept;

/// True once the process has ended. Never waits; a handle that is not open counts as not gone.
[[nodiscard]] bool is_gone(const ProcessHandle& process) noexcept;

/// True if every thread is stopped, traced or dead (SIGSTOP and ptrace; a control group's freeze shows
/// elsewhere). False where it cannot be read. Bounded: 4,096 threads, more count as not stopped.
[[nodiscard]] bool all_threads_stopped(pid_t pid) noexcept;

/// Asks for a freeze: cgroup.freeze where it has its own group, else SIGSTOP. Verified by is_frozen.
FenceError request_freeze(const ProcessHandle& process) noexcept;
/// True if no thread runs: the group says frozen, or all threads are stopped, or the process is gone.
[[nodiscard]] bool is_frozen(const ProcessHandle& process) noexcept;
/// The two above with a wait of at most timeout_ns.
FenceError freeze_verified(const ProcessHandle& process, std::uint64_t timeout_ns) noexcept;

/// Asks for the end: cgroup.kill where it has its own group (checked again now), and SIGKILL. Verified by
/// is_gone.
FenceError request_kill(const ProcessHandle& process) noexcept;
/// The same with a wait of at most timeout_ns; `ok` = gone and seen to be gone.
FenceError kill_verified(const ProcessHandle& process, std::uint64_t timeout_ns) noexcept;

/// A socket that a process has open.
struct OpenSocket {
  std::uint64_t inode = 0;
  int fd = -1;  ///< its number over there
};
inline constexpr std::size_t kOpenSocketsMax = 1024;
struct OpenSockets {
  std::array<OpenSocket, kOpenSocketsMax> list{};
  std::size_t count = 0;
  bool more = false;  ///< there are sockets or descriptors (16,384) beyond the room here
};
/// Lists a process's sockets from /proc/PID/fd: no allocation, one folder opened.
FenceError find_sockets(pid_t pid, OpenSockets& out) noexcept;

/// A duplicate of a descriptor of that process (pidfd_getfd: ptrace rights), only if it is the socket
/// `inode`.
FenceError take_socket(const ProcessHandle& process, int fd, std::uint64_t inode, UniqueFd& out) noexcept;

/// What became of each socket that was to be reset.
enum class ResetOutcome : std::uint8_t {
  reset = 0,  ///< verified
  not_found,  ///< that process has no such socket any more
  no_permission,
  not_reset,  ///< the kernel refused; it will be reset at its last close
  hung,       ///< no answer by the deadline: kill first, then the queue may have drained
};
/// "reset", "not_found", ...
[[nodiscard]] const char* reset_outcome_name(ResetOutcome outcome) noexcept;
inline constexpr std::size_t kResetsMax = 64;

/// Resets sockets of a process, by inode, through a child process that may hang in its place (the calls wait
/// for the socket's lock). For the blind fence: it forks, so the supervisor never calls it. A child that
/// hangs is killed; it goes when the lock is released. @param count at most kResetsMax; outcomes has as many
/// entries
FenceError reset_sockets(const ProcessHandle& process, const std::uint64_t* inodes, std::size_t count,
                         ResetOutcome* outcomes, std::uint64_t timeout_ns) noexcept;

}  // namespace portcullis
