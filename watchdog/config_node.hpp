// SPDX-License-Identifier: Apache-2.0
/// @file The parsed configuration file as a plain tree with line numbers, between the TOML library and the
/// checks. The library is seen by one translation unit only (config_toml.cpp); everything else compiles in a
/// second and could be fed by another syntax. Members keep the order of the file, so errors come in reading
/// order.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "watchdog/config_error.hpp"

namespace portcullis {

struct ConfigNode {
  enum class Kind : std::uint8_t {
    integer,
    boolean,
    text,
    table,
    array,
    other,  ///< float, date or time: nothing in this configuration has that type
  };
  Kind kind = Kind::table;
  unsigned line = 1;
  std::int64_t integer = 0;
  bool boolean = false;
  std::string text;                                         ///< Kind::text, and how Kind::other was written
  std::vector<std::pair<std::string, ConfigNode>> members;  ///< Kind::table
  std::vector<ConfigNode> items;                            ///< Kind::array

  /// nullptr when there is no such member.
  [[nodiscard]] const ConfigNode* find(std::string_view key) const noexcept;
};

/// The value as an error message shows it: bounded, on one line, without control characters.
[[nodiscard]] std::string describe(const ConfigNode& node);
/// Text made safe for one line of a message or a table: at most 60 bytes, anything unprintable as '?'.
[[nodiscard]] std::string printable(std::string_view text);

/// nullopt with one error added when the text is not TOML 1.0.
[[nodiscard]] std::optional<ConfigNode> parse_toml(std::string_view text, const std::string& file,
                                                   ConfigErrors& errors);

}  // namespace portcullis
