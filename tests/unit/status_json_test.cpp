// SPDX-License-Identifier: Apache-2.0
/// @file What people are shown: complete, in packets of bounded size, null where nobody knows, whatever the
/// ledger says.
#include "watchdog/status_json.hpp"

#include <nlohmann/json.hpp>
#include <random>

#include "tests/unit/ledger_world.hpp"
#include "watchdog/json_packets.hpp"

namespace portcullis {
namespace {

using test::kMs;
using test::World;

/// The parts of an answer put together again, as the CLI does it.
Json merged(const std::vector<std::string>& packets) {
  Json answer = Json::object();
  for (std::size_t i = 0; i < packets.size(); ++i) {
    CHECK(packets[i].size() <= kPacketBytesMax);
    const Json packet = Json::parse(packets[i], nullptr, false);
    REQUIRE(packet.is_object());
    CHECK(packet["v"] == 1);
    CHECK(packet.value("done", false) == (i + 1 == packets.size()));
    if (!packet.contains("part")) {
      for (const auto& [key, value] : packet.items())
        answer[key].is_null() ? void(answer[key] = value) : void();
      continue;
    }
    Json& list = answer[packet["part"].get<std::string>()];
    for (const Json& row : packet["rows"]) list.push_back(row);
  }
  return answer;
}

struct Shown {
  World world;
  Board board;
  HaltReport halt;
  LatchView latch;

