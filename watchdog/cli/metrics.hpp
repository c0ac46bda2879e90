// SPDX-License-Identifier: Apache-2.0
/// @file The answers to `status` as OpenMetrics text (openmetrics.io, 1.0): base units, counters end in _total, one
/// family at a time, "# EOF" last. What an answer does not say has no sample: a missing value is never 0. Pure.
#pragma once
#include <string>
#include <vector>

#include "watchdog/cli/json_value.hpp"

namespace portcullis::cli {

/// One engine of the host.
struct EngineAnswer {
  std::string engine;
  bool answered = false;  ///< the supervisor answered; `status` is its answer
  Json status = Json::object();
  Json latch = Json::object();  ///< from the file, where the supervisor does not answer; empty: not known
};

[[nodiscard]] std::string render_metrics(const std::vector<EngineAnswer>& engines);

}  // namespace portcullis::cli
