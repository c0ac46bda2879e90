// SPDX-License-Identifier: Apache-2.0
/// @file epoll, level-triggered.
#include "tests/venue/poll_loop.hpp"

#include <sys/epoll.h>
#include <unistd.h>

namespace portcullis {
namespace venue {

PollLoop::PollLoop() : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {}

PollLoop::~PollLoop() {
  if (epoll_fd_ >= 0) close(epoll_fd_);
}

bool PollLoop::watch(int fd, Watched& watched, std::uint32_t events) {
  const auto found = entries_.find(fd);
  if (found != entries_.end() && found->second.events == events && found->second.watched == &watched)
    return true;
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  const int operation = found == entries_.end() ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (epoll_ctl(epoll_fd_, operation, fd, &event) != 0) return false;
  entries_[fd] = {&watched, events};
  return true;
}

void PollLoop::forget(int fd) {
  if (entries_.erase(fd) != 0) epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
}

int PollLoop::round(int timeout_ms) {
  epoll_event events[64];
  const int count = epoll_wait(epoll_fd_, events, 64, timeout_ms);
  for (int i = 0; i < count; ++i) {
    const auto found = entries_.find(events[i].data.fd);
    if (found != entries_.end()) found->second.watched->on_ready(events[i].events);
  }
  return count;
}

}  // namespace venue
}  // namespace portcullis
