// SPDX-License-Identifier: Apache-2.0
/// @file The list of an engine's TCP sockets, taken at arming and once a second by control: a connection that
/// is neither registered nor allowed is a way around the gate. Read from /proc/PID/fd and
/// /proc/PID/net/tcp{,6}, in the engine's network namespace; nothing is allocated, every bound is written
/// here, and what exceeds a bound is a breach. An engine connects before it registers and says `session_end`
/// before it closes. So a socket counts as `unregistered` once it could carry data and was seen so in two
/// listings at least confirm_ns apart; until then `unconfirmed` asks for another listing soon. A connection
/// still being made (SYN_SENT) is shown and not judged. Does not see: UDP, other processes, a thread with a
/// descriptor table or a network namespace of its own.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "watchdog/config.hpp"
#include "watchdog/fence.hpp"
#include "watchdog/tcp_socket.hpp"

namespace portcullis {

inline constexpr std::size_t kCensusEntries = kOpenSocketsMax;
inline constexpr std::size_t kCensusLinesMax = 65'536;  ///< lines of one /proc/PID/net/tcp
inline constexpr std::uint64_t kCensusConfirmNs = 100'000'000;

/// One line of /proc/net/tcp{,6}.
struct TcpLine {
  std::uint64_t inode = 0;
  std::array<std::uint8_t, 16> remote{};  ///< network order; IPv4 uses the first 4 bytes
  std::uint16_t remote_port = 0;          ///< host order
  bool ipv6 = false;
  TcpState state = TcpState::unknown;
};
/// Reads one line (without its end). False (out untouched): a heading, or not such a line.
[[nodiscard]] bool parse_tcp_line(std::string_view line, bool ipv6, TcpLine& out) noexcept;

/// True if the address is inside the prefix and the port matches; ::ffff:a.b.c.d also matches as IPv4.
[[nodiscard]] bool allows(const AllowedSocket& allowed, const TcpLine& socket) noexcept;

/// True if bytes can be sent, or still wait to be sent, in this state.
[[nodiscard]] bool can_carry(TcpState state) noexcept;

enum class CensusState : std::uint8_t {
  unavailable = 0,  ///< could not be read: never to be taken for zero
  counted,
  too_many,  ///< more sockets, descriptors or lines than the bounds: a breach
};

struct CensusReport {
  CensusState state = CensusState::unavailable;
  std::uint32_t tcp_sockets = 0;   ///< of the engine, listening ones not counted
  std::uint32_t unregistered = 0;  ///< confirmed: the breach
  std::uint32_t unconfirmed = 0;   ///< seen for less than confirm_ns: list again soon
  std::uint32_t connecting = 0;    ///< unregistered and in SYN_SENT
  TcpLine first;                   ///< the first unregistered one, else the first unconfirmed one
  std::uint64_t listed_ns = 0;     ///< when, monotonic
};

/// What is registered and what is allowed; the arrays stay the caller's.
struct CensusRules {
  const std::uint64_t* registered_inodes = nullptr;
  std::size_t registered_count = 0;
  const AllowedSocket* allowed = nullptr;
  std::size_t allowed_count = 0;
  std::uint64_t confirm_ns = kCensusConfirmNs;
};

/// Which unregistered sockets were there before, and since when.
class CensusMemory {
 public:
  /// Begins a listing at now_ns.
  void begin(std::uint64_t now_ns) noexcept;
  /// Since when this inode has been seen in an unbroken row of listings; now if it is new. Without room: 0,
  /// for ever.
  [[nodiscard]] std::uint64_t seen_since(std::uint64_t inode) noexcept;

 private:
  struct Seen {
    std::uint64_t inode = 0;
    std::uint64_t since_ns = 0;
  };
  std::array<Seen, kCensusEntries> lists_[2]{};
  std::size_t counts_[2]{};
  unsigned current_ = 0;
  std::uint64_t now_ns_ = 0;
};

/// Judges one socket of the engine and adds it to the report.
void judge(const TcpLine& socket, const CensusRules& rules, CensusMemory& memory,
           CensusReport& report) noexcept;

/// The listing itself. Large (about 150 KiB): one per supervisor, made at start.
class SocketCensus {
 public:
  /// @param pid verified by the caller's pidfd to be alive before and after: else the answer is somebody
  /// else's
  [[nodiscard]] CensusReport take(pid_t pid, const CensusRules& rules, std::uint64_t now_ns) noexcept;

 private:
  enum class Read : std::uint8_t { ok, absent, failed, too_many };
  [[nodiscard]] Read read_table(pid_t pid, bool ipv6, const CensusRules& rules,
                                CensusReport& report) noexcept;
  [[nodiscard]] bool take_line(std::string_view line, bool ipv6, const CensusRules& rules,
                               CensusReport& report) noexcept;

  OpenSockets sockets_;
  CensusMemory memory_;
  std::array<char, 65'536> buffer_{};
};

}  // namespace portcullis
