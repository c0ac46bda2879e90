// SPDX-License-Identifier: Apache-2.0
/// @file What the kernel says about the other end of a socket (see people.hpp).
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "shm/unique_fd.hpp"
#include "watchdog/people.hpp"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // since Linux 6.5; asm-generic/socket.h
#endif

namespace portcullis {
namespace {

constexpr std::size_t kEnvironBytesMax = 256UL * 1024;  // an environment beyond it names nobody

/// "/proc/PID/NAME" in `out`.
void proc_path(std::int32_t pid, std::string_view name, std::array<char, 48>& out) noexcept {
  char* at = out.data();
  std::memcpy(at, "/proc/", 6);
  at = std::to_chars(at + 6, out.data() + 24, pid).ptr;
  *at++ = '/';
  std::memcpy(at, name.data(), name.size());
  at[name.size()] = '\0';
}

UniqueFd open_proc(std::int32_t pid, std::string_view name) noexcept {
  std::array<char, 48> path;
  proc_path(pid, name, path);
  return UniqueFd(open(path.data(), O_RDONLY | O_CLOEXEC));
}

std::uint32_t parse_uid(std::string_view text) noexcept {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.remove_suffix(1);
  std::uint32_t uid = kNoPerson;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? uid : kNoPerson;
}

std::uint32_t read_login_uid(std::int32_t pid) noexcept {
  const UniqueFd file = open_proc(pid, "loginuid");
  char text[16];
  const ssize_t bytes = file.valid() ? read(file.get(), text, sizeof text) : -1;
  return bytes > 0 ? parse_uid({text, static_cast<std::size_t>(bytes)}) : kNoPerson;
}

/// SUDO_UID of a process's environment, read in pieces; the first occurrence counts.
std::uint32_t read_sudo_uid(std::int32_t pid) noexcept {
  constexpr std::string_view kKey = "SUDO_UID=";
  const UniqueFd file = open_proc(pid, "environ");
  char entry[32];          // the start of the entry that is being read
  std::size_t length = 0;  // its bytes so far, also those that do not fit
  char piece[1024];
  for (std::size_t total = 0; file.valid() && total < kEnvironBytesMax;) {
    const ssize_t bytes = read(file.get(), piece, sizeof piece);
    if (bytes <= 0) break;
    total += static_cast<std::size_t>(bytes);
    for (const char c : std::string_view(piece, static_cast<std::size_t>(bytes))) {
      if (c != '\0') {
        if (length < sizeof entry) entry[length] = c;
        ++length;
        continue;
      }
      const std::string_view text(entry, std::min(length, sizeof entry));
      if (text.starts_with(kKey))
        return length <= sizeof entry ? parse_uid(text.substr(kKey.size())) : kNoPerson;
      length = 0;
    }
  }
  return kNoPerson;
}

/// A pidfd of the very process that connected where the kernel gives it (6.5), else of whoever has its pid
/// now.
UniqueFd peer_pidfd(int fd, std::int32_t pid) noexcept {
  int pidfd = -1;
  socklen_t size = sizeof pidfd;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) return UniqueFd(pidfd);
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

bool lives(const UniqueFd& pidfd) noexcept {
  pollfd entry{pidfd.get(), POLLIN, 0};
  return pidfd.valid() && poll(&entry, 1, 0) == 0;
}

}  // namespace

PeerError peer_of(int fd, Peer& out) noexcept {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 || size != sizeof credentials)
    return PeerError::no_credentials;
  Peer peer;
  peer.uid = credentials.uid;
  peer.gid = credentials.gid;
  peer.pid = credentials.pid;
  if (peer.uid == kNoPerson) return PeerError::no_credentials;
  size = sizeof peer.groups;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size) != 0)
    return errno == ERANGE ? PeerError::too_many_groups : PeerError::no_credentials;
  peer.group_count = static_cast<std::uint32_t>(size / sizeof peer.groups[0]);
  if (peer.pid > 0) {
    const UniqueFd pidfd = peer_pidfd(fd, peer.pid);
    const std::uint32_t login_uid = read_login_uid(peer.pid);
    const std::uint32_t sudo_uid = peer.uid == 0 ? read_sudo_uid(peer.pid) : kNoPerson;
    if (lives(pidfd)) {  // else these files may have been another process's
      peer.login_uid = login_uid;
      peer.sudo_uid = sudo_uid;
    }
  }
  out = peer;
  return PeerError::ok;
}

}  // namespace portcullis
