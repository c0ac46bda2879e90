// SPDX-License-Identifier: Apache-2.0
/// @file Counts one run from the venue's own log: every byte that it received and every execution that it
/// made. What the engines and the supervisors say of themselves is not used here.
#pragma once
#include <cstdint>
#include <string>

#include "tests/demonstration/market.hpp"
#include "tests/venue/venue_log.hpp"

namespace portcullis::demonstration {

struct Totals {
  std::int64_t orders = 0;  ///< 35=D that the venue received
  std::int64_t executions = 0;
  std::int64_t shares = 0;             ///< executed
  std::int64_t gross_notional_e4 = 0;  ///< sum over symbols of |bought - sold| at the middle of the touch
  std::int64_t loss_e4 = 0;  ///< sum over executions of what was paid above, or got below, the middle
};

/// All sessions, or one unless `session` is empty.
[[nodiscard]] Totals count(const venue::VenueLog& log, const Market& market, const std::string& session = {});

/// What left the session of a halted engine, around its gate. Times are CLOCK_MONOTONIC at the venue, 0 =
/// none.
struct Departures {
  std::int64_t orders_after = 0;   ///< 35=D or 35=G whose first byte stands at or after the recorded offset
  std::int64_t last_order_ns = 0;  ///< last byte of the last 35=D or 35=G
  std::int64_t last_byte_ns = 0;   ///< last byte of the last order or cancel
  bool found = false;              ///< the session has a connection of that number in the log
};

/// `epoch`: the how-manieth connection of the session was watched, from 1; later ones count as after the
/// gate. A replace counts whatever it changes: after a halt there is none.
[[nodiscard]] Departures departures(const venue::VenueLog& log, const std::string& session,
                                    std::uint64_t epoch, std::uint64_t closed_offset);

}  // namespace portcullis::demonstration
