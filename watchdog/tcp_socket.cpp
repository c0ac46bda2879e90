// SPDX-License-Identifier: Apache-2.0
#include "watchdog/tcp_socket.hpp"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>

namespace portcullis {
namespace {

bool read_option(int fd, int level, int option, int& out) noexcept {
  socklen_t size = sizeof out;
  return getsockopt(fd, level, option, &out, &size) == 0 && size == sizeof out;
}

bool read_info(int fd, tcp_info& info) noexcept {
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  return size >= offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked;  // Linux 4.1
}

TcpState to_state(std::uint8_t number) noexcept {
  return number <= static_cast<std::uint8_t>(TcpState::closing) ? static_cast<TcpState>(number)
                                                                : TcpState::unknown;
}

bool to_text(const sockaddr_storage& address, char* out, std::size_t size) noexcept {
  char host[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    if (inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host) == nullptr) return false;
    std::snprintf(out, size, "%s:%u", host, static_cast<unsigned>(ntohs(v4.sin_port)));
    return true;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (address.ss_family != AF_INET6 || inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host) == nullptr)
    return false;
  std::snprintf(out, size, "[%s]:%u", host, static_cast<unsigned>(ntohs(v6.sin6_port)));
  return true;
}

}  // namespace

const char* tcp_state_name(TcpState state) noexcept {
  switch (state) {
    case TcpState::unknown: return "unknown";
    case TcpState::established: return "established";
    case TcpState::syn_sent: return "syn_sent";
    case TcpState::syn_recv: return "syn_recv";
    case TcpState::fin_wait1: return "fin_wait1";
    case TcpState::fin_wait2: return "fin_wait2";
    case TcpState::time_wait: return "time_wait";
    case TcpState::close: return "close";
    case TcpState::close_wait: return "close_wait";
    case TcpState::last_ack: return "last_ack";
    case TcpState::listen: return "listen";
    case TcpState::closing: return "closing";
  }
  return "unknown";
}

const char* tcp_error_name(TcpError error) noexcept {
  switch (error) {
    case TcpError::ok: return "ok";
    case TcpError::not_tcp: return "not_tcp";
    case TcpError::not_connected: return "not_connected";
    case TcpError::busy: return "busy";
    case TcpError::not_closed: return "not_closed";
    case TcpError::failed: return "failed";
  }
  return "?";
}

TcpError check_tcp(int fd) noexcept {
  int domain = 0, type = 0, protocol = 0;
  if (!read_option(fd, SOL_SOCKET, SO_DOMAIN, domain) || !read_option(fd, SOL_SOCKET, SO_TYPE, type) ||
      !read_option(fd, SOL_SOCKET, SO_PROTOCOL, protocol))
    return TcpError::not_tcp;
  if ((domain != AF_INET && domain != AF_INET6) || type != SOCK_STREAM || protocol != IPPROTO_TCP)
    return TcpError::not_tcp;  // MPTCP (262) and SMC too: their bytes are not counted like this
  tcp_info info{};
  if (!read_info(fd, info)) return TcpError::failed;
  return to_state(info.tcpi_state) == TcpState::established ? TcpError::ok : TcpError::not_connected;
}

TcpError read_tcp(int fd, TcpCounts& out, int tries) noexcept {
  tcp_info before{}, after{};
  if (!read_info(fd, before)) return TcpError::failed;
  for (int i = 0;; ++i) {
    int queued = 0;
    if (ioctl(fd, SIOCOUTQ, &queued) != 0 || queued < 0 || !read_info(fd, after)) return TcpError::failed;
    TcpCounts counts{before.tcpi_bytes_acked, static_cast<std::uint64_t>(queued), to_state(after.tcpi_state)};
    counts.went_back = after.tcpi_bytes_acked < before.tcpi_bytes_acked;
    counts.at_rest =
        after.tcpi_bytes_acked == before.tcpi_bytes_acked && after.tcpi_state == before.tcpi_state;
    if (counts.at_rest || counts.went_back || i + 1 >= tries) {
      out = counts;
      return TcpError::ok;
    }
    before = after;
  }
}

TcpError read_addresses(int fd, TcpAddresses& out) noexcept {
  TcpAddresses both;
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      !to_text(address, both.local, sizeof both.local))
    return TcpError::failed;
  size = sizeof address;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      !to_text(address, both.remote, sizeof both.remote))
    return TcpError::failed;
  out = both;
  return TcpError::ok;
}

TcpError stop_accepting(int fd) noexcept {
  return shutdown(fd, SHUT_WR) == 0 ? TcpError::ok : TcpError::failed;
}

TcpError reset_tcp(int fd) noexcept {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  const bool accepted = connect(fd, &nobody, sizeof nobody) == 0;
  const int error = errno;
  tcp_info info{};
  if (accepted && read_info(fd, info) && to_state(info.tcpi_state) == TcpState::close) return TcpError::ok;
  const linger at_once{1, 0};
  if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0) return TcpError::failed;
  if (accepted) return TcpError::not_closed;
  return error == EBUSY ? TcpError::busy : TcpError::failed;
}

}  // namespace portcullis
