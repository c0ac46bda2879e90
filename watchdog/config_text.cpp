// SPDX-License-Identifier: Apache-2.0
/// @file Texts with a structure of their own: address prefixes and times. No resolver, no locale, no time
/// zone.
#include <arpa/inet.h>

#include <chrono>

#include "watchdog/config_decimal.hpp"
#include "watchdog/config_parts.hpp"

namespace portcullis {
namespace {

/// True when every bit after the first `bits` is zero.
bool host_bits_clear(const AllowedSocket& socket) noexcept {
  const unsigned length = socket.ipv6 ? 128 : 32;
  for (unsigned bit = socket.prefix_bits; bit < length; ++bit)
    if ((socket.prefix[bit / 8] & (0x80U >> (bit % 8))) != 0) return false;
  return true;
}

/// Exactly text.size() digits.
bool digits(std::string_view text, std::int64_t& out) noexcept {
  return text.find_first_not_of("0123456789") == std::string_view::npos &&
         parse_decimal(text, 0, out) == DecimalError::ok;
}

}  // namespace

bool parse_prefix(const std::string& text, AllowedSocket& out) noexcept {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos || text.find('\0') != std::string::npos) return false;
  const std::string address = text.substr(0, slash);
  const std::string_view length = std::string_view(text).substr(slash + 1);
  AllowedSocket socket = out;
  socket.prefix = {};
  socket.ipv6 = address.find(':') != std::string::npos;
  if (inet_pton(socket.ipv6 ? AF_INET6 : AF_INET, address.c_str(), socket.prefix.data()) != 1) return false;
  std::int64_t bits = 0;
  if (length.size() > 3 || !digits(length, bits) || bits > (socket.ipv6 ? 128 : 32)) return false;
  socket.prefix_bits = static_cast<std::uint8_t>(bits);
  if (!host_bits_clear(socket)) return false;
  out = socket;
  return true;
}

bool parse_utc(std::string_view text, std::int64_t& out_ns) noexcept {
  constexpr std::string_view kForm = "0000-00-00T00:00:00Z";
  if (text.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (kForm[i] != '0' && text[i] != kForm[i]) return false;
  std::int64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!digits(text.substr(0, 4), year) || !digits(text.substr(5, 2), month) ||
      !digits(text.substr(8, 2), day) || !digits(text.substr(11, 2), hour) ||
      !digits(text.substr(14, 2), minute) || !digits(text.substr(17, 2), second))
    return false;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  // 2262 is where ns in 64 bits end
  if (!date.ok() || year < 1970 || year > 2261 || hour > 23 || minute > 59 || second > 59) return false;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  out_ns = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1'000'000'000;
  return true;
}

}  // namespace portcullis
