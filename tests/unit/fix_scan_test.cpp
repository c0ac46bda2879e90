// SPDX-License-Identifier: Apache-2.0
/// @file The scanner of FIX messages: whole ones, cut ones, and bytes that only look like some.
#include "shm/fix_scan.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "tests/unit/fix_text.hpp"

using namespace portcullis;
using portcullis::testing::fix_message;

TEST_CASE("whole messages are found one behind the other") {
  const std::string one = fix_message("35=D|34=2|11=A1|");
  const std::string two = fix_message("35=0|34=3|");
  FixMessage m;
  REQUIRE(find_fix_message(one + two, 0, m) == FixFound::message);
  CHECK(m.end == one.size());
  REQUIRE(find_fix_message(one + two, m.end, m) == FixFound::message);
  CHECK(m.end == one.size() + two.size());
  CHECK(find_fix_message(one + two, m.end, m) == FixFound::incomplete);
}

TEST_CASE("the fields of a message are read in order") {
  const std::string text = fix_message("35=D|34=77|11=A1|58=|");
  FixMessage m;
  REQUIRE(find_fix_message(text, 0, m) == FixFound::message);
  std::size_t at = m.body_begin;
  CHECK(fix::next_field(text, at, m.body_end).value == "D");
  const FixField seq = fix::next_field(text, at, m.body_end);
  std::uint64_t number = 0;
  CHECK(seq.tag == 34);
  CHECK(fix::number(seq.value, number));
  CHECK(number == 77);
  CHECK(fix::next_field(text, at, m.body_end).value == "A1");
  CHECK(fix::next_field(text, at, m.body_end).tag == 58);
  CHECK(at == m.body_end);
  CHECK(fix::next_field(text, at, m.body_end).tag == 0);
}

TEST_CASE("every cut of a message is incomplete, never whole and never garbage") {
  const std::string text = fix_message("35=D|34=2|11=A1|");
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    INFO("cut at " << cut);
    FixMessage m;
    CHECK(find_fix_message(std::string_view(text).substr(0, cut), 0, m) == FixFound::incomplete);
  }
}

TEST_CASE("a wrong length, a wrong trailer or other bytes are garbage") {
  const std::string good = fix_message("35=D|34=2|11=A1|");
  FixMessage m;
  for (const char* bad : {"GET / HTTP/1.1",
                          "8=FIY.4.2\x01"
                          "9=5\x01",
                          "\x01\x01\x01",
                          "8=FIX.4.2\x01"
                          "35=D\x01"}) {
    INFO(bad);
    CHECK(find_fix_message(bad, 0, m) != FixFound::message);
  }
  std::string shorter = good;
  shorter.erase(shorter.find("11=A1") + 3, 1);  // one byte less than BodyLength says
  CHECK(find_fix_message(shorter + good, 0, m) == FixFound::garbage);
  std::string trailer = good;
  trailer[trailer.size() - 3] = 'x';
  CHECK(find_fix_message(trailer, 0, m) == FixFound::garbage);
  CHECK(find_fix_message("8=FIX.4.2\x01"
                         "9=999999999999999999999\x01"
                         "35=0\x01",
                         0, m) == FixFound::garbage);
  CHECK(find_fix_message("8=FIX.4.2\x01"
                         "9=-1\x01"
                         "35=0\x01",
                         0, m) == FixFound::garbage);
  CHECK(find_fix_message("8=FIX.4.2\x01"
                         "9=18446744073709551615\x01"
                         "35=0\x01",
                         0, m) != FixFound::message);
}

TEST_CASE("numbers are digits only and fit") {
  std::uint64_t number = 5;
  for (const char* bad : {"", "-1", "1 ", "1234567890123456789", "0x1", "+1"})
    CHECK_FALSE(fix::number(bad, number));
  CHECK(number == 5);
  CHECK(fix::number("007", number));
  CHECK(number == 7);
}

TEST_CASE("the message types that put a new order into the market") {
  for (const char* type : {"D", "E", "AB", "G", "s"}) CHECK(fix::new_order(type));
  for (const char* type : {"", "F", "0", "A", "8", "S", "AC", "DD", "d"}) CHECK_FALSE(fix::new_order(type));
}

TEST_CASE("random damage never reads outside and always comes to an end") {
  const std::uint32_t seed = 35;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string good = fix_message("35=D|34=2|11=A1|38=100|44=12.5|");
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good + good;
    for (int n = 0; n < 4; ++n) text[random() % text.size()] = static_cast<char>(random() % 128);
    text.resize(random() % (text.size() + 1));
    const std::string exact(text.data(),
                            text.size());  // its own allocation: a sanitizer sees one byte too far
    std::size_t at = 0;
    FixMessage m;
    int steps = 0;
    while (at < exact.size() && find_fix_message(exact, at, m) == FixFound::message) {
      REQUIRE(m.end > at);
      REQUIRE(m.end <= exact.size());
      std::size_t field = m.body_begin;
      while (fix::next_field(exact, field, m.body_end).tag != 0) REQUIRE(++steps < 1'000);
      at = m.end;
    }
  }
}
