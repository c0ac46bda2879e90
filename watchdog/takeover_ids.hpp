// SPDX-License-Identifier: Apache-2.0
/// @file ClOrdIDs (11) of our own cancels: 12 characters of [A-Z0-9], short enough for every venue.
///
///   SSSSSSSSCCCC   seed of this take-over (8), counter (4), both base 36
///
/// The seed is 100 ms of wall time and the session: a take-over that a new supervisor resumes has another one. Unique as
/// long as the wall clock is not set back onto the same tenth of a second; then the venue says "duplicate" and the retry
/// has a new counter.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace portcullis {

inline constexpr std::size_t kTakeoverIdBytes = 12;
inline constexpr std::uint32_t kTakeoverIdsMax = 36 * 36 * 36 * 36;  ///< ClOrdIDs of one take-over
using TakeoverIdText = std::array<char, kTakeoverIdBytes>;

/// @param wall_ns since 1970
[[nodiscard]] constexpr std::uint64_t takeover_id_seed(std::uint64_t wall_ns, std::uint32_t session_slot) noexcept {
  constexpr std::uint64_t kSeeds = 36ULL * 36 * 36 * 36 * 36 * 36 * 36 * 36;
  return (wall_ns / 100'000'000 * 16 + session_slot % 16) % kSeeds;  // comes round after 559 years
}

class TakeoverIds {
 public:
  void begin(std::uint64_t seed) noexcept;
  /// The text of counter `n` < kTakeoverIdsMax.
  [[nodiscard]] TakeoverIdText text(std::uint32_t n) const noexcept;
  /// True (and its counter) where `id` has this take-over's seed.
  [[nodiscard]] bool parse(std::string_view id, std::uint32_t& n) const noexcept;

 private:
  std::array<char, 8> seed_{};
};

}  // namespace portcullis
