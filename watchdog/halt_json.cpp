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
/// it.
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
         {"epoch", session.watched ? Json(clamped(session.epoch)) : Json(nullptr)},
         {"closed_offset", session.watched ? Json(clamped(session.closed_offset)) : Json(nullptr)},
         {"final_accepted", session.final_known ? Json(clamped(session.final_accepted)) : Json(nullptr)},
         {"next_seq",
          in_ledger ? Json(clamped(load(attachment->ledger.session(slot).next_out_seq_num))) : Json(nullptr)},
         {"contact", config.sessions[i].contact}});
  }
  return sessions;
}

void write_positions(const Config& config, const Attachment& attachment, std::vector<std::string>& packets) {
  PartWriter rows(packets, "halt.positions");
  for (std::uint16_t lane = 0; lane < config.lanes.size(); ++lane) {
    std::vector<Json> positions;
    static_cast<void>(lane_positions(config, attachment, lane, positions));
    for (Json& position : positions) {
      position["lane"] = config.lanes[lane].name;
      rows.add(position);
    }
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
  if (attachment != nullptr) write_positions(config, *attachment, packets);

  std::uint64_t severed = 0;
  for (const HaltSession& session : halt.sessions) severed += session.severed ? 1 : 0;
  Json json = {{"cause", cause_name(halt.cause)},
               {"scope", scope_name(config, halt.engine_wide ? kEngineScope : halt.lane, kNoSession)},
               {"planned", halt.planned},
               {"finished", halt.finished},
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
               {"positions", attachment == nullptr ? Json(nullptr) : Json::array()},
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
