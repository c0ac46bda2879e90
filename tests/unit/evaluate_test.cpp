// SPDX-License-Identifier: Apache-2.0
/// @file Each limit passes at its bound and is broken one above, by what an honest ledger shows.
#include "watchdog/evaluate.hpp"

#include "tests/unit/ledger_world.hpp"

namespace portcullis {
namespace {

using test::kMs;
using test::World;

TEST_CASE("a quiet engine breaks nothing, and every limit is evaluated and counted") {
  World world(2);
  CHECK_FALSE(world.cycles().found());
  CHECK(world.evaluator->all_evaluated());
  CHECK(world.evaluator->standing_row() == kNoRow);
  for (std::size_t i = 0; i < world.config.limits.size(); ++i) {
    INFO(world.config.limits[i].name);
    CHECK(load(world.evaluator->row(i).evaluated) == 4);
    CHECK(load(world.evaluator->row(i).last_ns) == world.now_ns);
  }
  CHECK(load(world.gate().evaluation(0, LimitKind::refusals).count) == 4);
  CHECK(load(world.gate().evaluation(2, LimitKind::order_qty).count) == 4);
  CHECK(load(world.gate().evaluation(2, LimitKind::order_qty).last_ns) == world.now_ns);
}

TEST_CASE("a limit that is off is neither evaluated nor broken") {
  World world;
  for (LimitSetting& row : world.config.limits) row.off = row.kind == LimitKind::order_qty;
  world.small_order(0, 11);
  CHECK_FALSE(world.cycles().found());
  CHECK(load(world.evaluator->row(world.row_of(LimitKind::order_qty, 0)).evaluated) == 0);
}

TEST_CASE("the order rate is exact: as many as allowed within the window pass, one more does not") {
  World world;
  world.config.limits[world.row_of(LimitKind::order_rate, kEngineScope, 100)].value = 50;
  const std::uint64_t at = world.now_ns;
  for (int i = 0; i < 3; ++i) world.rate_event(at);
  CHECK_FALSE(world.cycle().found());
  world.rate_event(at + 10 * kMs);  // the window is over
  world.rate_event(at + 10 * kMs);
  CHECK_FALSE(world.cycle(20 * kMs).found());
  CHECK(world.observed(LimitKind::order_rate, 0, 10) == 2);
  world.rate_event(at + 10 * kMs);
  world.rate_event(at + 20 * kMs - 1);
  const Breach breach = world.cycle();
  CHECK(breach.kind == LimitKind::order_rate);
  CHECK(breach.action == Action::halt_lane);
  CHECK(breach.lane == 0);
  CHECK(breach.observed == 4);
  CHECK(breach.limit == 3);
  CHECK(breach.per_ms == 10);
}

TEST_CASE("the engine's rate counts all lanes together") {
  World world(2);
  for (std::uint32_t i = 0; i < 5; ++i) world.rate_event(world.now_ns + i * 20 * kMs, i % 2);
  CHECK_FALSE(world.cycle(80 * kMs).found());
  world.rate_event(world.now_ns - 80 * kMs + 99 * kMs, 1);
  world.now_ns += 20 * kMs;
  const Breach breach = world.cycle();
  CHECK(breach.kind == LimitKind::order_rate);
  CHECK(breach.action == Action::halt_engine);
  CHECK(breach.per_ms == 100);
}

TEST_CASE("a burst that laps the ring within one cycle is still a breach") {
  World world;
  for (int i = 0; i < 200; ++i) world.rate_event(world.now_ns);
  CHECK(world.cycle().kind == LimitKind::order_rate);
}

TEST_CASE("more orders than the ring remembers, none of them too fast, are stale and not a pass") {
  World world;
  for (std::uint64_t i = 0; i < 80; ++i) world.rate_event(world.now_ns + i * 25 * kMs);
  CHECK_FALSE(world.cycle(2100 * kMs).found());
  CHECK(world.result_of(LimitKind::order_rate, 0, 10) == Result::stale);
  CHECK_FALSE(world.evaluator->all_evaluated());
}

TEST_CASE("refusals are counted over all lanes, in whatever order they are read") {
  World world(2);
  const std::uint64_t at = world.now_ns;
  world.refusal(at + 500 * kMs, 0);
  world.refusal(at + 100 * kMs, 1);
  world.refusal(at + 200 * kMs, 1);
  CHECK_FALSE(world.cycle(600 * kMs).found());
  CHECK(world.observed(LimitKind::refusals, kEngineScope, 1000) == 3);
  world.refusal(at + 300 * kMs, 1);
  const Breach breach = world.cycle();
  CHECK(breach.kind == LimitKind::refusals);
  CHECK(breach.observed == 4);
}

TEST_CASE("refusals that are a whole window apart do not add up") {
  World world;
  for (std::uint64_t i = 0; i < 12; ++i) {
    world.refusal(world.now_ns);
    CHECK_FALSE(world.cycle(334 * kMs).found());
  }
  for (int i = 0; i < 3; ++i) world.refusal(world.now_ns);
  CHECK(world.cycle().kind == LimitKind::refusals);
}

TEST_CASE("order quantity, notional and collar of open orders are judged again by the supervisor") {
  {
    World world;
    world.order(15, 10);
    CHECK_FALSE(world.cycles().found());
    CHECK(world.observed(LimitKind::order_qty, 0) == 10);
    world.small_order(3, 11);
    const Breach breach = world.cycles();
    CHECK(breach.kind == LimitKind::order_qty);
    CHECK(breach.action == Action::halt_lane);
    CHECK(breach.lane == 0);
    CHECK(breach.observed == 11);
  }
  {
    World world;
    OrderSlot& order = world.order(0, 10);
    store(order.notional_e4, 10'000'000);
    CHECK_FALSE(world.cycles().found());
    store(order.notional_e4, 10'000'001);
    CHECK(world.cycles().kind == LimitKind::order_notional);
  }
  {
    World world;
    OrderSlot& order = world.order(0, 1, 100'50000000);  // 50 basis points
    CHECK_FALSE(world.cycles().found());
    store(order.px_e8, 100'50000001);
    CHECK(world.cycles().kind == LimitKind::price_collar);
  }
}

TEST_CASE("an order that is over is judged no more") {
  for (const AnswerState end :
       {AnswerState::filled, AnswerState::cancelled, AnswerState::rejected, AnswerState::replaced}) {
    World world;
    OrderSlot& order = world.order(0, 11);
    store(order.answer_word, std::uint64_t{1} << 8U | static_cast<std::uint64_t>(end));
    CHECK_FALSE(world.cycles().found());
    store(order.answer_word,
          std::uint64_t{1} << 8U | static_cast<std::uint64_t>(AnswerState::cancel_refused));
    CHECK(world.cycles().kind == LimitKind::order_qty);
  }
}

TEST_CASE("position counts with working orders, each instrument by its own row") {
  World world;
  Cell& first = world.ledger().cell(0);
  Cell& second = world.ledger().cell(1);
  store(first.start_position, 4);
  store(first.submitted_buy, 6);
  store(second.submitted_sell, 15);
  CHECK_FALSE(world.cycle().found());
  store(first.submitted_buy, 7);
  Breach breach = world.cycle();
  CHECK(breach.kind == LimitKind::position);
  CHECK(breach.observed == 11);
  CHECK(breach.action == Action::halt_lane);
  store(first.submitted_buy, 6);
  store(second.submitted_sell, 16);
  breach = world.cycle();
  CHECK(breach.kind == LimitKind::position);
  CHECK(breach.limit == 15);
}

TEST_CASE("gross notional sums positions and working orders, per lane and per engine") {
  {
    World world;
    store(world.block().submitted_notional_e4, 14'000'000);
    store(world.ledger().cell(0).start_position, 1);  // at the reference: 1,000,000
    CHECK_FALSE(world.cycle().found());
    CHECK(world.observed(LimitKind::gross_notional, 0) == 15'000'000);
    store(world.block().submitted_notional_e4, 14'000'001);
    const Breach breach = world.cycle();
    CHECK(breach.kind == LimitKind::gross_notional);
    CHECK(breach.action == Action::halt_lane);
  }
  {
    World world(2);
    for (std::uint32_t lane = 0; lane < 2; ++lane) store(world.block(lane).submitted_notional_e4, 10'000'000);
    CHECK_FALSE(world.cycle().found());
    store(world.block(1).submitted_notional_e4, 10'000'001);
    const Breach breach = world.cycle();
    CHECK(breach.kind == LimitKind::gross_notional);
    CHECK(breach.action == Action::halt_engine);
  }
}

TEST_CASE("a mark of the engine values its position") {
  World world;
  Cell& cell = world.ledger().cell(0);
  store(cell.start_position, 2);
  CHECK_FALSE(world.cycle().found());
  store(cell.mark_px_e8, 750'00000001);  // 2 at 750 is the bound of 15,000,000 exactly
  CHECK(world.cycle().kind == LimitKind::gross_notional);
}

TEST_CASE("open orders are counted per lane and per engine") {
  World world(2);
  store(world.block(0).submitted_orders, 4);
  store(world.block(1).submitted_orders, 2);
  CHECK_FALSE(world.cycle().found());
  store(world.block(1).submitted_orders, 3);
  Breach breach = world.cycle();
  CHECK(breach.kind == LimitKind::open_orders);
  CHECK(breach.action == Action::halt_engine);
  store(world.block(1).released_orders, 3);
  store(world.block(0).submitted_orders, 5);
  breach = world.cycle();
  CHECK(breach.kind == LimitKind::open_orders);
  CHECK(breach.action == Action::halt_lane);
  CHECK(breach.lane == 0);
}

TEST_CASE("children of a parent are counted, and their quantity against it") {
  World world;
  ParentSlot& parent = world.ledger().parent(2);
  store(parent.qty, 1000);
  store(parent.children, 3);
  store(parent.submitted_qty, 1200);
  store(parent.released_qty, 200);
  store(parent.generation, std::uint64_t{1} << 8U | 1U);
  CHECK_FALSE(world.cycles().found());
  CHECK(world.observed(LimitKind::child_qty, 0) == 10'000);
  store(parent.children, 4);
  CHECK(world.cycles().kind == LimitKind::children);
  store(parent.children, 3);
  for (int i = 0; i < 3; ++i) static_cast<void>(world.cycle());
  store(parent.submitted_qty, 1201);
  const Breach breach = world.cycles();
  CHECK(breach.kind == LimitKind::child_qty);
  CHECK(breach.action == Action::halt_lane);
}

TEST_CASE("a beat that is owed and does not come is a breach; an idle lane owes none") {
  World world(2);
  const std::uint64_t long_ago = world.now_ns - 2000 * kMs;
  world.facts.armed_ns = long_ago;
  CHECK_FALSE(world.cycle().found());  // never used
  store(world.block(1).beat_ns, long_ago);
  Breach breach = world.cycle();
  CHECK(breach.kind == LimitKind::beat_age);
  CHECK(breach.lane == 1);
  store(world.block(1).idle, 1);
  CHECK_FALSE(world.cycle().found());
  store(world.block(1).in_flight, 1);
  CHECK(world.cycle().kind == LimitKind::beat_age);
  store(world.block(1).in_flight, 2);
  store(world.block(1).work_in, 1);
  CHECK(world.cycle().kind == LimitKind::beat_age);
  store(world.block(1).work_done, 1);
  CHECK_FALSE(world.cycle().found());
}

TEST_CASE("a beat counts from the arming, so that arming after a pause does not trip") {
  World world;
  store(world.block().beat_ns, world.now_ns - 5000 * kMs);
  CHECK_FALSE(world.cycle().found());
  store(world.block().beat_ns, world.now_ns);
  world.facts.armed_ns = world.now_ns - 9000 * kMs;
  CHECK_FALSE(world.cycle(900 * kMs).found());
  CHECK(world.observed(LimitKind::beat_age) >= static_cast<std::int64_t>(900 * kMs));
}

TEST_CASE("work that came in and does not go out is a breach after its time") {
  World world;
  store(world.block().work_in, 7);
  store(world.block().work_done, 6);
  CHECK_FALSE(world.cycle(1).found());
  CHECK_FALSE(world.cycle(500 * kMs).found());
  CHECK(world.cycle(1).kind == LimitKind::progress);
  store(world.block().work_done, 7);
  CHECK_FALSE(world.cycle(5000 * kMs).found());
}

TEST_CASE("the engine's death halts the engine, a lane's owner takes only its lane along") {
  World world(2);
  world.facts.owner_dead[1] = true;
  Breach breach = world.cycle();
  CHECK(breach.kind == LimitKind::death);
  CHECK(breach.action == Action::halt_lane);
  CHECK(breach.lane == 1);
  world.facts.halted[1] = true;
  CHECK_FALSE(world.cycle().found());
  world.facts.owner_dead[0] = true;
  breach = world.cycle();
  CHECK(breach.action == Action::halt_lane);
  CHECK(breach.lane == 0);
  world.facts.engine_dead = true;
  breach = world.cycle();
  CHECK(breach.kind == LimitKind::death);
  CHECK(breach.action == Action::halt_engine);
}

TEST_CASE("declared bytes that nobody writes are stale after a second, because undeclared ones could hide behind them") {
  World world;
  Facts::Session& stream = world.facts.sessions[0];
  stream.epoch = 1;
  stream.declared_bytes = 500;
  stream.accepted_bytes = stream.acked_bytes = 400;
  CHECK_FALSE(world.cycle().found());
  CHECK_FALSE(world.cycle(1'000 * kMs).found());
  CHECK(world.result_of(LimitKind::undeclared_bytes) == Result::pass);
  CHECK_FALSE(world.cycle().found());
  CHECK(world.result_of(LimitKind::undeclared_bytes) == Result::stale);
  CHECK_FALSE(world.evaluator->all_evaluated());
  const Breach breach = world.cycle(101 * kMs);
  CHECK(breach.kind == LimitKind::undeclared_bytes);
  CHECK(breach.result == Result::stale);
  stream.accepted_bytes = stream.acked_bytes = 500;  // written after all
  CHECK_FALSE(world.cycle(2'000 * kMs).found());
  CHECK(world.result_of(LimitKind::undeclared_bytes) == Result::pass);
}

TEST_CASE("a queue that the venue does not read, a stream that moves and an order in flight are no slack") {
  World world;
  Facts::Session& stream = world.facts.sessions[0];
  stream.epoch = 1;
  stream.declared_bytes = 500;
  stream.accepted_bytes = 400;
  stream.acked_bytes = 300;  // the kernel's own queue is full
  CHECK_FALSE(world.cycle().found());
  CHECK_FALSE(world.cycle(5'000 * kMs).found());
  CHECK(world.result_of(LimitKind::undeclared_bytes) == Result::pass);
  for (std::uint64_t bytes = 310; bytes <= 400; bytes += 10) {  // it is read again
    stream.acked_bytes = bytes;
    CHECK_FALSE(world.cycle(900 * kMs).found());
  }
  CHECK_FALSE(world.cycle(900 * kMs).found());
  store(world.block().in_flight, 1);
  CHECK_FALSE(world.cycle(900 * kMs).found());
  store(world.block().in_flight, 2);
  CHECK_FALSE(world.cycle(900 * kMs).found());
  CHECK(world.result_of(LimitKind::undeclared_bytes) == Result::pass);
}

TEST_CASE("one undeclared byte, one foreign order, one order past submit or one unknown socket is a breach") {
  World world(2);
  world.facts.sessions[0].undeclared_bytes = 1;
  CHECK(world.cycle().kind == LimitKind::undeclared_bytes);
  world.facts.sessions[0].undeclared_bytes = 0;
  store(world.block(1).foreign_orders, 1);
  CHECK(world.cycle().kind == LimitKind::foreign_orders);
  store(world.block(1).foreign_orders, 0);
  store(world.ledger().session(0).unsubmitted_orders, 1);
  CHECK(world.cycle().kind == LimitKind::unsubmitted_orders);
  store(world.ledger().session(0).unsubmitted_orders, 0);
  world.facts.unregistered_sockets = 1;
  CHECK(world.cycle().kind == LimitKind::unregistered_sockets);
}

TEST_CASE("a reading that is too old is stale, and a breach only when it lasts") {
  World world;
  CHECK_FALSE(world.cycle().found());
  world.now_ns += 150 * kMs;  // no witness reading for longer than it may be
  CHECK_FALSE(world.cycle_as_is().found());
  CHECK(world.result_of(LimitKind::undeclared_bytes) == Result::stale);
  CHECK_FALSE(world.evaluator->all_evaluated());
  world.now_ns += 100 * kMs;
  CHECK_FALSE(world.cycle_as_is().found());
  world.now_ns += 1;
  const Breach breach = world.cycle_as_is();
  CHECK(breach.kind == LimitKind::undeclared_bytes);
  CHECK(breach.result == Result::stale);
  CHECK_FALSE(world.cycle().found());  // it is read again
  CHECK(world.evaluator->all_evaluated());
}

TEST_CASE("a socket census that fails is an error, never a zero") {
  World world;
  world.facts.census_failed = true;
  CHECK_FALSE(world.cycle().found());
  CHECK(world.result_of(LimitKind::unregistered_sockets) == Result::error);
  const Breach breach = world.cycle(101 * kMs);
  CHECK(breach.kind == LimitKind::unregistered_sockets);
  CHECK(breach.result == Result::error);
}

TEST_CASE("a reading from the future is stale") {
  World world;
  world.now_ns += kMs;
  world.facts.census_ns = world.now_ns;
  world.facts.sessions[0].sampled_ns = world.now_ns + 200 * kMs;
  static_cast<void>(world.cycle_as_is());
  CHECK(world.result_of(LimitKind::undeclared_bytes) == Result::stale);
}

TEST_CASE("before arming only a lying ledger and orders on the wire trip; the rest stands in the way") {
  World world;
  world.facts.armed = false;
  world.small_order(0, 11);
  CHECK_FALSE(world.cycles().found());
  CHECK(world.evaluator->standing_row() == world.row_of(LimitKind::order_qty, 0));
  world.facts.sessions[0].undeclared_bytes = 1;
  CHECK(world.cycle().kind == LimitKind::undeclared_bytes);
}

TEST_CASE("a halted lane's own breach trips no more and does not hide another lane's") {
  World world(2);
  store(world.block(0).submitted_orders, 5);
  world.facts.halted[0] = true;
  CHECK_FALSE(world.cycle().found());
  store(world.block(0).released_orders, 4);
  store(world.block(1).submitted_orders, 5);
  const Breach breach = world.cycle();
  CHECK(breach.action == Action::halt_lane);
  CHECK(breach.lane == 1);
}

TEST_CASE("the worst action wins over the first row") {
  World world(2);
  store(world.block(0).submitted_orders, 5);  // halt_lane
  world.facts.unregistered_sockets = 1;       // halt_engine
  CHECK(world.cycle().action == Action::halt_engine);
}

}  // namespace
}  // namespace portcullis
