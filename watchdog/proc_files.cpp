// SPDX-License-Identifier: Apache-2.0
#include "watchdog/proc_files.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace portcullis {

ProcPath::ProcPath(pid_t pid, const char* tail) noexcept {
  std::snprintf(text_.data(), text_.size(), "/proc/%d/%s", static_cast<int>(pid), tail);
}

ssize_t read_small_file(int folder, const char* path, char* buffer, std::size_t size) noexcept {
  UniqueFd file(openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.valid()) return -1;
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = read(file.get(), buffer + filled, size - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) return static_cast<ssize_t>(filled);
    filled += static_cast<std::size_t>(got);
  }
  errno = EFBIG;
  return -1;
}

bool take_number(std::string_view text, std::uint64_t& number, std::string_view& rest) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return false;
  number = value;
  rest = text.substr(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool parse_stat(std::string_view line, ProcStat& out) noexcept {
  constexpr int kParentField = 4, kStartField = 22;  // proc(5); the state is field 3
  const std::size_t bracket = line.rfind(')');       // the last one: the name may hold brackets
  if (bracket == std::string_view::npos || bracket + 2 >= line.size()) return false;
  std::string_view rest = line.substr(bracket + 2);
  ProcStat stat;
  stat.state = rest[0];
  for (int field = kParentField; field <= kStartField; ++field) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return false;
    rest = rest.substr(space + 1);
    std::uint64_t number = 0;
    std::string_view unused;
    if (field == kParentField) {
      if (!take_number(rest, number, unused)) return false;
      stat.parent = static_cast<pid_t>(number);
    } else if (field == kStartField && !take_number(rest, stat.start_ticks, unused)) {
      return false;
    }
  }
  out = stat;
  return true;
}

bool read_stat(int folder, const char* path, ProcStat& out) noexcept {
  char line[1024];
  const ssize_t size = read_small_file(folder, path, line, sizeof line);
  return size > 0 && parse_stat({line, static_cast<std::size_t>(size)}, out);
}

const char* FolderScan::next() noexcept {
  struct Entry {  // linux_dirent64, as getdents64(2) gives it
    std::uint64_t inode;
    std::int64_t offset;
    unsigned short bytes;
    unsigned char type;
  };
  constexpr std::size_t kNameAt = 19;
  for (;;) {
    if (used_ >= filled_) {
      const long got = syscall(SYS_getdents64, folder_, buffer_.data(), buffer_.size());
      failed_ = failed_ || got < 0;
      if (got <= 0) return nullptr;
      used_ = 0;
      filled_ = static_cast<std::size_t>(got);
    }
    Entry entry;
    std::memcpy(&entry, buffer_.data() + used_, sizeof entry);
    const char* name = buffer_.data() + used_ + kNameAt;
    used_ += entry.bytes;
    if (std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0) return name;
  }
}

}  // namespace portcullis
