// SPDX-License-Identifier: Apache-2.0
#include "watchdog/json_packets.hpp"

#include "watchdog/ledger_reader.hpp"

namespace portcullis {
namespace {

constexpr std::string_view kTail = "]}";

}  // namespace

std::string packet_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json answer_head(int exit_code) { return {{"v", 1}, {"done", true}, {"ok", true}, {"exit", exit_code}}; }

std::string hex(const std::array<std::uint8_t, 32>& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : hash) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0xFU];
  }
  return text;
}

PartWriter::PartWriter(std::vector<std::string>& packets, const char* part)
    : packets_(packets), head_(std::string(R"({"v":1,"part":")") + part + R"(","rows":[)") {}

void PartWriter::add(const Json& row) {
  std::string text = packet_text(row);
  if (head_.size() + text.size() + kTail.size() > kPacketBytesMax) text = R"({"omitted":true})";
  if (!packet_.empty() && packet_.size() + 1 + text.size() + kTail.size() > kPacketBytesMax) end();
  packet_ += packet_.empty() ? head_ : ",";
  packet_ += text;
}

void PartWriter::end() {
  if (packet_.empty()) return;
  packet_ += kTail;
  packets_.push_back(std::move(packet_));
  packet_.clear();
}

std::int64_t lane_positions(const Config& config, const Attachment& attachment, std::uint16_t lane,
                            std::vector<Json>& rows) {
  const LaneBlock& block = attachment.ledger.lane(lane);
  const std::uint32_t begin = attachment.gate.lane(lane).pair_begin;
  std::int64_t unset = 0;
  for (std::uint32_t k = 0; k < config.lanes[lane].instruments.size(); ++k) {
    const Cell& cell = attachment.ledger.cell(begin + k);
    CellReading reading;
    if (!stable_read(block, [&] { reading = read_cell(cell); })) reading = read_cell(cell);
    if (!reading.start_set) ++unset;
    const Holding& h = reading.holding;
    if (!reading.wrong && h.position == 0 && h.working_buy == 0 && h.working_sell == 0) continue;
    const auto known = [&](std::int64_t value) { return reading.wrong ? Json(nullptr) : Json(value); };
    rows.push_back({{"symbol", config.instruments[config.lanes[lane].instruments[k]].symbol},
                    {"position", known(h.position)},
                    {"working_buy", known(h.working_buy)},
                    {"working_sell", known(h.working_sell)}});
  }
  return unset;
}

}  // namespace portcullis
