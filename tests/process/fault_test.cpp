// SPDX-License-Identifier: Apache-2.0
/// @file Every fault of the venue, and of the disk, at the worst moment: what is claimed must be what the venue's log
/// shows. Silence leads to a reset and to "unknown"; a venue's no leads to "refused by venue" and never to a reset.
#include <catch2/catch.hpp>
#include <poll.h>

#include <csignal>

#include "tests/process/rig.hpp"

using namespace portcullis::test;

namespace {

constexpr int kOrders = 20;

struct Outcome {
  CliResult halt;
  nlohmann::json report;
};

Outcome halt_under(Rig& rig, const std::string& fault) {
  Outcome outcome;
  if (!fault.empty()) CHECK(rig.venue().control("fault " + fault) == "ok");
  outcome.halt = rig.cli({"halt", "mm1", "--json"});
  outcome.report = rig.halted();
  return outcome;
}

int cancels_received(Rig& rig) {
  int count = 0;
  for (const portcullis::venue::VenueConnection& connection : rig.venue().log().connections)
    for (const portcullis::venue::VenueMessage& message : connection.messages) count += message.type == "F" ? 1 : 0;
  return count;
}

void check_accounted(Rig& rig, const nlohmann::json& report) {
  CHECK(rig.orders_after_close(report) == 0);
  CHECK(report.value("open_at_containment", -1) == report.value("acknowledged", -1) + report.value("never_left", -1) +
                                                       report.value("refused_by_venue", -1) + report.value("unknown", -1));
}

}  // namespace

TEST_CASE("a venue that never answers a cancel: severed, fenced, unknown, and the venue cancels on disconnect") {
  const std::string fault = GENERATE(as<std::string>{}, "silent=cancels", "mute", "pending");
  RigOptions options;
  options.ladder = {{"ask_ms", "400"}, {"take_over_ms", "2000"}, {"answer_ms", "400"}};
  Rig rig(options);
  REQUIRE(rig.up(kOrders));
  const Outcome outcome = halt_under(rig, fault);
  INFO(fault << '\n' << outcome.halt.text << rig.logs());
  REQUIRE(outcome.report.is_object());
  CHECK(outcome.halt.exit == 3);
  CHECK(outcome.report.value("unknown", -1) == kOrders);
  CHECK(outcome.report.value("fenced", false));
  CHECK_FALSE(outcome.report.value("proven", true));
  check_accounted(rig, outcome.report);
  CHECK(eventually([&] { return rig.venue_open_orders() == 0; }));
  CHECK(outcome.halt.text.find("all cancelled") == std::string::npos);
}

TEST_CASE("a venue that also talks nonsense: only its true answers count") {
  Rig rig;
  REQUIRE(rig.up(kOrders));
  const Outcome outcome = halt_under(rig, "nonsense");
  INFO(outcome.halt.text << rig.logs());
  REQUIRE(outcome.report.is_object());
  check_accounted(rig, outcome.report);
  const bool proven = outcome.report.value("proven", false);
  CHECK(proven == (outcome.halt.exit == 0));
  if (proven) CHECK(outcome.report.value("acknowledged", -1) == outcome.report.value("open_at_containment", 0));
  CHECK(eventually([&] { return rig.venue_open_orders() == 0; }));
}

TEST_CASE("a venue that answers late is waited for as long as it answers") {
  RigOptions options;
  options.ladder["ask_ms"] = "1500";
  Rig rig(options);
  REQUIRE(rig.up(kOrders));
  const Outcome outcome = halt_under(rig, "late=600");
  INFO(outcome.halt.text << rig.logs());
  REQUIRE(outcome.report.is_object());
  CHECK(outcome.halt.exit == 0);
  CHECK(outcome.report.value("acknowledged", -1) == kOrders);
  CHECK(outcome.report.value("halted_ns", std::int64_t{0}) >= 600'000'000);
  check_accounted(rig, outcome.report);
  CHECK(rig.venue_open_orders() == 0);
}

TEST_CASE("a venue that refuses cancels is never severed: asked again, refused by venue, engine alive, arming blocked") {
  RigOptions options;
  options.ladder["cancel_retry_s"] = "2";
  Rig rig(options);
  REQUIRE(rig.up(kOrders));
  const Outcome outcome = halt_under(rig, "reject_cancels=0");
  INFO(outcome.halt.text << rig.logs());
  REQUIRE(outcome.report.is_object());
  CHECK(outcome.halt.exit == 3);
  CHECK(outcome.report.value("refused_by_venue", -1) == kOrders);
  CHECK(outcome.report.value("unknown", -1) == 0);
  CHECK_FALSE(outcome.report.value("fenced", true));
  CHECK(rig.engine().alive());
  CHECK(rig.venue_open_orders() == kOrders);  // and we said so
  CHECK(rig.venue().log().all("disconnect").empty());
  CHECK(cancels_received(rig) > kOrders);
  check_accounted(rig, outcome.report);
  CHECK(rig.cli({"clear", "mm1", "--reason", "test"}).exit == 0);
  CHECK(rig.cli({"arm", "mm1", "--reason", "test"}).exit == 7);
}

