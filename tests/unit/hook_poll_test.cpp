// SPDX-License-Identifier: Apache-2.0
/// @file What a lane is told, what it hands out to cancel, and how it comes back after the supervisor
/// restarted.
#include <poll.h>

#include <catch2/catch.hpp>
#include <optional>

#include "tests/unit/engine_fixture.hpp"
#include "tests/unit/fix_text.hpp"

using namespace portcullis;
using namespace portcullis::testing;

namespace {

bool readable(int fd) {
  pollfd waited{fd, POLLIN, 0};
  return ::poll(&waited, 1, 0) == 1;
}

pc_open_order next(Engine& engine) {
  pc_open_order order{};
  order.size = sizeof order;
  if (pc_next_cancel(engine.lane(), &order) == 0) order.handle = 0;
  return order;
}

}  // namespace

TEST_CASE(
    "poll says stop while locked, nothing while armed, cancel as long as a request stands and orders are "
    "open") {
  TestSupervisor supervisor;
  Engine engine(supervisor, false);
  pc_positions_flat(engine.lane());
  CHECK(pc_poll(engine.lane()) == PC_COMMAND_STOP);
  supervisor.arm();
  CHECK(pc_poll(engine.lane()) == PC_COMMAND_NONE);
  REQUIRE(engine.send({"A1"}) == PC_PASS);
  const pc_order_handle order = engine.ticket.order;
  supervisor.request_cancel(8);
  CHECK(pc_poll(engine.lane()) == PC_COMMAND_CANCEL);  // the request alone is enough
  supervisor.request_cancel(9);
  supervisor.set(GateState::halted);
  CHECK(pc_poll(engine.lane()) == PC_COMMAND_CANCEL);
  CHECK(load(supervisor.block().cancel_seen) == 9);
  CHECK(pc_poll(engine.lane()) == PC_COMMAND_CANCEL);
  engine.cancelled(order);
  CHECK(pc_poll(engine.lane()) == PC_COMMAND_STOP);
  CHECK(load(supervisor.block().polled_ns) >= load(supervisor.block().submitted_ns));
}

TEST_CASE("a lost lease, a pause and a lane that shut itself ask to cancel") {
  TestSupervisor supervisor({.limits = [](GateView& gate) {
    gate.lane(0).order_qty = 5;
    gate.lane(0).shut_kinds = 1U << static_cast<unsigned>(LimitKind::order_qty);
  }});
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1"}) == PC_PASS);
  supervisor.set(GateState::paused);
  CHECK(pc_poll(engine.lane()) == PC_COMMAND_CANCEL);
  supervisor.set(GateState::reduce_only);
  CHECK(pc_poll(engine.lane()) == PC_COMMAND_NONE);
  supervisor.set(GateState::open);
  supervisor.let_lease_run_out();
  CHECK(pc_poll(engine.lane()) == PC_COMMAND_CANCEL);
  supervisor.renew();
  CHECK(pc_poll(engine.lane()) == PC_COMMAND_CANCEL);  // remembered
  CHECK(engine.ask({"A2"}) == PC_LEASE_LOST);
  supervisor.arm();
  CHECK(pc_poll(engine.lane()) == PC_COMMAND_NONE);
  CHECK(engine.ask({"A3", 6}) == PC_ORDER_QTY);
  CHECK(pc_poll(engine.lane()) == PC_COMMAND_CANCEL);
}

TEST_CASE("a command makes the hook's descriptor readable until a poll has seen it") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  pc_poll(engine.lane());
  REQUIRE(pc_fd(engine.hook) >= 0);
  CHECK_FALSE(readable(pc_fd(engine.hook)));
  supervisor.request_cancel(1);
  CHECK(readable(pc_fd(engine.hook)));
  pc_poll(engine.lane());
  CHECK_FALSE(readable(pc_fd(engine.hook)));
}

TEST_CASE("with two lanes the descriptor stays readable until both have seen the command") {
  TestSupervisor supervisor({.capacities = {2, 1, 2, 0, 8, 0, 64, 64}, .lanes = {"one", "two"}});
  Engine engine(supervisor);
  pc_lane* two = engine.lane("two");
  pc_poll(engine.lane());
  pc_poll(two);
  supervisor.request_cancel(1);
  pc_poll(engine.lane());
  CHECK(readable(pc_fd(engine.hook)));
  pc_poll(two);
  CHECK_FALSE(readable(pc_fd(engine.hook)));
}

