// SPDX-License-Identifier: Apache-2.0
/// @file The hook's side of the attach socket: connect, one request, one reply, each with a deadline. Makes
/// system calls; never on the order path.
#pragma once
#include <array>
#include <string>

#include "shm/attach_protocol.hpp"
#include "shm/unique_fd.hpp"

namespace portcullis {

enum class TalkError : std::uint8_t {
  none = 0,
  absent,   ///< nothing listens there
  timeout,  ///< no answer in time
  broken,   ///< the connection ended, or the answer makes no sense
};

/// A reply with the descriptors that came with it.
struct Answer {
  AttachReply reply;
  std::array<UniqueFd, 3> fds;
  std::uint32_t fd_count = 0;
};

/// Connects to RUN_DIR/ENGINE.attach. The socket is non-blocking and not inherited over exec.
[[nodiscard]] TalkError connect_supervisor(const std::string& run_dir, const std::string& engine,
                                           std::uint64_t deadline_ns, UniqueFd& out) noexcept;
/// Sends one request; fd is passed along unless it is -1.
[[nodiscard]] TalkError send_request(int socket, const AttachRequest& request, int fd) noexcept;
/// Waits for the reply to op until the deadline; a deadline in the past only looks.
[[nodiscard]] TalkError receive_answer(int socket, AttachOp op, std::uint64_t deadline_ns,
                                       Answer& out) noexcept;
/// True when the other side of the socket is gone.
[[nodiscard]] bool hung_up(int socket) noexcept;

/// A request with everything that is the same in all of them.
[[nodiscard]] AttachRequest make_request(AttachOp op, const char* name) noexcept;

/// Registers the process for MEMBARRIER_CMD_GLOBAL_EXPEDITED, and looks whether the kernel agrees (6.3 and
/// later).
[[nodiscard]] bool register_membarrier() noexcept;

}  // namespace portcullis
