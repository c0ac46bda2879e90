// SPDX-License-Identifier: Apache-2.0
/// @file The supervisor as a child of `portcullis run`: started with one configuration, in a session of its
/// own so that a ^C meant for the engine does not take the gate's keeper first, waited for until it says
/// READY=1 on NOTIFY_SOCKET, and ended after the engine. It keeps running if the CLI itself is killed:
/// protection does not hang on a terminal.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "shm/unique_fd.hpp"

namespace portcullis::cli {

enum class [[nodiscard]] StartError : std::uint8_t{
    ok = 0,
    no_socket,   ///< the notify socket cannot be made
    no_process,  ///< fork failed
    ended,       ///< the supervisor ended before it was ready; it said why itself
    not_ready,   ///< it did not get ready in time
};
[[nodiscard]] const char* start_error_text(StartError error) noexcept;

class DeskSupervisor {
 public:
  DeskSupervisor() = default;
  ~DeskSupervisor();
  DeskSupervisor(const DeskSupervisor&) = delete;
  DeskSupervisor& operator=(const DeskSupervisor&) = delete;

  /// Starts `program --config FILE` and waits for READY=1.
  StartError start(const std::string& program, const std::string& config, std::uint64_t timeout_ns);
  /// SIGTERM, and SIGKILL if it is still there after the timeout. True if it ended by itself.
  bool stop(std::uint64_t timeout_ns);
  /// Readable once it has ended.
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }
  /// Its exit status after `ended` or stop(); -1 = killed or unknown.
  [[nodiscard]] int exit_status() const noexcept { return exit_status_; }

 private:
  StartError await_ready(std::uint64_t timeout_ns);
  void reap();

  pid_t pid_ = 0;
  UniqueFd pidfd_;
  UniqueFd notify_;
  int exit_status_ = -1;
};

/// The supervisor's program: $PORTCULLISD, else portcullisd beside this executable, else from PATH.
[[nodiscard]] std::string supervisor_program();

/// Starts a program with PORTCULLIS_RUN_DIR set and an unblocked signal mask; pidfd is valid on success. 0 =
/// failed.
[[nodiscard]] pid_t start_engine(const std::vector<std::string>& command, const std::string& run_dir,
                                 UniqueFd& pidfd);

}  // namespace portcullis::cli
