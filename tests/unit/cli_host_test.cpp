// SPDX-License-Identifier: Apache-2.0
/// @file What the CLI says about a host: latch files, metrics, the runbook, differences of configurations.
#include <catch2/catch.hpp>

#include <functional>

#include "tests/unit/scratch_folder.hpp"
#include "watchdog/cli/config_diff.hpp"
#include "watchdog/cli/drill.hpp"
#include "watchdog/cli/host_facts.hpp"
#include "watchdog/cli/metrics.hpp"
#include "watchdog/cli/preflight.hpp"
#include "watchdog/cli/runbook.hpp"
#include "watchdog/config_error.hpp"

using namespace portcullis;
using namespace portcullis::cli;
using namespace portcullis::test;

namespace {

Json latched_by_rate() {
  return {{"latched", true},       {"unreadable", false}, {"cause", "order_rate"}, {"limit_name", "order_rate/10ms"},
          {"observed", 51},        {"limit", 50},         {"scope", "lane:flow"},  {"wall_ns", 1'764'000'000'000'000'000},
          {"actor", nullptr},      {"unlisted", 0},
          {"unresolved", Json::array({Json{{"cl_ord_id", "Q7-1"}, {"fate", "unknown"}}})}};
}

Json proven_halt() {
  return {{"cause", "manual_halt"}, {"finished", true},   {"proven", true},     {"closed_ns", 24'000},
          {"contained_ns", 61'000}, {"halted_ns", 1'204'000}, {"open_at_containment", 3}, {"acknowledged", 3},
          {"never_left", 0},        {"unknown", 0},       {"refused_by_venue", 0},
          {"positions", Json::array({Json{{"symbol", "ESZ6"}, {"position", 7}}})}};
}

KeyValues facts_of(const std::string& text) {
  ConfigErrors errors;
  const auto tree = parse_toml(text, "test.toml", errors);
  REQUIRE(tree.has_value());
  return flatten(*tree);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a latch that nobody made, or that is damaged, is never called clear") {
  const ScratchFolder folder;
  CHECK(read_latch_facts(folder.path(), "mm1").exit == ExitCode::not_running);
  write_bytes(folder.file("mm1.latch"), "no latch at all");
  const LatchFacts damaged = read_latch_facts(folder.path(), "mm1");
  CHECK(damaged.known);
  CHECK(damaged.exit == ExitCode::refused);
  CHECK(has(latch_words(damaged.json), "UNREADABLE"));
  LatchFile file;
  REQUIRE(file.open(folder.path(), "mm2", Stamp{}) == LatchError::ok);
  CHECK(read_latch_facts(folder.path(), "mm2").exit == ExitCode::ok);
  LatchRecord record;
  record.cause = Cause::manual_halt;
  REQUIRE(file.trip(record) == LatchError::ok);
  CHECK(read_latch_facts(folder.path(), "mm2").exit == ExitCode::refused);
}

TEST_CASE("the runbook names the orders to ask about, whom to call, and the way back") {
  RunbookFacts facts;
  facts.engine = "mm1";
  facts.answered = true;
  facts.latch = latched_by_rate();
  facts.contact = {"GCC +1 800 555 0100"};
  const std::string text = render_runbook(facts, NameSource::local_file);
  CHECK(has(text, "order_rate/10ms  51 > 50"));
  CHECK(has(text, "portcullis resolve mm1 Q7-1 --as"));
  CHECK(has(text, "contact: GCC +1 800 555 0100"));
  CHECK(has(text, "position ?"));
  CHECK(has(text, "portcullis clear mm1"));
  CHECK(has(text, "portcullis arm mm1"));
}

TEST_CASE("the runbook says that nothing is open only where that is proven") {
  RunbookFacts facts;
  facts.engine = "mm1";
  facts.answered = true;
  facts.latch = latched_by_rate();
  facts.latch["unresolved"] = Json::array();
  facts.status["halt"] = proven_halt();
  CHECK(has(render_runbook(facts, NameSource::local_file), "nothing: every open order was confirmed"));
  CHECK(has(render_runbook(facts, NameSource::local_file), "position ESZ6 +7"));
  facts.answered = false;  // files alone prove nothing
  CHECK(has(render_runbook(facts, NameSource::local_file), "NOT KNOWN: ask the venue"));
  facts.answered = true;
  facts.status["halt"]["unknown"] = 1;
  CHECK(has(render_runbook(facts, NameSource::local_file), "NOT KNOWN: ask the venue"));
  facts.status.clear();
  facts.latch = {{"latched", false}, {"unresolved", Json::array()}, {"unlisted", 0}};
  CHECK(has(render_runbook(facts, NameSource::local_file), "is not latched"));
}

TEST_CASE("metrics are OpenMetrics: base units, totals, no sample for what is not known, EOF last") {
  EngineAnswer up{"mm1", true, {}, {}};
  up.status = {{"state", "armed"},
               {"attached", true},
               {"lease", {{"left_ns", 241'000'000}, {"lease_ns", 250'000'000}}},
               {"latch", {{"latched", false}, {"unlisted", 0}, {"unresolved", Json::array()}}},
               {"lanes", Json::array({Json{{"name", "a\"b"}, {"open_orders", nullptr}, {"beat_age_ns", 3'000'000}}})},
               {"limits", Json::array({Json{{"name", "order_rate/10ms"}, {"scope", "engine"}, {"evaluated_inline", 7},
                                            {"evaluated_supervised", 9}, {"used_thousandths", 40}}})},
               {"counters", {{"cycles", 12}}}};
  EngineAnswer down{"mm2", false, {}, latched_by_rate()};
  const std::string text = render_metrics({up, down});
  CHECK(has(text, "portcullis_up{engine=\"mm1\"} 1\n"));
  CHECK(has(text, "portcullis_up{engine=\"mm2\"} 0\n"));
  CHECK(has(text, "portcullis_state{engine=\"mm1\",portcullis_state=\"armed\"} 1\n"));
  CHECK_FALSE(has(text, "portcullis_state{engine=\"mm2\""));
  CHECK(has(text, "portcullis_lease_left_seconds{engine=\"mm1\"} 0.241\n"));
  CHECK(has(text, "portcullis_beat_age_seconds{engine=\"mm1\",lane=\"a\\\"b\"} 0.003\n"));
  CHECK_FALSE(has(text, "portcullis_open_orders"));  // null is not 0
  CHECK(has(text, "portcullis_limit_used_ratio{engine=\"mm1\",limit=\"order_rate/10ms\",scope=\"engine\"} 0.04\n"));
  CHECK(has(text, "portcullis_limit_evaluations_total{engine=\"mm1\",limit=\"order_rate/10ms\",scope=\"engine\",where=\"supervised\"} 9\n"));
  CHECK(has(text, "# TYPE portcullis_cycles counter\n"));
  CHECK(has(text, "portcullis_cycles_total{engine=\"mm1\"} 12\n"));
  CHECK(has(text, "portcullis_unresolved_orders{engine=\"mm2\"} 1\n"));
  CHECK(has(text, "portcullis_latched{engine=\"mm2\"} 1\n"));
  CHECK(text.ends_with("# EOF\n"));
  CHECK(render_metrics({}) == "# EOF\n");
}

TEST_CASE("a diff names each changed key once and says whether a limit got tighter or looser") {
  const KeyValues before = facts_of("a = 1\n[limits.lane.x]\norder_qty = 10\nopen_orders = 5\n[[lane]]\nname = \"x\"\nsession = \"S\"\n");
  const KeyValues after = facts_of("a = 2\n[limits.lane.x]\norder_qty = 20\nopen_orders = { off = \"why\" }\n[[lane]]\nname = \"x\"\nsession = \"T\"\n");
  const std::vector<Difference> found = differences(before, after);
  REQUIRE(found.size() == 5);
  CHECK((found[0].path == "a" && found[0].before == "1" && found[0].after == "2" && found[0].note.empty()));
  CHECK((found[1].path == "lane.x.session" && found[1].after == "T"));
  CHECK((found[2].path == "limits.lane.x.open_orders" && found[2].after.empty()));
  CHECK((found[3].path == "limits.lane.x.open_orders.off" && found[3].note == "switched off"));
  CHECK((found[4].path == "limits.lane.x.order_qty" && found[4].note == "looser"));
  CHECK(differences(before, before).empty());
}

TEST_CASE("in a diff a longer window is tighter, money compares by value, instruments by symbol") {
  const KeyValues before = facts_of("[limits.engine]\nr = [{ max = 5, per_ms = 10 }]\nn = \"100.50\"\n");
  const KeyValues after = facts_of("[limits.engine]\nr = [{ max = 5, per_ms = 20 }]\nn = \"100.4\"\n");
  for (const Difference& one : differences(before, after)) CHECK(one.note == "tighter");
  KeyValues old_csv, new_csv;
  add_instruments("symbol,tick\n# note\nES,0.25\nNQ,0.25\n", old_csv);
  add_instruments("symbol,tick\nES,0.50\nNQ,0.25\n", new_csv);
  const auto changed = differences(old_csv, new_csv);
  REQUIRE(changed.size() == 1);
  CHECK(changed[0].path == "instruments.ES");
}

namespace {

Json ready_status() {
  const Json ready = {{"close", "ready"}, {"ask", "ready"}, {"take_over", "ready"}, {"sever", "ready"}, {"fence", "ready"}};
  return {{"attached", true},
          {"arm_refusal", ""},
          {"separated", true},
          {"rungs", ready},
          {"lanes", Json::array({Json{{"name", "flow"}, {"unset_positions", 0}}})},
          {"sessions", Json::array({Json{{"name", "S"}, {"transport", "kernel"}, {"state", "registered"}, {"contact", "desk"}}})}};
}

bool fails(const Json& status) {
  Findings findings;
  judge_status(status, findings);
  return any_failure(findings);
}

}  // namespace

TEST_CASE("preflight fails for whatever would stop the arming, and for what the answer does not say") {
  CHECK_FALSE(fails(ready_status()));
  CHECK(fails(Json::object()));
  for (const char* key : {"attached", "arm_refusal", "rungs"}) {
    Json status = ready_status();
    status.erase(key);
    INFO(key);
    CHECK(fails(status));
  }
  Json status = ready_status();
  status["arm_refusal"] = "latched by death";
  CHECK(fails(status));
  status = ready_status();
  status["rungs"]["fence"] = "missing: no engine is attached";
  CHECK(fails(status));
  status = ready_status();
  status["lanes"][0]["unset_positions"] = nullptr;
  CHECK(fails(status));
  status = ready_status();
  status["sessions"][0]["state"] = "none";
  CHECK(fails(status));
}

TEST_CASE("preflight warns of what makes a halt poorer, and arms all the same") {
  for (const auto& change : std::vector<std::function<void(Json&)>>{
           [](Json& s) { s["rungs"]["take_over"] = "missing: no template"; }, [](Json& s) { s["separated"] = false; },
           [](Json& s) { s["sessions"][0]["transport"] = "tls"; }, [](Json& s) { s["sessions"][0]["contact"] = ""; },
           [](Json& s) { s["warnings"] = Json::array({"memory is not locked"}); }}) {
    Json status = ready_status();
    change(status);
    Findings findings;
    judge_status(status, findings);
    CHECK_FALSE(any_failure(findings));
    CHECK(has(render_findings("mm1", findings), "WARNING"));
  }
}

TEST_CASE("a drill is held only where it costs nothing and proves something") {
  Json status = ready_status();
  status["state"] = "armed";
  status["lanes"] = Json::array({Json{{"name", "flow"}, {"open_orders", 3}}, Json{{"name", "drill"}, {"open_orders", 0}}});
  CHECK(drill_refusal(status, "drill").empty());
  CHECK(has(drill_refusal(status, "flow"), "3 open orders"));
  CHECK(has(drill_refusal(status, ""), "3 open orders"));
  CHECK(has(drill_refusal(status, "other"), "no lane other"));
  status["lanes"][1]["open_orders"] = nullptr;
  CHECK(has(drill_refusal(status, "drill"), "? open orders"));
  status["state"] = "locked";
  CHECK(has(drill_refusal(status, "drill"), "not armed"));
  status["attached"] = false;
  CHECK(has(drill_refusal(status, "drill"), "no engine"));
}
