// SPDX-License-Identifier: Apache-2.0
/// @file From a broken limit to proven cancels, with the real binaries: supervisor, QuickFIX engine, venue,
/// CLI. The venue's log of received bytes says what was on the wire; the report says what we claim; both must
/// agree.
#include <catch2/catch.hpp>
#include <csignal>

#include "tests/process/rig.hpp"

using namespace portcullis::test;

namespace {

/// Every order accounted for, nothing entered after the close, and the claim equals the venue's book.
void check_proven(Rig& rig, const nlohmann::json& halt) {
  INFO(halt.dump(1));
  CHECK(rig.orders_after_close(halt) == 0);
  CHECK(halt.value("unknown", -1) == 0);
  CHECK(halt.value("refused_by_venue", -1) == 0);
  CHECK(halt.value("open_at_containment", -1) ==
        halt.value("acknowledged", -1) + halt.value("never_left", -1));
  CHECK(halt["contained_ns"].is_number());
  CHECK(rig.venue_open_orders() == 0);
}

}  // namespace

TEST_CASE("a run-away order rate closes the lane at the first refusal and every open order is acknowledged") {
  RigOptions options;
  options.engine_args = {"--rate", "5000", "--rest-share", "0.3", "--stubborn"};
  options.lane_limits["order_rate"] = "[{ max = 300, per_ms = 1000 }]";
  Rig rig(options);
  REQUIRE(rig.up(1));
  const nlohmann::json halt = rig.halted();
  INFO(rig.logs());
  REQUIRE(halt.is_object());
  CHECK(halt.value("cause", "") == "order_rate");
  CHECK(halt.value("open_at_containment", 0) > 0);
  check_proven(rig, halt);
  int orders = 0;
  for (const auto& message : rig.venue().log().of_session("ENG1").back()->messages)
    orders += message.type == "D";
  CHECK(orders == 300);  // no overshoot: the 301st was refused and closed the lane
  CHECK(rig.status()["latch"].value("latched", false));
  CHECK(rig.engine().alive());  // rung 2 was enough
}

namespace {

/// An engine with the old code: it never asks whether its parents have what they wanted.
RigOptions fan_out(const char* parents) {
  RigOptions options;
  options.parents = true;
  options.engine_args = {"--parents", parents, "--child-qty", "100", "--stale", "--rest-share", "0.5", "--rate", "500", "--stubborn"};
  options.lane_limits["orders_without_parent"] = "false";
  return options;
}

int orders_at_venue(Rig& rig) {
  int orders = 0;
  for (const auto& message : rig.venue().log().of_session("ENG1").back()->messages) orders += message.type == "D";
  return orders;
}

}  // namespace

TEST_CASE("a parent with one child too many closes the lane at the first refusal, and every open child is acknowledged") {
  RigOptions options = fan_out("8");
  options.lane_limits["children"] = "{ max = 5 }";
  Rig rig(options);
  REQUIRE(rig.up(1));
  const nlohmann::json halt = rig.halted();
  INFO(rig.logs());
  REQUIRE(halt.is_object());
  CHECK(halt.value("cause", "") == "children");
  CHECK(halt["observed"] == 6);
  CHECK(halt["limit"] == 5);
  CHECK(orders_at_venue(rig) == 40);  // one after the other, five each: the 41st would have been a sixth child
  CHECK(halt.value("open_at_containment", 0) > 0);
  check_proven(rig, halt);
  CHECK(rig.status()["latch"].value("latched", false));
  CHECK(rig.engine().alive());
}

