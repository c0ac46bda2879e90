// SPDX-License-Identifier: Apache-2.0
#include "watchdog/cli/config_diff.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>

#include "watchdog/check_report.hpp"
#include "watchdog/cli/commands.hpp"
#include "watchdog/cli/json_value.hpp"

namespace portcullis::cli {
namespace {

using Kind = ConfigNode::Kind;

std::string name_in(const ConfigNode& item, std::size_t index) {
  const ConfigNode* name = item.kind == Kind::table ? item.find("name") : nullptr;
  return name != nullptr && name->kind == Kind::text ? name->text : std::to_string(index);
}

void add(const ConfigNode& node, const std::string& path, KeyValues& facts) {
  switch (node.kind) {
    case Kind::table:
      for (const auto& [key, value] : node.members) add(value, path.empty() ? key : path + "." + key, facts);
      return;
    case Kind::array:
      for (std::size_t i = 0; i < node.items.size(); ++i) add(node.items[i], path + "." + name_in(node.items[i], i), facts);
      return;
    case Kind::integer: facts[path] = std::to_string(node.integer); return;
    case Kind::boolean: facts[path] = node.boolean ? "true" : "false"; return;
    case Kind::text:
    case Kind::other: facts[path] = printable(node.text); return;
  }
}

/// A decimal as a number of 1e-8; nullopt for anything else.
std::optional<std::int64_t> as_number(const std::string& text) {
  const std::size_t point = text.find('.');
  std::string digits = text.substr(0, point);
  std::string fraction = point == std::string::npos ? "" : text.substr(point + 1);
  if (fraction.size() > 8) return std::nullopt;
  fraction.resize(8, '0');
  digits += fraction;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

bool is_limit_key(const std::string& path) {
  return path.rfind("limits.", 0) == 0 || path == "supervisor.beat_age_ms" || path == "supervisor.progress_ms" ||
         path.ends_with(".undeclared_bytes");
}

std::string judge(const Difference& one) {
  if (!is_limit_key(one.path)) return {};
  if (one.path.ends_with(".off")) return one.after.empty() ? "switched on" : one.before.empty() ? "switched off" : "";
  const auto before = as_number(one.before), after = as_number(one.after);
  if (!before || !after) return {};
  const bool window = one.path.ends_with(".per_ms");  // the same number of orders in a longer time is less
  return (*after > *before) != window ? "looser" : "tighter";
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::optional<KeyValues> facts_of(const std::string& file) {
  const LoadResult loaded = load_config(file);
  if (!loaded.config) {
    fmt::print(stderr, "{}", errors_text(loaded));
    return std::nullopt;
  }
  ConfigErrors errors;
  const auto tree = parse_toml(read_text(file), file, errors);
  if (!tree) return std::nullopt;
  KeyValues facts = flatten(*tree);
  add_instruments(read_text(loaded.config->source_files.back().path), facts);
  return facts;
}

}  // namespace

KeyValues flatten(const ConfigNode& node) {
  KeyValues facts;
  add(node, "", facts);
  return facts;
}

void add_instruments(const std::string& csv, KeyValues& facts) {
  std::istringstream in(csv);
  bool head = true;
  for (std::string line; std::getline(in, line);) {
    const std::size_t comma = line.find(',');
    if (line.empty() || line[0] == '#' || comma == std::string::npos) continue;
    if (!head) facts["instruments." + line.substr(0, comma)] = line.substr(comma + 1);
    head = false;
  }
}

std::vector<Difference> differences(const KeyValues& before, const KeyValues& after) {
  std::map<std::string, Difference> found;
  for (const auto& [path, value] : before) found[path] = {path, value, "", ""};
  for (const auto& [path, value] : after) {
    found[path].path = path;
    found[path].after = value;
  }
  std::vector<Difference> changed;
  for (auto& [path, one] : found) {
    if (one.before == one.after) continue;
    one.note = judge(one);
    changed.push_back(std::move(one));
  }
  return changed;
}

ExitCode diff_command(const std::string& before, const std::string& after, bool json) {
  const auto old_facts = facts_of(before), new_facts = facts_of(after);
  if (!old_facts || !new_facts) return ExitCode::bad_config;
  const std::vector<Difference> changed = differences(*old_facts, *new_facts);
  if (json) {
    Json rows = Json::array();
    for (const Difference& one : changed)
      rows.push_back({{"path", one.path}, {"before", one.before}, {"after", one.after}, {"note", one.note}});
    fmt::print("{}\n", dump({{"ok", true}, {"exit", 0}, {"changes", std::move(rows)}}));
    return ExitCode::ok;
  }
  const auto shown = [](const std::string& value) { return value.empty() ? std::string("-") : value; };
  for (const Difference& one : changed)
    fmt::print("{}  {} -> {}{}\n", one.path, shown(one.before), shown(one.after), one.note.empty() ? "" : "  " + one.note);
  fmt::print("{}", changed.empty() ? "no difference in meaning\n"
                                   : "A changed configuration takes effect at the next start of the supervisor; people arm again.\n");
  return ExitCode::ok;
}

}  // namespace portcullis::cli
