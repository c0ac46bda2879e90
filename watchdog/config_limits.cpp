// SPDX-License-Identifier: Apache-2.0
/// @file Reads [limits.engine] and [limits.lane.NAME]. Every limit of a scope must be there, as a bound or as
/// { off = "reason" }; what is missing is an error, never "no limit".
#include "watchdog/config_limits.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "watchdog/config_decimal.hpp"
#include "watchdog/config_parts.hpp"

namespace portcullis {
namespace {

using Kind = ConfigNode::Kind;

/// The refusal stamps that the ledger keeps for a lane, less the one being written.
constexpr std::int64_t kMaxRefusals = 255;

/// One scope's table while it is read.
struct Scope {
  const Section& from;
  std::uint16_t lane;
  Loading& loading;

  [[nodiscard]] bool is_lane() const noexcept { return lane != kEngineScope; }
  [[nodiscard]] LimitSetting row(LimitKind kind) const {
    LimitSetting row;
    row.kind = kind;
    row.lane = lane;
    row.action = default_action(kind, is_lane());
    row.name = limit_name(kind);
    return row;
  }
  void add(LimitSetting row) const { loading.config.limits.push_back(std::move(row)); }
};

/// `do` of a limit's table.
void read_action(const Scope& scope, const Section& table, LimitSetting& row) {
  const ConfigNode* value = table.find("do");
  if (value == nullptr) return;
  for (const Action action : {Action::refuse, Action::halt_lane, Action::halt_engine}) {
    if (value->kind != Kind::text || value->text != action_name(action)) continue;
    if (!action_allowed(row.kind, scope.is_lane(), action)) break;
    row.action = action;
    return;
  }
  table.refuse("do", *value, allowed_actions(row.kind, scope.is_lane()));
}

bool read_money(const ConfigNode& value, std::int64_t& out_e4) {
  if (value.kind == Kind::integer) {
    if (value.integer > kMaxMoney || value.integer < 0) return false;
    out_e4 = value.integer * 10'000;
    return true;
  }
  return value.kind == Kind::text && parse_decimal(value.text, 4, out_e4) == DecimalError::ok;
}

/// An integer or, for notionals, money; in the range that config_keys gives this limit.
bool read_amount(const LimitSetting& row, const KeySpec& spec, const ConfigNode& value, std::int64_t& out) {
  const bool money = row.kind == LimitKind::order_notional || row.kind == LimitKind::gross_notional;
  if (!money && value.kind != Kind::integer) return false;
  std::int64_t amount = value.integer;
  if (money && !read_money(value, amount)) return false;
  if (amount < spec.min || amount > spec.max) return false;
  out = amount;
  return true;
}

const KeySpec& spec_of(const Scope& scope, LimitKind kind) {
  static constexpr KeySpec kNone;
  const KeySpec* spec = find_key(scope.is_lane() ? "limits.lane" : "limits.engine", limit_name(kind));
  return spec == nullptr ? kNone : *spec;
}

/// N, or { max = N, do = "..." }.
void read_bound(const Scope& scope, const ConfigNode& value, LimitSetting row) {
  const KeySpec& spec = spec_of(scope, row.kind);
  if (value.kind != Kind::table) {
    if (!read_amount(row, spec, value, row.value)) scope.from.refuse(row.name, value);
  } else {
    const Section table(value, "limit", scope.from.path_of(row.name), scope.loading.reading, Unlisted::refuse,
                        {"max", "do"});
    const ConfigNode* max = value.find("max");
    if (max == nullptr) {
      scope.loading.reading.refuse(value.line, table.path_of("max"), "nothing", allowed_text(spec));
    } else if (!read_amount(row, spec, *max, row.value)) {
      table.refuse("max", *max, allowed_text(spec));
    }
    read_action(scope, table, row);
  }
  scope.add(std::move(row));
}

/// { bps = N, do = "..." } or { bps_of_parent = N, do = "..." }: the unit is spelled out, a bare number has
/// none.
void read_ratio(const Scope& scope, const ConfigNode& value, LimitSetting row, std::string_view unit) {
  if (value.kind != Kind::table) {
    scope.from.refuse(row.name, value);
    return;
  }
  const Section table(value, "limit", scope.from.path_of(row.name), scope.loading.reading, Unlisted::refuse,
                      {unit, "do"});
  row.value = table.needed_integer(unit);
  read_action(scope, table, row);
  scope.add(std::move(row));
}

/// { max = N, per_ms = W, do = "..." }
LimitSetting read_window(const Scope& scope, const ConfigNode& value, LimitSetting row,
                         const std::string& path) {
  const Section table(value, "limit", path, scope.loading.reading, Unlisted::refuse, {"max", "per_ms", "do"});
  row.value = table.needed_integer("max");
  row.per_ms = static_cast<std::uint32_t>(table.needed_integer("per_ms"));
  row.name = fmt::format("{}/{}ms", limit_name(row.kind), row.per_ms);
  read_action(scope, table, row);
  if (row.kind == LimitKind::refusals && row.value > kMaxRefusals)
    table.refuse("max", *table.find("max"), fmt::format("an integer from 1 to {} refusals", kMaxRefusals));
  return row;
}

void read_windows(const Scope& scope, const ConfigNode& value, const LimitSetting& row) {
  const std::string key = limit_name(row.kind);
  const auto is_table = [](const ConfigNode& item) { return item.kind == Kind::table; };
  if (value.kind != Kind::array || value.items.empty() || value.items.size() > kRateWindowsMax ||
      !std::all_of(value.items.begin(), value.items.end(), is_table)) {
    scope.from.refuse(key, value);
    return;
  }
  std::vector<std::uint32_t> seen;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const std::string path = fmt::format("{}[{}]", scope.from.path_of(key), i);
    LimitSetting window = read_window(scope, value.items[i], row, path);
    const ConfigNode* per_ms = value.items[i].find("per_ms");
    if (std::find(seen.begin(), seen.end(), window.per_ms) != seen.end() && per_ms != nullptr)
      scope.loading.reading.refuse(per_ms->line, path + ".per_ms", describe(*per_ms), "each window once");
    seen.push_back(window.per_ms);
    scope.add(std::move(window));
  }
}

/// One symbol of a position table.
void read_symbol(const Scope& scope, const Section& table, const std::string& symbol, const ConfigNode& value,
                 LimitSetting row) {
  const auto& lane = scope.loading.config.lanes[scope.lane];
  const auto found = scope.loading.symbols.find(symbol);
  const bool known = found != scope.loading.symbols.end() &&
                     std::binary_search(lane.instruments.begin(), lane.instruments.end(), found->second);
  if (!known) {
    if (scope.loading.symbols_known)
      scope.loading.reading.refuse(value.line, table.path_of(symbol), describe(value),
                                   "symbols of this lane's instruments, each or do");
    return;
  }
  if (!read_amount(row, spec_of(scope, LimitKind::position), value, row.value)) {
    table.refuse(symbol, value, fmt::format("an integer from 1 to {}", kMaxQuantity));
    return;
  }
  row.instrument = found->second;
  row.name = "position/" + symbol;
  scope.add(std::move(row));
}

/// { ESZ6 = 15, each = 10, do = "..." }: every instrument of the lane is bounded, by name or by `each`.
void read_position(const Scope& scope, const ConfigNode& value, LimitSetting row) {
  if (value.kind != Kind::table) {
    scope.from.refuse(row.name, value);
    return;
  }
  const Section table(value, "limit", scope.from.path_of(row.name), scope.loading.reading, Unlisted::leave);
  read_action(scope, table, row);
  for (const auto& [symbol, quantity] : value.members)
    if (symbol != "each" && symbol != "do") read_symbol(scope, table, symbol, quantity, row);
  if (value.find("each") != nullptr) {
    row.value = table.needed_integer("each");
    scope.add(std::move(row));
    return;
  }
  for (const std::uint32_t instrument : scope.loading.config.lanes[scope.lane].instruments) {
    const std::string& symbol = scope.loading.config.instruments[instrument].symbol;
    if (scope.loading.symbols_known && value.find(symbol) == nullptr)
      scope.loading.reading.refuse(value.line, table.path_of(symbol), "nothing",
                                   "a quantity for every instrument of the lane, or each");
  }
}

void read_limit(const Scope& scope, LimitKind kind) {
  const char* key = limit_name(kind);
  const ConfigNode* value = scope.from.need(key);
  if (value == nullptr) return;
  LimitSetting row = scope.row(kind);
  if (is_off(*value)) {
    read_off(scope.from, key, *value, row);
    scope.add(std::move(row));
    return;
  }
  switch (kind) {
    case LimitKind::order_rate: return read_windows(scope, *value, row);
    case LimitKind::refusals:
      if (value->kind != Kind::table) return scope.from.refuse(key, *value);
      return scope.add(read_window(scope, *value, row, scope.from.path_of(key)));
    case LimitKind::price_collar: return read_ratio(scope, *value, row, "bps");
    case LimitKind::child_qty: return read_ratio(scope, *value, row, "bps_of_parent");
    case LimitKind::position: return read_position(scope, *value, row);
    case LimitKind::order_qty:
    case LimitKind::order_notional:
    case LimitKind::gross_notional:
    case LimitKind::children:
    case LimitKind::open_orders:
    case LimitKind::foreign_orders:
    case LimitKind::unsubmitted_orders:
    case LimitKind::unregistered_sockets: return read_bound(scope, *value, row);
    case LimitKind::beat_age:
    case LimitKind::progress:
    case LimitKind::death:
    case LimitKind::lease:
    case LimitKind::ledger_integrity:
    case LimitKind::undeclared_bytes:
      return scope.from.refuse(key, *value);  // read elsewhere, not a key here
  }
}

/// Owed where a parent limit is set; where none is, there are no parents and every order comes without one.
void read_orders_without_parent(const Scope& scope) {
  const auto parent_limit = [&](const LimitSetting& row) {
    return row.lane == scope.lane && !row.off &&
           (row.kind == LimitKind::children || row.kind == LimitKind::child_qty);
  };
  const auto& limits = scope.loading.config.limits;
  const ConfigNode* value = scope.from.find("orders_without_parent");
  if (std::any_of(limits.begin(), limits.end(), parent_limit)) {
    (void)scope.from.need("orders_without_parent");
    scope.loading.config.lanes[scope.lane].orders_without_parent =
        scope.from.boolean("orders_without_parent", false);
  } else if (value != nullptr) {
    scope.from.refuse("orders_without_parent", *value);
  }
}

void read_lane_limits(const Section& lanes, std::uint16_t lane, Loading& loading) {
  const std::string& name = loading.config.lanes[lane].name;
  if (lanes.find(name) == nullptr) {
    loading.reading.refuse(lanes.node().line, lanes.path_of(name), "nothing",
                           fmt::format("a table with the keys {}", known_keys_text("limits.lane")));
    return;
  }
  const Section from(lanes.table(name), "limits.lane", lanes.path_of(name), loading.reading);
  const Scope scope{from, lane, loading};
  for (const LimitKind kind : lane_limits()) read_limit(scope, kind);
  read_orders_without_parent(scope);
}

}  // namespace

