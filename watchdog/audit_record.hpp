// SPDX-License-Identifier: Apache-2.0
/// @file One audit record as text: written by Audit, read by audit_verify. Both sides live here so that they
/// cannot drift. The text is canonical (fixed order of keys, no spaces, ASCII): there is one line for one
/// event. A quote inside a value is always escaped, so `{"seq":` can only be the beginning of a record; that
/// is what makes a record findable behind the remains of a torn one.
#pragma once
#include <array>
#include <cstddef>
#include <string_view>

#include "watchdog/audit.hpp"

namespace portcullis::detail {

inline constexpr std::string_view kRecordStart = "{\"seq\":";
using AuditLine = std::array<char, kAuditRecordBytes>;

/// Writes the record that follows `prev` into `line`, line end included. Returns its length and sets `next`
/// to the head after it. Fields that do not fit are counted in "dropped".
std::size_t format_record(const AuditEvent& event, std::string_view engine, const AuditHead& prev,
                          AuditLine& line, AuditHead& next) noexcept;

/// What a line says about its place in the chain.
struct ParsedRecord {
  std::uint64_t seq = 0;
  AuditHash prev{};
  AuditHash hash{};              ///< as written in the line
  std::string_view body;         ///< what the hash covers
  bool is_seal = false;          ///< event torn_tail
  std::uint64_t torn_bytes = 0;  ///< of a seal: what it says it follows
  AuditHash torn_hash{};
};

/// Reads a line (without its end). False if it is no record.
[[nodiscard]] bool parse_record(std::string_view line, ParsedRecord& out) noexcept;

/// BLAKE2b-256(prev || body).
[[nodiscard]] AuditHash chain_hash(const AuditHash& prev, std::string_view body) noexcept;

/// Lower-case hex of a hash.
[[nodiscard]] std::array<char, 64> hash_hex(const AuditHash& hash) noexcept;
/// Reads exactly 64 lower-case hex digits.
[[nodiscard]] bool read_hash(std::string_view hex, AuditHash& out) noexcept;
/// Reads a decimal number from the front of `text` and removes it.
[[nodiscard]] bool take_number(std::string_view& text, std::uint64_t& out) noexcept;

}  // namespace portcullis::detail
