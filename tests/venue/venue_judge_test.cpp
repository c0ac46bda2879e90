// SPDX-License-Identifier: Apache-2.0
/// @file The judge says of each order what really became of it, by the venue's log alone.
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/venue/venue_fixture.hpp"
#include "tests/venue/venue_judge.hpp"

namespace portcullis::venue {
namespace {

FixFields order_of(const std::string& cl_ord_id) {
  return {{11, cl_ord_id}, {55, "ACME"}, {54, "1"}, {38, "10"}, {40, "2"}, {44, "9.50"}};
}

std::string garbled(std::string message) {
  char& digit = message[message.size() - 2];
  digit = static_cast<char>('0' + (digit - '0' + 1) % 10);
  return message;
}

/// "end reason" of an order; "not received".
std::string fate(const VenueJudge& judge, const std::string& cl_ord_id) {
  const JudgedOrder* const order = judge.order(cl_ord_id);
  if (order == nullptr) return "not received";
  const std::string text = text_of(*order);
  const std::size_t begin = text.find(": ") + 2;
  return text.substr(begin, text.find(',') - begin);
}

void wait_for_logout(VenueFixture& at, const char* session, std::size_t count) {
  for (int i = 0; i < 4000 && at.venue.log().all("logout", session).size() < count; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  REQUIRE(at.venue.log().all("logout", session).size() == count);
}

TEST_CASE("the judge tells how each order ended, why, and where it stood in the stream") {
  VenueFixture at;
  at.logon(at.e44);
  const std::size_t logon_end = at.e44.sent().size();
  rest_order(at.e44, "a");
  const std::size_t a_end = at.e44.sent().size();
  for (const char* id : {"b", "c", "d"}) rest_order(at.e44, id);
  REQUIRE(at.e44.order("filled", '2', 100, ""));
  REQUIRE(at.e44.order("part", '1', 150, "10.02"));
  REQUIRE(at.e44.order("ioc", '1', 1, "9", "ACME", '3'));
  REQUIRE(at.e44.order("nowhere", '1', 1, "9", "NONE"));
  REQUIRE(at.e44.order("a", '1', 1, "9"));  // the same ClOrdID again: refused, and the first stays what it is
  REQUIRE(
      at.e44.send("G", {{11, "b2"}, {41, "b"}, {55, "ACME"}, {54, "1"}, {38, "5"}, {40, "2"}, {44, "9"}}));
  REQUIRE(at.e44.cancel("x", "b2"));
  REQUIRE(at.e44.send("D", {{11, "short"}, {55, "ACME"}, {54, "1"}, {40, "1"}}));  // 35=j: no OrderQty
  at.fault("silent=orders");
  REQUIRE(at.e44.send("D", order_of("swallowed")));
  REQUIRE(at.venue.control("clear silent") == "ok");
  REQUIRE(at.e44.send_raw(garbled(at.e44.encode_as(at.e44.next_seq_num(), "D", order_of("garbled")))));
  at.fault("terse");
  REQUIRE(at.e44.send("q", {{11, "m"}, {530, "1"}, {55, "ACME"}, {54, "2"}}));
  REQUIRE(at.e44.cancel("y", "c"));
  for (FixAnswer answer; answer.get(11) != "y";) REQUIRE(at.e44.next(answer));
  {
    const VenueLog log = at.venue.log();
    const VenueJudge judge(log, "E44");
    CHECK(fate(judge, "a") == "open");
    CHECK(judge.order("a")->offset() == logon_end);
    CHECK(judge.order("a")->end_offset() == a_end);
    CHECK(judge.order("a")->seq_num() == 2);
    CHECK(judge.order("a")->copies.size() == 2);
    CHECK(fate(judge, "b") == "cancelled (cancel)");
    CHECK(judge.order("b2") == judge.order("b"));
    CHECK(judge.order("b")->last_cl_ord_id == "b2");
    CHECK(fate(judge, "c") == "cancelled (cancel)");
    CHECK(fate(judge, "filled") == "filled");
    CHECK(judge.order("filled")->cum_qty == 100);
    CHECK(fate(judge, "part") == "open");
    CHECK(judge.order("part")->cum_qty == 100);
    CHECK(fate(judge, "ioc") == "cancelled (unfilled)");
    CHECK(judge.order("ioc")->end_time_ns > 0);
    CHECK(fate(judge, "nowhere") == "refused (unknown symbol)");
    CHECK(fate(judge, "short") == "not acted upon (request)");
    CHECK(fate(judge, "swallowed") == "not acted upon (swallowed)");
    CHECK(fate(judge, "garbled") == "not received");
    std::vector<std::string> open;
    for (const JudgedOrder* order : judge.ended(OrderEnd::open)) open.push_back(order->cl_ord_id);
    CHECK(nlohmann::json(open) ==
          nlohmann::json::parse(at.venue.control("stats"))["sessions"]["E44"]["open"]);
    CHECK(judge.orders().size() == 10);
  }
  REQUIRE(at.e44.send("q", {{11, "m2"}, {530, "7"}}));
  CHECK(next_report(at.e44) == "mass m2/7/3");
  CHECK(at.venue.control("clear terse") == "ok");
  rest_order(at.e44, "last");
  at.e44.close_rst();
  wait_for_logout(at, "E44", 1);
  const VenueLog log = at.venue.log();
  const VenueJudge judge(log, "E44");
  for (const char* id : {"a", "d", "part"}) CHECK(fate(judge, id) == "cancelled (mass_cancel)");
  CHECK(fate(judge, "last") == "cancelled (disconnect)");
  CHECK(judge.ended(OrderEnd::open).empty());
}

TEST_CASE("the judge tells orders that were lost from those that came in a second copy or waited in vain") {
  VenueFixture at;
  at.logon(at.e42);
  at.fault("lose_in=2");
  for (const char* id : {"a", "b", "c", "d"}) REQUIRE(at.e42.send("D", order_of(id)));  // 2 to 5
  FixAnswer answer;
  REQUIRE(at.e42.next(answer));
  REQUIRE(answer.get(35) == "2");
  REQUIRE(at.e42.send_raw(at.e42.encode_as(2, "D", order_of("a"), true) +
                          at.e42.encode_as(3, "4", {{123, "Y"}, {36, "5"}}, true)));
  CHECK(next_report(at.e42) == "a/0/0/-/-/0/10");
  at.fault("throttle=0");
  REQUIRE(at.e42.send("D", order_of("e")));
  CHECK(next_report(at.e42) != "nothing");
  const std::size_t end = at.e42.sent().size();
  REQUIRE(at.e42.wait_closed() == 0);
  const VenueLog log = at.venue.log();
  const VenueJudge judge(log, "E42");
  CHECK(judge.order("a")->copies.size() == 2);
  CHECK(fate(judge, "a") == "cancelled (disconnect)");
  CHECK(judge.order("a")->copies[1].message->poss_dup);
  CHECK(fate(judge, "b") == "not acted upon (lost)");
  CHECK(fate(judge, "c") == "not acted upon (unread)");  // the gap fill went over it
  CHECK(fate(judge, "e") == "not acted upon (throttled)");
  CHECK(judge.order("e")->end_offset() == end);
  REQUIRE(judge.poss_dups().size() == 2);
  CHECK(judge.poss_dups()[0].message->cl_ord_id == "a");
  const auto resets = judge.sequence_resets();
  REQUIRE(resets.size() == 1);
  CHECK(resets[0].gap_fill);
  CHECK(resets[0].new_seq_no == 5);
  CHECK(resets[0].place.message->seq_num == 3);
}

TEST_CASE("the judge finds every order that follows the first cancel of another speaker") {
  VenueFixture at;
  at.logon(at.e42);
  for (const char* id : {"a", "b"}) rest_order(at.e42, id);
  REQUIRE(at.e42.cancel("x", "a"));  // the engine's own
  REQUIRE(next_report(at.e42) == "x/4/4/-/-/0/0");
  rest_order(at.e42, "c");
  const std::size_t at_cancel = at.e42.sent().size();
  REQUIRE(at.e42.send("q", {{11, "PC-1"}, {530, "7"}}));
  REQUIRE(at.e42.cancel("PC-2", "b"));
  for (FixAnswer answer; answer.get(11) != "PC-2";) REQUIRE(at.e42.next(answer));
  {
    const VenueLog log = at.venue.log();
    const VenueJudge judge(log, "E42");
    const InStream cancel = judge.first_cancel("PC-");
    REQUIRE(cancel);
    CHECK(cancel.message->offset == at_cancel);
    CHECK(cancel.field(530) == "7");
    CHECK(judge.orders_after(cancel).empty());
    CHECK_FALSE(judge.first_cancel("nobody"));
  }
  REQUIRE(at.e42.send_raw(at.e42.encode_as(2, "D", order_of("a"), true)));  // a resend counts too
  REQUIRE(
      at.e42.send("G", {{11, "c2"}, {41, "c"}, {55, "ACME"}, {54, "1"}, {38, "50"}, {40, "2"}, {44, "9"}}));
  REQUIRE(at.e42.send("D", order_of("d")));
  for (FixAnswer answer; answer.get(11) != "d";) REQUIRE(at.e42.next(answer));
  at.e42.close_fin();
  wait_for_logout(at, "E42", 1);
  at.logon(at.e42, false);
  rest_order(at.e42, "e");  // and so does another connection
  const VenueLog log = at.venue.log();
  const VenueJudge judge(log, "E42");
  std::string ids;
  for (const InStream& late : judge.orders_after(judge.first_cancel("PC-")))
    ids += late.message->cl_ord_id + ' ';
  CHECK(ids == "a c2 d e ");
}

TEST_CASE("the judge lists what was garbled, with its place, and whether it was a message") {
  VenueFixture at;
  at.logon(at.e44);
  const std::size_t before = at.e44.sent().size();
  const std::string bad = garbled(at.e44.encode_as(2, "D", order_of("bad")));
  REQUIRE(at.e44.send_raw(bad + "junk"));
  rest_order(at.e44, "a");
  const VenueLog log = at.venue.log();
  const auto garbled_ones = VenueJudge(log, "E44").garbled();
  REQUIRE(garbled_ones.size() == 2);
  CHECK(garbled_ones[0].framed);
  CHECK(garbled_ones[0].offset == before);
  CHECK(garbled_ones[0].end == before + bad.size());
  CHECK(garbled_ones[0].seq_num == 2);
  CHECK_FALSE(garbled_ones[1].framed);
  CHECK(garbled_ones[1].end == before + bad.size() + 4);
  CHECK(VenueJudge(log, "E42").garbled().empty());
}

TEST_CASE("the judge calls a logon clean only when neither side missed a number") {
  VenueFixture at;
  const auto come_back = [&](int next_seq_num, bool reset, std::size_t ended) {
    at.e42.close_fin();
    wait_for_logout(at, "E42", ended);
    at.e42.set_next_seq_num(next_seq_num);
    return at.e42.logon(at.venue.port(), reset);
  };
  at.logon(at.e42);
  rest_order(at.e42, "a");
  CHECK(come_back(3, false, 1));        // in order
  CHECK(come_back(9, false, 2));        // 4 to 8 are missing: the venue asks
  CHECK_FALSE(come_back(2, false, 3));  // too low: the venue logs out
  at.e42.close_fin();
  CHECK(come_back(4, false, 3));  // still expected; this side asks
  REQUIRE(at.e42.send("2", {{7, "1"}, {16, "0"}}));
  REQUIRE(next_report(at.e42) == "type 4");
  CHECK(come_back(1, true, 4));  // a reset of both
  const VenueLog log = at.venue.log();
  const auto logons = VenueJudge(log, "E42").logons();
  REQUIRE(logons.size() == 6);
  std::string told;
  for (const JudgedLogon& logon : logons)
    told += std::to_string(logon.place.message->seq_num) + (logon.reset ? "R" : "") +
            (logon.accepted ? "" : "refused") + (logon.clean() ? " clean" : "") +
            (logon.venue_asked > 0 ? " venue asked" : "") + (logon.engine_asked > 0 ? " engine asked" : "") +
            ", ";
  CHECK(told == "1R clean, 3 clean, 9 venue asked, 2refused, 4 engine asked, 1R clean, ");
  CHECK(logons[2].expected == 4);
  CHECK(logons[3].logged_out.find("too low") != std::string::npos);
}

}  // namespace
}  // namespace portcullis::venue
