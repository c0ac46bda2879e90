// SPDX-License-Identifier: Apache-2.0
#include "watchdog/takeover_time.hpp"

#include <chrono>

#include "shm/fix_scan.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kNsPerS = 1'000'000'000;
constexpr std::uint64_t kSPerDay = 86'400;
constexpr std::size_t kWholeSeconds = 17;  // "YYYYMMDD-HH:MM:SS"
constexpr int kYearMin = 1970, kYearMax = 2500;  // beyond, 64 bits of nanoseconds end

bool digits(std::string_view text, std::size_t at, std::size_t count, std::uint64_t& out) noexcept {
  return fix::number(text.substr(at, count), out);
}

bool parse_day(std::string_view text, std::uint64_t& days) noexcept {
  std::uint64_t year = 0, month = 0, day = 0;
  if (!digits(text, 0, 4, year) || !digits(text, 4, 2, month) || !digits(text, 6, 2, day)) return false;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (year < kYearMin || year > kYearMax || !date.ok()) return false;
  days = static_cast<std::uint64_t>(std::chrono::sys_days(date).time_since_epoch().count());
  return true;
}

bool parse_fraction(std::string_view text, std::uint32_t& decimals, std::uint64_t& ns) noexcept {
  ns = 0;
  decimals = 0;
  if (text.empty()) return true;
  decimals = static_cast<std::uint32_t>(text.size() - 1);
  if (text[0] != '.' || (decimals != 3 && decimals != 6 && decimals != 9)) return false;
  if (!fix::number(text.substr(1), ns)) return false;
  for (std::uint32_t i = decimals; i < 9; ++i) ns *= 10;
  return true;
}

/// `value` as `count` digits.
void put(char* at, std::uint64_t value, std::uint32_t count) noexcept {
  for (std::uint32_t i = count; i > 0; --i, value /= 10) at[i - 1] = static_cast<char>('0' + value % 10);
}

}  // namespace

bool parse_utc(std::string_view text, UtcStamp& out) noexcept {
  if (text.size() < kWholeSeconds || text[8] != '-' || text[11] != ':' || text[14] != ':') return false;
  std::uint64_t days = 0, hour = 0, minute = 0, second = 0, ns = 0;
  std::uint32_t decimals = 0;
  if (!parse_day(text, days) || !digits(text, 9, 2, hour) || !digits(text, 12, 2, minute) ||
      !digits(text, 15, 2, second) || !parse_fraction(text.substr(kWholeSeconds), decimals, ns))
    return false;
  if (hour > 23 || minute > 59 || second > 60) return false;
  out = {((days * kSPerDay + hour * 3600 + minute * 60 + second) * kNsPerS) + ns, decimals};
  return true;
}

std::size_t write_utc(const UtcStamp& stamp, std::span<char> out) noexcept {
  const std::size_t bytes = kWholeSeconds + (stamp.decimals == 0 ? 0 : 1 + stamp.decimals);
  if (out.size() < bytes || stamp.decimals > 9) return 0;
  const std::uint64_t seconds = stamp.utc_ns / kNsPerS;
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(static_cast<int>(seconds / kSPerDay)))};
  const std::uint64_t of_day = seconds % kSPerDay;
  char* at = out.data();
  put(at, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  put(at + 4, static_cast<unsigned>(date.month()), 2);
  put(at + 6, static_cast<unsigned>(date.day()), 2);
  at[8] = '-';
  put(at + 9, of_day / 3600, 2);
  at[11] = ':';
  put(at + 12, of_day / 60 % 60, 2);
  at[14] = ':';
  put(at + 15, of_day % 60, 2);
  if (stamp.decimals == 0) return bytes;
  at[17] = '.';
  std::uint64_t fraction = stamp.utc_ns % kNsPerS;
  for (std::uint32_t i = stamp.decimals; i < 9; ++i) fraction /= 10;
  put(at + 18, fraction, stamp.decimals);
  return bytes;
}

}  // namespace portcullis
