// SPDX-License-Identifier: Apache-2.0
/// @file The venue as an exchange: matching and every request, on real sessions. A wrong oracle would prove
/// nothing.
#include <nlohmann/json.hpp>

#include "tests/venue/venue_fixture.hpp"

namespace portcullis::venue {
namespace {

TEST_CASE("an order that crosses the touch fills there and its rest stays in the book") {
  VenueFixture at;
  at.logon(at.e42);
  at.logon(at.e44);
  REQUIRE(at.e42.order("a", '1', 150, "10.05"));
  CHECK(next_report(at.e42) == "a/0/0/-/-/0/150");
  CHECK(next_report(at.e42) == "a/1/1/100/10.02/100/50");
  REQUIRE(at.e44.order("b", '2', 100, "9.99"));  // its best bid is the rest of a
  CHECK(next_report(at.e44) == "b/0/0/-/-/0/100");
  CHECK(next_report(at.e44) == "b/1/F/50/10.05/50/50");
  CHECK(next_report(at.e44) == "b/2/F/50/10/100/0");
  CHECK(next_report(at.e42) == "a/2/2/50/10.05/150/0");
}

TEST_CASE("sessions trade with each other at the best price first, then in order of time") {
  VenueFixture at;
  for (FixClient* client : {&at.e42, &at.e44, &at.f44}) at.logon(*client);
  REQUIRE(at.e42.order("late-but-better", '2', 10, "10.01"));
  CHECK(next_report(at.e42) == "late-but-better/0/0/-/-/0/10");
  REQUIRE(at.e44.order("first", '2', 10, "10.02"));
  CHECK(next_report(at.e44) == "first/0/0/-/-/0/10");
  REQUIRE(at.e42.order("second", '2', 10, "10.02"));
  CHECK(next_report(at.e42) == "second/0/0/-/-/0/10");
  REQUIRE(at.f44.order("taker", '1', 25, "10.02"));
  CHECK(next_report(at.f44) == "taker/0/0/-/-/0/25");
  CHECK(next_report(at.f44) == "taker/1/F/10/10.01/10/15");
  CHECK(next_report(at.f44) == "taker/1/F/10/10.02/20/5");
  CHECK(next_report(at.f44) == "taker/2/F/5/10.02/25/0");
  CHECK(next_report(at.e42) == "late-but-better/2/2/10/10.01/10/0");
  CHECK(next_report(at.e44) == "first/2/F/10/10.02/10/0");
  CHECK(next_report(at.e42) == "second/1/1/5/10.02/5/5");
}

TEST_CASE("market and IOC orders leave nothing in the book") {
  VenueFixture at;
  at.logon(at.e44);
  REQUIRE(at.e44.order("market", '2', 120, ""));
  CHECK(next_report(at.e44) == "market/0/0/-/-/0/120");
  CHECK(next_report(at.e44) == "market/1/F/100/10/100/20");
  CHECK(next_report(at.e44) == "market/4/4/-/-/100/0");
  REQUIRE(at.e44.order("ioc", '1', 10, "10.01", "ACME", '3'));
  CHECK(next_report(at.e44) == "ioc/0/0/-/-/0/10");
  CHECK(next_report(at.e44) == "ioc/4/4/-/-/0/0");
}

TEST_CASE("a cancel ends an open order, and is refused with the true state of any other") {
  VenueFixture at;
  at.logon(at.e42);
  rest_order(at.e42, "a");
  REQUIRE(at.e42.cancel("c1", "a"));
  CHECK(next_report(at.e42) == "c1/4/4/-/-/0/0");
  REQUIRE(at.e42.cancel("c2", "a"));
  CHECK(next_report(at.e42) == "reject c2/a/4/0");
  REQUIRE(at.e42.cancel("c3", "nobody"));
  CHECK(next_report(at.e42) == "reject c3/nobody/8/1");
  at.logon(at.e44);
  rest_order(at.e44, "b");
  REQUIRE(at.e42.cancel("c4", "b"));  // somebody else's
  CHECK(next_report(at.e42) == "reject c4/b/8/1");
}

TEST_CASE("a replace changes quantity and price, and the old ClOrdID is dead afterwards") {
  VenueFixture at;
  at.logon(at.e42);
  at.logon(at.e44);
  rest_order(at.e42, "a");
  REQUIRE(
      at.e42.send("G", {{11, "b"}, {41, "a"}, {55, "ACME"}, {54, "1"}, {38, "30"}, {40, "2"}, {44, "9.75"}}));
  CHECK(next_report(at.e42) == "b/5/5/-/-/0/30");
  REQUIRE(at.e42.cancel("c", "a"));
  CHECK(next_report(at.e42) == "reject c/a/5/1");
  REQUIRE(at.e42.send(
      "G", {{11, "d"}, {41, "b"}, {55, "ACME"}, {54, "1"}, {38, "130"}, {40, "2"}, {44, "10.02"}}));
  CHECK(next_report(at.e42) == "d/5/5/-/-/0/130");
  CHECK(next_report(at.e42) == "d/1/1/100/10.02/100/30");
  REQUIRE(at.e42.send(
      "G", {{11, "e"}, {41, "d"}, {55, "ACME"}, {54, "1"}, {38, "100"}, {40, "2"}, {44, "10.02"}}));
  CHECK(next_report(at.e42) == "reject e/d/1/0");
  rest_order(at.e44, "x");
  REQUIRE(
      at.e44.send("G", {{11, "y"}, {41, "x"}, {55, "ACME"}, {54, "1"}, {38, "5"}, {40, "2"}, {44, "9.50"}}));
  CHECK(next_report(at.e44) == "y/0/5/-/-/0/5");
}

TEST_CASE("a mass cancel reports itself and then each order of its own session") {
  VenueFixture at;
  at.logon(at.e42);
  at.logon(at.e44);
  rest_order(at.e42, "other");
  for (const char* id : {"a", "b"}) rest_order(at.e44, id);
  REQUIRE(at.e44.order("sell", '2', 7, "11"));
  CHECK(next_report(at.e44) == "sell/0/0/-/-/0/7");
  REQUIRE(at.e44.order("bond", '1', 1, "90", "BOND"));
  CHECK(next_report(at.e44) == "bond/0/0/-/-/0/1");
  REQUIRE(at.e44.send("q", {{11, "m1"}, {530, "1"}, {55, "ACME"}, {54, "1"}}));
  CHECK(next_report(at.e44) == "mass m1/1/2");
  CHECK(next_report(at.e44) == "a/4/4/-/-/0/0");
  CHECK(next_report(at.e44) == "b/4/4/-/-/0/0");
  REQUIRE(at.e44.send("q", {{11, "m2"}, {530, "7"}}));
  CHECK(next_report(at.e44) == "mass m2/7/2");
  CHECK(next_report(at.e44) == "sell/4/4/-/-/0/0");
  CHECK(next_report(at.e44) == "bond/4/4/-/-/0/0");
  REQUIRE(at.e44.send("q", {{11, "m3"}, {530, "9"}}));
  CHECK(next_report(at.e44) == "mass m3/0/0");
  REQUIRE(at.e42.send("q", {{11, "m4"}, {530, "7"}}));
  CHECK(next_report(at.e42) == "mass m4/7/1");
  CHECK(next_report(at.e42) == "other/4/4/-/-/0/0");
}

TEST_CASE("a status request tells where an order stands, and that an order is not known") {
  VenueFixture at;
  at.logon(at.e42);
  at.logon(at.e44);
  rest_order(at.e42, "a");
  REQUIRE(at.e42.send("H", {{11, "a"}, {55, "ACME"}, {54, "1"}}));
  FixAnswer answer;
  REQUIRE(at.e42.next(answer));
  CHECK(answer.get(20) == "3");
  CHECK(answer.get(39) == "0");
  REQUIRE(at.e44.order("b", '1', 100, ""));
  CHECK(next_report(at.e44) == "b/0/0/-/-/0/100");
  CHECK(next_report(at.e44) == "b/2/F/100/10.02/100/0");
  REQUIRE(at.e44.send("H", {{11, "b"}, {55, "ACME"}, {54, "1"}, {790, "q1"}}));
  REQUIRE(at.e44.next(answer));
  CHECK((answer.get(39) + answer.get(150) + answer.get(790)) == "2Iq1");
  REQUIRE(at.e44.send("H", {{11, "nobody"}, {55, "ACME"}, {54, "1"}}));
  REQUIRE(at.e44.next(answer));
  CHECK((answer.get(39) + answer.get(103)) == "85");
}

TEST_CASE("an order that cannot be is refused with its reason and does not enter the book") {
  VenueFixture at;
  at.logon(at.e44);
  rest_order(at.e44, "a");
  FixAnswer answer;
  const auto reason = [&] {
    REQUIRE(at.e44.next(answer));
    return answer.get(39) + answer.get(150) + '/' + answer.get(103) + '/' + answer.get(58);
  };
  REQUIRE(at.e44.order("b", '1', 10, "9", "NONE"));
  CHECK(reason() == "88/1/unknown symbol");
  REQUIRE(at.e44.order("a", '1', 10, "9"));
  CHECK(reason() == "88/6/duplicate ClOrdID");
  REQUIRE(at.e44.order("c", '1', 0, "9"));
  CHECK(reason() == "88/0/quantity not a positive whole number");
  REQUIRE(at.e44.order("d", '1', 10, "9.123456789"));
  CHECK(reason() == "88/0/price not a number");
  REQUIRE(at.e44.order("e", '5', 10, "9"));
  CHECK(reason() == "88/0/side not supported");
  REQUIRE(at.e44.send("D", {{11, "f"}, {55, "ACME"}, {54, "1"}, {40, "1"}}));
  CHECK(next_report(at.e44) == "type j");  // BusinessMessageReject: OrderQty is missing
  REQUIRE(at.e44.send("V", {{262, "x"}}));
  CHECK(next_report(at.e44) == "type j");
}

TEST_CASE("the statistics count what really happened, per session") {
  VenueFixture at;
  at.logon(at.e42);
  at.logon(at.e44);
  rest_order(at.e42, "resting");
  REQUIRE(at.e44.order("a", '1', 100, "10.02"));
  REQUIRE(at.e44.order("b", '2', 50, ""));
  for (int i = 0; i < 4; ++i) CHECK(next_report(at.e44) != "nothing");
  const nlohmann::json stats = nlohmann::json::parse(at.venue.control("stats"));
  CHECK(stats["orders"] == 3);
  CHECK(stats["executions"] == 2);
  CHECK(stats["shares"] == 150);
  CHECK(stats["notional_e4"] == 15020000);  // 100 * 10.02 + 50 * 10.00
  CHECK(stats["spread_cost_e4"] == 15000);  // 150 shares, one cent each
  CHECK(stats["messages"] == 5);
  CHECK(stats["sessions"]["E42"]["open"] == nlohmann::json{"resting"});
  CHECK(stats["sessions"]["E44"]["open"].empty());
  CHECK(stats["sessions"]["F44"]["logged_on"] == false);
}

TEST_CASE("a quote can be moved while the venue runs") {
  VenueFixture at;
  at.logon(at.e42);
  CHECK(at.venue.control("quote ACME 20 20.5 7") == "ok");
  REQUIRE(at.e42.order("a", '1', 7, ""));
  CHECK(next_report(at.e42) == "a/0/0/-/-/0/7");
  CHECK(next_report(at.e42) == "a/2/2/7/20.5/7/0");
  CHECK(at.venue.control("quote ACME 21 20 7") == "error: bad quote");
}

}  // namespace
}  // namespace portcullis::venue
