// SPDX-License-Identifier: Apache-2.0
#include "watchdog/control_group.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstring>

#include "watchdog/proc_files.hpp"

namespace portcullis {
namespace {

using Buffer = std::array<char, 4096>;

std::string_view read_text(int folder, const char* path, Buffer& buffer) noexcept {
  const ssize_t size = read_small_file(folder, path, buffer.data(), buffer.size());
  return size > 0 ? std::string_view(buffer.data(), static_cast<std::size_t>(size)) : std::string_view();
}

/// The mounted hierarchy: alone, or beside version 1 in "unified".
UniqueFd open_hierarchy() noexcept {
  for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    UniqueFd folder(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct statfs about {};
    if (folder.valid() && fstatfs(folder.get(), &about) == 0 && about.f_type == CGROUP2_SUPER_MAGIC)
      return folder;
  }
  return UniqueFd();
}

bool descends_from(pid_t pid, pid_t ancestor) noexcept {
  for (int i = 0; i < kAncestorsMax && pid > 1; ++i) {
    if (pid == ancestor) return true;
    ProcStat stat;
    if (!read_stat(AT_FDCWD, ProcPath(pid, "stat").c_str(), stat)) return false;
    pid = stat.parent;
  }
  return false;
}

bool has_groups_below(int group) noexcept {
  Buffer buffer;
  std::uint64_t number = 1;
  constexpr std::string_view kKey = "nr_descendants ";
  const std::string_view text = read_text(group, "cgroup.stat", buffer);
  const std::size_t at = text.find(kKey);
  std::string_view rest;
  return at == std::string_view::npos || !take_number(text.substr(at + kKey.size()), number, rest) ||
         number != 0;
}

}  // namespace

std::string_view group_path(std::string_view proc_cgroup) noexcept {
  while (!proc_cgroup.empty()) {
    const std::size_t end = proc_cgroup.find('\n');
    const std::string_view line = proc_cgroup.substr(0, end);
    if (line.substr(0, 3) == "0::") {
      const std::string_view path = line.substr(3);
      const bool usable = path.size() > 1 && path[0] == '/' && path.find("/..") == std::string_view::npos;
      return usable ? path : std::string_view();
    }
    if (end == std::string_view::npos) break;
    proc_cgroup.remove_prefix(end + 1);
  }
  return {};
}

bool apart_from_ours(std::string_view group, std::string_view ours) noexcept {
  if (ours.substr(0, group.size()) != group) return true;
  return ours.size() > group.size() && ours[group.size()] != '/';
}

UniqueFd open_own_group(pid_t pid) noexcept {
  Buffer theirs, ours;
  const std::string_view path = group_path(read_text(AT_FDCWD, ProcPath(pid, "cgroup").c_str(), theirs));
  const std::string_view own_text = read_text(AT_FDCWD, "/proc/self/cgroup", ours);
  if (path.empty() || own_text.empty() || !apart_from_ours(path, group_path(own_text))) return UniqueFd();
  char below[PATH_MAX];
  if (path.size() > sizeof below) return UniqueFd();
  std::memcpy(below, path.data() + 1, path.size() - 1);  // without the first slash: below the hierarchy
  below[path.size() - 1] = '\0';
  const UniqueFd hierarchy = open_hierarchy();
  if (!hierarchy.valid()) return UniqueFd();
  UniqueFd group(openat(hierarchy.get(), below, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!group.valid() || !holds_only(group.get(), pid)) return UniqueFd();
  return group;
}

bool holds_only(int group, pid_t pid) noexcept {
  if (has_groups_below(group)) return false;
  Buffer buffer;
  std::string_view rest = read_text(group, "cgroup.procs", buffer);
  bool present = false;
  for (int members = 0; !rest.empty(); ++members) {
    std::uint64_t member = 0;
    if (members >= kGroupMembersMax || !take_number(rest, member, rest)) return false;
    if (!descends_from(static_cast<pid_t>(member), pid)) return false;
    present = present || static_cast<pid_t>(member) == pid;
    if (!rest.empty()) rest.remove_prefix(1);  // the line's end
  }
  return present;
}

bool set_group(int group, const char* file) noexcept {
  const UniqueFd control(openat(group, file, O_WRONLY | O_CLOEXEC));
  return control.valid() && write(control.get(), "1", 1) == 1;
}

bool group_frozen(int group) noexcept {
  Buffer buffer;
  return read_text(group, "cgroup.events", buffer).find("frozen 1") != std::string_view::npos;
}

}  // namespace portcullis
