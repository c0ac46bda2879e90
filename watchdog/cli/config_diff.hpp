// SPDX-License-Identifier: Apache-2.0
/// @file What changes between two configurations: every key by its path, limits judged as tighter or looser. Works on
/// the files' own words, so that a key which was added or left out shows as such. Pure but for reading the files.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "watchdog/config_node.hpp"

namespace portcullis::cli {

/// "limits.lane.es-quoter.order_qty" -> "10". Lists of tables are named by their `name`, others by their number.
using KeyValues = std::map<std::string, std::string>;
[[nodiscard]] KeyValues flatten(const ConfigNode& node);
/// Each line of an instruments file by its symbol: "instruments.ESZ6" -> the rest of the line.
void add_instruments(const std::string& csv, KeyValues& facts);

struct Difference {
  std::string path;
  std::string before;  ///< empty: it was not there
  std::string after;   ///< empty: it is gone
  std::string note;    ///< "tighter", "looser", "switched off", "switched on" or empty
};
[[nodiscard]] std::vector<Difference> differences(const KeyValues& before, const KeyValues& after);

}  // namespace portcullis::cli
