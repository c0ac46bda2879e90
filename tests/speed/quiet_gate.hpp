// SPDX-License-Identifier: Apache-2.0
/// @file The real library against a real gate and ledger that nobody watches (supervisor: none): every limit
/// on, an hour of lease. What a count of instructions and a hot loop are made on, because nothing here
/// depends on another process.
#pragma once
#include <array>
#include <cstdio>
#include <cstdlib>

#include "tests/unit/engine_fixture.hpp"

namespace portcullis::speed {

/// Bounds far off, windows that are full of real orders once the loop is hot.
inline testing::GateSetup all_limits() {
  testing::GateSetup setup;
  setup.capacities = {1, 3, 3, 8, 4'096, 1, 4'096, 64};
  setup.limits = [](GateView& gate) {
    EngineLimits& engine = gate.limits();
    GateLane& lane = gate.lane(0);
    engine.order_rate[0] = lane.order_rate[0] = {1'000, 1'000};
    engine.order_rate[1] = lane.order_rate[1] = {4'000, 2'000};
    engine.order_rates = lane.order_rates = 2;
    engine.gross_notional_e4 = engine.open_orders = engine.backlog_bytes = 1LL << 60;
    lane.refusals = {20, 1'000'000'000};
    lane.order_qty = 1'000;
    lane.order_notional_e4 = 1LL << 50;
    lane.collar_bps = 500;
    lane.gross_notional_e4 = lane.open_orders = lane.children = 1LL << 60;
    lane.child_qty_bps = 10'000;
    for (std::uint32_t i = 0; i < gate.header().capacities.pairs; ++i) gate.pair(i).position = 1LL << 50;
  };
  return setup;
}

class QuietGate {
 public:
  static constexpr std::uint32_t kBatch = 16;

  QuietGate() : supervisor_(all_limits()), engine_(supervisor_), lane_(engine_.lane()) {
    for (int i = 0; i < 2; ++i) {
      const pc_side side = i == 1 ? PC_BUY : PC_SELL;
      if (pc_parent_open(lane_, testing::text_of(i == 1 ? "BUYS" : "SELLS"), 0, side, 1'000'000'000'000,
                         &parents_[static_cast<std::size_t>(i)]) != PC_OK)
        fail("no parent");
    }
    ticket_.size = sizeof ticket_;
    fill_.size = sizeof fill_;
    fill_.order.size = sizeof fill_.order;
    fill_.last_qty = fill_.cum_qty = 1;
    fill_.last_px_e8 = 100 * testing::kPx;
  }

  /// The next order, ready to be asked for.
  void prepare(pc_order& order, std::uint32_t at = 0) {
    char* text = texts_[at].data();
    std::snprintf(text, 37, "ORDER-ID-OF-36-BYTES%016llu", static_cast<unsigned long long>(++number_));
    const bool buy = number_ % 2 == 0;
    order = pc_order{};
    order.size = sizeof order;
    order.order_qty = 1;
    order.px_e8 = 100 * testing::kPx;
    order.ord_type = PC_LIMIT;
    order.tif = PC_DAY;
    order.cl_ord_id = {text, 36, 0};
    order.side = static_cast<std::uint8_t>(buy ? PC_BUY : PC_SELL);
    order.parent = parents_[buy ? 1 : 0];
  }
  pc_order& order() { return order_; }

  /// One accepted order: ask, and say that it was sent.
  void submit_and_sent() {
    if (pc_submit(lane_, &order_, &ticket_) != PC_PASS) fail("an order was refused");
    pc_sent(lane_, ticket_.order);
  }
  void answer(pc_order_handle handle) {
    fill_.order.handle = handle;
    pc_accepted(lane_, &fill_.order, {"ORDER-ID-OF-THE-VENUE", 21, 0});
    if (pc_filled(lane_, &fill_) != PC_OK) fail("a fill was not booked");
  }
  void answer() { answer(ticket_.order); }
  void lifecycle() {
    prepare(order_);
    submit_and_sent();
    answer();
  }
  void lifecycle_of_batch() {
    std::array<pc_order, kBatch> orders{};
    std::array<pc_ticket, kBatch> tickets{};
    for (std::uint32_t i = 0; i < kBatch; ++i) {
      prepare(orders[i], i);
      tickets[i].size = sizeof(pc_ticket);
    }
    if (pc_submit_batch(lane_, orders.data(), kBatch, tickets.data()) != kBatch) fail("an order was refused");
    for (const pc_ticket& ticket : tickets) pc_sent(lane_, ticket.order);
    for (const pc_ticket& ticket : tickets) answer(ticket.order);
  }

 private:
  [[noreturn]] static void fail(const char* why) {
    std::fprintf(stderr, "bench: %s\n", why);
    std::exit(1);
  }

  testing::TestSupervisor supervisor_;
  testing::Engine engine_;
  pc_lane* lane_;
  std::array<pc_parent_handle, 2> parents_{};
  std::array<std::array<char, 40>, kBatch> texts_{};
  std::uint64_t number_ = 0;
  pc_order order_{};
  pc_ticket ticket_{};
  pc_fill fill_{};
};

}  // namespace portcullis::speed
