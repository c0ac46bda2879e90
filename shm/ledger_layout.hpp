// SPDX-License-Identifier: Apache-2.0
/// @file The ledger: the memory that only the engine (the hook) writes. The supervisor treats every byte as hostile.
///
///   0     LedgerHeader        4,096  identity, capacities; version stored last
///   4,096 LedgerTotals          192  engine totals, used only with several lanes (compare-exchange)
///   ...   LaneBlock[lanes]    2,816  submitter lines, responder line, beat line, refusals
///   ...   Cell[pairs]           128  quantities of one lane in one instrument; same index as GatePair
///   ...   ParentSlot[parents]   192
///   ...   OrderSlot[open_orders] 320
///   ...   SessionBlock[sessions] 192
///   ...   lane rings    Word[lanes][rate_entries]        submit stamps of each lane
///   ...   shared ring   RingEntry[rate_entries]          submit stamps of all lanes, used only with several
///   ...   message ends  MessageEnd[sessions][message_ends]
///
/// Words marked S are written by the submitter, R by the responder, D by whoever holds the session's write lock.
/// Grow-only: working = submitted - withdrawn - released. R changes money words between two steps of `responder_sequence`
/// (odd while inside) and raises before it releases, so a torn read errs to the larger side.
#pragma once
#include "shm/gate_layout.hpp"

