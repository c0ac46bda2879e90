// SPDX-License-Identifier: Apache-2.0
/// @file The take-over's half of the FIX session: cut messages, resends at bad moments, silence, the venue's own gaps,
/// numbers handed back, slow and broken connections. Each case is a rule that a run went wrong without.
#include "tests/unit/takeover_rig.hpp"

namespace portcullis {
namespace {

using namespace testing;

// ---- a message cut in two --------------------------------------------------------------------------------------------

/// The engine's message 3 (order B) was cut after `sent` bytes.
TakeoverReport cut_at(TakeoverRig& rig, std::size_t sent, const std::string& cut) {
  rig.order("A");
  Boundary& b = rig.plan.boundary;
  b.begin_byte = 5'000;
  b.accepted_bytes = 5'000 + sent;
  b.end_byte = 5'000 + cut.size();
  const bool counted = sent + 1 == cut.size();
  b.kind = counted ? BoundaryKind::last_byte_missing : BoundaryKind::inside;
  b.next_seq_num = counted ? 4 : 3;
  rig.venue.expected = 3;
  rig.venue.first_look = [&rig](const Heard& m) {
    if (m.type != "D") return false;
    VenueOrder& order = rig.venue.orders[m.get(11)];
    order.order_id = "V" + m.get(11);
    order.name = m.get(11);
    order.names = {order.name};
    order.qty = 5;
    return true;
  };
  rig.venue.receive(cut.substr(0, sent), rig.now);
  if (b.left_bytes() >= b.end_byte) rig.listed("B").msg_end_byte = b.end_byte;
  return rig.play(5 * kSecond);
}

TEST_CASE("a message cut at any byte costs nothing: the venue drops it, or counts it and its order is cancelled") {
  for (const bool fix44 : {false, true}) {
    const std::string cut = fix_message("35=D|34=3|49=FIRM|56=CME|52=20261123-14:30:05|11=B|38=5|54=1|55=ES|",
                                        fix44 ? "FIX.4.4" : "FIX.4.2");
    for (std::size_t sent = 1; sent < cut.size(); ++sent) {
      INFO(sent << " of " << cut.size());
      TakeoverRig rig(fix44);
      const TakeoverReport report = cut_at(rig, sent, cut);
      const bool counted = sent + 1 == cut.size();
      REQUIRE(report.end == TakeoverEnd::all_acknowledged);
      REQUIRE(report.acknowledged == (counted ? 2 : 1));
      REQUIRE(rig.venue.garbled == (counted ? 0 : 1));
      REQUIRE(rig.venue.orders.count("B") == (counted ? 1 : 0));
      REQUIRE(report.next_out_seq_num == rig.venue.expected);
      REQUIRE(report.resets == 0);
    }
  }
}

TEST_CASE("where the venue does not bear a garbled message a cut stream is not touched") {
  TakeoverRig rig;
  rig.plan.switches.poison = false;
  rig.plan.boundary = {BoundaryKind::inside, 150, 100, 200, 3, 0};
  rig.order("A");
  CHECK(rig.begin() == TakeoverStart::cut_message);
  rig.turn();
  CHECK(rig.dialogue->output().empty());
  rig.plan.boundary = {BoundaryKind::last_byte_missing, 199, 100, 200, 3, 0};  // that is no garbled message
  CHECK(rig.begin() == TakeoverStart::ok);
  rig.plan.switches.poison = true;
  rig.plan.boundary = {BoundaryKind::inside, 150, 100, 1'000'000, 3, 0};  // more than can be written
  CHECK(rig.begin() == TakeoverStart::cut_message);
  CHECK(rig.dialogue->output().empty());
}

// ---- resends ---------------------------------------------------------------------------------------------------------

TEST_CASE("in the middle of a resend the rest is gap-filled before anything is asked") {
  for (const bool fix44 : {false, true}) {
    TakeoverRig rig(fix44);
    rig.order("A");
    rig.order("B");
    rig.plan.boundary.next_seq_num = 20;
    rig.plan.boundary.resend_from = 11;
    rig.venue.expected = 11;
    rig.venue.habits.asks_again = false;
    CHECK(rig.play(100 * kMs).end == TakeoverEnd::all_acknowledged);
    CHECK(rig.sent() == "4 F F");
    CHECK(rig.venue.heard[0].seq_num == 11);
    CHECK(rig.venue.heard[0].get(36) == "20");
    CHECK(rig.venue.heard[0].get(123) == "Y");
    CHECK(rig.venue.heard[0].get(43) == "Y");
    CHECK(rig.report().next_out_seq_num == 22);
  }
}

TEST_CASE("a resend is answered without erasing our own cancel") {
  // the venue lost everything from 5 on: it asks when our cancel (10) comes, before it acts upon it
  TakeoverRig rig;
  rig.order("A");
  rig.plan.boundary.next_seq_num = 10;
  rig.venue.expected = 5;
  CHECK(rig.play(100 * kMs).end == TakeoverEnd::all_acknowledged);
  CHECK(rig.report().resend_requests == 1);
  CHECK(rig.report().repeated == 1);
  REQUIRE(rig.sent() == "F 4 F");
  CHECK(rig.venue.heard[1].seq_num == 5);
  CHECK(rig.venue.heard[1].get(36) == "10");
  const Heard &first = rig.venue.heard[0], &again = rig.venue.heard[2];
  CHECK(again.seq_num == 10);
  CHECK(again.get(43) == "Y");
  CHECK(again.get(122) == first.get(52));
  CHECK(again.get(11) == first.get(11));
  CHECK(again.get(60) == first.get(60));
}

TEST_CASE("resend requests of every range are answered: gaps filled, our requests repeated, the engine's never") {
  TakeoverRig rig;
  rig.venue.habits.deaf = true;
  rig.plan.times.heartbeat_ns = 0;
  for (const char* id : {"A", "B", "C"}) rig.order(id);  // 2 to 4
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.turn();  // cancels 5, 6, 7
  rig.venue.send("1", "112=X|");
  rig.run(5 * kMs);  // heartbeat 8
  REQUIRE(rig.sent() == "F F F 0");
  struct Case {
    int begin, end;
    std::string answer;
  };
  const Case cases[] = {
      {1, 0, "4:1-5 F:5 F:6 F:7 4:8-9"}, {5, 0, "F:5 F:6 F:7 4:8-9"}, {6, 6, "F:6"},      {2, 5, "4:2-5 F:5"},
      {7, 8, "F:7 4:8-9"},               {2, 3, "4:2-4"},             {8, 8, "4:8-9"},    {8, 999'999, "4:8-9"},
      {9, 0, ""},                        {500, 600, ""},              {6, 5, ""},         {0, 6, "4:1-5 F:5 F:6"},
  };
  for (const Case& c : cases) {
    rig.venue.heard.clear();
    rig.venue.raw(rig.venue.message("2", rig.venue.next_out++,
                                    "7=" + std::to_string(c.begin) + "|16=" + std::to_string(c.end) + "|"));
    rig.run(5 * kMs);
    std::string answer;
    for (const Heard& m : rig.venue.heard) {
      answer += (answer.empty() ? "" : " ") + m.type + ":" + std::to_string(m.seq_num);
      if (m.type == "4") answer += "-" + m.get(36);
      CHECK(m.get(43) == "Y");
    }
    INFO(c.begin << ".." << c.end);
    CHECK(answer == c.answer);
  }
  rig.clean();
}

TEST_CASE("a venue that asks again over our gap fill gets our cancels every time") {
  TakeoverRig rig;
  rig.order("A");
  rig.plan.boundary.next_seq_num = 10;
  rig.venue.expected = 5;
  int asked = 0;
  rig.venue.first_look = [&](const Heard& m) {
    if (m.type != "4" || ++asked > 3) return false;
    rig.venue.expected = 5;  // it forgets
    rig.venue.send("2", "7=5|16=0|");
    return true;
  };
  CHECK(rig.play(kSecond).end == TakeoverEnd::all_acknowledged);
  CHECK(asked == 4);
}

TEST_CASE("repetitions keep to the pace, and the newest request counts") {
  TakeoverRig rig(false, 128);
  rig.plan.cancel_rate_per_s = 100;
  rig.plan.times.total_ns = 60 * kSecond;
  rig.plan.times.answer_ns = 30 * kSecond;
  rig.venue.habits.throttle_per_s = 102;  // what arrives a step later arrives closer together
  rig.venue.habits.deaf = true;
  for (int i = 0; i < 100; ++i) rig.order("N" + std::to_string(i));
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.run(1'100 * kMs);
  CHECK(rig.venue.count("F") == 100);
  rig.venue.expected = 2;
  rig.venue.send("2", "7=2|16=0|");
  rig.run(500 * kMs);
  rig.venue.expected = 2;
  rig.venue.habits.deaf = false;
  rig.venue.send("2", "7=2|16=0|");
  rig.run(3 * kSecond);
  rig.clean();
  CHECK(rig.report().end == TakeoverEnd::all_acknowledged);
}

TEST_CASE("what is older than the kept records is gap-filled, and that is counted") {
  TakeoverRig rig(false, 1);  // keeps 258 requests
  rig.plan.times.cancel_retry_ns = kMs;
  rig.venue.habits.refuse_cancels = 300;
  rig.order("A");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  for (int i = 0; i < 2000 && rig.venue.count("F") < 300; ++i) rig.now += kMs, rig.turn();
  REQUIRE(rig.venue.count("F") == 300);
  rig.venue.heard.clear();
  rig.venue.habits.refuse_cancels = 1'000'000;
  rig.venue.send("2", "7=1|16=0|");
  rig.run(20 * kMs);
  CHECK(rig.report().forgotten == 1);
  CHECK(rig.venue.heard[0].type == "4");
  CHECK(rig.report().repeated > 200);
}

// ---- silence ---------------------------------------------------------------------------------------------------------

TEST_CASE("a venue that waits for a resend that the engine swallowed is answered by a fresh number and new cancels") {
  for (const bool mass : {false, true}) {
    TakeoverRig rig;
    rig.plan.switches.mass_cancel = mass;
    rig.order("A");
    rig.order("B");
    rig.plan.boundary.next_seq_num = 10;
    rig.venue.expected = 6;
    rig.venue.habits.asks_again = false;
    REQUIRE(rig.begin() == TakeoverStart::ok);
    rig.run(rig.plan.times.answer_ns - 10 * kMs);
    CHECK(rig.report().resets == 0);
    rig.run(kSecond);
    rig.clean();  // no number twice, no ClOrdID twice, the fresh number above all that were used
    CHECK(rig.report().end == TakeoverEnd::all_acknowledged);
    CHECK(rig.report().resets == 1);
    CHECK(rig.sent() == (mass ? "q 2 4 q" : "F F 2 4 F F"));
    CHECK(rig.report().next_out_seq_num == rig.venue.expected);
  }
}

TEST_CASE("where reset mode is forbidden silence stays silence") {
  TakeoverRig rig;
  rig.plan.switches.reset_mode = false;
  rig.order("A");
  rig.venue.habits.deaf = true;
  CHECK(rig.play(15 * kSecond).end == TakeoverEnd::unanswered);
  CHECK(rig.fate(0) == Fate::unknown);
  for (const Heard& m : rig.venue.heard) CHECK(m.type != "4");
}

TEST_CASE("a venue that never answers is given up when the time is over, after one fresh start") {
  TakeoverRig rig;
  rig.plan.switches.mass_cancel = true;
  rig.order("A");
  rig.venue.habits.deaf = true;
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.run(rig.plan.times.total_ns - 10 * kMs);
  CHECK_FALSE(rig.done());
  rig.run(100 * kMs);
  rig.clean();
  CHECK(rig.report().end == TakeoverEnd::unanswered);
  CHECK(rig.report().resets == 1);
  CHECK(rig.fate(0) == Fate::unknown);
}

TEST_CASE("nothing coming in at all ends the take-over after a TestRequest, also between retries") {
  TakeoverRig rig;
  rig.venue.habits.refuse_cancels = 1;
  rig.plan.times.cancel_retry_ns = 300 * kSecond;
  rig.order("A");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.run(kSecond);
  rig.venue.disconnected = false;
  rig.venue.first_look = [](const Heard&) { return true; };  // deaf and dumb from here
  rig.run(10 * kSecond, 10 * kMs);
  CHECK(rig.venue.count("1") == 0);
  rig.run(3 * kSecond, 10 * kMs);
  CHECK(rig.venue.count("1") == 1);
  rig.run(15 * kSecond, 10 * kMs);
  CHECK(rig.report().end == TakeoverEnd::silent);
  CHECK(rig.fate(0) == Fate::refused_by_venue);
}

TEST_CASE("answers that come late and out of order end every order right, whatever was asked meanwhile") {
  TakeoverRig rig;
  rig.venue.habits.delay_ns = 3 * kSecond;
  for (const char* id : {"A", "B", "C"}) rig.order(id);
  CHECK(rig.play().end == TakeoverEnd::all_acknowledged);
}

// ---- the venue's own numbers -----------------------------------------------------------------------------------------

TEST_CASE("reports that the engine had read but not booked are asked for, and settle their orders") {
  TakeoverRig rig;
  rig.plan.switches.mass_cancel = true;
  rig.order("A", 10);
  rig.order("B", 10);
  rig.venue.orders.at("A").status = '2';  // filled: a mass cancel says nothing about it any more
  rig.venue.lose("0", "");
  rig.venue.lose("8", "37=VA|11=A|150=2|39=2|54=1|14=10|");
  CHECK(rig.play(kSecond).end == TakeoverEnd::all_acknowledged);
  CHECK(rig.dialogue->outcome(0).ord_status == '2');
  CHECK(rig.dialogue->outcome(0).cum_qty == 10);
  CHECK(rig.report().inbound_whole);
  CHECK(rig.report().next_in_seq_num == rig.venue.next_out);
  CHECK(rig.sent() == "q 2");
  CHECK(rig.venue.heard[1].get(7) == "2");
  CHECK(rig.venue.heard[1].get(16) == "0");
}

TEST_CASE("a hole that the venue does not fill leaves the position unconfirmed") {
  TakeoverRig rig;
  rig.order("A");
  rig.venue.lose("8", "37=VX|11=X|150=1|39=1|54=1|14=10|");
  SECTION("it does not answer") {
    rig.venue.first_look = [](const Heard& m) { return m.type == "2"; };
  }
  SECTION("it refuses") {
    rig.venue.first_look = [&](const Heard& m) {
      if (m.type == "2") rig.venue.send("3", "45=" + std::to_string(m.seq_num) + "|372=2|");
      return m.type == "2";
    };
  }
  const TakeoverReport report = rig.play(5 * kSecond);
  CHECK(report.acknowledged == 1);
  CHECK_FALSE(report.inbound_whole);
  CHECK(report.next_in_seq_num == 2);  // the engine will ask for it
}

TakeoverInbound inbound(std::uint64_t next_in) {
  TakeoverInbound in;
  in.begin(next_in);
  return in;
}
InboundMessage numbered(std::uint64_t seq_num, std::string_view type = "8", std::uint64_t new_seq_num = 0,
                        bool gap_fill = false, bool poss_dup = false) {
  InboundMessage m;
  m.msg_type = type;
  m.seq_num = seq_num;
  m.new_seq_num = new_seq_num;
  m.gap_fill = gap_fill;
  m.poss_dup = poss_dup;
  return m;
}

TEST_CASE("the venue's numbers: holes, repetitions, gap fills, resets") {
  TakeoverInbound in = inbound(5);
  CHECK_FALSE(in.whole());  // nothing was seen: nobody knows which number is the newest
  in.take(numbered(5), 0);
  CHECK(in.whole());
  in.take(numbered(8), 0);
  CHECK(in.hole());
  CHECK(in.expected() == 6);
  CHECK(in.ask_due(0, kSecond));
  in.asked(0);
  CHECK_FALSE(in.ask_due(kSecond - 1, kSecond));
  CHECK(in.ask_due(kSecond, kSecond));
  in.take(numbered(6, "8", 0, false, true), kSecond);
  CHECK_FALSE(in.ask_due(kSecond, kSecond));  // it moves
  in.take(numbered(7, "4", 8, true, true), kSecond);
  in.take(numbered(8, "8", 0, false, true), kSecond);
  CHECK(in.whole());
  CHECK(in.expected() == 9);
  in.take(numbered(3, "8", 0, false, true), kSecond);  // old, and says so
  CHECK(in.whole());
  in.take(numbered(7, "4", 12, true, true), kSecond);  // a gap fill that begins before and ends behind
  CHECK(in.expected() == 12);
  in.take(numbered(15, "4", 20, true), kSecond);  // a gap fill beyond a hole fills nothing yet
  CHECK(in.expected() == 12);
  CHECK(in.hole());
}

TEST_CASE("a reset of the venue's numbers loses what lies between, or nothing") {
  TakeoverInbound exact = inbound(5);
  exact.take(numbered(5), 0);
  exact.take(numbered(99, "4", 6), 0);
  CHECK(exact.whole());
  CHECK(exact.expected() == 6);
  TakeoverInbound ahead = inbound(5);
  ahead.take(numbered(1, "4", 9), 0);
  CHECK(ahead.expected() == 9);
  CHECK_FALSE(ahead.hole());
  CHECK_FALSE(ahead.whole());
  TakeoverInbound over_hole = inbound(5);
  over_hole.take(numbered(7), 0);
  over_hole.take(numbered(8, "4", 5), 0);
  CHECK_FALSE(over_hole.whole());
  TakeoverInbound empty = inbound(5);
  empty.take(numbered(5, "4"), 0);  // no number in it
  CHECK(empty.expected() == 5);
  TakeoverInbound low = inbound(5);
  low.take(numbered(5), 0);
  low.take(numbered(4), 0);  // not a repetition, and lower: something is wrong with the numbers
  CHECK_FALSE(low.whole());
}

TEST_CASE("asking for a hole is bounded") {
  TakeoverInbound in = inbound(5);
  in.take(numbered(8), 0);
  int asks = 0;
  for (std::uint64_t now = 0; now < 1'000 * kSecond; now += kSecond)
    if (in.ask_due(now, kSecond)) in.asked(now), ++asks;
  CHECK(asks == 32);
}

// ---- session messages ------------------------------------------------------------------------------------------------

TEST_CASE("a TestRequest is answered with its id") {
  TakeoverRig rig;
  rig.venue.habits.deaf = true;
  rig.order("A");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.venue.send("1", "112=are you there|");
  rig.venue.send("1", "112=" + std::string(5000, 'x') + "|");  // nobody needs that
  rig.run(5 * kMs);
  REQUIRE(rig.sent() == "F 0");
  CHECK(rig.venue.heard[1].get(112) == "are you there");
}

TEST_CASE("heartbeats go out where nothing else does") {
  TakeoverRig rig;
  rig.plan.times.heartbeat_ns = 2 * kSecond;
  rig.plan.times.total_ns = 60 * kSecond;
  rig.venue.habits.deaf = true;
  rig.order("A");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.run(30 * kSecond);
  rig.clean();
  std::uint64_t longest_ns = 0;
  for (std::size_t i = 1; i < rig.venue.heard.size(); ++i)
    longest_ns = std::max(longest_ns, rig.venue.heard[i].at_ns - rig.venue.heard[i - 1].at_ns);
  CHECK(longest_ns <= 2 * kSecond + kMs);
}

TEST_CASE("a Logout, a Logon that resets, or the end of the connection ends the take-over") {
  const std::pair<const char*, const char*> ends[] = {{"5", "58=bye|"}, {"A", "98=0|108=30|141=Y|"}};
  for (const auto& [type, fields] : ends) {
    TakeoverRig rig;
    rig.venue.habits.deaf = true;
    rig.order("A");
    REQUIRE(rig.begin() == TakeoverStart::ok);
    rig.turn();
    rig.venue.send(type, fields);
    rig.turn();
    CHECK(rig.report().end == TakeoverEnd::ended_by_venue);
    CHECK(rig.fate(0) == Fate::unknown);
  }
  TakeoverRig rig;
  rig.venue.habits.deaf = true;
  rig.order("A");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.turn();
  rig.venue.disconnected = true;
  rig.turn();
  CHECK(rig.report().end == TakeoverEnd::ended_by_venue);
}

TEST_CASE("what came in before the connection ended still counts") {
  TakeoverRig rig;
  rig.order("A");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.dialogue->step(rig.now);
  const std::span<const char> out = rig.dialogue->output();
  rig.venue.receive({out.data(), out.size()}, rig.now);
  rig.dialogue->written(out.size());
  const std::string in = rig.venue.take(rig.now);
  std::memcpy(rig.dialogue->room().data(), in.data(), in.size());
  rig.dialogue->received(in.size());
  rig.dialogue->step(rig.now);
  rig.dialogue->connection_ended();
  CHECK(rig.fate(0) == Fate::acknowledged);
}

// ---- slow, throttled and broken connections ----------------------------------------------------------------------------

TEST_CASE("a peer that takes one byte at a time gets every message whole, and only whole ones count in the hand-back") {
  TakeoverRig rig;
  rig.write_piece = 1;
  rig.read_piece = 3;
  rig.plan.times.total_ns = 60 * kSecond;
  for (const char* id : {"A", "B", "C"}) rig.order(id);
  REQUIRE(rig.begin() == TakeoverStart::ok);
  for (int i = 0; i < 100; ++i, rig.now += kMs) {
    rig.turn();
    CHECK(rig.report().next_out_seq_num == 5);  // the first message is longer than 100 bytes
  }
  rig.run(10 * kSecond);
  rig.clean();
  CHECK(rig.report().end == TakeoverEnd::all_acknowledged);
  CHECK(rig.report().next_out_seq_num == rig.venue.expected);
  CHECK(rig.report().resets == 0);
}

TEST_CASE("a peer that reads nothing is no silent venue: no number is spent on it, the time ends it") {
  TakeoverRig rig(false, 2000);
  rig.plan.times.heartbeat_ns = 0;
  for (int i = 0; i < 2000; ++i) rig.order("N" + std::to_string(i));
  REQUIRE(rig.begin() == TakeoverStart::ok);
  std::size_t most = 0;
  for (int i = 0; i < 11'000 && !rig.done(); ++i, rig.now += kMs) {
    rig.dialogue->step(rig.now);
    most = std::max(most, rig.dialogue->output().size());
  }
  CHECK(rig.report().end == TakeoverEnd::unanswered);
  CHECK(rig.report().resets == 0);
  CHECK(rig.report().next_out_seq_num == 2002);
  CHECK(most < 20 * 1024);
}

TEST_CASE("a throttle that disconnects is never met, at any rate") {
  for (const std::uint32_t rate : {20U, 80U, 1'000U}) {
    TakeoverRig rig(false, 256);
    rig.plan.cancel_rate_per_s = rig.venue.habits.throttle_per_s = rate;
    rig.plan.times.total_ns = 60 * kSecond;
    for (int i = 0; i < 200; ++i) rig.order("N" + std::to_string(i));
    CHECK(rig.play(30 * kSecond).end == TakeoverEnd::all_acknowledged);
    CHECK_FALSE(rig.venue.disconnected);
    CHECK(rig.venue.count("F") == 200);
  }
}

TEST_CASE("a flood of TestRequests does not keep a cancel from being answered, nor grow the outbox") {
  TakeoverRig rig;
  rig.order("A");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  for (int i = 0; i < 3000; ++i) rig.venue.send("1", "112=" + std::string(200, 'x') + "|");
  rig.run(50 * kMs);
  rig.clean();
  CHECK(rig.report().end == TakeoverEnd::all_acknowledged);
}

TEST_CASE("garbled answers are skipped, and asked for again") {
  TakeoverRig rig;
  rig.order("A");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.venue.first_look = [&](const Heard& m) {
    if (m.type != "F") return false;
    rig.venue.orders.at("A").status = '4';
    rig.venue.lose("8", "37=VA|11=" + m.get(11) + "|41=A|150=4|39=4|54=1|14=0|");
    std::string text = rig.venue.message("8", rig.venue.next_out - 1, "37=VA|11=A|150=4|39=4|54=1|14=0|");
    text[text.size() - 2] = text[text.size() - 2] == '0' ? '1' : '0';
    rig.venue.raw("noise8=FIX.4.2\0019=5\001" + text);
    rig.venue.send("0", "");
    return true;
  };
  rig.run(100 * kMs);
  CHECK(rig.report().end == TakeoverEnd::all_acknowledged);
  CHECK(rig.report().garbled == 1);
  CHECK(rig.report().inbound_whole);
}

}  // namespace
}  // namespace portcullis