TEST_CASE("children may make up their parent's quantity and not one lot more, filled or working") {
  RigOptions options = fan_out("1");
  options.lane_limits["child_qty"] = "{ bps_of_parent = 10000 }";
  Rig rig(options);
  REQUIRE(rig.up(1));
  const nlohmann::json halt = rig.halted();
  INFO(rig.logs());
  REQUIRE(halt.is_object());
  CHECK(halt.value("cause", "") == "child_qty");
  CHECK(halt["limit"] == 10'000);
  check_proven(rig, halt);
  const int orders = orders_at_venue(rig);
  rig.engine().signal(SIGTERM);
  REQUIRE(rig.engine().wait(10'000) != -1);
  const std::string said = rig.engine().output();
  const nlohmann::json counted = nlohmann::json::parse(said.substr(said.rfind('{')), nullptr, false);
  REQUIRE(counted.is_object());
  CHECK(counted.value("parents_qty", 0) == 100 * orders);
  CHECK(counted.value("refused", 0) > 0);
  CHECK(halt["observed"] == ((orders + 1) * 10'000 + orders - 1) / orders);  // rounded up
}

TEST_CASE("a position limit holds with working orders and nothing is latched while orders are only refused") {
  RigOptions options;
  options.engine_args = {"--rate", "200", "--rest-share", "1.0", "--orders", "60", "--child-qty", "100", "--stale"};
  options.lane_limits["position"] = "{ each = 300 }";
  options.engine_limits["refusals"] = "{ max = 200, per_ms = 1000 }";
  Rig rig(options);
  REQUIRE(rig.up(1));
  const auto refused = [&] {
    const nlohmann::json now = rig.status();
    for (const auto& row : now["limits"])
      if (row.value("name", "").find("position") == 0 && row.value("refused", 0) > 0) return true;
    return false;
  };
  const bool was_refused = eventually(refused);
  INFO(rig.logs());
  REQUIRE(was_refused);
  CHECK(rig.state() == "armed");
  CHECK(rig.venue_open_orders() <= 12);  // 300 a side and instrument at 100 each
}

TEST_CASE("a halt by the CLI cancels, proves, latches, and only people lead back") {
  Rig rig;
  REQUIRE(rig.up(20));
  const CliResult halt = rig.cli({"halt", "mm1", "--json"});
  INFO(halt.text);
  INFO(rig.logs());
  CHECK(halt.exit == 0);
  const nlohmann::json report = rig.halted();
  REQUIRE(report.is_object());
  CHECK(report.value("cause", "") == "manual_halt");
  CHECK(report.value("acknowledged", 0) > 0);
  check_proven(rig, report);
  CHECK(rig.cli({"arm", "mm1", "--reason", "too early"}).exit == 7);
  CHECK(rig.cli({"clear", "mm1", "--reason", "test"}).exit == 0);
  CHECK(rig.state() == "locked");
  CHECK(rig.arm());
  CHECK(rig.state() == "armed");
}

TEST_CASE("a disarm is planned: everything cancelled and proven, no latch") {
  Rig rig;
  REQUIRE(rig.up(20));
  const CliResult disarm = rig.cli({"disarm", "mm1", "--reason", "end of day"});
  INFO(disarm.text);
  INFO(rig.logs());
  CHECK(disarm.exit == 0);
  CHECK(eventually([&] { return rig.state() == "locked"; }));
  CHECK_FALSE(rig.status()["latch"].value("latched", true));
  CHECK(rig.venue_open_orders() == 0);
}

TEST_CASE("an engine killed with open orders: they are cancelled over its own session and acknowledged") {
  Rig rig;
  REQUIRE(rig.up(20));
  rig.engine().signal(SIGKILL);
  const nlohmann::json halt = rig.halted();
  INFO(halt.dump() << rig.logs());
  REQUIRE(halt.is_object());
  CHECK(halt.value("cause", "") == "death");
  CHECK(halt.value("acknowledged", -1) == 20);
  CHECK(halt.value("positions_confirmed", false));
  check_proven(rig, halt);
  const auto logged = [&](const char* text) {
    return Process::read(rig.state_dir() + "/mm1.takeover").find(text) != std::string::npos;
  };
  CHECK(eventually([&] { return logged("\00135=F\001") && logged("\00135=8\001"); }));  // both directions are kept
}

TEST_CASE("after a take-over the same engine logs on with the numbers of the record and trades again") {
  const bool threaded = GENERATE(false, true);
  RigOptions options;
  if (threaded) options.engine_args.push_back("--threaded");
  Rig rig(options);
  REQUIRE(rig.up(20));
  rig.engine().signal(SIGKILL);
  const nlohmann::json halt = rig.halted();
  INFO(halt.dump() << rig.logs());
  REQUIRE(halt.is_object());
  REQUIRE(halt.value("acknowledged", -1) == 20);
  const nlohmann::json& session = halt["sessions"].at(0);
  CHECK(session.value("next_seq", 0) == 1 + 20 + 20 + 1);  // Logon, orders, cancels
  CHECK(rig.cli({"clear", "mm1", "--reason", "test"}).exit == 0);
  const CliResult early = rig.cli({"status", "mm1", "--json"});
  CHECK(early.json["sessions"][0].value("next_out_seq_num", 0) == session.value("next_seq", 0));
  rig.start_engine();
  REQUIRE(rig.attached());
  REQUIRE(rig.arm());
  CHECK(rig.status()["sessions"][0]["next_out_seq_num"].is_null());
  REQUIRE(rig.trading(20));
  const portcullis::venue::VenueLog log = rig.venue().log();
  const auto connections = log.of_session("ENG1");
  REQUIRE(connections.size() == 2);
  CHECK(connections.back()->messages.at(0).type == "A");
  CHECK(connections.back()->messages.at(0).seq_num == session.value("next_seq", 0));
  for (const portcullis::venue::VenueMessage& message : connections.back()->messages)
    CHECK((message.type != "2" && message.type != "4" && message.type != "5"));  // nothing was missing on either side
}

TEST_CASE("an engine that does not go on where the take-over stopped cannot be armed") {
  Rig rig;
  REQUIRE(rig.up(20));
  rig.engine().signal(SIGKILL);
  REQUIRE(rig.halted().is_object());
  CHECK(rig.cli({"clear", "mm1", "--reason", "test"}).exit == 0);
  rig.options.engine_args.push_back("--own-numbers");
  rig.start_engine();
  REQUIRE(eventually([&] { return rig.status().value("attached", false); }));
  REQUIRE(eventually([&] { return !rig.venue().log().all("connect").empty() && rig.venue().log().all("connect").size() > 1; }));
  const CliResult arm = rig.cli({"arm", "mm1", "--reason", "test"});
  INFO(arm.text << rig.logs());
  CHECK(arm.exit == 7);
  CHECK(arm.text.find("MsgSeqNum") != std::string::npos);
}

TEST_CASE("an engine killed with open orders and no take-over: sessions reset, the venue cancels, unknown to us") {
  RigOptions options;
  options.session["take_over"] = "false";
  Rig rig(options);
  REQUIRE(rig.up(20));
  rig.engine().signal(SIGKILL);
  const nlohmann::json halt = rig.halted();
  INFO(rig.logs());
  REQUIRE(halt.is_object());
  CHECK(halt.value("cause", "") == "death");
  CHECK(halt.value("unknown", -1) == 20);
  CHECK(halt.value("acknowledged", -1) == 0);
  CHECK(rig.orders_after_close(halt) == 0);
  REQUIRE(eventually([&] { return !rig.venue().log().all("cancel_on_disconnect").empty(); }));
  const portcullis::venue::VenueLog log = rig.venue().log();
  REQUIRE_FALSE(log.all("disconnect").empty());
  const std::string how = log.all("disconnect").back()->how;
  CHECK((how == "rst" || how == "fin"));  // we end the stream, then reset it: an empty queue lets the FIN out first
  CHECK(rig.venue_open_orders() == 0);
  CHECK(rig.cli({"clear", "mm1", "--reason", "test"}).exit == 0);
  rig.start_engine();
  REQUIRE(rig.attached());
  const CliResult arm = rig.cli({"arm", "mm1", "--reason", "test"});
  CHECK(arm.exit == 7);  // an unknown order blocks arming
  CHECK(arm.text.find("resolve") != std::string::npos);
  const nlohmann::json latch = rig.status()["latch"];
  REQUIRE(latch["unresolved"].size() == 20);
  CHECK(rig.cli({"resolve", "mm1", "NOT-OURS", "--as", "cancelled"}).exit == 7);
  for (const auto& order : latch["unresolved"]) {
    CHECK(rig.cli({"arm", "mm1", "--reason", "too early"}).exit == 7);
    CHECK(rig.cli({"resolve", "mm1", order["cl_ord_id"], "--as", "cancelled"}).exit == 0);  // as the venue said
  }
  CHECK(rig.arm());
  CHECK(rig.cli({"audit", "verify", "mm1"}).exit == 0);
}

TEST_CASE("an engine that is stopped is found by its beat, and killed after its orders are cancelled for it") {
  const bool take_over = GENERATE(true, false);
  RigOptions options;
  options.supervisor["beat_age_ms"] = "400";
  options.session["take_over"] = take_over ? "true" : "false";
  Rig rig(options);
  REQUIRE(rig.up(20));
  rig.engine().signal(SIGSTOP);
  const nlohmann::json halt = rig.halted();
  INFO(halt.dump() << rig.logs());
  REQUIRE(halt.is_object());
  CHECK(halt.value("cause", "") == "beat_age");
  CHECK(halt.value("fenced", false));
  CHECK(halt.value(take_over ? "acknowledged" : "unknown", -1) == 20);
  CHECK(halt.value("proven", !take_over) == take_over);
  CHECK(rig.orders_after_close(halt) == 0);
  CHECK(rig.engine().wait(5'000) != -1);
  REQUIRE(eventually([&] { return rig.venue_open_orders() == 0; }));
}

TEST_CASE("an engine that spins without progress is frozen, its orders cancelled for it, and killed") {
  const bool take_over = GENERATE(true, false);
  RigOptions options;
  options.engine_args = {"--orders", "20", "--rest-share", "1.0", "--rate", "200", "--spin", "busy"};
  options.supervisor["progress_ms"] = "400";
  options.supervisor["beat_age_ms"] = "{ off = \"this test is about progress\" }";
  options.session["take_over"] = take_over ? "true" : "false";
  Rig rig(options);
  REQUIRE(rig.up(20));
  rig.engine().signal(SIGUSR1);
  const nlohmann::json halt = rig.halted();
  INFO(halt.dump() << rig.logs());
  REQUIRE(halt.is_object());
  CHECK(halt.value("cause", "") == "progress");
  CHECK(halt.value("fenced", false));
  CHECK(halt.value(take_over ? "acknowledged" : "unknown", -1) == halt.value("open_at_containment", 0));
  REQUIRE(eventually([&] { return rig.venue_open_orders() == 0; }));
}

TEST_CASE("an order written around submit through the ordinary writer is a breach and never called proven") {
  RigOptions options;
  options.engine_args.push_back("--around");
  Rig rig(options);
  REQUIRE(rig.up(20));
  rig.engine().signal(SIGUSR2);
  const nlohmann::json halt = rig.halted();
  INFO(rig.logs());
  REQUIRE(halt.is_object());
  CHECK(halt.value("cause", "") == "unsubmitted_orders");
  CHECK(halt.value("unknown", 0) >= 1);
  CHECK(halt.value("fenced", false));
  REQUIRE(eventually([&] { return rig.venue_open_orders() == 0; }));
}

TEST_CASE("an order written straight into the session's socket is seen by the kernel witness") {
  RigOptions options;
  options.engine_args.push_back("--around-raw");
  Rig rig(options);
  REQUIRE(rig.up(20));
  rig.engine().signal(SIGUSR2);
  const nlohmann::json halt = rig.halted();
  INFO(rig.logs());
  REQUIRE(halt.is_object());
  const std::string cause = halt.value("cause", "");
  CHECK((cause == "undeclared_bytes" || cause == "foreign_orders"));  // the venue's answer may be faster than our reading
  CHECK_FALSE(halt.value("proven", true));
  CHECK(halt.value("fenced", false));
}

TEST_CASE("an order on an unregistered socket is found by the census") {
  RigOptions options;
  options.engine_args.push_back("--rogue-socket");
  Rig rig(options);
  REQUIRE(rig.up(20));
  rig.engine().signal(SIGUSR2);
  const nlohmann::json halt = rig.halted();
  INFO(rig.logs());
  REQUIRE(halt.is_object());
  CHECK(halt.value("cause", "") == "unregistered_sockets");
  CHECK(halt.value("fenced", false));
}

TEST_CASE(
    "a thousand orders in QuickFIX's own queue at the trip are accounted for, and none follows the close") {
  RigOptions options;
  options.engine_args = {"--queue", "1000", "--rest-share", "1.0", "--orders", "0", "--stale"};
  options.venue_faults = {"slow_read=40000"};
  options.venue_more = {"--rcvbuf", "4096"};
  options.ladder["ask_ms"] = "300";
  Rig rig(options);
  REQUIRE(rig.up(1));
  REQUIRE(eventually([&] { return rig.status()["lanes"][0].value("open_orders", 0) > 500; }));
  const CliResult halt = rig.cli({"halt", "mm1", "--json"});
  const nlohmann::json report = rig.halted(60'000);
  INFO(rig.logs());
  REQUIRE(report.is_object());
  CHECK(rig.orders_after_close(report) == 0);
  CHECK(report.value("open_at_containment", 0) > 100);
  CHECK(report.value("open_at_containment", 0) ==
        report.value("acknowledged", 0) + report.value("never_left", 0) +
            report.value("refused_by_venue", 0) + report.value("unknown", 0));
}
