// SPDX-License-Identifier: Apache-2.0
/// @file Answers that are late, permuted, lost, garbled, absurd or huge: what the venue does to them on
/// purpose, and that a resend tells the truth.
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "tests/venue/venue_fixture.hpp"

namespace portcullis::venue {
namespace {

/// The next `count` messages.
std::vector<FixAnswer> take(FixClient& client, std::size_t count) {
  std::vector<FixAnswer> answers;
  FixAnswer answer;
  while (answers.size() < count && client.next(answer)) answers.push_back(answer);
  REQUIRE(answers.size() == count);
  return answers;
}

void send_orders(FixClient& client, int count, const std::string& text = "") {
  std::string all;
  for (int i = 0; i < count; ++i) {
    FixFields fields{
        {11, "a" + std::to_string(i)}, {55, "ACME"}, {54, "1"}, {38, "10"}, {40, "2"}, {44, "9.50"}};
    if (!text.empty()) fields.emplace_back(58, text);
    all += client.encode("D", fields);
  }
  REQUIRE(client.send_raw(all));
}

void check_numbers(const std::vector<FixAnswer>& answers, int first) {
  for (const FixAnswer& answer : answers) CHECK(answer.get(34) == std::to_string(first++));
}

TEST_CASE(
    "shuffled answers keep their numbers and the order of each order's own reports, and no other order") {
  VenueFixture at;
  at.logon(at.e44);
  at.fault("shuffle=200@E44");
  std::string cancels;
  send_orders(at.e44, 10);
  for (int i = 0; i < 10; ++i)
    cancels += at.e44.encode("F", {{11, "c" + std::to_string(i)}, {41, "a" + std::to_string(i)}});
  REQUIRE(at.e44.send_raw(cancels));
  const auto answers = take(at.e44, 20);
  check_numbers(answers, 2);
  std::map<std::string, std::string> states;  // by OrderID
  std::string news;
  std::vector<std::string> straight, exec_ids;
  for (const FixAnswer& answer : answers) {
    states[answer.get(37)] += answer.get(39);
    exec_ids.push_back(answer.get(17));
  }
  for (int i = 1; i <= 20; ++i) straight.push_back(std::to_string(i));
  CHECK(exec_ids != straight);
  CHECK(states.size() == 10);
  for (const auto& [order_id, said] : states) CHECK(said == "04");
  rest_order(at.e44, "still-in-order");
}

TEST_CASE("a mass cancel's own report may come after the reports of its orders") {
  bool after = false;
  for (int seed = 1; seed < 20 && !after; ++seed) {
    VenueFixture at({"--seed", std::to_string(seed)});
    at.logon(at.e42);
    for (const char* id : {"a", "b", "c"}) rest_order(at.e42, id);
    at.fault("shuffle=50");
    REQUIRE(at.e42.send("q", {{11, "m"}, {530, "7"}}));
    const auto answers = take(at.e42, 4);
    check_numbers(answers, 5);
    after = answers.back().get(35) == "r";
  }
  CHECK(after);
}

TEST_CASE("late and shuffled together: what is held when both end goes out before anything newer") {
  VenueFixture at;
  at.logon(at.e42);
  at.fault("late=100");
  at.fault("shuffle=100");
  const auto begin = std::chrono::steady_clock::now();
  send_orders(at.e42, 5);
  const auto answers = take(at.e42, 5);
  CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(195));
  check_numbers(answers, 2);
  REQUIRE(at.e42.cancel("c0", "a0"));
  while (at.venue.log().all("request").size() < 6) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(at.venue.control("clear late") == "ok");
  CHECK(at.venue.control("clear shuffle") == "ok");
  REQUIRE(at.e42.cancel("c0-again", "a0"));
  CHECK(next_report(at.e42) == "c0/4/4/-/-/0/0");
  CHECK(next_report(at.e42) == "reject c0-again/a0/4/0");
  at.fault("shuffle=600000");
  REQUIRE(at.e42.cancel("c1", "a1"));
  CHECK(next_report(at.e42, 100) == "nothing");
  CHECK(at.venue.control("clear shuffle") == "ok");
  CHECK(next_report(at.e42) == "c1/4/4/-/-/0/0");
}

TEST_CASE("nonsense comes instead of the truth, in front of it, or under the true name") {
  VenueFixture at;
  for (FixClient* client : {&at.e42, &at.e44}) {
    at.logon(*client);
    rest_order(*client, "a");
  }
  at.fault("nonsense=extra@E42");
  at.fault("nonsense=fields@E44");
  REQUIRE(at.e42.cancel("c", "a"));
  const auto extra = take(at.e42, 3);
  check_numbers(extra, 3);
  CHECK(extra[0].get(11) + ' ' + extra[0].get(39) == "NOBODY-1 -1");
  CHECK(extra[1].get(11) + ' ' + extra[1].get(39) + ' ' + extra[1].get(151) == "NOBODY-2 4 0");
  CHECK(extra[2].get(11) + ' ' + extra[2].get(39) + ' ' + extra[2].get(41) == "c 4 a");
  REQUIRE(at.e44.cancel("c", "a"));
  const auto fields = take(at.e44, 1);
  CHECK(fields[0].get(11) + ' ' + fields[0].get(39) + ' ' + fields[0].get(41) == "c ? a");
  CHECK(fields[0].get(151) == "99999999999999999999");
}

TEST_CASE("a lost answer leaves a gap, and a resend brings the very same report") {
  VenueFixture at;
  at.logon(at.e42);
  at.fault("lose_out=2");
  send_orders(at.e42, 3);
  const auto seen = take(at.e42, 1);
  CHECK(seen[0].get(11) + ' ' + seen[0].get(34) == "a2 4");
  REQUIRE(at.e42.send("2", {{7, "2"}, {16, "3"}}));
  const auto again = take(at.e42, 2);
  check_numbers(again, 2);
  for (const FixAnswer& answer : again) CHECK(answer.get(43) == "Y");
  CHECK(again[0].get(11) + again[0].get(17) + again[1].get(11) + again[1].get(17) == "a01a12");
  const VenueLog log = at.venue.log();
  REQUIRE(log.all("lost_out", "E42").size() == 2);
  CHECK(log.all("lost_out", "E42")[1]->seq_num == 3);
  CHECK(log.all("exec", "E42").size() == 3);  // the book does not care who heard of it
}

TEST_CASE("answers with a wrong CheckSum or BodyLength consume their numbers, and a resend is right") {
  const std::string fault = GENERATE(as<std::string>{}, "bad_checksum=3", "bad_length=3");
  VenueFixture at;
  at.logon(at.e44);
  at.fault(fault + "@E44");
  send_orders(at.e44, 8);  // numbers 2 to 9, of which 4 and 7 are garbled
  std::set<std::string> numbers;
  for (const FixAnswer& answer : take(at.e44, 6)) numbers.insert(answer.get(34));
  CHECK(numbers == std::set<std::string>{"2", "3", "5", "6", "8", "9"});
  CHECK(at.e44.stepped_over().find("\00111=a2\001") != std::string::npos);
  CHECK(at.e44.stepped_over().find("\00111=a5\001") != std::string::npos);
  REQUIRE(at.e44.send("2", {{7, "4"}, {16, "4"}}));
  CHECK(take(at.e44, 1)[0].get(11) == "a2");
}

TEST_CASE("bytes that are no message come between the answers and hide none of them") {
  VenueFixture at;
  at.logon(at.e42);
  at.fault("noise=2");
  send_orders(at.e42, 24);
  check_numbers(take(at.e42, 24), 2);
  const std::string& noise = at.e42.stepped_over();
  for (const char* piece :
       {"\00110=123\001", "8=FI", "9=5\00135=8\00110=000", "9=99999999999", "8=FIX.4.2\0019="}) {
    INFO(piece);
    CHECK(noise.find(piece) != std::string::npos);
  }
  CHECK(noise.size() > 300);
}

TEST_CASE("messages of 9 kB pass in both directions, whole and at their place") {
  VenueFixture at;
  for (FixClient* client : {&at.e42, &at.e44}) {
    at.logon(*client);
    at.fault("fat=9000");
    const std::size_t before = client->sent().size();
    send_orders(*client, 50, std::string(9000, 'x'));
    const auto answers = take(*client, 50);
    check_numbers(answers, 2);
    CHECK(answers[49].get(11) == "a49");
    CHECK(answers[49].get(58).size() == 9000);
    const VenueLog log = at.venue.log();
    const auto& connection = *log.of_session(client == &at.e42 ? "E42" : "E44").at(0);
    REQUIRE(connection.messages.size() == 51);
    CHECK(connection.messages[1].offset == before);
    CHECK(connection.messages[50].end == client->sent().size());
    CHECK(connection.messages[50].end - connection.messages[50].offset > 9000);
  }
}

TEST_CASE("faults of every kind at once: what is right in the stream is still right") {
  VenueFixture at({"--fault", "shuffle=20", "--fault", "noise=3", "--fault", "bad_checksum=5", "--fault",
                   "nonsense=extra", "--fault", "wants_1028", "--fault", "fat=2000"});
  at.logon(at.e44);
  send_orders(at.e44, 20);  // three answers each
  std::set<std::string> ours;
  int last = 1;
  FixAnswer answer;
  while (last < 60 && at.e44.next(answer)) {
    CHECK(std::stoi(answer.get(34)) > last);
    last = std::stoi(answer.get(34));
    if (answer.get(11)[0] == 'a' && answer.get(39) == "0") ours.insert(answer.get(11));
  }
  CHECK(at.venue.control("clear shuffle") == "ok");
  CHECK(at.venue.control("clear noise") == "ok");
  CHECK(at.venue.control("clear bad_checksum") == "ok");
  REQUIRE(at.e44.send("2", {{7, "1"}, {16, "0"}}));
  while (at.e44.next(answer) && answer.get(34) != "61")
    if (answer.get(11)[0] == 'a' && answer.get(39) == "0") ours.insert(answer.get(11));
  if (answer.get(11)[0] == 'a') ours.insert(answer.get(11));
  CHECK(ours.size() == 20);
}

}  // namespace
}  // namespace portcullis::venue
