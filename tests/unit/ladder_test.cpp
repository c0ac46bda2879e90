// SPDX-License-Identifier: Apache-2.0
/// @file The ladder's plan, step by step, with time as data.
#include "watchdog/ladder.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace portcullis {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

/// One halt: what is so, and what the ladder did about it.
struct Climb {
  LadderState state = ladder_begin(0);
  LadderView view;
  LadderTimes times;
  std::uint64_t now_ns = 0;

  Climb() {
    times.ask_total_ns = times.ask_ns + 100 * kMs;
    times.retry_ns = 5'000 * kMs;
  }
  LadderAction after(std::uint64_t ms) {
    now_ns += ms * kMs;
    return ladder_step(state, view, times, now_ns);
  }
};

Climb closed_and_asked(std::uint32_t open) {
  Climb climb;
  climb.view.closed = true;
  climb.view.open = open;
  REQUIRE(climb.after(1) == LadderAction::ask);
  return climb;
}

TEST_CASE("a halt with nothing open and everything contained ends with the close") {
  Climb climb;
  climb.view.closed = climb.view.contained = true;
  CHECK(climb.after(1) == LadderAction::finish);
  CHECK_FALSE(climb.state.running);
}

TEST_CASE("a gate that does not close in time counts as a hung engine: it is not asked") {
  Climb climb;
  climb.view.can_take_over = true;
  climb.view.open = 1;
  CHECK(climb.after(49) == LadderAction::none);
  CHECK(climb.after(1) == LadderAction::take_over);
}

TEST_CASE("the engine's own cancels end the halt, without take-over, reset or kill") {
  Climb climb = closed_and_asked(2);
  climb.view.can_take_over = true;
  CHECK(climb.after(300) == LadderAction::none);
  climb.view.open = 1;
  climb.view.settled = 1;
  CHECK(climb.after(290) == LadderAction::none);  // an answer: silence begins anew
  climb.view.open = 0;
  climb.view.settled = 2;
  climb.view.contained = true;
  CHECK(climb.after(1) == LadderAction::finish);
}

TEST_CASE("an engine that does not cancel in time loses its session to the take-over") {
  Climb climb = closed_and_asked(2);
  climb.view.can_take_over = true;
  CHECK(climb.after(499) == LadderAction::none);
  CHECK(climb.after(1) == LadderAction::take_over);
}

TEST_CASE("a dead, stopped or lying engine is not asked") {
  for (bool LadderView::*what : {&LadderView::engine_dead, &LadderView::engine_stopped, &LadderView::liveness}) {
    Climb climb;
    climb.view.closed = true;
    climb.view.open = 1;
    climb.view.can_take_over = true;
    climb.view.*what = true;
    CHECK(climb.after(1) == LadderAction::take_over);
  }
}

TEST_CASE("where no session can be spoken on, the reset comes in its place") {
  Climb climb;
  climb.view.closed = climb.view.engine_dead = true;
  climb.view.open = 1;
  CHECK(climb.after(1) == LadderAction::sever);
}

TEST_CASE("a take-over that has ended is followed by the reset and the kill") {
  Climb climb;
  climb.view.closed = climb.view.engine_dead = climb.view.can_take_over = true;
  climb.view.open = 3;
  REQUIRE(climb.after(1) == LadderAction::take_over);
  CHECK(climb.after(9'000) == LadderAction::none);
  climb.view.open = 0;
  climb.view.contained = climb.view.taken_over = true;
  CHECK(climb.after(1) == LadderAction::sever);
  climb.view.severed = true;
  CHECK(climb.after(1) == LadderAction::settle_and_fence);
  climb.view.fenced = true;
  CHECK(climb.after(1) == LadderAction::finish);
}

TEST_CASE("silence ends a take-over at its deadline") {
  Climb climb;
  climb.view.closed = climb.view.engine_dead = climb.view.can_take_over = true;
  climb.view.open = 3;
  REQUIRE(climb.after(1) == LadderAction::take_over);
  CHECK(climb.after(9'999) == LadderAction::none);
  CHECK(climb.after(1) == LadderAction::sever);
}

TEST_CASE("a venue that refuses is never severed for it: asked again until retry_ns, the engine killed meanwhile") {
  Climb climb;
  climb.view.closed = climb.view.liveness = climb.view.can_take_over = true;
  climb.view.open = 2;
  REQUIRE(climb.after(1) == LadderAction::take_over);
  climb.view.open = 0;
  climb.view.refused = climb.view.settled = 2;
  CHECK(climb.after(10) == LadderAction::kill);
  CHECK(climb.after(10) == LadderAction::none);  // once
  CHECK(climb.after(14'979) == LadderAction::none);
  CHECK(climb.after(1) == LadderAction::sever);  // take_over_ns + retry_ns after the rung began
}

TEST_CASE("a take-over with an order still open does not wait for the refused ones") {
  Climb climb;
  climb.view.closed = climb.view.engine_dead = climb.view.can_take_over = true;
  climb.view.open = 1;
  climb.view.refused = 1;
  REQUIRE(climb.after(1) == LadderAction::take_over);
  CHECK(climb.after(10'000) == LadderAction::sever);
}

TEST_CASE("an engine whose cancels the venue refuses goes on asking until retry_ns, then the halt ends unproven") {
  Climb climb = closed_and_asked(1);
  climb.view.open = 0;
  climb.view.contained = true;
  climb.view.refused = climb.view.settled = 1;
  CHECK(climb.after(5'599) == LadderAction::none);
  CHECK(climb.after(1) == LadderAction::finish);
}

TEST_CASE("an engine that dies while it asks again is succeeded by the take-over") {
  Climb climb = closed_and_asked(1);
  climb.view.open = 0;
  climb.view.contained = true;
  climb.view.refused = climb.view.settled = 1;
  CHECK(climb.after(100) == LadderAction::none);
  climb.view.engine_dead = climb.view.can_take_over = true;
  CHECK(climb.after(600) == LadderAction::take_over);
}

TEST_CASE("a planned stop ends with the asking, whatever the venue said") {
  Climb climb = closed_and_asked(1);
  climb.view.planned = true;
  climb.view.open = 0;
  climb.view.contained = true;
  climb.view.refused = climb.view.settled = 1;
  CHECK(climb.after(1) == LadderAction::finish);
}

TEST_CASE("a planned stop of a silent venue ends unproven, without reset or kill") {
  Climb climb = closed_and_asked(1);
  climb.view.planned = climb.view.can_take_over = true;
  CHECK(climb.after(500) == LadderAction::finish);
}

TEST_CASE("the halt of a lane that is not proven in time becomes the engine's") {
  Climb climb = closed_and_asked(1);
  climb.view.lane_scope = climb.view.can_take_over = true;
  CHECK(climb.after(500) == LadderAction::widen);
}

TEST_CASE("fence_if = always resets and kills also after a proven ask") {
  Climb climb = closed_and_asked(1);
  climb.times.fence_always = true;
  climb.view.open = 0;
  climb.view.settled = 1;
  climb.view.contained = true;
  CHECK(climb.after(1) == LadderAction::sever);
}

TEST_CASE("a reset or a kill that does not happen does not hold the ladder for ever") {
  Climb climb;
  climb.view.closed = climb.view.liveness = true;
  climb.view.open = 1;
  REQUIRE(climb.after(1) == LadderAction::sever);
  CHECK(climb.after(199) == LadderAction::none);
  CHECK(climb.after(1) == LadderAction::settle_and_fence);
  CHECK(climb.after(999) == LadderAction::none);
  CHECK(climb.after(1) == LadderAction::finish);
}

}  // namespace
}  // namespace portcullis
