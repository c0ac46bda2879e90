// SPDX-License-Identifier: Apache-2.0
/// @file The orders of one taken-over session: which left, what became of each, and who is to be asked next.
///
///   A (35=D) <- B (35=G, 41=A) <- C (35=G, 41=B)     a chain of replaces that nobody booked as answered
///
/// Such a chain is one order at the venue under one of its names. The newest open name is asked first (a *leaf*); when
/// it turns out never to have lived (its replace refused, "unknown order"), or that is at least doubtful, the next older
/// one is. An end that only a living order can have (2, 4, C, 3) ends the whole chain: nothing ended can be replaced.
/// Fates only improve: open or unknown -> refused_by_venue -> acknowledged. All tables are made at construction;
/// everything after is bounded and allocates nothing. A name that cannot be indexed is never found, so its order ends as
/// unknown.
#pragma once
#include <span>
#include <vector>

#include "watchdog/halt_report.hpp"

namespace portcullis {

/// One order whose message left and that nobody confirmed as ended.
struct TakeoverOrder {
  Id cl_ord_id;                     ///< 11 of its message
  Id orig_cl_ord_id;                ///< 41 of a replace; empty for a new order
  Id order_id;                      ///< 37; empty: not known
  std::string_view symbol;          ///< 55; must outlive the take-over
  char side = '1';                  ///< 54
  std::int64_t order_qty = 0;       ///< 38
  std::int64_t cum_qty = 0;         ///< 14, as booked
  std::int64_t notional_e4 = 0;     ///< the largest is cancelled first
  std::uint64_t msg_seq_num = 0;    ///< 34 of its message; 0: not known
  std::uint64_t msg_end_byte = 0;   ///< stream offset behind its message
};

/// What became of one order.
struct TakeoverOutcome {
  Fate fate = Fate::open;           ///< never never_left: such orders are not in the list
  char ord_status = '\0';           ///< 39 of the answer that set the fate; '\0': none named one
  std::uint8_t cxl_rej_reason = kNoReason;  ///< 102 of the last refusal
  bool fill_seen = false;           ///< cum_qty grew during the take-over
  std::int64_t cum_qty = 0;         ///< 14: the largest plausible one seen, at least what was booked
  static constexpr std::uint8_t kNoReason = 255;
};

/// Open-addressed table of ids to positions; at most `kProbes` looks.
class TakeoverIndex {
 public:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  explicit TakeoverIndex(std::uint32_t entries_max);
  void clear() noexcept;
  void put(const Id& id, std::uint32_t at) noexcept;
  [[nodiscard]] std::uint32_t find(std::string_view id) const noexcept;

 private:
  static constexpr std::uint32_t kProbes = 64;
  struct Slot {
    Id id;
    std::uint32_t at = kNone;
  };
  std::vector<Slot> slots_;
};

class TakeoverOrders {
 public:
  static constexpr std::uint32_t kNone = TakeoverIndex::kNone;

