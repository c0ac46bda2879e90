// SPDX-License-Identifier: Apache-2.0
#include "integration/attach_client.hpp"

#include <linux/membarrier.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cerrno>

#include "integration/include/portcullis/portcullis.h"
#include "shm/clock.hpp"
#include "shm/ledger_layout.hpp"

namespace portcullis {
namespace {

constexpr int kGetRegistrations =
    1 << 9;  // MEMBARRIER_CMD_GET_REGISTRATIONS, Linux 6.3; newer than Debian's header

/// Milliseconds until the deadline, rounded up; 0 when it has passed.
int ms_until(std::uint64_t deadline_ns) noexcept {
  const std::uint64_t now_ns = monotonic_now_ns();
  if (now_ns >= deadline_ns) return 0;
  const std::uint64_t ms = (deadline_ns - now_ns + 999'999) / 1'000'000;
  return ms > 60'000 ? 60'000 : static_cast<int>(ms);
}

bool readable(int socket, std::uint64_t deadline_ns) noexcept {
  pollfd waited{socket, POLLIN, 0};
  for (;;) {
    const int n = poll(&waited, 1, ms_until(deadline_ns));
    if (n > 0) return true;
    if (n == 0 || errno != EINTR) return false;
  }
}

void take_descriptors(msghdr& message, Answer& out) noexcept {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      UniqueFd held(fd);  // closed again where there is no room
      if (out.fd_count < out.fds.size()) out.fds[out.fd_count++] = std::move(held);
    }
  }
}

}  // namespace

TalkError connect_supervisor(const std::string& run_dir, const std::string& engine, std::uint64_t deadline_ns,
                             UniqueFd& out) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = run_dir.size() + 1 + engine.size() + sizeof ".attach";
  if (length > sizeof address.sun_path) return TalkError::absent;
  char* p = address.sun_path;
  for (const char* part : {run_dir.c_str(), "/", engine.c_str(), ".attach"}) p = stpcpy(p, part);
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return TalkError::broken;
  while (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return TalkError::absent;
    if (ms_until(deadline_ns) == 0) return TalkError::timeout;  // its queue is full
    poll(nullptr, 0, 1);
  }
  out = std::move(socket);
  return TalkError::none;
}

TalkError send_request(int socket, const AttachRequest& request, int fd) noexcept {
  iovec bytes{const_cast<AttachRequest*>(&request), kAttachRequestHead + request.text_bytes};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  ssize_t sent = -1;
  do sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return TalkError::none;  // it may have said why, and closed
  return sent == static_cast<ssize_t>(bytes.iov_len) ? TalkError::none : TalkError::broken;
}

TalkError receive_answer(int socket, AttachOp op, std::uint64_t deadline_ns, Answer& out) noexcept {
  if (!readable(socket, deadline_ns)) return TalkError::timeout;
  iovec bytes{&out.reply, sizeof out.reply};
  alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0 && errno == ECONNRESET)  // closed without reading us: what it said before that is still here
    got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? TalkError::timeout : TalkError::broken;
  take_descriptors(message, out);
  out.reply.why[sizeof out.reply.why - 1] = '\0';
  const bool sound = got == static_cast<ssize_t>(sizeof out.reply) &&
                     (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 && out.reply.magic == kAttachMagic &&
                     out.reply.op == op;
  return sound ? TalkError::none : TalkError::broken;
}

bool hung_up(int socket) noexcept {
  char byte = 0;
  const ssize_t got = recv(socket, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

AttachRequest make_request(AttachOp op, const char* name) noexcept {
  AttachRequest request;
  request.op = op;
  request.abi_version = PC_ABI_VERSION;
  request.layout_version = kLayoutVersion;
  request.fingerprint = layout_fingerprint();
  std::strncpy(request.name, name, sizeof request.name - 1);
  return request;
}

bool register_membarrier() noexcept {
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0U, 0) != 0) return false;
  const long held = syscall(SYS_membarrier, kGetRegistrations, 0U, 0);
  return held < 0 ? errno == EINVAL : (held & MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) != 0;
}

}  // namespace portcullis
