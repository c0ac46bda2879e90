// SPDX-License-Identifier: Apache-2.0
/// @file The venue's one epoll loop. Level-triggered; a watched object must outlive the round it was removed
/// in. Rejected: QuickFIX's own acceptors. They use select (descriptors below 1024), hide the socket that the
/// log must see, and cannot stop reading; the venue is its own QuickFIX Acceptor instead (edge.hpp).
#pragma once
#include <cstdint>
#include <unordered_map>

namespace portcullis {
namespace venue {

/// Something with a descriptor.
class Watched {
 public:
  virtual ~Watched() {}
  /// `events` as epoll reports them.
  virtual void on_ready(std::uint32_t events) = 0;
};

class PollLoop {
 public:
  PollLoop();
  ~PollLoop();
  PollLoop(const PollLoop&) = delete;
  PollLoop& operator=(const PollLoop&) = delete;
  bool ok() const { return epoll_fd_ >= 0; }
  /// Begins to watch, or changes what is watched for. False when the kernel refuses.
  bool watch(int fd, Watched& watched, std::uint32_t events);
  void forget(int fd);
  /// One round: waits at most `timeout_ms`, serves everything that is ready; how many those were.
  int round(int timeout_ms);

 private:
  struct Entry {
    Watched* watched;
    std::uint32_t events;
  };
  int epoll_fd_;
  std::unordered_map<int, Entry> entries_;
};

}  // namespace venue
}  // namespace portcullis
