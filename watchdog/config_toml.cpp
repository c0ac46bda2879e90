// SPDX-License-Identifier: Apache-2.0
/// @file The only place that sees toml++: text to ConfigNode. Header-only and without exceptions, so that
/// nothing of the library leaks out, neither its errors nor its build time.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "watchdog/config_node.hpp"

namespace portcullis {
namespace {

ConfigNode convert(const toml::node& from);

void convert_table(const toml::table& from, ConfigNode& to) {
  to.kind = ConfigNode::Kind::table;
  for (const auto& [key, value] : from) {
    ConfigNode member = convert(value);
    if (key.source().begin.line != 0 && !value.is_table()) member.line = key.source().begin.line;
    to.members.emplace_back(std::string(key.str()), std::move(member));
  }
  std::stable_sort(to.members.begin(), to.members.end(),
                   [](const auto& a, const auto& b) { return a.second.line < b.second.line; });
}

ConfigNode convert(const toml::node& from) {
  ConfigNode to;
  to.line = std::max(1U, static_cast<unsigned>(from.source().begin.line));
  if (const auto* table = from.as_table()) {
    convert_table(*table, to);
  } else if (const auto* array = from.as_array()) {
    to.kind = ConfigNode::Kind::array;
    for (const toml::node& item : *array) to.items.push_back(convert(item));
  } else if (const auto* integer = from.as_integer()) {
    to.kind = ConfigNode::Kind::integer;
    to.integer = integer->get();
  } else if (const auto* boolean = from.as_boolean()) {
    to.kind = ConfigNode::Kind::boolean;
    to.boolean = boolean->get();
  } else if (const auto* text = from.as_string()) {
    to.kind = ConfigNode::Kind::text;
    to.text = text->get();
  } else {
    to.kind = ConfigNode::Kind::other;
    std::ostringstream out;
    out << toml::node_view<const toml::node>(from);
    to.text = (from.is_floating_point() ? "the float " : "the date or time ") + out.str();
  }
  return to;
}

}  // namespace

std::optional<ConfigNode> parse_toml(std::string_view text, const std::string& file, ConfigErrors& errors) {
  const toml::parse_result result = toml::parse(text, file);
  if (!result) {
    const toml::parse_error& error = result.error();
    errors.add({file, static_cast<unsigned>(error.source().begin.line), "(syntax)",
                printable(error.description()), "TOML 1.0, each key once"});
    return std::nullopt;
  }
  return convert(result.table());
}

}  // namespace portcullis
