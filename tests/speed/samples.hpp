// SPDX-License-Identifier: Apache-2.0
/// @file What every figure is made of: a stopwatch on the processor's own counter, random gaps between
/// arrivals, and quantiles. A stopwatch reading costs about as much as a small submit, so its own median is
/// measured in the same run and taken off every sample, ours and bare alike: that makes a ratio larger, never
/// smaller. Not claimed: anything beyond p99.9, which on a shared machine is the host's.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "shm/clock.hpp"

namespace portcullis::speed {

/// Counter before a measured region: nothing earlier is still running, nothing later has begun.
inline std::uint64_t ticks_begin() noexcept {
#if defined(__x86_64__)
  _mm_lfence();
  const std::uint64_t now = __rdtsc();
  _mm_lfence();
  return now;
#else
  return monotonic_now_ns();
#endif
}
/// Counter behind a measured region.
inline std::uint64_t ticks_end() noexcept {
#if defined(__x86_64__)
  unsigned processor = 0;
  const std::uint64_t now = __rdtscp(&processor);
  _mm_lfence();
  return now;
#else
  return monotonic_now_ns();
#endif
}

/// Nanoseconds per tick, compared with CLOCK_MONOTONIC over 100 ms at first use.
[[nodiscard]] double ns_per_tick();
/// The smallest step in which the counter advances.
[[nodiscard]] double step_ns();
/// Median cost of ticks_begin and ticks_end with nothing between them, at first use.
[[nodiscard]] double stopwatch_ns();

/// xorshift64* (Marsaglia, Vigna): gaps must not repeat with the cycle of whoever watches.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed | 1U) {}
  std::uint64_t next() noexcept {
    state_ ^= state_ >> 12U;
    state_ ^= state_ << 25U;
    state_ ^= state_ >> 27U;
    return state_ * 0x2545F4914F6CDD1DULL;
  }
  /// An exponentially distributed gap.
  std::uint64_t gap_ns(double mean_ns) noexcept {
    const double u = (static_cast<double>(next() >> 11U) + 1.0) * 0x1.0p-53;
    return static_cast<std::uint64_t>(-std::log(u) * mean_ns);
  }

 private:
  std::uint64_t state_;
};

/// Burns the processor until the gap is over, as an engine does that polls its feed.
inline void spin_for_ns(std::uint64_t gap_ns) noexcept {
  const std::uint64_t until_ns = monotonic_now_ns() + gap_ns;
  while (monotonic_now_ns() < until_ns) {
  }
}

/// The q-quantile of values; reorders them. 0 for none.
template <typename T>
[[nodiscard]] T quantile(std::vector<T>& values, double q) {
  if (values.empty()) return T{};
  const auto at =
      std::min(values.size() - 1, static_cast<std::size_t>(q * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

/// The median of values that come in steps, as a virtual machine's counter does (10 ns here): the step that
/// holds it is taken as evenly filled. A plain median would jump by a whole step, a third of a bare submit.
[[nodiscard]] double stepped_median(std::vector<double>& values);

/// All samples of one contestant, in ns without the stopwatch, and its median of every round.
class Samples {
 public:
  void begin_round() { round_.clear(); }
  void add_ticks(std::uint64_t ticks, std::uint64_t readings = 1) {
    add_ns(static_cast<double>(ticks) * ns_per_tick() - stopwatch_ns() * static_cast<double>(readings));
  }
  void add_ns(double ns) {
    round_.push_back(ns);
    all_.push_back(ns);
  }
  void end_round() { round_p50_.push_back(stepped_median(round_)); }

  [[nodiscard]] std::vector<double>& all() noexcept { return all_; }
  [[nodiscard]] const std::vector<double>& round_p50() const noexcept { return round_p50_; }

 private:
  std::vector<double> round_, all_, round_p50_;
};

/// Median over the rounds of ours / theirs, each pair measured one right after the other.
[[nodiscard]] inline double median_ratio(const Samples& ours, const Samples& theirs) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(ours.round_p50().size(), theirs.round_p50().size()); ++i)
    if (theirs.round_p50()[i] > 0) ratios.push_back(ours.round_p50()[i] / theirs.round_p50()[i]);
  return quantile(ratios, 0.5);
}
/// Median over the rounds of ours - theirs.
[[nodiscard]] inline double median_difference(const Samples& ours, const Samples& theirs) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < std::min(ours.round_p50().size(), theirs.round_p50().size()); ++i)
    differences.push_back(ours.round_p50()[i] - theirs.round_p50()[i]);
  return quantile(differences, 0.5);
}

}  // namespace portcullis::speed