TEST_CASE("people are told at once that the venue refuses, and the halt is proven when it takes the cancels after all") {
  Rig rig;
  REQUIRE(rig.up(kOrders));
  CHECK(rig.venue().control("fault reject_cancels=0") == "ok");
  const CliResult told = rig.cli({"halt", "mm1"});
  INFO(told.text << rig.logs());
  CHECK(told.exit == 3);
  CHECK(told.text.find("asked again until") != std::string::npos);
  CHECK(told.text.find("all cancelled") == std::string::npos);
  CHECK(rig.cli({"arm", "mm1", "--reason", "test"}).exit == 7);
  CHECK(rig.venue().control("clear reject_cancels") == "ok");
  const nlohmann::json report = rig.halted();
  REQUIRE(report.is_object());
  CHECK(report.value("acknowledged", -1) == kOrders);
  CHECK(report.value("proven", false));
  CHECK(rig.venue_open_orders() == 0);
  CHECK(rig.engine().alive());
}

TEST_CASE("an engine that dies while the venue refuses is succeeded by the take-over, which asks on") {
  Rig rig;
  REQUIRE(rig.up(kOrders));
  CHECK(rig.venue().control("fault reject_cancels=0") == "ok");
  CHECK(rig.cli({"halt", "mm1"}).exit == 3);
  rig.engine().signal(SIGKILL);
  REQUIRE(rig.engine().wait(5'000) != -1);
  REQUIRE(eventually([&] { return rig.status()["halt"].value("retrying", false); }));
  CHECK(rig.venue().log().all("disconnect").empty());
  CHECK(rig.venue().control("clear reject_cancels") == "ok");
  const nlohmann::json report = rig.halted();
  INFO(report.dump() << rig.logs());
  REQUIRE(report.is_object());
  CHECK(report.value("acknowledged", -1) == kOrders);
  CHECK(report.value("proven", false));
  CHECK(rig.venue_open_orders() == 0);
}

TEST_CASE("a person who clears ends the asking for refused cancels, and then the halt") {
  Rig rig;
  REQUIRE(rig.up(kOrders));
  CHECK(rig.venue().control("fault reject_cancels=0") == "ok");
  CHECK(rig.cli({"halt", "mm1"}).exit == 3);
  const CliResult first = rig.cli({"clear", "mm1", "--reason", "INC-1"});
  CHECK(first.exit == 7);
  CHECK(first.text.find("no longer asked again") != std::string::npos);
  const nlohmann::json report = rig.halted();
  INFO(first.text << rig.logs());
  REQUIRE(report.is_object());
  CHECK(report.value("refused_by_venue", -1) == kOrders);
  CHECK(rig.cli({"clear", "mm1", "--reason", "INC-1"}).exit == 0);
}

TEST_CASE("a venue that drops the connection at the halt: every order is accounted for") {
  const std::string fault = GENERATE(as<std::string>{}, "drop", "reset");
  Rig rig;
  REQUIRE(rig.up(kOrders));
  const Outcome outcome = halt_under(rig, fault);
  INFO(fault << '\n' << outcome.halt.text << rig.logs());
  REQUIRE(outcome.report.is_object());
  CHECK(rig.orders_after_close(outcome.report) <= 0);  // a new connection has its own offsets
  CHECK(outcome.report.value("open_at_containment", -1) ==
        outcome.report.value("acknowledged", -1) + outcome.report.value("unknown", -1));
  CHECK(eventually([&] { return rig.venue_open_orders() == 0; }));
}

TEST_CASE("a venue that stops reading: nothing is called contained until the queue is purged") {
  RigOptions options;
  options.ladder = {{"ask_ms", "400"}, {"take_over_ms", "2000"}, {"answer_ms", "400"}};
  options.venue_more = {"--rcvbuf", "4096"};
  Rig rig(options);
  REQUIRE(rig.up(kOrders));
  const Outcome outcome = halt_under(rig, "slow_read=0");
  INFO(outcome.halt.text << rig.logs());
  REQUIRE(outcome.report.is_object());
  CHECK(outcome.report.value("acknowledged", -1) == 0);
  CHECK(outcome.report.value("fenced", false));
  CHECK(outcome.report.value("unknown", -1) == kOrders);
}

TEST_CASE("a disk that stalls two seconds at the trip delays the latch's file and not one cancel") {
  RigOptions options;
  options.supervisor["lease_ms"] = "5000";  // being traced slows the supervisor; the lease is not the subject here
  Rig rig(options);
  REQUIRE(rig.up(kOrders));
  Process stall({"/usr/bin/strace", "-f", "-qq", "-o", rig.dir() + "/strace.out", "-p",
                 std::to_string(rig.supervisor().pid()), "-e", "trace=fdatasync", "-e",
                 "inject=fdatasync:delay_enter=2000000"},
                rig.dir() + "/stall.out");
  REQUIRE(eventually([&] { return rig.status().is_object(); }));
  poll(nullptr, 0, 300);  // strace says nowhere that it holds every thread
  REQUIRE(rig.state() == "armed");
  const CliResult halt = rig.cli({"halt", "mm1", "--json"});
  const nlohmann::json report = rig.halted();
  INFO(halt.text << stall.output() << rig.logs());
  REQUIRE(report.is_object());
  CHECK(report.value("proven", false));  // the engine may have cancelled the first ones before the book was opened
  CHECK(report.value("acknowledged", -1) == report.value("open_at_containment", 0));
  CHECK(report.value("halted_ns", std::int64_t{0}) < 1'900'000'000);
  CHECK(rig.venue_open_orders() == 0);
  stall.signal(SIGINT);
  CHECK(stall.wait(20'000) != -1);
  CHECK(eventually([&] { return rig.status()["latch"].value("latched", false); }, 30'000));
}
