// SPDX-License-Identifier: Apache-2.0
/// @file Opening state files (see state_file.hpp).
#include "watchdog/state_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace portcullis {
namespace {

constexpr std::size_t kEngineNameBytes = 64;
constexpr mode_t kFileMode = 0640;  // owner writes, its group may read (status, audit verify)

bool engine_name_holds(std::string_view name) noexcept {
  if (name.empty() || name.size() > kEngineNameBytes || name.front() == '.') return false;
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return name.find_first_not_of(allowed) == std::string_view::npos;
}

StateFileError open_in_folder(StateFile& file, int extra_flags) {
  const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | extra_flags;
  file.fd = openat(file.folder, file.name.c_str(), flags | O_CREAT | O_EXCL, kFileMode);
  file.made_new = file.fd >= 0;
  if (!file.made_new) {
    if (errno != EEXIST) return StateFileError::cannot_open;
    file.fd = openat(file.folder, file.name.c_str(), flags);
    if (file.fd < 0) return errno == ELOOP ? StateFileError::unsafe : StateFileError::cannot_open;
  }
  return state_file_is_safe(file.fd) ? StateFileError::ok : StateFileError::unsafe;
}

}  // namespace

bool state_file_is_safe(int fd) noexcept {
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return false;
  const uid_t self = geteuid();
  return self == 0 || status.st_uid == self || status.st_uid == 0;
}

StateFileError open_state_file(const std::string& state_dir, std::string_view engine, std::string_view suffix,
                               int extra_flags, StateFile& out) {
  if (!engine_name_holds(engine)) return StateFileError::bad_name;
  StateFile file;
  file.name.append(engine).append(suffix);
  file.folder = open(state_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file.folder < 0) return StateFileError::no_folder;
  const StateFileError error = open_in_folder(file, extra_flags);
  if (error != StateFileError::ok) {
    if (file.fd >= 0) close(file.fd);
    close(file.folder);
    return error;
  }
  out = file;
  return StateFileError::ok;
}

}  // namespace portcullis
