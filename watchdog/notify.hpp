// SPDX-License-Identifier: Apache-2.0
/// @file READY, STATUS, WATCHDOG and STOPPING for the service manager: datagrams to $NOTIFY_SOCKET on a
/// socket that is opened once at start and never blocks. Rejected: sd_notify; it opens a socket per call and
/// waits, and behind a hanging disk WATCHDOG=1 would stop. Without $NOTIFY_SOCKET every call is a success
/// that does nothing.
#pragma once
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string_view>

#include "shm/unique_fd.hpp"

namespace portcullis {

enum class [[nodiscard]] NotifyError : std::uint8_t{
    ok = 0,
    bad_address,  ///< $NOTIFY_SOCKET is neither absolute nor abstract, or too long
    no_socket,
    not_sent,  ///< the manager's queue is full, or it is gone: counted, never waited for
};
/// A sentence for people.
[[nodiscard]] const char* notify_error_text(NotifyError error) noexcept;

class Notifier {
 public:
  static constexpr std::size_t kMessageBytes = 512;  ///< a longer STATUS is cut

  /// Reads $NOTIFY_SOCKET and $WATCHDOG_USEC (ignored where $WATCHDOG_PID is another process).
  NotifyError open() noexcept;
  NotifyError ready() noexcept;
  NotifyError status(std::string_view text) noexcept;
  NotifyError watchdog() noexcept;
  NotifyError stopping() noexcept;

  [[nodiscard]] bool wanted() const noexcept { return socket_.valid(); }
  /// Nanoseconds within which WATCHDOG=1 is owed; 0: never.
  [[nodiscard]] std::uint64_t watchdog_ns() const noexcept { return watchdog_ns_; }
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

 private:
  NotifyError send(std::string_view message) noexcept;

  UniqueFd socket_;
  sockaddr_un address_{};
  socklen_t address_bytes_ = 0;
  std::uint64_t watchdog_ns_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace portcullis
