// SPDX-License-Identifier: Apache-2.0
/// @file The take-over's dialogue with a venue that behaves: what is asked, in which order, and what counts as an answer.
#include "tests/unit/takeover_rig.hpp"

namespace portcullis {
namespace {

using namespace testing;

const bool kVersions[] = {false, true};

TEST_CASE("every order is cancelled by the engine's own message, the largest notional first") {
  for (const bool fix44 : kVersions) {
    TakeoverRig rig(fix44);
    rig.id_of(rig.order("A", 5, '1', 100), "VA");
    rig.order("B", 7, '2', 900);
    rig.order("C", 9, '5', 500);
    const TakeoverReport report = rig.play();
    CHECK(report.end == TakeoverEnd::all_acknowledged);
    CHECK(report.acknowledged == 3);
    CHECK(rig.sent() == "F F F");
    CHECK(rig.venue.heard[0].get(41) == "B");
    CHECK(rig.venue.heard[1].get(41) == "C");
    CHECK(rig.venue.heard[2].get(41) == "A");
    CHECK(rig.venue.heard[0].get(1028) == "N");
    CHECK(rig.venue.heard[0].seq_num == 5);
    CHECK(rig.venue.heard[0].get(52).substr(0, 17) == "20261123-14:30:05");
    CHECK(report.next_out_seq_num == 8);
    CHECK(report.next_out_seq_num == rig.venue.expected);
    CHECK(report.next_in_seq_num == rig.venue.next_out);
    CHECK(report.inbound_whole);
    CHECK(report.last_ack_ns != 0);
    CHECK(report.changes == 3);
  }
}

TEST_CASE("the venue's mass cancel is used where it has one, and only its reports prove anything") {
  for (const bool fix44 : kVersions) {
    TakeoverRig rig(fix44);
    rig.plan.switches.mass_cancel = true;
    for (const char* id : {"A", "B", "C"}) rig.order(id);
    const TakeoverReport report = rig.play();
    CHECK(rig.sent() == "q");
    CHECK(report.end == TakeoverEnd::all_acknowledged);
    CHECK(report.mass_cancels_sent == 1);
    CHECK(report.cancels_sent == 0);
  }
}

TEST_CASE("a yes to the mass cancel without reports is followed by a status request for each order") {
  TakeoverRig rig;
  rig.plan.switches.mass_cancel = true;
  rig.venue.habits.mass = MassAnswer::terse;
  rig.order("A");
  rig.order("B");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.run(rig.plan.times.quiet_ns / 2);
  CHECK(rig.report().acknowledged == 0);
  rig.run(5 * kSecond);
  rig.clean();
  CHECK(rig.sent() == "q H H");
  CHECK(rig.venue.heard[1].get(11) == "A");
  CHECK(rig.venue.heard[1].has(790));
  CHECK(rig.report().end == TakeoverEnd::all_acknowledged);
}

TEST_CASE("without status requests a mass cancel that proves nothing is followed by a cancel for each order") {
  TakeoverRig rig;
  rig.plan.switches.mass_cancel = true;
  SECTION("switched off") { rig.plan.switches.status_request = false; }
  SECTION("no template") { rig.plan.templates.status_request = nullptr; }
  SECTION("the venue has none") { rig.venue.habits.status = false; }
  rig.venue.habits.mass = MassAnswer::terse;
  rig.order("A");
  CHECK(rig.play().end == TakeoverEnd::all_acknowledged);  // 35=9, 39=4: too late, it is cancelled
  CHECK(rig.venue.heard.back().type == "F");
}

TEST_CASE("a no to the mass cancel leads to a cancel for each order at once") {
  for (const MassAnswer answer : {MassAnswer::refused, MassAnswer::reject, MassAnswer::business_reject}) {
    TakeoverRig rig;
    rig.plan.switches.mass_cancel = true;
    rig.venue.habits.mass = answer;
    rig.order("A");
    rig.order("B");
    CHECK(rig.play(20 * kMs).end == TakeoverEnd::all_acknowledged);
    CHECK(rig.sent() == "q F F");
  }
}

TEST_CASE("only a terminal OrdStatus ends an order") {
  for (const char status : std::string("0123456789ABCDE")) {
    TakeoverRig rig;
    rig.plan.times.total_ns = 100 * kMs;
    rig.listed("A");
    rig.venue.first_look = [&](const Heard& m) {
      if (m.type != "F") return false;
      rig.venue.send("8", "37=V|11=" + m.get(11) + "|41=A|150=" + status + "|39=" + status + "|54=1|14=0|");
      return true;
    };
    rig.play(200 * kMs);
    INFO(status);
    const bool terminal = std::string("234C").find(status) != std::string::npos;
    CHECK((rig.fate(0) == Fate::acknowledged) == terminal);
    CHECK((rig.fate(0) == Fate::refused_by_venue) == (status == '8'));  // under the name of our cancel
  }
}

TEST_CASE("a rejected order is ended by the report about itself") {
  TakeoverRig rig;
  rig.listed("A");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.venue.send("8", "37=NONE|11=A|150=8|39=8|54=1|14=0|");
  rig.run(kMs);
  CHECK(rig.fate(0) == Fate::acknowledged);
  CHECK(rig.dialogue->outcome(0).ord_status == '8');
}

TEST_CASE("only a terminal OrdStatus in a cancel reject ends an order, any other is the venue's no") {
  for (const char status : std::string("0123456789ABCDE")) {
    TakeoverRig rig;
    rig.listed("A");
    rig.venue.first_look = [&](const Heard& m) {
      if (m.type != "F") return false;
      rig.venue.send("9", "37=V|11=" + m.get(11) + "|41=A|39=" + status + "|102=2|434=1|");
      return true;
    };
    rig.play(100 * kMs);
    INFO(status);
    const bool terminal = std::string("234C8").find(status) != std::string::npos;
    CHECK(rig.fate(0) == (terminal ? Fate::acknowledged : Fate::refused_by_venue));
    if (!terminal) CHECK(rig.dialogue->outcome(0).cxl_rej_reason == 2);
  }
}

TEST_CASE("a pending cancel is no end: the order is asked for again") {
  TakeoverRig rig;
  rig.venue.habits.pending_cancels = 1;
  rig.order("A");
  CHECK(rig.play().end == TakeoverEnd::all_acknowledged);
  CHECK(rig.sent() == "F H F");
}

TEST_CASE("a fill that crosses the cancel is counted into the position") {
  TakeoverRig rig;
  rig.order("A", 10);
  rig.order("B", 10);
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.venue.fill("A", 4);
  rig.venue.fill("B", 10);
  rig.run(5 * kSecond);
  rig.clean();
  CHECK(rig.report().end == TakeoverEnd::all_acknowledged);
  CHECK(rig.dialogue->outcome(0).cum_qty == 4);
  CHECK(rig.dialogue->outcome(0).fill_seen);
  CHECK(rig.dialogue->outcome(1).cum_qty == 10);
  CHECK(rig.dialogue->outcome(1).ord_status == '2');
  CHECK(rig.report().inbound_whole);
}

TEST_CASE("figures that cannot be are not taken, and the position is not called certain") {
  for (const char* report : {"11=A|39=2|150=2|54=1|14=11|", "11=A|39=4|150=4|54=2|14=0|"}) {
    TakeoverRig rig;
    rig.plan.times.total_ns = 10 * kMs;
    rig.listed("A", 10);
    rig.venue.habits.deaf = true;
    REQUIRE(rig.begin() == TakeoverStart::ok);
    rig.venue.send("8", report);
    rig.turn();
    CHECK(rig.fate(0) == Fate::open);
    CHECK(rig.dialogue->outcome(0).cum_qty == 0);
    CHECK(rig.report().implausible == 1);
    CHECK_FALSE(rig.report().inbound_whole);
  }
  TakeoverRig rig;
  rig.order("A", 10);
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.venue.send("8", "11=A|39=1|150=H|54=1|14=3|");  // a trade that was taken back
  rig.run(kSecond);
  CHECK(rig.report().acknowledged == 1);
  CHECK_FALSE(rig.report().inbound_whole);
}

TEST_CASE("answers about nobody we know end nothing") {
  TakeoverRig rig;
  rig.plan.times.total_ns = 50 * kMs;
  rig.listed("A");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.venue.habits.deaf = true;
  rig.venue.send("8", "11=NOBODY|39=4|150=4|14=0|");
  rig.venue.send("9", "11=NOBODY|41=ELSE|39=4|");
  rig.venue.send("r", "11=NOBODY|531=7|");
  rig.venue.send("3", "45=77|");
  rig.venue.send("j", "45=77|379=NOBODY|");
  rig.venue.send("9", "11=A|41=B|39=4|");  // A is no replace
  rig.run(kSecond);
  CHECK(rig.report().unmatched == 5);
  CHECK(rig.report().implausible == 1);
  CHECK(rig.fate(0) == Fate::unknown);
}

TEST_CASE("a report that names only the OrderID finds its order") {
  TakeoverRig rig;
  rig.id_of(rig.listed("A"), "VA");
  rig.listed("B");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.venue.habits.deaf = true;
  rig.venue.send("8", "37=VA|11=ODD|39=4|150=4|14=0|");
  rig.venue.send("8", "37=VB|11=B|39=0|150=0|14=0|");  // learnt here
  rig.venue.send("8", "37=VB|11=ODD|39=C|150=C|14=0|");
  rig.turn();
  CHECK(rig.fate(0) == Fate::acknowledged);
  CHECK(rig.fate(1) == Fate::acknowledged);
}

// ---- replaces that nobody booked -------------------------------------------------------------------------------------

TEST_CASE("a chain of replaces is asked from its newest name, and ends as one order") {
  for (const int taken : {0, 1, 2}) {
    TakeoverRig rig;
    rig.order("A");
    rig.replace("A", "B", taken >= 1, 6);
    rig.replace("B", "C", taken >= 2, 7);
    INFO(taken << " replaces were done");
    const TakeoverReport report = rig.play();
    CHECK(report.end == TakeoverEnd::all_acknowledged);
    CHECK(rig.venue.orders.at("A").status == '4');
    CHECK(rig.venue.heard[0].get(41) == "C");
    CHECK(report.cancels_sent == 3U - static_cast<unsigned>(taken));
  }
}

TEST_CASE("a replaced report ends the old name only, and only for the name that we know") {
  TakeoverRig rig;
  rig.listed("A");
  rig.replace("A", "B", false);
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.venue.habits.deaf = true;
  rig.venue.send("8", "37=V|11=STRANGER|41=A|150=5|39=0|54=1|14=0|");
  rig.turn();
  CHECK(rig.fate(0) == Fate::open);
  rig.venue.send("8", "37=V|11=B|41=A|150=5|39=0|54=1|14=0|");
  rig.turn();
  CHECK(rig.fate(0) == Fate::acknowledged);
  CHECK(rig.dialogue->outcome(0).ord_status == '5');
  CHECK(rig.fate(1) == Fate::open);
}

TEST_CASE("a replace that the venue refused is over, its order is not") {
  TakeoverRig rig;
  rig.order("A");
  rig.replace("A", "B", false);
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.venue.send("9", "11=B|41=A|39=0|434=2|102=2|");
  rig.venue.habits.deaf = true;
  rig.turn();
  CHECK(rig.fate(1) == Fate::acknowledged);
  CHECK(rig.fate(0) == Fate::open);
  rig.venue.habits.deaf = false;
  rig.run(5 * kSecond);
  CHECK(rig.report().end == TakeoverEnd::all_acknowledged);
}

TEST_CASE("names in a circle, or of themselves, do not go round for ever") {
  TakeoverRig rig;
  rig.replace("B", "A", false);
  rig.replace("A", "B", false);
  rig.replace("C", "C", false);
  rig.plan.times.total_ns = 100 * kMs;
  CHECK(rig.play(kSecond).phase == TakeoverPhase::done);
}

// ---- Reject and BusinessMessageReject ---------------------------------------------------------------------------------

TEST_CASE("a reject is mapped by RefSeqNum: of the order's own message it is its end, of our cancel the venue's no") {
  for (const char* type : {"3", "j"}) {
    TakeoverRig rig;
    rig.listed("A");  // message 2
    rig.listed("B");  // message 3
    REQUIRE(rig.begin() == TakeoverStart::ok);
    rig.venue.first_look = [&](const Heard& m) {
      if (m.type == "F") rig.venue.send(type, "45=" + std::to_string(m.seq_num) + "|372=F|");
      return m.type == "F";
    };
    rig.venue.send(type, "45=2|372=D|");
    rig.run(50 * kMs);
    CHECK(rig.fate(0) == Fate::acknowledged);
    CHECK(rig.fate(1) == Fate::refused_by_venue);
  }
}

TEST_CASE("a business reject without a number is mapped by the ClOrdID that it names") {
  TakeoverRig rig;
  rig.listed("A");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.venue.habits.deaf = true;
  rig.venue.send("j", "379=A|372=D|380=3|");
  rig.turn();
  CHECK(rig.fate(0) == Fate::acknowledged);
}

TEST_CASE("a reject of our gap fill is not taken for a reject of the order whose number it carries") {
  TakeoverRig rig;
  rig.listed("A");  // message 2
  rig.plan.boundary.resend_from = 2;
  rig.venue.expected = 2;
  rig.venue.habits.deaf = true;
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.turn();
  rig.venue.send("3", "45=2|");        // 372 is not required in FIX.4.2
  rig.venue.send("3", "45=2|372=4|");
  rig.turn();
  CHECK(rig.fate(0) == Fate::open);
  rig.venue.send("3", "45=2|372=D|");
  rig.turn();
  CHECK(rig.fate(0) == Fate::acknowledged);
}

TEST_CASE("a number that two orders claim is nobody's") {
  TakeoverRig rig;
  rig.listed("A");
  rig.listed("B").msg_seq_num = 2;
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.venue.habits.deaf = true;
  rig.venue.send("3", "45=2|372=D|");
  rig.turn();
  CHECK(rig.fate(0) == Fate::open);
  CHECK(rig.fate(1) == Fate::open);
}

// ---- the venue's no --------------------------------------------------------------------------------------------------

TEST_CASE("not now is tried again with the session kept alive, until it is a yes") {
  TakeoverRig rig;
  rig.venue.habits.refuse_cancels = 3;
  rig.order("A");
  rig.order("B");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.run(kSecond);
  CHECK(rig.report().phase == TakeoverPhase::retrying);
  CHECK(rig.report().refused == 2);
  CHECK(rig.report().end == TakeoverEnd::none);
  rig.run(60 * kSecond, 10 * kMs);
  rig.clean();
  CHECK(rig.report().end == TakeoverEnd::all_acknowledged);
  CHECK(rig.report().cancels_sent == 8);
  CHECK(rig.report().resets == 0);
}

TEST_CASE("not now to the last is reported as the venue's no, never as silence") {
  TakeoverRig rig;
  rig.plan.times.cancel_retry_total_ns = 60 * kSecond;
  rig.plan.times.cancel_retry_ns = 25 * kSecond;
  rig.venue.habits.refuse_cancels = 1000;
  rig.order("A");
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.run(59 * kSecond, 10 * kMs);
  CHECK_FALSE(rig.done());
  CHECK(rig.venue.count("0") >= 2);  // nothing else to say, and the session stays
  CHECK(rig.venue.count("1") >= 2);
  rig.run(2 * kSecond, 10 * kMs);
  rig.clean();
  CHECK(rig.report().end == TakeoverEnd::refused);
  CHECK(rig.fate(0) == Fate::refused_by_venue);
  CHECK(rig.report().cancels_sent == 3);  // at once and every 25 s
}

TEST_CASE("refusals are final at once where nothing is to be retried") {
  TakeoverRig rig;
  rig.plan.times.cancel_retry_total_ns = 0;
  rig.venue.habits.refuse_cancels = 1;
  rig.order("A");
  CHECK(rig.play(100 * kMs).end == TakeoverEnd::refused);
}

TEST_CASE("a cancel refused for want of an OrderID is tried again as soon as the OrderID is known") {
  for (const bool fix44 : kVersions) {
    TakeoverRig rig(fix44, 64, true);
    rig.venue.habits.needs_order_id = true;
    rig.order("A");
    SECTION("asked for by a status request") {}
    SECTION("read from the engine's unbooked report") {
      rig.plan.switches.status_request = false;
      rig.venue.lose("8", "37=VA|11=A|150=0|39=0|54=1|14=0|");
    }
    CHECK(rig.play(100 * kMs).end == TakeoverEnd::all_acknowledged);
    CHECK(rig.report().cancels_sent == 2);
    CHECK(rig.venue.heard.back().get(37) == "VA");
  }
}

TEST_CASE("unknown order is no proof where the question had to leave out the OrderID") {
  TakeoverRig rig(false, 64, true);
  rig.plan.times.total_ns = 10 * kSecond;
  rig.plan.times.cancel_retry_total_ns = 12 * kSecond;
  rig.order("A");
  rig.venue.first_look = [&](const Heard& m) {  // finds orders by OrderID only
    if (m.type == "F") rig.venue.send("9", "37=NONE|11=" + m.get(11) + "|41=A|39=8|102=1|434=1|");
    if (m.type == "H") rig.venue.send("8", "37=NONE|11=A|20=3|150=8|39=8|54=1|14=0|");
    return m.type == "F" || m.type == "H";
  };
  CHECK(rig.play().end == TakeoverEnd::refused);
}

TEST_CASE("a replace that may never have lived does not keep its order from being cancelled") {
  TakeoverRig rig(false, 64, true);  // the venue knows neither name by OrderID, the engine normally names it
  rig.order("A");
  rig.replace("A", "B", false);
  CHECK(rig.play(kSecond).end == TakeoverEnd::all_acknowledged);
  CHECK(rig.venue.orders.at("A").status == '4');
}

TEST_CASE("a take-over without orders is over at once, one without means or place does not begin") {
  TakeoverRig rig;
  REQUIRE(rig.begin() == TakeoverStart::ok);
  rig.turn();
  CHECK(rig.report().end == TakeoverEnd::all_acknowledged);
  CHECK(rig.sent().empty());

  const auto start = [](const std::function<void(TakeoverRig&)>& change) {
    TakeoverRig r(false, 2);
    r.order("A");
    change(r);
    const TakeoverStart result = r.begin();
    r.run(kSecond);
    CHECK((result == TakeoverStart::ok) != r.venue.heard.empty());
    return result;
  };
  CHECK(start([](TakeoverRig& r) { r.plan.templates = {}; }) == TakeoverStart::no_template);
  CHECK(start([](TakeoverRig& r) { r.plan.templates = {nullptr, &r.mass, nullptr}; }) == TakeoverStart::no_template);
  CHECK(start([](TakeoverRig& r) { r.plan.templates.cancel = &r.status; }) == TakeoverStart::no_template);
  CHECK(start([](TakeoverRig& r) { r.plan.boundary.kind = BoundaryKind::unknown; }) == TakeoverStart::boundary_unknown);
  CHECK(start([](TakeoverRig& r) { r.order("B"), r.order("C"); }) == TakeoverStart::too_many_orders);
  CHECK(start([](TakeoverRig& r) {
          r.plan.templates.cancel = nullptr;
          r.plan.switches.mass_cancel = true;
        }) == TakeoverStart::ok);
}

}  // namespace
}  // namespace portcullis
