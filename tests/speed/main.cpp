// SPDX-License-Identifier: Apache-2.0
/// @file The benchmark: every part in one run on one machine. Prints a table; with --json one object as the
/// last line. Nothing is asserted: a missed promise is printed as missed, and the exit status says only
/// whether it was measured.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <random>

#include "tests/speed/parts.hpp"

int main(int argc, char** argv) {
  using namespace portcullis::speed;
  CLI::App app{"Measures Portcullis beside bare programs and beside what is usual"};
  bool json = false;
  Plan plan;
  plan.seed = std::random_device{}();
  app.add_flag("--json", json, "print one object as the last line");
  app.add_option("--rounds", plan.rounds, "interleaved rounds of every contest")->check(CLI::Range(1, 1'000));
  app.add_option("--seed", plan.seed, "of the gaps between arrivals");
  std::string only;
  app.add_option("--only", only, "one part")
      ->check(CLI::IsMember({"gate_close", "cycle", "orders", "take_over", "operations"}));
  CLI11_PARSE(app, argc, argv);
  if (!find_processors(plan.processors)) {
    fmt::print(stderr, "bench: two processors are needed: one for the engine, one for whoever watches it\n");
    return 1;
  }
  run_on(plan.processors.engine);

  Report report;
  report.seed = plan.seed;
  report.rounds = plan.rounds;
  report.fact("stopwatch_ns", stopwatch_ns());
  report.fact("counter_step_ns", step_ns());
  const auto part = [&](const char* name, auto&& measure) {
    if (!only.empty() && only != name) return;
    fmt::print(stderr, "bench: {}\n", name);
    measure();
  };
  part("gate_close", [&] { measure_gate_close(plan, report); });
  part("cycle", [&] { measure_cycle(plan, report); });
  part("orders", [&] { measure_orders(plan, report); });
  part("take_over", [&] { measure_take_over(plan, report); });
  part("operations", [&] { measure_operations(report); });
  fmt::print("{}", to_text(report));
  if (json) fmt::print("{}\n", to_json(report));
  return 0;
}