TEST_CASE("orders are handed out largest first, once, and not before they were sent") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  for (const std::int64_t qty : {2, 9, 5}) REQUIRE(engine.send({"Q" + std::to_string(qty), qty}) == PC_PASS);
  REQUIRE(engine.ask({"Q7", 7}) == PC_PASS);
  CHECK(std::string(next(engine).cl_ord_id) == "Q9");
  CHECK(std::string(next(engine).cl_ord_id) == "Q5");
  const pc_open_order last = next(engine);
  CHECK(std::string(last.cl_ord_id) == "Q2");
  CHECK(last.order_qty == 2);
  CHECK(last.side == PC_BUY);
  CHECK(next(engine).handle == 0);
  CHECK(load(supervisor.slot(last.handle).cancel_ns) != 0);
}

TEST_CASE("an order that was asked for is handed out again after a second without an answer") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1"}) == PC_PASS);
  const pc_order_handle order = engine.ticket.order;
  REQUIRE(next(engine).handle == order);
  CHECK(next(engine).handle == 0);
  const std::uint64_t a_second_ago = monotonic_now_ns() - 1'000'000'001;
  store(supervisor.slot(order).cancel_ns, a_second_ago);
  for (const std::uint64_t until = monotonic_now_ns() + 11'000'000; monotonic_now_ns() < until;) {
  }
  CHECK(next(engine).handle == order);
}

TEST_CASE("cancels are paced as the supervisor says") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  for (int i = 0; i < 3; ++i) REQUIRE(engine.send({"A" + std::to_string(i)}) == PC_PASS);
  store(supervisor.gate().lane(0).cancel_pace_ns, kHourNs);
  CHECK(next(engine).handle != 0);
  CHECK(next(engine).handle == 0);
  store(supervisor.gate().lane(0).cancel_pace_ns, 0);
  CHECK(next(engine).handle != 0);
}

TEST_CASE("a replace that is not answered is cancelled by its order's id; once answered by its own") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1"}) == PC_PASS);
  REQUIRE(engine.replace(engine.ticket.order, "A2", 2, 100 * kPx) == PC_PASS);
  CHECK(std::string(next(engine).cl_ord_id) == "A1");
  CHECK(next(engine).handle == 0);
  const pc_order_ref ref = ref_of("A2");
  REQUIRE(pc_replaced(engine.lane(), &ref) == PC_OK);
  for (const std::uint64_t until = monotonic_now_ns() + 11'000'000; monotonic_now_ns() < until;) {
  }
  CHECK(std::string(next(engine).cl_ord_id) == "A2");
}

TEST_CASE("idle owes no beat until the lane works again") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  const LaneBlock& block = supervisor.block();
  pc_idle(engine.lane());
  CHECK(load(block.idle) == 1);
  const std::uint64_t beat_ns = load(block.beat_ns);
  REQUIRE(engine.send({"A1"}) == PC_PASS);
  CHECK(load(block.idle) == 0);
  CHECK(load(block.beat_ns) > beat_ns);
  pc_idle(engine.lane());
  pc_work_in(engine.lane(), 3);
  CHECK(load(block.idle) == 0);
  pc_work_done(engine.lane(), 2);
  CHECK(load(block.work_in) == 3);
  CHECK(load(block.work_done) == 2);
}

TEST_CASE("a cancel is counted and always passes, also after a halt") {
  TestSupervisor supervisor;
  Engine engine(supervisor);
  REQUIRE(engine.send({"A1"}) == PC_PASS);
  const pc_order_handle order = engine.ticket.order;
  supervisor.set(GateState::halted);
  const pc_order_ref ref = ref_of("A1");
  CHECK(pc_cancel(engine.lane(), &ref, {}) == PC_OK);
  CHECK(load(supervisor.block().cancels) == 1);
  CHECK(engine.replace(order, "A2", 1, 100 * kPx) == PC_CLOSED);
  CHECK(pc_find(engine.lane(), ref.cl_ord_id) == order);
  engine.cancelled(order);
  CHECK(pc_find(engine.lane(), ref.cl_ord_id) == 0);
}

