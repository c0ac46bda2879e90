// SPDX-License-Identifier: Apache-2.0
/// @file At most `rate_per_s` messages in any second, evenly spread: a venue's throttle may end the session. What a slow
/// caller missed within a millisecond is caught up with; the spacing is a thousandth wider for that.
#pragma once
#include <algorithm>
#include <cstdint>

namespace portcullis {

class TakeoverPace {
 public:
  void begin(std::uint32_t rate_per_s) noexcept {
    const std::uint64_t rate = std::max<std::uint32_t>(rate_per_s, 1);
    spacing_ns_ = (1'000'000'000 + kCatchUpNs + rate - 1) / rate;
    due_ns_ = 0;
  }
  [[nodiscard]] bool ready(std::uint64_t now_ns) const noexcept { return now_ns + kCatchUpNs >= due_ns_; }
  void spend(std::uint64_t now_ns) noexcept { due_ns_ = std::max(due_ns_, now_ns) + spacing_ns_; }

 private:
  static constexpr std::uint64_t kCatchUpNs = 1'000'000;
  std::uint64_t spacing_ns_ = 1'000'000'000;
  std::uint64_t due_ns_ = 0;
};

}  // namespace portcullis
