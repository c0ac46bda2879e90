// SPDX-License-Identifier: Apache-2.0
/// @file The gate and the flight: what opens, what shuts, and what an order leaves in the ledger.
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "tests/unit/engine_fixture.hpp"

using namespace portcullis;
using namespace portcullis::testing;

TEST_CASE("nothing passes before people arm") {
  TestSupervisor supervisor;
  Engine engine(supervisor, false);
  REQUIRE(engine.attached == PC_OK);
  CHECK(engine.ask({"A1"}) == PC_CLOSED);
  CHECK(at_rest(supervisor));
  CHECK(load(supervisor.block().refused_other) == 1);
}

TEST_CASE("an order that passes is in the ledger before it is sent") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.ask({"A1", 5, 101 * kPx}) == PC_PASS);
  const OrderSlot& slot = supervisor.slot(engine.ticket.order);
  CHECK(load(slot.submit_word) == (1U << 8U | static_cast<unsigned>(SubmitState::reserved)));
  CHECK(slot.cl_ord_id.get().view() == "A1");
  CHECK(load(slot.order_qty) == 5);
  CHECK(load(slot.px_e8) == 101 * kPx);
  CHECK(load(slot.notional_e4) == 505 * 10'000);
  CHECK(load(slot.reference_px_e8) == 100 * kPx);
  CHECK(books(supervisor) == Books{0, 5, 0, 1, 505 * 10'000});
  CHECK_FALSE(at_rest(supervisor));
  REQUIRE(pc_sent(engine.lane(), engine.ticket.order) == PC_OK);
  CHECK(at_rest(supervisor));
  CHECK(load(slot.submit_word) == (1U << 8U | static_cast<unsigned>(SubmitState::sent)));
  CHECK(pc_sent(engine.lane(), engine.ticket.order) == PC_ERR_REPEATED);
  CHECK(load(supervisor.block().passes) == 1);
}

TEST_CASE("an order that was not sent is taken back to the last unit") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1", 5}) == PC_PASS);
  const Books before = books(supervisor);
  REQUIRE(engine.ask({"A2", 7, 90 * kPx}) == PC_PASS);
  REQUIRE(pc_not_sent(engine.lane(), engine.ticket.order) == PC_OK);
  CHECK(books(supervisor) == before);
  CHECK(at_rest(supervisor));
  CHECK(load(supervisor.slot(engine.ticket.order).submit_word) ==
        (1U << 8U | static_cast<unsigned>(SubmitState::withdrawn)));
  CHECK(engine.ask({"A2", 7}) == PC_PASS);  // the id is free again
}

TEST_CASE("a lane with an order on its way out is busy") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.ask({"A1"}) == PC_PASS);
  const pc_order_handle first = engine.ticket.order;
  CHECK(engine.ask({"A2"}) == PC_BUSY);
  CHECK_FALSE(at_rest(supervisor));
  CHECK(engine.replace(first, "A3", 1, 100 * kPx) == PC_BUSY);
  pc_sent(engine.lane(), first);
  CHECK(engine.ask({"A2"}) == PC_PASS);
}

TEST_CASE("the flight of a batch ends with its last order") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  const std::vector<Order> wanted{{"B0"}, {"B1", 0}, {"B2"}};
  std::vector<pc_order> orders;
  for (const Order& order : wanted) orders.push_back(c_order(order));
  std::vector<pc_ticket> tickets(3);
  for (pc_ticket& ticket : tickets) ticket.size = sizeof ticket;
  REQUIRE(pc_submit_batch(engine.lane(), orders.data(), 3, tickets.data()) == 2);
  CHECK(tickets[1].verdict == PC_BAD_ARGUMENT);
  CHECK_FALSE(at_rest(supervisor));
  pc_sent(engine.lane(), tickets[0].order);
  CHECK_FALSE(at_rest(supervisor));
  pc_not_sent(engine.lane(), tickets[2].order);
  CHECK(at_rest(supervisor));
  CHECK(books(supervisor).open_orders == 1);
}

TEST_CASE("an expired lease keeps the lane shut in its generation, whatever is renewed later") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1"}) == PC_PASS);
  supervisor.let_lease_run_out();
  CHECK(engine.ask({"A2"}) == PC_LEASE_LOST);
  CHECK(load(supervisor.block().shut) == (1U << 8U | static_cast<unsigned>(ShutReason::lease)));
  supervisor.renew();
  CHECK(engine.ask({"A3"}) == PC_LEASE_LOST);
  CHECK(at_rest(supervisor));
  supervisor.arm();
  CHECK(engine.ask({"A4"}) == PC_PASS);
}

TEST_CASE("a deadline that is further away than one lease is no lease") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  store(supervisor.gate().header().lease_deadline_ns, monotonic_now_ns() + 2 * kHourNs);
  CHECK(engine.ask({"A1"}) == PC_LEASE_LOST);
}

