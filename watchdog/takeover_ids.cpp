// SPDX-License-Identifier: Apache-2.0
#include "watchdog/takeover_ids.hpp"

#include <algorithm>

namespace portcullis {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

void put(char* at, std::size_t count, std::uint64_t value) noexcept {
  for (std::size_t i = count; i > 0; --i, value /= kDigits.size()) at[i - 1] = kDigits[value % kDigits.size()];
}

}  // namespace

void TakeoverIds::begin(std::uint64_t seed) noexcept { put(seed_.data(), seed_.size(), seed); }

TakeoverIdText TakeoverIds::text(std::uint32_t n) const noexcept {
  TakeoverIdText out;
  std::copy(seed_.begin(), seed_.end(), out.begin());
  put(out.data() + seed_.size(), out.size() - seed_.size(), n);
  return out;
}

bool TakeoverIds::parse(std::string_view id, std::uint32_t& n) const noexcept {
  if (id.size() != kTakeoverIdBytes || id.substr(0, seed_.size()) != std::string_view(seed_.data(), seed_.size()))
    return false;
  std::uint32_t value = 0;
  for (const char c : id.substr(seed_.size())) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return false;
    value = value * static_cast<std::uint32_t>(kDigits.size()) + static_cast<std::uint32_t>(digit);
  }
  n = value;
  return true;
}

}  // namespace portcullis