namespace portcullis {

inline constexpr std::uint64_t kLedgerMagic = 0x524547444C435450ULL;  // bytes on disk: "PTCLDGER"
inline constexpr std::uint32_t kRefusalEntries = 256;  ///< refusal stamps per lane; refusals.max is at most 255
inline constexpr std::uint32_t kKindWords = 24;        ///< room for kLimitKinds counters, in whole lines
static_assert(kLimitKinds <= kKindWords);

struct LedgerHeader {
  std::uint64_t magic;
  std::atomic<std::uint32_t> version;  ///< stored last
  std::uint32_t reserved0;
  std::uint64_t fingerprint;
  std::uint64_t incarnation[2];
  Capacities capacities;
  char engine[kNameBytes];
  Word engine_pid;            ///< as the supervisor saw it at attach
  Word membarrier_registered; ///< 1 once the hook registered for MEMBARRIER_CMD_GLOBAL_EXPEDITED
  Word detaching;             ///< 0, or 1 + pc_keep
  std::uint8_t reserved1[4096 - 128];
};
static_assert(sizeof(LedgerHeader) == 4096);

struct LedgerTotals {
  SignedWord gross_notional_e4;
  std::uint8_t reserved0[56];
  SignedWord open_orders;
  std::uint8_t reserved1[56];
  Word ring_head;  ///< claimed entries of the shared ring
  std::uint8_t reserved2[56];
};
static_assert(sizeof(LedgerTotals) == 192);

/// A shared ring's entry: valid when sequence == its index + 1.
struct RingEntry {
  Word sequence;
  Word stamp_ns;
};

/// Shut word of a lane: the arming generation (56 bits) in which the hook closed it, above the reason (8 bits).
enum class ShutReason : std::uint8_t { none = 0, limit = 1, lease = 2, integrity = 3 };

struct LaneBlock {
  // S: line 0
  Word in_flight;                  ///< odd while inside submit..sent
  Word shut;                       ///< generation << 8 | ShutReason
  Word passes;                     ///< orders (and replaces) that passed every check
  Word pass_mask;                  ///< bit per LimitKind that the last pass evaluated
  SignedWord submitted_notional_e4;
  SignedWord withdrawn_notional_e4;
  Word submitted_orders;
  Word withdrawn_orders;
  // S: line 1
  Word rate_head;                  ///< entries ever written to the lane's ring
  Word submitted_ns;               ///< of the last pass
  Word replaces;
  Word cancels;
  Word refusals;                   ///< by a limit, ever; index into refusal_ns
  Word refused_other;              ///< refused for another reason than a limit
  Word shut_observed;              ///< what closed the lane: see shut_*; written before `shut`
  Word shut_limit;
  // R: line 2
  Word responder_sequence;         ///< odd while a responder call changes money words
  SignedWord released_notional_e4;
  SignedWord position_notional_e4; ///< |position| at the reference of the last fill, summed, less start_notional_e4
  Word released_orders;
  Word fills;
  Word foreign_orders;
  Word answers;                    ///< responder calls that named a known order
  Word unbooked;                   ///< reports that could not be booked (no instrument, overflow): integrity is gone
  // S: line 3
  Word beat_ns;
  Word idle;                       ///< 1: no beat owed while nothing is in flight or queued
  Word work_in;
  Word work_done;
  Word polled_ns;
  Word cancel_seen;                ///< last cancel_request handed to the engine
  Word owner_set;                  ///< 1: an owner process was named to the supervisor
  Word shut_kind;                  ///< LimitKind that shut the lane | window_ms << 32
  // S
  Word partial_evaluated[kKindWords];  ///< evaluations that ended in a refusal further on; all = passes & mask + these
  Word refused[kKindWords];
  Word refusal_ns[kRefusalEntries];
  SignedWord start_notional_e4;    ///< value of the stated start positions; position_notional_e4 counts on from it
  std::uint8_t reserved[120];
};
static_assert(sizeof(LaneBlock) == 2816 && offsetof(LaneBlock, responder_sequence) == 128);
static_assert(offsetof(LaneBlock, beat_ns) == 192 && offsetof(LaneBlock, partial_evaluated) == 256);

struct Cell {
  // S
  SignedWord submitted_buy, withdrawn_buy, submitted_sell, withdrawn_sell;
  SignedWord mark_px_e8;  ///< 0: none
  Word mark_ns;
  Word start_set;         ///< 1 once the start-of-day position was stated
  SignedWord start_position;
  // R
  SignedWord released_buy, released_sell;  ///< filled, cancelled or rejected quantity of orders
  SignedWord bought, sold;                 ///< filled quantity, foreign fills included
  SignedWord corrections;
  Word reserved[3];
};
static_assert(sizeof(Cell) == 128 && offsetof(Cell, released_buy) == 64);

struct ParentSlot {
  // S, static while open
  SharedId id;
  Word instrument_side;   ///< instrument << 8 | side
  SignedWord qty;
  Word generation;        ///< << 8 | 1 while open, 0 when closed
  // S
  Word children;          ///< ever submitted, withdrawn ones taken back
  SignedWord submitted_qty;
  SignedWord withdrawn_qty;
  Word lane;
  std::uint8_t reserved0[32];
  // R
  SignedWord released_qty;  ///< ended without a fill; an overfill or late fill lowers it
  SignedWord filled_qty;
  std::uint8_t reserved1[48];
};
static_assert(sizeof(ParentSlot) == 192 && offsetof(ParentSlot, released_qty) == 128);

/// Low 8 bits of OrderSlot::submit_word, below the slot's 32-bit generation << 8.
enum class SubmitState : std::uint8_t { free = 0, reserved = 1, sent = 2, withdrawn = 3 };
/// Low 8 bits of OrderSlot::answer_word.
enum class AnswerState : std::uint8_t {
  none = 0,
  accepted = 1,
  partly_filled = 2,
  cancel_refused = 3,  ///< still open; the venue answered a cancel with no
  filled = 16,         ///< terminal from here on
  cancelled = 17,
  rejected = 18,
  replaced = 19,       ///< another slot carries on
};
[[nodiscard]] constexpr bool terminal(std::uint8_t answer_state) noexcept { return answer_state >= 16; }

struct OrderSlot {
  // S: line 0
  Word submit_word;        ///< generation << 8 | SubmitState; stored last
  Word lane_pair;          ///< lane << 32 | pair
  Word instrument_terms;   ///< instrument << 32 | side << 16 | ord_type << 8 | tif
  SignedWord order_qty;
  SignedWord px_e8;        ///< the price it was valued at
  SignedWord notional_e4;  ///< reserved at submit; 0 for an order that passed the gross limit because it reduces
  Word submitted_ns;
  Word parent;             ///< 0, or parent slot + 1, | parent generation << 32
  // S: line 1
  SharedId cl_ord_id;
  Word orig_slot;          ///< 0, or slot of the order that this replaces + 1, | its generation << 32
  Word cancel_ns;          ///< when a cancel was last handed out or sent; 0 never
  Word reserved_qty;       ///< quantity that this slot added to submitted_* (a replace: only the increase)
  // D: line 2
  Word session_epoch;      ///< session << 32 | epoch; 0 while its bytes were not declared (epoch starts at 1)
  Word msg_begin_byte;     ///< stream offset where its message starts
  Word msg_end_byte;       ///< and the offset behind its end
  Word msg_seq_num;        ///< 34
  SignedWord reference_px_e8;  ///< S: the reference that the collar was judged against; 0 none
  Word reserved0[3];
  // R: lines 3 and 4
  Word answer_word;        ///< generation << 8 | AnswerState
  SignedWord cum_qty;
  SignedWord released_qty;          ///< reserved_qty - released_qty is what the slot still holds; a replace that was
  SignedWord released_notional_e4;  ///< answered takes over what its order held: below 0 then. The same for notional_e4
  Word refused_reason;     ///< ord_status (39) of the last cancel reject
  Word reserved1[3];
  SharedId order_id;       ///< 37
  Word reserved2[3];
};
static_assert(sizeof(OrderSlot) == 320 && offsetof(OrderSlot, cl_ord_id) == 64);
static_assert(offsetof(OrderSlot, session_epoch) == 128 && offsetof(OrderSlot, answer_word) == 192);

/// An end of a declared message: the stream stands at a boundary when accepted equals end_byte.
struct MessageEnd {
  Word end_byte;
  Word next_seq_num;    ///< MsgSeqNum that the next new message will carry
  Word covered_seq_num; ///< last number sent, resends included
};
static_assert(sizeof(MessageEnd) == 24);

struct SessionBlock {
  // D
  Word epoch;              ///< grows with every connection in this slot; 0: never used; written at registration
  Word declared_bytes;     ///< written or queued so far on this connection
  Word next_out_seq_num;
  Word ends_head;          ///< message ends ever recorded on this connection
  Word unsubmitted_orders; ///< new-order messages whose ClOrdID was not in the table
  Word declared_ns;
  Word new_orders;         ///< new-order messages declared
  Word reserved0;
  SharedId unsubmitted_id; ///< the first such ClOrdID
  Word first_out_seq_num;  ///< 34 of the first message declared on this connection; 0: none yet
  Word logon_resets;       ///< Logons (35=A) declared with ResetSeqNumFlag (141=Y)
  Word reserved1[1];
  // R
  Word processed_seq_num;  ///< 34 of the last inbound message that the engine finished with
  Word reserved2[7];
};
static_assert(sizeof(SessionBlock) == 192 && offsetof(SessionBlock, processed_seq_num) == 128);

struct LedgerOffsets {
  std::uint64_t totals, lanes, cells, parents, orders, sessions, lane_rings, shared_ring, message_ends, total;
};

[[nodiscard]] constexpr LedgerOffsets ledger_offsets(const Capacities& c) noexcept {
  LedgerOffsets o{};
  o.totals = sizeof(LedgerHeader);
  o.lanes = o.totals + sizeof(LedgerTotals);
  o.cells = o.lanes + sizeof(LaneBlock) * c.lanes;
  o.parents = o.cells + sizeof(Cell) * c.pairs;
  o.orders = o.parents + sizeof(ParentSlot) * c.parents;
  o.sessions = o.orders + sizeof(OrderSlot) * c.open_orders;
  o.lane_rings = o.sessions + sizeof(SessionBlock) * c.sessions;
  o.shared_ring = align_up(o.lane_rings + sizeof(Word) * c.rate_entries * c.lanes, kCacheLineBytes);
  o.message_ends = o.shared_ring + sizeof(RingEntry) * c.rate_entries;
  o.total = align_up(o.message_ends + sizeof(MessageEnd) * c.message_ends * c.sessions, kPageBytes);
  return o;
}
[[nodiscard]] constexpr std::uint64_t ledger_bytes(const Capacities& c) noexcept { return ledger_offsets(c).total; }

/// Typed view of a mapped ledger. The caller bounds every index by the capacities it checked at attach.
struct LedgerView {
  std::byte* base = nullptr;
  LedgerOffsets at{};
  Capacities capacities{};

