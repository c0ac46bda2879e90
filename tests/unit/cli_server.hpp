// SPDX-License-Identifier: Apache-2.0
/// @file A supervisor's socket for tests of the CLI: listens on a path, hands each connection to a function.
#pragma once
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include "shm/unique_fd.hpp"

namespace portcullis::test {

/// Binds and listens; nobody accepts yet.
inline UniqueFd listen_seqpacket(const std::string& path, int backlog = 16) {
  UniqueFd made(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(made.get(), backlog) != 0)
    throw std::runtime_error("cannot listen at " + path);
  return made;
}

inline std::string read_packet(int fd) {
  char text[8192];
  const ssize_t bytes = recv(fd, text, sizeof text, 0);
  return bytes > 0 ? std::string(text, static_cast<std::size_t>(bytes)) : std::string();
}
inline void send_packet(int fd, const std::string& text) {
  static_cast<void>(send(fd, text.data(), text.size(), MSG_NOSIGNAL));
}

/// Serves one connection after the other in a thread until it ends.
class FakeServer {
 public:
  FakeServer(const std::string& path, std::function<void(int)> serve)
      : listener_(listen_seqpacket(path)), serve_(std::move(serve)), thread_([this] { run(); }) {}
  ~FakeServer() {
    stop_ = true;
    thread_.join();
  }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void run() {
    while (!stop_) {
      pollfd entry{listener_.get(), POLLIN, 0};
      if (poll(&entry, 1, 5) <= 0) continue;
      const UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      ++connections_;
      if (client.valid()) serve_(client.get());
    }
  }

  UniqueFd listener_;
  std::function<void(int)> serve_;
  std::atomic<bool> stop_{false};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

}  // namespace portcullis::test