TEST_CASE("every gate word but the four known ones is closed") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  for (const unsigned state : {0U, 4U, 5U, 77U, 255U}) {
    store(supervisor.gate().lane(0).word, gate_word(1, static_cast<GateState>(state)));
    CHECK(engine.ask({"A1"}) == PC_CLOSED);
  }
}

TEST_CASE("a lane that reduces only lets through what truly reduces") {
  TestSupervisor supervisor;
  Engine engine(supervisor, false);
  REQUIRE(pc_position(engine.lane(), 0, 10) == PC_OK);
  for (const GateState state : {GateState::reduce_only, GateState::paused}) {
    supervisor.arm(state);
    const std::string n = std::to_string(static_cast<int>(state));
    CHECK(engine.send({"B" + n, 1, 100 * kPx, PC_BUY}) == PC_PAUSED);
    CHECK(engine.send({"S" + n, 4, 100 * kPx, PC_SELL}) == PC_PASS);
    CHECK(engine.send({"T" + n, 7, 100 * kPx, PC_SELL}) ==
          PC_PAUSED);  // with the working 4 it would cross zero
  }
}

TEST_CASE("another thread is refused until the lane is bound anew") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1"}) == PC_PASS);
  const pc_order_handle order = engine.ticket.order;
  pc_lane* lane = engine.lane();
  std::thread([&] { CHECK(engine.ask({"A2"}, lane) == PC_WRONG_THREAD); }).join();
  pc_lane_rebind(lane);
  std::thread([&] {
    CHECK(engine.ask({"A3"}, lane) == PC_PASS);
    pc_sent(lane, engine.ticket.order);
  }).join();
  CHECK(engine.ask({"A4"}) == PC_WRONG_THREAD);
  pc_lane_rebind(lane);
  REQUIRE(engine.fill(order, 1) == PC_OK);
  CHECK(engine.send({"A5"}) == PC_PASS);
}

TEST_CASE("a report that the wrong thread brings closes the lane: the ledger is untrue") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1", 2}) == PC_PASS);
  const pc_order_handle order = engine.ticket.order;
  REQUIRE(engine.fill(order, 1) == PC_OK);
  std::thread([&] { CHECK(engine.fill(order, 1) == PC_ERR_WRONG_THREAD); }).join();
  CHECK(engine.ask({"A2"}) == PC_CLOSED);
  CHECK((load(supervisor.block().shut) & 0xFFU) == static_cast<unsigned>(ShutReason::integrity));
}

namespace {
pc_lane* signal_lane = nullptr;
pc_verdict signal_verdict = PC_PASS;
void submit_in_handler(int) {
  const Order wanted{"SIG"};
  const pc_order order = c_order(wanted);
  pc_ticket ticket{};
  ticket.size = sizeof ticket;
  signal_verdict = pc_submit(signal_lane, &order, &ticket);
}
}  // namespace

TEST_CASE("a submit inside a flight, from a signal handler, is busy and leaves the flight alone") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  signal_lane = engine.lane();
  REQUIRE(engine.ask({"A1"}) == PC_PASS);
  const auto before = std::signal(SIGUSR1, submit_in_handler);
  std::raise(SIGUSR1);
  std::signal(SIGUSR1, before);
  CHECK(signal_verdict == PC_BUSY);
  CHECK_FALSE(at_rest(supervisor));
  pc_sent(engine.lane(), engine.ticket.order);
  CHECK(at_rest(supervisor));
}

TEST_CASE("in a forked child everything is closed and no shared memory is touched") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  pc_lane* lane = engine.lane();
  REQUIRE(engine.send({"A1"}) == PC_PASS);
  const pc_order_handle order = engine.ticket.order;
  const std::uint64_t flights = load(supervisor.block().in_flight);
  const pid_t child = fork();
  if (child == 0) {  // a touched map would be SIGSEGV: it is not there
    int wrong = 0;
    wrong |= engine.ask({"C1"}, lane) != PC_CLOSED ? 1 : 0;
    wrong |= engine.replace(order, "C2", 1, kPx) != PC_CLOSED ? 2 : 0;
    const pc_order_ref ref = ref_of(order);
    wrong |= pc_accepted(lane, &ref, {}) != PC_ERR_CLOSED ? 4 : 0;
    wrong |= pc_poll(lane) != PC_COMMAND_STOP ? 8 : 0;
    pc_beat(lane);
    pc_idle(lane);
    wrong |= pc_mark(lane, 0, kPx) != PC_ERR_CLOSED ? 16 : 0;
    wrong |= pc_detach(engine.hook, PC_KEEP_NONE) != PC_ERR_CLOSED ? 32 : 0;
    _exit(wrong);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(load(supervisor.block().in_flight) == flights);
  CHECK(engine.send({"A2"}) == PC_PASS);
}

