// SPDX-License-Identifier: Apache-2.0
/// @file Reads [capacity], or derives it from the file, and checks that both memories fit into
/// memory_max_mib. A limit must be reachable: a table that is full before its limit would turn a limit into a
/// capacity, with another verdict and another reaction. Orders and parents are shared out evenly among the
/// lanes, so each lane's share counts; order stamps are kept in one ring per lane and one for all.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "shm/ledger_layout.hpp"
#include "watchdog/config_parts.hpp"

namespace portcullis {
namespace {

constexpr std::uint32_t kOrdersWithoutLimit = 4096;   // open orders where no limit says how many
constexpr std::uint32_t kParentsWhereLimited = 1024;  // parents where any lane has a parent limit
constexpr std::uint32_t kParentsPerLane = 16;         // at least
constexpr std::uint32_t kRingLeast = 64;              // stamps in a ring
constexpr std::uint64_t kMib = 1024 * 1024;

/// What the configuration needs at least.
struct Needs {
  std::uint64_t pairs = 0;
  std::uint64_t open_orders = 0;
  std::uint64_t ring = kRingLeast;
  bool parents = false;
};

std::uint64_t orders_of_lane(const Config& config, std::uint16_t lane) {
  const LimitSetting* own = find_limit(config, LimitKind::open_orders, lane);
  const LimitSetting* all = find_limit(config, LimitKind::open_orders, kEngineScope);
  std::int64_t orders = INT64_MAX;
  for (const LimitSetting* row : {own, all})
    if (row != nullptr && !row->off) orders = std::min(orders, row->value);
  return orders == INT64_MAX ? 1 : static_cast<std::uint64_t>(std::max<std::int64_t>(orders, 1));
}

Needs needs_of(const Config& config) {
  Needs needs;
  for (std::size_t lane = 0; lane < config.lanes.size(); ++lane) {
    needs.pairs += config.lanes[lane].instruments.size();
    needs.open_orders = std::max(needs.open_orders, orders_of_lane(config, static_cast<std::uint16_t>(lane)));
  }
  needs.open_orders *= config.lanes.size();
  for (const LimitSetting& row : config.limits) {
    if (row.off) continue;
    // each lane may have claimed one stamp more than the shared count shows
    if (row.kind == LimitKind::order_rate)
      needs.ring =
          std::max(needs.ring, std::bit_ceil(static_cast<std::uint64_t>(row.value) + config.lanes.size()));
    needs.parents |= row.kind == LimitKind::children || row.kind == LimitKind::child_qty;
  }
  return needs;
}

/// True when an open-orders limit bounds every lane; otherwise the table is the bound.
bool orders_limited(const Config& config) {
  const LimitSetting* all = find_limit(config, LimitKind::open_orders, kEngineScope);
  if (all != nullptr && !all->off) return true;
  for (std::size_t lane = 0; lane < config.lanes.size(); ++lane) {
    const LimitSetting* own = find_limit(config, LimitKind::open_orders, static_cast<std::uint16_t>(lane));
    if (own == nullptr || own->off) return false;
  }
  return true;
}

class CapacityReader {
 public:
  CapacityReader(const Section& from, const Section& top) : from_(from), top_(top) {}

  /// The key's value, or what the file needs; an error when that is more than the key holds or allows.
  std::uint32_t read(const char* key, std::uint64_t least, std::uint64_t absent, bool power_of_two = false) {
    const KeySpec* spec = find_key("capacity", key);
    const auto max = static_cast<std::uint64_t>(spec == nullptr ? 0 : spec->max);
    const ConfigNode* value = from_.find(key);
    const auto number = static_cast<std::uint64_t>(
        from_.integer(key, static_cast<std::int64_t>(std::min(std::max(absent, least), max))));
    if (least > max) {
      refuse(key, fmt::format("at most {}; the file needs {}", max, least));
    } else if (number < least || (power_of_two && !std::has_single_bit(number))) {
      if (value != nullptr && value->kind == ConfigNode::Kind::integer)
        from_.refuse(
            key, *value,
            fmt::format("{}; the file needs at least {}", spec == nullptr ? "" : allowed_text(*spec), least));
    }
    return static_cast<std::uint32_t>(number);
  }

  /// An error about a capacity as a whole, at its key when there is one.
  void refuse(const char* key, std::string allowed) {
    const ConfigNode* value = from_.find(key);
    top_.reading().refuse(value != nullptr ? value->line : from_.node().line, from_.path_of(key),
                          value != nullptr ? describe(*value) : "nothing (derived from the file)",
                          std::move(allowed));
  }

 private:
  const Section& from_;
  const Section& top_;
};

void check_memory(const Section& top, const Config& config) {
  const std::uint64_t bytes = gate_bytes(config.capacities) + ledger_bytes(config.capacities);
  if (bytes <= config.memory_max_mib * kMib) return;
  const ConfigNode* value = top.find("memory_max_mib");
  top.reading().refuse(
      value != nullptr ? value->line : 1, "memory_max_mib",
      value != nullptr ? describe(*value) : "nothing (32)",
      fmt::format("at least {}: the capacities need {} bytes", (bytes + kMib - 1) / kMib, bytes));
}

}  // namespace

void read_capacities(const Section& top, Loading& loading) {
  Config& config = loading.config;
  const Section from(top.table("capacity"), "capacity", "capacity", loading.reading);
  const Needs needs = needs_of(config);
  CapacityReader reader(from, top);
  const std::uint64_t lanes = std::max<std::uint64_t>(config.lanes.size(), 1);
  Capacities& to = config.capacities;
  to.lanes = static_cast<std::uint32_t>(lanes);
  to.instruments = reader.read("instruments", std::max<std::uint64_t>(config.instruments.size(), 1), 0);
  to.pairs = reader.read("pairs", std::max<std::uint64_t>(needs.pairs, 1), 0);
  to.parents = needs.parents
                   ? reader.read("parents", lanes,
                                 std::max<std::uint64_t>(kParentsWhereLimited, lanes * kParentsPerLane))
                   : reader.read("parents", 0, 0);
  to.open_orders = reader.read("open_orders", std::max(needs.open_orders, lanes),
                               orders_limited(config) ? 0 : kOrdersWithoutLimit);
  to.sessions = reader.read("sessions", config.sessions.size(), 0);
  to.message_ends = reader.read("message_ends", 64, kMessageEndsMax, true);
  to.rate_entries = reader.read("rate_entries", needs.ring, 0, true);
  if (std::uint64_t{to.rate_entries} * (lanes + 1) > kRateEntriesTotalMax) {
    reader.refuse("rate_entries",
                  fmt::format("at most {} for {} lanes; the order_rate limits need {}",
                              std::bit_floor(kRateEntriesTotalMax / (lanes + 1)), lanes, needs.ring));
  } else if (loading.reading.errors.count() == 0 && !capacities_valid(to)) {
    reader.refuse("open_orders",
                  "capacities that the shared layout can hold");  // not reachable by the checks above
  } else if (capacities_valid(to)) {
    check_memory(top, config);
  }
}

}  // namespace portcullis