  template <typename T>
  [[nodiscard]] T* array(std::uint64_t offset) const noexcept { return reinterpret_cast<T*>(base + offset); }
  [[nodiscard]] LedgerHeader& header() const noexcept { return *array<LedgerHeader>(0); }
  [[nodiscard]] LedgerTotals& totals() const noexcept { return *array<LedgerTotals>(at.totals); }
  [[nodiscard]] LaneBlock& lane(std::uint32_t i) const noexcept { return array<LaneBlock>(at.lanes)[i]; }
  [[nodiscard]] Cell& cell(std::uint32_t i) const noexcept { return array<Cell>(at.cells)[i]; }
  [[nodiscard]] ParentSlot& parent(std::uint32_t i) const noexcept { return array<ParentSlot>(at.parents)[i]; }
  [[nodiscard]] OrderSlot& order(std::uint32_t i) const noexcept { return array<OrderSlot>(at.orders)[i]; }
  [[nodiscard]] SessionBlock& session(std::uint32_t i) const noexcept { return array<SessionBlock>(at.sessions)[i]; }
  /// The submit stamp of event n (0-based, ever) of a lane.
  [[nodiscard]] Word& rate_stamp(std::uint32_t lane, std::uint64_t n) const noexcept {
    return array<Word>(at.lane_rings)[std::uint64_t{lane} * capacities.rate_entries + (n & (capacities.rate_entries - 1))];
  }
  [[nodiscard]] RingEntry& shared_stamp(std::uint64_t n) const noexcept {
    return array<RingEntry>(at.shared_ring)[n & (capacities.rate_entries - 1)];
  }
  [[nodiscard]] MessageEnd& message_end(std::uint32_t session, std::uint64_t n) const noexcept {
    return array<MessageEnd>(at.message_ends)[std::uint64_t{session} * capacities.message_ends +
                                              (n & (capacities.message_ends - 1))];
  }
};

/// One number over sizes, offsets and options of both layouts: what both sides must share beyond the version.
[[nodiscard]] constexpr std::uint64_t layout_fingerprint() noexcept {
  const std::uint64_t parts[] = {sizeof(GateHeader),   sizeof(EngineLimits),  sizeof(GateLane),   sizeof(GateInstrument),
                                 sizeof(GatePair),     sizeof(GateSession),   sizeof(Evaluation), sizeof(LedgerHeader),
                                 sizeof(LedgerTotals), sizeof(RingEntry),     sizeof(LaneBlock),  sizeof(Cell),
                                 sizeof(ParentSlot),   sizeof(OrderSlot),     sizeof(SessionBlock), sizeof(MessageEnd),
                                 kLimitKinds,          kRefusalEntries,       kIdBytes,           kRateWindowsMax,
                                 kCacheLineBytes,      alignof(Word),         sizeof(Capacities), kNameBytes};
  std::uint64_t h = 0xCBF29CE484222325ULL;  // FNV-1a (Fowler, Noll, Vo), over 64-bit parts
  for (const std::uint64_t p : parts) h = (h ^ p) * 0x100000001B3ULL;
  return h;
}

}  // namespace portcullis
