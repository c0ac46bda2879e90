// SPDX-License-Identifier: Apache-2.0
/// @file The cycle: it closes first, renews last, and a late one only closes.
#include "watchdog/monitor.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/ledger_world.hpp"

namespace portcullis {
namespace {

using test::kMs;

/// A monitor over a world. Time is data, but the lease and control's beat are compared with the real clock:
/// now_ns follows it closely enough.
struct Watch {
  test::World world;
  Board board;
  UniqueFd wake{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Monitor monitor;
  bool reading = true;  ///< witness and census keep coming
  std::uint64_t epoch = 0, accepted_bytes = 0;

  explicit Watch(std::uint16_t lanes = 1)
      : world(lanes), monitor(world.config, board, wake.get(), [this](Facts& facts) {
          facts.sessions[0].witnessed = true;
          facts.sessions[0].sampled_ns = reading ? world.now_ns : 1;
          facts.sessions[0].epoch = epoch;
          facts.sessions[0].accepted_bytes = accepted_bytes;
        }) {
    board.attachment = &world.attachment;
    store(board.attachment_sequence, 1);
    store(board.armed_generation, 1);
    store(board.armed_ns, world.now_ns);
  }
  bool step(std::uint64_t later_ns = kMs) {
    world.now_ns += later_ns;
    store(board.census_ns, world.now_ns);
    store(board.control_beat_ns, monotonic_now_ns());
    return monitor.step(world.now_ns);
  }
  [[nodiscard]] GateState gate(std::uint32_t lane = 0) const {
    return static_cast<GateState>(gate_state(load(world.gate().lane(lane).word)));
  }
  [[nodiscard]] std::uint64_t deadline_ns() const { return load(world.gate().header().lease_deadline_ns); }
  [[nodiscard]] bool woken() const {
    std::uint64_t count = 0;
    return read(wake.get(), &count, sizeof count) == sizeof count;
  }
  [[nodiscard]] std::uint64_t lease_ns() const {
    return std::uint64_t{world.config.supervisor.lease_ms} * kMs;
  }
};

TEST_CASE("a complete cycle renews the lease from the time at which it began") {
  Watch watch;
  CHECK(watch.deadline_ns() == 0);
  REQUIRE(watch.step());
  CHECK(watch.deadline_ns() == watch.world.now_ns + watch.lease_ns());
  CHECK(load(watch.board.cycle) == 1);
  CHECK(load(watch.world.gate().header().cycle) == 1);
  CHECK(load(watch.board.all_evaluated) == 1);
  CHECK_FALSE(watch.woken());
  CHECK(watch.gate() == GateState::open);
}

TEST_CASE("the hook is told how far each session's kernel is, and of which connection") {
  Watch watch;
  const GateSession& told = watch.world.gate().session(0);
  REQUIRE(watch.step());
  CHECK(load(told.accepted_epoch) == 0);
  watch.epoch = 1;
  watch.accepted_bytes = 5'000;
  REQUIRE(watch.step());
  CHECK(load(told.accepted_epoch) == 1);
  CHECK(load(told.accepted_bytes) == 5'000);
  watch.epoch = 0;  // no reading: what was said stands
  watch.accepted_bytes = 0;
  REQUIRE(watch.step());
  CHECK(load(told.accepted_bytes) == 5'000);
  watch.epoch = 2;
  watch.accepted_bytes = 10;
  REQUIRE(watch.step());
  CHECK(load(told.accepted_epoch) == 2);
  CHECK(load(told.accepted_bytes) == 10);
}

TEST_CASE("the lease is renewed at most once a millisecond") {
  Watch watch;
  REQUIRE(watch.step());
  const std::uint64_t first = watch.deadline_ns();
  REQUIRE(watch.step(kMs / 2));
  CHECK(watch.deadline_ns() == first);
  REQUIRE(watch.step(kMs / 2));
  CHECK(watch.deadline_ns() == first + kMs);
}

TEST_CASE("without a fresh beat of control the lease runs out") {
  for (const std::uint64_t beat_ns :
       {std::uint64_t{0}, monotonic_now_ns() - 300 * kMs, monotonic_now_ns() + 3'600'000 * kMs}) {
    Watch watch;
    watch.world.now_ns += kMs;
    store(watch.board.control_beat_ns, beat_ns);
    REQUIRE(watch.monitor.step(watch.world.now_ns));
    CHECK(watch.deadline_ns() == 0);
    REQUIRE(watch.step());
    CHECK(watch.deadline_ns() != 0);
  }
}

TEST_CASE("a monitor that comes later than the lease closes every lane and never renews again") {
  Watch watch(2);
  REQUIRE(watch.step());
  const std::uint64_t deadline_ns = watch.deadline_ns();
  CHECK_FALSE(watch.step(watch.lease_ns() + 1));
  CHECK(watch.gate(0) == GateState::halted);
  CHECK(watch.gate(1) == GateState::halted);
  CHECK(load(watch.board.supervisor_late) == watch.lease_ns() + 1);
  CHECK(watch.woken());
  CHECK_FALSE(watch.step());
  CHECK(watch.deadline_ns() == deadline_ns);
  CHECK(load(watch.board.cycle) == 1);
}

TEST_CASE("a monitor that comes as late as the lease still works, and the lateness is counted") {
  Watch watch;
  REQUIRE(watch.step());
  REQUIRE(watch.step(watch.lease_ns()));
  CHECK(watch.gate() == GateState::open);
  CHECK(load(watch.board.late_cycles) == 1);
  CHECK(load(watch.board.worst_late_ns) == watch.lease_ns());
}

TEST_CASE("a breach of one lane closes that lane, tells control once and leaves the others open") {
  Watch watch(2);
  store(watch.world.block(1).submitted_orders, 5);
  REQUIRE(watch.step());
  CHECK(watch.gate(0) == GateState::open);
  CHECK(watch.gate(1) == GateState::halted);
  CHECK(gate_generation(load(watch.world.gate().lane(1).word)) == 1);
  REQUIRE(load(watch.board.breach_count) == 1);
  CHECK(watch.board.breaches[0].kind == LimitKind::open_orders);
  CHECK(watch.board.breaches[0].lane == 1);
  CHECK(watch.woken());
  REQUIRE(watch.step());
  CHECK(load(watch.board.breach_count) == 1);
  CHECK_FALSE(watch.woken());
  CHECK(load(watch.board.standing_row) != kNoRow);
}

TEST_CASE("a breach of the engine closes every lane") {
  Watch watch(3);
  store(watch.board.engine_dead, 1);
  REQUIRE(watch.step());
  for (std::uint32_t lane = 0; lane < 3; ++lane) CHECK(watch.gate(lane) == GateState::halted);
  CHECK(load(watch.board.breach_count) == 1);
}

TEST_CASE("after one lane was halted the engine's own breach still closes the rest") {
  Watch watch(2);
  store(watch.world.block(1).submitted_orders, 5);
  REQUIRE(watch.step());
  store(watch.world.block(0).foreign_orders, 1);
  REQUIRE(watch.step());
  CHECK(watch.gate(0) == GateState::halted);
  CHECK(load(watch.board.breach_count) == 2);
}

TEST_CASE("a dead owner closes its own lane only") {
  Watch watch(2);
  store(watch.board.owner_dead[0], 2);
  REQUIRE(watch.step());
  CHECK(watch.gate(0) == GateState::open);
  CHECK(watch.gate(1) == GateState::halted);
}

TEST_CASE("a full ring of breaches closes the lane all the same") {
  Watch watch;
  store(watch.board.breach_count, kBreachRing);
  store(watch.board.engine_dead, 1);
  REQUIRE(watch.step());
  CHECK(watch.gate() == GateState::halted);
  CHECK(load(watch.board.breach_count) == kBreachRing);
  CHECK(watch.woken());
}

TEST_CASE("nothing is judged while no engine is attached, and the monitor is alive all the same") {
  Watch watch;
  watch.board.attachment = nullptr;
  REQUIRE(watch.step());
  CHECK(load(watch.board.cycle) == 1);
  CHECK(load(watch.board.all_evaluated) == 0);
  CHECK(watch.deadline_ns() == 0);
}

TEST_CASE("a census or a witness that fails reaches the judgement") {
  Watch watch;
  store(watch.board.census, std::uint64_t{1} << 32U);
  REQUIRE(watch.step());
  CHECK(load(watch.board.all_evaluated) == 0);
  store(watch.board.census, 3);
  REQUIRE(watch.step());
  CHECK(watch.gate() == GateState::halted);
  CHECK(watch.board.breaches[0].kind == LimitKind::unregistered_sockets);
  CHECK(watch.board.breaches[0].observed == 3);

  Watch blind;
  blind.reading = false;
  REQUIRE(blind.step());
  CHECK(load(blind.board.all_evaluated) == 0);
  REQUIRE(blind.step(101 * kMs));
  CHECK(blind.gate() == GateState::halted);
}

TEST_CASE("a lost lease is told to control and closes nothing by itself") {
  Watch watch;
  watch.world.shut(0, ShutReason::lease);
  REQUIRE(watch.step());
  CHECK(load(watch.board.lease_lost) == 1);
  CHECK(watch.woken());
  CHECK(load(watch.board.breach_count) == 0);
}

TEST_CASE(
    "a glance pauses a lane that its hook shut, in its generation only, and the cycle halts it with its "
    "cause") {
  Watch watch(2);
  REQUIRE(watch.step());
  static_cast<void>(watch.monitor.glance());
  CHECK_FALSE(watch.monitor.glance());
  watch.world.shut(1, ShutReason::limit, LimitKind::order_rate, 3, 10, 7);  // another generation
  CHECK(watch.monitor.glance());
  CHECK(watch.gate(1) == GateState::open);
  watch.world.shut(1, ShutReason::limit);
  CHECK(watch.monitor.glance());
  CHECK(watch.gate(1) == GateState::paused);
  CHECK(watch.gate(0) == GateState::open);
  REQUIRE(watch.step());
  CHECK(watch.gate(1) == GateState::halted);
  CHECK(watch.board.breaches[0].kind == LimitKind::order_rate);
}

TEST_CASE("closing a lane keeps its generation and never opens anything") {
  GateLane lane{};
  for (const GateState state :
       {GateState::closed, GateState::open, GateState::reduce_only, GateState::paused}) {
    store(lane.word, gate_word(9, state));
    CHECK(close_lane(lane));
    CHECK(load(lane.word) == gate_word(9, GateState::halted));
    CHECK_FALSE(close_lane(lane));
  }
}

}  // namespace
}  // namespace portcullis
