// SPDX-License-Identifier: Apache-2.0
#include "tests/demonstration/count.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <unordered_map>

namespace portcullis::demonstration {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kE8PerE4 = 10'000;

struct OrderFacts {
  std::string symbol;
  bool buy = false;
};

using Orders = std::unordered_map<std::string, OrderFacts>;

bool is_order(const venue::VenueMessage& message) { return message.type == "D" || message.type == "G"; }
bool is_cancel(const venue::VenueMessage& message) { return message.type == "F" || message.type == "q"; }

/// ClOrdIDs carry the engine's name, so that one table serves all sessions.
Orders orders_of(const venue::VenueLog& log) {
  Orders orders;
  for (const venue::VenueConnection& connection : log.connections)
    for (const venue::VenueMessage& message : connection.messages)
      if (message.type == "D") orders[message.cl_ord_id] = {message.symbol, message.side == '1'};
  return orders;
}

std::int64_t count_orders(const venue::VenueLog& log, const std::string& session) {
  std::int64_t orders = 0;
  for (const venue::VenueConnection& connection : log.connections) {
    if (!session.empty() && connection.session != session) continue;
    orders += std::count_if(
        connection.messages.begin(), connection.messages.end(),
        [](const venue::VenueMessage& message) { return message.type == "D" && !message.poss_dup; });
  }
  return orders;
}

}  // namespace

Totals count(const venue::VenueLog& log, const Market& market, const std::string& session) {
  Totals totals;
  totals.orders = count_orders(log, session);
  const Orders orders = orders_of(log);
  std::map<std::string, std::int64_t> positions;
  Wide loss_e8 = 0;
  for (const venue::VenueEvent* event : log.all("exec", session)) {
    const auto order = orders.find(event->cl_ord_id);
    if (event->what != "traded" || order == orders.end()) continue;
    const std::int64_t above_e8 = event->last_px_e8 - market.mid_e8(order->second.symbol);
    ++totals.executions;
    totals.shares += event->last_qty;
    positions[order->second.symbol] += order->second.buy ? event->last_qty : -event->last_qty;
    loss_e8 += Wide{event->last_qty} * (order->second.buy ? above_e8 : -above_e8);
  }
  Wide gross_e8 = 0;
  for (const auto& [symbol, position] : positions)
    gross_e8 += Wide{std::abs(position)} * market.mid_e8(symbol);
  totals.gross_notional_e4 = static_cast<std::int64_t>(gross_e8 / kE8PerE4);
  totals.loss_e4 = static_cast<std::int64_t>(loss_e8 / kE8PerE4);
  return totals;
}

Departures departures(const venue::VenueLog& log, const std::string& session, std::uint64_t epoch,
                      std::uint64_t closed_offset) {
  Departures out;
  std::uint64_t number = 0;
  for (const venue::VenueConnection* connection : log.of_session(session)) {
    ++number;
    out.found = out.found || number == epoch;
    for (const venue::VenueMessage& message : connection->messages) {
      if (!is_order(message) && !is_cancel(message)) continue;
      out.last_byte_ns = std::max(out.last_byte_ns, message.time_ns);
      if (!is_order(message)) continue;
      out.last_order_ns = std::max(out.last_order_ns, message.time_ns);
      if (number > epoch || (number == epoch && message.offset >= closed_offset)) ++out.orders_after;
    }
  }
  return out;
}

}  // namespace portcullis::demonstration
