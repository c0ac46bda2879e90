// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "watchdog/cli/blind_fence.hpp"
#include "watchdog/cli/control_answer.hpp"
#include "watchdog/cli/figures.hpp"
#include "watchdog/cli/halt.hpp"
#include "watchdog/cli/render.hpp"

using namespace portcullis;
using namespace portcullis::cli;

namespace {

Json proven_halt() {
  return Json::parse(
      R"({"cause":"manual_halt","scope":"engine","closed_ns":24000,"contained_ns":61000,"asked":38,
    "acknowledged":36,"never_left":2,"refused_by_venue":0,"unknown":0,"open_at_containment":38,
    "halted_ns":1204000000,"severed":0,"fenced":false,
    "ladder":[{"rung":"close","started_ns":0,"ended_ns":24000,"result":"done"},
              {"rung":"take_over","started_ns":0,"ended_ns":0,"result":"missing"}],
    "orders":[],"positions":[]})");
}

Json answer_with(const Json& halt, int exit = 0) {
  return {{"v", 1}, {"done", true}, {"ok", true}, {"exit", exit}, {"halt", halt}};
}

std::string halted(const Json& answer) {
  return render_halt("mm1", answer, {"GCC +1 800 555 0100, firm 123"}, NameSource::local_file);
}

Json armed_status() {
  return Json::parse(R"({"engine":"mm1","environment":"prod","config_hash":"9f31c2a0deadbeef","state":"armed",
    "state_since_ns":1000000000,"now_ns":5468000000000,"pid":4123,"attached":true,"separated":true,
    "lease":{"left_ns":241000000,"lease_ns":250000000},
    "lanes":[{"name":"es-quoter","state":"armed","beat_age_ns":3000000,"open_orders":30,
              "positions":[{"symbol":"ESZ6","position":9}],"unset_positions":0},
             {"name":"nq","state":"armed","beat_age_ns":null,"open_orders":8,
              "positions":[{"symbol":"ESZ6","position":-2},{"symbol":"NQZ6","position":-2}],"unset_positions":0}],
    "limits":[{"name":"order_rate/10ms","scope":"engine","unit":"orders","value":2,"max":50,"used_thousandths":40,
               "evaluated_inline":5461200,"evaluated_supervised":91000,"last_ns":5467999600000,"refused":0,
               "do":"halt_engine"},
              {"name":"gross_notional","scope":"lane:es-quoter","unit":"money_e4","value":24125000000,
               "max":50000000000,"used_thousandths":483,"evaluated_inline":0,"evaluated_supervised":0,"last_ns":0,
               "refused":3,"do":"refuse"},
              {"name":"loss","scope":"engine","off":"no marks in this engine"},
              {"name":"undeclared_bytes/CME-A","scope":"session:CME-A","unit":"bytes","value":0,"max":0,
               "used_thousandths":0,"evaluated_inline":null,"evaluated_supervised":5,"last_ns":5467999600000,
               "refused":null,"do":"halt_engine"}],
    "rungs":{"close":"ready","ask":"ready","take_over":"missing: the engine rendered no cancel","sever":"ready","fence":"ready"},
    "sessions":[{"name":"CME-A","transport":"kernel","state":"registered","declared_bytes":1200,
                 "accepted_bytes":1200,"undeclared_bytes":0,"stale":true,
                 "rungs":{"close":"ready","take_over":"missing: the engine rendered no cancel","sever":"missing: no connection"},"contact":"GCC +1"}],
    "latch":{"latched":false},"halt":null,"warnings":["swap is on"],"counters":{"cycles":9,"late_cycles":2,"requests":7,"worst_late_ns":4057816,"x":0}})");
}

bool has(const std::string& text, const std::string& part) {
  INFO("in:\n" << text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}
bool lacks(const std::string& text, const std::string& part) {
  INFO("in:\n" << text);
  CHECK(text.find(part) == std::string::npos);
  return text.find(part) == std::string::npos;
}

}  // namespace

TEST_CASE("a proven halt says what was closed, contained and acknowledged, and exits 0") {
  const Json answer = answer_with(proven_halt());
  CHECK(judge_halt(answer) == ExitCode::ok);
  const std::string text = halted(answer);
  has(text,
      "mm1  closed 24 us  contained 61 us  open 38  asked 38  acknowledged 36  never left 2  HALTED "
      "(manual_halt)  1.204 s  all cancelled\n");
  has(text, "LADDER  close done 24 us  take_over missing\n");
  has(text, "contact: GCC +1 800 555 0100, firm 123");
  lacks(text, "flatten");  // no position, nothing to say about it
}

