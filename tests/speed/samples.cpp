// SPDX-License-Identifier: Apache-2.0
#include "tests/speed/samples.hpp"

namespace portcullis::speed {
namespace {

constexpr std::uint64_t kCalibrationNs = 100'000'000;
constexpr int kStopwatchReadings = 20'001;

double calibrate() {
  const std::uint64_t began_ns = monotonic_now_ns();
  const std::uint64_t began = ticks_begin();
  spin_for_ns(kCalibrationNs);
  const std::uint64_t ended = ticks_end();
  return static_cast<double>(monotonic_now_ns() - began_ns) / static_cast<double>(ended - began);
}

std::vector<std::uint64_t> empty_readings() {
  std::vector<std::uint64_t> readings;
  readings.reserve(kStopwatchReadings);
  for (int i = 0; i < kStopwatchReadings; ++i) {
    const std::uint64_t began = ticks_begin();
    readings.push_back(ticks_end() - began);
  }
  return readings;
}

double measure_stopwatch() {
  std::vector<double> readings;
  for (const std::uint64_t ticks : empty_readings())
    readings.push_back(static_cast<double>(ticks) * ns_per_tick());
  return stepped_median(readings);
}

/// Readings lie on multiples of the step: the smallest difference between two that differ by more than a
/// counter that runs at another pace than its ticks is rounded.
double measure_step() {
  constexpr std::uint64_t kRoundingTicks = 2;
  std::vector<std::uint64_t> readings = empty_readings();
  std::sort(readings.begin(), readings.end());
  std::uint64_t step = UINT64_MAX;
  for (std::size_t i = 1; i < readings.size(); ++i)
    if (const std::uint64_t apart = readings[i] - readings[i - 1]; apart > kRoundingTicks)
      step = std::min(step, apart);
  return step == UINT64_MAX ? 0 : static_cast<double>(step) * ns_per_tick();
}

}  // namespace

double ns_per_tick() {
  static const double value = calibrate();
  return value;
}

double step_ns() {
  static const double value = measure_step();
  return value;
}

double stopwatch_ns() {
  static const double value = measure_stopwatch();
  return value;
}

double stepped_median(std::vector<double>& values) {
  const double median = quantile(values, 0.5);
  const double half = step_ns() / 2;
  const auto below = std::count_if(values.begin(), values.end(), [&](double v) { return v < median - half; });
  const auto inside =
      std::count_if(values.begin(), values.end(), [&](double v) { return std::abs(v - median) <= half; });
  if (inside == 0) return median;
  const double wanted = static_cast<double>(values.size()) / 2 - static_cast<double>(below);
  return median - half + 2 * half * wanted / static_cast<double>(inside);
}

}  // namespace portcullis::speed
