// SPDX-License-Identifier: Apache-2.0
/// @file Judging one session by the venue's log.
#include "tests/venue/venue_judge.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "tests/venue/fix_scan.hpp"

namespace portcullis::venue {
namespace {

std::int64_t number_of(const std::string& text) {
  std::int64_t value = -1;
  (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool is_order_or_replace(const VenueMessage& message) { return message.type == "D" || message.type == "G"; }

const char* name_of(OrderEnd end) {
  switch (end) {
    case OrderEnd::open: return "open";
    case OrderEnd::filled: return "filled";
    case OrderEnd::cancelled: return "cancelled";
    case OrderEnd::refused: return "refused";
    case OrderEnd::not_acted: return "not acted upon";
  }
  return "?";
}

}  // namespace

std::string InStream::field(int tag) const {
  std::string value;
  if (message != nullptr)
    (void)find_field(connection->bytes.data() + message->offset, message->end - message->offset, tag, value);
  return value;
}

std::string text_of(const JudgedOrder& order) {
  std::string text = order.cl_ord_id + ": " + name_of(order.end);
  if (!order.reason.empty()) text += " (" + order.reason + ')';
  for (const InStream& copy : order.copies)
    text += ", conn " + std::to_string(copy.connection->number) + " [" +
            std::to_string(copy.message->offset) + ", " + std::to_string(copy.message->end) +
            ") 34=" + std::to_string(copy.message->seq_num) + (copy.message->poss_dup ? " dup" : "");
  return text;
}

bool JudgedLogon::clean() const {
  return accepted && place.message->seq_num == expected && venue_asked == 0 && engine_asked == 0;
}

VenueJudge::VenueJudge(const VenueLog& log, std::string session)
    : log_(log), session_(std::move(session)), connections_(log.of_session(session_)) {
  collect_orders();
  follow_events();
  explain_unacted();
}

void VenueJudge::collect_orders() {
  for (const InStream& copy : all([](const VenueMessage& message) { return message.type == "D"; })) {
    const auto [found, is_new] = by_id_.emplace(copy.message->cl_ord_id, orders_.size());
    if (is_new) {
      JudgedOrder order;
      order.cl_ord_id = order.last_cl_ord_id = copy.message->cl_ord_id;
      orders_.push_back(std::move(order));
    }
    orders_[found->second].copies.push_back(copy);
  }
}

void VenueJudge::follow_events() {
  for (const VenueEvent& event : log_.events)
    if (event.session == session_ && event.event == "exec") follow_exec(event);
}

void VenueJudge::follow_exec(const VenueEvent& event) {
  JudgedOrder* order = nullptr;
  if (event.what == "taken" || event.what == "refused") {
    order = find(event.cl_ord_id);
    if (order == nullptr || order->order_id >= 0) return;  // a second order under the same ClOrdID is refused
    order->end = event.what == "taken" ? OrderEnd::open : OrderEnd::refused;
    if (event.what == "refused") {
      order->reason = event.text;
      return;
    }
    order->order_id = event.order_id;
    by_order_id_[event.order_id] = static_cast<std::size_t>(order - orders_.data());
    return;
  }
  const auto found = by_order_id_.find(event.order_id);
  if (found == by_order_id_.end()) return;
  order = &orders_[found->second];
  order->cum_qty = event.cum_qty;
  if (event.what == "replaced") {
    order->last_cl_ord_id = event.cl_ord_id;
    by_id_[event.cl_ord_id] = found->second;
  }
  const bool filled = event.what == "traded" && event.ord_status == "2";
  if (!filled && event.what != "cancelled") return;
  order->end = filled ? OrderEnd::filled : OrderEnd::cancelled;
  order->end_time_ns = event.time_ns;
  order->reason = event.why;
}

void VenueJudge::explain_unacted() {
  std::map<std::pair<int, std::int64_t>, const char*> seen;  // connection, offset -> what was done with it
  for (const char* kind : {"request", "swallowed", "lost", "throttled"})
    for (const VenueEvent* event : log_.all(kind, session_)) seen[{event->conn, event->offset}] = kind;
  for (JudgedOrder& order : orders_) {
    if (order.end != OrderEnd::not_acted) continue;
    order.reason = "unread";
    for (const InStream& copy : order.copies) {
      const auto found = seen.find(
          {static_cast<int>(copy.connection->number), static_cast<std::int64_t>(copy.message->offset)});
      if (found != seen.end()) order.reason = found->second;
    }
  }
}

JudgedOrder* VenueJudge::find(const std::string& cl_ord_id) {
  const auto found = by_id_.find(cl_ord_id);
  return found == by_id_.end() ? nullptr : &orders_[found->second];
}

const JudgedOrder* VenueJudge::order(const std::string& cl_ord_id) const {
  const auto found = by_id_.find(cl_ord_id);
  return found == by_id_.end() ? nullptr : &orders_[found->second];
}

std::vector<const JudgedOrder*> VenueJudge::ended(OrderEnd end) const {
  std::vector<const JudgedOrder*> found;
  for (const JudgedOrder& order : orders_)
    if (order.end == end) found.push_back(&order);
  return found;
}

std::vector<InStream> VenueJudge::all(const std::function<bool(const VenueMessage&)>& wanted) const {
  std::vector<InStream> found;
  for (const VenueConnection* connection : connections_)
    for (const VenueMessage& message : connection->messages)
      if (message.intact && wanted(message)) found.push_back({connection, &message});
  return found;
}

InStream VenueJudge::first(const std::function<bool(const VenueMessage&)>& wanted) const {
  for (const VenueConnection* connection : connections_)
    for (const VenueMessage& message : connection->messages)
      if (message.intact && wanted(message)) return {connection, &message};
  return {};
}

InStream VenueJudge::first_cancel(std::string_view cl_ord_id_prefix) const {
  return first([&](const VenueMessage& message) {
    return (message.type == "F" || message.type == "q") && message.cl_ord_id.starts_with(cl_ord_id_prefix);
  });
}

std::vector<InStream> VenueJudge::orders_after(const InStream& place) const {
  std::vector<InStream> found = all(is_order_or_replace);
  std::erase_if(found, [&](const InStream& each) {
    const unsigned conn = place.connection->number;
    return each.connection->number < conn ||
           (each.connection->number == conn && each.message->offset < place.message->offset);
  });
  return found;
}

std::vector<InStream> VenueJudge::poss_dups() const {
  return all([](const VenueMessage& message) { return message.poss_dup; });
}

std::vector<JudgedReset> VenueJudge::sequence_resets() const {
  std::vector<JudgedReset> resets;
  for (const InStream& place : all([](const VenueMessage& message) { return message.type == "4"; }))
    resets.push_back({place, number_of(place.field(36)), place.field(123) == "Y"});
  return resets;
}

std::vector<JudgedGarbled> VenueJudge::garbled() const {
  std::vector<JudgedGarbled> found;
  for (const VenueEvent& event : log_.events) {
    const bool framed = event.event == "garbled";
    if (event.session != session_ || (!framed && event.event != "garbage")) continue;
    found.push_back({static_cast<unsigned>(event.conn), static_cast<std::uint64_t>(event.offset),
                     static_cast<std::uint64_t>(event.end), framed, event.seq_num});
  }
  return found;
}

std::vector<JudgedLogon> VenueJudge::logons() const {
  std::vector<JudgedLogon> logons;
  for (const InStream& place : all([](const VenueMessage& message) { return message.type == "A"; })) {
    JudgedLogon logon;
    logon.place = place;
    logon.reset = place.field(141) == "Y";
    for (const VenueMessage& message : place.connection->messages)
      logon.engine_asked += message.intact && message.type == "2" ? 1 : 0;
    for (const VenueEvent& event : log_.events) {
      if (event.conn != static_cast<int>(place.connection->number)) continue;
      if (event.event == "logon" && event.offset == static_cast<std::int64_t>(place.message->offset)) {
        logon.accepted = true;
        logon.expected = event.expected;
      }
      if (event.event != "admin_out") continue;
      logon.venue_asked += event.type == "2" ? 1 : 0;
      if (event.type == "5") logon.logged_out = event.text;
    }
    logons.push_back(std::move(logon));
  }
  return logons;
}

}  // namespace portcullis::venue
