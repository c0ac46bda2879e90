// SPDX-License-Identifier: Apache-2.0
/// @file How answers become packets: long lists are cut into parts while they are written, so that a list of
/// ten thousand rows is never held as a document. Internal to status_json and halt_json.
#pragma once
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "watchdog/board.hpp"
#include "watchdog/halt_report.hpp"

namespace portcullis {

using Json = nlohmann::json;

inline constexpr std::size_t kPacketBytesMax = 60'000;

/// Text of one packet; bytes that are not UTF-8 are replaced, never thrown about.
[[nodiscard]] std::string packet_text(const Json& json);
/// {"v":1,"done":true,"ok":true,"exit":exit_code}
[[nodiscard]] Json answer_head(int exit_code);
/// All digits of a hash.
[[nodiscard]] std::string hex(const std::array<std::uint8_t, 32>& hash);
/// JSON numbers of this protocol stay below 2^63.
[[nodiscard]] constexpr std::int64_t clamped(std::uint64_t value) noexcept {
  return value > static_cast<std::uint64_t>(INT64_MAX) ? INT64_MAX : static_cast<std::int64_t>(value);
}

/// Writes rows into packets {"v":1,"part":PART,"rows":[...]}.
class PartWriter {
 public:
  PartWriter(std::vector<std::string>& packets, const char* part);
  /// A row that no packet could hold is replaced by {"omitted":true}.
  void add(const Json& row);
  /// Finishes the last packet; nothing is written where there was no row.
  void end();

 private:
  std::vector<std::string>& packets_;
  std::string head_;
  std::string packet_;
};

/// Adds a lane's positions that are not flat (or cannot be read) to `rows`; returns how many start positions
/// nobody stated.
std::int64_t lane_positions(const Config& config, const Attachment& attachment, std::uint16_t lane,
                            std::vector<Json>& rows);

/// The halt object of both answers; its orders and positions go to `packets` in parts "halt.orders" and
/// "halt.positions".
[[nodiscard]] Json halt_json(const HaltReport& halt, const Config& config, const Attachment* attachment,
                             std::vector<std::string>& packets);

}  // namespace portcullis
