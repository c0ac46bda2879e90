// SPDX-License-Identifier: Apache-2.0
/// @file The traded things: symbol, tick, value of one price unit, reference price. Read once from a CSV file
/// that is part of the configuration's hash; the supervisor copies the table into the ledger at attach.
///
/// Money is exact: a quantity q at price p is worth ceil(|px_e8| * q * value_num / value_den) units of 1e-4
/// of the configuration's currency, where value_num / value_den = multiplier * fx / 1e4, reduced. Rounding up
/// understates nothing. Rejected: a double for multiplier or fx; a limit that is off by one cent is a limit
/// nobody can test.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "watchdog/config_error.hpp"

namespace portcullis {

inline constexpr std::size_t kMaxSymbolBytes = 23;
inline constexpr std::int64_t kMaxPriceE8 = 1'000'000'000'000'000'000;  ///< 10,000,000,000 currency units

struct Instrument {
  std::string symbol;                ///< 1 to 23 bytes of [A-Za-z0-9._/-]
  std::int64_t tick_e8 = 0;          ///< smallest price step, > 0, in 1e-8
  std::uint64_t value_num = 0;       ///< > 0
  std::uint64_t value_den = 0;       ///< > 0
  std::array<char, 4> currency{};    ///< three letters and a zero
  std::int64_t reference_px_e8 = 0;  ///< 0 = none: market and stop orders are refused
  bool allow_negative = false;       ///< whether a price below zero is a price
};

/// Currency units per one unit of a foreign currency, exact.
struct FxRate {
  std::array<char, 4> currency{};
  std::int64_t rate_e8 = 0;  ///< > 0
};

/// Reads the CSV's text. Columns: symbol,tick_size,multiplier,currency,reference_px[,allow_negative_px];
/// blank lines and lines that begin with '#' are skipped. Every bad line adds an error and no instrument.
/// @param currency the configuration's currency, its rate is 1
/// @param fx       rates for the other currencies; an instrument in a currency without a rate is an error
[[nodiscard]] std::vector<Instrument> parse_instruments(std::string_view text, const std::string& file,
                                                        std::string_view currency,
                                                        const std::vector<FxRate>& fx, ConfigErrors& errors);

}  // namespace portcullis
