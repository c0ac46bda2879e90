// SPDX-License-Identifier: Apache-2.0
/// @file Reads [[session]] and [[lane]]: who trades, over what.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "watchdog/config_parts.hpp"

namespace portcullis {
namespace {

/// A name that no earlier table of the same kind has.
template <class Named>
std::string unique_name(const Section& from, const std::vector<Named>& earlier) {
  std::string name = from.needed_text("name", is_name);
  const auto same = [&](const Named& other) { return !name.empty() && other.name == name; };
  if (std::any_of(earlier.begin(), earlier.end(), same)) from.refuse("name", *from.find("name"));
  return name;
}

/// The witness can count a session's bytes only where the kernel has them in clear.
void read_undeclared(const Section& from, const SessionConfig& session, Loading& loading) {
  LimitSetting row;
  row.kind = LimitKind::undeclared_bytes;
  row.session = static_cast<std::uint16_t>(loading.config.sessions.size());
  row.name = fmt::format("undeclared_bytes/{}", session.name);
  const ConfigNode* value = from.need("undeclared_bytes");
  if (value != nullptr && is_off(*value)) {
    read_off(from, "undeclared_bytes", *value, row);
  } else if (value != nullptr && session.transport != Transport::kernel) {
    from.refuse("undeclared_bytes", *value,
                fmt::format("{{ off = \"reason\" }}: a session with transport \"{}\" has no witness",
                            transport_name(session.transport)));
  } else if (value != nullptr) {
    row.value = from.needed_integer("undeclared_bytes");
  }
  loading.config.limits.push_back(std::move(row));
}

/// Without a witness nobody counts what the kernel took.
std::int64_t read_backlog(const Section& from, Transport transport) {
  constexpr std::int64_t kDefaultBytes = 1024 * 1024;  // some 5,000 orders in the engine's own queue
  const ConfigNode* value = from.find("backlog_bytes");
  if (transport == Transport::kernel) return from.integer("backlog_bytes", kDefaultBytes);
  if (value != nullptr) from.refuse("backlog_bytes", *value);
  return INT64_MAX;
}

void read_session(const Section& from, Loading& loading) {
  SessionConfig to;
  to.name = unique_name(from, loading.config.sessions);
  to.begin_string = from.text("begin_string", is_note_32, "");
  to.transport = from.needed_choice<Transport>("transport", {{"none", Transport::none},
                                                             {"kernel", Transport::kernel},
                                                             {"bypass", Transport::bypass},
                                                             {"tls", Transport::tls}});
  to.backlog_bytes = read_backlog(from, to.transport);
  to.cancel_rate_per_s = static_cast<std::uint32_t>(from.needed_integer("cancel_rate_per_s"));
  to.mass_cancel = from.boolean("mass_cancel", false);
  to.take_over = from.boolean("take_over", to.take_over);
  to.poison = from.boolean("poison", to.poison);
  to.reset_mode = from.boolean("reset_mode", to.reset_mode);
  to.status_request = from.boolean("status_request", to.status_request);
  to.heartbeat_s = static_cast<std::uint32_t>(from.integer("heartbeat_s", to.heartbeat_s));
  using Cod = CancelOnDisconnect;
  to.cancel_on_disconnect = from.choice<Cod>(
      "cancel_on_disconnect", {{"none", Cod::none}, {"day", Cod::day}, {"all", Cod::all}}, Cod::none);
  to.contact = from.text("contact", is_note_120, "");
  read_undeclared(from, to, loading);
  loading.config.sessions.push_back(std::move(to));
}

void read_tags(const Section& from, LaneConfig& to) {
  constexpr std::size_t kMaxTags = 16;
  const ConfigNode& tags = from.table("tags");
  if (tags.members.size() > kMaxTags) from.refuse("tags", tags);
  for (const auto& [key, value] : tags.members) {
    if (to.tags.size() >= kMaxTags) break;
    if (!is_name(key) || value.kind != ConfigNode::Kind::text || !is_note_60(value.text)) {
      from.refuse("tags", value);
    } else {
      to.tags.emplace_back(key, value.text);
    }
  }
}

/// Absent means every instrument of the file.
void read_lane_instruments(const Section& from, const Loading& loading, LaneConfig& to) {
  const ConfigNode* list = from.find("instruments");
  if (list == nullptr) {
    to.instruments.resize(loading.config.instruments.size());
    std::iota(to.instruments.begin(), to.instruments.end(), 0U);
    return;
  }
  if (list->kind != ConfigNode::Kind::array || list->items.empty() || list->items.size() > kInstrumentsMax) {
    from.refuse("instruments", *list);
    return;
  }
  for (const ConfigNode& item : list->items) {
    const auto symbol = loading.symbols.find(item.text);
    if (item.kind == ConfigNode::Kind::text && symbol != loading.symbols.end()) {
      to.instruments.push_back(symbol->second);
    } else if (loading.symbols_known || item.kind != ConfigNode::Kind::text) {
      from.refuse("instruments", item);
    }
  }
  std::sort(to.instruments.begin(), to.instruments.end());
  if (std::adjacent_find(to.instruments.begin(), to.instruments.end()) != to.instruments.end())
    from.refuse("instruments", *list);
}

void read_lane(const Section& from, Loading& loading) {
  LaneConfig to;
  to.name = unique_name(from, loading.config.lanes);
  read_tags(from, to);
  enum class OnHalt : std::uint8_t { cancel };  // keeping working orders after a halt does not exist yet
  (void)from.choice<OnHalt>("on_halt", {{"cancel", OnHalt::cancel}}, OnHalt::cancel);
  read_lane_instruments(from, loading, to);
  if (const ConfigNode* session = from.find("session"); session != nullptr) {
    const auto& all = loading.config.sessions;
    const auto named = [&](const SessionConfig& one) {
      return !one.name.empty() && one.name == session->text;
    };
    const auto found = std::find_if(all.begin(), all.end(), named);
    if (found == all.end()) from.refuse("session", *session);
    to.session = static_cast<std::uint16_t>(found - all.begin());
  }
  loading.config.lanes.push_back(std::move(to));
}

}  // namespace

void read_sessions(const Section& top, Loading& loading) {
  const auto tables = top.tables("session");
  if (tables.size() > kSessionsMax) top.refuse("session", *top.find("session"));
  for (std::size_t i = 0; i < std::min<std::size_t>(tables.size(), kSessionsMax); ++i)
    read_session({tables[i], "session", fmt::format("session[{}]", i), loading.reading}, loading);
}

void read_lanes(const Section& top, Loading& loading) {
  const ConfigNode* lanes = top.need("lane");
  const auto tables = top.tables("lane");
  if (lanes != nullptr && (tables.size() > kLanesMax || (tables.empty() && lanes->items.empty())))
    top.refuse("lane", *lanes);
  for (std::size_t i = 0; i < std::min<std::size_t>(tables.size(), kLanesMax); ++i)
    read_lane({tables[i], "lane", fmt::format("lane[{}]", i), loading.reading}, loading);
}

}  // namespace portcullis