  explicit Shown(std::uint16_t lanes = 1) : world(lanes) {
    static_cast<void>(world.cycle());
    latch.state = LatchState::clear;
    latch.unreadable = false;
  }
  [[nodiscard]] StatusView view() {
    StatusView made{.config = world.config, .board = board, .evaluator = *world.evaluator};
    made.attachment = &world.attachment;
    made.latch = &latch;
    made.state = "armed";
    made.now_ns = world.now_ns;
    made.engine_pid = 4711;
    made.rungs = {"ready", "ready", "missing: the engine rendered no cancel", "ready", "ready"};
    made.sessions[0].registered = made.sessions[0].sampled = true;
    made.sessions[0].sample.sampled_ns = world.now_ns;
    made.sessions[0].sample.accepted_bytes = 90;
    return made;
  }
  [[nodiscard]] Json status() { return merged(render_status(view())); }
};

Json named(const Json& rows, const std::string& name, const std::string& scope = "engine") {
  for (const Json& row : rows)
    if (row["name"] == name && row["scope"] == scope) return row;
  FAIL("no row " << name);
  return rows;
}

TEST_CASE("status names every limit with value, bound, evaluations and refusals") {
  Shown shown;
  LaneBlock& block = shown.world.block();
  store(block.passes, 100);
  store(block.pass_mask, std::uint64_t{1} << static_cast<unsigned>(LimitKind::position));
  store(block.partial_evaluated[static_cast<std::size_t>(LimitKind::position)], 7);
  store(block.refused[static_cast<std::size_t>(LimitKind::position)], 5);
  store(shown.world.ledger().cell(0).submitted_buy, 5);
  static_cast<void>(shown.world.cycle());
  const Json answer = shown.status();
  CHECK(answer["limits"].size() == shown.world.config.limits.size());
  const Json row = named(answer["limits"], "position", "lane:lane0");
  CHECK(row["unit"] == "quantity");
  CHECK(row["value"] == 5);
  CHECK(row["max"] == 10);
  CHECK(row["used_thousandths"] == 500);
  CHECK(row["evaluated_inline"] == 107);
  CHECK(row["evaluated_supervised"] == 2);
  CHECK(row["last_ns"] == shown.world.now_ns);
  CHECK(row["refused"] == 5);
  CHECK(row["do"] == "refuse");
  CHECK(row["result"] == "pass");
  CHECK(named(answer["limits"], "undeclared_bytes", "session:CME-A")["evaluated_inline"] == 0);
  CHECK(named(answer["limits"], "order_rate/10ms", "lane:lane0")["max"] == 3);
}

TEST_CASE("the engine's counts are the sum of its lanes and never wrap") {
  Shown shown(2);
  constexpr auto kKind = static_cast<std::size_t>(LimitKind::open_orders);
  for (std::uint32_t lane = 0; lane < 2; ++lane)
    store(shown.world.block(lane).partial_evaluated[kKind], lane + 1);
  CHECK(named(shown.status()["limits"], "open_orders")["evaluated_inline"] == 3);
  for (std::uint32_t lane = 0; lane < 2; ++lane)
    store(shown.world.block(lane).partial_evaluated[kKind], UINT64_MAX);
  CHECK(named(shown.status()["limits"], "open_orders")["evaluated_inline"] == INT64_MAX);
}

TEST_CASE("what is not known is null, never 0") {
  Shown shown;
  shown.world.facts.census_failed = true;
  static_cast<void>(shown.world.cycle());
  const Json row = named(shown.status()["limits"], "unregistered_sockets");
  CHECK(row["value"].is_null());
  CHECK(row["used_thousandths"].is_null());
  CHECK(row["result"] == "error");

  StatusView view = shown.view();
  view.attachment = nullptr;
  view.sessions[0] = {};
  view.latch = nullptr;
  const Json answer = merged(render_status(view));
  CHECK(answer["attached"] == false);
  CHECK(named(answer["limits"], "open_orders")["value"].is_null());
  CHECK(named(answer["limits"], "open_orders")["refused"].is_null());
  CHECK(answer["lanes"][0]["open_orders"].is_null());
  CHECK(answer["lanes"][0]["state"] == "locked");
  CHECK(answer["sessions"][0]["accepted_bytes"].is_null());
  CHECK(answer["sessions"][0]["declared_bytes"].is_null());
  CHECK(answer["sessions"][0]["rungs"]["sever"] == "missing: not stated");
  CHECK(answer["latch"]["latched"] == true);
  CHECK(answer["latch"]["unreadable"] == true);
  CHECK(answer["lease"]["left_ns"] == 0);
}

TEST_CASE("a limit that is off says why") {
  Shown shown;
  LimitSetting& row = shown.world.config.limits[shown.world.row_of(LimitKind::children, 0)];
  row.off = true;
  row.off_reason = "no parent orders on this lane";
  const Json json = named(shown.status()["limits"], "children", "lane:lane0");
  CHECK(json["off"] == "no parent orders on this lane");
  CHECK_FALSE(json.contains("value"));
}

TEST_CASE("a lane shows its state, its beat, its open orders and what is not flat") {
  Shown shown(2);
  World& world = shown.world;
  store(world.block(0).beat_ns, world.now_ns - 3 * kMs);
  store(world.block(0).submitted_orders, 2);
  store(world.ledger().cell(0).start_set, 1);
  store(world.ledger().cell(0).start_position, -7);
  store(world.ledger().cell(1).submitted_sell, 2);
  world.set_gate(1, 1, GateState::halted);
  world.shut(1, ShutReason::limit);
  const Json answer = shown.status();
  const Json& first = answer["lanes"][0];
  CHECK(first["state"] == "armed");
  CHECK(first["shut"].is_null());
  CHECK(first["beat_age_ns"] == 3 * kMs);
  CHECK(first["open_orders"] == 2);
  CHECK(first["unset_positions"] == 1);
  REQUIRE(first["positions"].size() == 2);
  CHECK(first["positions"][0]["symbol"] == "ESZ6");
  CHECK(first["positions"][0]["position"] == -7);
  CHECK(first["positions"][1]["working_sell"] == 2);
  CHECK(answer["lanes"][1]["state"] == "halted");
  CHECK(answer["lanes"][1]["shut"] == "limit");
  CHECK(answer["lanes"][1]["beat_age_ns"].is_null());
}

TEST_CASE("a beat from the future is old, and contradicting words are not shown as a position") {
  Shown shown;
  store(shown.world.block().beat_ns, shown.world.now_ns + 1);  // newer than the view's clock: read a moment later
  CHECK(shown.status()["lanes"][0]["beat_age_ns"] == 0);
  store(shown.world.block().beat_ns, shown.world.now_ns + 2'000'000'000);
  store(shown.world.ledger().cell(0).released_buy, 1);
  store(shown.world.block().released_orders, 1);
  const Json lane = shown.status()["lanes"][0];
  CHECK(lane["beat_age_ns"] == INT64_MAX);
  CHECK(lane["open_orders"].is_null());
  CHECK(lane["positions"][0]["position"].is_null());
}

TEST_CASE("a gate word that nobody writes reads as closed") {
  Shown shown;
  store(shown.world.gate().lane(0).word, 0x1AB);
  CHECK(shown.status()["lanes"][0]["state"] == "closed");
}

TEST_CASE("the lease is shown as what is left of it") {
  Shown shown;
  Word& deadline = shown.world.gate().header().lease_deadline_ns;
  store(deadline, shown.world.now_ns + 200 * kMs);
  CHECK(shown.status()["lease"]["left_ns"] == 200 * kMs);
  CHECK(shown.status()["lease"]["lease_ns"] == 250 * kMs);
  store(deadline, shown.world.now_ns);
  CHECK(shown.status()["lease"]["left_ns"] == 0);
  store(deadline, shown.world.now_ns + 9000 * kMs);  // jumped clock
  CHECK(shown.status()["lease"]["left_ns"] == 0);
}

TEST_CASE("a session whose witness is silent is stale") {
  Shown shown;
  store(shown.world.ledger().session(0).epoch, 1);
  store(shown.world.ledger().session(0).declared_bytes, 100);
  CHECK(shown.status()["sessions"][0]["stale"] == false);
  CHECK(shown.status()["sessions"][0]["declared_bytes"] == 100);
  CHECK(shown.status()["sessions"][0]["accepted_bytes"] == 90);
  StatusView view = shown.view();
  view.sessions[0].sample.sampled_ns = shown.world.now_ns - 101 * kMs;
  CHECK(merged(render_status(view))["sessions"][0]["stale"] == true);
  view.sessions[0].sampled = false;
  CHECK(merged(render_status(view))["sessions"][0]["stale"] == true);
  CHECK(merged(render_status(view))["sessions"][0]["accepted_bytes"].is_null());
}

TEST_CASE("the latch shows its first cause with limit, value and person") {
  Shown shown;
  shown.latch.state = LatchState::latched;
  LatchRecord& record = shown.latch.record;
  record.cause = Cause::order_rate;
  record.per_ms = 10;
  record.observed_value = 51;
  record.limit_value = 50;
  record.engine_wide = 0;
  std::memcpy(record.lane_name.data(), "lane0", 5);
  record.actor_uid = 1004;
  record.unresolved_count = 1;
  REQUIRE(make_unresolved("Q7-\xFF", OrderFate::unknown, record.unresolved[0]));
  const Json latch = shown.status()["latch"];
  CHECK(latch["latched"] == true);
  CHECK(latch["cause"] == "order_rate");
  CHECK(latch["limit_name"] == "order_rate/10ms");
  CHECK(latch["scope"] == "lane:lane0");
  CHECK(latch["observed"] == 51);
  CHECK(latch["limit"] == 50);
  CHECK(latch["actor"] == 1004);
  CHECK(latch["unresolved"].size() == 1);
  shown.latch.state = LatchState::clear;
  CHECK(shown.status()["latch"]["latched"] == false);
  CHECK(shown.status()["latch"]["cause"].is_null());
}

HaltReport halted(Fate fate, std::size_t orders) {
  HaltReport halt;
  halt.finished = true;
  halt.cause = Cause::manual_halt;
  halt.closed_ns = 24'000;
  halt.contained_ns = 61'000;
  halt.halted_ns = 1'204'000'000;
  halt.open_at_close = static_cast<std::uint32_t>(orders);
  halt.fates[static_cast<std::size_t>(fate)] = static_cast<std::uint32_t>(orders);
  HaltOrder order;
  REQUIRE(order.cl_ord_id.assign("Q7-00018231", 11));
  order.fate = fate;
  order.side = 1;
  order.order_qty = 2;
  order.epoch = 1;
  halt.orders.assign(orders, order);
  return halt;
}

TEST_CASE("a halt is proven only when nothing is open, refused or unknown, and the exit code says so") {
  Shown shown;
  const auto exit_of = [&](const HaltReport& halt) {
    return merged(render_halt(halt, shown.world.config, &shown.world.attachment))["exit"].get<int>();
  };
  CHECK(exit_of(halted(Fate::acknowledged, 3)) == 0);
  CHECK(exit_of(halted(Fate::never_left, 3)) == 0);
  for (const Fate fate : {Fate::open, Fate::refused_by_venue, Fate::unknown})
    CHECK(exit_of(halted(fate, 1)) == 3);
  HaltReport halt = halted(Fate::acknowledged, 1);
  halt.contained_ns = 0;
  CHECK(exit_of(halt) == 3);
  halt = halted(Fate::acknowledged, 1);
  halt.finished = false;
  CHECK(exit_of(halt) == 3);
}

TEST_CASE("the orders that somebody must ask the venue about are named, the others counted") {
  Shown shown;
  store(shown.world.ledger().cell(0).start_position, 7);
  const Json proven =
      merged(render_halt(halted(Fate::acknowledged, 3), shown.world.config, &shown.world.attachment));
  CHECK_FALSE(proven.contains("halt.orders"));
  CHECK(proven["halt"]["acknowledged"] == 3);
  CHECK(proven["halt"]["open_at_containment"] == 3);
  CHECK(proven["halt.positions"][0]["position"] == 7);
  CHECK(proven["contact"][0] == "GCC, firm 123");
  for (const Fate fate : {Fate::open, Fate::refused_by_venue})
    CHECK(merged(render_halt(halted(fate, 1), shown.world.config, nullptr))["halt.orders"][0]["fate"] ==
          fate_text(fate));
  const Json open = merged(render_halt(halted(Fate::unknown, 1), shown.world.config, nullptr));
  REQUIRE(open["halt.orders"].size() == 1);
  const Json& order = open["halt.orders"][0];
  CHECK(order["cl_ord_id"] == "Q7-00018231");
  CHECK(order["session"] == "CME-A");
  CHECK(order["fate"] == "unknown");
  CHECK(order["side"] == "buy");
  CHECK(order["symbol"] == "ESZ6");
  CHECK(open["halt"]["positions"].is_null());
}

TEST_CASE("what did not happen has no time") {
  Shown shown;
  HaltReport halt = halted(Fate::unknown, 1);
  halt.contained_ns = 0;
  halt.rungs[0] = {RungResult::done, 0, 24'000};
  const Json json = merged(render_halt(halt, shown.world.config, nullptr))["halt"];
  CHECK(json["closed_ns"] == 24'000);
  CHECK(json["contained_ns"].is_null());
  CHECK(json["last_ack_ns"].is_null());
  CHECK(json["ladder"][0] ==
        Json({{"rung", "close"}, {"result", "done"}, {"started_ns", 0}, {"ended_ns", 24'000}}));
  CHECK(json["ladder"][4]["result"] == "not_run");
  CHECK(json["ladder"][4]["ended_ns"].is_null());
}

TEST_CASE("sixty-five thousand unknown orders travel in packets that fit, none is left out") {
  Shown shown;
  const std::vector<std::string> packets =
      render_halt(halted(Fate::unknown, kOpenOrdersMax), shown.world.config, nullptr);
  CHECK(packets.size() > 100);
  CHECK(packets.size() < 1024);
  CHECK(merged(packets)["halt.orders"].size() == kOpenOrdersMax);
}

TEST_CASE("a lane of a thousand positions goes on in further rows, none is left out") {
  Shown shown;
  World world;
  world.config.instruments.assign(1000, world.config.instruments[0]);
  world.config.lanes[0].instruments.clear();
  for (std::uint32_t i = 0; i < 1000; ++i) {
    world.config.instruments[i].symbol = "SYMBOL-" + std::to_string(i);
    world.config.lanes[0].instruments.push_back(i);
  }
  world.config.capacities.pairs = world.config.capacities.instruments = 1000;
  REQUIRE(create_memories(world.config, 1, world.memories) == MemoryError::none);
  world.attachment = {world.memories.gate, world.memories.ledger};
  for (std::uint32_t i = 0; i < 1000; ++i) store(world.ledger().cell(i).start_position, i + 1);
  const Evaluator evaluator(world.config);
  StatusView view{.config = world.config, .board = shown.board, .evaluator = evaluator};
  view.attachment = &world.attachment;
  const Json answer = merged(render_status(view));
  std::size_t positions = 0;
  std::int64_t unset = 0;
  for (const Json& lane : answer["lanes"]) {
    CHECK(lane["name"] == "lane0");
    positions += lane["positions"].size();
    unset += lane["unset_positions"].get<std::int64_t>();
  }
  CHECK(positions == 1000);
  CHECK(unset == 1000);
}

TEST_CASE("no scribble in the ledger makes an answer that is not JSON") {
  std::mt19937_64 random(20261120);
  Shown shown(3);
  auto* words = reinterpret_cast<Word*>(shown.world.memories.ledger.base);
  const std::size_t count = shown.world.memories.ledger_mapping.size() / sizeof(Word);
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 200; ++i) store(words[random() % count], random());
    const Json answer = shown.status();
    CHECK(answer["limits"].size() == shown.world.config.limits.size());
    CHECK(answer["lanes"].size() >= 3);
  }
}

TEST_CASE("every limit has its unit") {
  for (std::uint8_t kind = 0; kind < kLimitKinds; ++kind)
    CHECK(limit_unit(static_cast<LimitKind>(kind))[0] != '?');
}

}  // namespace
}  // namespace portcullis