TEST_CASE("after the supervisor restarted the hook attaches again, into locked, with positions unset") {
  std::optional<TestSupervisor> supervisor;
  char folder[] = "/tmp/portcullis-test-XXXXXX";
  const std::string run_dir = mkdtemp(folder);
  supervisor.emplace(GateSetup{}, run_dir);
  {
    Engine engine(*supervisor);
    pc_session* session = nullptr;
    REQUIRE(pc_session_open(engine.hook, "S0", -1, &session) == PC_OK);
    const std::string sample = fix_message("35=F|34=1|");
    REQUIRE(pc_session_template(session, text_of(sample)) == PC_OK);
    const std::string beat = fix_message("35=0|34=1|");
    REQUIRE(pc_declare(session, beat.data(), beat.size()) == PC_OK);
    REQUIRE(engine.send({"A1"}) == PC_PASS);
    const pc_order_handle old_order = engine.ticket.order;
    pc_lane* lane = engine.lane();
    const int fd = pc_fd(engine.hook);
    supervisor->let_lease_run_out();
    supervisor.reset();  // dead
    CHECK(pc_poll(lane) == PC_COMMAND_CANCEL);
    CHECK(engine.ask({"A2"}) == PC_LEASE_LOST);
    GateSetup fresh;
    fresh.incarnation = 8;
    supervisor.emplace(fresh, run_dir);
    supervisor->base_bytes = 10;  // the kernel had taken ten bytes of what was declared
    const std::uint64_t until = monotonic_now_ns() + 5'000'000'000;
    while (supervisor->templates_seen() == 0 && monotonic_now_ns() < until) {
      pc_poll(lane);
      usleep(1'000);
    }
    REQUIRE(supervisor->sessions_opened() == 1);
    REQUIRE(supervisor->templates_seen() == 1);
    CHECK(pc_poll(lane) ==
          PC_COMMAND_CANCEL);  // the old order belongs into the old ledger until it is answered
    REQUIRE(engine.cancelled(old_order) == PC_OK);
    CHECK(pc_poll(lane) == PC_COMMAND_STOP);
    CHECK(pc_fd(engine.hook) == fd);
    supervisor->arm();
    CHECK(engine.ask({"A3"}) == PC_POSITION_UNSET);
    supervisor->set(GateState::closed);
    REQUIRE(pc_positions_flat(lane) == PC_OK);
    supervisor->arm();
    REQUIRE(engine.send({"A1"}) == PC_PASS);
    CHECK(engine.ticket.order != old_order);
    CHECK(engine.cancelled(old_order) == PC_ERR_UNKNOWN_ORDER);
    CHECK(load(supervisor->ledger().header().membarrier_registered) == 1);
    REQUIRE(pc_declare(session, beat.data(), beat.size()) == PC_OK);
    CHECK(load(supervisor->ledger().session(0).declared_bytes) == 2 * beat.size() - 10);
    supervisor->request_cancel(1);
    CHECK(readable(fd));
    pc_poll(lane);
    CHECK_FALSE(readable(fd));
  }
  supervisor.reset();
  rmdir(run_dir.c_str());
}

TEST_CASE("a restarted supervisor that numbers the instruments anew is not followed") {
  std::optional<TestSupervisor> supervisor;
  char folder[] = "/tmp/portcullis-test-XXXXXX";
  const std::string run_dir = mkdtemp(folder);
  supervisor.emplace(GateSetup{}, run_dir);
  {
    Engine engine(*supervisor);
    pc_lane* lane = engine.lane();
    supervisor->let_lease_run_out();
    supervisor.reset();
    GateSetup other;
    other.limits = [](GateView& gate) { gate.instrument(1).symbol[0] = 'Z'; };
    supervisor.emplace(other, run_dir);
    const std::uint64_t until = monotonic_now_ns() + 5'000'000'000;
    const std::string expected = "the instruments were numbered anew: restart the engine";
    while (pc_why(engine.hook) != expected && monotonic_now_ns() < until) {
      pc_poll(lane);
      usleep(1'000);
    }
    CHECK(pc_why(engine.hook) == expected);
    supervisor->arm();
    CHECK(engine.ask({"A1"}) != PC_PASS);
  }
  supervisor.reset();
  rmdir(run_dir.c_str());
}
