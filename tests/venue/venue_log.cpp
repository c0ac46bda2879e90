// SPDX-License-Identifier: Apache-2.0
/// @file Reading of the venue's log.
#include "tests/venue/venue_log.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/venue/fix_scan.hpp"

namespace portcullis::venue {
namespace {

std::int64_t number_or(std::string_view text, std::int64_t fallback) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : fallback;
}

void take_field(VenueMessage& message, std::string_view tag, std::string_view value) {
  if (tag == "35") message.type = value;
  if (tag == "34") message.seq_num = number_or(value, -1);
  if (tag == "11") message.cl_ord_id = value;
  if (tag == "41") message.orig_cl_ord_id = value;
  if (tag == "55") message.symbol = value;
  if (tag == "38") message.order_qty = number_or(value, -1);
  if (tag == "54" && value.size() == 1) message.side = value[0];
  if (tag == "43") message.poss_dup = value == "Y";
}

void take_fields(VenueMessage& message, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\001'), text.size());
    const std::string_view field = text.substr(0, end);
    const std::size_t equals = field.find('=');
    if (equals != std::string_view::npos)
      take_field(message, field.substr(0, equals), field.substr(equals + 1));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

VenueConnection read_connection(const std::filesystem::path& bytes_path, unsigned number) {
  VenueConnection connection;
  connection.number = number;
  connection.bytes = slurp(bytes_path);
  std::istringstream index(slurp(std::filesystem::path(bytes_path).replace_extension(".index")));
  for (VenueRead read; index >> read.offset >> read.size_bytes >> read.time_ns;)
    connection.reads.push_back(read);
  connection.messages = parse_messages(connection.bytes);
  auto read = connection.reads.begin();
  for (VenueMessage& message : connection.messages) {
    while (read != connection.reads.end() && read->offset + read->size_bytes < message.end) ++read;
    if (read != connection.reads.end()) message.time_ns = read->time_ns;
  }
  if (!connection.messages.empty()) {
    const VenueMessage& first = connection.messages.front();
    (void)find_field(connection.bytes.data() + first.offset, first.end - first.offset, 49,
                     connection.session);
  }
  return connection;
}

}  // namespace

std::vector<VenueMessage> parse_messages(std::string_view bytes) {
  std::vector<VenueMessage> messages;
  for (std::size_t at = 0; at < bytes.size();) {
    const Frame frame = next_frame(bytes.data() + at, bytes.size() - at);
    if (frame.kind == Frame::Kind::incomplete) break;
    if (frame.kind == Frame::Kind::message) {
      VenueMessage message;
      message.offset = at + frame.begin;
      message.end = at + frame.end;
      const std::string_view text = bytes.substr(message.offset, message.end - message.offset);
      message.intact = checksum_ok(text.data(), text.size());
      take_fields(message, text);
      messages.push_back(std::move(message));
    }
    at += frame.end;
  }
  return messages;
}

VenueLog VenueLog::read(const std::string& dir) {
  VenueLog log;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("conn-") || !name.ends_with(".bytes")) continue;
    const std::int64_t number = number_or(std::string_view(name).substr(5, name.size() - 11), -1);
    if (number >= 0) log.connections.push_back(read_connection(entry.path(), static_cast<unsigned>(number)));
  }
  std::sort(log.connections.begin(), log.connections.end(),
            [](const VenueConnection& a, const VenueConnection& b) { return a.number < b.number; });
  std::ifstream events(std::filesystem::path(dir) / "events.jsonl");
  for (std::string line; std::getline(events, line);) {
    VenueEvent event;
    if (parse_event(line, event)) log.events.push_back(std::move(event));
  }
  return log;
}

std::vector<const VenueConnection*> VenueLog::of_session(std::string_view session) const {
  std::vector<const VenueConnection*> found;
  for (const VenueConnection& connection : connections)
    if (connection.session == session) found.push_back(&connection);
  return found;
}

std::vector<const VenueEvent*> VenueLog::all(std::string_view event, std::string_view session) const {
  std::vector<const VenueEvent*> found;
  for (const VenueEvent& one : events)
    if (one.event == event && (session.empty() || one.session == session)) found.push_back(&one);
  return found;
}

}  // namespace portcullis::venue
