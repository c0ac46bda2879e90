// SPDX-License-Identifier: Apache-2.0
/// @file What the supervisor asks of the kernel for itself, at start: nobody of its user may look into it
/// (first thing in main), its memory stays in RAM, its threads run before others, and the kernel has what
/// Portcullis needs. Each call says what it got; what is only better (scheduling, pinning) is shown, what is
/// needed (kernel floor) stops the start.
#pragma once
#include <pthread.h>
#include <sched.h>

#include <cstdint>
#include <string>

namespace portcullis {

/// PR_SET_DUMPABLE 0 and PR_SET_NO_NEW_PRIVS. The first undoes itself at execve: call it in the final
/// process. False: refused; nothing may start then.
[[nodiscard]] bool refuse_inspection() noexcept;

/// mlockall(CURRENT | FUTURE | ONFAULT). "" or why not (RLIMIT_MEMLOCK, permission): shown as a warning.
[[nodiscard]] std::string lock_memory();

/// How a thread is scheduled after asking.
enum class Scheduling : std::uint8_t {
  fifo,   ///< SCHED_FIFO as asked
  other,  ///< not permitted: the ordinary class
};
[[nodiscard]] const char* scheduling_name(Scheduling scheduling) noexcept;
/// SCHED_FIFO with a priority of 1 to 99 for one thread, with SCHED_RESET_ON_FORK.
[[nodiscard]] Scheduling schedule_fifo(pthread_t thread, int priority) noexcept;
/// Binds a thread to one processor. False: there is no such processor, or it is not permitted.
[[nodiscard]] bool pin_to_cpu(pthread_t thread, int cpu) noexcept;
/// Keeps a thread off one processor (control never runs on the monitor's). False: no other is left.
[[nodiscard]] bool keep_off_cpu(pthread_t thread, int cpu) noexcept;

inline constexpr unsigned kKernelFloorMajor = 5;
inline constexpr unsigned kKernelFloorMinor = 14;
/// Tries what Portcullis needs, one by one: memfd seals with FUTURE_WRITE, pidfd_open and pidfd_send_signal,
/// membarrier GLOBAL_EXPEDITED, close_range, SO_PEERGROUPS, release 5.14. "" or one line: "missing: X;
/// Portcullis needs ...".
[[nodiscard]] std::string missing_in_kernel();

}  // namespace portcullis
