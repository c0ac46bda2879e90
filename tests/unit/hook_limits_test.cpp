// SPDX-License-Identifier: Apache-2.0
/// @file Every inline limit on both sides of its boundary, and what its refusal does to the lane.
#include <fcntl.h>

#include <catch2/catch.hpp>
#include <deque>
#include <random>

#include "tests/unit/engine_fixture.hpp"

using namespace portcullis;
using namespace portcullis::testing;

namespace {

constexpr std::int64_t kMoney = 10'000;  ///< one currency unit, in 1e-4

/// A supervisor whose only limits are those that the test sets on lane 0 and on the engine.
struct Limited {
  template <typename Set>
  explicit Limited(Set&& set)
      : supervisor({.limits = [set](GateView& gate) { set(gate.lane(0), gate.limits(), gate); }}),
        engine(supervisor) {}
  TestSupervisor supervisor;
  Engine engine;
  [[nodiscard]] bool shut() { return load(supervisor.block().shut) != 0; }
  [[nodiscard]] std::uint64_t refused(LimitKind kind) {
    return load(supervisor.block().refused[static_cast<std::size_t>(kind)]);
  }
  [[nodiscard]] std::uint64_t evaluated(LimitKind kind) {
    const LaneBlock& b = supervisor.block();
    const bool in_passes = (load(b.pass_mask) >> static_cast<unsigned>(kind) & 1U) != 0;
    return load(b.partial_evaluated[static_cast<std::size_t>(kind)]) + (in_passes ? load(b.passes) : 0);
  }
};

std::uint64_t bit(LimitKind kind) { return std::uint64_t{1} << static_cast<unsigned>(kind); }

}  // namespace

TEST_CASE("an order of the largest quantity passes, one more is refused") {
  Limited t([](GateLane& lane, EngineLimits&, GateView&) { lane.order_qty = 10; });
  CHECK(t.engine.send({"A1", 10}) == PC_PASS);
  CHECK(t.engine.send({"A2", 11}) == PC_ORDER_QTY);
  CHECK(t.engine.why() == "order_qty 11 > 10");
  CHECK(t.refused(LimitKind::order_qty) == 1);
  CHECK_FALSE(t.shut());
}

TEST_CASE("an order is worth price times quantity, market and stop orders the reference plus the collar") {
  Limited t([](GateLane& lane, EngineLimits&, GateView&) {
    lane.order_notional_e4 = 1'000 * kMoney;
    lane.collar_bps = 1'000;  // 10 %
  });
  CHECK(t.engine.send({"A1", 10, 100 * kPx}) == PC_PASS);
  CHECK(t.engine.send({"A2", 10, 100 * kPx + 1}) ==
        PC_ORDER_NOTIONAL);  // a hundredth of a unit of 1e-4 above: rounded up
  CHECK(t.engine.why() == "order_notional 1000.0001 > 1000");
  CHECK(t.engine.send({"A3", 9, 0, PC_BUY, 0, PC_MARKET}) == PC_PASS);  // 9 x 110
  CHECK(t.engine.send({"A4", 10, 0, PC_BUY, 0, PC_MARKET}) == PC_ORDER_NOTIONAL);
  CHECK(t.engine.send({"A5", 10, 0, PC_SELL, 0, PC_STOP, 0, 90 * kPx}) == PC_ORDER_NOTIONAL);
  CHECK(t.engine.send({"A6", 9, 0, PC_SELL, 0, PC_STOP, 0, 0}) == PC_BAD_ARGUMENT);
  CHECK(t.engine.send({"A7", 9, 0, PC_SELL, 0, PC_STOP, 0, 90 * kPx}) == PC_PASS);
}

