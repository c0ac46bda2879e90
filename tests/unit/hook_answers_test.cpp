// SPDX-License-Identifier: Apache-2.0
/// @file The venue's answers: in any order, repeated, late, foreign, of replaces. After each the books must
/// add up.
#include <catch2/catch.hpp>
#include <random>

#include "tests/unit/engine_fixture.hpp"

using namespace portcullis;
using namespace portcullis::testing;

namespace {

constexpr std::int64_t kMoney = 10'000;

AnswerState answer(TestSupervisor& supervisor, pc_order_handle order) {
  return static_cast<AnswerState>(load(supervisor.slot(order).answer_word) & 0xFFU);
}

/// What all live slots of lane 0 hold, summed: must be the cell's and the lane's words.
struct HeldSum {
  std::int64_t buy = 0, sell = 0, value_e4 = 0;
};
HeldSum held_by_slots(TestSupervisor& supervisor) {
  HeldSum sum;
  for (std::uint32_t i = 0; i < supervisor.ledger().capacities.open_orders; ++i) {
    const OrderSlot& slot = supervisor.ledger().order(i);
    const auto state = static_cast<SubmitState>(load(slot.submit_word) & 0xFFU);
    if (state != SubmitState::reserved && state != SubmitState::sent) continue;
    const std::int64_t qty = static_cast<std::int64_t>(load(slot.reserved_qty)) - load(slot.released_qty);
    ((load(slot.instrument_terms) >> 16U & 0xFFU) == PC_BUY ? sum.buy : sum.sell) += qty;
    sum.value_e4 += load(slot.notional_e4) - load(slot.released_notional_e4);
  }
  return sum;
}

}  // namespace

TEST_CASE("an accepted order keeps the venue's OrderID") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1"}) == PC_PASS);
  const pc_order_ref ref = ref_of("A1");
  const std::string order_id = "VENUE-7";
  REQUIRE(pc_accepted(engine.lane(), &ref, text_of(order_id)) == PC_OK);
  CHECK(supervisor.slot(engine.ticket.order).order_id.get().view() == "VENUE-7");
  CHECK(answer(supervisor, engine.ticket.order) == AnswerState::accepted);
}

