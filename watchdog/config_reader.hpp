// SPDX-License-Identifier: Apache-2.0
/// @file Reading one table of the configuration strictly. A Section reports every key of its table that
/// config_keys does not list, then hands out values: right type, right range, or one error with file, line,
/// key, value and what is allowed. After an error it returns a harmless value and the reading goes on, so
/// that all errors are found; load_config gives no configuration when there was any.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "watchdog/config_error.hpp"
#include "watchdog/config_keys.hpp"
#include "watchdog/config_node.hpp"

namespace portcullis {

/// Where errors of one file go.
struct Reading {
  std::string file;
  ConfigErrors errors;
  /// Adds "FILE:LINE: KEY: got VALUE; allowed: ALLOWED".
  void refuse(unsigned line, std::string key, std::string value, std::string allowed) {
    errors.add({file, line, std::move(key), std::move(value), std::move(allowed)});
  }
};

enum class Unlisted : std::uint8_t {
  refuse,  ///< a key that config_keys does not list is an error
  leave,   ///< the caller reads the others itself (symbols, currencies, names)
};

class Section {
 public:
  /// @param schema section name in config_keys; @param path how messages name this table
  /// @param only   when not empty: the keys of the schema that this table may have
  Section(const ConfigNode& node, std::string_view schema, std::string path, Reading& reading,
          Unlisted unlisted = Unlisted::refuse, std::initializer_list<std::string_view> only = {});

  /// A nested table by key; an empty one when it is absent, so that its missing keys are reported one by one.
  [[nodiscard]] const ConfigNode& table(std::string_view key) const;
  /// An array of tables by key; empty when it is absent.
  [[nodiscard]] std::span<const ConfigNode> tables(std::string_view key) const;

  [[nodiscard]] const ConfigNode* find(std::string_view key) const noexcept { return node_.find(key); }
  /// Absent: an error and nullptr.
  [[nodiscard]] const ConfigNode* need(std::string_view key) const;

  [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t absent) const;
  [[nodiscard]] std::int64_t needed_integer(std::string_view key) const;
  [[nodiscard]] bool boolean(std::string_view key, bool absent) const;

  using TextRule = bool (*)(std::string_view);
  [[nodiscard]] std::string text(std::string_view key, TextRule rule, std::string_view absent) const;
  [[nodiscard]] std::string needed_text(std::string_view key, TextRule rule) const;

  /// One of a list of words; `absent` when the key is not there.
  template <class Enum>
  [[nodiscard]] Enum choice(std::string_view key, std::initializer_list<std::pair<const char*, Enum>> words,
                            Enum absent) const {
    const ConfigNode* value = find(key);
    if (value == nullptr) return absent;
    for (const auto& [word, meaning] : words)
      if (value->kind == ConfigNode::Kind::text && value->text == word) return meaning;
    refuse(key, *value);
    return absent;
  }
  template <class Enum>
  [[nodiscard]] Enum needed_choice(std::string_view key,
                                   std::initializer_list<std::pair<const char*, Enum>> words) const {
    return need(key) == nullptr ? words.begin()->second : choice(key, words, words.begin()->second);
  }

  /// An error at this key with its allowed text (or another one).
  void refuse(std::string_view key, const ConfigNode& value) const;
  void refuse(std::string_view key, const ConfigNode& value, std::string allowed) const;

  [[nodiscard]] std::string path_of(std::string_view key) const;
  [[nodiscard]] const ConfigNode& node() const noexcept { return node_; }
  [[nodiscard]] Reading& reading() const noexcept { return reading_; }

 private:
  [[nodiscard]] std::string allowed(std::string_view key) const;
  [[nodiscard]] std::int64_t checked_integer(std::string_view key, const ConfigNode& value) const;

  const ConfigNode& node_;
  std::string_view schema_;
  std::string path_;
  Reading& reading_;
};

// Rules for texts.
[[nodiscard]] bool is_name(std::string_view text);      ///< 1 to 23 bytes of [A-Za-z0-9._-]
[[nodiscard]] bool is_account(std::string_view text);   ///< a user or group: name or number
[[nodiscard]] bool is_currency(std::string_view text);  ///< three capital letters
[[nodiscard]] bool is_absolute_path(std::string_view text);
[[nodiscard]] bool is_note_32(std::string_view text);  ///< printable, at most 32 bytes, may be empty
[[nodiscard]] bool is_note_60(std::string_view text);
[[nodiscard]] bool is_note_120(std::string_view text);
[[nodiscard]] bool is_reason(std::string_view text);  ///< printable, 1 to 120 bytes, not only blanks

}  // namespace portcullis
