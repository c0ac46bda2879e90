// SPDX-License-Identifier: Apache-2.0
/// @file A connection over loopback for tests: the engine's end and the venue's. And waiting with a deadline.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <stdexcept>
#include <vector>

#include "shm/clock.hpp"
#include "shm/unique_fd.hpp"

namespace portcullis::test {

/// Waits until `holds` is true, at most timeout_ms; its last answer.
template <typename Predicate>
bool eventually(Predicate holds, std::uint64_t timeout_ms = 5000) {
  const std::uint64_t begin_ns = monotonic_now_ns();
  while (!holds()) {
    if (monotonic_now_ns() - begin_ns > timeout_ms * 1'000'000) return holds();
    const timespec pause{0, 200'000};
    nanosleep(&pause, nullptr);
  }
  return true;
}

inline void pause_ms(long ms) {
  const timespec pause{ms / 1000, ms % 1000 * 1'000'000};
  nanosleep(&pause, nullptr);
}

/// Listens on a free port of loopback.
class Listener {
 public:
  /// @param buffer_bytes receive buffer of accepted sockets; 0 leaves the system's
  explicit Listener(int buffer_bytes = 0) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (buffer_bytes > 0)
      setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    socklen_t size = sizeof address_;
    if (bind(socket_.get(), reinterpret_cast<sockaddr*>(&address_), size) != 0 ||
        listen(socket_.get(), 8) != 0 ||
        getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address_), &size) != 0)
      throw std::runtime_error("cannot listen on loopback");
  }
  [[nodiscard]] UniqueFd connect() const {
    UniqueFd made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(made.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) != 0)
      throw std::runtime_error("cannot connect over loopback");
    return made;
  }
  [[nodiscard]] UniqueFd accept() const {
    return UniqueFd(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  [[nodiscard]] std::uint16_t port() const { return ntohs(address_.sin_port); }
  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  UniqueFd socket_;
  sockaddr_in address_{};
};

/// Both ends of one connection.
struct TcpPair {
  explicit TcpPair(int venue_buffer_bytes = 0) {
    const Listener listener(venue_buffer_bytes);
    engine = listener.connect();
    venue = listener.accept();
  }
  UniqueFd engine;
  UniqueFd venue;
};

/// Writes until the kernel takes no more; bytes taken.
inline std::uint64_t fill(int fd) {
  const std::vector<char> block(16'384, 'x');
  std::uint64_t taken = 0;
  for (;;) {
    const ssize_t sent = send(fd, block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent <= 0) return taken;
    taken += static_cast<std::uint64_t>(sent);
  }
}

/// What the venue got until nothing came for quiet_ms, the end, or an error.
struct Drained {
  std::uint64_t bytes = 0;
  int error = 0;  ///< errno of the last read; 0: end of stream; EAGAIN: silence
};
inline Drained drain(int fd, long quiet_ms = 300) {
  const timeval quiet{quiet_ms / 1000, quiet_ms % 1000 * 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof quiet);
  std::vector<char> block(65'536);
  Drained got;
  for (;;) {
    const ssize_t size = recv(fd, block.data(), block.size(), 0);
    if (size <= 0) {
      got.error = size == 0 ? 0 : errno;
      return got;
    }
    got.bytes += static_cast<std::uint64_t>(size);
  }
}

}  // namespace portcullis::test