TEST_CASE("all cancelled is never said, and 0 never returned, unless the figures show it") {
  const auto spoiled = [](const char* key, const Json& value) {
    Json halt = proven_halt();
    halt[key] = value;
    return halt;
  };
  const std::vector<Json> unproven = {spoiled("unknown", 1),
                                      spoiled("refused_by_venue", 1),
                                      spoiled("contained_ns", nullptr),
                                      spoiled("contained_ns", 0),
                                      spoiled("halted_ns", nullptr),
                                      spoiled("acknowledged", 35),
                                      spoiled("acknowledged", "36"),
                                      spoiled("unknown", nullptr),
                                      spoiled("open_at_containment", 39),
                                      spoiled("open_at_containment", nullptr),
                                      spoiled("queue_may_have_drained", true),
                                      spoiled("undeclared_seen", true),
                                      spoiled("open", 1),
                                      spoiled("proven", false),
                                      spoiled("finished", nullptr),
                                      spoiled("never_left", -2),
                                      spoiled("refused_by_venue", nullptr)};
  for (const Json& halt : unproven) {
    const Json answer = answer_with(halt);
    INFO(answer.dump());
    CHECK(judge_halt(answer) == ExitCode::not_proven);
    lacks(halted(answer), "all cancelled");
    has(halted(answer), "NOT PROVEN");
  }
  Json refused = answer_with(proven_halt());
  refused["ok"] = false;
  CHECK(judge_halt(refused) == ExitCode::not_proven);
  CHECK(judge_halt(Json::object()) == ExitCode::internal);
  CHECK(judge_halt(answer_with(nullptr)) == ExitCode::not_proven);
}

TEST_CASE("an unknown order is listed with session, ClOrdID, side, quantity and price") {
  Json halt = proven_halt();
  halt["unknown"] = 1;
  halt["orders"] =
      Json::parse(R"([{"cl_ord_id":"Q7-00018231","session":"CME-A","fate":"unknown","side":"buy","qty":2,
    "symbol":"ESZ6","px_e8":601225000000},
    {"cl_ord_id":"Q8","session":"CME-A","fate":"refused_by_venue","side":"2","qty":1,"symbol":"NQZ6","px_e8":null}])");
  halt["positions"] = Json::parse(R"([{"symbol":"ESZ6","position":7},{"symbol":"NQZ6","position":-2},
    {"symbol":"YMZ6","position":0}])");
  const std::string text = halted(answer_with(halt, 3));
  has(text, "UNKNOWN  CME-A  ClOrdID Q7-00018231  buy 2 ESZ6 @ 6012.25\n");
  has(text, "REFUSED BY VENUE  CME-A  ClOrdID Q8  sell 1 NQZ6 @ ?\n");
  has(text,
      "POSITION ESZ6 +7 NQZ6 -2: Portcullis does not flatten.    contact: GCC +1 800 555 0100, firm 123\n");
  CHECK(judge_halt(answer_with(halt, 3)) == ExitCode::not_proven);
}

TEST_CASE("a long list of orders is cut and counted") {
  Json halt = proven_halt();
  for (int i = 0; i < 60; ++i)
    halt["orders"].push_back({{"cl_ord_id", "A" + std::to_string(i)}, {"fate", "unknown"}});
  const std::string text = halted(answer_with(halt, 3));
  has(text, "ClOrdID A49");
  lacks(text, "ClOrdID A50");
  has(text, "10 more orders");
}

TEST_CASE("status of an armed engine is one line of state, then the limits") {
  const std::string text = render_status(armed_status(), NameSource::local_file);
  has(text,
      "mm1  ARMED 01:31:07  pid 4123  lease 241/250 ms  beat 3 ms  open 38  position ESZ6 +7 NQZ6 -2  rungs: "
      "close ask sever fence\n");
  has(text, "prod  config 9f31c2a0\n");
  has(text, "RUNG take-over  missing: the engine rendered no cancel\n");
  has(text, "order_rate/10ms");
  has(text, "5,461,200");
  has(text, "0.4 ms");
  has(text, "2,412,500  5,000,000   48%");
  has(text, "never");
  has(text, "off: no marks in this engine");
  has(text, "WARNING  swap is on");
  has(text, "STALE");
  has(text, "COUNTED  late_cycles 2  worst_late 4 ms\n");
  lacks(text, "NOT SEPARATED");
  has(text, "undeclared_bytes/CME-A  ");
  lacks(text, "CME-A CME-A");
  lacks(text, "RUNG CME-A take-over");  // the engine's line says it
  has(text, "RUNG CME-A sever  missing: no connection\n");
}

