// SPDX-License-Identifier: Apache-2.0
/// @file Who may do what. Names are resolved to numbers once, at start (People::resolve); afterwards a peer
/// is judged by what the kernel says of its socket (SO_PEERCRED, SO_PEERGROUPS) and no name service is asked.
/// Everybody in the halt group may stop; starting again takes a member of the arm group or a root whose login
/// names a person, never the engine's user. The judgements are pure. Does not protect against: root, and
/// whoever can become one of the users.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "watchdog/config.hpp"
#include "watchdog/request.hpp"

namespace portcullis {

inline constexpr std::uint32_t kNoPerson = 0xFFFF'FFFF;  ///< no user, or no login uid
inline constexpr std::size_t kPeerGroupsMax = 64;        ///< a peer with more groups is refused, not cut

/// The other end of a local socket as it was when it connected.
struct Peer {
  std::uint32_t uid = kNoPerson;
  std::uint32_t gid = kNoPerson;
  std::int32_t pid = 0;  ///< 0: in a pid namespace that we do not see
  std::array<std::uint32_t, kPeerGroupsMax> groups{};
  std::uint32_t group_count = 0;
  std::uint32_t login_uid = kNoPerson;  ///< /proc/PID/loginuid: kept through su and sudo
  std::uint32_t sudo_uid =
      kNoPerson;  ///< SUDO_UID of its environment; only read for root, and only root's word for it
};

enum class [[nodiscard]] PeerError : std::uint8_t{ok = 0, no_credentials, too_many_groups};

/// Asks the kernel about the peer of a connected socket. Opens at most two files of /proc/PID; never waits
/// for anybody.
PeerError peer_of(int fd, Peer& out) noexcept;

/// The person behind a peer for the record: root's login where it names one, else the uid.
[[nodiscard]] std::uint32_t person_behind(const Peer& peer) noexcept;

/// The answer of a judgement; everything but `granted` refuses.
enum class [[nodiscard]] Permission : std::uint8_t{
    granted = 0,        not_in_halt_group, not_in_arm_group,
    engine_user,         ///< the engine never gives itself the right to trade
    root_without_login,  ///< nobody could be named in the record
    not_engine_user,     ///< attach: another user than the configured one
    stranger,            ///< no part in this engine at all
};
/// "granted", "not_in_halt_group", ...
[[nodiscard]] const char* permission_name(Permission permission) noexcept;
/// A sentence for the person who was refused.
[[nodiscard]] const char* permission_text(Permission permission) noexcept;

/// The numbers that peers are compared with.
struct People {
  Mode mode = Mode::host;
  std::uint32_t own_uid = kNoPerson;  ///< the supervisor's user
  std::uint32_t engine_uid = kNoPerson;
  std::uint32_t halt_gid = kNoPerson;  ///< kNoPerson: no such group (desk)
  std::uint32_t arm_gid = kNoPerson;   ///< likewise

  /// Asks the name service (may block: only before READY). False: `why` says which name is missing or which
  /// users contradict the mode; *this is untouched then.
  [[nodiscard]] bool resolve(const Config& config, std::string& why);

  Permission may_halt(const Peer& peer) const noexcept;
  /// Also disarm, clear and resolve.
  Permission may_arm(const Peer& peer) const noexcept;
  Permission may_attach(const Peer& peer) const noexcept;
  Permission may_see_status(const Peer& peer) const noexcept;
  Permission may(RequestCommand command, const Peer& peer) const noexcept;
};

}  // namespace portcullis
