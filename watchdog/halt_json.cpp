// SPDX-License-Identifier: Apache-2.0
/// @file The outcome of a halt for people: what is proven, and by name what is not (see status_json.hpp).
#include <algorithm>

#include "watchdog/json_packets.hpp"
#include "watchdog/status_json.hpp"

namespace portcullis {
namespace {

/// 0 in a report means that it did not happen.
Json time_json(std::uint64_t ns) { return ns == 0 ? Json(nullptr) : Json(clamped(ns)); }

/// FIX 54.
const char* side_words(std::uint8_t side) noexcept {
  switch (side) {
    case 1: return "buy";
    case 2: return "sell";
    case 5: return "sell_short";
    default: return "?";
  }
}

Json order_json(const HaltOrder& order, const Config& config) {
  const bool on_session = order.epoch != 0 && order.session < config.sessions.size();
  const bool known_instrument = order.instrument < config.instruments.size();
  return {{"cl_ord_id", order.cl_ord_id.view()},
          {"session", on_session ? config.sessions[order.session].name : std::string()},
          {"lane", order.lane < config.lanes.size() ? config.lanes[order.lane].name : std::string("?")},
          {"fate", fate_text(order.fate)},
          {"side", side_words(order.side)},
          {"qty", order.order_qty},
          {"cum_qty", order.cum_qty},
          {"symbol", known_instrument ? config.instruments[order.instrument].symbol : std::string("?")},
          {"px_e8", order.px_e8}};
}

/// Only what somebody has to ask the venue about.
bool is_listed(Fate fate) noexcept {
  switch (fate) {
    case Fate::acknowledged:
    case Fate::never_left: return false;
    case Fate::open:
    case Fate::refused_by_venue:
    case Fate::unknown: return true;
  }
  return true;
}

Json ladder_json(const HaltReport& halt) {
  Json ladder = Json::array();
  for (std::size_t i = 0; i < kRungs; ++i) {
    const RungTime& rung = halt.rungs[i];
    ladder.push_back({{"rung", rung_name(static_cast<Rung>(i))},
                      {"started_ns", clamped(rung.started_ns)},
                      {"ended_ns", time_json(rung.ended_ns)},
                      {"result", rung_result_name(rung.result)}});
  }
  return ladder;
}

/// Where each session's stream stands; the number that its next message carries as the engine last declared
/// it, or, after a take-over, as we left it.
Json sessions_json(const HaltReport& halt, const Config& config, const Attachment* attachment) {
  Json sessions = Json::array();
  for (std::size_t i = 0; i < std::min<std::size_t>(config.sessions.size(), kSessionsMax); ++i) {
    const HaltSession& session = halt.sessions[i];
    const bool in_ledger = attachment != nullptr && i < attachment->ledger.capacities.sessions;
    const auto slot = static_cast<std::uint32_t>(i);
    sessions.push_back(
        {{"name", config.sessions[i].name},
         {"watched", session.watched},
         {"severed", session.severed},
         {"taken_over", session.taken_over},
         {"take_over_end", session.take_over_end[0] == '\0' ? Json(nullptr) : Json(session.take_over_end)},
         {"epoch", session.watched ? Json(clamped(session.epoch)) : Json(nullptr)},
         {"closed_offset", session.watched ? Json(clamped(session.closed_offset)) : Json(nullptr)},
         {"final_accepted", session.final_known ? Json(clamped(session.final_accepted)) : Json(nullptr)},
         {"next_seq",
          session.next_out_seq_num != 0 ? Json(clamped(session.next_out_seq_num))
          : in_ledger ? Json(clamped(load(attachment->ledger.session(slot).next_out_seq_num)))
                      : Json(nullptr)},
         {"next_in_seq", session.next_in_seq_num != 0 ? Json(clamped(session.next_in_seq_num)) : Json(nullptr)},
         {"inbound_whole", session.taken_over ? Json(session.inbound_whole) : Json(nullptr)},
         {"contact", config.sessions[i].contact}});
  }
  return sessions;
}

/// Signed quantity of that lane in that instrument which a take-over saw filled and no ledger has.
std::int64_t unbooked_fills(const HaltReport& halt, std::uint16_t lane, std::string_view symbol, const Config& config) {
  std::int64_t sum = 0;
  for (const HaltOrder& order : halt.orders) {
    if (order.lane != lane || order.cum_qty <= order.booked_cum_qty || order.instrument >= config.instruments.size()) continue;
    if (config.instruments[order.instrument].symbol != symbol) continue;
    const std::int64_t filled = order.cum_qty - order.booked_cum_qty;
    sum += order.side == 1 ? filled : -filled;
  }
  return sum;
}

/// The ledger's figure and what came on top of it; what is unknown stays so.
void add_fills(Json& position, std::int64_t filled) {
  Json& figure = position["position"];
  std::int64_t sum = 0;
  if (filled == 0 || !figure.is_number_integer()) return;
  figure = __builtin_add_overflow(figure.get<std::int64_t>(), filled, &sum) ? Json(nullptr) : Json(sum);
}

/// While the memories are there they are asked; afterwards what the halt kept.
void write_positions(const HaltReport& halt, const Config& config, const Attachment* attachment,
                     std::vector<std::string>& packets) {
  PartWriter rows(packets, "halt.positions");
  std::vector<Json> positions;
  for (std::uint16_t lane = 0; attachment != nullptr && lane < config.lanes.size(); ++lane) {
    positions.clear();
    static_cast<void>(lane_positions(config, *attachment, lane, positions));
    for (Json& position : positions) {
      add_fills(position, unbooked_fills(halt, lane, position.value("symbol", ""), config));
      position["lane"] = config.lanes[lane].name;
      rows.add(position);
    }
  }
  for (const HaltPosition& kept : halt.positions) {
    if (attachment != nullptr || kept.lane >= config.lanes.size() || kept.instrument >= config.instruments.size()) continue;
    const auto known = [&](std::int64_t value) { return kept.known ? Json(value) : Json(nullptr); };
    Json position = {{"symbol", config.instruments[kept.instrument].symbol},
                     {"position", known(kept.position)},
                     {"working_buy", known(kept.working_buy)},
                     {"working_sell", known(kept.working_sell)},
                     {"lane", config.lanes[kept.lane].name}};
    add_fills(position, unbooked_fills(halt, static_cast<std::uint16_t>(kept.lane),
                                       config.instruments[kept.instrument].symbol, config));
    rows.add(position);
  }
  rows.end();
}

void write_first_breach(const HaltReport& halt, const Config& config, Json& json) {
  if (!halt.first.found()) return;
  json["limit_name"] = halt.first.row < config.limits.size() ? config.limits[halt.first.row].name
                                                             : limit_name(halt.first.kind);
  json["observed"] = halt.first.observed;
  json["limit"] = halt.first.limit;
  json["breach_scope"] = scope_name(config, halt.first.lane, halt.first.session);
}

}  // namespace

Json halt_json(const HaltReport& halt, const Config& config, const Attachment* attachment,
               std::vector<std::string>& packets) {
  PartWriter orders(packets, "halt.orders");
  for (const HaltOrder& order : halt.orders)
    if (is_listed(order.fate)) orders.add(order_json(order, config));
  orders.end();
  const bool kept = attachment != nullptr || (halt.finished && halt.positions_known);
  if (kept) write_positions(halt, config, attachment, packets);

  std::uint64_t severed = 0;
  for (const HaltSession& session : halt.sessions) severed += session.severed ? 1 : 0;
  Json json = {{"cause", cause_name(halt.cause)},
               {"scope", scope_name(config, halt.engine_wide ? kEngineScope : halt.lane, kNoSession)},
               {"planned", halt.planned},
               {"finished", halt.finished},
               {"retrying", halt.retrying},
               {"retry_until_ns", time_json(halt.retry_until_ns)},
               {"proven", halt.proven()},
               {"wall_ns", halt.wall_ns},
               {"actor", halt.actor_uid == kNoUid ? Json(nullptr) : Json(halt.actor_uid)},
               {"breach_ns", time_json(halt.breach_ns)},
               {"closed_ns", time_json(halt.closed_ns)},
               {"contained_ns", time_json(halt.contained_ns)},
               {"halted_ns", time_json(halt.halted_ns)},
               {"last_ack_ns", time_json(halt.last_ack_ns)},
               {"asked", halt.asked},
               {"open_at_containment", halt.open_at_close},
               {"acknowledged", halt.count(Fate::acknowledged)},
               {"never_left", halt.count(Fate::never_left)},
               {"refused_by_venue", halt.count(Fate::refused_by_venue)},
               {"unknown", halt.count(Fate::unknown)},
               {"open", halt.count(Fate::open)},
               {"severed", severed},
               {"fenced", halt.fenced},
               {"engine_died", halt.engine_died},
               {"queue_may_have_drained", halt.queue_may_have_drained},
               {"undeclared_seen", halt.undeclared_seen},
               {"ladder", ladder_json(halt)},
               {"orders", Json::array()},
               {"positions_confirmed", !halt.positions_unconfirmed()},
               {"positions", kept ? Json::array() : Json(nullptr)},
               {"sessions", sessions_json(halt, config, attachment)}};
  write_first_breach(halt, config, json);
  return json;
}

std::vector<std::string> render_halt(const HaltReport& halt, const Config& config,
                                     const Attachment* attachment) {
  std::vector<std::string> packets;
  constexpr int kProven = 0;
  constexpr int kNotProven = 3;
  Json json = answer_head(halt.proven() ? kProven : kNotProven);
  json["engine"] = config.engine;
  json["halt"] = halt_json(halt, config, attachment, packets);
  json["contact"] = Json::array();
  for (const SessionConfig& session : config.sessions)
    if (!session.contact.empty()) json["contact"].push_back(session.contact);
  packets.push_back(packet_text(json));
  return packets;
}

}  // namespace portcullis
