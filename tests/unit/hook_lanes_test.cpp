// SPDX-License-Identifier: Apache-2.0
/// @file Several lanes on several threads under one engine limit: never above, nothing left behind.
#include <catch2/catch.hpp>
#include <random>
#include <thread>

#include "tests/unit/engine_fixture.hpp"

using namespace portcullis;
using namespace portcullis::testing;

namespace {

constexpr std::int64_t kMoney = 10'000;

GateSetup two_lanes(std::function<void(GateView&)> limits) {
  return {
      .capacities = {2, 1, 2, 0, 256, 0, 1'024, 64}, .lanes = {"one", "two"}, .limits = std::move(limits)};
}

/// One lane's own thread: submits and answers in turns until stopped; counts what passed.
struct Strategy {
  pc_lane* lane;
  const char* prefix;
  std::uint64_t passes = 0, limit_refusals = 0, contended = 0, others = 0;

  void run(std::uint32_t seed, int rounds, bool hold_some) {
    std::mt19937 random(seed);
    std::vector<pc_order_handle> open;
    for (int i = 0; i < rounds; ++i) {
      const std::int64_t qty = 1 + static_cast<std::int64_t>(random() % 4);
      const Order wanted{prefix + std::to_string(i), qty, 100 * kPx, random() % 2 == 0 ? PC_BUY : PC_SELL};
      const pc_order order = c_order(wanted);
      pc_ticket ticket{};
      ticket.size = sizeof ticket;
      const pc_verdict verdict = pc_submit(lane, &order, &ticket);
      count(verdict);
      if (verdict == PC_PASS) {
        if (random() % 8 == 0) {
          pc_not_sent(lane, ticket.order);
        } else {
          pc_sent(lane, ticket.order);
          open.push_back(ticket.order);
        }
      }
      // now and then one of the few that are held too: two lanes that hold all there is would stand still for good
      const bool too_many = !hold_some || open.size() > 3 || random() % 8 == 0;
      if (!open.empty() && too_many) end_one(open, random() % open.size());
    }
    while (!open.empty()) end_one(open, open.size() - 1);
  }

 private:
  void count(pc_verdict verdict) {
    if (verdict == PC_PASS) {
      ++passes;
    } else if (verdict == PC_CONTENDED) {
      ++contended;
    } else if (verdict == PC_GROSS_NOTIONAL || verdict == PC_OPEN_ORDERS || verdict == PC_ORDER_RATE) {
      ++limit_refusals;
    } else {
      ++others;
    }
  }
  void end_one(std::vector<pc_order_handle>& open, std::size_t at) {
    const pc_order_ref ref = ref_of(open[at]);
    pc_cancelled(lane, &ref);
    open.erase(open.begin() + static_cast<long>(at));
  }
};

/// Runs both lanes on threads of their own while this thread watches the shared totals.
template <typename Watch>
void run_both(TestSupervisor& supervisor, Strategy& one, Strategy& two, int rounds, Watch&& watch) {
  std::atomic<int> left{2};
  std::thread a([&] { one.run(1, rounds, true), --left; });
  std::thread b([&] { two.run(2, rounds, true), --left; });
  while (left.load() != 0) watch();
  a.join();
  b.join();
  static_cast<void>(supervisor);
}

struct TwoLanes {
  explicit TwoLanes(std::function<void(GateView&)> limits)
      : supervisor(two_lanes(std::move(limits))), engine(supervisor, false) {
    for (const char* name : {"one", "two"}) {
      pc_positions_flat(engine.lane(name));
      pc_lane_rebind(engine.lane(name));
    }
    supervisor.arm();
  }
  TestSupervisor supervisor;
  Engine engine;
};

}  // namespace

TEST_CASE("two lanes under one gross limit never stand above it, and end at zero") {
  const std::int64_t limit = 900 * kMoney;
  TwoLanes t([&](GateView& gate) {
    gate.limits().gross_notional_e4 = limit;
    gate.limits().open_orders = 5;
  });
  Strategy one{t.engine.lane("one"), "A"};
  Strategy two{t.engine.lane("two"), "B"};
  const LedgerTotals& totals = t.supervisor.ledger().totals();
  std::int64_t highest_e4 = 0;
  std::int64_t most_open = 0;
  run_both(t.supervisor, one, two, 20'000, [&] {
    highest_e4 = std::max(highest_e4, load(totals.gross_notional_e4));
    most_open = std::max(most_open, load(totals.open_orders));
  });
  CHECK(highest_e4 <= limit);
  CHECK(most_open <= 5);
  CHECK(load(totals.gross_notional_e4) == 0);
  CHECK(load(totals.open_orders) == 0);
  for (const std::uint32_t lane : {0U, 1U}) CHECK(books(t.supervisor, lane, lane) == Books{0, 0, 0, 0, 0});
  CHECK(one.passes + two.passes > 1'000);
  CHECK(one.limit_refusals + two.limit_refusals > 100);
  CHECK(one.others + two.others == 0);
}

TEST_CASE("two lanes share an engine rate: in no window more orders than allowed, exactly") {
  const RateWindow window{20, 2'000'000};
  TwoLanes t([&](GateView& gate) {
    gate.limits().order_rate[0] = window;
    gate.limits().order_rates = 1;
  });
  Strategy one{t.engine.lane("one"), "A"};
  Strategy two{t.engine.lane("two"), "B"};
  run_both(t.supervisor, one, two, 20'000, [] { std::this_thread::yield(); });
  const LedgerView& ledger = t.supervisor.ledger();
  const std::uint64_t head = load(ledger.totals().ring_head);
  CHECK(head == one.passes + two.passes);
  CHECK(one.limit_refusals + two.limit_refusals > 100);
  const std::uint64_t first = head > 1'024 ? head - 1'024 : 0;
  REQUIRE(head > window.max);
  for (std::uint64_t n = first; n < head; ++n) REQUIRE(load(ledger.shared_stamp(n).sequence) == n + 1);
  for (std::uint64_t n = first + 1; n < head;
       ++n)  // stamped in the order of the claims, or the window is not exact
    REQUIRE(load(ledger.shared_stamp(n).stamp_ns) >= load(ledger.shared_stamp(n - 1).stamp_ns));
  for (std::uint64_t n = first + window.max; n < head; ++n) {
    INFO("entry " << n << " of " << head);
    REQUIRE(load(ledger.shared_stamp(n).stamp_ns) - load(ledger.shared_stamp(n - window.max).stamp_ns) >=
            window.window_ns);
  }
}

TEST_CASE("one ClOrdID passes on one lane only, whoever comes first") {
  TwoLanes t([](GateView&) {});
  std::atomic<int> passes{0};
  for (int i = 0; i < 300; ++i) {
    const std::string id = "SAME" + std::to_string(i);
    std::atomic<int> ready{0};
    passes = 0;
    const auto submit = [&](const char* name) {
      pc_lane* lane = t.engine.lane(name);
      const Order wanted{id};
      const pc_order order = c_order(wanted);
      pc_ticket ticket{};
      ticket.size = sizeof ticket;
      ++ready;
      while (ready.load() != 2) {
      }
      if (pc_submit(lane, &order, &ticket) != PC_PASS) return;
      ++passes;
      pc_sent(lane, ticket.order);
      const pc_order_ref ref = ref_of(ticket.order);
      pc_cancelled(lane, &ref);
      pc_lane_rebind(lane);
    };
    for (const char* name : {"one", "two"}) pc_lane_rebind(t.engine.lane(name));
    std::thread a(submit, "one");
    std::thread b(submit, "two");
    a.join();
    b.join();
    REQUIRE(passes.load() <= 1);
  }
  CHECK(load(t.supervisor.ledger().totals().open_orders) == 0);
}

TEST_CASE("submitter and responder of one lane on two threads leave the books true") {
  TestSupervisor supervisor({.capacities = {1, 1, 1, 0, 64, 0, 64, 64}, .limits = [](GateView& gate) {
                               gate.pair(0).position = 30;
                               gate.lane(0).gross_notional_e4 = 3'000 * kMoney;
                             }});
  Engine engine(supervisor);
  pc_lane* lane = engine.lane();
  constexpr int kRounds = 20'000;
  std::vector<Word> mailbox(kRounds);  // handles from the submitter to the responder; 1 = refused
  std::int64_t position = 0;
  std::thread responder([&] {
    std::mt19937 random(5);
    for (int i = 0; i < kRounds; ++i) {
      std::uint64_t order = 0;
      while ((order = load(mailbox[static_cast<std::size_t>(i)])) == 0) std::this_thread::yield();
      if (order == 1) continue;
      const pc_order_ref ref = ref_of(order);
      const bool buys = (load(supervisor.slot(order).instrument_terms) >> 16U & 0xFFU) == PC_BUY;
      const std::int64_t qty = load(supervisor.slot(order).order_qty);
      pc_accepted(lane, &ref, {});
      if (random() % 2 == 0) {
        pc_fill fill{};
        fill.size = sizeof fill;
        fill.order = ref;
        fill.last_qty = qty;
        fill.last_px_e8 = 100 * kPx;
        fill.cum_qty = qty;
        if (pc_filled(lane, &fill) == PC_OK) position += buys ? qty : -qty;
      } else {
        pc_cancelled(lane, &ref);
      }
    }
  });
  std::uint64_t unexpected = 0;
  for (int i = 0; i < kRounds; ++i) {
    const pc_verdict verdict =
        engine.send({"S" + std::to_string(i), 1 + i % 5, 100 * kPx, i % 2 == 0 ? PC_BUY : PC_SELL}, lane);
    const bool expected = verdict == PC_PASS || verdict == PC_POSITION || verdict == PC_GROSS_NOTIONAL ||
                          verdict == PC_CONTENDED || verdict == PC_TABLE_FULL;
    unexpected += expected ? 0 : 1;
    store(mailbox[static_cast<std::size_t>(i)], verdict == PC_PASS ? engine.ticket.order : 1);
    const Books b = books(supervisor);
    if (std::abs(b.position) > 30) ++unexpected;  // whatever was filled had passed
  }
  responder.join();
  CHECK(unexpected == 0);
  CHECK(books(supervisor) == Books{position, 0, 0, 0, std::abs(position) * 100 * kMoney});
}
