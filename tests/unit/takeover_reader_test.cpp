// SPDX-License-Identifier: Apache-2.0
/// @file A venue's byte stream as messages, whatever it is cut into and mixed with; and the fields of one message.
#include "watchdog/takeover_reader.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <random>

#include "tests/unit/fix_text.hpp"

namespace portcullis {
namespace {

using testing::fix_message;

struct Reading {
  std::unique_ptr<TakeoverReader> reader = std::make_unique<TakeoverReader>();
  std::vector<std::string> seen;

  void feed(std::string_view bytes, std::size_t piece) {
    while (!bytes.empty()) {
      const std::span<char> room = reader->room();
      REQUIRE_FALSE(room.empty());
      const std::size_t n = std::min({piece, bytes.size(), room.size()});
      std::memcpy(room.data(), bytes.data(), n);
      reader->filled(n);
      bytes.remove_prefix(n);
      InboundMessage message;
      while (reader->next(message)) seen.emplace_back(message.raw);
    }
  }
};

std::vector<std::string> read(std::string_view bytes, std::size_t piece = 7) {
  Reading reading;
  reading.feed(bytes, piece);
  return reading.seen;
}

const std::string kOne = fix_message("35=8|34=5|11=A|39=4|150=4|14=0|");
const std::string kTwo = fix_message("35=0|34=6|", "FIX.4.4");

TEST_CASE("messages come out whole however the bytes are cut") {
  for (std::size_t piece = 1; piece < 90; ++piece)
    CHECK(read(kOne + kTwo + kOne, piece) == std::vector<std::string>{kOne, kTwo, kOne});
}

TEST_CASE("a stream that begins inside a message is understood from the next one on") {
  for (std::size_t from = 1; from < kOne.size(); ++from) {
    INFO(from);
    CHECK(read(kOne.substr(from) + kTwo + kOne) == std::vector<std::string>{kTwo, kOne});
  }
}

TEST_CASE("one wrong byte anywhere costs that message and no other") {
  for (std::size_t at = 0; at < kOne.size(); ++at) {
    std::string spoilt = kOne;
    spoilt[at] = spoilt[at] == '7' ? '1' : '7';
    INFO(at);
    CHECK(read(spoilt + kTwo + kOne) == std::vector<std::string>{kTwo, kOne});
  }
}

TEST_CASE("a length that promises more than comes does not hide what follows") {
  std::string liar = kOne;
  liar.replace(liar.find("9="), 4, "9=29000");
  CHECK(read(liar + kTwo) == std::vector<std::string>{kTwo});
  Reading reading;
  reading.feed(liar, 9);
  CHECK(reading.seen.empty());
  reading.feed(kTwo, 9);
  CHECK(reading.seen == std::vector<std::string>{kTwo});
  CHECK(reading.reader->garbled() == 1);
}

TEST_CASE("a message longer than we take is garbage at once, one of 16 kB is read") {
  const std::string big = fix_message("35=8|34=7|58=" + std::string(16'384, 'x') + "|");
  CHECK(read(big + kTwo, 1000) == std::vector<std::string>{big, kTwo});
  CHECK(read("8=FIX.4.2\0019=99999999\001" + std::string("35=8\001") + kTwo) == std::vector<std::string>{kTwo});
  const std::string huge = fix_message("35=8|34=7|58=" + std::string(40'000, 'x') + "|");
  CHECK(read(huge + kTwo, 1000) == std::vector<std::string>{kTwo});
}

TEST_CASE("a whole message without type or number is dropped and counted") {
  Reading reading;
  reading.feed(fix_message("35=8|11=A|") + fix_message("34=5|11=A|") + fix_message("35=8|34=0|") + kTwo, 50);
  CHECK(reading.seen == std::vector<std::string>{kTwo});
  CHECK(reading.reader->garbled() == 3);
}

TEST_CASE("a flood of starts that promise and never end is bounded, and what is real is found") {
  std::string flood;
  for (int i = 0; i < 20'000; ++i) flood += "8=FIX.4.2\0019=32000\001";
  CHECK(read(flood + kOne + kTwo, 4096).back() == kTwo);
}

TEST_CASE("text in front of a message does not become part of its BeginString") {
  std::string hidden = "8=FIX";  // one byte makes the CheckSum right with the text in front
  for (char c = 'A'; c < '~'; ++c) CHECK(read(hidden + c + c + kOne + kTwo).back() == kTwo);
  for (int c = 1; c < 256; ++c) {
    if (c == '8' || c == kSoh) continue;
    CHECK(read(hidden + static_cast<char>(c) + kOne).size() == 1);
    CHECK(read(hidden + static_cast<char>(c) + kOne) == std::vector<std::string>{kOne});
  }
}

TEST_CASE("random garbage between messages never costs one that is whole") {
  const std::uint32_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string pieces[] = {"8=FIX", "8", "=", "\001", "10=", "9=", "35=8\001", "x", "8=FIX.4.2\001", "10=000\001"};
  for (int round = 0; round < 2000; ++round) {
    std::string stream;
    std::vector<std::string> whole;
    for (int i = 0; i < 6; ++i) {
      for (unsigned n = random() % 8; n > 0; --n) stream += pieces[random() % std::size(pieces)];
      whole.push_back(random() % 2 != 0 ? kOne : kTwo);
      stream += whole.back();
    }
    for (int i = 0; i < 2; ++i) whole.push_back(kOne), stream += kOne;  // whatever was promised last is a lie now
    const std::vector<std::string> seen = read(stream, 1 + random() % 64);
    REQUIRE(seen == whole);
  }
}

InboundMessage parse(const std::string& body) {
  static std::string text;  // views stay valid
  text = fix_message(body);
  FixMessage found;
  InboundMessage message;
  REQUIRE(find_fix_message(text, 0, found) == FixFound::message);
  REQUIRE(parse_inbound(text, found, message));
  return message;
}

TEST_CASE("the fields of a report are read, of repeated tags the first") {
  const InboundMessage m = parse("35=8|34=77|43=Y|122=20261123-14:30:05|11=A|41=B|37=O|17=E|39=1|150=F|20=0|54=2|"
                                 "14=30|32=5.000|31=-6012.25|45=9|372=D|379=R|58=T|434=1|102=3|11=Z|");
  CHECK(m.msg_type == "8");
  CHECK(m.seq_num == 77);
  CHECK(m.poss_dup);
  CHECK(m.orig_sending == "20261123-14:30:05");
  CHECK(m.cl_ord_id == "A");
  CHECK(m.orig_cl_ord_id == "B");
  CHECK(m.order_id == "O");
  CHECK(m.exec_id == "E");
  CHECK(m.ord_status == '1');
  CHECK(m.exec_type == 'F');
  CHECK(m.exec_trans_type == '0');
  CHECK(m.side == '2');
  CHECK(m.cum_qty == 30);
  CHECK(m.last_qty == 5);
  CHECK(m.last_px_known);
  CHECK(m.last_px_e8 == -601'225'000'000);
  CHECK(m.ref_seq_num == 9);
  CHECK(m.ref_msg_type == "D");
  CHECK(m.ref_id == "R");
  CHECK(m.text == "T");
  CHECK(m.cxl_rej_response_to == '1');
  CHECK(m.cxl_rej_reason == "3");
  CHECK_FALSE(m.bad_figure);
}

TEST_CASE("the fields of session messages are read") {
  CHECK(parse("35=2|34=1|7=12|16=0|").begin_seq_no == 12);
  CHECK(parse("35=2|34=1|7=12|16=15|").end_seq_no == 15);
  CHECK(parse("35=4|34=1|123=Y|36=15|").gap_fill);
  CHECK(parse("35=4|34=1|123=Y|36=15|").new_seq_num == 15);
  CHECK(parse("35=1|34=1|112=hello|").test_req_id == "hello");
  CHECK(parse("35=A|34=1|108=30|141=Y|").heart_bt_int_s == 30);
  CHECK(parse("35=A|34=1|108=30|141=Y|").reset_seq_num);
  CHECK(parse("35=r|34=1|531=0|532=2|533=40|").mass_cancel_response == '0');
  CHECK(parse("35=r|34=1|531=0|532=2|533=40|").mass_cancel_rej_reason == "2");
  CHECK(parse("35=r|34=1|531=0|532=2|533=40|").total_affected == 40);
}

TEST_CASE("figures are exact or absent, never nearly right") {
  std::int64_t out = -7;
  CHECK((parse_qty("100", out) && out == 100));
  CHECK((parse_qty("100.000", out) && out == 100));
  CHECK((parse_px_e8("0.00000001", out) && out == 1));
  CHECK((parse_px_e8(".5", out) && out == 50'000'000));
  CHECK((parse_px_e8("-12.", out) && out == -1'200'000'000));
  CHECK((parse_px_e8("92233720368.54775807", out) && out == INT64_MAX));
  out = -7;
  for (const char* bad : {"", ".", "-1", "1.5", "1e3", "+1", " 1", "1,0", "99999999999999999999"}) {
    INFO(bad);
    CHECK_FALSE(parse_qty(bad, out));
  }
  for (const char* bad : {"", "-", ".", "0.000000001", "92233720368.54775808", "1.2.3", "--1", "inf"}) {
    INFO(bad);
    CHECK_FALSE(parse_px_e8(bad, out));
  }
  CHECK(out == -7);
  CHECK(parse("35=8|34=1|14=1.5|").bad_figure);
  CHECK(parse("35=8|34=1|14=1.5|").cum_qty == -1);
}

}  // namespace
}  // namespace portcullis
