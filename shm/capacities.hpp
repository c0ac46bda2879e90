// SPDX-License-Identifier: Apache-2.0
/// @file How many of everything the two memories hold. Fixed at attach, chosen in the configuration, checked against
/// memory_max_mib before anything is allocated. A full table refuses; it never overwrites.
#pragma once
#include <cstdint>

namespace portcullis {

struct Capacities {
  std::uint32_t lanes = 1;            ///< 1..256
  std::uint32_t instruments = 1;      ///< 1..10,000
  std::uint32_t pairs = 1;            ///< listed lane-instrument pairs, 1..16,384
  std::uint32_t parents = 0;          ///< 0..10,000, shared out evenly among the lanes
  std::uint32_t open_orders = 64;     ///< 1..65,536, shared out evenly among the lanes
  std::uint32_t sessions = 1;         ///< 0..16
  std::uint32_t rate_entries = 64;    ///< time stamps of one ring, a power of two; a ring per lane and a shared one
  std::uint32_t message_ends = 4096;  ///< message ends kept per session, a power of two, at most 4,096
};

inline constexpr std::uint32_t kLanesMax = 256;
inline constexpr std::uint32_t kInstrumentsMax = 10'000;
inline constexpr std::uint32_t kPairsMax = 16'384;
inline constexpr std::uint32_t kParentsMax = 10'000;
inline constexpr std::uint32_t kOpenOrdersMax = 65'536;
inline constexpr std::uint32_t kSessionsMax = 16;
inline constexpr std::uint32_t kRateEntriesTotalMax = 262'144;
inline constexpr std::uint32_t kMessageEndsMax = 4'096;
inline constexpr std::uint32_t kRateWindowsMax = 8;

/// False for any capacity outside its range (hostile or mistaken); nothing may be mapped with it then.
[[nodiscard]] constexpr bool capacities_valid(const Capacities& c) noexcept {
  const auto in = [](std::uint32_t v, std::uint32_t low, std::uint32_t high) { return v >= low && v <= high; };
  const auto pow2 = [](std::uint32_t v) { return v != 0 && (v & (v - 1)) == 0; };
  return in(c.lanes, 1, kLanesMax) && in(c.instruments, 1, kInstrumentsMax) && in(c.pairs, 1, kPairsMax) &&
         c.parents <= kParentsMax && in(c.open_orders, 1, kOpenOrdersMax) && c.sessions <= kSessionsMax &&
         pow2(c.rate_entries) && std::uint64_t{c.rate_entries} * (c.lanes + 1) <= kRateEntriesTotalMax &&
         pow2(c.message_ends) && c.message_ends <= kMessageEndsMax && c.open_orders >= c.lanes;
}

/// First slot of a lane in a table that is shared out evenly, and how many it has: [lane_share_begin(l), ..(l + 1)).
[[nodiscard]] constexpr std::uint32_t lane_share_begin(std::uint32_t total, std::uint32_t lanes,
                                                       std::uint32_t lane) noexcept {
  return static_cast<std::uint32_t>(std::uint64_t{total} * lane / lanes);
}

}  // namespace portcullis
