// SPDX-License-Identifier: Apache-2.0
/// @file What is declared on a session: bytes, message ends, sequence numbers, and which orders are on the
/// wire.
#include <fcntl.h>

#include <catch2/catch.hpp>

#include "tests/unit/engine_fixture.hpp"
#include "tests/unit/fix_text.hpp"

using namespace portcullis;
using namespace portcullis::testing;

namespace {

struct Connected {
  Connected() : engine(supervisor) { REQUIRE(pc_session_open(engine.hook, "S0", -1, &session) == PC_OK); }
  pc_status declare(const std::string& bytes) { return pc_declare(session, bytes.data(), bytes.size()); }
  const SessionBlock& block() { return supervisor.ledger().session(0); }
  MessageEnd& end(std::uint64_t n) { return supervisor.ledger().message_end(0, n); }
  TestSupervisor supervisor;
  Engine engine;
  pc_session* session = nullptr;
};

}  // namespace

TEST_CASE("a submitted order's slot learns where its message stands in the stream") {
  Connected t;
  const std::string logon = fix_message("35=A|34=1|98=0|");
  const std::string order = fix_message("35=D|34=2|11=A1|38=1|");
  REQUIRE(t.declare(logon) == PC_OK);
  REQUIRE(t.engine.ask({"A1"}) == PC_PASS);
  REQUIRE(t.declare(order) == PC_OK);
  const OrderSlot& slot = t.supervisor.slot(t.engine.ticket.order);
  CHECK(load(slot.session_epoch) == 1);
  CHECK(load(slot.msg_begin_byte) == logon.size());
  CHECK(load(slot.msg_end_byte) == logon.size() + order.size());
  CHECK(load(slot.msg_seq_num) == 2);
  CHECK(load(t.block().declared_bytes) == logon.size() + order.size());
  CHECK(load(t.block().next_out_seq_num) == 3);
  CHECK(load(t.block().new_orders) == 1);
  CHECK(load(t.block().unsubmitted_orders) == 0);
  CHECK(load(t.block().ends_head) == 2);
  CHECK(load(t.end(1).end_byte) == logon.size() + order.size());
  CHECK(load(t.end(1).next_seq_num) == 3);
  CHECK(load(t.end(1).covered_seq_num) == 2);
}

TEST_CASE("an order on the wire that nobody submitted is counted, and the first one is named") {
  Connected t;
  REQUIRE(t.engine.send({"A1"}) == PC_PASS);
  t.declare(fix_message("35=D|34=1|11=ROGUE|") + fix_message("35=D|34=2|11=A1|") +
            fix_message("35=D|34=3|11=OTHER|"));
  CHECK(load(t.block().unsubmitted_orders) == 2);
  CHECK(t.block().unsubmitted_id.get().view() == "ROGUE");
  CHECK(load(t.block().new_orders) == 3);
}

TEST_CASE("every kind of new order is looked for, every id of a list, and nothing else") {
  Connected t;
  for (const char* id : {"L1", "L2", "C1"}) REQUIRE(t.engine.send({id}) == PC_PASS);
  t.declare(fix_message("35=E|34=1|66=LIST|11=L1|11=L2|11=L3|"));
  CHECK(load(t.block().unsubmitted_orders) == 1);
  t.declare(fix_message("35=s|34=2|548=X|11=C1|11=C2|"));
  CHECK(load(t.block().unsubmitted_orders) == 2);
  t.declare(fix_message("35=AB|34=3|11=M1|"));
  CHECK(load(t.block().unsubmitted_orders) == 3);
  t.declare(fix_message("35=F|34=4|11=X1|41=L1|") + fix_message("35=q|34=5|11=X2|") +
            fix_message("35=H|34=6|11=L1|"));
  CHECK(load(t.block().unsubmitted_orders) == 3);
  t.declare(fix_message("35=D|34=7|38=5|"));  // an order without a name
  CHECK(load(t.block().unsubmitted_orders) == 4);
}

TEST_CASE("an order that ended, was taken back, or went out before is not submitted again") {
  Connected t;
  REQUIRE(t.engine.send({"A1"}) == PC_PASS);
  t.declare(fix_message("35=D|34=1|11=A1|"));
  t.declare(fix_message("35=D|34=2|11=A1|"));  // the same order twice
  CHECK(load(t.block().unsubmitted_orders) == 1);
  t.declare(fix_message("35=D|34=1|43=Y|11=A1|"));  // a resend of an open order
  CHECK(load(t.block().unsubmitted_orders) == 1);
  CHECK(load(t.supervisor.slot(t.engine.ticket.order).msg_seq_num) == 1);
  t.engine.cancelled(t.engine.ticket.order);
  t.declare(fix_message("35=D|34=1|43=Y|11=A1|"));
  CHECK(load(t.block().unsubmitted_orders) == 2);
  REQUIRE(t.engine.ask({"A2"}) == PC_PASS);
  pc_not_sent(t.engine.lane(), t.engine.ticket.order);
  t.declare(fix_message("35=D|34=3|11=A2|"));
  CHECK(load(t.block().unsubmitted_orders) == 3);
}

