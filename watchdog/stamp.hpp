// SPDX-License-Identifier: Apache-2.0
/// @file When something happened, for records that outlive the process: wall time and whether the kernel
/// holds it for right, monotonic time, and the boot that monotonic time belongs to. Latch and audit carry a
/// stamp; no decision is taken on wall time. Pure data; `read_stamp` is the only function with an effect.
#pragma once
#include <array>
#include <cstdint>

namespace portcullis {

/// The kernel's boot id (/proc/sys/kernel/random/boot_id) as 16 bytes; all zero = could not be read.
using BootId = std::array<std::uint8_t, 16>;

/// What adjtimex says about the wall clock.
enum class ClockSync : std::uint8_t {
  unknown = 0,  ///< adjtimex failed
  synced,       ///< a time service disciplines the clock
  unsynced,     ///< STA_UNSYNC or TIME_ERROR: wall times are only somebody's word
};

/// One moment.
struct Stamp {
  std::uint64_t wall_ns = 0;       ///< CLOCK_REALTIME, ns since 1970; 0 = unknown
  std::uint64_t monotonic_ns = 0;  ///< CLOCK_MONOTONIC, ns since the boot named by boot_id
  BootId boot_id{};
  ClockSync sync = ClockSync::unknown;
};

/// "synced", "unsynced" or "unknown".
constexpr const char* sync_name(ClockSync sync) noexcept {
  switch (sync) {
    case ClockSync::unknown: return "unknown";
    case ClockSync::synced: return "synced";
    case ClockSync::unsynced: return "unsynced";
  }
  return "?";
}

/// Reads the boot id from /proc; all zero if that fails. Opens a file: call it once, at start.
[[nodiscard]] BootId read_boot_id() noexcept;

/// Reads the clocks now. No file is opened, nothing is allocated.
[[nodiscard]] Stamp read_stamp(const BootId& boot_id) noexcept;

}  // namespace portcullis
