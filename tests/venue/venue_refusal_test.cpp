// SPDX-License-Identifier: Apache-2.0
/// @file Venues that refuse: requests they do not know, tags they insist on, ClOrdIDs they find too long,
/// hours without cancels. FIX 4.2 and 4.4 side by side.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/venue/venue_fixture.hpp"

namespace portcullis::venue {
namespace {

nlohmann::json open_of(VenueFixture& at, const char* session) {
  return nlohmann::json::parse(at.venue.control("stats"))["sessions"][session]["open"];
}

/// The next message as "35/45/372/371/373", or with 379 and 380 for j; "-" for what it lacks.
std::string next_reject(FixClient& client) {
  FixAnswer answer;
  if (!client.next(answer)) return "nothing";
  std::string text = answer.get(35);
  const auto tags =
      answer.get(35) == "j" ? std::vector<int>{45, 372, 379, 380} : std::vector<int>{45, 372, 371, 373};
  for (const int tag : tags) text += '/' + (answer.get(tag).empty() ? "-" : answer.get(tag));
  return text;
}

/// Rests an order and returns its OrderID (37).
std::string rest_and_name(FixClient& client, const std::string& id) {
  REQUIRE(client.order(id, '1', 10, "9.50"));
  FixAnswer answer;
  REQUIRE(client.next(answer));
  REQUIRE(answer.get(39) == "0");
  return answer.get(37);
}

FixFields cancel_of(const std::string& cl_ord_id, const std::string& orig, const FixFields& more = {}) {
  FixFields fields{{11, cl_ord_id}, {41, orig}, {55, "ACME"}, {54, "1"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

std::string number_of_last(const FixClient& client) { return std::to_string(client.next_seq_num() - 1); }

TEST_CASE("a venue without mass cancel refuses it as a message, or as a request, and still takes cancels") {
  VenueFixture at;
  for (FixClient* client : {&at.e42, &at.e44}) {
    at.logon(*client);
    rest_order(*client, "a");
  }
  at.fault("no_mass_cancel@E42");
  at.fault("no_mass_cancel=r@E44");
  REQUIRE(at.e42.send("q", {{11, "m"}, {530, "7"}}));
  CHECK(next_reject(at.e42) == "j/" + number_of_last(at.e42) + "/q/m/3");
  REQUIRE(at.e44.send("q", {{11, "m"}, {530, "7"}}));
  FixAnswer answer;
  REQUIRE(at.e44.next(answer));
  CHECK(answer.get(35) + answer.get(11) + answer.get(530) + answer.get(531) + answer.get(532) == "rm700");
  for (FixClient* client : {&at.e42, &at.e44}) {
    REQUIRE(client->cancel("c", "a"));
    CHECK(next_report(*client) == "c/4/4/-/-/0/0");
  }
  const VenueLog log = at.venue.log();
  REQUIRE(log.all("message_reject", "E42").size() == 1);
  CHECK(log.all("message_reject", "E42")[0]->ref_seq_num == at.e42.next_seq_num() - 2);
  CHECK(log.all("mass_cancel", "E44").at(0)->text == "mass cancel not supported");
}

TEST_CASE("a venue without status requests says so for each, and tells nothing") {
  VenueFixture at;
  at.logon(at.e44);
  rest_order(at.e44, "a");
  at.fault("no_status");
  REQUIRE(at.e44.send("H", {{11, "a"}, {55, "ACME"}, {54, "1"}}));
  CHECK(next_reject(at.e44) == "j/" + number_of_last(at.e44) + "/H/a/3");
}

TEST_CASE("a venue that insists on OrderID rejects cancels without it, and takes only the right one") {
  VenueFixture at;
  for (FixClient* client : {&at.e42, &at.e44}) at.logon(*client);
  at.fault("wants_37@E44");
  for (FixClient* client : {&at.e42, &at.e44}) rest_order(*client, "a");
  const std::string order_id = rest_and_name(at.e44, "b");
  REQUIRE(at.e44.send("F", cancel_of("c1", "b")));
  CHECK(next_reject(at.e44) == "3/" + number_of_last(at.e44) + "/F/37/1");
  REQUIRE(at.e44.send("F", cancel_of("c2", "b", {{37, "999"}})));
  CHECK(next_report(at.e44) == "reject c2/b/0/1");
  REQUIRE(at.e44.send("F", cancel_of("c3", "b", {{37, order_id}})));
  CHECK(next_report(at.e44) == "c3/4/4/-/-/0/0");
  REQUIRE(at.e42.send("F", cancel_of("c1", "a")));  // the other session is not so strict
  CHECK(next_report(at.e42) == "c1/4/4/-/-/0/0");
  CHECK(open_of(at, "E44") == nlohmann::json{"a"});
}

TEST_CASE("a venue that insists on ManualOrderIndicator wants it in every kind of cancel, as Y or N") {
  VenueFixture at;
  at.logon(at.e42);
  at.logon(at.e44);
  at.fault("wants_1028@E42");
  rest_order(at.e42, "a");
  rest_order(at.e42, "b");
  REQUIRE(at.e42.send("F", cancel_of("c1", "a")));
  CHECK(next_reject(at.e42) == "3/" + number_of_last(at.e42) + "/F/1028/1");
  REQUIRE(at.e42.send("F", cancel_of("c2", "a", {{1028, "M"}})));
  CHECK(next_reject(at.e42) == "3/" + number_of_last(at.e42) + "/F/1028/5");
  REQUIRE(at.e42.send("q", {{11, "m1"}, {530, "7"}}));
  CHECK(next_reject(at.e42) == "3/" + number_of_last(at.e42) + "/q/1028/1");
  REQUIRE(at.e42.send("G", cancel_of("g", "a", {{38, "5"}, {40, "2"}, {44, "9"}})));
  CHECK(next_reject(at.e42) == "3/" + number_of_last(at.e42) + "/G/1028/1");
  REQUIRE(at.e42.send("F", cancel_of("c3", "a", {{1028, "N"}})));
  CHECK(next_report(at.e42) == "c3/4/4/-/-/0/0");
  REQUIRE(at.e42.send("q", {{11, "m2"}, {530, "7"}, {1028, "Y"}}));
  CHECK(next_report(at.e42) == "mass m2/7/1");
  CHECK(next_report(at.e42) == "b/4/4/-/-/0/0");
  rest_order(at.e44, "x");
  REQUIRE(at.e44.send("F", cancel_of("c", "x", {{1028, "Y"}})));  // unasked for, it does no harm
  CHECK(next_report(at.e44) == "c/4/4/-/-/0/0");
}

TEST_CASE("a venue that insists on both tags rejects by the first one that is missing") {
  VenueFixture at({"--fault", "wants_37", "--fault", "wants_1028"});
  at.logon(at.e44);
  const std::string order_id = rest_and_name(at.e44, "a");
  REQUIRE(at.e44.send("F", cancel_of("c1", "a")));
  CHECK(next_reject(at.e44) == "3/" + number_of_last(at.e44) + "/F/37/1");
  REQUIRE(at.e44.send("F", cancel_of("c2", "a", {{37, order_id}})));
  CHECK(next_reject(at.e44) == "3/" + number_of_last(at.e44) + "/F/1028/1");
  REQUIRE(at.e44.send("F", cancel_of("c3", "a", {{37, order_id}, {1028, "N"}})));
  CHECK(next_report(at.e44) == "c3/4/4/-/-/0/0");
}

TEST_CASE("a venue with short ClOrdIDs refuses longer ones in orders, cancels and mass cancels") {
  VenueFixture at;
  at.logon(at.e44);
  at.fault("id_max");
  const std::string longest(20, 'x'), too_long(21, 'x');
  rest_order(at.e44, longest);
  REQUIRE(at.e44.order(too_long, '1', 10, "9.50"));
  CHECK(next_report(at.e44) == too_long + "/8/8/-/-/0/0");
  REQUIRE(at.e44.cancel(too_long, longest));
  CHECK(next_report(at.e44) == "reject " + too_long + '/' + longest + "/0/2");
  REQUIRE(at.e44.send("q", {{11, too_long}, {530, "7"}}));
  CHECK(next_report(at.e44) == "mass " + too_long + "/0/0");
  CHECK(open_of(at, "E44") == nlohmann::json{longest});
  at.fault("id_max=3");
  REQUIRE(at.e44.cancel("four", longest));
  CHECK(next_report(at.e44) == "reject four/" + longest + "/0/2");
  REQUIRE(at.e44.cancel("mix", longest));
  CHECK(next_report(at.e44) == "mix/4/4/-/-/0/0");
}

TEST_CASE("a window without cancels refuses them with its reason and an open state, and closes by itself") {
  VenueFixture at;
  at.logon(at.e42);
  at.logon(at.e44);
  REQUIRE(at.e42.order("part", '1', 150, "10.02"));  // 100 of it trade
  for (int i = 0; i < 2; ++i) REQUIRE(next_report(at.e42) != "nothing");
  rest_order(at.e44, "a");
  at.fault("reject_cancels=99@E42:2000");
  at.fault("reject_cancels=3@E44");
  REQUIRE(at.e42.cancel("c0", "part"));
  CHECK(next_report(at.e42) == "reject c0/part/1/99");
  REQUIRE(at.e44.cancel("c0", "a"));
  CHECK(next_report(at.e44) == "reject c0/a/0/3");
  std::string answer;
  for (int i = 1; i < 2000 && answer != "c/4/4/-/-/100/0"; ++i) {  // each try under a ClOrdID of its own
    const std::string id = "c" + std::to_string(i);
    REQUIRE(at.e42.cancel(id, "part"));
    answer = next_report(at.e42);
    if (answer.substr(0, 6) == "reject") {
      CHECK(answer == "reject " + id + "/part/1/99");
      usleep(5000);
    } else {
      answer.replace(0, id.size(), "c");
    }
  }
  CHECK(answer == "c/4/4/-/-/100/0");
  REQUIRE(at.e44.cancel("c1", "a"));  // the window of the other session has no end
  CHECK(next_report(at.e44) == "reject c1/a/0/3");
  const VenueLog log = at.venue.log();
  const auto cleared = log.all("fault_cleared");
  REQUIRE(cleared.size() == 1);
  CHECK(cleared[0]->text == "reject_cancels@E42");
  CHECK(cleared[0]->time_ns - log.all("fault").at(0)->time_ns >= 2'000'000'000);
}

TEST_CASE("the log says of each cancelled order what cancelled it, also where the engine was not told") {
  VenueFixture at;
  at.logon(at.e44);
  for (const char* id : {"a", "b", "c"}) rest_order(at.e44, id);
  REQUIRE(at.e44.cancel("x", "a"));
  REQUIRE(next_report(at.e44) == "x/4/4/-/-/0/0");
  REQUIRE(at.e44.order("ioc", '1', 10, "9", "ACME", '3'));
  for (int i = 0; i < 2; ++i) REQUIRE(next_report(at.e44) != "nothing");
  at.fault("terse:60000");
  REQUIRE(at.e44.send("q", {{11, "m"}, {530, "7"}}));
  CHECK(next_report(at.e44) == "mass m/7/2");
  const VenueLog log = at.venue.log();
  std::string said;
  for (const VenueEvent* event : log.all("exec", "E44"))
    if (event->what == "cancelled") said += event->cl_ord_id + ':' + event->why + ' ';
  CHECK(said == "x:cancel ioc:unfilled b:mass_cancel c:mass_cancel ");
}

TEST_CASE("a fault's time must be one, and a word one of its words") {
  VenueFixture at;
  CHECK(at.venue.control("fault mute:0") == "error: a fault lasts 1 to 3600000 ms");
  CHECK(at.venue.control("fault mute:soon") == "error: a fault lasts 1 to 3600000 ms");
  CHECK(at.venue.control("fault no_mass_cancel=x") == "error: argument missing, not wanted or out of range");
  CHECK(at.venue.control("fault no_mass_cancel=") == "error: argument missing, not wanted or out of range");
  CHECK(at.venue.control("fault id_max=1001") == "error: argument missing, not wanted or out of range");
  CHECK(at.venue.control("fault mute@E42:5") == "ok");
}

}  // namespace
}  // namespace portcullis::venue
