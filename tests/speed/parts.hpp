// SPDX-License-Identifier: Apache-2.0
/// @file The parts of the benchmark: each fills its figures, ratios and bounds into the report.
#pragma once
#include "tests/speed/places.hpp"
#include "tests/speed/report.hpp"

namespace portcullis::speed {

struct Plan {
  int rounds = 60;
  std::uint64_t seed = 0;
  Processors processors;
};

/// submit_p50_over_bare and lifecycle_over_quickfix_order under a real supervisor in tick mode, its resident
/// memory, and the same under a spinning one.
void measure_orders(const Plan& plan, Report& report);
/// gate_close_p50_over_bare and gate_close_over_sigstop.
void measure_gate_close(const Plan& plan, Report& report);
/// takeover_over_bare, and how it grows with the number of orders.
void measure_take_over(const Plan& plan, Report& report);
/// tick_cycle_us_over_empty.
void measure_cycle(const Plan& plan, Report& report);
/// Single operations, by Google Benchmark.
void measure_operations(Report& report);

}  // namespace portcullis::speed
