// SPDX-License-Identifier: Apache-2.0
/// @file An engine's own control group (cgroup v2), if it has one: freezing and killing it reaches forked
/// children in one call. "Own" is judged by what is in it, not by its name: it is not ours, not the root, has
/// no groups below, and holds only the process and its descendants. A unit that runs several engines is
/// nobody's own: the healthy ones must not die with the sick one. A child that was orphaned makes the group
/// shared; then only the process is killed.
#pragma once
#include <sys/types.h>

#include <string_view>

#include "shm/unique_fd.hpp"

namespace portcullis {

inline constexpr int kGroupMembersMax = 256;  ///< a larger group is not looked through: not its own
inline constexpr int kAncestorsMax = 32;      ///< likewise for the line of parents

/// The path of the "0::" line of /proc/PID/cgroup; empty where there is none, or it is the root or outside
/// our view.
[[nodiscard]] std::string_view group_path(std::string_view proc_cgroup) noexcept;

/// True if `group` is neither `ours` nor above it.
[[nodiscard]] bool apart_from_ours(std::string_view group, std::string_view ours) noexcept;

/// Opens the folder of the process's own group; invalid where it has none.
[[nodiscard]] UniqueFd open_own_group(pid_t pid) noexcept;

/// True if this group holds the process, and nothing but it and its descendants.
[[nodiscard]] bool holds_only(int group, pid_t pid) noexcept;

/// Writes "1" to a control file ("cgroup.kill", "cgroup.freeze").
[[nodiscard]] bool set_group(int group, const char* file) noexcept;

/// True if cgroup.events says that all its processes are frozen.
[[nodiscard]] bool group_frozen(int group) noexcept;

}  // namespace portcullis