TEST_CASE("without a supervisor the hook lives and everything is closed") {
  pc_attach_options options{sizeof(pc_attach_options), 100, "eng", "/nonexistent"};
  pc_hook* hook = nullptr;
  REQUIRE(pc_attach(&options, &hook) == PC_ERR_NO_SUPERVISOR);
  REQUIRE(hook != nullptr);
  CHECK(std::string(pc_why(hook)) == "no supervisor listens in /nonexistent");
  pc_lane* lane = nullptr;
  CHECK(pc_lane_open(hook, "one", &lane) == PC_ERR_NO_SUPERVISOR);
  REQUIRE(lane != nullptr);
  const Order wanted{"A1"};
  const pc_order order = c_order(wanted);
  pc_ticket ticket{};
  ticket.size = sizeof ticket;
  CHECK(pc_submit(lane, &order, &ticket) == PC_CLOSED);
  CHECK(pc_poll(lane) == PC_COMMAND_STOP);
  CHECK(pc_fd(hook) == -1);
  CHECK(pc_instrument(hook, "AAA") == PC_NONE);
  CHECK(pc_detach(hook, PC_KEEP_NONE) == PC_ERR_NO_SUPERVISOR);
}

TEST_CASE("missing arguments are answered, never followed") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  pc_ticket ticket{};
  ticket.size = sizeof ticket;
  CHECK(pc_submit(nullptr, nullptr, &ticket) == PC_CLOSED);
  CHECK(pc_submit(engine.lane(), nullptr, &ticket) == PC_BAD_ARGUMENT);
  CHECK(pc_submit(engine.lane(), nullptr, nullptr) == PC_BAD_ARGUMENT);
  ticket.size = 3;
  CHECK(pc_submit(engine.lane(), nullptr, &ticket) == PC_BAD_ARGUMENT);
  CHECK(pc_sent(nullptr, 1) == PC_ERR_ARGUMENT);
  CHECK(pc_filled(engine.lane(), nullptr) == PC_ERR_ARGUMENT);
  CHECK(pc_poll(nullptr) == PC_COMMAND_STOP);
  CHECK(pc_declare(nullptr, "x", 1) == PC_ERR_ARGUMENT);
  CHECK(pc_attach(nullptr, nullptr) == PC_ERR_ARGUMENT);
  pc_beat(nullptr);
  CHECK(at_rest(supervisor));
  CHECK(engine.ask({"A1", 0}) == PC_BAD_ARGUMENT);
  CHECK(engine.ask({"A1", -1}) == PC_BAD_ARGUMENT);
  CHECK(engine.ask({"", 1}) == PC_BAD_ARGUMENT);
  CHECK(engine.ask({std::string(37, 'x'), 1}) == PC_BAD_ARGUMENT);
  CHECK(engine.ask({"A1", 1, 0}) == PC_BAD_ARGUMENT);
  CHECK(engine.ask({"A1", 1, -kPx}) == PC_BAD_ARGUMENT);
  CHECK(engine.ask({"A1", 1, kPx, static_cast<pc_side>(7)}) == PC_BAD_ARGUMENT);
  CHECK(engine.ask({"A1", 1, kPx, PC_BUY, 0, static_cast<pc_ord_type>(7)}) == PC_BAD_ARGUMENT);
  CHECK(engine.ask({"A1", 1, kPx, PC_BUY, 99}) == PC_NOT_ALLOWED);
  CHECK(at_rest(supervisor));
  CHECK(engine.ask({std::string(36, 'x'), 1}) == PC_PASS);
}

TEST_CASE("a position that nobody stated refuses orders, and can be stated only while locked") {
  TestSupervisor supervisor;
  Engine engine(supervisor, false);
  REQUIRE(pc_position(engine.lane(), 0, 3) == PC_OK);
  supervisor.arm();
  CHECK(engine.ask({"A1", 1, kPx, PC_BUY, 1}) == PC_POSITION_UNSET);
  CHECK(pc_position(engine.lane(), 1, 3) == PC_ERR_NOT_LOCKED);
  CHECK(pc_positions_flat(engine.lane()) == PC_ERR_NOT_LOCKED);
  CHECK(engine.send({"A2"}) == PC_PASS);
}

