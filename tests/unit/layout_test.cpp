// SPDX-License-Identifier: Apache-2.0
/// @file The layout of both memories, copied by hand with magic numbers on purpose: whoever changes a struct
/// changes kLayoutVersion and this file in the same commit, or two processes read each other wrongly.
#include <catch2/catch.hpp>

#include "shm/attach_protocol.hpp"
#include "shm/ledger_layout.hpp"

using namespace portcullis;

#define AT(type, member, offset) CHECK(offsetof(type, member) == (offset))

TEST_CASE("the layout has the version and the numbers that both sides agreed on") {
  CHECK(kLayoutVersion == 2);
  CHECK(kGateMagic == 0x454C41474354524FULL);
  CHECK(kLedgerMagic == 0x524547444C435450ULL);
  CHECK(kLimitKinds == 19);
  CHECK(kRefusalEntries == 256);
  CHECK(kRateWindowsMax == 8);
  CHECK(kIdBytes == 36);
  CHECK(kNameBytes == 32);
  CHECK(sizeof(Capacities) == 32);
  CHECK(sizeof(Word) == 8);
  CHECK(alignof(Word) == 8);
}

TEST_CASE("the gate is laid out as drawn") {
  CHECK(sizeof(GateHeader) == 4'096);
  AT(GateHeader, magic, 0);
  AT(GateHeader, version, 8);
  AT(GateHeader, shared_totals, 12);
  AT(GateHeader, fingerprint, 16);
  AT(GateHeader, incarnation, 24);
  AT(GateHeader, capacities, 40);
  AT(GateHeader, engine, 72);
  AT(GateHeader, configuration_hash, 104);
  AT(GateHeader, lease_deadline_ns, 3'968);
  AT(GateHeader, lease_ns, 3'976);
  AT(GateHeader, cycle, 3'984);
  AT(GateHeader, wake_sequence, 4'032);
  CHECK(sizeof(EngineLimits) == 192);
  AT(EngineLimits, order_rate, 0);
  AT(EngineLimits, gross_notional_e4, 128);
  AT(EngineLimits, open_orders, 136);
  AT(EngineLimits, order_rates, 144);
  AT(EngineLimits, backlog_bytes, 152);
  CHECK(sizeof(GateLane) == 384);
  AT(GateLane, word, 0);
  AT(GateLane, cancel_request, 8);
  AT(GateLane, cancel_pace_ns, 16);
  AT(GateLane, name, 64);
  AT(GateLane, pair_begin, 96);
  AT(GateLane, pair_count, 100);
  AT(GateLane, order_rates, 104);
  AT(GateLane, parent_required, 108);
  AT(GateLane, order_rate, 112);
  AT(GateLane, refusals, 240);
  AT(GateLane, order_qty, 256);
  AT(GateLane, order_notional_e4, 264);
  AT(GateLane, collar_bps, 272);
  AT(GateLane, gross_notional_e4, 280);
  AT(GateLane, open_orders, 288);
  AT(GateLane, children, 296);
  AT(GateLane, child_qty_bps, 304);
  AT(GateLane, shut_kinds, 312);
  CHECK(sizeof(GateInstrument) == 64);
  AT(GateInstrument, value_num, 24);
  AT(GateInstrument, value_den, 32);
  AT(GateInstrument, reference_px_e8, 40);
  AT(GateInstrument, tick_e8, 48);
  AT(GateInstrument, allow_negative, 56);
  CHECK(sizeof(GatePair) == 32);
  AT(GatePair, position, 8);
  CHECK(sizeof(GateSession) == 128);
  AT(GateSession, accepted_bytes, 32);
  AT(GateSession, transport, 40);
  AT(GateSession, accepted_epoch, 56);
  AT(GateSession, backlog_bytes, 64);
  CHECK(sizeof(Evaluation) == 16);
}

TEST_CASE("a lane's block keeps each role on its own lines") {
  CHECK(sizeof(LedgerHeader) == 4'096);
  AT(LedgerHeader, engine_pid, 104);
  AT(LedgerHeader, membarrier_registered, 112);
  AT(LedgerHeader, detaching, 120);
  CHECK(sizeof(LedgerTotals) == 192);
  AT(LedgerTotals, open_orders, 64);
  AT(LedgerTotals, ring_head, 128);
  CHECK(sizeof(RingEntry) == 16);
  CHECK(sizeof(LaneBlock) == 2'816);
  AT(LaneBlock, in_flight, 0);
  AT(LaneBlock, shut, 8);
  AT(LaneBlock, passes, 16);
  AT(LaneBlock, pass_mask, 24);
  AT(LaneBlock, submitted_notional_e4, 32);
  AT(LaneBlock, submitted_orders, 48);
  AT(LaneBlock, rate_head, 64);
  AT(LaneBlock, refusals, 96);
  AT(LaneBlock, shut_observed, 112);
  AT(LaneBlock, responder_sequence, 128);
  AT(LaneBlock, released_notional_e4, 136);
  AT(LaneBlock, position_notional_e4, 144);
  AT(LaneBlock, released_orders, 152);
  AT(LaneBlock, foreign_orders, 168);
  AT(LaneBlock, unbooked, 184);
  AT(LaneBlock, beat_ns, 192);
  AT(LaneBlock, cancel_seen, 232);
  AT(LaneBlock, shut_kind, 248);
  AT(LaneBlock, partial_evaluated, 256);
  AT(LaneBlock, refused, 448);
  AT(LaneBlock, refusal_ns, 640);
  AT(LaneBlock, start_notional_e4, 2'688);
}

TEST_CASE("cells, parents, orders and sessions are laid out as drawn") {
  CHECK(sizeof(Cell) == 128);
  AT(Cell, submitted_sell, 16);
  AT(Cell, mark_px_e8, 32);
  AT(Cell, start_set, 48);
  AT(Cell, start_position, 56);
  AT(Cell, released_buy, 64);
  AT(Cell, bought, 80);
  AT(Cell, corrections, 96);
  CHECK(sizeof(ParentSlot) == 192);
  AT(ParentSlot, instrument_side, 40);
  AT(ParentSlot, qty, 48);
  AT(ParentSlot, generation, 56);
  AT(ParentSlot, children, 64);
  AT(ParentSlot, lane, 88);
  AT(ParentSlot, released_qty, 128);
  AT(ParentSlot, filled_qty, 136);
  CHECK(sizeof(OrderSlot) == 320);
  AT(OrderSlot, submit_word, 0);
  AT(OrderSlot, lane_pair, 8);
  AT(OrderSlot, instrument_terms, 16);
  AT(OrderSlot, order_qty, 24);
  AT(OrderSlot, px_e8, 32);
  AT(OrderSlot, notional_e4, 40);
  AT(OrderSlot, submitted_ns, 48);
  AT(OrderSlot, parent, 56);
  AT(OrderSlot, cl_ord_id, 64);
  AT(OrderSlot, orig_slot, 104);
  AT(OrderSlot, cancel_ns, 112);
  AT(OrderSlot, reserved_qty, 120);
  AT(OrderSlot, session_epoch, 128);
  AT(OrderSlot, msg_begin_byte, 136);
  AT(OrderSlot, msg_end_byte, 144);
  AT(OrderSlot, msg_seq_num, 152);
  AT(OrderSlot, reference_px_e8, 160);
  AT(OrderSlot, answer_word, 192);
  AT(OrderSlot, cum_qty, 200);
  AT(OrderSlot, released_qty, 208);
  AT(OrderSlot, released_notional_e4, 216);
  AT(OrderSlot, refused_reason, 224);
  AT(OrderSlot, order_id, 256);
  CHECK(sizeof(MessageEnd) == 24);
  CHECK(sizeof(SessionBlock) == 192);
  AT(SessionBlock, declared_bytes, 8);
  AT(SessionBlock, next_out_seq_num, 16);
  AT(SessionBlock, ends_head, 24);
  AT(SessionBlock, unsubmitted_orders, 32);
  AT(SessionBlock, new_orders, 48);
  AT(SessionBlock, unsubmitted_id, 64);
  AT(SessionBlock, first_out_seq_num, 104);
  AT(SessionBlock, logon_resets, 112);
  AT(SessionBlock, processed_seq_num, 128);
}

TEST_CASE("the arrays stand where both sides compute them, each on a cache line") {
  const Capacities c{3, 5, 7, 2, 11, 2, 64, 16};
  const GateOffsets gate = gate_offsets(c);
  CHECK(gate.limits == 4'096);
  CHECK(gate.lanes == 4'288);
  CHECK(gate.instruments == 5'440);
  CHECK(gate.pairs == 5'760);
  CHECK(gate.sessions == 6'016);
  CHECK(gate.evaluations == 6'272);
  CHECK(gate.total == 8'192);
  const LedgerOffsets ledger = ledger_offsets(c);
  CHECK(ledger.totals == 4'096);
  CHECK(ledger.lanes == 4'288);
  CHECK(ledger.cells == 12'736);
  CHECK(ledger.parents == 13'632);
  CHECK(ledger.orders == 14'016);
  CHECK(ledger.sessions == 17'536);
  CHECK(ledger.lane_rings == 17'920);
  CHECK(ledger.shared_ring == 19'456);
  CHECK(ledger.message_ends == 20'480);
  CHECK(ledger.total == 24'576);
  for (const std::uint64_t at :
       {ledger.totals, ledger.lanes, ledger.cells, ledger.parents, ledger.orders, ledger.sessions,
        ledger.lane_rings, ledger.shared_ring, gate.lanes, gate.sessions})
    CHECK(at % 64 == 0);
}

TEST_CASE("a capacity outside its range is refused") {
  const Capacities good{256, 10'000, 16'384, 10'000, 65'536, 16, 1'024, 4'096};
  Capacities c = good;
  c.rate_entries = 512;
  CHECK(capacities_valid(c));
  CHECK_FALSE(capacities_valid(good));  // 257 rings of 1,024 are more than 262,144 entries
  const auto bad = [&](auto change) {
    Capacities spoiled = c;
    change(spoiled);
    CHECK_FALSE(capacities_valid(spoiled));
  };
  bad([](Capacities& x) { x.lanes = 0; });
  bad([](Capacities& x) { x.lanes = 257; });
  bad([](Capacities& x) { x.instruments = 10'001; });
  bad([](Capacities& x) { x.pairs = 16'385; });
  bad([](Capacities& x) { x.parents = 10'001; });
  bad([](Capacities& x) { x.open_orders = 65'537; });
  bad([](Capacities& x) { x.open_orders = 255; });
  bad([](Capacities& x) { x.sessions = 17; });
  bad([](Capacities& x) { x.rate_entries = 500; });
  bad([](Capacities& x) { x.message_ends = 8'192; });
}

TEST_CASE("what is said over the attach socket has its size") {
  CHECK(kAttachMagic == 0x3148435441435450ULL);
  CHECK(kAttachRequestHead == 88);
  CHECK(sizeof(AttachRequest) == 4'184);
  CHECK(sizeof(AttachReply) == 264);
  AT(AttachReply, epoch, 72);
  AT(AttachReply, base_bytes, 80);
}
