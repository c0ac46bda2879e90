// SPDX-License-Identifier: Apache-2.0
#include "watchdog/cli/figures.hpp"

#include <fmt/format.h>

namespace portcullis::cli {
namespace {

constexpr std::uint64_t kThousand = 1'000;
constexpr std::uint64_t kMillion = 1'000'000;
constexpr std::uint64_t kBillion = 1'000'000'000;

std::uint64_t magnitude(std::int64_t number) {
  return number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
}

std::string grouped_magnitude(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t end = digits.size(); end > 3; end -= 3) digits.insert(end - 3, 1, ',');
  return digits;
}

/// Three digits behind the point, trailing zeros cut.
std::string with_fraction(std::uint64_t number, std::uint64_t unit) {
  const std::uint64_t thousandths = number % unit / (unit / kThousand);
  std::string text = fmt::format("{}.{:03}", number / unit, thousandths);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

std::string grouped(std::int64_t number) {
  return (number < 0 ? "-" : "") + grouped_magnitude(magnitude(number));
}

std::string decimal(std::int64_t number, int decimals, bool with_groups) {
  std::uint64_t unit = 1;
  for (int i = 0; i < decimals; ++i) unit *= 10;
  const std::uint64_t whole = magnitude(number) / unit;
  std::string text =
      (number < 0 ? "-" : "") + (with_groups ? grouped_magnitude(whole) : std::to_string(whole));
  std::string fraction = decimals == 0 ? "" : fmt::format("{:0{}}", magnitude(number) % unit, decimals);
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  return fraction.empty() ? text : text + "." + fraction;
}

std::string duration(std::int64_t ns) {
  if (ns == INT64_MAX) return "torn";
  const std::uint64_t size = magnitude(ns);
  const std::string sign = ns < 0 ? "-" : "";
  if (size < kThousand) return fmt::format("{}{} ns", sign, size);
  if (size < 100 * kThousand) return fmt::format("{}{} us", sign, size / kThousand);
  if (size < kBillion) {
    const std::uint64_t coarse =
        size < 10 * kMillion ? size / (100 * kThousand) * (100 * kThousand) : size / kMillion * kMillion;
    return fmt::format("{}{} ms", sign, with_fraction(coarse, kMillion));
  }
  return fmt::format("{}{} s", sign, with_fraction(size, kBillion));
}

std::string clock_time(std::int64_t ns) {
  if (ns < 0) return "?";
  const std::uint64_t seconds = magnitude(ns) / kBillion;
  return fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string signed_number(std::int64_t number) { return (number > 0 ? "+" : "") + grouped(number); }

std::string in_unit(std::int64_t number, std::string_view unit) {
  if (unit == "money_e4") return decimal(number, 4);
  if (unit == "price_e8") return decimal(number, 8);
  if (unit == "ns") return duration(number);
  return grouped(number);
}

std::string count_or_unknown(std::optional<std::int64_t> number) { return number ? grouped(*number) : "?"; }

}  // namespace portcullis::cli
