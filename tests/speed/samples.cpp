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

std::uint64_t measure_stopwatch() {
  std::vector<std::uint64_t> readings;
  readings.reserve(kStopwatchReadings);
  for (int i = 0; i < kStopwatchReadings; ++i) {
    const std::uint64_t began = ticks_begin();
    readings.push_back(ticks_end() - began);
  }
  return quantile(readings, 0.5);
}

}  // namespace

double ns_per_tick() {
  static const double value = calibrate();
  return value;
}

std::uint64_t stopwatch_ticks() {
  static const std::uint64_t value = measure_stopwatch();
  return value;
}

}  // namespace portcullis::speed