TEST_CASE(
    "the collar is measured from the mark, else from the configured reference; without either: refused") {
  Limited t([](GateLane& lane, EngineLimits&, GateView& gate) {
    lane.collar_bps = 50;
    gate.instrument(1).reference_px_e8 = 0;
  });
  CHECK(t.engine.send({"A1", 1, 100 * kPx + kPx / 2}) == PC_PASS);
  CHECK(t.engine.send({"A2", 1, 100 * kPx + kPx / 2 + 1}) == PC_PRICE_COLLAR);
  CHECK(t.engine.why() == "price_collar 51 > 50");
  CHECK(t.engine.send({"A3", 1, 100 * kPx - kPx / 2}) == PC_PASS);
  CHECK(t.engine.send({"A4", 1, 100 * kPx - kPx / 2 - 1}) == PC_PRICE_COLLAR);
  CHECK(t.engine.send({"A5", 1, 100 * kPx, PC_BUY, 1}) == PC_NO_REFERENCE);
  CHECK(t.engine.send({"A6", 1, 0, PC_BUY, 1, PC_MARKET}) == PC_NO_REFERENCE);
  REQUIRE(pc_mark(t.engine.lane(), 1, 200 * kPx) == PC_OK);
  CHECK(t.engine.send({"A7", 1, 201 * kPx, PC_BUY, 1}) == PC_PASS);
  REQUIRE(pc_mark(t.engine.lane(), 0, 200 * kPx) == PC_OK);
  CHECK(t.engine.send({"A8", 1, 100 * kPx}) == PC_PRICE_COLLAR);
  CHECK(pc_mark(t.engine.lane(), 0, 0) == PC_ERR_ARGUMENT);
  CHECK(pc_mark(t.engine.lane(), 0, -1) == PC_ERR_ARGUMENT);
}

TEST_CASE("a negative price passes only where the instrument says so") {
  Limited t([](GateLane&, EngineLimits&, GateView& gate) { gate.instrument(1).allow_negative = 1; });
  CHECK(t.engine.send({"A1", 1, -5 * kPx, PC_BUY, 0}) == PC_BAD_ARGUMENT);
  CHECK(t.engine.send({"A2", 1, -5 * kPx, PC_BUY, 1}) == PC_PASS);
  CHECK(load(t.supervisor.slot(t.engine.ticket.order).notional_e4) == 5 * kMoney);  // absolute
}

TEST_CASE("position counts with all working orders of the side, filled or not") {
  Limited t([](GateLane&, EngineLimits&, GateView& gate) { gate.pair(0).position = 10; });
  REQUIRE(t.engine.send({"A1", 6}) == PC_PASS);
  const pc_order_handle first = t.engine.ticket.order;
  CHECK(t.engine.send({"A2", 5}) == PC_POSITION);
  CHECK(t.engine.why() == "position 11 > 10");
  CHECK(t.engine.send({"A3", 4}) == PC_PASS);
  REQUIRE(t.engine.fill(first, 6) == PC_OK);
  CHECK(t.engine.send({"A4", 1}) == PC_POSITION);                   // filled or working, it is the same
  CHECK(t.engine.send({"A5", 16, 100 * kPx, PC_SELL}) == PC_PASS);  // 6 long, down to -10
  CHECK(t.engine.send({"A6", 1, 100 * kPx, PC_SELL}) == PC_POSITION);
  CHECK(t.engine.send({"A7", 99, 100 * kPx, PC_BUY, 1}) == PC_PASS);  // another instrument is off
  CHECK_FALSE(t.shut());
}

TEST_CASE("an order that truly reduces passes a position limit that is passed already") {
  TestSupervisor supervisor({.limits = [](GateView& gate) {
    gate.pair(0).position = 10;
    gate.lane(0).gross_notional_e4 = 500 * kMoney;
  }});
  Engine engine(supervisor, false);
  REQUIRE(pc_position(engine.lane(), 0, 20) == PC_OK);  // worth 2,000 of 500 allowed
  supervisor.arm();
  CHECK(engine.send({"A1", 1}) == PC_POSITION);
  CHECK(engine.send({"A2", 15, 100 * kPx, PC_SELL}) == PC_PASS);
  CHECK(load(supervisor.slot(engine.ticket.order).notional_e4) == 0);  // what reduces reserves nothing
  CHECK(engine.send({"A3", 5, 100 * kPx, PC_SELL}) == PC_PASS);
  CHECK(engine.send({"A4", 1, 100 * kPx, PC_SELL}) ==
        PC_GROSS_NOTIONAL);  // with the working 20 it would go short
}

