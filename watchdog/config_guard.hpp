// SPDX-License-Identifier: Apache-2.0
/// @file Whether the engine's user could change what the supervisor stands on: the configuration that holds its limits,
/// the latch and audit in the state folder, the sockets in the run folder. On a host that is a refusal to start: limits
/// that the watched one can edit are none. A file counts with every folder on its way, because whoever may write a
/// folder may put another file in its place. Asked once, before READY. Does not protect against: root, and mounts.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "watchdog/config.hpp"

namespace portcullis {

/// A user as the kernel's permission check sees one.
struct Account {
  std::uint32_t uid = 0;
  std::vector<std::uint32_t> groups;  ///< primary and supplementary
};
/// Asks the name service (may block: only before READY). A number without a name has no groups that it could tell.
[[nodiscard]] Account account_of(std::uint32_t uid);

/// What is looked at of a file or a folder.
struct Ownership {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;  ///< permission bits with the sticky bit
  bool acl = false;        ///< has more entries than the mode shows: its group bits then stand for anybody
};

/// The account may write it, or may give itself the right (the owner).
[[nodiscard]] bool may_change(const Ownership& file, const Account& account) noexcept;
/// The account may put something else where `entry` is in `folder`.
[[nodiscard]] bool may_replace(const Ownership& folder, const Ownership& entry, const Account& account) noexcept;

/// "" or one sentence that names the first file or folder through which the account could change the configuration, the
/// state or the run folder. What cannot be looked at counts as changeable. Folders that do not exist yet are not named.
[[nodiscard]] std::string changeable_by(const Config& config, const Account& account);

}  // namespace portcullis
