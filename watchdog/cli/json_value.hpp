// SPDX-License-Identifier: Apache-2.0
/// @file Reading JSON that somebody else wrote: absent, of another type and absurd are one case, and never an
/// exception. Text is made printable here, once, so that no name in an answer can move an operator's cursor.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace portcullis::cli {

using Json = nlohmann::json;

inline constexpr int kMaxJsonDepth = 32;                ///< deeper is garbage (dump and destructor recurse)
inline constexpr std::size_t kMaxPrintableBytes = 512;  ///< longer texts are cut

/// An object; nullopt for anything else, for nesting beyond kMaxJsonDepth, for bytes behind it.
[[nodiscard]] std::optional<Json> parse_object(std::string_view text);

/// One line, invalid UTF-8 replaced.
[[nodiscard]] std::string dump(const Json& value);

/// The text at `key`, printable; empty if absent or no text.
[[nodiscard]] std::string text_of(const Json& object, const char* key);
/// The whole number at `key`; nullopt if absent, no whole number, or outside the 64 bits.
[[nodiscard]] std::optional<std::int64_t> number_of(const Json& object, const char* key);
/// True only if `key` holds true.
[[nodiscard]] bool flag_of(const Json& object, const char* key);
/// The object or array at `key`; an empty one if absent or of another type.
[[nodiscard]] const Json& object_of(const Json& object, const char* key);
[[nodiscard]] const Json& array_of(const Json& object, const char* key);

/// Control characters (C0, DEL, C1) and bytes that are no UTF-8 become '?'; cut at kMaxPrintableBytes.
[[nodiscard]] std::string printable(std::string_view text);
/// At most so many bytes of a printable text, never half a character.
[[nodiscard]] std::string cut(const std::string& text, std::size_t max_bytes);

}  // namespace portcullis::cli
