// SPDX-License-Identifier: Apache-2.0
/// @file Where FIX messages begin and end in a stream of bytes, and what one field of a message says.
/// The venue's edge and the reader of its log use the same code, so both name the same offsets. The framing
/// is that of QuickFIX 1.15.1's own parser, so that a garbled message is dropped by this venue exactly where
/// a real acceptor would drop it: "8=", BodyLength (9), then the first "10=" at or after the declared end. A
/// wrong CheckSum (10) is still a frame; `checksum_ok` says so. Header-only and C++14: the QuickFIX side
/// cannot be compiled as anything newer. Does not judge the contents: a frame may lack any field.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace portcullis {
namespace venue {

/// Result of looking for one message at the start of a buffer.
struct Frame {
  enum class Kind : std::uint8_t {
    incomplete,  ///< more bytes are needed; nothing can be dropped yet
    message,     ///< a message stands at [begin, end)
    garbage,     ///< [0, end) can never become a message: drop it
  };
  Kind kind;
  std::size_t begin;  ///< first byte of "8="; bytes before it are garbage
  std::size_t end;    ///< one past the last byte
};

namespace detail {
inline std::size_t find(const char* data, std::size_t size, std::size_t from, const char* what,
                        std::size_t what_size) {
  if (from >= size) return size;
  return static_cast<std::size_t>(std::search(data + from, data + size, what, what + what_size) - data);
}
}  // namespace detail

/// Longest BodyLength (9) that is believed; a longer one is garbage, so a hostile length cannot stall the
/// stream.
constexpr std::size_t kMaxBodyBytes = 1U << 20;

/// The first message in [data, data + size).
inline Frame next_frame(const char* data, std::size_t size) {
  const std::size_t begin = detail::find(data, size, 0, "8=", 2);
  if (begin == size) return {Frame::Kind::incomplete, size, size};
  const std::size_t length_tag = detail::find(data, size, begin, "\0019=", 3);
  if (length_tag == size) return {Frame::Kind::incomplete, begin, size};
  std::size_t at = length_tag + 3;
  std::size_t length = 0;
  for (; at < size && data[at] >= '0' && data[at] <= '9' && length <= kMaxBodyBytes; ++at)
    length = length * 10 + static_cast<std::size_t>(data[at] - '0');
  if (at == size && length <= kMaxBodyBytes) return {Frame::Kind::incomplete, begin, size};
  if (at == length_tag + 3 || length > kMaxBodyBytes || data[at] != '\001')
    return {Frame::Kind::garbage, begin, size};
  if (size - at <= length) return {Frame::Kind::incomplete, begin, size};
  const std::size_t trailer = detail::find(data, size, at + length, "\00110=", 4);
  if (trailer == size) return {Frame::Kind::incomplete, begin, size};
  const std::size_t last = detail::find(data, size, trailer + 4, "\001", 1);
  if (last == size) return {Frame::Kind::incomplete, begin, size};
  return {Frame::Kind::message, begin, last + 1};
}

/// The value of the first field `tag`; false when there is none. `out` is untouched then.
inline bool find_field(const char* message, std::size_t size, int tag, std::string& out) {
  const std::string key = std::string(1, '\001') + std::to_string(tag) + "=";
  const std::size_t at = detail::find(message, size, 0, key.data(), key.size());
  if (at == size) return false;
  const std::size_t value = at + key.size();
  const std::size_t end = detail::find(message, size, value, "\001", 1);
  out.assign(message + value, end - value);
  return true;
}

/// Whether PossDupFlag (43) says Y.
inline bool is_poss_dup(const std::string& message) {
  std::string flag;
  return find_field(message.data(), message.size(), 43, flag) && flag == "Y";
}

/// Whether this MsgType (35) belongs to the session rather than to the application; an empty one does.
inline bool is_admin(const std::string& type) {
  return type.empty() || (type.size() == 1 && std::strchr("012345A", type[0]) != nullptr);
}

/// Sum of all bytes modulo 256, as CheckSum (10) wants it.
inline unsigned checksum(const char* data, std::size_t size) {
  unsigned sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += static_cast<unsigned char>(data[i]);
  return sum % 256;
}

/// Whether BodyLength (9) and CheckSum (10) of one whole frame are both right.
inline bool checksum_ok(const char* message, std::size_t size) {
  const std::size_t length_tag = detail::find(message, size, 0, "\0019=", 3);
  const std::size_t body = detail::find(message, size, std::min(size, length_tag + 3), "\001", 1) + 1;
  std::string length;
  if (size < 8 || body >= size || !find_field(message, size, 9, length)) return false;
  const std::size_t trailer = size - 7;  // "10=nnn" and its SOH
  if (std::memcmp(message + trailer, "10=", 3) != 0 || std::to_string(trailer - body) != length) return false;
  const std::string digits(message + trailer + 3, 3);
  return std::to_string(1000 + checksum(message, trailer)).substr(1) == digits;
}

}  // namespace venue
}  // namespace portcullis
