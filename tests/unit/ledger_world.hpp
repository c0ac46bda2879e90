// SPDX-License-Identifier: Apache-2.0
/// @file A small engine for tests of evaluator, monitor and status: a configuration with every limit, real
/// sealed memories, and helpers that write what an honest hook writes. Time is data; it starts near the real
/// clock because a few judgements look at a fresh clock before they trip.
#pragma once
#include <catch2/catch.hpp>
#include <optional>

#include "shm/clock.hpp"
#include "watchdog/board.hpp"
#include "watchdog/memories.hpp"

namespace portcullis::test {

inline constexpr std::uint64_t kMs = 1'000'000;

struct World {
  Config config;
  Memories memories;
  Attachment attachment;
  Facts facts;
  std::uint64_t now_ns = monotonic_now_ns();
  std::optional<Evaluator> evaluator;

  explicit World(std::uint16_t lanes = 1) {
    make_config(lanes);
    REQUIRE(create_memories(config, 4711, memories) == MemoryError::none);
    attachment = {memories.gate, memories.ledger};
    evaluator.emplace(config);
    evaluator->attach(gate(), ledger());
    facts.armed = true;
    facts.armed_ns = now_ns;
    facts.sessions[0].witnessed = true;
    evaluator->arm(now_ns);
    for (std::uint16_t lane = 0; lane < lanes; ++lane) set_gate(lane, 1, GateState::open);
  }

  [[nodiscard]] const GateView& gate() const { return memories.gate; }
  [[nodiscard]] const LedgerView& ledger() const { return memories.ledger; }
  [[nodiscard]] LaneBlock& block(std::uint32_t lane = 0) const { return ledger().lane(lane); }
  void set_gate(std::uint32_t lane, std::uint64_t generation, GateState state) const {
    store(gate().lane(lane).word, gate_word(generation, state));
  }

  /// One cycle after `later_ns`, with fresh witness and census.
  Breach cycle(std::uint64_t later_ns = kMs) {
    now_ns += later_ns;
    facts.sessions[0].sampled_ns = now_ns;
    facts.census_ns = now_ns;
    return cycle_as_is();
  }
  Breach cycle_as_is() { return evaluator->cycle(facts, now_ns); }
  /// Enough cycles for the sliced walks to come around twice.
  Breach cycles() {
    Breach breach;
    for (int i = 0; i < 4 && !breach.found(); ++i) breach = cycle();
    return breach;
  }

  [[nodiscard]] std::size_t row_of(LimitKind kind, std::uint16_t lane = kEngineScope,
                                   std::uint32_t per_ms = 0) const {
    for (std::size_t i = 0; i < config.limits.size(); ++i)
      if (config.limits[i].kind == kind && config.limits[i].lane == lane && config.limits[i].per_ms == per_ms)
        return i;
    FAIL("no such row");
    return 0;
  }
  [[nodiscard]] Result result_of(LimitKind kind, std::uint16_t lane = kEngineScope,
                                 std::uint32_t per_ms = 0) const {
    return evaluator->row(row_of(kind, lane, per_ms)).result.load();
  }
  [[nodiscard]] std::int64_t observed(LimitKind kind, std::uint16_t lane = kEngineScope,
                                      std::uint32_t per_ms = 0) const {
    return load(evaluator->row(row_of(kind, lane, per_ms)).observed);
  }

