// SPDX-License-Identifier: Apache-2.0
/// @file One FIX session of the venue: its names, its orders and what it has traded. Plain data; the exchange
/// writes it.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/venue/book.hpp"

namespace portcullis {
namespace venue {

/// How a session was configured: "ENGINE:VENUE[:FIX.4.2|FIX.4.4][:no_cod]". ENGINE is the connecting side's
/// SenderCompID.
struct SessionSpec {
  std::string engine;
  std::string venue;
  std::string begin_string = "FIX.4.2";
  bool cancel_on_disconnect = true;
};
/// Reads one --session argument; false when it is malformed.
bool parse_session(const std::string& text, SessionSpec& out);

/// What one session did so far. Executions count one per side: a trade of two sessions is one for each.
struct Totals {
  std::int64_t messages = 0;  ///< whole messages received, of every type
  std::int64_t orders = 0;    ///< NewOrderSingles taken
  std::int64_t rejects = 0;   ///< NewOrderSingles refused
  std::int64_t executions = 0;
  std::int64_t shares = 0;
  std::int64_t notional_e4 = 0;     ///< sum of LastQty * LastPx
  std::int64_t spread_cost_e4 = 0;  ///< sum of LastQty * distance of LastPx from the mid, positive when paid
  std::int64_t cancels = 0;         ///< orders cancelled on request
  std::int64_t disconnect_cancels = 0;
  std::int64_t swallowed = 0;  ///< requests that `silent` ignored
};

struct Participant {
  SessionSpec spec;
  unsigned index = 0;
  bool logged_on = false;
  int conn = -1;                                  ///< number of its connection, -1 without one
  std::unordered_map<std::string, Order*> by_id;  ///< every ClOrdID it ever used, replaced ones too
  std::vector<Order*> working;  ///< in order of arrival; may hold closed ones, see open_orders
  Totals totals;

  bool fix44() const { return spec.begin_string == "FIX.4.4"; }
  /// Its open orders in order of arrival; forgets the closed ones on the way.
  const std::vector<Order*>& open_orders();
};

/// All totals, overall and by session, and each session's open ClOrdIDs, as one line of JSON.
std::string stats_json(std::vector<Participant>& participants);

}  // namespace venue
}  // namespace portcullis
