// SPDX-License-Identifier: Apache-2.0
/// @file What the three runs come to: the figures of each column, the times of each halt, and whether the
/// promises held.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tests/demonstration/count.hpp"
#include "tests/demonstration/guarded_servers.hpp"

namespace portcullis::demonstration {

/// One column.
struct Column {
  Totals all, stale;
  std::int64_t others_parent_qty = 0;  ///< what the seven correct servers had to trade, shares
  std::int64_t others_shares = 0;      ///< what they traded
  /// First child whose parent was made up already, sent or refused; CLOCK_MONOTONIC.
  std::optional<std::int64_t> first_wrong_ns;
  bool wrong_sent = false;         ///< it left
  std::int64_t last_order_ns = 0;  ///< last byte of the stale server's last order at the venue
};

/// The halt, as the supervisor reported it and as the venue's log shows it. Times in ns, counted from the
/// breach.
struct Halt {
  std::string first_cause, first_limit, unit, scope, state;
  std::int64_t observed = 0, limit = 0;
  bool latched = false, proven = false;
  bool taken_over = false;  ///< the supervisor spoke on the session
  std::int64_t breach_ns = 0;  ///< CLOCK_MONOTONIC
  std::int64_t closed_ns = 0, contained_ns = 0, last_order_ns = 0, last_byte_ns = 0, last_ack_ns = 0;
  std::int64_t open_at_containment = -1, acknowledged = 0, never_left = 0, refused_by_venue = -1,
               unknown = -1;
  std::int64_t orders_after_containment = -1, open_at_venue = -1;
  int others_halted = 0;
};

struct Verdict {
  Column unguarded, guarded, killed;
  Halt halt, killed_halt;
  std::vector<std::string> broken;  ///< promises that did not hold; empty = all did
};

[[nodiscard]] Verdict judge(const Servers& unguarded, const GuardedServers& guarded, const GuardedServers& killed,
                            const Market& market);

/// The text for people.
[[nodiscard]] std::string as_text(const Verdict& verdict, const Plan& plan);
/// One line of JSON.
[[nodiscard]] std::string as_json(const Verdict& verdict);

}  // namespace portcullis::demonstration
