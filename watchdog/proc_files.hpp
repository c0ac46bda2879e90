// SPDX-License-Identifier: Apache-2.0
/// @file Reading /proc without allocation: small files into the caller's buffer, folders by getdents64
/// (opendir takes memory), and the fields of /proc/PID/stat. Used by fence and socket census.
#pragma once
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shm/unique_fd.hpp"

namespace portcullis {

/// A path below /proc/PID. `tail` is a literal such as "stat" or "net/tcp6".
class ProcPath {
 public:
  ProcPath(pid_t pid, const char* tail) noexcept;
  [[nodiscard]] const char* c_str() const noexcept { return text_.data(); }

 private:
  std::array<char, 64> text_{};
};

/// Reads a whole file that is at most `size` bytes long; `folder` may be AT_FDCWD. Negative: it cannot be
/// opened or read, or is longer (errno says which; EFBIG for longer).
[[nodiscard]] ssize_t read_small_file(int folder, const char* path, char* buffer, std::size_t size) noexcept;

/// The fields of /proc/PID/stat that are used here.
struct ProcStat {
  char state = '?';
  pid_t parent = 0;
  std::uint64_t start_ticks = 0;
};
/// Parses the line; the name in brackets may hold anything. False (out untouched) where it is no such line.
[[nodiscard]] bool parse_stat(std::string_view line, ProcStat& out) noexcept;
/// Reads and parses it. `folder` AT_FDCWD and a path such as "/proc/12/stat", or a task folder and "12/stat".
[[nodiscard]] bool read_stat(int folder, const char* path, ProcStat& out) noexcept;

/// Reads a whole number at the beginning of a text; the rest goes to `rest`. False: there is none.
[[nodiscard]] bool take_number(std::string_view text, std::uint64_t& number, std::string_view& rest) noexcept;

/// Walks the names of an open folder.
class FolderScan {
 public:
  explicit FolderScan(int folder) noexcept : folder_(folder) {}
  /// The next name, NUL-terminated, without "." and ".."; nullptr at the end or after an error.
  [[nodiscard]] const char* next() noexcept;
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  int folder_;
  bool failed_ = false;
  std::size_t used_ = 0;
  std::size_t filled_ = 0;
  alignas(8) std::array<char, 4096> buffer_{};
};

}  // namespace portcullis
