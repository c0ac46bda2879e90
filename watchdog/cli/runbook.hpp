// SPDX-License-Identifier: Apache-2.0
/// @file "It tripped: now what": what a person does after a halt, in order, with the facts of that halt filled in.
/// Pure. What is not known is said as such; nothing is called cancelled that is not proven.
#pragma once
#include <string>
#include <vector>

#include "watchdog/cli/json_value.hpp"
#include "watchdog/cli/people.hpp"

namespace portcullis::cli {

struct RunbookFacts {
  std::string engine;
  bool answered = false;        ///< the supervisor answered; `status` is its answer
  Json status = Json::object();
  Json latch = Json::object();  ///< from the file, else from the answer; empty: not known
  std::vector<std::string> contact;  ///< of the venues, from the answer, the record or the configuration
};

[[nodiscard]] std::string render_runbook(const RunbookFacts& facts, NameSource names);

}  // namespace portcullis::cli
