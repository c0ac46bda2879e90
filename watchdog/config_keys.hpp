// SPDX-License-Identifier: Apache-2.0
/// @file Every key the configuration knows, as one table: the reader accepts nothing else, takes ranges and
/// error texts from here, and the tests walk it to see that the man page and the commented example show each
/// key. Rejected: a range beside each read. A key that is read but not listed, or listed but not read, is
/// then invisible.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace portcullis {

/// What a key holds, as far as the reader checks it by itself.
enum class KeyType : std::uint8_t {
  integer,  ///< from min to max
  boolean,
  text,   ///< further rules in `allowed`, checked where it is read
  table,  ///< a table or an array of tables
  limit,  ///< a limit's value in one of its shapes
};

struct KeySpec {
  std::string_view section;  ///< "" = top level; "limit" = the tables a limit's value is written in
  std::string_view key;
  KeyType type = KeyType::integer;
  std::int64_t min = 0;  ///< also of limits that hold an integer
  std::int64_t max = 0;
  std::string_view allowed;  ///< integers: the unit; others: the whole text
};

inline constexpr std::int64_t kMaxQuantity = 1'000'000'000'000;  ///< contracts, shares
inline constexpr std::int64_t kMaxMoney = 10'000'000'000'000;    ///< currency units
inline constexpr std::int64_t kMaxMoneyE4 = kMaxMoney * 10'000;
inline constexpr std::int64_t kMaxRateRing = 262'144;  ///< orders in one window

/// All keys, section by section.
[[nodiscard]] std::span<const KeySpec> config_keys() noexcept;
/// nullptr when the section has no such key.
[[nodiscard]] const KeySpec* find_key(std::string_view section, std::string_view key) noexcept;
/// The text after "allowed:" for this key.
[[nodiscard]] std::string allowed_text(const KeySpec& spec);
/// The text after "allowed:" for an unknown key of this section.
[[nodiscard]] std::string known_keys_text(std::string_view section);

}  // namespace portcullis
