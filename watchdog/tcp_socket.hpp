// SPDX-License-Identifier: Apache-2.0
/// @file Every call that Portcullis makes on somebody else's TCP socket. All of them may hang, unkillably,
/// while the engine holds the socket's lock (in send() from a page that never arrives): only the witness
/// thread, or a process made for it, may call them. None changes the descriptor's flags, which are shared
/// with the engine.
#pragma once
#include <cstdint>

namespace portcullis {

/// The kernel's TCP states (include/net/tcp_states.h), as in tcpi_state and /proc/net/tcp.
enum class TcpState : std::uint8_t {
  unknown = 0,
  established,
  syn_sent,
  syn_recv,
  fin_wait1,
  fin_wait2,
  time_wait,
  close,
  close_wait,
  last_ack,
  listen,
  closing,
};
/// "established", ...; "unknown" for a byte that is none of them.
[[nodiscard]] const char* tcp_state_name(TcpState state) noexcept;

enum class [[nodiscard]] TcpError : std::uint8_t{
    ok = 0,
    not_tcp,        ///< no socket, no stream, another protocol, or no Internet address
    not_connected,  ///< TCP, but not ESTABLISHED
    busy,  ///< the kernel refuses a reset while a thread waits in this socket (some kernels, 6.1 to 6.6)
    not_closed,  ///< the reset was accepted, but the socket is not in CLOSE
    failed,      ///< another error
};
/// "ok", "not_tcp", ...
[[nodiscard]] const char* tcp_error_name(TcpError error) noexcept;

/// One reading: TCP_INFO, SIOCOUTQ, TCP_INFO again. The state is the last one, so that a FIN in the queue is
/// always seen in it; acked_bytes is the first one, so that the sum can only understate what was accepted.
struct TcpCounts {
  std::uint64_t acked_bytes = 0;   ///< tcpi_bytes_acked: SYN and FIN count one each
  std::uint64_t queued_bytes = 0;  ///< SIOCOUTQ: not acknowledged by the peer yet, a FIN included
  TcpState state = TcpState::unknown;
  bool at_rest = true;     ///< acked_bytes and state did not change while this was read: the sum is exact
  bool went_back = false;  ///< the count of acknowledged bytes fell: somebody reset the socket in between
};

/// Who is at both ends, as text "127.0.0.1:40001" or "[::1]:40001".
struct TcpAddresses {
  char local[56] = {};
  char remote[56] = {};
};

/// Is this a connected TCP socket (ESTABLISHED, IPv4 or IPv6)?
TcpError check_tcp(int fd) noexcept;
/// Reads the counts (about 4 us), again while they move, at most `tries` times; the last reading counts.
TcpError read_tcp(int fd, TcpCounts& out, int tries = 4) noexcept;
/// Both addresses. Out is untouched on failure.
TcpError read_addresses(int fd, TcpAddresses& out) noexcept;
/// Lets no further byte in, from whichever process: after it `accepted` cannot grow. The queue goes on being
/// sent.
TcpError stop_accepting(int fd) noexcept;
/// Resets the connection: connect(AF_UNSPEC), verified by the state CLOSE. The queue is purged, the peer gets
/// a RST. Where the kernel refuses, the socket is set to reset at its last close (SO_LINGER 0), and the error
/// says that it is not reset yet. The descriptor stays the caller's.
TcpError reset_tcp(int fd) noexcept;

}  // namespace portcullis
