// SPDX-License-Identifier: Apache-2.0
/// @file A ledger that lies, is torn, was zeroed or scribbled over: always a judgement, never a crash, and
/// never a pass for what contradicts itself.
#include <atomic>
#include <random>
#include <thread>

#include "tests/unit/ledger_world.hpp"
#include "watchdog/evaluate.hpp"

namespace portcullis {
namespace {

using test::kMs;
using test::World;

TEST_CASE("a lane that its hook shut is halted by the limit that shut it") {
  World world;
  world.shut(0, ShutReason::limit);
  const Breach breach = world.cycle();
  CHECK(breach.kind == LimitKind::order_rate);
  CHECK(breach.action == Action::halt_lane);
  CHECK(breach.lane == 0);
  CHECK(breach.observed == 4);
  CHECK(breach.limit == 3);
}

TEST_CASE("a shut lane whose limit is broken in the ledger too keeps its own cause") {
  World world;
  for (int i = 0; i < 4; ++i) world.rate_event(world.now_ns);
  world.shut(0, ShutReason::limit);
  const Breach breach = world.cycle();
  CHECK(breach.kind == LimitKind::order_rate);
  CHECK(breach.action == Action::halt_lane);
}

TEST_CASE("a lane shut for a reason that nobody configured halts the engine") {
  const auto judged = [](auto&& scribble) {
    World world(2);
    scribble(world);
    return world.cycle();
  };
  for (const Breach& breach :
       {judged([](World& w) { w.shut(1, ShutReason::limit, LimitKind::order_rate, 4); }),  // another bound
        judged(
            [](World& w) { w.shut(1, ShutReason::limit, LimitKind::order_rate, 3, 11); }),  // another window
        judged([](World& w) { w.shut(1, ShutReason::limit, static_cast<LimitKind>(200), 3, 0); }),
        judged([](World& w) { w.shut(1, ShutReason::integrity); }),
        judged([](World& w) { w.shut(1, static_cast<ShutReason>(77)); }),
        judged([](World& w) { w.shut(1, ShutReason::none); })}) {
    CHECK(breach.action == Action::halt_engine);
    CHECK(breach.kind == LimitKind::ledger_integrity);
    CHECK(breach.lane == 1);
  }
}

TEST_CASE("a lost lease is told apart from a breach") {
  World world(2);
  world.shut(1, ShutReason::lease);
  CHECK_FALSE(world.cycle().found());
  CHECK(world.evaluator->lease_lost().count() == 1);
  CHECK(world.evaluator->lease_lost()[1]);
}

TEST_CASE("a shut word of an earlier arming means nothing") {
  World world;
  world.set_gate(0, 2, GateState::open);
  world.shut(0, ShutReason::integrity);
  CHECK_FALSE(world.cycle().found());
}

TEST_CASE("counters that go backwards are a lie") {
  for (Word LaneBlock::*word : {&LaneBlock::rate_head, &LaneBlock::refusals, &LaneBlock::passes}) {
    World world;
    store(world.block().*word, 2);
    for (std::uint32_t n = 0; n < 2; ++n) {
      store(world.ledger().rate_stamp(0, n), world.now_ns - 5000 * kMs * (2 - n));
      store(world.block().refusal_ns[n], world.now_ns - 5000 * kMs);
    }
    CHECK_FALSE(world.cycle().found());
    store(world.block().*word, 1);
    const Breach breach = world.cycle();
    CHECK(breach.kind == LimitKind::ledger_integrity);
    CHECK(breach.action == Action::halt_engine);
  }
  World world(2);
  world.rate_event(world.now_ns);
  CHECK_FALSE(world.cycle().found());
  store(world.ledger().totals().ring_head, 0);
  CHECK(world.cycle().kind == LimitKind::ledger_integrity);
}

TEST_CASE("a beat from the future is torn, however far away it is") {
  World world;
  world.facts.armed_ns = world.now_ns - 5000 * kMs;
  store(world.block().beat_ns, world.now_ns + 3'600'000 * kMs);
  CHECK(world.cycle().kind == LimitKind::beat_age);
}

TEST_CASE("order stamps from the future or going backwards do not make a run-away look slow") {
  {
    World world;
    for (std::uint64_t i = 1; i <= 4; ++i) world.rate_event(world.now_ns + i * 3'600'000 * kMs);
    CHECK(world.cycle().kind == LimitKind::order_rate);
  }
  World world;
  for (std::uint64_t i = 0; i < 4; ++i) world.rate_event(world.now_ns - i * 1000 * kMs);
  CHECK(world.cycle().kind == LimitKind::order_rate);
}

TEST_CASE("one refusal from the future does not make the others look old") {
  World world;
  world.refusal(world.now_ns + 3'600'000 * kMs);
  for (int i = 0; i < 3; ++i) world.refusal(world.now_ns);
  CHECK(world.cycle().kind == LimitKind::refusals);
}

TEST_CASE(
    "an entry of the shared ring that is claimed and never written is stale, and a breach when it lasts") {
  World world(2);
  for (int i = 0; i < 3; ++i) world.rate_event(world.now_ns - 5000 * kMs, i % 2);
  CHECK_FALSE(world.cycle().found());
  store(world.ledger().totals().ring_head, 4);
  CHECK_FALSE(world.cycle().found());
  CHECK(world.result_of(LimitKind::order_rate, kEngineScope, 100) == Result::stale);
  const Breach breach = world.cycle(101 * kMs);
  CHECK(breach.kind == LimitKind::order_rate);
  CHECK(breach.result == Result::stale);
}

TEST_CASE("an entry of the shared ring is judged when it is written, not when it is claimed") {
  World world(2);
  for (std::uint64_t i = 0; i < 66; ++i) world.rate_event(world.now_ns - (66 - i) * 1000 * kMs, i % 2);
  for (int i = 0; i < 3; ++i) static_cast<void>(world.cycle());
  for (int i = 0; i < 5; ++i) world.rate_event(world.now_ns, i % 2 == 0 ? 0 : 1);
  store(world.ledger().totals().ring_head, 72);  // the sixth: claimed, its stamp is still an old one
  static_cast<void>(world.cycle());
  store(world.ledger().shared_stamp(71).stamp_ns, world.now_ns);
  store(world.ledger().shared_stamp(71).sequence, 72);
  const Breach breach = world.cycle();
  CHECK(breach.kind == LimitKind::order_rate);
  CHECK(breach.per_ms == 100);
}

TEST_CASE("a responder that never comes to rest is stale only as long as it may be") {
  World world;
  store(world.block().responder_sequence, 1);
  store(world.ledger().cell(0).submitted_buy, -5);  // looks wrong, so a moment at rest is looked for
  CHECK_FALSE(world.cycle().found());
  CHECK(world.result_of(LimitKind::ledger_integrity) == Result::stale);
  const Breach breach = world.cycle(101 * kMs);
  CHECK(breach.found());
  CHECK(breach.result == Result::stale);
  store(world.block().responder_sequence, 2);
  CHECK(world.cycle().found());  // at rest it is a contradiction
  CHECK(world.result_of(LimitKind::ledger_integrity) == Result::breach);
}

TEST_CASE("words that contradict each other at rest break the ledger's integrity") {
  const auto judged = [](auto&& scribble) {
    World world;
    scribble(world);
    return world.cycles();
  };
  CHECK(judged([](World& w) { store(w.ledger().cell(0).released_buy, 1); }).kind ==
        LimitKind::ledger_integrity);
  CHECK(judged([](World& w) { store(w.ledger().cell(1).bought, -1); }).kind == LimitKind::ledger_integrity);
  CHECK(judged([](World& w) { store(w.block().released_notional_e4, 1); }).kind ==
        LimitKind::ledger_integrity);
  CHECK(judged([](World& w) { store(w.block().unbooked, 1); }).kind == LimitKind::ledger_integrity);
  CHECK(judged([](World& w) { store(w.block().work_done, 1); }).found());
  CHECK(judged([](World& w) { store(w.block().released_orders, 1); }).found());
  CHECK(judged([](World& w) { store(w.order(0, 5).order_qty, -5); }).kind == LimitKind::ledger_integrity);
  CHECK(judged([](World& w) { store(w.ledger().cell(0).bought, INT64_MAX); }).found());
}

TEST_CASE("another identity of the ledger is a breach") {
  for (int part = 0; part < 4; ++part) {
    World world;
    LedgerHeader& header = world.ledger().header();
    if (part == 0) header.magic ^= 1;
    if (part == 1) header.version = 99;
    if (part == 2) header.fingerprint ^= 1;
    if (part == 3) header.incarnation[1] ^= 1;
    const Breach breach = world.cycle();
    CHECK(breach.kind == LimitKind::ledger_integrity);
    CHECK(breach.action == Action::halt_engine);
  }
}

TEST_CASE("a zeroed or hole-punched ledger is a breach") {
  World world;
  std::memset(world.memories.ledger.base, 0, world.memories.ledger_mapping.size());
  CHECK(world.cycle().kind == LimitKind::ledger_integrity);
}

TEST_CASE("an order slot with indices outside the tables is torn") {
  const auto judged = [](std::uint64_t which) {
    World world(2);
    OrderSlot& order = world.order(5, 1);
    if (which == 0) store(order.lane_pair, std::uint64_t{2} << 32U);
    if (which == 1) store(order.lane_pair, 0xFFFF'FFFFULL);
    if (which == 2) store(order.instrument_terms, std::uint64_t{2} << 32U);
    if (which == 3) store(order.session_epoch, std::uint64_t{1} << 32U | 1U);
    if (which == 4) store(order.submit_word, std::uint64_t{1} << 8U | 9U);
    return world.cycles();
  };
  for (std::uint64_t part = 0; part < 5; ++part) CHECK(judged(part).kind == LimitKind::ledger_integrity);
}

TEST_CASE("slots that are filled and sent while they are read are not torn") {
  World world;
  for (std::uint32_t slot = 0; slot < 4; ++slot) world.small_order(slot, 1);
  std::atomic<bool> stop{false};
  std::thread hook([&] {
    for (std::uint64_t generation = 2; !stop.load(std::memory_order_relaxed); ++generation) {
      OrderSlot& slot = world.ledger().order(generation % 4);
      for (const SubmitState state : {SubmitState::free, SubmitState::reserved, SubmitState::sent})
        store(slot.submit_word, generation << 8U | static_cast<std::uint64_t>(state));
      for (int rest = 0; rest < 200; ++rest) static_cast<void>(stop.load(std::memory_order_acquire));
    }
  });
  bool torn = false;
  for (int i = 0; i < 100'000 && !torn; ++i) {
    static_cast<void>(world.cycle());
    torn = world.result_of(LimitKind::ledger_integrity) == Result::breach;
  }
  stop.store(true);
  hook.join();
  CHECK_FALSE(torn);
}

TEST_CASE("parents that claim absurd numbers are broken, not overflown") {
  World world;
  ParentSlot& parent = world.ledger().parent(0);
  store(parent.qty, 10);
  store(parent.children, UINT64_MAX);
  store(parent.generation, std::uint64_t{1} << 8U | 1U);
  CHECK(world.cycles().kind == LimitKind::children);
  store(parent.children, 1);
  store(parent.qty, 0);
  for (int i = 0; i < 3; ++i) static_cast<void>(world.cycle());
  CHECK(world.cycles().kind == LimitKind::child_qty);
}

TEST_CASE("counters of several lanes cannot wrap around to a pass") {
  World world(2);
  for (std::uint32_t lane = 0; lane < 2; ++lane)
    store(world.block(lane).foreign_orders, std::uint64_t{1} << 63U);
  CHECK(world.cycle().kind == LimitKind::foreign_orders);
}

TEST_CASE("a stale session does not hide the undeclared bytes of another") {
  World world;
  world.config.limits[world.row_of(LimitKind::undeclared_bytes)].session = kNoSession;
  world.facts.sessions[0].witnessed = true;
  world.facts.sessions[1].witnessed = true;
  world.facts.sessions[1].undeclared_bytes = 1;
  world.now_ns += kMs;
  world.facts.census_ns = world.facts.sessions[1].sampled_ns = world.now_ns;
  CHECK(world.cycle_as_is().kind == LimitKind::undeclared_bytes);
}

TEST_CASE("no scribble crashes the judgement, and each ends in a word") {
  const auto seed = GENERATE(1U, 2U, 3U, 4U, 5U, 6U);
  std::mt19937_64 random(seed);
  World world(seed % 2 == 0 ? 1 : 3);
  auto* words = reinterpret_cast<Word*>(world.memories.ledger.base);
  const std::size_t count = world.memories.ledger_mapping.size() / sizeof(Word);
  for (int round = 0; round < 300; ++round) {
    for (int i = 0; i < 40; ++i) {
      const std::uint64_t value = random();
      const std::uint64_t shapes[] = {
          value, value % 8, 0, UINT64_MAX, std::uint64_t{1} << 63U, world.now_ns + value % kMs};
      store(words[random() % count], shapes[random() % 6]);
    }
    const Breach breach = world.cycle();
    CHECK(breach.lane >= (breach.lane == kEngineScope ? kEngineScope : 0));
    if (breach.lane != kEngineScope) CHECK(breach.lane < world.config.lanes.size());
    if (breach.row != kNoRow) CHECK(breach.row < world.config.limits.size());
  }
  CHECK(world.cycles().found());
}

}  // namespace
}  // namespace portcullis
