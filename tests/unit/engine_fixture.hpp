// SPDX-License-Identifier: Apache-2.0
/// @file An engine of few words for the tests of the hook: attached to a TestSupervisor, flat, and armed on
/// request.
#pragma once
#include "tests/unit/gate_fixture.hpp"

namespace portcullis::testing {

inline constexpr std::int64_t kPx = 100'000'000;  ///< one currency unit, in 1e-8

inline pc_text text_of(const std::string& text) {
  return {text.data(), static_cast<std::uint32_t>(text.size()), 0};
}

/// One order in the words a test cares for.
struct Order {
  std::string id;
  std::int64_t qty = 1;
  std::int64_t px_e8 = 100 * kPx;
  pc_side side = PC_BUY;
  std::uint32_t instrument = 0;
  pc_ord_type type = PC_LIMIT;
  pc_parent_handle parent = 0;
  std::int64_t stop_px_e8 = 0;
};

/// Points into the order's id: a temporary would dangle.
pc_order c_order(const Order&& o) = delete;
inline pc_order c_order(const Order& o) {
  pc_order order{};
  order.size = sizeof order;
  order.instrument = o.instrument;
  order.cl_ord_id = text_of(o.id);
  order.order_qty = o.qty;
  order.px_e8 = o.px_e8;
  order.stop_px_e8 = o.stop_px_e8;
  order.parent = o.parent;
  order.side = static_cast<std::uint8_t>(o.side);
  order.ord_type = static_cast<std::uint8_t>(o.type);
  order.tif = PC_DAY;
  return order;
}

inline pc_order_ref ref_of(pc_order_handle handle) { return {sizeof(pc_order_ref), 0, handle, {}}; }
/// By ClOrdID; the text must outlive the reference, so a literal.
inline pc_order_ref ref_of(const char* id) {
  return {sizeof(pc_order_ref), 0, 0, {id, static_cast<std::uint32_t>(std::strlen(id)), 0}};
}

class Engine {
 public:
  explicit Engine(TestSupervisor& supervisor, bool armed_and_flat = true) : supervisor_(supervisor) {
    pc_attach_options options{sizeof(pc_attach_options), 2000, "eng", supervisor.run_dir().c_str()};
    attached = pc_attach(&options, &hook);
    if (attached != PC_OK || !armed_and_flat) return;
    pc_positions_flat(lane());
    supervisor.arm();
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() {
    if (hook != nullptr) pc_detach(hook, PC_KEEP_NONE);
  }

  pc_lane* lane(const char* name = "one") {
    pc_lane* opened = nullptr;
    pc_lane_open(hook, name, &opened);
    return opened;
  }

  /// Asks only; the flight is ended by hand.
  pc_verdict ask(const Order& order, pc_lane* on = nullptr) {
    const pc_order o = c_order(order);
    ticket = {};
    ticket.size = sizeof ticket;
    return pc_submit(on != nullptr ? on : lane(), &o, &ticket);
  }
  /// Asks, and says that it was sent.
  pc_verdict send(const Order& order, pc_lane* on = nullptr) {
    const pc_verdict verdict = ask(order, on);
    if (verdict == PC_PASS) pc_sent(on != nullptr ? on : lane(), ticket.order);
    return verdict;
  }
  pc_verdict replace(pc_order_handle order, const std::string& id, std::int64_t qty, std::int64_t px_e8) {
    const pc_replace_request request{sizeof request, 0, order, text_of(id), qty, px_e8};
    ticket = {};
    ticket.size = sizeof ticket;
    const pc_verdict verdict = pc_replace(lane(), &request, &ticket);
    if (verdict == PC_PASS) pc_sent(lane(), ticket.order);
    return verdict;
  }
  pc_status fill(const pc_order_ref& order, std::int64_t qty, std::int64_t cum = -1,
                 const std::string& exec = "", std::int64_t px_e8 = 100 * kPx) {
    pc_fill f{};
    f.size = sizeof f;
    f.instrument = 0;
    f.order = order;
    f.exec_id = text_of(exec);
    f.last_qty = qty;
    f.last_px_e8 = px_e8;
    f.cum_qty = cum;
    f.side = PC_BUY;
    return pc_filled(lane(), &f);
  }
  pc_status fill(pc_order_handle order, std::int64_t qty, std::int64_t cum = -1,
                 const std::string& exec = "") {
    return fill(ref_of(order), qty, cum, exec);
  }
  pc_status cancelled(pc_order_handle order) {
    const pc_order_ref ref = ref_of(order);
    return pc_cancelled(lane(), &ref);
  }
  std::string why() const {
    char text[128];
    pc_ticket_text(&ticket, text, sizeof text);
    return text;
  }

  pc_hook* hook = nullptr;
  pc_status attached = PC_ERR_IO;
  pc_ticket ticket{};

 private:
  TestSupervisor& supervisor_;
};

/// What the ledger's words add up to.
struct Books {
  std::int64_t position, working_buy, working_sell, open_orders, gross_e4;
  bool operator==(const Books&) const = default;
};
inline Books books(TestSupervisor& s, std::uint32_t lane = 0, std::uint32_t pair = 0) {
  const Cell& c = s.cell(pair);
  const LaneBlock& b = s.block(lane);
  return {load(c.start_position) + load(c.bought) - load(c.sold) + load(c.corrections),
          load(c.submitted_buy) - load(c.withdrawn_buy) - load(c.released_buy),
          load(c.submitted_sell) - load(c.withdrawn_sell) - load(c.released_sell),
          static_cast<std::int64_t>(load(b.submitted_orders) - load(b.withdrawn_orders) -
                                    load(b.released_orders)),
          load(b.start_notional_e4) + load(b.position_notional_e4) + load(b.submitted_notional_e4) -
              load(b.withdrawn_notional_e4) - load(b.released_notional_e4)};
}
inline std::ostream& operator<<(std::ostream& out, const Books& b) {
  return out << "position " << b.position << " working " << b.working_buy << '/' << b.working_sell << " open "
             << b.open_orders << " gross_e4 " << b.gross_e4;
}
inline bool at_rest(TestSupervisor& s, std::uint32_t lane = 0) {
  return (load(s.block(lane).in_flight) & 1U) == 0;
}

}  // namespace portcullis::testing
