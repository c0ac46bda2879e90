// SPDX-License-Identifier: Apache-2.0
/// @file One order on its way through the limits. Each check marks its LimitKind in `mask` itself, so a check
/// that is not called shows as a counter that stands still. The first check that says no fills in the refusal
/// and ends the trial. Words that the responder moves are read so that a torn reading errs to the larger
/// exposure; when the snapshot did not settle, a refusal by such words is PC_CONTENDED and never a breach.
#pragma once
#include "integration/include/portcullis/portcullis.h"
#include "integration/lane_run.hpp"
#include "shm/clock.hpp"

namespace portcullis {

/// The words that the responder moves, with the submitter's own, as they stood at one moment.
struct Moment {
  std::int64_t position;
  std::int64_t working;       ///< open quantity on the order's side
  std::int64_t gross_e4;      ///< the lane's, before this order
  std::int64_t submitted;     ///< the grow-only word of that side
  std::int64_t submitted_e4;  ///< and of the lane's value
  bool settled;               ///< the snapshot is consistent
};

/// Why an order does not pass.
struct Refusal {
  pc_verdict verdict;
  LimitKind kind;  ///< where by_limit
  bool by_limit;
  std::uint32_t window_ms;  ///< of a rate window, else 0
  std::int64_t observed, limit;
};

/// What has no initial value is set before it is read (clearing all of it took 15 ns). No function that is
/// not inlined takes a trial: it stays in registers and on the stack, word by word.
struct Trial {
  explicit Trial(LaneRun& lane_run) noexcept : run(lane_run) {}

  LaneRun& run;
  std::uint32_t instrument;
  std::uint32_t pair;
  bool buy;
  bool priced;  ///< 40: limit or stop limit; px_e8 is the order's own
  bool replaces = false;
  std::int64_t order_qty;
  std::int64_t added_qty;        ///< what it adds to the working quantity: order_qty, or a replace's increase
  std::int64_t px_e8;            ///< the price it is valued at
  std::int64_t reference_px_e8;  ///< 0: none
  std::int64_t notional_e4;
  std::int64_t added_notional_e4;  ///< what it reserves
  ParentSlot* parent = nullptr;
  std::uint64_t parent_link = 0;
  // the moment
  std::uint64_t now_ns = 0;
  std::uint64_t generation;  ///< arming generation of the gate word
  bool must_reduce = false;  ///< the lane is reduce-only or paused
  Moment at;
  std::uint64_t checks = 0;  ///< bit per LimitKind whose check ran, configured or not
  std::uint64_t joined = 0;  ///< bit per LimitKind that was judged with the other lanes
  Refusal no;

