// SPDX-License-Identifier: Apache-2.0
/// @file Opens a file of the state folder, for the latch and the audit alike: no link is followed, and a file
/// that others may write to or that somebody else owns is not believed. The folder is opened first and stays
/// the anchor, so that a new file's name can be synced too.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace portcullis {

enum class [[nodiscard]] StateFileError : std::uint8_t{ok = 0, bad_name, no_folder, cannot_open, unsafe};

/// An opened state file. Both descriptors belong to the caller; -1 = none.
struct StateFile {
  int folder = -1;
  int fd = -1;
  bool made_new = false;  ///< made by this call (O_CREAT|O_EXCL), still empty and its name not yet synced
  std::string name;       ///< ENGINE + suffix, inside the folder
};

/// Opens or makes STATE_DIR/ENGINE+suffix for reading and writing with `extra_flags` (O_APPEND or 0). On any
/// error nothing stays open. ENGINE is 1..64 bytes of [A-Za-z0-9._-], not starting with a dot.
StateFileError open_state_file(const std::string& state_dir, std::string_view engine, std::string_view suffix,
                               int extra_flags, StateFile& out);

/// True if this descriptor is a regular file that only its owner (this user or root) may write.
[[nodiscard]] bool state_file_is_safe(int fd) noexcept;

}  // namespace portcullis
