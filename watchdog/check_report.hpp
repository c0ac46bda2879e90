// SPDX-License-Identifier: Apache-2.0
/// @file What `portcullis check FILE` says about a configuration that loaded: each limit with its value,
/// action and who enforces it; the tables and their bytes; the rungs of each session and how long cancelling
/// everything takes; and how far things can go before a limit acts that only the supervisor evaluates.
/// Computed once as plain values, then shown as text or JSON: both say the same.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "watchdog/config.hpp"

namespace portcullis {

/// One row of the table of limits.
struct CheckLimit {
  std::string name;   ///< "order_rate/10ms"
  std::string scope;  ///< "engine", "lane es-quoter", "session CME-A"
  std::int64_t value = 0;
  std::string unit;      ///< "orders", "USD e-4", ...
  std::string shown;     ///< value and unit as people read them
  std::string action;    ///< "refuse", "halt_lane", "halt_engine"
  std::string enforced;  ///< "inline and supervised" or "supervised"
  std::string off;       ///< the reason; empty when the limit is on
};

struct CheckCapacity {
  std::string name;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;  ///< in both memories together
};

struct CheckRung {
  std::string name;  ///< close, ask, take-over, sever, fence
  bool exists = false;
  std::string note;  ///< why it is missing, or what it depends on
};

struct CheckSession {
  std::string name;
  std::string transport;
  std::string cancel_on_disconnect;
  bool mass_cancel = false;
  std::uint32_t cancel_rate_per_s = 0;
  std::uint64_t orders = 0;         ///< the most that can be open
  std::uint64_t cancel_all_ms = 0;  ///< to cancel them one by one, rounded up
  std::vector<CheckRung> rungs;
  std::string note;
};

/// The worst that can happen before a limit acts that only the supervisor evaluates.
struct CheckMargin {
  std::string limit;
  std::uint64_t reaction_ns = 0;        ///< from the breach to the trip, without the time to close the gate
  std::optional<std::uint64_t> orders;  ///< nullopt: not computable
  std::optional<std::int64_t> notional_e4;  ///< nullopt: not computable
  std::string note;
};

struct CheckReport {
  std::string engine;
  std::string environment;
  std::string currency;
  std::string hash;  ///< 64 hex digits
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_max_bytes = 0;
  std::vector<CheckLimit> limits;
  std::vector<CheckCapacity> capacities;
  std::vector<CheckSession> sessions;
  std::vector<CheckMargin> margins;
};

[[nodiscard]] CheckReport make_check_report(const Config& config);
[[nodiscard]] std::string check_text(const CheckReport& report);
[[nodiscard]] nlohmann::json check_json(const CheckReport& report);

/// The errors of a file that did not load, one per line, and how many were not listed.
[[nodiscard]] std::string errors_text(const LoadResult& result);
[[nodiscard]] nlohmann::json errors_json(const LoadResult& result);

/// Where a limit is evaluated: in the engine before the order leaves, or only beside it.
[[nodiscard]] bool enforced_inline(LimitKind kind) noexcept;

/// Orders that exact sliding windows let through in any stretch of `time_ns`; nullopt when no window bounds
/// them.
[[nodiscard]] std::optional<std::uint64_t> worst_orders(const Config& config, std::uint64_t time_ns);

}  // namespace portcullis
