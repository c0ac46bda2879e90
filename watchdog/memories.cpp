// SPDX-License-Identifier: Apache-2.0
#include "watchdog/memories.hpp"

#include <sys/random.h>

#include <algorithm>

namespace portcullis {
namespace {

void copy_name(char (&out)[kNameBytes], const std::string& name) noexcept {
  std::memcpy(out, name.data(), std::min(name.size(), sizeof out - 1));
}

std::int64_t bound(const Config& config, LimitKind kind, std::uint16_t lane,
                   std::uint32_t instrument = kAnyInstrument) noexcept {
  const LimitSetting* row = find_limit(config, kind, lane, instrument);
  return row == nullptr || row->off ? kNoLimit : row->value;
}

std::uint32_t write_windows(const Config& config, LimitKind kind, std::uint16_t lane, RateWindow* out,
                            std::uint32_t room) noexcept {
  std::uint32_t used = 0;
  for (const LimitSetting& row : config.limits) {
    if (row.kind != kind || row.lane != lane || row.off || used == room) continue;
    out[used++] = {static_cast<std::uint64_t>(row.value), std::uint64_t{row.per_ms} * 1'000'000};
  }
  return used;
}

std::uint64_t shut_kinds(const Config& config, std::uint16_t lane) noexcept {
  std::uint64_t kinds = 0;
  for (const LimitSetting& row : config.limits)
    if ((row.lane == lane || row.lane == kEngineScope) && !row.off && row.action >= Action::halt_lane)
      kinds |= std::uint64_t{1} << static_cast<unsigned>(row.kind);
  return kinds;
}

void write_lane(const Config& config, std::uint16_t index, std::uint32_t pair_begin, GateLane& lane) noexcept {
  const LaneConfig& from = config.lanes[index];
  copy_name(lane.name, from.name);
  lane.pair_begin = pair_begin;
  lane.pair_count = static_cast<std::uint32_t>(from.instruments.size());
  lane.parent_required = from.orders_without_parent ? 0 : 1;
  lane.order_rates = write_windows(config, LimitKind::order_rate, index, lane.order_rate, kRateWindowsMax);
  lane.refusals = {kNoLimit, 0};
  write_windows(config, LimitKind::refusals, kEngineScope, &lane.refusals, 1);
  lane.order_qty = bound(config, LimitKind::order_qty, index);
  lane.order_notional_e4 = bound(config, LimitKind::order_notional, index);
  lane.collar_bps = bound(config, LimitKind::price_collar, index);
  lane.gross_notional_e4 = bound(config, LimitKind::gross_notional, index);
  lane.open_orders = bound(config, LimitKind::open_orders, index);
  lane.children = bound(config, LimitKind::children, index);
  lane.child_qty_bps = bound(config, LimitKind::child_qty, index);
  lane.shut_kinds = shut_kinds(config, index);
  const std::uint32_t rate =
      from.session != kNoSession ? config.sessions[from.session].cancel_rate_per_s : 100;  // no session: a mild pace
  store(lane.cancel_pace_ns, 1'000'000'000ULL / std::max<std::uint32_t>(rate, 1));
}

}  // namespace

void write_gate(const Config& config, const std::uint64_t (&incarnation)[2], const GateView& gate) noexcept {
  GateHeader& header = gate.header();
  header.magic = kGateMagic;
  header.shared_totals = config.lanes.size() > 1 ? 1 : 0;
  header.fingerprint = layout_fingerprint();
  std::copy(std::begin(incarnation), std::end(incarnation), header.incarnation);
  header.capacities = config.capacities;
  copy_name(header.engine, config.engine);
  std::copy(config.hash.begin(), config.hash.end(), header.configuration_hash);
  store(header.lease_ns, std::uint64_t{config.supervisor.lease_ms} * 1'000'000);

  EngineLimits& limits = gate.limits();
  limits.order_rates = write_windows(config, LimitKind::order_rate, kEngineScope, limits.order_rate, kRateWindowsMax);
  limits.gross_notional_e4 = bound(config, LimitKind::gross_notional, kEngineScope);
  limits.open_orders = bound(config, LimitKind::open_orders, kEngineScope);
  limits.backlog_bytes = kNoLimit;
  for (const SessionConfig& session : config.sessions)
    limits.backlog_bytes = std::min(limits.backlog_bytes, session.backlog_bytes);

  for (std::uint32_t i = 0; i < config.instruments.size(); ++i) {
    const Instrument& from = config.instruments[i];
    GateInstrument& to = gate.instrument(i);
    std::memcpy(to.symbol, from.symbol.data(), std::min(from.symbol.size(), sizeof to.symbol - 1));
    to.value_num = from.value_num;
    to.value_den = from.value_den;
    to.reference_px_e8 = from.reference_px_e8;
    to.tick_e8 = from.tick_e8;
    to.allow_negative = from.allow_negative ? 1 : 0;
  }
  std::uint32_t pair = 0;
  for (std::uint16_t lane = 0; lane < config.lanes.size(); ++lane) {
    write_lane(config, lane, pair, gate.lane(lane));
    for (const std::uint32_t instrument : config.lanes[lane].instruments)
      gate.pair(pair++) = {lane, instrument, bound(config, LimitKind::position, lane, instrument), {}};
  }
  for (std::uint32_t i = 0; i < config.sessions.size(); ++i) {
    const SessionConfig& from = config.sessions[i];
    GateSession& to = gate.session(i);
    copy_name(to.name, from.name);
    to.transport = static_cast<std::uint32_t>(from.transport);
    to.mass_cancel = from.mass_cancel ? 1 : 0;
    to.cancel_rate_per_s = from.cancel_rate_per_s;
    to.backlog_bytes = from.backlog_bytes;
  }
  header.version.store(kLayoutVersion, std::memory_order_release);
}

void write_ledger_header(const Config& config, const std::uint64_t (&incarnation)[2], std::uint64_t engine_pid,
                         const LedgerView& ledger) noexcept {
  LedgerHeader& header = ledger.header();
  header.magic = kLedgerMagic;
  header.fingerprint = layout_fingerprint();
  std::copy(std::begin(incarnation), std::end(incarnation), header.incarnation);
  header.capacities = config.capacities;
  copy_name(header.engine, config.engine);
  store(header.engine_pid, engine_pid);
  header.version.store(kLayoutVersion, std::memory_order_release);
}

MemoryError create_memories(const Config& config, std::uint64_t engine_pid, Memories& out) noexcept {
  Memories made;
  std::uint64_t incarnation[2] = {};
  if (getrandom(incarnation, sizeof incarnation, 0) != sizeof incarnation) return MemoryError::create;
  const Capacities& c = config.capacities;
  if (!capacities_valid(c)) return MemoryError::wrong_size;
  if (const MemoryError e = create_gate(gate_bytes(c), made.gate_fd, made.gate_mapping); e != MemoryError::none)
    return e;
  if (const MemoryError e = create_ledger(ledger_bytes(c), made.ledger_fd, made.ledger_mapping);
      e != MemoryError::none)
    return e;
  made.gate = {made.gate_mapping.data(), gate_offsets(c)};
  made.ledger = {made.ledger_mapping.data(), ledger_offsets(c), c};
  write_gate(config, incarnation, made.gate);
  for (std::uint64_t at = 0; at < made.ledger_mapping.size(); at += kPageBytes)  // our page tables, before arming
    static_cast<void>(*reinterpret_cast<volatile const std::byte*>(made.ledger.base + at));
  write_ledger_header(config, incarnation, engine_pid, made.ledger);
  out = std::move(made);
  return MemoryError::none;
}

}  // namespace portcullis
