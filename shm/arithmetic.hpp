// SPDX-License-Identifier: Apache-2.0
/// @file The pure arithmetic of the limits: the same code runs in the hook, in the supervisor and in offline
/// tools. Exact integers, 128 bits where a product needs it; an overflow is reported and the caller treats it
/// as a breach. No policy here: which limit does what when it is passed is the supervisor's configuration.
#pragma once
#include <cstdint>

namespace portcullis {

inline constexpr std::int64_t kNoLimit = INT64_MAX;  ///< a limit that is off: nothing exceeds it

/// Value of qty at px: ceil(|px_e8| * qty * num / den), in money_e4. num/den is multiplier * fx / 1e4,
/// reduced, from the instrument. False on overflow, a zero denominator or a negative quantity; out is
/// untouched then.
[[nodiscard]] inline bool notional_e4(std::int64_t px_e8, std::int64_t qty, std::uint64_t num,
                                      std::uint64_t den, std::int64_t& out) noexcept {
  if (qty < 0 || den == 0) return false;
  const std::uint64_t px =
      px_e8 < 0 ? 0 - static_cast<std::uint64_t>(px_e8) : static_cast<std::uint64_t>(px_e8);
  std::uint64_t px_qty = 0;
  std::uint64_t product = 0;
  std::uint64_t value = 0;
  if (!__builtin_mul_overflow(px, static_cast<std::uint64_t>(qty), &px_qty) &&
      !__builtin_mul_overflow(px_qty, num, &product)) {
    value = product / den + (product % den != 0 ? 1 : 0);
  } else {  // rare: more than 64 bits on the way
    unsigned __int128 wide = static_cast<unsigned __int128>(px) * static_cast<std::uint64_t>(qty);
    if (__builtin_mul_overflow(wide, static_cast<unsigned __int128>(num), &wide)) return false;
    wide = wide / den + (wide % den != 0 ? 1 : 0);
    if (wide > static_cast<unsigned __int128>(INT64_MAX)) return false;
    value = static_cast<std::uint64_t>(wide);
  }
  if (value > static_cast<std::uint64_t>(INT64_MAX)) return false;
  out = static_cast<std::int64_t>(value);
  return true;
}

/// True when px is further from the reference than bps basis points, either way. A reference of 0 or below
/// needs an instrument that allows negative prices; the distance is then taken from its absolute value, 0
/// refuses everything.
[[nodiscard]] constexpr bool beyond_collar(std::int64_t px_e8, std::int64_t reference_px_e8,
                                           std::int64_t bps) noexcept {
  if (bps == kNoLimit) return false;
  std::int64_t apart = 0;
  std::int64_t apart_scaled = 0;
  std::int64_t room = 0;
  if (reference_px_e8 > 0 && !__builtin_sub_overflow(px_e8, reference_px_e8, &apart) && apart != INT64_MIN &&
      !__builtin_mul_overflow(apart < 0 ? -apart : apart, 10'000, &apart_scaled) &&
      !__builtin_mul_overflow(reference_px_e8, bps, &room))
    return apart_scaled > room;
  const __int128 distance = static_cast<__int128>(px_e8) - reference_px_e8;  // rare: more than 64 bits
  const __int128 size = reference_px_e8 < 0 ? -static_cast<__int128>(reference_px_e8) : reference_px_e8;
  return (distance < 0 ? -distance : distance) * 10'000 > size * bps;
}

/// Distance of px from the reference in basis points, rounded up; INT64_MAX where it cannot be said.
[[nodiscard]] constexpr std::int64_t collar_bps(std::int64_t px_e8, std::int64_t reference_px_e8) noexcept {
  if (reference_px_e8 == 0) return INT64_MAX;
  __int128 distance = static_cast<__int128>(px_e8) - reference_px_e8;
  if (distance < 0) distance = -distance;
  const __int128 reference = reference_px_e8 < 0 ? -static_cast<__int128>(reference_px_e8) : reference_px_e8;
  const __int128 bps = (distance * 10'000 + reference - 1) / reference;
  return bps > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(bps);
}

/// The price that market and stop orders are valued at: |reference| plus the collar. False on overflow.
[[nodiscard]] constexpr bool collared_px_e8(std::int64_t reference_px_e8, std::int64_t bps,
                                            std::int64_t& out) noexcept {
  const __int128 reference = reference_px_e8 < 0 ? -static_cast<__int128>(reference_px_e8) : reference_px_e8;
  const __int128 px = bps == kNoLimit ? reference : reference + (reference * bps + 9'999) / 10'000;
  if (px > INT64_MAX) return false;
  out = static_cast<std::int64_t>(px);
  return true;
}

/// What one lane holds in one instrument.
struct Holding {
  std::int64_t position = 0;      ///< signed
  std::int64_t working_buy = 0;   ///< open quantity of buys, >= 0
  std::int64_t working_sell = 0;  ///< open quantity of sells, >= 0
};

/// |position| with all working orders of the worse side filled; INT64_MAX on overflow.
[[nodiscard]] constexpr std::int64_t worst_case_position(const Holding& h) noexcept {
  std::int64_t up = 0;
  std::int64_t down = 0;
  if (__builtin_add_overflow(h.position, h.working_buy, &up)) return INT64_MAX;
  if (__builtin_sub_overflow(h.position, h.working_sell, &down)) return INT64_MAX;
  if (up == INT64_MIN || down == INT64_MIN) return INT64_MAX;
  const std::int64_t long_side = up < 0 ? -up : up;
  const std::int64_t short_side = down < 0 ? -down : down;
  return long_side > short_side ? long_side : short_side;
}

/// The same on the side that a new order of qty adds to. The other side is not made worse by it.
[[nodiscard]] constexpr std::int64_t worst_case_after(const Holding& h, bool buy, std::int64_t qty) noexcept {
  std::int64_t sum = 0;
  if (buy) {
    if (__builtin_add_overflow(h.position, h.working_buy, &sum) || __builtin_add_overflow(sum, qty, &sum))
      return INT64_MAX;
    return sum;
  }
  if (__builtin_sub_overflow(h.working_sell, h.position, &sum) || __builtin_add_overflow(sum, qty, &sum))
    return INT64_MAX;
  return sum;  // negative: the order does not even flatten
}

/// True when an order truly reduces: with every working order of its side it can neither pass through flat
/// nor start from flat.
[[nodiscard]] constexpr bool truly_reduces(const Holding& h, bool buy, std::int64_t qty) noexcept {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(buy ? h.working_buy : h.working_sell, qty, &sum)) return false;
  return buy ? (h.position < 0 && sum <= -h.position) : (h.position > 0 && sum <= h.position);
}

/// One exact sliding window: at most max events in any window_ns.
struct RateWindow {
  std::uint64_t max = 0;
  std::uint64_t window_ns = 0;
};

/// An event at now passes iff the max-th last one is at least window_ns ago. nth_last_ns is that event's
/// stamp; pass recorded = number of events so far. A stamp from the future counts as now.
[[nodiscard]] constexpr bool rate_passes(const RateWindow& w, std::uint64_t recorded,
                                         std::uint64_t nth_last_ns, std::uint64_t now_ns) noexcept {
  if (w.max == 0) return false;
  return recorded < w.max || (nth_last_ns <= now_ns && now_ns - nth_last_ns >= w.window_ns);
}

/// working + filled quantity of a parent's children in basis points of the parent's quantity exceeds bps?
[[nodiscard]] constexpr bool beyond_parent(std::int64_t exposure_qty, std::int64_t parent_qty,
                                           std::int64_t bps) noexcept {
  if (bps == kNoLimit) return false;
  std::int64_t scaled = 0;
  std::int64_t bound = 0;
  if (!__builtin_mul_overflow(exposure_qty, 10'000, &scaled) &&
      !__builtin_mul_overflow(parent_qty, bps, &bound))
    return scaled > bound;
  return static_cast<__int128>(exposure_qty) * 10'000 > static_cast<__int128>(parent_qty) * bps;  // rare
}

/// The same quantity in basis points, rounded up; INT64_MAX where it cannot be said. parent_qty above 0.
[[nodiscard]] constexpr std::int64_t parent_bps(std::int64_t exposure_qty, std::int64_t parent_qty) noexcept {
  const __int128 bps = (static_cast<__int128>(exposure_qty) * 10'000 + parent_qty - 1) / parent_qty;
  return bps > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(bps);
}

}  // namespace portcullis
