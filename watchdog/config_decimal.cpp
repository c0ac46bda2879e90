// SPDX-License-Identifier: Apache-2.0
/// @file See config_decimal.hpp.
#include "watchdog/config_decimal.hpp"

#include <algorithm>

namespace portcullis {
namespace {

bool all_digits(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// value = value * 10 + digit; false when that does not fit.
bool push_digit(std::int64_t& value, char digit) noexcept {
  return !__builtin_mul_overflow(value, 10, &value) && !__builtin_add_overflow(value, digit - '0', &value);
}

}  // namespace

DecimalError parse_decimal(std::string_view text, unsigned decimals, std::int64_t& out) noexcept {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? "" : text.substr(point + 1);
  if (!all_digits(whole)) return DecimalError::syntax;
  if (point != std::string_view::npos && !all_digits(fraction)) return DecimalError::syntax;
  if (fraction.size() > decimals) return DecimalError::decimals;

  std::int64_t value = 0;
  for (const char digit : whole)
    if (!push_digit(value, digit)) return DecimalError::range;
  for (unsigned i = 0; i < decimals; ++i)
    if (!push_digit(value, i < fraction.size() ? fraction[i] : '0')) return DecimalError::range;
  out = negative ? -value : value;
  return DecimalError::ok;
}

}  // namespace portcullis