  // what an honest hook writes
  void rate_event(std::uint64_t stamp_ns, std::uint32_t lane = 0) const {
    const std::uint64_t head = load(block(lane).rate_head);
    store(ledger().rate_stamp(lane, head), stamp_ns);
    store(block(lane).rate_head, head + 1);
    add_own(block(lane).passes, 1);
    if (config.lanes.size() == 1) return;
    const std::uint64_t shared = load(ledger().totals().ring_head);
    store(ledger().totals().ring_head, shared + 1);
    store(ledger().shared_stamp(shared).stamp_ns, stamp_ns);
    store(ledger().shared_stamp(shared).sequence, shared + 1);
  }
  void refusal(std::uint64_t stamp_ns, std::uint32_t lane = 0) const {
    const std::uint64_t count = load(block(lane).refusals);
    store(block(lane).refusal_ns[count % kRefusalEntries], stamp_ns);
    store(block(lane).refusals, count + 1);
  }
  /// An open order in the slot, as sent.
  OrderSlot& order(std::uint32_t slot, std::int64_t qty, std::int64_t px_e8 = 100'00000000,
                   std::uint32_t lane = 0) const {
    OrderSlot& at = ledger().order(slot);
    store(at.lane_pair, std::uint64_t{lane} << 32U | (lane * 2));
    store(at.instrument_terms, std::uint64_t{1} << 16U | std::uint64_t{2} << 8U);
    store(at.order_qty, qty);
    store(at.px_e8, px_e8);
    store(at.reference_px_e8, 100'00000000);
    store(at.notional_e4, qty * (px_e8 / 10'000));
    Id id;
    REQUIRE(id.assign("Q7-1", 4));
    at.cl_ord_id.put(id);
    store(at.submit_word, std::uint64_t{1} << 8U | static_cast<std::uint64_t>(SubmitState::sent));
    return at;
  }
  /// The same at half the price, far from the notional's bound.
  OrderSlot& small_order(std::uint32_t slot, std::int64_t qty) const {
    OrderSlot& at = order(slot, qty, 50'00000000);
    store(at.reference_px_e8, 50'00000000);
    return at;
  }
  /// The hook's own closing of a lane.
  void shut(std::uint32_t lane, ShutReason reason, LimitKind kind = LimitKind::order_rate,
            std::int64_t limit = 3, std::uint32_t per_ms = 10, std::uint64_t generation = 1) const {
    store(block(lane).shut_observed, static_cast<std::uint64_t>(limit + 1));
    store(block(lane).shut_limit, static_cast<std::uint64_t>(limit));
    store(block(lane).shut_kind, std::uint64_t{per_ms} << 32U | static_cast<std::uint64_t>(kind));
    store(block(lane).shut, generation << 8U | static_cast<std::uint64_t>(reason));
  }

 private:
  void limit(LimitKind kind, std::uint16_t lane, std::int64_t value, Action action, std::uint32_t per_ms = 0,
             std::uint32_t instrument = kAnyInstrument) {
    LimitSetting row;
    row.kind = kind;
    row.lane = lane;
    row.value = value;
    row.action = action;
    row.per_ms = per_ms;
    row.instrument = instrument;
    row.name = limit_name(kind);
    if (per_ms != 0) row.name += "/" + std::to_string(per_ms) + "ms";
    config.limits.push_back(row);
  }

  void make_config(std::uint16_t lanes) {
    config.engine = "mm1";
    config.environment = "test";
    config.mode = Mode::desk;
    config.instruments.resize(2);
    for (int i = 0; i < 2; ++i) {
      config.instruments[i].symbol = i == 0 ? "ESZ6" : "NQZ6";
      config.instruments[i].tick_e8 = 25'000'000;
      config.instruments[i].value_num = 1;
      config.instruments[i].value_den = 10'000;
      config.instruments[i].reference_px_e8 = 100'00000000;
    }
    config.sessions.resize(1);
    config.sessions[0].name = "CME-A";
    config.sessions[0].transport = Transport::kernel;
    config.sessions[0].contact = "GCC, firm 123";
    config.capacities = {lanes, 2, lanes * 2U, lanes * 4U, lanes * 16U, 1, 64, 64};
    limit(LimitKind::order_rate, kEngineScope, 5, Action::halt_engine, 100);
    limit(LimitKind::gross_notional, kEngineScope, 20'000'000, Action::refuse);
    limit(LimitKind::open_orders, kEngineScope, 6, Action::refuse);
    limit(LimitKind::refusals, kEngineScope, 3, Action::halt_engine, 1000);
    limit(LimitKind::foreign_orders, kEngineScope, 0, Action::halt_engine);
    limit(LimitKind::unsubmitted_orders, kEngineScope, 0, Action::halt_engine);
    limit(LimitKind::unregistered_sockets, kEngineScope, 0, Action::halt_engine);
    limit(LimitKind::beat_age, kEngineScope, 1000 * kMs, Action::halt_engine);
    limit(LimitKind::progress, kEngineScope, 500 * kMs, Action::halt_engine);
    limit(LimitKind::death, kEngineScope, 0, Action::halt_engine);
    limit(LimitKind::lease, kEngineScope, 0, Action::halt_engine);
    limit(LimitKind::ledger_integrity, kEngineScope, 100 * kMs, Action::halt_engine);
    limit(LimitKind::undeclared_bytes, kEngineScope, 0, Action::halt_engine);
    config.limits.back().session = 0;
    for (std::uint16_t lane = 0; lane < lanes; ++lane) make_lane(lane);
  }

  void make_lane(std::uint16_t lane) {
    LaneConfig made;
    made.name = "lane" + std::to_string(lane);
    made.instruments = {0, 1};
    made.session = 0;
    config.lanes.push_back(made);
    limit(LimitKind::order_rate, lane, 3, Action::halt_lane, 10);
    limit(LimitKind::order_qty, lane, 10, Action::refuse);
    limit(LimitKind::order_notional, lane, 10'000'000, Action::refuse);
    limit(LimitKind::price_collar, lane, 50, Action::refuse);
    limit(LimitKind::position, lane, 10, Action::refuse);
    limit(LimitKind::position, lane, 15, Action::refuse, 0, 1);
    limit(LimitKind::gross_notional, lane, 15'000'000, Action::refuse);
    limit(LimitKind::open_orders, lane, 4, Action::refuse);
    limit(LimitKind::children, lane, 3, Action::halt_lane);
    limit(LimitKind::child_qty, lane, 10'000, Action::halt_lane);
  }
};

}  // namespace portcullis::test