  /// The other side's working orders make nothing worse for this one, and are not read.
  [[nodiscard]] Holding holding() const noexcept { return {at.position, at.working, at.working}; }
  [[nodiscard]] bool reduces() const noexcept {
    return at.settled && truly_reduces(holding(), buy, added_qty);
  }
  bool refuse(pc_verdict why) noexcept {
    no = {why, LimitKind{}, false, 0, 0, 0};
    return false;
  }
  bool refuse(pc_verdict why, LimitKind by, std::int64_t seen, std::int64_t bound,
              std::uint32_t window_ms = 0) noexcept {
    no = {why, by, true, window_ms, seen, bound};
    return false;
  }
  /// A refusal by words that the responder was just moving.
  bool refuse_moving(pc_verdict why, LimitKind by, std::int64_t seen, std::int64_t bound) noexcept {
    return at.settled ? refuse(why, by, seen, bound) : refuse(PC_CONTENDED);
  }
  void checked(LimitKind by) noexcept { checks |= kind_bit(by); }
  /// Bit per LimitKind that was evaluated: its check ran, and there is such a limit.
  [[nodiscard]] std::uint64_t evaluated() const noexcept { return (checks & run.judged_kinds) | joined; }
};

/// Closes the lane for good in this arming generation; the gate is not the hook's to write.
void shut_lane(LaneRun& run, std::uint64_t generation, ShutReason reason) noexcept;

/// A refusal and what it needs to know of its trial.
struct Refused {
  Refusal no;
  std::uint64_t now_ns, generation, evaluated;
};
/// Counts a refusal and closes the lane where the refused limit, or the number of refusals, says so. Off the
/// hot path.
void note_refusal(LaneRun& run, const Refused& refused) noexcept;

/// Gate word, the lane's own shut word, lease; sets now_ns. The lease's deadline is read before the clock:
/// the other way round a renewal in between would look like a deadline from the future.
[[nodiscard, gnu::always_inline]] inline bool check_gate(Trial& t) noexcept {
  LaneRun& run = t.run;
  const std::uint64_t word = load(run.gate->word);
  t.generation = gate_generation(word);
  if (t.generation == run.shut_generation) [[unlikely]]
    return t.refuse(run.shut_reason == ShutReason::lease ? PC_LEASE_LOST : PC_CLOSED);
  const std::uint8_t state = gate_state(word);
  if (state != static_cast<std::uint8_t>(GateState::open)) [[unlikely]] {
    t.must_reduce = true;
    if (state != static_cast<std::uint8_t>(GateState::reduce_only) &&
        state != static_cast<std::uint8_t>(GateState::paused))
      return t.refuse(PC_CLOSED);
  }
  const std::uint64_t deadline_ns = load(run.gate_header->lease_deadline_ns);
  const std::uint64_t lease_ns = load(run.gate_header->lease_ns);
  t.now_ns = monotonic_now_ns();
  if (!lease_holds(deadline_ns, lease_ns, t.now_ns)) [[unlikely]] {
    shut_lane(run, t.generation, ShutReason::lease);
    return t.refuse(PC_LEASE_LOST);
  }
  return true;
}

/// True where the price may be used for this instrument at all.
[[nodiscard]] inline bool price_possible(const GateInstrument& instrument, std::int64_t px_e8) noexcept {
  return px_e8 > 0 || (instrument.allow_negative != 0 && px_e8 != INT64_MIN);
}

/// The engine's mark, else the configured price; 0 where there is neither.
[[nodiscard]] inline std::int64_t reference_of(const Cell& cell, const GateInstrument& instrument) noexcept {
  const std::int64_t mark = cell.mark_px_e8.load(std::memory_order_relaxed);
  return mark != 0 ? mark : instrument.reference_px_e8;
}

/// One look. The side that lowers the position is read first, so that a torn reading errs to the larger side.
[[nodiscard, gnu::always_inline]] inline Moment look_once(const LaneBlock& block, const Cell& cell,
                                                          bool buy) noexcept {
  Moment at;
  const std::uint64_t before = load(block.responder_sequence);
  const std::int64_t released = load(buy ? cell.released_buy : cell.released_sell);
  const std::int64_t released_e4 = load(block.released_notional_e4);
  const std::int64_t lowers = load(buy ? cell.sold : cell.bought);
  const std::int64_t raises = load(buy ? cell.bought : cell.sold);
  const std::int64_t held_e4 = load(block.position_notional_e4);
  const std::int64_t withdrawn = load(buy ? cell.withdrawn_buy : cell.withdrawn_sell);
  at.submitted = load(buy ? cell.submitted_buy : cell.submitted_sell);
  at.submitted_e4 = load(block.submitted_notional_e4);
  at.position =
      load(cell.start_position) + (buy ? raises - lowers : lowers - raises) + load(cell.corrections);
  at.working = at.submitted - withdrawn - released;
  at.gross_e4 = load(block.start_notional_e4) + held_e4 + at.submitted_e4 -
                load(block.withdrawn_notional_e4) - released_e4;
  at.settled = (before & 1U) == 0 && load(block.responder_sequence) == before;
  return at;
}
/// The responder was moving: 8 more tries for a moment at which it is at rest, else the last look.
[[nodiscard]] Moment look_again(const LaneBlock& block, const Cell& cell, bool buy) noexcept;

[[gnu::always_inline]] inline void take_snapshot(Trial& t) noexcept {
  t.at = look_once(*t.run.block, t.run.cells[t.pair], t.buy);
  if (!t.at.settled) [[unlikely]]
    t.at = look_again(*t.run.block, t.run.cells[t.pair], t.buy);
}

/// Values the order: its own price, or for market and stop orders the reference plus the collar.
[[nodiscard, gnu::always_inline]] inline bool value_order(Trial& t, std::int64_t own_px_e8) noexcept {
  const GateInstrument& instrument = t.run.instruments[t.instrument];
  t.reference_px_e8 = reference_of(t.run.cells[t.pair], instrument);
  if (t.priced) {
    if (!price_possible(instrument, own_px_e8)) return t.refuse(PC_BAD_ARGUMENT);
    t.px_e8 = own_px_e8;
  } else {
    if (t.reference_px_e8 == 0) return t.refuse(PC_NO_REFERENCE);
    if (!collared_px_e8(t.reference_px_e8, t.run.gate->collar_bps, t.px_e8))
      return t.refuse(PC_OVERFLOW, LimitKind::order_notional, INT64_MAX, t.run.gate->order_notional_e4);
  }
  if (!notional_e4(t.px_e8, t.order_qty, instrument.value_num, instrument.value_den, t.notional_e4))
    return t.refuse(PC_OVERFLOW, LimitKind::order_notional, INT64_MAX, t.run.gate->order_notional_e4);
  return true;
}

// A limit that is off is kNoLimit, which nothing exceeds: most checks need not ask.

[[nodiscard, gnu::always_inline]] inline bool check_order_qty(Trial& t) noexcept {
  const std::int64_t bound = t.run.gate->order_qty;
  t.checked(LimitKind::order_qty);
  return t.order_qty <= bound || t.refuse(PC_ORDER_QTY, LimitKind::order_qty, t.order_qty, bound);
}

[[nodiscard, gnu::always_inline]] inline bool check_order_notional(Trial& t) noexcept {
  const std::int64_t bound = t.run.gate->order_notional_e4;
  t.checked(LimitKind::order_notional);
  return t.notional_e4 <= bound ||
         t.refuse(PC_ORDER_NOTIONAL, LimitKind::order_notional, t.notional_e4, bound);
}

[[nodiscard, gnu::always_inline]] inline bool check_collar(Trial& t) noexcept {
  const std::int64_t bound = t.run.gate->collar_bps;
  t.checked(LimitKind::price_collar);
  if (bound == kNoLimit || !t.priced) return true;  // not priced: valued with the collar instead
  if (t.reference_px_e8 == 0) return t.refuse(PC_NO_REFERENCE);
  if (!beyond_collar(t.px_e8, t.reference_px_e8, bound)) return true;
  return t.refuse(PC_PRICE_COLLAR, LimitKind::price_collar, collar_bps(t.px_e8, t.reference_px_e8), bound);
}

/// The window of the lane's own ring that is full; UINT64_MAX events in it where none is.
[[nodiscard]] RateWindow full_window(const LaneRun& run, std::uint64_t now_ns) noexcept;

[[nodiscard]] constexpr Refusal rate_refusal(const RateWindow& w) noexcept {
  return {PC_ORDER_RATE,
          LimitKind::order_rate,
          true,
          static_cast<std::uint32_t>(w.window_ns / 1'000'000),
          static_cast<std::int64_t>(w.max) + 1,
          static_cast<std::int64_t>(w.max)};
}

/// All windows at once: from NextOrder::not_before_ns on none is full. Which one is, is looked up afterwards.
[[nodiscard, gnu::always_inline]] inline bool check_rates(Trial& t) noexcept {
  t.checked(LimitKind::order_rate);
  if (t.now_ns >= t.run.next.not_before_ns) [[likely]]
    return true;
  const RateWindow w = full_window(t.run, t.now_ns);
  if (w.max == UINT64_MAX) return true;
  t.no = rate_refusal(w);
  return false;
}

[[nodiscard, gnu::always_inline]] inline bool check_position(Trial& t) noexcept {
  const std::int64_t bound = t.run.pairs[t.pair].position;
  if (bound == kNoLimit) return true;  // other pairs may have one
  t.checked(LimitKind::position);
  const std::int64_t after = worst_case_after(t.holding(), t.buy, t.added_qty);
  if (after <= bound || (t.replaces && t.added_qty == 0) || t.reduces()) return true;
  return t.refuse_moving(PC_POSITION, LimitKind::position, after, bound);
}

/// An order that truly reduces passes, and then reserves nothing: whatever of it fills makes |position|
/// smaller.
[[nodiscard, gnu::always_inline]] inline bool check_gross(Trial& t, std::int64_t bound) noexcept {
  t.checked(LimitKind::gross_notional);
  std::int64_t after = 0;
  if (__builtin_add_overflow(t.at.gross_e4, t.added_notional_e4, &after)) after = INT64_MAX;
  if (after <= bound || t.added_notional_e4 == 0) return true;
  if (t.reduces()) {
    t.added_notional_e4 = 0;
    return true;
  }
  return t.refuse_moving(PC_GROSS_NOTIONAL, LimitKind::gross_notional, after, bound);
}

/// bounds: the lane's and, with a single lane, the engine's.
template <typename... Bounds>
[[nodiscard, gnu::always_inline]] inline bool check_open_orders(Trial& t, Bounds... bounds) noexcept {
  t.checked(LimitKind::open_orders);
  if (t.replaces) return true;
  const LaneBlock& b = *t.run.block;
  const std::uint64_t released = load(b.released_orders);
  const std::uint64_t open = b.submitted_orders.load(std::memory_order_relaxed) -
                             b.withdrawn_orders.load(std::memory_order_relaxed) - released;
  const auto after = static_cast<std::int64_t>(open) + 1;
  for (const std::int64_t bound : {bounds...})
    if (after > bound) return t.refuse(PC_OPEN_ORDERS, LimitKind::open_orders, after, bound);
  return true;
}

/// Number and quantity of the children against their parent. An order without a parent has nothing to be
/// judged against.
[[nodiscard, gnu::always_inline]] inline bool check_parent(Trial& t) noexcept {
  const std::int64_t most = t.run.gate->children;
  const std::int64_t bound_bps = t.run.gate->child_qty_bps;
  t.checked(LimitKind::children);
  t.checked(LimitKind::child_qty);
  if (t.parent == nullptr) return t.run.gate->parent_required == 0 || t.refuse(PC_NOT_ALLOWED);
  const ParentSlot& p = *t.parent;
  const auto children = static_cast<std::int64_t>(load(p.children)) + 1;
  if (!t.replaces && children > most) return t.refuse(PC_CHILDREN, LimitKind::children, children, most);
  if (bound_bps == kNoLimit) return true;
  const std::int64_t released = load(p.released_qty);
  const std::int64_t qty = load(p.qty);
  std::int64_t exposure = load(p.submitted_qty) - load(p.withdrawn_qty) - released;
  if (__builtin_add_overflow(exposure, t.added_qty, &exposure)) exposure = INT64_MAX;
  if ((t.replaces && t.added_qty == 0) || !beyond_parent(exposure, qty, bound_bps)) return true;
  return t.refuse(PC_CHILD_QTY, LimitKind::child_qty, parent_bps(exposure, qty), bound_bps);
}

inline constexpr std::int64_t kWordMax = INT64_MAX / 4;  ///< sums of a few such words never overflow

/// Grow-only words have room for what this order adds; an absurd order must not wrap them round.
[[nodiscard, gnu::always_inline]] inline bool check_room(Trial& t) noexcept {
  if (t.added_qty <= kWordMax - t.at.submitted && t.added_notional_e4 <= kWordMax - t.at.submitted_e4)
      [[likely]]
    return true;
  return t.refuse(PC_OVERFLOW, LimitKind::order_notional, INT64_MAX, t.run.gate->order_notional_e4);
}

/// Declared bytes that the kernel has not taken yet: an engine whose own queue grows must not add to it. bound is the
/// smallest of all sessions, so that their own are looked at only when it is passed.
[[nodiscard]] bool backlog_above(LaneRun& run, std::int64_t bound) noexcept;

/// Everything that does not need a table: false is a refusal, in order of price. With several lanes (Shared)
/// the engine's own limits are reserved afterwards (join_others).
template <bool Shared>
[[nodiscard, gnu::always_inline]] inline bool check_limits(Trial& t, std::int64_t own_px_e8) noexcept {
  const GateLane& lane = *t.run.gate;
  const EngineLimits& engine = *t.run.engine_limits;
  if (!check_order_qty(t) || !value_order(t, own_px_e8)) return false;
  if (!t.replaces) t.added_notional_e4 = t.notional_e4;
  if (!check_order_notional(t) || !check_collar(t) || !check_rates(t)) return false;
  take_snapshot(t);
  if (t.must_reduce && !t.reduces()) return t.refuse(PC_PAUSED);
  if (!check_position(t) || !check_gross(t, lane.gross_notional_e4)) return false;
  if constexpr (Shared) {
    if (!check_open_orders(t, lane.open_orders)) return false;
  } else {
    if (!check_gross(t, engine.gross_notional_e4)) return false;
    if (!check_open_orders(t, lane.open_orders, engine.open_orders)) return false;
  }
  if (!check_parent(t) || !check_room(t)) return false;
  if (engine.backlog_bytes == kNoLimit || !backlog_above(t.run, engine.backlog_bytes)) return true;
  return t.refuse(PC_BACKLOG);
}

}  // namespace portcullis