TEST_CASE("fills move quantity from working to position, in parts and to the end") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1", 10, 90 * kPx}) == PC_PASS);
  const pc_order_handle order = engine.ticket.order;
  CHECK(books(supervisor) == Books{0, 10, 0, 1, 900 * kMoney});
  REQUIRE(engine.fill(order, 3) == PC_OK);
  CHECK(books(supervisor) == Books{3, 7, 0, 1, (630 + 300) * kMoney});  // position at the reference, 100
  CHECK(answer(supervisor, order) == AnswerState::partly_filled);
  REQUIRE(engine.fill(order, 7) == PC_OK);
  CHECK(books(supervisor) == Books{10, 0, 0, 0, 1'000 * kMoney});
  CHECK(answer(supervisor, order) == AnswerState::filled);
  CHECK((load(supervisor.block().responder_sequence) & 1U) == 0);
}

TEST_CASE("a report with a CumQty that is not above the booked one is booked once") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1", 10}) == PC_PASS);
  const pc_order_handle order = engine.ticket.order;
  REQUIRE(engine.fill(order, 3, 3) == PC_OK);
  CHECK(engine.fill(order, 3, 3) == PC_ERR_REPEATED);
  REQUIRE(engine.fill(order, 2, 8) == PC_OK);  // a report in between was lost: CumQty is the truth
  CHECK(books(supervisor).position == 8);
  CHECK(engine.fill(order, 3, 3) == PC_ERR_REPEATED);
  REQUIRE(engine.fill(order, 2, 10) == PC_OK);
  CHECK(engine.fill(order, 2, 10) == PC_ERR_REPEATED);  // also after it ended
  CHECK(books(supervisor) == Books{10, 0, 0, 0, 1'000 * kMoney});
}

TEST_CASE("without CumQty a repeated ExecID is booked once") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1", 10}) == PC_PASS);
  const pc_order_handle order = engine.ticket.order;
  REQUIRE(engine.fill(order, 4, -1, "E1") == PC_OK);
  CHECK(engine.fill(order, 4, -1, "E1") == PC_ERR_REPEATED);
  REQUIRE(engine.fill(order, 4, -1, "E2") == PC_OK);
  CHECK(books(supervisor).position == 8);
}

TEST_CASE("a fill larger than the order is booked whole, and only what was held is released") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  const std::string id = "P1";
  pc_parent_handle parent = 0;
  REQUIRE(pc_parent_open(engine.lane(), text_of(id), 0, PC_BUY, 100, &parent) == PC_OK);
  REQUIRE(engine.send({"A1", 10, 100 * kPx, PC_BUY, 0, PC_LIMIT, parent}) == PC_PASS);
  REQUIRE(engine.fill(engine.ticket.order, 15) == PC_OK);
  CHECK(books(supervisor) == Books{15, 0, 0, 0, 1'500 * kMoney});
  const ParentSlot& p = supervisor.ledger().parent(static_cast<std::uint32_t>(parent) - 1);
  CHECK(load(p.filled_qty) == 15);
  CHECK(load(p.submitted_qty) - load(p.withdrawn_qty) - load(p.released_qty) ==
        15);  // the exposure is the truth
}

TEST_CASE("a cancelled order releases what is left; a fill that comes late is booked all the same") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1", 10}) == PC_PASS);
  const pc_order_handle order = engine.ticket.order;
  REQUIRE(engine.fill(order, 4) == PC_OK);
  REQUIRE(engine.cancelled(order) == PC_OK);
  CHECK(books(supervisor) == Books{4, 0, 0, 0, 400 * kMoney});
  CHECK(engine.cancelled(order) == PC_OK);  // said twice, released once
  CHECK(books(supervisor) == Books{4, 0, 0, 0, 400 * kMoney});
  REQUIRE(engine.fill(order, 2) == PC_OK);
  REQUIRE(engine.fill(ref_of("A1"), 1) == PC_OK);
  CHECK(books(supervisor) == Books{7, 0, 0, 0, 700 * kMoney});
  CHECK(answer(supervisor, order) == AnswerState::cancelled);
  CHECK(load(supervisor.block().foreign_orders) == 0);
}

TEST_CASE("fills turn the position round, and its value follows") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1", 10}) == PC_PASS);
  REQUIRE(engine.fill(engine.ticket.order, 10) == PC_OK);
  REQUIRE(engine.send({"A2", 25, 100 * kPx, PC_SELL_SHORT}) == PC_PASS);
  CHECK(books(supervisor) == Books{10, 0, 25, 1, 3'500 * kMoney});
  REQUIRE(engine.fill(engine.ticket.order, 10) == PC_OK);
  CHECK(books(supervisor) == Books{0, 0, 15, 1, 1'500 * kMoney});
  REQUIRE(engine.fill(engine.ticket.order, 15) == PC_OK);
  CHECK(books(supervisor) == Books{-15, 0, 0, 0, 1'500 * kMoney});
}

TEST_CASE(
    "a start-of-day position counts, also in the gross notional, and can be stated again while locked") {
  TestSupervisor supervisor;
  Engine engine(supervisor, false);
  REQUIRE(pc_position(engine.lane(), 0, -7) == PC_OK);
  REQUIRE(pc_position(engine.lane(), 0, 5) == PC_OK);
  REQUIRE(pc_positions_flat(engine.lane()) == PC_OK);
  CHECK(books(supervisor) == Books{5, 0, 0, 0, 500 * kMoney});
  supervisor.arm();
  REQUIRE(engine.send({"A1", 5, 100 * kPx, PC_SELL}) == PC_PASS);
  REQUIRE(engine.fill(engine.ticket.order, 5) == PC_OK);
  CHECK(books(supervisor) == Books{0, 0, 0, 0, 0});
}

TEST_CASE("a report about an order that the hook never saw is counted, and booked to the position") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  CHECK(engine.fill(ref_of("STRANGER"), 5, -1, "X1") == PC_ERR_UNKNOWN_ORDER);
  CHECK(books(supervisor) == Books{5, 0, 0, 0, 500 * kMoney});
  CHECK(engine.fill(ref_of("STRANGER"), 5, -1, "X1") == PC_ERR_REPEATED);
  CHECK(books(supervisor).position == 5);
  CHECK(load(supervisor.block().foreign_orders) == 1);
  const pc_order_ref stranger = ref_of("STRANGER");
  CHECK(pc_accepted(engine.lane(), &stranger, {}) == PC_ERR_UNKNOWN_ORDER);
  CHECK(load(supervisor.block().foreign_orders) == 2);
  CHECK(load(supervisor.block().unbooked) == 0);
}

TEST_CASE("a fill that cannot be booked says that the ledger is untrue") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  pc_fill fill{};
  fill.size = sizeof fill;
  fill.instrument = PC_NONE;
  fill.order = ref_of("STRANGER");
  fill.last_qty = 5;
  fill.cum_qty = -1;
  fill.side = PC_BUY;
  CHECK(pc_filled(engine.lane(), &fill) == PC_ERR_UNKNOWN_ORDER);
  CHECK(load(supervisor.block().unbooked) == 1);
  REQUIRE(engine.send({"A1", 5}) == PC_PASS);
  CHECK(engine.fill(engine.ticket.order, 0) == PC_ERR_ARGUMENT);
  CHECK(engine.fill(engine.ticket.order, -3) == PC_ERR_ARGUMENT);
  CHECK(engine.fill(engine.ticket.order, INT64_MAX) == PC_ERR_ARGUMENT);
  CHECK(load(supervisor.block().unbooked) == 4);
  CHECK(books(supervisor) == Books{0, 5, 0, 1, 500 * kMoney});
}

TEST_CASE("a busted trade is corrected by its signed difference") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1", 5}) == PC_PASS);
  REQUIRE(engine.fill(engine.ticket.order, 5) == PC_OK);
  pc_correction correction{sizeof correction, 0, -5};
  REQUIRE(pc_corrected(engine.lane(), &correction) == PC_OK);
  CHECK(books(supervisor) == Books{0, 0, 0, 0, 0});
  correction.instrument = 99;
  CHECK(pc_corrected(engine.lane(), &correction) == PC_ERR_ARGUMENT);
  CHECK(load(supervisor.block().unbooked) == 1);
}

TEST_CASE("an order that the venue answered was on the wire: it cannot be taken back") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.ask({"A1", 5}) == PC_PASS);
  const pc_order_handle order = engine.ticket.order;
  REQUIRE(engine.fill(order, 2) == PC_OK);
  CHECK(pc_not_sent(engine.lane(), order) == PC_ERR_REPEATED);
  CHECK(at_rest(supervisor));
  CHECK(books(supervisor) == Books{2, 3, 0, 1, 500 * kMoney});
}

TEST_CASE("while a replace is unanswered the larger of old and new counts") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1", 10}) == PC_PASS);
  const pc_order_handle old_order = engine.ticket.order;
  REQUIRE(engine.replace(old_order, "A2", 15, 100 * kPx) == PC_PASS);
  const pc_order_handle new_order = engine.ticket.order;
  CHECK(books(supervisor) == Books{0, 15, 0, 1, 1'500 * kMoney});
  CHECK(engine.replace(old_order, "A3", 20, 100 * kPx) == PC_BUSY);
  CHECK(engine.replace(new_order, "A3", 20, 100 * kPx) == PC_BUSY);
  REQUIRE(engine.fill(old_order, 4) == PC_OK);  // filled under the old id while it waits
  const pc_order_ref ref = ref_of(new_order);
  REQUIRE(pc_replaced(engine.lane(), &ref) == PC_OK);
  CHECK(books(supervisor) == Books{4, 11, 0, 1, 1'500 * kMoney});
  CHECK(answer(supervisor, old_order) == AnswerState::replaced);
  CHECK(load(supervisor.slot(new_order).cum_qty) == 4);
  REQUIRE(engine.fill(new_order, 11, 15) == PC_OK);  // CumQty goes on over the chain
  CHECK(books(supervisor) == Books{15, 0, 0, 0, 1'500 * kMoney});
}

TEST_CASE("a replace to less gives back only when the venue took it") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1", 10}) == PC_PASS);
  REQUIRE(engine.replace(engine.ticket.order, "A2", 4, 50 * kPx) == PC_PASS);
  CHECK(books(supervisor) == Books{0, 10, 0, 1, 1'000 * kMoney});
  const pc_order_ref ref = ref_of("A2");
  REQUIRE(pc_replaced(engine.lane(), &ref) == PC_OK);
  CHECK(books(supervisor) == Books{0, 4, 0, 1, 200 * kMoney});
  REQUIRE(pc_cancelled(engine.lane(), &ref) == PC_OK);
  CHECK(books(supervisor) == Books{0, 0, 0, 0, 0});
}

TEST_CASE("a refused replace leaves the old order as it was") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1", 10}) == PC_PASS);
  const pc_order_handle old_order = engine.ticket.order;
  const Books before = books(supervisor);
  for (const char* id : {"A2", "A3"}) {
    REQUIRE(engine.replace(old_order, id, 15, 120 * kPx) == PC_PASS);
    CHECK(books(supervisor) == Books{0, 15, 0, 1, 1'800 * kMoney});
    const pc_order_ref ref = ref_of(id);
    if (id[1] == '2') {
      REQUIRE(pc_rejected(engine.lane(), &ref) == PC_OK);
    } else {
      REQUIRE(pc_cancel_rejected(engine.lane(), &ref, '0') == PC_OK);
    }
    CHECK(books(supervisor) == before);
  }
  CHECK(answer(supervisor, old_order) == AnswerState::cancel_refused);
  REQUIRE(engine.fill(old_order, 10) == PC_OK);
  CHECK(books(supervisor) == Books{10, 0, 0, 0, 1'000 * kMoney});
}

TEST_CASE("a replace that was not sent is taken back, and the next one may follow") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1", 10}) == PC_PASS);
  const pc_order_handle order = engine.ticket.order;
  const Books before = books(supervisor);
  const std::string id = "A2";
  const pc_replace_request request{sizeof request, 0, order, text_of(id), 30, 100 * kPx};
  REQUIRE(pc_replace(engine.lane(), &request, &engine.ticket) == PC_PASS);
  REQUIRE(pc_not_sent(engine.lane(), engine.ticket.order) == PC_OK);
  CHECK(books(supervisor) == before);
  CHECK(engine.replace(order, "A3", 12, 100 * kPx) == PC_PASS);
}

TEST_CASE("a fill under the id of a replace says that the venue took it") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1", 10}) == PC_PASS);
  const pc_order_handle old_order = engine.ticket.order;
  REQUIRE(engine.fill(old_order, 2, 2) == PC_OK);
  REQUIRE(engine.replace(old_order, "A2", 8, 100 * kPx) == PC_PASS);
  REQUIRE(engine.fill(ref_of("A2"), 3, 5) == PC_OK);
  CHECK(answer(supervisor, old_order) == AnswerState::replaced);
  CHECK(books(supervisor) == Books{5, 3, 0, 1, 800 * kMoney});
}

TEST_CASE("a cancel reject with a terminal status ends the order, any other leaves it open") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1", 10}) == PC_PASS);
  const pc_order_handle order = engine.ticket.order;
  const pc_order_ref ref = ref_of(order);
  REQUIRE(pc_cancel_rejected(engine.lane(), &ref, '6') == PC_OK);
  CHECK(answer(supervisor, order) == AnswerState::cancel_refused);
  CHECK(load(supervisor.slot(order).refused_reason) == '6');
  CHECK(books(supervisor).open_orders == 1);
  REQUIRE(pc_cancel_rejected(engine.lane(), &ref, '4') == PC_OK);
  CHECK(answer(supervisor, order) == AnswerState::cancelled);
  CHECK(books(supervisor) == Books{0, 0, 0, 0, 0});
}

TEST_CASE("a report to one lane about another lane's order is booked where the order belongs") {
  TestSupervisor supervisor({.capacities = {2, 1, 2, 0, 8, 0, 64, 64}, .lanes = {"one", "two"}});
  Engine engine(supervisor);
  pc_lane* two = engine.lane("two");
  supervisor.set(GateState::closed);
  pc_positions_flat(two);
  supervisor.arm();
  REQUIRE(engine.send({"T1", 5}, two) == PC_PASS);
  REQUIRE(engine.fill(engine.ticket.order, 5) == PC_OK);  // said to lane one
  CHECK(books(supervisor, 0, 0) == Books{0, 0, 0, 0, 0});
  CHECK(books(supervisor, 1, 1) == Books{5, 0, 0, 0, 500 * kMoney});
}

TEST_CASE("whatever happens in whatever order, slots, cells and lane add up to the same") {
  const std::uint32_t seed = 1'480;
  INFO("seed " << seed);
  std::mt19937 source(seed);
  const auto random = [&] { return static_cast<std::int64_t>(source()); };
  TestSupervisor supervisor;
  Engine engine(supervisor);
  std::vector<pc_order_handle> known;
  std::int64_t position = 0;
  int next_id = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t dice = random() % 10;
    const bool buy = random() % 2 == 0;
    const std::string id = "R" + std::to_string(next_id++);
    if (dice < 3 || known.empty()) {
      if (engine.ask({id, 1 + random() % 20, (90 + random() % 20) * kPx, buy ? PC_BUY : PC_SELL}) ==
          PC_PASS) {
        if (random() % 5 == 0) {
          REQUIRE(pc_not_sent(engine.lane(), engine.ticket.order) == PC_OK);
        } else {
          pc_sent(engine.lane(), engine.ticket.order);
          known.push_back(engine.ticket.order);
        }
      }
    } else {
      const std::size_t at = static_cast<std::size_t>(random()) % known.size();
      const pc_order_handle order = known[at];
      const pc_order_ref ref = ref_of(order);
      const OrderSlot& slot = supervisor.slot(order);
      const bool same = load(slot.submit_word) >> 8U == order >> 32U;
      const bool buys = (load(slot.instrument_terms) >> 16U & 0xFFU) == PC_BUY;
      if (dice < 6) {
        const std::int64_t qty = 1 + random() % 6;
        if (same && engine.fill(order, qty) == PC_OK) position += buys ? qty : -qty;
      } else if (dice == 6) {
        if (engine.replace(order, id, 1 + random() % 25, (90 + random() % 20) * kPx) == PC_PASS)
          known.push_back(engine.ticket.order);
      } else if (dice == 7) {
        pc_replaced(engine.lane(), &ref);
      } else if (dice == 8) {
        pc_rejected(engine.lane(), &ref);
      } else {
        engine.cancelled(order);
      }
    }
    if (known.size() > 60) known.erase(known.begin());
    const HeldSum sum = held_by_slots(supervisor);
    const Books b = books(supervisor);
    REQUIRE(b.position == position);
    REQUIRE(b.working_buy == sum.buy);
    REQUIRE(b.working_sell == sum.sell);
    REQUIRE(b.working_buy >= 0);
    REQUIRE(b.working_sell >= 0);
    REQUIRE(b.open_orders >= 0);
    REQUIRE(b.gross_e4 == sum.value_e4 + std::abs(position) * 100 * kMoney);
  }
  CHECK(load(supervisor.block().passes) > 1'000);
}
