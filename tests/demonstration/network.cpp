// SPDX-License-Identifier: Apache-2.0
#include "tests/demonstration/network.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "shm/unique_fd.hpp"

namespace portcullis::demonstration {
namespace {

bool write_text(const char* path, const std::string& text) {
  const UniqueFd file(open(path, O_WRONLY | O_CLOEXEC));
  return file.valid() && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool bring_loopback_up() {
  const UniqueFd socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
  if (!socket_fd.valid() || ioctl(socket_fd.get(), SIOCGIFFLAGS, &request) != 0) return false;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ioctl(socket_fd.get(), SIOCSIFFLAGS, &request) == 0;
}

/// The same user and group inside as outside, so that files and credentials mean the same.
bool enter_user_namespace() {
  const std::string uid = std::to_string(geteuid());
  const std::string gid = std::to_string(getegid());
  return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && write_text("/proc/self/setgroups", "deny") &&
         write_text("/proc/self/uid_map", uid + ' ' + uid + " 1") &&
         write_text("/proc/self/gid_map", gid + ' ' + gid + " 1") && bring_loopback_up();
}

/// Whether a step works, tried in a child: half a user namespace could not be left again.
bool works(bool (*step)()) {
  const pid_t child = fork();
  if (child == 0) _exit(step() ? 0 : 1);
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

bool enter_network_namespace() { return unshare(CLONE_NEWNET) == 0 && bring_loopback_up(); }

}  // namespace

Isolation isolate() {
  if (works(enter_network_namespace) && enter_network_namespace()) return Isolation::root_namespace;
  if (works(enter_user_namespace) && enter_user_namespace()) return Isolation::user_namespace;
  return Isolation::none;
}

const char* isolation_text(Isolation isolation) noexcept {
  switch (isolation) {
    case Isolation::root_namespace:
    case Isolation::user_namespace:
      return "a network namespace with loopback only; each supervisor in one without even that";
    case Isolation::none: return "this machine's loopback: network namespaces are not permitted here";
  }
  return "?";
}

bool leave_every_network() noexcept { return unshare(CLONE_NEWNET) == 0; }

}  // namespace portcullis::demonstration
