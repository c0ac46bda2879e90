// SPDX-License-Identifier: Apache-2.0
/// @file Reading of session arguments, bookkeeping of open orders, and the statistics that tests and the
/// demonstration read.
#include "tests/venue/participant.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

namespace portcullis {
namespace venue {
namespace {

struct TotalRow {
  const char* name;
  std::int64_t Totals::*value;
};
const TotalRow kTotals[] = {
    {"messages", &Totals::messages},
    {"orders", &Totals::orders},
    {"rejects", &Totals::rejects},
    {"executions", &Totals::executions},
    {"shares", &Totals::shares},
    {"notional_e4", &Totals::notional_e4},
    {"spread_cost_e4", &Totals::spread_cost_e4},
    {"cancels", &Totals::cancels},
    {"disconnect_cancels", &Totals::disconnect_cancels},
    {"swallowed", &Totals::swallowed},
};

}  // namespace

bool parse_session(const std::string& text, SessionSpec& out) {
  SessionSpec spec;
  std::istringstream parts(text);
  if (!std::getline(parts, spec.engine, ':') || !std::getline(parts, spec.venue, ':')) return false;
  for (std::string word; std::getline(parts, word, ':');) {
    if (word == "FIX.4.2" || word == "FIX.4.4")
      spec.begin_string = word;
    else if (word == "no_cod")
      spec.cancel_on_disconnect = false;
    else
      return false;
  }
  if (spec.engine.empty() || spec.venue.empty()) return false;
  out = spec;
  return true;
}

const std::vector<Order*>& Participant::open_orders() {
  working.erase(
      std::remove_if(working.begin(), working.end(), [](const Order* order) { return !order->open(); }),
      working.end());
  return working;
}

std::string stats_json(std::vector<Participant>& participants) {
  nlohmann::json stats;
  for (const TotalRow& row : kTotals) stats[row.name] = 0;
  stats["sessions"] = nlohmann::json::object();
  for (Participant& participant : participants) {
    nlohmann::json& session = stats["sessions"][participant.spec.engine];
    for (const TotalRow& row : kTotals) {
      session[row.name] = participant.totals.*row.value;
      stats[row.name] = stats[row.name].get<std::int64_t>() + participant.totals.*row.value;
    }
    session["logged_on"] = participant.logged_on;
    session["open"] = nlohmann::json::array();
    for (const Order* order : participant.open_orders()) session["open"].push_back(order->cl_ord_id);
  }
  return stats.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace venue
}  // namespace portcullis
