// SPDX-License-Identifier: Apache-2.0
/// @file Finds whole FIX messages and their fields in a piece of a byte stream: 8=FIX..., 9=BodyLength, body,
/// 10=CheckSum (FIX 4.x and FIXT, tag=value encoding). Pure, bounded by the bytes given, reads every byte
/// once, copies nothing, trusts no length. Used by the hook on what an engine writes and by the supervisor on
/// what a venue answers. A message is whole only if BodyLength leads exactly to 10=ddd<SOH>. The CheckSum is
/// not added up here. Not seen: a SOH inside a data field (RawData, 96) splits it; what follows reads as
/// fields of its own.
#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

namespace portcullis {

inline constexpr char kSoh = '\x01';

/// One whole message inside the bytes given: [begin, end), its fields from body_begin to body_end.
struct FixMessage {
  std::size_t begin = 0, end = 0;
  std::size_t body_begin = 0, body_end = 0;  ///< behind 9=...; up to 10=
};

enum class FixFound : std::uint8_t {
  message,     ///< a whole one
  incomplete,  ///< the bytes end inside what may become one
  garbage,     ///< no message starts here
};

/// One field; tag 0 is none.
struct FixField {
  std::uint32_t tag = 0;
  std::string_view value;
};

namespace fix {

/// Unsigned decimal; false for an empty, overlong or non-digit text.
[[nodiscard]] inline bool number(std::string_view text, std::uint64_t& out) noexcept {
  if (text.empty() || text.size() > 18) return false;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  out = value;
  return true;
}

/// The field at `at`; moves `at` behind its SOH. Tag 0 where no well-formed field ends before `end`.
[[nodiscard]] inline FixField next_field(std::string_view bytes, std::size_t& at, std::size_t end) noexcept {
  std::uint32_t tag = 0;
  std::size_t p = at;
  while (p < end && p - at < 9 && bytes[p] >= '0' && bytes[p] <= '9')
    tag = tag * 10 + static_cast<std::uint32_t>(bytes[p++] - '0');
  if (p == at || p >= end || bytes[p] != '=') return {};
  const std::size_t begin = p + 1;
  const void* soh = begin < end ? std::memchr(bytes.data() + begin, kSoh, end - begin) : nullptr;
  if (soh == nullptr) return {};
  const auto stop = static_cast<std::size_t>(static_cast<const char*>(soh) - bytes.data());
  at = stop + 1;
  return {tag, bytes.substr(begin, stop - begin)};
}

/// True for a MsgType (35) that puts a new order into the market: D single, E list, AB multileg, G replace, s
/// cross.
[[nodiscard]] inline bool new_order(std::string_view type) noexcept {
  return type == "D" || type == "G" || type == "E" || type == "AB" || type == "s";
}

}  // namespace fix

/// The message that starts at `at`.
[[nodiscard]] inline FixFound find_fix_message(std::string_view bytes, std::size_t at,
                                               FixMessage& out) noexcept {
  constexpr std::string_view kStart = "8=FIX";
  constexpr std::size_t kHeadMax = 32;      // 8=FIXT.1.1<SOH>9=ddddddddd<SOH>
  constexpr std::size_t kTrailerBytes = 7;  // 10=ddd<SOH>
  if (at >= bytes.size()) return FixFound::incomplete;
  const std::string_view rest = bytes.substr(at);
  if (rest.substr(0, kStart.size()) != kStart.substr(0, rest.size())) return FixFound::garbage;
  std::size_t p = at;
  const std::size_t head_end = rest.size() < kHeadMax ? bytes.size() : at + kHeadMax;
  const FixFound unfinished = rest.size() < kHeadMax ? FixFound::incomplete : FixFound::garbage;
  if (fix::next_field(bytes, p, head_end).tag != 8) return unfinished;
  const FixField length = fix::next_field(bytes, p, head_end);
  std::uint64_t body = 0;
  if (length.tag == 0) return unfinished;
  if (length.tag != 9 || !fix::number(length.value, body)) return FixFound::garbage;
  if (body > bytes.size() - p || bytes.size() - p - body < kTrailerBytes) return FixFound::incomplete;
  const std::string_view trailer = bytes.substr(p + body, kTrailerBytes);
  std::uint64_t sum = 0;
  const bool whole = trailer.substr(0, 3) == "10=" && fix::number(trailer.substr(3, 3), sum) &&
                     trailer[6] == kSoh && (body == 0 || bytes[p + body - 1] == kSoh);
  if (!whole) return FixFound::garbage;
  out = {at, p + body + kTrailerBytes, p, p + body};
  return FixFound::message;
}

}  // namespace portcullis
