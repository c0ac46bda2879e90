// SPDX-License-Identifier: Apache-2.0
/// @file Numbers as people on a desk read them: 5,461,200 and 1.204 s. Integer arithmetic only; a value that
/// is absent is
/// "?" and never 0.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace portcullis::cli {

/// 5461200 -> "5,461,200"
[[nodiscard]] std::string grouped(std::int64_t number);
/// Fixed point without trailing zeros: (601225000000, 8) -> "6,012.25"; decimals 0..18
[[nodiscard]] std::string decimal(std::int64_t number, int decimals, bool with_groups = true);
/// 24000 -> "24 us", 400000 -> "0.4 ms", 1204000000 -> "1.204 s"; negative values keep their sign
/// INT64_MAX, the age of a stamp from the future, -> "torn"
[[nodiscard]] std::string duration(std::int64_t ns);
/// 5467000000000 -> "01:31:07"
[[nodiscard]] std::string clock_time(std::int64_t ns);
/// +7, -2, 0
[[nodiscard]] std::string signed_number(std::int64_t number);
/// A limit's value in its unit: money_e4 and price_e8 with their decimals, ns as a duration, else grouped.
[[nodiscard]] std::string in_unit(std::int64_t number, std::string_view unit);
/// The text, or "?" when absent.
[[nodiscard]] std::string count_or_unknown(std::optional<std::int64_t> number);

}  // namespace portcullis::cli
