// SPDX-License-Identifier: Apache-2.0
/// @file The venue as an adversary: cancel on disconnect, and each fault does what its row in the table says.
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/venue/venue_fixture.hpp"

namespace portcullis::venue {
namespace {

/// Waits until an event of this kind is logged for the session.
bool wait_for(VenueFixture& at, const char* event, const char* session) {
  for (int i = 0; i < 2000; ++i) {
    if (!at.venue.log().all(event, session).empty()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

nlohmann::json open_of(VenueFixture& at, const char* session) {
  return nlohmann::json::parse(at.venue.control("stats"))["sessions"][session]["open"];
}

TEST_CASE("a session that is reset has all its orders cancelled, and only its own") {
  VenueFixture at;
  at.logon(at.e42);
  at.logon(at.e44);
  for (const char* id : {"a", "b", "c"}) rest_order(at.e42, id, '1');
  rest_order(at.e44, "other");
  at.e42.close_rst();
  REQUIRE(wait_for(at, "logout", "E42"));
  const VenueLog log = at.venue.log();
  REQUIRE(log.all("disconnect", "E42").size() == 1);
  CHECK(log.all("disconnect", "E42")[0]->how == "rst");
  CHECK(log.all("disconnect", "E42")[0]->error == ECONNRESET);
  const auto cancelled = log.all("cancel_on_disconnect", "E42");
  REQUIRE(cancelled.size() == 3);
  CHECK(cancelled[2]->cl_ord_id == "c");
  CHECK(open_of(at, "E42").empty());
  CHECK(open_of(at, "E44") == nlohmann::json{"other"});
}

TEST_CASE("a session that ends by FIN has its orders cancelled, and hears of it when it comes back") {
  VenueFixture at;
  at.logon(at.e42);
  rest_order(at.e42, "a");
  at.e42.close_fin();
  REQUIRE(wait_for(at, "cancel_on_disconnect", "E42"));
  CHECK(at.venue.log().all("disconnect", "E42")[0]->how == "fin");
  at.logon(at.e42, false);
  REQUIRE(at.e42.send("2", {{7, "3"}, {16, "0"}}));  // 1 was the Logon, 2 the report of the order
  CHECK(next_report(at.e42) == "a/4/4/-/-/0/0");
}

TEST_CASE("cancel on disconnect can be off for a session, off by a fault, and can spare GTC orders") {
  VenueFixture at({"--session", "KEEP:VENUE:no_cod"});
  FixClient keep("KEEP", "VENUE");
  for (FixClient* client : {&keep, &at.e42, &at.e44}) at.logon(*client);
  at.fault("no_cod@E42");
  at.fault("keep_gtc@E44");
  rest_order(keep, "k");
  rest_order(at.e42, "a");
  rest_order(at.e44, "gtc", '1');
  rest_order(at.e44, "day");
  for (FixClient* client : {&keep, &at.e42, &at.e44}) client->close_rst();
  for (const char* session : {"KEEP", "E42", "E44"}) REQUIRE(wait_for(at, "logout", session));
  CHECK(open_of(at, "KEEP") == nlohmann::json{"k"});
  CHECK(open_of(at, "E42") == nlohmann::json{"a"});
  CHECK(open_of(at, "E44") == nlohmann::json{"gtc"});
}

TEST_CASE("a silent venue swallows requests, all or only cancels") {
  VenueFixture at;
  at.logon(at.e42);
  rest_order(at.e42, "a");
  at.fault("silent=cancels");
  REQUIRE(at.e42.cancel("c1", "a"));
  CHECK(next_report(at.e42, 200) == "nothing");
  REQUIRE(at.e42.send("q", {{11, "m"}, {530, "7"}}));
  CHECK(next_report(at.e42, 200) == "nothing");
  rest_order(at.e42, "b");
  CHECK(open_of(at, "E42").size() == 2);
  CHECK(at.venue.log().all("swallowed", "E42").size() == 2);
  at.fault("silent");
  REQUIRE(at.e42.order("d", '1', 5, ""));
  CHECK(next_report(at.e42, 200) == "nothing");
  CHECK(at.venue.control("clear silent") == "ok");
  REQUIRE(at.e42.cancel("c2", "a"));
  CHECK(next_report(at.e42) == "c2/4/4/-/-/0/0");
}

TEST_CASE("a mute venue acts and says nothing") {
  VenueFixture at;
  at.logon(at.e42);
  rest_order(at.e42, "a");
  at.fault("mute@E42");
  REQUIRE(at.e42.cancel("c", "a"));
  CHECK(next_report(at.e42, 200) == "nothing");
  CHECK(open_of(at, "E42").empty());
}

TEST_CASE("a late venue answers after its delay, in order") {
  VenueFixture at;
  at.logon(at.e42);
  at.fault("late=150");
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(at.e42.order("a", '1', 10, ""));
  CHECK(next_report(at.e42) == "a/0/0/-/-/0/10");
  CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(145));
  CHECK(next_report(at.e42) == "a/2/2/10/10.02/10/0");
}

TEST_CASE("a venue that stops reading makes the engine's queue fill, and reads on when told") {
  VenueFixture at({"--rcvbuf", "4096"});
  at.logon(at.e42);
  at.fault("slow_read=0@E42");
  int queued = 0;
  for (int i = 0; i < 200; ++i) REQUIRE(at.e42.order("a" + std::to_string(i), '1', 1, "9"));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  REQUIRE(ioctl(at.e42.fd(), SIOCOUTQ, &queued) == 0);
  CHECK(queued > 10000);
  CHECK(at.venue.log().all("request").empty());
  CHECK(at.venue.control("clear slow_read@E42") == "ok");
  for (int i = 0; i < 200; ++i) REQUIRE(next_report(at.e42) == "a" + std::to_string(i) + "/0/0/-/-/0/1");
  CHECK(at.venue.log().of_session("E42").at(0)->bytes == at.e42.sent());
}

TEST_CASE("a venue that does not read still sees a reset at once") {
  VenueFixture at;
  at.logon(at.e42);
  rest_order(at.e42, "a");
  at.fault("slow_read=0");
  REQUIRE(at.e42.order("b", '1', 1, "9"));
  const std::string sent = at.e42.sent();
  at.e42.close_rst();
  REQUIRE(wait_for(at, "cancel_on_disconnect", "E42"));
  const VenueLog log = at.venue.log();
  CHECK(log.of_session("E42").at(0)->bytes == sent);  // its kernel had acked them
  CHECK(log.all("disconnect", "E42")[0]->how == "rst");
  CHECK(log.all("request", "E42").size() == 1);
}

TEST_CASE("a venue that reads slowly keeps to its rate") {
  VenueFixture at;
  at.logon(at.e42);
  at.fault("slow_read=20000");
  const auto begin = std::chrono::steady_clock::now();
  const std::size_t before = at.e42.sent().size();
  for (int i = 0; i < 100; ++i) REQUIRE(at.e42.order("a" + std::to_string(i), '1', 1, "9"));
  const double owed_s = static_cast<double>(at.e42.sent().size() - before) / 20000;
  for (int i = 0; i < 100; ++i) REQUIRE(next_report(at.e42) != "nothing");
  const double took_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  CHECK(took_s > owed_s * 0.7);
}

TEST_CASE("a venue drops or resets a connection at once, or after a number of messages") {
  VenueFixture at({"--fault", "reset=3@F44"});
  for (FixClient* client : {&at.e42, &at.e44, &at.f44}) at.logon(*client);
  rest_order(at.e42, "a");
  at.fault("drop@E42");
  CHECK(at.e42.wait_closed() == 0);
  at.fault("reset@E44");
  CHECK(at.e44.wait_closed() == ECONNRESET);
  rest_order(at.f44, "b");  // with the Logon the second message
  REQUIRE(at.f44.order("c", '1', 1, "9"));
  CHECK(at.f44.wait_closed() == ECONNRESET);
  const VenueLog log = at.venue.log();
  CHECK(log.all("cancel_on_disconnect", "E42").size() == 1);
  CHECK(log.all("cancel_on_disconnect", "F44").size() == 2);
  at.logon(at.f44);  // once only
  rest_order(at.f44, "d");
}

TEST_CASE("a venue that refuses cancels says why and keeps the orders") {
  VenueFixture at;
  at.logon(at.e42);
  rest_order(at.e42, "a");
  at.fault("reject_cancels=2");
  REQUIRE(at.e42.cancel("c", "a"));
  CHECK(next_report(at.e42) == "reject c/a/0/2");
  REQUIRE(at.e42.send("q", {{11, "m"}, {530, "7"}}));
  CHECK(next_report(at.e42) == "mass m/0/0");
  CHECK(open_of(at, "E42") == nlohmann::json{"a"});
}

TEST_CASE("pending cancels are no cancels, and a terse mass cancel names no order") {
  VenueFixture at;
  at.logon(at.e42);
  at.logon(at.e44);
  rest_order(at.e42, "a");
  at.fault("pending@E42");
  REQUIRE(at.e42.cancel("c", "a"));
  CHECK(next_report(at.e42) == "c/6/6/-/-/0/10");
  CHECK(open_of(at, "E42") == nlohmann::json{"a"});
  rest_order(at.e44, "b");
  at.fault("terse@E44");
  REQUIRE(at.e44.send("q", {{11, "m"}, {530, "7"}}));
  CHECK(next_report(at.e44) == "mass m/7/1");
  CHECK(next_report(at.e44, 200) == "nothing");
  CHECK(open_of(at, "E44").empty());
}

TEST_CASE("a venue that talks nonsense names orders that nobody sent") {
  VenueFixture at;
  at.logon(at.e42);
  rest_order(at.e42, "a");
  at.fault("nonsense");
  REQUIRE(at.e42.cancel("c", "a"));
  FixAnswer answer;
  REQUIRE(at.e42.next(answer));
  CHECK(answer.get(11) == "NOBODY-1");
  CHECK(answer.get(39) == "-1");
  CHECK(answer.get(14) == "-999999999999");
}

TEST_CASE("eight sessions trade at once on one port, and a second connection of one is turned away") {
  std::vector<std::string> more;
  for (int i = 0; i < 5; ++i) more.insert(more.end(), {"--session", "X" + std::to_string(i) + ":VENUE"});
  VenueFixture at(more);
  std::vector<std::unique_ptr<FixClient>> clients;
  for (int i = 0; i < 5; ++i)
    clients.push_back(std::make_unique<FixClient>("X" + std::to_string(i), "VENUE"));
  for (auto& client : clients) at.logon(*client);
  for (FixClient* client : {&at.e42, &at.e44, &at.f44}) at.logon(*client);
  for (auto& client : clients) rest_order(*client, "same-id-in-each-session");
  FixClient twin("X0", "VENUE"), stranger("NOBODY", "VENUE");
  CHECK_FALSE(twin.logon(at.venue.port()));
  CHECK_FALSE(stranger.logon(at.venue.port()));
  rest_order(*clients[0], "still-here");
}

TEST_CASE("a control line or argument that makes no sense changes nothing and says so") {
  VenueFixture at;
  CHECK(at.venue.control("fault sulk") == "error: unknown kind of fault");
  CHECK(at.venue.control("fault late") == "error: argument missing, not wanted or out of range");
  CHECK(at.venue.control("fault mute=1") == "error: argument missing, not wanted or out of range");
  CHECK(at.venue.control("fault mute@NOBODY") == "error: unknown session");
  CHECK(at.venue.control("hello") == "error: unknown command");
  VenueFolder folder;
  VenueOptions options;
  options.binary = PORTCULLIS_VENUE_BINARY;
  options.dir = folder.path();
  options.sessions = {"ONLY-ONE-NAME"};
  VenueProcess wrong(options);
  CHECK_FALSE(wrong.ok());
  CHECK_FALSE(wrong.why().empty());
}

}  // namespace
}  // namespace portcullis::venue