TEST_CASE("a full table refuses; a slot that ended is used again") {
  TestSupervisor supervisor({.capacities = {1, 3, 3, 0, 4, 0, 64, 64}});
  Engine engine(supervisor);
  std::vector<pc_order_handle> orders;
  for (int i = 0; i < 4; ++i) {
    REQUIRE(engine.send({"A" + std::to_string(i)}) == PC_PASS);
    orders.push_back(engine.ticket.order);
  }
  CHECK(engine.send({"A4"}) == PC_TABLE_FULL);
  CHECK(books(supervisor).open_orders == 4);
  REQUIRE(engine.cancelled(orders[2]) == PC_OK);
  REQUIRE(engine.send({"A5"}) == PC_PASS);
  CHECK(static_cast<std::uint32_t>(engine.ticket.order) == static_cast<std::uint32_t>(orders[2]));
  CHECK(engine.ticket.order != orders[2]);
  CHECK(engine.cancelled(orders[2]) == PC_ERR_UNKNOWN_ORDER);  // the old handle names nothing any more
  CHECK(load(supervisor.slot(orders[2]).submit_word) >> 8U == 2);
}

TEST_CASE("a ClOrdID in use is a duplicate") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1"}) == PC_PASS);
  CHECK(engine.ask({"A1"}) == PC_DUPLICATE_ID);
  REQUIRE(engine.cancelled(engine.ticket.order) != PC_OK);
  CHECK(books(supervisor).open_orders == 1);
}

TEST_CASE("in a batch the rate, the table and the duplicate hold from one order to the next") {
  TestSupervisor supervisor({.capacities = {1, 3, 3, 0, 4, 0, 64, 64}, .limits = [](GateView& gate) {
                               gate.lane(0).order_rate[0] = {3, kHourNs};
                               gate.lane(0).order_rates = 1;
                             }});
  Engine engine(supervisor);
  const std::vector<Order> wanted{{"B0"}, {"B1"}, {"B0"}, {"B2"}, {"B3"}};
  std::vector<pc_order> orders;
  for (const Order& order : wanted) orders.push_back(c_order(order));
  std::vector<pc_ticket> tickets(wanted.size());
  for (pc_ticket& ticket : tickets) ticket.size = sizeof ticket;
  REQUIRE(pc_submit_batch(engine.lane(), orders.data(), 5, tickets.data()) == 3);
  CHECK(tickets[2].verdict == PC_DUPLICATE_ID);
  CHECK(tickets[4].verdict == PC_ORDER_RATE);
  for (const int i : {0, 1, 3}) pc_not_sent(engine.lane(), tickets[i].order);
  CHECK(engine.ask({"B4"}) == PC_ORDER_RATE);  // asking was an event
}

TEST_CASE("an order that ends while another is on its way out stays known until the next one passes") {
  TestSupervisor supervisor({.capacities = {1, 3, 3, 0, 2, 0, 64, 64}});
  Engine engine(supervisor);
  REQUIRE(engine.send({"A0"}) == PC_PASS);
  const pc_order_handle first = engine.ticket.order;
  REQUIRE(engine.ask({"A1"}) == PC_PASS);
  REQUIRE(engine.cancelled(first) == PC_OK);
  REQUIRE(pc_sent(engine.lane(), engine.ticket.order) == PC_OK);
  // whoever closed the gate in between has listed A0 and waits for its end
  CHECK(load(supervisor.slot(first).answer_word) ==
        (1U << 8U | static_cast<unsigned>(AnswerState::cancelled)));
  CHECK(engine.cancelled(first) == PC_OK);
  REQUIRE(engine.ask({"A2"}) == PC_PASS);
  CHECK(engine.cancelled(first) == PC_ERR_UNKNOWN_ORDER);
}

TEST_CASE("as many ClOrdIDs as the table holds are told apart, and found again") {
  TestSupervisor supervisor({.capacities = {1, 3, 3, 0, 4'096, 0, 64, 64}});
  Engine engine(supervisor);
  const bool counted_up = GENERATE(true, false);
  const auto id_of = [&](std::uint64_t n) {
    return counted_up ? "ENGINE-" + std::to_string(n) : std::to_string(n * 0x9E3779B97F4A7C15ULL);
  };
  std::vector<pc_order_handle> orders;
  for (std::uint64_t n = 0; n < 4'096; ++n) {
    REQUIRE(engine.send({id_of(n)}) == PC_PASS);
    orders.push_back(engine.ticket.order);
  }
  for (std::uint64_t n = 0; n < 4'096; ++n) {
    REQUIRE(engine.ask({id_of(n)}) == PC_DUPLICATE_ID);
    const std::string id = id_of(n);
    REQUIRE(pc_find(engine.lane(), text_of(id)) == orders[n]);
  }
  for (std::uint64_t n = 0; n < 4'096; ++n) {  // each takes the place of the one that ended
    REQUIRE(engine.cancelled(orders[n]) == PC_OK);
    REQUIRE(engine.send({id_of(n + 4'096)}) == PC_PASS);
  }
  CHECK(engine.send({id_of(0)}) == PC_TABLE_FULL);
}
