// SPDX-License-Identifier: Apache-2.0
/// @file The venue's sessions: sequence numbers, gaps and resends in both directions, ResendRequests at bad
/// moments, and sessions that the venue ends because of what it received.
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/venue/fix_scan.hpp"
#include "tests/venue/venue_fixture.hpp"

namespace portcullis::venue {
namespace {

nlohmann::json open_of(VenueFixture& at, const char* session) {
  return nlohmann::json::parse(at.venue.control("stats"))["sessions"][session]["open"];
}

/// The next message as "35/34", with 7 and 16 of a ResendRequest, 36 of a SequenceReset, 11 of a report;
/// "dup" when it is one.
std::string next_numbered(FixClient& client, int timeout_ms = 20000) {
  FixAnswer answer;
  if (!client.next(answer, timeout_ms)) return "nothing";
  const std::string type = answer.get(35);
  std::string text = type + '/' + answer.get(34);
  if (type == "2") text += '/' + answer.get(7) + '/' + answer.get(16);
  if (type == "4") text += '/' + answer.get(36) + (answer.get(123) == "Y" ? " fill" : " reset");
  if (type == "8") text += '/' + answer.get(11) + '/' + answer.get(39);
  if (answer.get(43) == "Y") text += answer.get(122).empty() ? " dup without 122" : " dup";
  return text;
}

FixFields order_of(const std::string& cl_ord_id) {
  return {{11, cl_ord_id}, {55, "ACME"}, {54, "1"}, {38, "10"}, {40, "2"}, {44, "9.50"}};
}
FixFields cancel_of(const std::string& cl_ord_id, const std::string& orig) {
  return {{11, cl_ord_id}, {41, orig}, {55, "ACME"}, {54, "1"}};
}
FixFields fill_to(int new_seq_no) { return {{123, "Y"}, {36, std::to_string(new_seq_no)}}; }

/// The message with its CheckSum made wrong.
std::string garbled(std::string message) {
  char& digit = message[message.size() - 2];
  digit = static_cast<char>('0' + (digit - '0' + 1) % 10);
  return message;
}

const VenueEvent& only(const VenueLog& log, const char* event, const char* session) {
  const auto found = log.all(event, session);
  INFO(event);
  REQUIRE(found.size() == 1);
  return *found[0];
}

TEST_CASE("a venue with a throttle lets so many messages a second in, then logs out and closes") {
  VenueFixture at;
  at.logon(at.e42);
  at.logon(at.e44);
  at.fault("throttle=5@E42");
  std::string burst;
  for (int i = 0; i < 20; ++i) burst += at.e42.encode("D", order_of("a" + std::to_string(i)));
  REQUIRE(at.e42.send_raw(burst));
  for (int i = 0; i < 5; ++i) CHECK(next_report(at.e42) == "a" + std::to_string(i) + "/0/0/-/-/0/10");
  FixAnswer logout;
  REQUIRE(at.e42.next(logout));
  CHECK(logout.get(35) + ' ' + logout.get(58) == "5 more than 5 messages a second");
  CHECK(at.e42.wait_closed() == 0);
  rest_order(at.e44, "other");
  const VenueLog log = at.venue.log();
  const VenueEvent& throttled = only(log, "throttled", "E42");
  CHECK(throttled.seq_num == 7);
  const auto& messages = log.of_session("E42").at(0)->messages;
  CHECK(throttled.offset == static_cast<std::int64_t>(messages.at(6).offset));
  CHECK(throttled.end == static_cast<std::int64_t>(messages.at(6).end));
  CHECK(only(log, "disconnect", "E42").how == "throttle");
  CHECK(log.all("request", "E42").size() == 5);
  CHECK(log.all("cancel_on_disconnect", "E42").size() == 5);
  CHECK(log.of_session("E42").at(0)->bytes == at.e42.sent());  // what came too late is logged all the same
  CHECK(open_of(at, "E44") == nlohmann::json{"other"});
}

TEST_CASE("a venue with a throttle does not mind the same number of messages at a lower rate") {
  VenueFixture at({"--fault", "throttle=3@E42"});
  at.logon(at.e42);
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    rest_order(at.e42, "a" + std::to_string(i));
    rest_order(at.e42, "b" + std::to_string(i));
  }
  CHECK(at.venue.log().all("throttled").empty());
}

TEST_CASE(
    "a venue can end a session for a garbled message, with a Logout or without, and for bytes that are "
    "none") {
  VenueFixture at({"--fault", "cut_on_garbled@E42", "--fault", "cut_on_garbled=logout@E44", "--fault",
                   "cut_on_garbled@F44"});
  for (FixClient* client : {&at.e42, &at.e44, &at.f44}) {
    at.logon(*client);
    rest_order(*client, "a");
  }
  const std::size_t before = at.e42.sent().size();
  REQUIRE(at.e42.send_raw(garbled(at.e42.encode("D", order_of("bad")))));
  CHECK(next_numbered(at.e42) == "nothing");
  CHECK(at.e42.wait_closed() == 0);
  REQUIRE(at.e44.send_raw(garbled(at.e44.encode("F", cancel_of("c", "a")))));
  CHECK(next_numbered(at.e44) == "5/3");
  CHECK(at.e44.wait_closed() == 0);
  REQUIRE(at.f44.send_raw("hello" + at.f44.encode("D", order_of("good"))));
  CHECK(next_numbered(at.f44) == "nothing");
  CHECK(at.f44.wait_closed() == 0);
  const VenueLog log = at.venue.log();
  CHECK(only(log, "garbled", "E42").offset == static_cast<std::int64_t>(before));
  CHECK(only(log, "garbled", "E42").end == static_cast<std::int64_t>(at.e42.sent().size()));
  CHECK(only(log, "garbage", "F44").end - only(log, "garbage", "F44").offset == 5);
  for (const char* session : {"E42", "E44", "F44"}) {
    CHECK(only(log, "disconnect", session).how == "garbled");
    CHECK(only(log, "cancel_on_disconnect", session).cl_ord_id == "a");
    CHECK(log.all("request", session).size() == 1);
  }
}

TEST_CASE("a venue drops garbled messages and bytes that are none, and its log says where they stood") {
  VenueFixture at;
  at.logon(at.e42);
  const std::size_t before = at.e42.sent().size();
  const int number = at.e42.next_seq_num();
  const std::string bad = garbled(at.e42.encode("D", order_of("bad")));
  REQUIRE(at.e42.send_raw("noise" + bad + "more" + at.e42.encode_as(number, "D", order_of("good"))));
  CHECK(next_report(at.e42) == "good/0/0/-/-/0/10");
  const VenueLog log = at.venue.log();
  const auto garbage = log.all("garbage", "E42");
  REQUIRE(garbage.size() == 2);
  CHECK(garbage[0]->offset == static_cast<std::int64_t>(before));
  CHECK(garbage[0]->end == static_cast<std::int64_t>(before + 5));
  CHECK(garbage[1]->offset == static_cast<std::int64_t>(before + 5 + bad.size()));
  CHECK(only(log, "garbled", "E42").offset == garbage[0]->end);
  CHECK(only(log, "garbled", "E42").end == garbage[1]->offset);
  CHECK(only(log, "garbled", "E42").seq_num == number);
  CHECK(log.all("disconnect").empty());
}

TEST_CASE("a lost message makes a true gap: the venue asks, and acts upon what is sent again") {
  VenueFixture at;
  at.logon(at.e42);
  at.fault("lose_in=2@E42");
  for (const char* id : {"a", "b", "c"}) REQUIRE(at.e42.send("D", order_of(id)));  // numbers 2, 3, 4
  CHECK(next_numbered(at.e42) == "2/2/2/0");
  REQUIRE(at.e42.send_raw(at.e42.encode_as(2, "D", order_of("a"), true)));
  CHECK(next_numbered(at.e42) == "8/3/a/0");
  REQUIRE(at.e42.send_raw(at.e42.encode_as(3, "4", fill_to(4), true)));
  REQUIRE(at.e42.send_raw(at.e42.encode_as(4, "D", order_of("c"), true)));
  CHECK(next_numbered(at.e42) == "8/4/c/0");
  CHECK(next_numbered(at.e42, 200) == "nothing");
  rest_order(at.e42, "d");
  const VenueLog log = at.venue.log();
  REQUIRE(log.all("lost", "E42").size() == 2);
  CHECK(log.all("lost", "E42")[0]->seq_num == 2);
  CHECK(log.all("lost", "E42")[1]->end - log.all("lost", "E42")[0]->end > 50);
  CHECK(only(log, "admin_out", "E42").begin_seq_no == 2);
  CHECK(only(log, "admin_out", "E42").end_seq_no == 0);
  CHECK(open_of(at, "E42") == nlohmann::json{"a", "c", "d"});
}

TEST_CASE("one gap fill over everything erases a cancel that waits behind the gap") {
  VenueFixture at;
  at.logon(at.e44);
  rest_order(at.e44, "a");
  at.fault("lose_in@E44");
  REQUIRE(at.e44.send("D", order_of("b")));        // 3, lost
  REQUIRE(at.e44.send("F", cancel_of("c", "a")));  // 4, waits
  CHECK(next_numbered(at.e44) == "2/3/3/0");
  REQUIRE(at.e44.send_raw(at.e44.encode_as(3, "4", fill_to(5), true)));
  CHECK(next_numbered(at.e44, 200) == "nothing");
  CHECK(open_of(at, "E44") == nlohmann::json{"a"});
  REQUIRE(at.e44.send("F", cancel_of("c2", "a")));  // 5: only a new cancel helps
  CHECK(next_numbered(at.e44) == "8/4/c2/4");
}

TEST_CASE("a sequence reset takes the session to a fresh number, whatever the venue missed") {
  VenueFixture at;
  at.logon(at.e42);
  rest_order(at.e42, "a");
  at.fault("lose_in@E42");
  REQUIRE(at.e42.send("F", cancel_of("c", "a")));  // 3, lost
  REQUIRE(at.e42.send("4", {{36, "100"}}));        // 4, reset mode: its own number does not matter
  at.e42.set_next_seq_num(100);
  REQUIRE(at.e42.send("F", cancel_of("c2", "a")));
  CHECK(next_numbered(at.e42) == "8/3/c2/4");
}

TEST_CASE("a venue can ask for messages just before and just after a cancel, each once") {
  VenueFixture at;
  at.logon(at.e44);
  for (const char* id : {"a", "b", "c", "d"}) rest_order(at.e44, id);
  at.fault("ask_before=2");
  REQUIRE(at.e44.send("F", cancel_of("x", "a")));  // 6
  CHECK(next_numbered(at.e44) == "2/6/4/0");
  CHECK(next_numbered(at.e44) == "8/7/x/4");
  REQUIRE(at.e44.send_raw(at.e44.encode_as(4, "4", fill_to(6), true)));
  REQUIRE(at.e44.send_raw(at.e44.encode_as(6, "F", cancel_of("x", "a"), true)));
  at.fault("ask_after");
  REQUIRE(at.e44.send("F", cancel_of("y", "b")));  // 7; what was repeated was not acted upon twice
  CHECK(next_numbered(at.e44) == "8/8/y/4");
  CHECK(next_numbered(at.e44) == "2/9/7/0");
  at.fault("ask_bounded@E44");
  at.fault("ask_before=100");
  at.fault("ask_after=1");
  REQUIRE(at.e44.send("q", {{11, "m"}, {530, "7"}}));  // 8
  CHECK(next_numbered(at.e44) == "2/10/1/8");
  FixAnswer mass;
  REQUIRE(at.e44.next(mass));
  CHECK(mass.get(35) + mass.get(531) == "r7");
  for (const char* report : {"8/12/c/4", "8/13/d/4", "2/14/7/8"}) CHECK(next_numbered(at.e44) == report);
  REQUIRE(at.e44.send("F", cancel_of("z", "a")));
  FixAnswer reject;
  REQUIRE(at.e44.next(reject));
  CHECK(reject.get(35) == "9");  // and no question any more
}

TEST_CASE("the venue asks for any range on demand, by number or counted back from the next it expects") {
  VenueFixture at;
  CHECK(at.venue.control("ask E42 1 0") == "error: not logged on");
  at.logon(at.e42);
  for (const char* id : {"a", "b", "c"}) rest_order(at.e42, id);  // it expects 5
  CHECK(at.venue.control("ask E42 2 3") == "ok");
  CHECK(next_numbered(at.e42) == "2/5/2/3");
  CHECK(at.venue.control("ask E42 -2 0") == "ok");
  CHECK(next_numbered(at.e42) == "2/6/3/0");
  CHECK(at.venue.control("ask E42 -100 -1") == "ok");
  CHECK(next_numbered(at.e42) == "2/7/1/4");
  for (const char* bad : {"ask E42 1", "ask E42", "ask E42 1 2 3", "ask E42 x 0"})
    CHECK(at.venue.control(bad) == "error: ask SESSION BEGIN END");
  CHECK(at.venue.control("ask E42 0 0") == "error: number out of range");
  CHECK(at.venue.control("ask NOBODY 1 0") == "error: unknown session");
}

TEST_CASE("a ResendRequest is answered with every report again and gap fills for the rest") {
  VenueFixture at;
  for (FixClient* client : {&at.e42, &at.e44}) {
    at.logon(*client);                             // venue's number 1
    rest_order(*client, "a");                      // 2
    REQUIRE(client->send("1", {{112, "hello"}}));  // 3, a Heartbeat
    rest_order(*client, "b");                      // 4
    REQUIRE(client->cancel("c", "b"));             // 5
    REQUIRE(next_report(*client) == "c/4/4/-/-/0/0");
    REQUIRE(client->send("2", {{7, "1"}, {16, "0"}}));
    for (const char* expected :
         {"4/1/2 fill dup", "8/2/a/0 dup", "4/3/4 fill dup", "8/4/b/0 dup", "8/5/c/4 dup"})
      CHECK(next_numbered(*client) == expected);
    REQUIRE(client->send("2", {{7, "4"}, {16, "4"}}));
    CHECK(next_numbered(*client) == "8/4/b/0 dup");
    REQUIRE(client->order("d", '1', 10, "9.50"));
    CHECK(next_numbered(*client) == "8/6/d/0");
  }
  CHECK(at.venue.log().all("resent", "E44").size() == 4);
  CHECK(at.venue.log().all("resent", "E44")[3]->cl_ord_id == "b");
}

TEST_CASE("a venue that skips numbers of its own fills the gap when it is asked") {
  VenueFixture at;
  CHECK(at.venue.control("skip E44 3") == "error: not logged on");
  at.logon(at.e44);
  rest_order(at.e44, "a");  // 2
  CHECK(at.venue.control("skip E44 3") == "ok");
  CHECK(at.venue.control("skip E44 0") == "error: number out of range");
  CHECK(at.venue.control("skip E44") == "error: skip SESSION COUNT");
  REQUIRE(at.e44.order("b", '1', 10, "9.50"));
  CHECK(next_numbered(at.e44) == "8/6/b/0");
  REQUIRE(at.e44.send("2", {{7, "3"}, {16, "0"}}));
  CHECK(next_numbered(at.e44) == "4/3/6 fill dup");
  CHECK(next_numbered(at.e44) == "8/6/b/0 dup");
  CHECK(only(at.venue.log(), "skipped", "E44").seq_num == 3);
  CHECK(only(at.venue.log(), "skipped", "E44").affected == 3);
}

TEST_CASE("the log tells of each logon which number came and which was expected") {
  VenueFixture at;
  at.logon(at.e42);
  rest_order(at.e42, "a");
  at.e42.close_fin();
  at.e42.set_next_seq_num(6);  // 3 to 5 were never seen
  FixAnswer answer;
  for (int i = 0; i < 2000 && at.venue.log().all("logout", "E42").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  at.logon(at.e42, false);
  CHECK(next_numbered(at.e42).substr(0, 2) == "2/");
  const VenueLog log = at.venue.log();
  const auto logons = log.all("logon", "E42");
  REQUIRE(logons.size() == 2);
  CHECK(logons[0]->reset);
  CHECK(logons[0]->seq_num == 1);
  CHECK(logons[0]->expected == 1);
  CHECK_FALSE(logons[1]->reset);
  CHECK(logons[1]->seq_num == 6);
  CHECK(logons[1]->expected == 3);
  CHECK(logons[1]->offset == 0);
}

}  // namespace
}  // namespace portcullis::venue
