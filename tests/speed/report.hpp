// SPDX-License-Identifier: Apache-2.0
/// @file The figures of one run: filled by each part, printed once as a table and, on request, as one JSON
/// object.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tests/speed/samples.hpp"

namespace portcullis::speed {

/// One measured thing. supervisor says who was attached while it was measured: none, tick or spin.
struct Figure {
  std::string name;
  std::string supervisor;
  double p50 = 0, p99 = 0, p999 = 0, max = 0;  ///< ns
  std::size_t samples = 0;
  std::string what;
};

/// A promise: value must be at most target.
struct Ratio {
  std::string name;
  double value = 0;
  double target = 0;
  std::string supervisor;
};

struct Report {
  std::vector<Figure> figures;
  std::vector<Ratio> ratios;
  std::vector<Ratio> bounds;  ///< tick_cycle_us_over_empty, supervisor_rss_mib
  std::vector<std::pair<std::string, double>> facts;
  std::uint64_t seed = 0;
  int rounds = 0;

  void add(const std::string& name, const std::string& supervisor, Samples& samples, const std::string& what);
  /// A figure of which only the mean is known.
  void add_mean(const std::string& name, const std::string& supervisor, double mean_ns, std::size_t samples,
                const std::string& what);
  void ratio(const std::string& name, double value, double target, const std::string& supervisor);
  void bound(const std::string& name, double value, double target, const std::string& supervisor);
  void fact(const std::string& name, double value) { facts.emplace_back(name, value); }
};

[[nodiscard]] std::string to_text(const Report& report);
[[nodiscard]] std::string to_json(const Report& report);

}  // namespace portcullis::speed
