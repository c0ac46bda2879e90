// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>

#include <cstring>

#include "integration/lane_run.hpp"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace portcullis {
namespace {

constexpr std::uint32_t kGenerationsPerAttachment =
    1U << 27U;  // uses of one slot; 17 attachments fit into 32 bits

bool same_text(const char* text, std::size_t room, std::string_view name) noexcept {
  return name.size() < room && std::memcmp(text, name.data(), name.size()) == 0 && text[name.size()] == '\0';
}

template <typename Header>
bool header_fits(const Header& header, std::uint64_t magic, const Capacities& capacities) noexcept {
  return header.magic == magic && header.version.load(std::memory_order_acquire) == kLayoutVersion &&
         header.fingerprint == layout_fingerprint() &&
         std::memcmp(&header.capacities, &capacities, sizeof capacities) == 0;
}

bool windows_fit(const RateWindow* windows, std::uint32_t used, std::uint32_t entries) noexcept {
  if (used > kRateWindowsMax) return false;
  for (std::uint32_t i = 0; i < used; ++i)
    if (windows[i].max > entries) return false;
  return true;
}

/// A limit that the rings cannot judge would be a limit that nobody checks.
bool limits_fit(const Attachment& a) noexcept {
  const EngineLimits& engine = a.gate.limits();
  if (!windows_fit(engine.order_rate, engine.order_rates, a.capacities.rate_entries)) return false;
  if (a.capacities.lanes > 1 && a.gate.header().shared_totals == 0) return false;
  for (std::uint32_t i = 0; i < a.capacities.lanes; ++i) {
    const GateLane& lane = a.gate.lane(i);
    const bool refusals_off =
        lane.refusals.max >= static_cast<std::uint64_t>(kNoLimit) || lane.refusals.window_ns == 0;
    if (!windows_fit(lane.order_rate, lane.order_rates, a.capacities.rate_entries)) return false;
    if (!refusals_off && lane.refusals.max >= kRefusalEntries) return false;
    if (std::uint64_t{lane.pair_begin} + lane.pair_count > a.capacities.pairs) return false;
    for (std::uint32_t p = lane.pair_begin; p < lane.pair_begin + lane.pair_count; ++p)
      if (a.gate.pair(p).lane != i || a.gate.pair(p).instrument >= a.capacities.instruments) return false;
  }
  return true;
}

AttachmentError map_both(int gate_fd, int ledger_fd, Attachment& a) noexcept {
  const std::uint64_t gate_size = gate_bytes(a.capacities);
  const std::uint64_t ledger_size = ledger_bytes(a.capacities);
  if (check_gate(gate_fd, gate_size) != MemoryError::none) return AttachmentError::memory;
  if (check_ledger(ledger_fd, ledger_size) != MemoryError::none) return AttachmentError::memory;
  if (a.gate_mapping.map(gate_fd, gate_size, Access::read_only) != MemoryError::none)
    return AttachmentError::memory;
  if (a.ledger_mapping.map(ledger_fd, ledger_size, Access::read_write) != MemoryError::none)
    return AttachmentError::memory;
  if (!a.gate_mapping.keep_from_children() || !a.ledger_mapping.keep_from_children())
    return AttachmentError::kernel;
  // page tables now instead of at the first order; Linux 5.14, and only a matter of speed
  madvise(a.gate_mapping.data(), gate_size, MADV_POPULATE_READ);
  madvise(a.ledger_mapping.data(), ledger_size, MADV_POPULATE_WRITE);
  a.gate = {a.gate_mapping.data(), gate_offsets(a.capacities)};
  a.ledger = {a.ledger_mapping.data(), ledger_offsets(a.capacities), a.capacities};
  return AttachmentError::none;
}

void point_into_memories(Attachment& a, std::uint32_t lane, LaneRun& run) {
  run.attachment = &a;
  run.gate_header = &a.gate.header();
  run.engine_limits = &a.gate.limits();
  run.gate = &a.gate.lane(lane);
  run.instruments = &a.gate.instrument(0);
  run.pairs = &a.gate.pair(0);
  run.block = &a.ledger.lane(lane);
  run.totals = &a.ledger.totals();
  run.cells = &a.ledger.cell(0);
  run.parents = &a.ledger.parent(0);
  run.orders = &a.ledger.order(0);
  run.rate_ring = &a.ledger.rate_stamp(lane, 0);
  run.shared_ring = &a.ledger.shared_stamp(0);
  run.ring_mask = a.capacities.rate_entries - 1;
  run.index = a.index;
  run.lane = lane;
  run.instrument_count = a.capacities.instruments;
  run.pair_begin = run.gate->pair_begin;
  run.shared = a.shared;
}

void list_pairs(LaneRun& run) {
  const std::uint32_t count = run.gate->pair_count;
  run.dense = count == run.instrument_count;
  for (std::uint32_t i = 0; i < count && run.dense; ++i)
    run.dense = run.pairs[run.pair_begin + i].instrument == i;
  if (!run.dense) {
    run.pair_of.assign(run.instrument_count, kNoPair);
    for (std::uint32_t p = run.pair_begin; p < run.pair_begin + count; ++p)
      run.pair_of[run.pairs[p].instrument] = p;
  }
  run.start_e4.assign(count, 0);
  run.value_e4.assign(count, 0);
  run.start_seen_e4.assign(count, 0);
}

/// Which of the checks that a lane makes alone have a limit to judge by. For the counters only.
std::uint64_t judged_kinds(const LaneRun& run) noexcept {
  const GateLane& lane = *run.gate;
  const EngineLimits& engine = *run.engine_limits;
  std::uint64_t kinds = kind_bit(LimitKind::position);  // each pair has its own
  const auto judged = [&](LimitKind kind, bool configured) { kinds |= configured ? kind_bit(kind) : 0; };
  judged(LimitKind::order_rate, lane.order_rates != 0 || (!run.shared && engine.order_rates != 0));
  judged(LimitKind::order_qty, lane.order_qty != kNoLimit);
  judged(LimitKind::order_notional, lane.order_notional_e4 != kNoLimit);
  judged(LimitKind::price_collar, lane.collar_bps != kNoLimit);
  judged(LimitKind::gross_notional,
         lane.gross_notional_e4 != kNoLimit || (!run.shared && engine.gross_notional_e4 != kNoLimit));
  judged(LimitKind::open_orders,
         lane.open_orders != kNoLimit || (!run.shared && engine.open_orders != kNoLimit));
  judged(LimitKind::children, lane.children != kNoLimit);
  judged(LimitKind::child_qty, lane.child_qty_bps != kNoLimit);
  return kinds;
}

void share_out_slots(const Attachment& a, LaneRun& run) {
  const Capacities& c = a.capacities;
  run.slot_begin = lane_share_begin(c.open_orders, c.lanes, run.lane);
  run.slot_end = lane_share_begin(c.open_orders, c.lanes, run.lane + 1);
  run.parent_begin = lane_share_begin(c.parents, c.lanes, run.lane);
  run.parent_end = lane_share_begin(c.parents, c.lanes, run.lane + 1);
  const std::uint32_t slots = run.slot_end - run.slot_begin;
  run.notes.assign(slots, SlotNote{a.first_generation, OrderIndex::kNone, 0});
  run.withdrawn.reserve(slots);
  run.cancel_list.reserve(slots);
  run.free_slots.reserve(slots);
  run.untouched.reserve(slots);
  for (std::uint32_t slot = run.slot_end; slot > run.slot_begin; --slot) run.untouched.push_back(slot - 1);
  for (std::uint32_t p = run.parent_end; p > run.parent_begin; --p) run.free_parents.push_back(p - 1);
}

}  // namespace

