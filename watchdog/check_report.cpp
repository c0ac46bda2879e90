// SPDX-License-Identifier: Apache-2.0
/// @file See check_report.hpp: computes the report. How it looks is in check_report_text.cpp.
#include "watchdog/check_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "shm/ledger_layout.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kNsPerUs = 1'000;
constexpr std::uint64_t kSocketCensusNs = 1'000'000'000;  // sockets are listed once a second

/// 1234567 -> "1,234,567"
std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

/// Money without the zeros behind the point.
std::string money(std::int64_t e4) {
  std::string text = grouped(static_cast<std::uint64_t>(e4) / 10'000);
  std::string rest = fmt::format(".{:04}", e4 % 10'000);
  rest.erase(rest.find_last_not_of('0') + 1);
  return rest == "." ? text : text + rest;
}

std::string unit_of(LimitKind kind, const std::string& currency) {
  switch (kind) {
    case LimitKind::order_rate:
    case LimitKind::children:
    case LimitKind::open_orders:
    case LimitKind::foreign_orders:
    case LimitKind::unsubmitted_orders: return "orders";
    case LimitKind::refusals: return "refusals";
    case LimitKind::order_qty:
    case LimitKind::position: return "quantity";
    case LimitKind::order_notional:
    case LimitKind::gross_notional: return currency + " e-4";
    case LimitKind::price_collar: return "bps";
    case LimitKind::child_qty: return "bps of the parent";
    case LimitKind::beat_age:
    case LimitKind::progress:
    case LimitKind::ledger_integrity: return "ns";
    case LimitKind::death:
    case LimitKind::lease: return "events";
    case LimitKind::undeclared_bytes: return "bytes";
    case LimitKind::unregistered_sockets: return "sockets";
  }
  return "?";
}

std::string shown_value(const LimitSetting& row, const std::string& currency) {
  const bool is_money = row.kind == LimitKind::order_notional || row.kind == LimitKind::gross_notional;
  const std::string unit = unit_of(row.kind, currency);
  if (is_money) return fmt::format("{} {}", money(row.value), currency);
  if (unit == "ns") return fmt::format("{} ms", grouped(static_cast<std::uint64_t>(row.value) / kNsPerMs));
  const std::string number = fmt::format("{} {}", grouped(static_cast<std::uint64_t>(row.value)), unit);
  return row.per_ms == 0 ? number : fmt::format("{} in {} ms", number, row.per_ms);
}

std::string scope_name(const Config& config, const LimitSetting& row) {
  if (row.session != kNoSession) return "session " + config.sessions.at(row.session).name;
  return row.lane == kEngineScope ? "engine" : "lane " + config.lanes.at(row.lane).name;
}

CheckLimit limit_row(const Config& config, const LimitSetting& row) {
  const std::string currency = config.currency.data();
  CheckLimit out;
  out.name = row.name;
  out.scope = scope_name(config, row);
  out.off = row.off_reason;
  if (row.off) return out;
  out.value = row.value;
  out.unit = unit_of(row.kind, currency);
  out.shown = shown_value(row, currency);
  out.action = action_name(row.action);
  out.enforced = enforced_inline(row.kind) ? "inline and supervised" : "supervised";
  return out;
}

/// Every table's bytes in both memories; what is left are the headers and the padding.
void add_capacities(const Capacities& c, CheckReport& report) {
  const std::uint64_t counters = std::uint64_t{c.lanes + 1} * kLimitKinds * sizeof(Evaluation);
  report.capacities = {
      {"lanes", c.lanes, c.lanes * (sizeof(GateLane) + sizeof(LaneBlock)) + counters},
      {"instruments", c.instruments, c.instruments * sizeof(GateInstrument)},
      {"pairs", c.pairs, c.pairs * (sizeof(GatePair) + sizeof(Cell))},
      {"parents", c.parents, c.parents * sizeof(ParentSlot)},
      {"open_orders", c.open_orders, c.open_orders * sizeof(OrderSlot)},
      {"sessions", c.sessions, c.sessions * (sizeof(GateSession) + sizeof(SessionBlock))},
      {"rate_entries", c.rate_entries, c.rate_entries * (c.lanes * sizeof(Word) + sizeof(RingEntry))},
      {"message_ends", c.message_ends, std::uint64_t{c.message_ends} * c.sessions * sizeof(MessageEnd)},
  };
  report.memory_bytes = gate_bytes(c) + ledger_bytes(c);
  std::uint64_t listed = 0;
  for (const CheckCapacity& row : report.capacities) listed += row.bytes;
  report.capacities.push_back({"headers", 2, report.memory_bytes - listed});
}

/// The most orders that can be open: the engine's limit, or the table.
std::uint64_t most_orders(const Config& config) {
  const LimitSetting* row = find_limit(config, LimitKind::open_orders, kEngineScope);
  if (row == nullptr || row->off) return config.capacities.open_orders;
  return std::min<std::uint64_t>(static_cast<std::uint64_t>(row->value), config.capacities.open_orders);
}

std::vector<CheckRung> rungs_of(const Config& config, const SessionConfig& session) {
  const bool kernel = session.transport == Transport::kernel;
  const std::string no_witness = fmt::format("missing: transport \"{}\"", transport_name(session.transport));
  const bool always = config.ladder.fence_if == FenceIf::always;
  return {
      {"close", true, kernel ? "" : "closed only: contained cannot be shown without a witness"},
      {"ask", true, fmt::format("{} ms", config.ladder.ask_ms)},
      {"take-over", kernel && session.take_over,
       !kernel             ? no_witness
       : session.take_over ? fmt::format("{} ms; needs the engine's own 35=F{}", config.ladder.take_over_ms,
                                         session.mass_cancel ? " or 35=q" : "")
                           : "missing: take_over = false"},
      {"sever", kernel, kernel ? fmt::format("{} ms", config.ladder.sever_ms) : no_witness},
      {"fence", true,
       always   ? "always"
       : kernel ? "if not contained or an order is unknown"
                : "always reached"},
  };
}

std::string session_note(const Config& config, const SessionConfig& session, std::uint64_t cancel_all_ms) {
  if (session.transport != Transport::kernel)
    return fmt::format("transport \"{}\": no witness, no sever; closed only, ends at the fence",
                       transport_name(session.transport));
  if (cancel_all_ms > config.ladder.ask_ms)
    return fmt::format("cancelling everything takes longer than ask_ms = {}: the rest is taken over or severed",
                       config.ladder.ask_ms);
  return "";
}

CheckSession session_row(const Config& config, const SessionConfig& session) {
  CheckSession out;
  out.name = session.name;
  out.transport = transport_name(session.transport);
  out.cancel_on_disconnect = cancel_on_disconnect_name(session.cancel_on_disconnect);
  out.mass_cancel = session.mass_cancel;
  out.cancel_rate_per_s = session.cancel_rate_per_s;
  out.orders = most_orders(config);
  out.cancel_all_ms = (out.orders * 1000 + session.cancel_rate_per_s - 1) / session.cancel_rate_per_s;
  out.rungs = rungs_of(config, session);
  out.note = session_note(config, session, out.cancel_all_ms);
  return out;
}

/// What one order may be worth at most on any lane; nullopt when a lane has no such limit.
std::optional<std::int64_t> largest_order_e4(const Config& config) {
  std::int64_t largest = 0;
  for (std::size_t lane = 0; lane < config.lanes.size(); ++lane) {
    const LimitSetting* row = find_limit(config, LimitKind::order_notional, static_cast<std::uint16_t>(lane));
    if (row == nullptr || row->off) return std::nullopt;
    largest = std::max(largest, row->value);
  }
  return largest;
}

/// orders times the largest order, and never more than the inline gross notional lets through.
std::optional<std::int64_t> worst_notional(const Config& config, std::optional<std::uint64_t> orders) {
  std::optional<std::int64_t> worst;
  const auto largest = largest_order_e4(config);
  if (orders && largest) {
    const __int128 product = static_cast<__int128>(*orders) * *largest;
    worst = product > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(product);
  }
  const LimitSetting* gross = find_limit(config, LimitKind::gross_notional, kEngineScope);
  if (gross != nullptr && !gross->off) worst = std::min(worst.value_or(INT64_MAX), gross->value);
  return worst;
}

/// A liveness limit lets an engine that went wrong trade on until it acts, held by the inline limits alone.
CheckMargin liveness_margin(const Config& config, const LimitSetting& row) {
  CheckMargin out;
  out.limit = row.name;
  out.reaction_ns = static_cast<std::uint64_t>(row.value) + config.supervisor.cycle_us * kNsPerUs;
  out.orders = worst_orders(config, out.reaction_ns);
  out.notional_e4 = worst_notional(config, out.orders);
  out.note = "held by the inline limits until then";
  return out;
}

CheckMargin outside_margin(const LimitSetting& row, std::uint64_t reaction_ns) {
  CheckMargin out;
  out.limit = row.name;
  out.reaction_ns = reaction_ns;
  out.note = "not computable: orders around the hook pass no inline limit";
  return out;
}

void add_margin(const Config& config, const LimitSetting& row, CheckReport& report) {
  if (row.off || row.lane != kEngineScope) return;
  const std::uint64_t cycle_ns = config.supervisor.cycle_us * kNsPerUs;
  switch (row.kind) {
    case LimitKind::beat_age:
    case LimitKind::progress:
    case LimitKind::ledger_integrity: report.margins.push_back(liveness_margin(config, row)); return;
    case LimitKind::foreign_orders:
    case LimitKind::undeclared_bytes:
    case LimitKind::unsubmitted_orders: report.margins.push_back(outside_margin(row, cycle_ns)); return;
    case LimitKind::unregistered_sockets:
      report.margins.push_back(outside_margin(row, kSocketCensusNs + cycle_ns));
      return;
    case LimitKind::order_rate:
    case LimitKind::order_qty:
    case LimitKind::order_notional:
    case LimitKind::price_collar:
    case LimitKind::position:
    case LimitKind::gross_notional:
    case LimitKind::children:
    case LimitKind::child_qty:
    case LimitKind::open_orders:
    case LimitKind::refusals:
    case LimitKind::death:  // nothing goes on after it
    case LimitKind::lease: return;
  }
}

/// The strictest window of one scope; nullopt when it has none.
std::optional<std::uint64_t> worst_in_scope(const Config& config, std::uint16_t lane, std::uint64_t time_ns) {
  std::optional<std::uint64_t> worst;
  for (const LimitSetting& row : config.limits) {
    if (row.kind != LimitKind::order_rate || row.lane != lane || row.off || row.per_ms == 0) continue;
    const std::uint64_t windows = time_ns / (row.per_ms * kNsPerMs) + 1;
    worst = std::min(worst.value_or(UINT64_MAX), static_cast<std::uint64_t>(row.value) * windows);
  }
  return worst;
}

}  // namespace

std::optional<std::uint64_t> worst_orders(const Config& config, std::uint64_t time_ns) {
  std::optional<std::uint64_t> lanes = 0;
  for (std::size_t lane = 0; lane < config.lanes.size(); ++lane) {
    const auto one = worst_in_scope(config, static_cast<std::uint16_t>(lane), time_ns);
    lanes = lanes && one ? std::optional(*lanes + *one) : std::nullopt;
  }
  const auto engine = worst_in_scope(config, kEngineScope, time_ns);
  if (engine && lanes) return std::min(*engine, *lanes);
  return engine ? engine : lanes;
}

bool enforced_inline(LimitKind kind) noexcept {
  switch (kind) {
    case LimitKind::order_rate:
    case LimitKind::order_qty:
    case LimitKind::order_notional:
    case LimitKind::price_collar:
    case LimitKind::position:
    case LimitKind::gross_notional:
    case LimitKind::children:
    case LimitKind::child_qty:
    case LimitKind::open_orders:
    case LimitKind::refusals:
    case LimitKind::lease: return true;
    case LimitKind::foreign_orders:
    case LimitKind::beat_age:
    case LimitKind::progress:
    case LimitKind::death:
    case LimitKind::ledger_integrity:
    case LimitKind::undeclared_bytes:
    case LimitKind::unsubmitted_orders:
    case LimitKind::unregistered_sockets: return false;
  }
  return false;
}

CheckReport make_check_report(const Config& config) {
  CheckReport report;
  report.engine = config.engine;
  report.environment = config.environment;
  report.currency = config.currency.data();
  for (const std::uint8_t byte : config.hash) report.hash += fmt::format("{:02x}", byte);
  report.memory_max_bytes = std::uint64_t{config.memory_max_mib} * 1024 * 1024;
  for (const LimitSetting& row : config.limits) {
    report.limits.push_back(limit_row(config, row));
    add_margin(config, row, report);
  }
  add_capacities(config.capacities, report);
  for (const SessionConfig& session : config.sessions)
    report.sessions.push_back(session_row(config, session));
  return report;
}

}  // namespace portcullis
