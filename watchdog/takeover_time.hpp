// SPDX-License-Identifier: Apache-2.0
/// @file FIX UTC time stamps (52, 60, 122) without the wall clock: an engine's own stamp plus monotonic time that went
/// by. Pure; no locale, no time zone data, no allocation. Leap seconds: :60 is read as the next second, never written.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace portcullis {

/// A time stamp as an engine rendered it.
struct UtcStamp {
  std::uint64_t utc_ns = 0;   ///< since 1970-01-01, 64 bits last until 2554
  std::uint32_t decimals = 0; ///< digits behind the second: 0, 3, 6 or 9
};
inline constexpr std::size_t kUtcBytesMax = 27;  ///< "20261123-14:30:05.123456789"

/// "YYYYMMDD-HH:MM:SS", or with .sss, .ssssss, .sssssssss. False (out untouched) for anything else.
[[nodiscard]] bool parse_utc(std::string_view text, UtcStamp& out) noexcept;
/// Bytes written; 0 where `out` is too small. Digits beyond `decimals` are cut off, not rounded.
std::size_t write_utc(const UtcStamp& stamp, std::span<char> out) noexcept;

}  // namespace portcullis