std::uint32_t Attachment::find_instrument(std::string_view symbol) const noexcept {
  for (std::uint32_t i = 0; i < capacities.instruments; ++i)
    if (same_text(gate.instrument(i).symbol, sizeof(GateInstrument::symbol), symbol)) return i;
  return kNoPair;
}

std::uint32_t Attachment::find_lane(std::string_view name) const noexcept {
  for (std::uint32_t i = 0; i < capacities.lanes; ++i)
    if (same_text(gate.lane(i).name, kNameBytes, name)) return i;
  return kNoPair;
}

AttachmentError make_attachment(int gate_fd, int ledger_fd, const Capacities& capacities,
                                std::string_view engine, std::uint32_t number,
                                std::unique_ptr<Attachment>& out) {
  if (!capacities_valid(capacities)) return AttachmentError::layout;
  auto made = std::make_unique<Attachment>();
  Attachment& a = *made;
  a.capacities = capacities;
  if (const AttachmentError e = map_both(gate_fd, ledger_fd, a); e != AttachmentError::none) return e;
  const GateHeader& gate = a.gate.header();
  const LedgerHeader& ledger = a.ledger.header();
  if (!header_fits(gate, kGateMagic, capacities) || !header_fits(ledger, kLedgerMagic, capacities))
    return AttachmentError::layout;
  if (!same_text(gate.engine, kNameBytes, engine) || !same_text(ledger.engine, kNameBytes, engine) ||
      std::memcmp(gate.incarnation, ledger.incarnation, sizeof gate.incarnation) != 0)
    return AttachmentError::identity;
  if (!limits_fit(a)) return AttachmentError::limits;
  a.shared = gate.shared_totals != 0;
  a.number = number;
  a.first_generation = number * kGenerationsPerAttachment;
  a.index_room = OrderIndex::make_room(capacities.open_orders, a.index);
  out = std::move(made);
  return AttachmentError::none;
}

std::unique_ptr<LaneRun> make_lane_run(Attachment& attachment, std::uint32_t lane) {
  auto run = std::make_unique<LaneRun>();
  point_into_memories(attachment, lane, *run);
  list_pairs(*run);
  share_out_slots(attachment, *run);
  run->judged_kinds = judged_kinds(*run);
  run->exec_ids.assign(kExecBuckets * kExecBucketWords, 0);
  run->exec_next.assign(kExecBuckets, 0);
  return run;
}

}  // namespace portcullis
