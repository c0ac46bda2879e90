// SPDX-License-Identifier: Apache-2.0
#include "watchdog/config_guard.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

namespace portcullis {
namespace {

constexpr int kGroupsMost = 1024;

bool in_groups(const Account& account, std::uint32_t gid) noexcept {
  return std::find(account.groups.begin(), account.groups.end(), gid) != account.groups.end();
}

/// By the bits alone.
bool bits_let_write(const Ownership& file, const Account& account) noexcept {
  if (file.uid == account.uid) return (file.mode & S_IWUSR) != 0;
  const bool group_bit = (file.mode & S_IWGRP) != 0;
  if (group_bit && file.acl) return true;
  if (in_groups(account, file.gid)) return group_bit;
  return (file.mode & S_IWOTH) != 0;
}

/// False: it cannot be looked at.
bool look_at(const std::filesystem::path& path, Ownership& out) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return false;
  out = {status.st_uid, status.st_gid, status.st_mode & 07777U, false};
  if (S_ISLNK(status.st_mode)) out.mode = 0;  // a link's own bits mean nothing; its owner cannot write through it
  out.acl = !S_ISLNK(status.st_mode) && getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) >= 0;
  return true;
}

/// Every folder on the way to an absolute path, from the root down. "" or the one that can be changed.
std::string way_changeable(const std::filesystem::path& path, const Account& account) {
  Ownership folder;
  std::filesystem::path at = path.root_path();
  if (!look_at(at, folder)) return at.string();
  for (const std::filesystem::path& part : path.relative_path()) {
    if (part.empty() || part == ".") continue;
    const std::filesystem::path next = at / part;
    Ownership entry;
    if (!look_at(next, entry) || may_replace(folder, entry, account)) return at.string();
    at = next;
    folder = entry;
  }
  return {};
}

/// The way as it is written, and the way behind all links.
std::string reachable(const std::string& path, const Account& account) {
  std::error_code error;
  const std::filesystem::path written = std::filesystem::absolute(path, error).lexically_normal();
  if (error) return path;
  if (std::string found = way_changeable(written, account); !found.empty()) return found;
  const std::filesystem::path real = std::filesystem::canonical(written, error);
  return error ? path : way_changeable(real, account);
}

std::string sentence(const Account& account, const std::string& what, const std::string& through) {
  return fmt::format("{} can be changed by the engine's user (uid {}) through {}: give it to another owner and take the "
                     "right to write from that user",
                     what, account.uid, through);
}

std::string folder_changeable(const std::string& path, const Account& account) {
  Ownership folder;
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  if (error == std::errc::no_such_file_or_directory) return {};
  if (error || !look_at(real, folder) || may_change(folder, account)) return sentence(account, path, path);
  const std::string through = reachable(path, account);
  return through.empty() ? std::string() : sentence(account, path, through);
}

}  // namespace

Account account_of(std::uint32_t uid) {
  Account account;
  account.uid = uid;
  std::string buffer(65536, '\0');
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return account;
  std::vector<gid_t> groups(kGroupsMost);
  int count = kGroupsMost;
  if (getgrouplist(found->pw_name, found->pw_gid, groups.data(), &count) < 0) count = kGroupsMost;
  account.groups.assign(groups.begin(), groups.begin() + count);
  return account;
}

bool may_change(const Ownership& file, const Account& account) noexcept {
  return file.uid == account.uid || bits_let_write(file, account);
}

bool may_replace(const Ownership& folder, const Ownership& entry, const Account& account) noexcept {
  if (folder.uid == account.uid) return true;
  if (!bits_let_write(folder, account)) return false;
  return (folder.mode & S_ISVTX) == 0 || entry.uid == account.uid;  // in a sticky folder only what is its own
}

std::string changeable_by(const Config& config, const Account& account) {
  for (const SourceFile& file : config.source_files) {
    if (may_change({file.uid, file.gid, file.mode, file.acl}, account)) return sentence(account, file.path, file.path);
    if (const std::string through = reachable(file.path, account); !through.empty())
      return sentence(account, file.path, through);
  }
  for (const std::string& folder : {config.state_dir, config.run_dir})
    if (std::string found = folder_changeable(folder, account); !found.empty()) return found;
  return {};
}

}  // namespace portcullis
