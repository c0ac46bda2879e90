// SPDX-License-Identifier: Apache-2.0
/// @file One attachment as the hook holds it (Attachment) and one lane of it (LaneRun): raw pointers into the
/// two memories, worked out once, and the private words of the lane's two roles, each on its own cache lines.
/// Kept until pc_detach, also after a re-attachment: a responder may still be inside a call on the old one.
/// Nothing here is shared with the supervisor.
#pragma once
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "integration/free_ring.hpp"
#include "integration/order_index.hpp"
#include "shm/ledger_layout.hpp"
#include "shm/sealed_memory.hpp"

struct pc_session;

namespace portcullis {

inline constexpr std::uint32_t kNoPair = 0xFFFF'FFFF;
inline constexpr std::uint32_t kAttachmentsMax = 17;  ///< the first and 16 re-attachments

struct Attachment {
  SharedMapping gate_mapping;
  SharedMapping ledger_mapping;
  ConstGateView gate;
  LedgerView ledger;
  Capacities capacities;
  OrderIndex::Room index_room;
  OrderIndex index;
  UniqueFd wake;             ///< the supervisor's eventfd
  bool shared = false;       ///< several lanes: totals and rates are shared by compare-exchange
  std::uint32_t number = 0;  ///< 0 for the first one, counts re-attachments
  std::uint32_t first_generation =
      0;  ///< of order slots; differs per attachment, so that no old handle fits a new order
  std::array<std::atomic<pc_session*>, kSessionsMax> sessions{};  ///< by session index; nullptr: none

  /// Number of a symbol, kNoPair if there is none.
  [[nodiscard]] std::uint32_t find_instrument(std::string_view symbol) const noexcept;
  /// Number of a lane by name, kNoPair if there is none.
  [[nodiscard]] std::uint32_t find_lane(std::string_view name) const noexcept;
};

/// What the submitter remembers of one slot of its share.
struct SlotNote {
  std::uint32_t generation = 0;
  std::uint32_t place = OrderIndex::kNone;  ///< in the index
  std::uint64_t replaced_by = 0;            ///< handle of the last replace asked for
};

/// The slot that the lane's next order will take, and when at the earliest: worked out after the order before
/// it was sent, so that it costs nobody's order any time. The submitter's.
struct NextOrder {
  OrderSlot* slot = nullptr;        ///< its words wait to be filled; the lane's spare one where none is free
  SlotNote* note = nullptr;         ///< the slot's
  std::uint64_t not_before_ns = 0;  ///< no rate window of the lane's own ring is full from then on
  std::uint64_t chosen = 0;         ///< generation that ended in it << 32 | slot, from FreeRing
  std::uint32_t index = OrderIndex::kNone;
  std::uint32_t generation = 0;
  bool ready = false;  ///< false: only chosen (or not even that: index is kNone)
};

/// How far a session's kernel was, as last read from the gate.
struct StreamSeen {
  std::uint64_t epoch = 0;
  std::uint64_t accepted_bytes = 0;
};

struct LaneRun {
  // fixed at attach, read by both roles; what every order reads comes first
  alignas(kCacheLineBytes) const GateLane* gate = nullptr;
  const GateHeader* gate_header = nullptr;
  const EngineLimits* engine_limits = nullptr;
  const GateInstrument* instruments = nullptr;
  const GatePair* pairs = nullptr;
  LaneBlock* block = nullptr;
  Cell* cells = nullptr;
  ParentSlot* parents = nullptr;
  OrderSlot* orders = nullptr;
  Word* rate_ring = nullptr;
  OrderIndex index;
  std::uint32_t ring_mask = 0;
  std::uint32_t lane = 0;
  std::uint32_t instrument_count = 0;
  std::uint32_t pair_begin = 0;
  std::uint32_t parent_begin = 0, parent_end = 0;
  std::uint32_t slot_begin = 0, slot_end = 0;
  bool shared = false;
  bool dense = false;  ///< every instrument is listed: no table needed
  Attachment* attachment = nullptr;
  LedgerTotals* totals = nullptr;
  RingEntry* shared_ring = nullptr;
  std::vector<std::uint32_t> pair_of;  ///< by instrument, where not dense

