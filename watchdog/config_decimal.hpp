// SPDX-License-Identifier: Apache-2.0
/// @file Exact decimals from text: money, prices, multipliers and exchange rates never pass through a double.
#pragma once
#include <cstdint>
#include <string_view>

namespace portcullis {

enum class [[nodiscard]] DecimalError : std::uint8_t{
    ok,
    syntax,    ///< not [-]digits[.digits]; no sign "+", no exponent, no separator, no blank
    decimals,  ///< more digits after the point than the unit holds (even zeros: say what you mean)
    range,     ///< does not fit a 64-bit fixed-point number
};

/// Reads `text` as a fixed-point number with `decimals` digits after the point, exactly.
/// `out` is touched only on DecimalError::ok.
DecimalError parse_decimal(std::string_view text, unsigned decimals, std::int64_t& out) noexcept;

}  // namespace portcullis
