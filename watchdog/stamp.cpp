// SPDX-License-Identifier: Apache-2.0
/// @file Reads the clocks for records. Nothing here takes part in a decision.
#include "watchdog/stamp.hpp"

#include <fcntl.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

namespace portcullis {
namespace {

std::uint64_t read_clock_ns(clockid_t clock) noexcept {
  timespec now{};
  if (clock_gettime(clock, &now) != 0 || now.tv_sec < 0) return 0;
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

ClockSync read_sync() noexcept {
  timex query{};
  const int state = adjtimex(&query);  // modes 0: reads only, needs no privilege
  if (state < 0) return ClockSync::unknown;
  return state == TIME_ERROR || (query.status & STA_UNSYNC) != 0 ? ClockSync::unsynced : ClockSync::synced;
}

int hex_value(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

BootId read_boot_id() noexcept {
  std::array<char, 36> text{};  // 8-4-4-4-12 hex digits
  const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const ssize_t size = read(fd, text.data(), text.size());
  close(fd);
  if (size != static_cast<ssize_t>(text.size())) return {};
  BootId id{};
  std::size_t nibbles = 0;
  for (const char digit : text) {
    if (digit == '-') continue;
    const int value = hex_value(digit);
    if (value < 0 || nibbles >= 2 * id.size()) return {};
    std::uint8_t& byte = id[nibbles / 2];
    byte = static_cast<std::uint8_t>(byte * 16 + value);
    ++nibbles;
  }
  return nibbles == 2 * id.size() ? id : BootId{};
}

Stamp read_stamp(const BootId& boot_id) noexcept {
  return {.wall_ns = read_clock_ns(CLOCK_REALTIME),
          .monotonic_ns = read_clock_ns(CLOCK_MONOTONIC),
          .boot_id = boot_id,
          .sync = read_sync()};
}

}  // namespace portcullis
