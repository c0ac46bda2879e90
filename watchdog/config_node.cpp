// SPDX-License-Identifier: Apache-2.0
/// @file See config_node.hpp and config_error.hpp: how values and errors read.
#include "watchdog/config_node.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace portcullis {

const ConfigNode* ConfigNode::find(std::string_view key) const noexcept {
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const auto& member) { return member.first == key; });
  return found == members.end() ? nullptr : &found->second;
}

std::string printable(std::string_view text) {
  constexpr std::size_t kShownBytes = 60;
  std::string out(text.substr(0, kShownBytes));
  for (char& c : out)
    if (c < ' ' || c > '~') c = '?';
  if (text.size() > kShownBytes) out += "...";
  return out;
}

std::string describe(const ConfigNode& node) {
  switch (node.kind) {
    case ConfigNode::Kind::integer: return fmt::format("{}", node.integer);
    case ConfigNode::Kind::boolean: return node.boolean ? "true" : "false";
    case ConfigNode::Kind::text: return fmt::format("\"{}\"", printable(node.text));
    case ConfigNode::Kind::table: return fmt::format("a table of {} keys", node.members.size());
    case ConfigNode::Kind::array: return fmt::format("a list of {}", node.items.size());
    case ConfigNode::Kind::other: return printable(node.text);
  }
  return "?";
}

std::string to_text(const ConfigError& error) {
  return fmt::format("{}:{}: {}: got {}; allowed: {}", error.file, error.line, error.key, error.value,
                     error.allowed);
}

}  // namespace portcullis
