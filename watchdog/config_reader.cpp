// SPDX-License-Identifier: Apache-2.0
/// @file See config_reader.hpp.
#include "watchdog/config_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "watchdog/config_decimal.hpp"

namespace portcullis {
namespace {

constexpr bool is_word_byte(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

bool is_word(std::string_view text, std::size_t max) {
  return !text.empty() && text.size() <= max && std::all_of(text.begin(), text.end(), is_word_byte);
}

/// Printable ASCII, so that no message, table or terminal is disturbed by it.
bool is_note(std::string_view text, std::size_t max) {
  return text.size() <= max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

/// Absent tables are read as this one: each missing key is then reported, at line 1.
const ConfigNode& empty_table() {
  static const ConfigNode kEmpty;
  return kEmpty;
}

}  // namespace

bool is_name(std::string_view text) { return is_word(text, 23) && text != "." && text != ".."; }
bool is_note_32(std::string_view text) { return is_note(text, 32); }
bool is_note_60(std::string_view text) { return is_note(text, 60); }
bool is_note_120(std::string_view text) { return is_note(text, 120); }
bool is_reason(std::string_view text) {
  return is_note(text, 120) && text.find_first_not_of(' ') != std::string_view::npos;
}

bool is_account(std::string_view text) {
  if (!is_word(text, 32) || text.front() == '-') return false;
  if (text.find_first_not_of("0123456789") != std::string_view::npos) return true;
  constexpr std::int64_t kNoId = 4'294'967'295;  // (uid_t)-1 means "no user" to the kernel
  std::int64_t number = 0;
  return parse_decimal(text, 0, number) == DecimalError::ok && number < kNoId;
}

bool is_currency(std::string_view text) {
  return text.size() == 3 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_absolute_path(std::string_view text) {
  return text.size() > 1 && text.front() == '/' && is_note(text, 64);
}

Section::Section(const ConfigNode& node, std::string_view schema, std::string path, Reading& reading,
                 Unlisted unlisted, std::initializer_list<std::string_view> only)
    : node_(node), schema_(schema), path_(std::move(path)), reading_(reading) {
  for (const auto& [key, value] : node.members) {
    const bool listed = only.size() == 0 ? find_key(schema, key) != nullptr
                                         : std::find(only.begin(), only.end(), key) != only.end();
    if (listed || unlisted == Unlisted::leave) continue;
    std::string known;
    for (const std::string_view word : only) known += fmt::format("{}{}", known.empty() ? "" : ", ", word);
    reading.refuse(value.line, path_of(key), "an unknown key",
                   "the keys " + (only.size() == 0 ? known_keys_text(schema) : known));
  }
}

std::string Section::path_of(std::string_view key) const {
  return path_.empty() ? printable(key) : fmt::format("{}.{}", path_, printable(key));
}

std::string Section::allowed(std::string_view key) const {
  const KeySpec* spec = find_key(schema_, key);
  return spec == nullptr ? "nothing" : allowed_text(*spec);
}

void Section::refuse(std::string_view key, const ConfigNode& value) const {
  refuse(key, value, allowed(key));
}

void Section::refuse(std::string_view key, const ConfigNode& value, std::string allowed) const {
  reading_.refuse(value.line, path_of(key), describe(value), std::move(allowed));
}

const ConfigNode* Section::need(std::string_view key) const {
  const ConfigNode* value = find(key);
  if (value == nullptr) reading_.refuse(node_.line, path_of(key), "nothing", allowed(key));
  return value;
}

const ConfigNode& Section::table(std::string_view key) const {
  const ConfigNode* value = find(key);
  if (value == nullptr) return empty_table();
  if (value->kind == ConfigNode::Kind::table) return *value;
  refuse(key, *value);
  return empty_table();
}

std::span<const ConfigNode> Section::tables(std::string_view key) const {
  const ConfigNode* value = find(key);
  if (value == nullptr) return {};
  const auto is_table = [](const ConfigNode& item) { return item.kind == ConfigNode::Kind::table; };
  if (value->kind == ConfigNode::Kind::array &&
      std::all_of(value->items.begin(), value->items.end(), is_table))
    return value->items;
  refuse(key, *value);
  return {};
}

std::int64_t Section::checked_integer(std::string_view key, const ConfigNode& value) const {
  const KeySpec* spec = find_key(schema_, key);
  if (spec != nullptr && value.kind == ConfigNode::Kind::integer && value.integer >= spec->min &&
      value.integer <= spec->max)
    return value.integer;
  refuse(key, value);
  return spec == nullptr ? 0 : spec->min;
}

std::int64_t Section::integer(std::string_view key, std::int64_t absent) const {
  const ConfigNode* value = find(key);
  return value == nullptr ? absent : checked_integer(key, *value);
}

std::int64_t Section::needed_integer(std::string_view key) const {
  const ConfigNode* value = need(key);
  return value == nullptr ? 1 : checked_integer(key, *value);
}

bool Section::boolean(std::string_view key, bool absent) const {
  const ConfigNode* value = find(key);
  if (value == nullptr) return absent;
  if (value->kind != ConfigNode::Kind::boolean) refuse(key, *value);
  return value->boolean;
}

std::string Section::text(std::string_view key, TextRule rule, std::string_view absent) const {
  const ConfigNode* value = find(key);
  if (value == nullptr) return std::string(absent);
  if (value->kind == ConfigNode::Kind::text && rule(value->text)) return value->text;
  refuse(key, *value);
  return std::string(absent);
}

std::string Section::needed_text(std::string_view key, TextRule rule) const {
  return need(key) == nullptr ? std::string() : text(key, rule, "");
}

}  // namespace portcullis