TEST_CASE("whatever a status does not say is shown as a question mark and never as fine") {
  const std::string text = render_status(Json{{"engine", "mm1"}}, NameSource::local_file);
  has(text, "STATE ?");
  has(text, "pid ?");
  has(text, "lease ?/? ms");
  has(text, "LIMITS ?");
  has(text, "LATCH ?");
  has(text, "NOT SEPARATED");
  has(text, "RUNG close  missing: not stated");
  Json status = armed_status();
  status["lanes"][1].erase("open_orders");
  status["limits"][0]["last_ns"] = 9'999'000'000'000;
  status["lanes"][0]["positions"][0]["position"] = "9";
  status["lanes"][1]["unset_positions"] = 3;
  const std::string torn = render_status(status, NameSource::local_file);
  status["lanes"] = Json::parse(R"([{"name":"a","state":"locked","positions":[],"unset_positions":null}])");
  has(render_status(status, NameSource::local_file), "position ?");
  status["lanes"][0]["unset_positions"] = 0;
  has(render_status(status, NameSource::local_file), "position flat");
  Json halt = proven_halt();
  halt["positions"] = nullptr;
  has(halted(answer_with(halt)), "POSITION ?: Portcullis does not flatten.");
  has(torn, "open ?");
  has(torn, "torn");
  has(torn, "ESZ6 ?");
  has(torn, "UNSET 3");
}

TEST_CASE("a latched engine shows its first cause, limit and actor") {
  Json status = armed_status();
  status["state"] = "locked";
  status["locked_reason"] = "latched";
  status["latch"] = Json::parse(R"({"latched":true,"cause":"order_rate","limit_name":"order_rate/10ms",
    "scope":"lane:es-quoter","observed":51,"limit":50,"actor":0})");
  const std::string text = render_status(status, NameSource::local_file);
  has(text, "LOCKED (latched)");
  has(text, "LATCHED  first cause order_rate  order_rate/10ms lane:es-quoter  51 > 50  by root(0)\n");
}

TEST_CASE("no name in an answer can move the operator's cursor") {
  Json status = armed_status();
  status["warnings"] =
      Json::array({"a\x1b[2Jb\r\n\xc2\x9b"
                   "c\x7f",
                   "caf\xc3\xa9"});
  status["lanes"][0]["name"] = "\x1b]0;x\x07";
  const std::string text = render_status(status, NameSource::local_file);
  lacks(text, "\x1b");
  lacks(text, "\x7f");
  lacks(text, "\xc2\x9b");
  has(text, "WARNING  a?[2Jb???c?\n");
  has(text, "caf\xc3\xa9");
  CHECK(printable("\xff\xc3") == "??");
  CHECK(cut("caf\xc3\xa9", 4) == "caf");
}

TEST_CASE("figures read as on a desk") {
  CHECK(grouped(5'461'200) == "5,461,200");
  CHECK(grouped(-1000) == "-1,000");
  CHECK(grouped(INT64_MIN) == "-9,223,372,036,854,775,808");
  CHECK(decimal(601'225'000'000, 8, false) == "6012.25");
  CHECK(decimal(-5, 4) == "-0.0005");
  CHECK(in_unit(24'125'000'000, "money_e4") == "2,412,500");
  CHECK(duration(0) == "0 ns");
  CHECK(duration(INT64_MAX) == "torn");
  CHECK(duration(24'000) == "24 us");
  CHECK(duration(400'000) == "0.4 ms");
  CHECK(duration(150'700'000) == "150 ms");
  CHECK(duration(1'204'000'000) == "1.204 s");
  CHECK(clock_time(5'467'000'000'000) == "01:31:07");
}

TEST_CASE("a planned end that is not proven exits 3") {
  const Change disarm{"disarm", "mm1", "end of day", "", ""};
  Json halt = proven_halt();
  CHECK(judge_change(disarm, answer_with(halt)) == ExitCode::ok);
  halt["unknown"] = 1;
  CHECK(judge_change(disarm, answer_with(halt)) == ExitCode::not_proven);
  has(render_change(disarm, answer_with(halt), ExitCode::not_proven), "NOT PROVEN");
  const Json no = {{"ok", false}, {"exit", 7}, {"error", "order Q7 is unknown"}};
  const Change arm{"arm", "mm1", "open", "", ""};
  CHECK(render_change(arm, no, judge_change(arm, no)) == "mm1  arm refused: order Q7 is unknown\n");
}

TEST_CASE("halting an engine swallows the lanes of it that are named as well") {
  HaltTarget target;
  CHECK(parse_target("mm1/es-quoter", target));
  CHECK(target.lane == "es-quoter");
  for (const char* bad : {"", "/", "mm1/", "/x", "../x", "a/b/c", ".x", "-x", "aaaaaaaaaaaaaaaaaaaaaaaa"})
    CHECK_FALSE(parse_target(bad, target));
  CHECK(without_doubles({{"a", "x"}, {"b", "x"}, {"a", "x"}, {"a", ""}, {"a", "y"}}).size() == 2);
}

TEST_CASE("the worst of several engines decides the exit code") {
  CHECK(worse(ExitCode::ok, ExitCode::not_proven) == ExitCode::not_proven);
  CHECK(worse(ExitCode::fenced_blind, ExitCode::not_proven) == ExitCode::fenced_blind);
  CHECK(worse(ExitCode::internal, ExitCode::permission) == ExitCode::internal);
  CHECK(worse(ExitCode::ok, ExitCode::ok) == ExitCode::ok);
}
