// SPDX-License-Identifier: Apache-2.0
/// @file Prices and quantities of FIX text as integers and back: px_e8 is a price times 10^8, quantities are
/// whole. No double touches money. Anything that does not fit is an error of the message, never a rounded
/// value.
#pragma once
#include <cstdint>
#include <string>

namespace portcullis {
namespace venue {

constexpr std::int64_t kPxScale = 100000000;  ///< 10^8: the exponent in px_e8

/// Reads "-12.34" as px_e8. False (out untouched) for anything else, more than 8 decimals or more than 10^10.
inline bool parse_px_e8(const std::string& text, std::int64_t& out) {
  std::size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
  const bool negative = at == 1;
  std::int64_t value = 0;
  int decimals = -1;
  bool digits = false;
  for (; at < text.size(); ++at) {
    if (text[at] == '.' && decimals < 0) {
      decimals = 0;
      continue;
    }
    if (text[at] < '0' || text[at] > '9' || value > 10000000000 * (kPxScale / 10)) return false;
    value = value * 10 + (text[at] - '0');
    digits = true;
    if (decimals >= 0 && ++decimals > 8) return false;
  }
  for (int i = decimals < 0 ? 0 : decimals; i < 8; ++i) {
    if (value > 10000000000 * (kPxScale / 10)) return false;
    value *= 10;
  }
  if (!digits) return false;
  out = negative ? -value : value;
  return true;
}

/// Writes px_e8 with as many decimals as it has: "10.05", "7".
inline std::string format_px_e8(std::int64_t px_e8) {
  const std::uint64_t value =
      px_e8 < 0 ? 0 - static_cast<std::uint64_t>(px_e8) : static_cast<std::uint64_t>(px_e8);
  std::string text = (px_e8 < 0 ? "-" : "") + std::to_string(value / kPxScale);
  std::uint64_t rest = value % kPxScale;
  if (rest == 0) return text;
  std::string decimals = std::to_string(kPxScale + rest).substr(1);
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return text + '.' + decimals;
}

/// Reads a whole quantity between 0 and 10^12 ("100", "100.0"); false for anything else.
inline bool parse_qty(const std::string& text, std::int64_t& out) {
  std::int64_t value = 0;
  std::size_t at = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    value = value * 10 + (text[at] - '0');
    if (value > 1000000000000) return false;
  }
  if (at == 0) return false;
  if (at < text.size() && text[at] == '.') ++at;
  if (text.find_first_not_of('0', at) != std::string::npos) return false;
  out = value;
  return true;
}

}  // namespace venue
}  // namespace portcullis