bool is_off(const ConfigNode& value) noexcept {
  return value.kind == Kind::table && value.find("off") != nullptr;
}

void read_off(const Section& section, std::string_view key, const ConfigNode& value, LimitSetting& row) {
  const Section table(value, "limit", section.path_of(key), section.reading(), Unlisted::refuse, {"off"});
  row.off = true;
  row.off_reason = table.needed_text("off", is_reason);
}

void read_limits(const Section& top, Loading& loading) {
  const Section limits(top.table("limits"), "limits", "limits", loading.reading);
  const Section engine(limits.table("engine"), "limits.engine", "limits.engine", loading.reading);
  for (const LimitKind kind : engine_limits()) read_limit({engine, kEngineScope, loading}, kind);

  const Section lanes(limits.table("lane"), "limits.lane", "limits.lane", loading.reading, Unlisted::leave);
  const auto& all = loading.config.lanes;
  for (const auto& [name, value] : lanes.node().members) {
    const auto same = [&key = name](const LaneConfig& lane) { return lane.name == key; };
    if (std::none_of(all.begin(), all.end(), same))
      loading.reading.refuse(value.line, lanes.path_of(name), "a lane that does not exist",
                             "the names of [[lane]]");
  }
  for (std::size_t lane = 0; lane < all.size(); ++lane)
    read_lane_limits(lanes, static_cast<std::uint16_t>(lane), loading);
}

}  // namespace portcullis