  // the submitter's
  alignas(kCacheLineBytes) NextOrder next;
  std::uint64_t flight = 0;  ///< mirror of LaneBlock::in_flight
  alignas(kCacheLineBytes) std::uint64_t shut_generation = UINT64_MAX;
  std::uint64_t pass_mask = 0;
  std::uint64_t judged_kinds =
      0;  ///< bit per LimitKind that the lane's own checks judge by a configured limit
  std::uint32_t outstanding = 0;  ///< orders that passed and are neither sent nor not_sent
  ShutReason shut_reason = ShutReason::none;
  bool idle = false;
  std::vector<SlotNote> notes;           ///< by slot - slot_begin
  std::vector<std::uint32_t> withdrawn;  ///< free slots that never reached the responder
  std::vector<std::uint32_t> untouched;  ///< free slots that were never used
  OrderSlot spare{};  ///< takes the words of an order for which no slot is free; nobody reads it
  std::uint64_t cancel_asked_ns = 0;  ///< when pc_next_cancel handed out the last one
  std::uint64_t cancel_listed_ns = 0;
  std::uint32_t cancel_next = 0;  ///< position in cancel_list
  std::vector<std::uint32_t> cancel_list;
  std::vector<std::uint32_t> free_parents;
  std::array<StreamSeen, kSessionsMax> streams{};
  std::vector<std::int64_t> start_e4;  ///< by pair - pair_begin: value of the stated start position

  // the responder's
  alignas(kCacheLineBytes)
      std::vector<std::int64_t> value_e4;   ///< by pair - pair_begin: |position| as last valued
  std::vector<std::int64_t> start_seen_e4;  ///< and the start value that it was counted against
  std::vector<std::uint64_t>
      exec_ids;  ///< hashes of booked ExecIDs: kExecBuckets buckets, the oldest goes first
  std::vector<std::uint8_t> exec_next;  ///< next entry to overwrite, by bucket

  alignas(kCacheLineBytes) FreeRing free_slots;

  [[nodiscard]] std::uint32_t find_pair(std::uint32_t instrument) const noexcept {
    if (instrument >= instrument_count) return kNoPair;
    return dense ? pair_begin + instrument : pair_of[instrument];
  }
  [[nodiscard]] SlotNote& note(std::uint32_t slot) noexcept { return notes[slot - slot_begin]; }
};

inline constexpr std::uint32_t kExecBuckets = 1'024;  ///< a power of two
inline constexpr std::uint32_t kExecBucketWords = 4;  ///< 4,096 ExecIDs remembered per lane

/// A handle: generation << 32 | slot. Generations start at 1, so that no handle is 0.
[[nodiscard]] constexpr std::uint64_t handle_of(std::uint32_t generation, std::uint32_t slot) noexcept {
  return std::uint64_t{generation} << 32U | slot;
}
/// A link to a slot inside the ledger: generation << 32 | slot + 1; 0 is none.
[[nodiscard]] constexpr std::uint64_t link_of(std::uint32_t generation, std::uint32_t slot) noexcept {
  return std::uint64_t{generation} << 32U | (slot + 1U);
}

/// Why an attachment was not made.
enum class AttachmentError : std::uint8_t { none = 0, memory, kernel, layout, identity, limits };

/// Maps and checks both memories (seals, size, version, fingerprint, capacities, identity, sane limits).
/// number is 0 for the first attachment. Throws std::bad_alloc.
[[nodiscard]] AttachmentError make_attachment(int gate_fd, int ledger_fd, const Capacities& capacities,
                                              std::string_view engine, std::uint32_t number,
                                              std::unique_ptr<Attachment>& out);
/// The lane of that number with all its private tables. Throws std::bad_alloc.
[[nodiscard]] std::unique_ptr<LaneRun> make_lane_run(Attachment& attachment, std::uint32_t lane);

}  // namespace portcullis
