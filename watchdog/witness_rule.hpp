// SPDX-License-Identifier: Apache-2.0
/// @file What one reading of a session's socket means: pure, time passed in.
///
///   accepted = acked + queued - base - (1 once a FIN is in the stream)        bytes that this kernel took
///   undeclared = accepted - declared, where positive                          bytes nobody declared: a
///   breach
///
/// The FIN counts in FIN_WAIT1, FIN_WAIT2, CLOSING, LAST_ACK and TIME_WAIT. In CLOSE nobody knows any more
/// whether one was queued: there one byte more than declared is taken for it. A count that went back
/// (somebody reset the socket) keeps the last one and says that it is not final. `declared` counts only if
/// the ledger's epoch is this connection's: an engine that has not stored it yet has declared nothing.
#pragma once
#include <cstdint>

#include "watchdog/tcp_socket.hpp"

namespace portcullis {

enum class SessionState : std::uint8_t {
  none = 0,  ///< no socket was ever adopted in this slot
  live,      ///< read at every poll; judge its age by sampled_ns
  dropped,   ///< ended in order: the duplicate was closed on request
  hung_up,   ///< the connection is gone (CLOSE): the duplicate was closed
  reset,     ///< reset by us and verified
};
/// "none", "live", ...
[[nodiscard]] constexpr const char* session_state_name(SessionState state) noexcept {
  switch (state) {
    case SessionState::none: return "none";
    case SessionState::live: return "live";
    case SessionState::dropped: return "dropped";
    case SessionState::hung_up: return "hung_up";
    case SessionState::reset: return "reset";
  }
  return "?";
}

/// What is known of one session. Stream offsets count from the adoption, like the ledger's.
struct WitnessSample {
  std::uint64_t epoch = 0;
  std::uint64_t sampled_ns = 0;  ///< monotonic, read before the kernel is asked: the age is never understated
  std::uint64_t polls = 0;       ///< successful readings of this epoch
  std::uint64_t errors = 0;      ///< failed ones; the sample is not renewed by them
  std::uint64_t accepted_bytes = 0;
  std::uint64_t acked_bytes = 0;           ///< by the peer's TCP; never above accepted_bytes
  std::uint64_t declared_bytes = 0;        ///< as read last from the ledger
  std::uint64_t undeclared_bytes = 0;      ///< now
  std::uint64_t undeclared_max_bytes = 0;  ///< ever in this epoch: a late declaration does not undo it
  std::uint64_t unequal_since_ns = 0;      ///< accepted differs from declared since; 0: equal
  std::uint64_t moved_ns = 0;              ///< accepted or declared changed last
  std::uint64_t base_bytes = 0;            ///< acked + queued at the adoption
  std::uint64_t raw_acked_bytes = 0;       ///< as the kernel counts
  std::uint64_t own_bytes = 0;             ///< of accepted_bytes: written by a take-over, behind the engine's
  SessionState state = SessionState::none;
  TcpState tcp_state = TcpState::unknown;
  std::uint8_t final_count = 0;  ///< 1: no byte can be accepted beyond accepted_bytes any more
  std::uint8_t reserved[5] = {};
};
static_assert(sizeof(WitnessSample) % 8 == 0);
/// What the kernel took from the engine.
[[nodiscard]] constexpr std::uint64_t engine_bytes(const WitnessSample& sample) noexcept {
  return sample.accepted_bytes - (sample.own_bytes < sample.accepted_bytes ? sample.own_bytes : sample.accepted_bytes);
}

/// What the ledger's session block said, read after the kernel.
struct Declared {
  std::uint64_t epoch = 0;
  std::uint64_t bytes = 0;
};

/// True for the states in which the stream carries our FIN.
[[nodiscard]] constexpr bool fin_in_stream(TcpState state) noexcept {
  switch (state) {
    case TcpState::fin_wait1:
    case TcpState::fin_wait2:
    case TcpState::closing:
    case TcpState::last_ack:
    case TcpState::time_wait: return true;
    case TcpState::unknown:
    case TcpState::established:
    case TcpState::syn_sent:
    case TcpState::syn_recv:
    case TcpState::close:
    case TcpState::close_wait:
    case TcpState::listen: return false;
  }
  return false;
}

/// The first sample of a connection: offset 0 is what the kernel has taken by now.
[[nodiscard]] WitnessSample first_sample(std::uint64_t epoch, const TcpCounts& counts,
                                         const Declared& declared, std::uint64_t now_ns) noexcept;

/// The sample after one more reading. Its state is hung_up where the connection is gone or was made anew.
[[nodiscard]] WitnessSample next_sample(const WitnessSample& last, const TcpCounts& counts,
                                        const Declared& declared, std::uint64_t now_ns) noexcept;

}  // namespace portcullis
