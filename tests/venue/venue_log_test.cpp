// SPDX-License-Identifier: Apache-2.0
/// @file The venue as an oracle: its log holds each byte that was sent, at its offset, and each event.
#include <thread>

#include "tests/venue/venue_fixture.hpp"

namespace portcullis::venue {
namespace {

TEST_CASE("the log holds every byte that a session sent, and each message at its offset") {
  VenueFixture at;
  at.logon(at.e44);
  std::vector<std::uint64_t> ends{at.e44.sent().size()};
  for (int i = 0; i < 200; ++i) {
    REQUIRE(
        at.e44.order("order-" + std::to_string(i), i % 2 == 0 ? '1' : '2', 1 + i, i % 3 == 0 ? "" : "10.01"));
    ends.push_back(at.e44.sent().size());
  }
  REQUIRE(at.e44.send("H", {{11, "order-0"}}));
  FixAnswer answer;
  while (at.e44.next(answer) && answer.get(150) != "I") {
  }
  const VenueLog log = at.venue.log();
  const auto connections = log.of_session("E44");
  REQUIRE(connections.size() == 1);
  CHECK(connections[0]->bytes == at.e44.sent());
  const auto& messages = connections[0]->messages;
  REQUIRE(messages.size() == 202);
  for (std::size_t i = 1; i <= 200; ++i) {
    CHECK(messages[i].offset == ends[i - 1]);
    CHECK(messages[i].end == ends[i]);
    CHECK(messages[i].intact);
    CHECK(messages[i].type == "D");
    CHECK(messages[i].cl_ord_id == "order-" + std::to_string(i - 1));
    CHECK(messages[i].seq_num == static_cast<std::int64_t>(i) + 1);
    CHECK(messages[i].order_qty == static_cast<std::int64_t>(i));
    CHECK(messages[i].side == (i % 2 == 1 ? '1' : '2'));
    CHECK(messages[i].time_ns >= messages[i - 1].time_ns);
    CHECK(messages[i].time_ns > 0);
  }
  const auto requests = log.all("request", "E44");
  REQUIRE(requests.size() == 201);
  for (std::size_t i = 0; i < 200; ++i) {
    CHECK(requests[i]->offset == static_cast<std::int64_t>(ends[i]));
    CHECK(requests[i]->end == static_cast<std::int64_t>(ends[i + 1]));
  }
  std::uint64_t read_bytes = 0;
  for (const VenueRead& read : connections[0]->reads) {
    CHECK(read.offset == read_bytes);
    read_bytes += read.size_bytes;
  }
  CHECK(read_bytes == at.e44.sent().size());
}

TEST_CASE("a message that arrives in two parts is one message, stamped when its last byte came") {
  VenueFixture at;
  at.logon(at.e42);
  const std::string order =
      at.e42.encode("D", {{11, "a"}, {55, "ACME"}, {54, "1"}, {38, "5"}, {40, "2"}, {44, "9"}});
  REQUIRE(at.e42.send_raw(order.substr(0, order.size() - 3)));
  CHECK(next_report(at.e42, 100) == "nothing");
  REQUIRE(at.e42.send_raw(order.substr(order.size() - 3)));
  CHECK(next_report(at.e42) == "a/0/0/-/-/0/5");
  const VenueLog log = at.venue.log();
  const auto& connection = *log.of_session("E42").at(0);
  REQUIRE(connection.messages.size() == 2);
  CHECK(connection.messages[1].end == connection.bytes.size());
  CHECK(connection.messages[1].time_ns == connection.reads.back().time_ns);
}

TEST_CASE("a garbled message is logged, not acted upon, and its number stays free") {
  VenueFixture at;
  at.logon(at.e42);
  std::string garbled = at.e42.encode("D", {{11, "bad"}, {55, "ACME"}, {54, "1"}, {38, "5"}, {40, "1"}});
  garbled[garbled.size() - 2] = static_cast<char>('0' + (garbled[garbled.size() - 2] - '0' + 1) % 10);
  REQUIRE(at.e42.send_raw(garbled));
  const std::string number = std::to_string(at.e42.next_seq_num() - 1);
  std::string good =
      at.e42.encode("D", {{11, "good"}, {55, "ACME"}, {54, "1"}, {38, "5"}, {40, "2"}, {44, "9"}});
  const std::string later = "\00134=" + std::to_string(at.e42.next_seq_num() - 1) + '\001';
  good.replace(good.find(later), later.size(),
               "\00134=" + number + '\001');  // same width: BodyLength stays right
  const std::size_t trailer = good.size() - 7;
  unsigned sum = 0;
  for (std::size_t i = 0; i < trailer; ++i) sum += static_cast<unsigned char>(good[i]);
  good.replace(trailer + 3, 3, std::to_string(1000 + sum % 256).substr(1));
  REQUIRE(at.e42.send_raw(good));
  CHECK(next_report(at.e42) == "good/0/0/-/-/0/5");
  const VenueLog log = at.venue.log();
  const auto& messages = log.of_session("E42").at(0)->messages;
  REQUIRE(messages.size() == 3);
  CHECK_FALSE(messages[1].intact);
  CHECK(messages[2].intact);
  CHECK(log.all("garbled").size() == 1);
}

TEST_CASE("bytes that still come after the venue dropped the connection are logged and not acted upon") {
  VenueFixture at;
  at.logon(at.e42);
  at.fault("drop@E42");
  REQUIRE(at.e42.wait_closed() == 0);  // a FIN
  REQUIRE(at.e42.order("late", '1', 5, ""));
  const std::string sent = at.e42.sent();
  at.e42.close_fin();
  for (int i = 0; i < 2000 && at.venue.log().of_session("E42").at(0)->bytes != sent; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const VenueLog log = at.venue.log();
  CHECK(log.of_session("E42").at(0)->bytes == sent);
  CHECK(log.all("request").empty());
  REQUIRE(log.all("disconnect", "E42").size() == 1);
  CHECK(log.all("disconnect", "E42")[0]->how == "drop");
}

TEST_CASE("a venue that is told to stop exits cleanly with its whole log written") {
  VenueFixture at;
  at.logon(at.e42);
  rest_order(at.e42, "a");
  CHECK(at.venue.stop() == 0);
  const VenueLog log = VenueLog::read(at.folder.path());
  CHECK(log.of_session("E42").at(0)->bytes == at.e42.sent());
  REQUIRE(log.all("disconnect").size() == 1);
  CHECK(log.all("disconnect")[0]->how == "shutdown");
}

TEST_CASE("garbage, absurd lengths and cut messages in a stream do not move the offsets of the others") {
  FixClient writer("E", "V");
  const std::string a = writer.encode("0", {});
  const std::string b = writer.encode("D", {{11, "x"}, {38, "7"}});
  const std::vector<VenueMessage> parsed = parse_messages("noise" + a + b + b.substr(0, b.size() - 1));
  REQUIRE(parsed.size() == 2);
  CHECK(parsed[0].offset == 5);
  CHECK(parsed[1].offset == 5 + a.size());
  CHECK(parsed[1].end == 5 + a.size() + b.size());
  CHECK(parse_messages("8=FIX.4.2\0019=99999999999999999999\00135=D\001").empty());
  CHECK(parse_messages("8=FIX.4.2\0019=-5\00135=D\00110=000\001").empty());
  CHECK(parse_messages("").empty());
}

TEST_CASE("an event is read as it was written, hostile bytes included, and half a line is none") {
  VenueEvent event;
  REQUIRE(parse_event(
      R"({"time_ns":12,"event":"exec","conn":3,"cl_ord_id":"a\"\\\u0001\u00ff","seq_num":"77","text":"","last_px_e8":-5,)"
      R"("else":"ignored"})",
      event));
  CHECK(event.time_ns == 12);
  CHECK(event.event == "exec");
  CHECK(event.conn == 3);
  CHECK(event.cl_ord_id == std::string("a\"\\\x01\xff"));
  CHECK(event.seq_num == 77);
  CHECK(event.last_px_e8 == -5);
  CHECK(event.offset == -1);
  for (const char* bad :
       {"", "{", "{}", R"({"event":"x")", R"({"event":"x)", R"({"event":})", R"({"event":"x"}})",
        R"({"event" "x"})", R"({"event":"\u00)", R"({"event":"\u0100"})", R"(["event"])"}) {
    INFO(bad);
    CHECK_FALSE(parse_event(bad, event));
    CHECK(event.time_ns == 12);
  }
}

TEST_CASE("a ClOrdID of hostile bytes is the same in the stream, in the book and in the log") {
  VenueFixture at;
  at.logon(at.e42);
  const std::string hostile = "a\"b\\c\td\x7f\xfe{}:,";
  rest_order(at.e42, hostile);
  CHECK(at.venue.log().all("exec", "E42").at(0)->cl_ord_id == hostile);
  CHECK(at.venue.log().of_session("E42").at(0)->messages.at(1).cl_ord_id == hostile);
}

}  // namespace
}  // namespace portcullis::venue