TEST_CASE("a replace goes out as a replace, an order as an order") {
  Connected t;
  REQUIRE(t.engine.send({"A1"}) == PC_PASS);
  t.declare(fix_message("35=D|34=1|11=A1|"));
  REQUIRE(t.engine.replace(t.engine.ticket.order, "A2", 2, 100 * kPx) == PC_PASS);
  t.declare(fix_message("35=G|34=2|11=A2|41=A1|"));
  CHECK(load(t.block().unsubmitted_orders) == 0);
  REQUIRE(t.engine.send({"B1"}) == PC_PASS);
  t.declare(fix_message("35=G|34=3|11=B1|41=A1|"));
  CHECK(load(t.block().unsubmitted_orders) == 1);
}

TEST_CASE("bytes of a FIX session that are no whole message count as an order that nobody submitted") {
  Connected t;
  t.declare(fix_message("35=0|34=1|"));
  const std::string order = fix_message("35=D|34=2|11=A1|");
  t.declare(order.substr(0, 20));
  CHECK(load(t.block().unsubmitted_orders) == 1);
  CHECK(load(t.block().declared_bytes) == fix_message("35=0|34=1|").size() + 20);
}

TEST_CASE("a session of another dialect is counted byte by byte and raises no alarm") {
  Connected t;
  t.declare("\x01\x02 binary");
  t.declare(fix_message("35=D|34=2|11=A1|"));
  CHECK(load(t.block().unsubmitted_orders) == 0);
  CHECK(load(t.block().declared_bytes) == 9 + fix_message("35=D|34=2|11=A1|").size());
}

TEST_CASE("repeated messages do not move the next number; gap fills cover, resets move it") {
  Connected t;
  t.declare(fix_message("35=0|34=5|"));
  t.declare(fix_message("35=0|34=3|43=Y|"));
  CHECK(load(t.end(1).next_seq_num) == 6);
  CHECK(load(t.end(1).covered_seq_num) == 3);
  t.declare(fix_message("35=4|34=4|43=Y|123=Y|36=6|"));
  CHECK(load(t.end(2).next_seq_num) == 6);
  CHECK(load(t.end(2).covered_seq_num) == 5);
  t.declare(fix_message("35=4|34=6|36=20|"));
  CHECK(load(t.end(3).next_seq_num) == 20);
}

TEST_CASE("an order that was not written takes its declared bytes back with it") {
  Connected t;
  t.declare(fix_message("35=0|34=1|"));
  const std::uint64_t before = load(t.block().declared_bytes);
  REQUIRE(t.engine.ask({"A1"}) == PC_PASS);
  t.declare(fix_message("35=D|34=2|11=A1|"));
  REQUIRE(pc_not_sent(t.engine.lane(), t.engine.ticket.order) == PC_OK);
  CHECK(load(t.block().declared_bytes) == before);
  CHECK(load(t.block().ends_head) == 1);
  CHECK(load(t.block().next_out_seq_num) == 2);
  CHECK(load(t.block().new_orders) == 0);
  REQUIRE(t.engine.ask({"A2"}) == PC_PASS);
  t.declare(fix_message("35=D|34=2|11=A2|"));
  CHECK(load(t.supervisor.slot(t.engine.ticket.order).msg_begin_byte) == before);
}

TEST_CASE("bytes that something was declared behind stay declared") {
  Connected t;
  REQUIRE(t.engine.ask({"A1"}) == PC_PASS);
  t.declare(fix_message("35=D|34=1|11=A1|"));
  t.declare(fix_message("35=0|34=2|"));
  const std::uint64_t declared = load(t.block().declared_bytes);
  REQUIRE(pc_not_sent(t.engine.lane(), t.engine.ticket.order) == PC_OK);
  CHECK(load(t.block().declared_bytes) == declared);
}

TEST_CASE("a session that ended takes no more bytes, and the next connection starts at nothing") {
  Connected t;
  t.declare(fix_message("35=0|34=1|"));
  pc_processed(t.session, 12);
  CHECK(load(t.block().processed_seq_num) == 12);
  REQUIRE(pc_session_end(t.session) == PC_OK);
  CHECK(t.declare("x") == PC_ERR_CLOSED);
  CHECK(pc_session_end(t.session) == PC_ERR_CLOSED);
  pc_session* again = nullptr;
  REQUIRE(pc_session_open(t.engine.hook, "S0", -1, &again) == PC_OK);
  CHECK(load(t.block().epoch) == 2);
  CHECK(load(t.block().declared_bytes) == 0);
  CHECK(load(t.block().processed_seq_num) == 0);
}

TEST_CASE("what the supervisor refuses is said with its reason") {
  Connected t;
  pc_session* session = nullptr;
  t.supervisor.answer = AttachStatus::not_tcp;
  CHECK(pc_session_open(t.engine.hook, "S1", -1, &session) == PC_ERR_NOT_TCP);
  CHECK(session == nullptr);
  CHECK(std::string(pc_why(t.engine.hook)) == "because the test says so");
  t.supervisor.answer = AttachStatus::full;
  const std::string sample = fix_message("35=F|34=1|");
  CHECK(pc_session_template(t.session, text_of(sample)) == PC_ERR_FULL);
  t.supervisor.answer = AttachStatus::ok;
  CHECK(pc_session_template(t.session, text_of(sample)) == PC_OK);
  CHECK(t.supervisor.templates_seen() == 2);
  CHECK(pc_session_template(t.session, {sample.data(), kTemplateBytes + 1, 0}) == PC_ERR_ARGUMENT);
}