  explicit TakeoverOrders(std::uint32_t orders_max);
  /// False: more orders than there is room for.
  [[nodiscard]] bool begin(std::span<const TakeoverOrder> orders) noexcept;

  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(size_); }
  [[nodiscard]] const TakeoverOrder& order(std::uint32_t i) const noexcept { return entries_[i].order; }
  [[nodiscard]] const TakeoverOutcome& outcome(std::uint32_t i) const noexcept { return entries_[i].outcome; }
  [[nodiscard]] std::uint32_t count(Fate fate) const noexcept { return fates_[static_cast<std::size_t>(fate)]; }
  /// Grows with every change of a fate.
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }
  /// The OrderID of the order, or of the nearest older name that has one; empty: none.
  [[nodiscard]] std::string_view order_id(std::uint32_t i) const noexcept;

  // who is meant
  [[nodiscard]] std::uint32_t by_cl_ord_id(std::string_view id) const noexcept { return by_cl_ord_id_.find(id); }
  [[nodiscard]] std::uint32_t by_order_id(std::string_view id) const noexcept { return by_order_id_.find(id); }
  /// The order whose message had this number; kNone where none or more than one had.
  [[nodiscard]] std::uint32_t by_seq_num(std::uint64_t seq_num) const noexcept;
  [[nodiscard]] bool open(std::uint32_t i) const noexcept { return entries_[i].outcome.fate != Fate::acknowledged; }

  // what was answered
  /// The venue ended this name and no other.
  void end_name(std::uint32_t i, char ord_status) noexcept;
  /// Another name carries on: this and the older ones are over.
  void end_older(std::uint32_t i, char ord_status) noexcept;
  /// The venue ended the order that has, or had, this name.
  void end_order(std::uint32_t i, char ord_status) noexcept;
  /// Older names are refused with it: they are the same order.
  void refuse(std::uint32_t i, char ord_status, std::uint8_t reason, std::uint64_t retry_ns) noexcept;
  /// The venue does not know this name, and that is no proof: refused, but older names are asked now.
  void doubt(std::uint32_t i, char ord_status, std::uint8_t reason, std::uint64_t retry_ns) noexcept;
  void learn_order_id(std::uint32_t i, std::string_view id) noexcept;
  /// False: implausible (other side, more than the order's quantity); nothing was taken.
  [[nodiscard]] bool learn_fill(std::uint32_t i, char side, std::int64_t cum_qty) noexcept;
  /// Its last cancel had to leave out an OrderID (37) that the engine names.
  void asked_without_order_id(std::uint32_t i, bool without) noexcept { entries_[i].lacked_order_id = without; }
  [[nodiscard]] bool lacked_order_id(std::uint32_t i) const noexcept { return entries_[i].lacked_order_id; }
  [[nodiscard]] bool lacks_order_id(std::uint32_t i) const noexcept { return lacked_order_id(i) && order_id(i).empty(); }
  /// Open orders become unknown.
  void give_up() noexcept;

  // who is asked next, largest notional first
  /// Every leaf that is open (unknown included), or (retry) whose refusal is due.
  void queue_open() noexcept;
  void queue_due(std::uint64_t now_ns, std::uint64_t again_ns) noexcept;
  /// An older name becomes a leaf when its newer ones end: queue it at once, from now on.
  void queue_unblocked(bool on) noexcept { queue_unblocked_ = on; }
  void clear_queue() noexcept;
  [[nodiscard]] bool queue_empty() const noexcept { return queue_count_ == 0; }
  /// kNone: nobody. Does not take it.
  [[nodiscard]] std::uint32_t front() noexcept;
  void pop() noexcept;

 private:
  struct Entry {
    TakeoverOrder order;
    TakeoverOutcome outcome;
    std::uint64_t retry_ns = 0;
    std::uint32_t older = kNone;
    std::uint32_t chain_next = kNone;  ///< all names of a chain in a circle
    std::uint32_t open_newer = 0;      ///< names that are asked before this one
    bool queued = false;
    bool lacked_order_id = false;
    bool doubted = false;              ///< counts no more in its older name's open_newer
  };
  void link() noexcept;
  void push(std::uint32_t i) noexcept;
  void set(Entry& entry, Fate fate) noexcept;
  void mark_refused(std::uint32_t i, char ord_status, std::uint8_t reason, std::uint64_t retry_ns) noexcept;
  void unblock_older(std::uint32_t i) noexcept;

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> rank_;    ///< largest notional first
  std::vector<std::uint32_t> by_seq_;  ///< by MsgSeqNum
  std::vector<std::uint32_t> queue_;   ///< a ring
  TakeoverIndex by_cl_ord_id_;
  TakeoverIndex by_order_id_;
  std::size_t size_ = 0;
  std::size_t queue_head_ = 0, queue_count_ = 0;
  std::array<std::uint32_t, kFates> fates_{};
  std::uint64_t changes_ = 0;
  std::uint64_t next_retry_ns_ = UINT64_MAX;
  bool queue_unblocked_ = false;
};

}  // namespace portcullis