TEST_CASE("gross notional of a lane is |position| at the reference plus working orders") {
  Limited t([](GateLane& lane, EngineLimits&, GateView&) { lane.gross_notional_e4 = 1'000 * kMoney; });
  REQUIRE(t.engine.send({"A1", 4, 100 * kPx}) == PC_PASS);
  REQUIRE(t.engine.fill(t.engine.ticket.order, 4) == PC_OK);
  CHECK(books(t.supervisor).gross_e4 == 400 * kMoney);
  CHECK(t.engine.send({"A2", 6, 100 * kPx, PC_BUY, 1}) == PC_PASS);
  CHECK(t.engine.send({"A3", 1, 1, PC_BUY, 1}) == PC_GROSS_NOTIONAL);
  CHECK(t.engine.why() == "gross_notional 1000.0001 > 1000");
}

TEST_CASE("the engine's own gross and open-order limits hold with a single lane") {
  Limited t([](GateLane&, EngineLimits& engine, GateView&) {
    engine.gross_notional_e4 = 300 * kMoney;
    engine.open_orders = 2;
  });
  CHECK(t.engine.send({"A1", 1}) == PC_PASS);
  CHECK(t.engine.send({"A2", 3}) == PC_GROSS_NOTIONAL);
  CHECK(t.engine.send({"A3", 1}) == PC_PASS);
  CHECK(t.engine.send({"A4", 1}) == PC_OPEN_ORDERS);
  CHECK(t.engine.why() == "open_orders 3 > 2");
}

TEST_CASE("open orders of a lane end with their answers") {
  Limited t([](GateLane& lane, EngineLimits&, GateView&) { lane.open_orders = 1; });
  REQUIRE(t.engine.send({"A1"}) == PC_PASS);
  const pc_order_handle first = t.engine.ticket.order;
  CHECK(t.engine.send({"A2"}) == PC_OPEN_ORDERS);
  REQUIRE(t.engine.cancelled(first) == PC_OK);
  CHECK(t.engine.send({"A3"}) == PC_PASS);
}

TEST_CASE(
    "children are limited in number and in quantity against their parent, and a refusal shuts the lane") {
  Limited t([](GateLane& lane, EngineLimits&, GateView&) {
    lane.children = 3;
    lane.child_qty_bps = 10'500;
    lane.shut_kinds = bit(LimitKind::children) | bit(LimitKind::child_qty);
  });
  const std::string id = "P1";
  pc_parent_handle parent = 0;
  REQUIRE(pc_parent_open(t.engine.lane(), text_of(id), 0, PC_BUY, 100, &parent) == PC_OK);
  REQUIRE(t.engine.ask({"A0", 60, 100 * kPx, PC_BUY, 0, PC_LIMIT, parent}) == PC_PASS);
  REQUIRE(pc_not_sent(t.engine.lane(), t.engine.ticket.order) == PC_OK);  // a child taken back is no child
  REQUIRE(t.engine.send({"A1", 60, 100 * kPx, PC_BUY, 0, PC_LIMIT, parent}) == PC_PASS);
  const pc_order_handle first = t.engine.ticket.order;
  CHECK(t.engine.send({"A2", 1, 100 * kPx, PC_SELL, 0, PC_LIMIT, parent}) == PC_BAD_ARGUMENT);
  CHECK(t.engine.send({"A2", 1, 100 * kPx, PC_BUY, 1, PC_LIMIT, parent}) == PC_BAD_ARGUMENT);
  CHECK(t.engine.send({"A2", 1, 100 * kPx, PC_BUY, 0, PC_LIMIT, parent + 1}) == PC_BAD_ARGUMENT);
  CHECK(pc_parent_close(t.engine.lane(), parent) == PC_ERR_BUSY);
  REQUIRE(t.engine.fill(first, 20) == PC_OK);
  REQUIRE(t.engine.cancelled(first) == PC_OK);  // 20 filled, 40 came back
  REQUIRE(t.engine.send({"A3", 85, 100 * kPx, PC_BUY, 0, PC_LIMIT, parent}) ==
          PC_PASS);  // 105 of 100: the bound
  CHECK_FALSE(t.shut());
  CHECK(t.engine.send({"A4", 1, 100 * kPx, PC_BUY, 0, PC_LIMIT, parent}) == PC_CHILD_QTY);
  CHECK(t.engine.why() == "child_qty 10600 > 10500");
  CHECK(t.shut());
  CHECK(t.engine.send({"A5"}) == PC_CLOSED);
  t.supervisor.arm();
  REQUIRE(t.engine.cancelled(t.engine.ticket.order) != PC_OK);
  CHECK(t.engine.send({"A6", 1, 100 * kPx, PC_BUY, 0, PC_LIMIT, parent}) == PC_CHILD_QTY);
}

TEST_CASE("the child after the last allowed one is refused") {
  Limited t([](GateLane& lane, EngineLimits&, GateView&) { lane.children = 2; });
  const std::string id = "P1";
  pc_parent_handle parent = 0;
  REQUIRE(pc_parent_open(t.engine.lane(), text_of(id), 0, PC_BUY, 100, &parent) == PC_OK);
  for (const char* child : {"A1", "A2"}) {
    REQUIRE(t.engine.send({child, 1, 100 * kPx, PC_BUY, 0, PC_LIMIT, parent}) == PC_PASS);
    REQUIRE(t.engine.fill(t.engine.ticket.order, 1) == PC_OK);
  }
  CHECK(t.engine.send({"A3", 1, 100 * kPx, PC_BUY, 0, PC_LIMIT, parent}) == PC_CHILDREN);
  REQUIRE(pc_parent_close(t.engine.lane(), parent) == PC_OK);
  CHECK(pc_parent_close(t.engine.lane(), parent) == PC_ERR_ARGUMENT);
  CHECK(t.engine.send({"A4", 1, 100 * kPx, PC_BUY, 0, PC_LIMIT, parent}) == PC_BAD_ARGUMENT);
}

TEST_CASE("an order without a parent is refused where the lane asks for one") {
  Limited t([](GateLane& lane, EngineLimits&, GateView&) { lane.parent_required = 1; });
  CHECK(t.engine.send({"A1"}) == PC_NOT_ALLOWED);
}

TEST_CASE("parents run out with their share") {
  Limited t([](GateLane&, EngineLimits&, GateView&) {});
  const std::string id = "P";
  std::vector<pc_parent_handle> parents(8);
  for (pc_parent_handle& parent : parents)
    REQUIRE(pc_parent_open(t.engine.lane(), text_of(id), 0, PC_BUY, 1, &parent) == PC_OK);
  pc_parent_handle one_more = 7;
  CHECK(pc_parent_open(t.engine.lane(), text_of(id), 0, PC_BUY, 1, &one_more) == PC_ERR_FULL);
  CHECK(one_more == 0);
}

TEST_CASE("the refusal of a rate closes the lane in the same call and says by what") {
  Limited t([](GateLane& lane, EngineLimits&, GateView&) {
    lane.order_rate[0] = {3, 60'000'000'000};
    lane.order_rates = 1;
    lane.shut_kinds = bit(LimitKind::order_rate);
  });
  for (int i = 0; i < 3; ++i) REQUIRE(t.engine.send({"A" + std::to_string(i)}) == PC_PASS);
  CHECK_FALSE(t.shut());
  CHECK(t.engine.send({"A3"}) == PC_ORDER_RATE);
  CHECK(t.engine.why() == "order_rate/60000ms 4 > 3");
  const LaneBlock& block = t.supervisor.block();
  CHECK(load(block.shut) == (1U << 8U | static_cast<unsigned>(ShutReason::limit)));
  CHECK(load(block.shut_kind) == (static_cast<std::uint64_t>(LimitKind::order_rate) | 60'000ULL << 32U));
  CHECK(load(block.shut_observed) == 4);
  CHECK(load(block.shut_limit) == 3);
  CHECK(t.engine.send({"A4"}) == PC_CLOSED);
  CHECK(t.refused(LimitKind::order_rate) == 1);
}

TEST_CASE("a replace counts as an event of the rate") {
  Limited t([](GateLane& lane, EngineLimits&, GateView&) {
    lane.order_rate[0] = {2, 60'000'000'000};
    lane.order_rates = 1;
  });
  REQUIRE(t.engine.send({"A1"}) == PC_PASS);
  REQUIRE(t.engine.replace(t.engine.ticket.order, "A2", 1, 99 * kPx) == PC_PASS);
  CHECK(t.engine.send({"A3"}) == PC_ORDER_RATE);
}

TEST_CASE("more refusals than allowed in the window close the lane") {
  Limited t([](GateLane& lane, EngineLimits&, GateView&) {
    lane.order_qty = 1;
    lane.refusals = {2, 60'000'000'000};
  });
  CHECK(t.engine.send({"A1", 2}) == PC_ORDER_QTY);
  CHECK(t.engine.send({"A2", 2}) == PC_ORDER_QTY);
  CHECK_FALSE(t.shut());
  CHECK(t.engine.send({"A3", 1}) == PC_PASS);
  CHECK(t.engine.send({"A4", 2}) == PC_ORDER_QTY);
  CHECK(t.shut());
  CHECK((load(t.supervisor.block().shut_kind) & 0xFFU) == static_cast<std::uint64_t>(LimitKind::refusals));
  CHECK(t.engine.send({"A5", 1}) == PC_CLOSED);
}

TEST_CASE("sliding windows decide like a brute-force count, event for event") {
  const std::uint32_t seed = 20'120'801;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::vector<RateWindow> windows{{5, 200'000}, {12, 900'000}};
  Limited t([&](GateLane& lane, EngineLimits& engine, GateView&) {
    lane.order_rate[0] = windows[0];
    lane.order_rates = 1;
    engine.order_rate[0] = windows[1];
    engine.order_rates = 1;
  });
  const LaneBlock& block = t.supervisor.block();
  std::deque<std::uint64_t> passed;
  std::uint64_t refusals = 0;
  for (int i = 0; i < 3'000; ++i) {
    const std::uint64_t before_ns = monotonic_now_ns();
    const pc_verdict verdict = t.engine.send({"R" + std::to_string(i)});
    const std::uint64_t after_ns = monotonic_now_ns();
    const auto inside = [&](const RateWindow& w, std::uint64_t now_ns) {
      return std::count_if(passed.begin(), passed.end(),
                           [&](std::uint64_t s) { return now_ns - s < w.window_ns; });
    };
    if (verdict == PC_PASS) {
      const std::uint64_t stamp = load(block.submitted_ns);  // the hook's own reading decides
      for (const RateWindow& w : windows) REQUIRE(inside(w, stamp) < static_cast<long>(w.max));
      passed.push_back(stamp);
      t.engine.cancelled(t.engine.ticket.order);
    } else {
      REQUIRE(verdict == PC_ORDER_RATE);
      ++refusals;
      bool full = false;  // at some moment of the call one window was full
      for (const RateWindow& w : windows) full |= inside(w, before_ns) >= static_cast<long>(w.max);
      REQUIRE((full || after_ns < before_ns));
    }
    if (random() % 4 == 0)
      for (const std::uint64_t until = monotonic_now_ns() + random() % 150'000; monotonic_now_ns() < until;) {
      }
  }
  CHECK(refusals > 50);
  CHECK(passed.size() > 50);
}

TEST_CASE("every limit that is set is evaluated once per order, passed or refused further on") {
  Limited t([](GateLane& lane, EngineLimits& engine, GateView& gate) {
    lane.order_rate[0] = {100, 1'000};
    lane.order_rates = 1;
    lane.refusals = {100, 1'000'000'000};
    lane.order_qty = lane.open_orders = lane.children = lane.child_qty_bps = 1'000'000;
    lane.order_notional_e4 = engine.gross_notional_e4 = 1LL << 50;
    lane.collar_bps = 100;
    gate.pair(0).position = 5;
  });
  for (int i = 0; i < 5; ++i) REQUIRE(t.engine.send({"A" + std::to_string(i)}) == PC_PASS);
  REQUIRE(t.engine.send({"B"}) == PC_POSITION);
  for (const LimitKind kind : {LimitKind::order_rate, LimitKind::order_qty, LimitKind::order_notional,
                               LimitKind::price_collar, LimitKind::position}) {
    INFO(limit_name(kind));
    CHECK(t.evaluated(kind) == 6);
  }
  for (const LimitKind kind :
       {LimitKind::gross_notional, LimitKind::open_orders, LimitKind::children, LimitKind::child_qty}) {
    INFO(limit_name(kind));
    CHECK(t.evaluated(kind) == 5);
  }
  CHECK(t.evaluated(LimitKind::refusals) == 1);
}

TEST_CASE("an order whose value cannot be computed is a breach of its value") {
  Limited t([](GateLane&, EngineLimits&, GateView& gate) { gate.instrument(0).value_num = 1ULL << 40; });
  CHECK(t.engine.send({"A1", 1'000'000'000'000, INT64_MAX / 2}) == PC_OVERFLOW);
  CHECK(t.refused(LimitKind::order_notional) == 1);
  CHECK(t.engine.send({"A2", 1'000'000'000'001}) == PC_BAD_ARGUMENT);
}

namespace {

/// A session with a bound of 100 bytes, and one with 200.
struct Backlog : Limited {
  Backlog()
      : Limited([](GateLane&, EngineLimits& limits, GateView& gate) {
          limits.backlog_bytes = gate.session(0).backlog_bytes = 100;
          gate.session(1).backlog_bytes = 200;
        }) {}
  pc_session* open(const char* name) {
    const int fd = ::open("/dev/null", 0);
    pc_session* session = nullptr;
    REQUIRE(pc_session_open(engine.hook, name, fd, &session) == PC_OK);
    close(fd);
    return session;
  }
  static void declare(pc_session* session, std::size_t count) {
    const std::string bytes(count, 'x');
    REQUIRE(pc_declare(session, bytes.data(), count) == PC_OK);
  }
  /// What the supervisor says of a connection.
  void accepted(std::uint32_t session, std::uint64_t epoch, std::uint64_t bytes) {
    store(supervisor.gate().session(session).accepted_epoch, epoch);
    store(supervisor.gate().session(session).accepted_bytes, bytes);
  }
  [[nodiscard]] std::uint64_t epoch(std::uint32_t session) { return load(supervisor.ledger().session(session).epoch); }
};

}  // namespace

TEST_CASE("a backlog above the bound refuses orders until the kernel has taken bytes") {
  Backlog t;
  pc_session* session = t.open("S0");
  t.declare(session, 100);
  CHECK(t.engine.send({"A1"}) == PC_PASS);
  t.declare(session, 1);
  CHECK(t.engine.send({"A2"}) == PC_BACKLOG);
  t.accepted(0, t.epoch(0), 1);
  CHECK(t.engine.send({"A3"}) == PC_PASS);
}

TEST_CASE("each session has its own bound of backlog") {
  Backlog t;
  pc_session* wide = t.open("S1");
  t.declare(wide, 200);
  CHECK(t.engine.send({"A1"}) == PC_PASS);
  t.declare(wide, 1);
  CHECK(t.engine.send({"A2"}) == PC_BACKLOG);
}

TEST_CASE("what the kernel took of an older connection pays for nothing on the next one") {
  Backlog t;
  pc_session* first = t.open("S0");
  t.declare(first, 5'000);
  t.accepted(0, t.epoch(0), 5'000);
  CHECK(t.engine.send({"A1"}) == PC_PASS);
  REQUIRE(pc_session_end(first) == PC_OK);
  pc_session* second = t.open("S0");
  t.declare(second, 101);
  CHECK(t.engine.send({"A2"}) == PC_BACKLOG);  // the gate still tells of the first one
  t.accepted(0, t.epoch(0), 101);
  CHECK(t.engine.send({"A3"}) == PC_PASS);
}
