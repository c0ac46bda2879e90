// SPDX-License-Identifier: Apache-2.0
/// @file The order path: pc_submit, pc_submit_batch, pc_replace, pc_sent, pc_not_sent. No system call, no
/// allocation, no lock, no log. The flight is marked before the gate is read; a compiler barrier is enough,
/// because whoever closes the gate runs membarrier(GLOBAL_EXPEDITED) before it reads the mark (model-checked
/// with store buffers).
#include "integration/hook_state.hpp"
#include "integration/record.hpp"
#include "integration/session_bytes.hpp"

namespace portcullis {
namespace {

constexpr std::int64_t kOrderQtyMax = 1'000'000'000'000;  ///< above it a quantity is absurd
constexpr std::uint32_t kBatchMax = 64;

void set_flight(LaneRun& run, std::uint64_t flight) noexcept {
  run.flight = flight;
  run.block->in_flight.store(flight, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}
void end_flight(LaneRun& run) noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  run.flight += 1;
  store(run.block->in_flight, run.flight);
}
void end_flight_if_all_answered(LaneRun& run) noexcept {
  if (run.outstanding == 0 && (run.flight & 1U) != 0) end_flight(run);
}

pc_verdict answer(pc_ticket* ticket, pc_verdict verdict) noexcept {
  ticket->verdict = verdict;
  ticket->order = 0;
  ticket->observed = 0;
  ticket->limit = 0;
  ticket->window_ms = 0;
  ticket->reserved = 0;
  return verdict;
}

[[gnu::cold, gnu::noinline]] pc_verdict refused(LaneRun& run, const Refused& refused,
                                                pc_ticket* ticket) noexcept {
  note_refusal(run, refused);
  answer(ticket, refused.no.verdict);
  ticket->observed = refused.no.observed;
  ticket->limit = refused.no.limit;
  ticket->window_ms = refused.no.window_ms;
  return refused.no.verdict;
}
[[gnu::always_inline]] inline pc_verdict refused(const Trial& t, pc_ticket* ticket) noexcept {
  return refused(t.run, {t.no, t.now_ns, t.generation, t.evaluated()}, ticket);
}
[[gnu::always_inline]] inline pc_verdict refused(Trial& t, pc_verdict why, pc_ticket* ticket) noexcept {
  t.refuse(why);
  return refused(t, ticket);
}

template <bool Shared>
[[gnu::always_inline]] inline pc_verdict passed(Trial& t, const OrderRecord& record,
                                                pc_ticket* ticket) noexcept {
  const pc_order_handle order = commit<Shared>(t, record);
  if (order == 0) return refused(t, ticket);
  answer(ticket, PC_PASS);
  ticket->order = order;
  ++t.run.outstanding;
  if (t.run.idle) [[unlikely]] {
    t.run.idle = false;
    store(t.run.block->beat_ns, t.now_ns);
    store(t.run.block->idle, 0);
  }
  return PC_PASS;
}

/// One bit for each value that a field may have.
template <typename... Values>
constexpr std::uint32_t bits(Values... values) noexcept {
  return ((1U << static_cast<unsigned>(values)) | ...);
}
/// Is value one of these?
constexpr bool among(std::uint32_t these, std::uint32_t value) noexcept {
  return value < 32 && (these >> value & 1U) != 0;
}

bool sane_order(std::uint32_t side, std::uint32_t ord_type, std::uint32_t tif, std::int64_t qty) noexcept {
  return among(bits(PC_BUY, PC_SELL, PC_SELL_SHORT), side) &&
         among(bits(PC_MARKET, PC_LIMIT, PC_STOP, PC_STOP_LIMIT), ord_type) &&
         among(bits(PC_DAY, PC_GTC, PC_IOC, PC_FOK, PC_GTD), tif) &&
         static_cast<std::uint64_t>(qty) - 1 < static_cast<std::uint64_t>(kOrderQtyMax);
}

bool own_price_given(std::uint32_t ord_type) noexcept {
  return ord_type == PC_LIMIT || ord_type == PC_STOP_LIMIT;
}

/// Instrument and start-of-day position.
[[gnu::always_inline]] inline bool check_instrument(Trial& t, std::uint32_t instrument) noexcept {
  t.pair = t.run.find_pair(instrument);
  if (t.pair == kNoPair) return t.refuse(PC_NOT_ALLOWED);
  t.instrument = instrument;
  return load(t.run.cells[t.pair].start_set) == 1 || t.refuse(PC_POSITION_UNSET);
}

[[gnu::always_inline]] inline bool find_parent(Trial& t, pc_parent_handle handle) noexcept {
  if (handle == 0) return true;
  const std::uint32_t index = static_cast<std::uint32_t>(handle) - 1;
  if (index < t.run.parent_begin || index >= t.run.parent_end) return t.refuse(PC_BAD_ARGUMENT);
  ParentSlot& parent = t.run.parents[index];
  const std::uint64_t terms = load(parent.instrument_side);
  const bool parent_buys = (terms & 0xFFU) == PC_BUY;
  if (load(parent.generation) != ((handle >> 32U) << 8U | 1U)) return t.refuse(PC_BAD_ARGUMENT);
  if (terms >> 8U != t.instrument || parent_buys != t.buy) return t.refuse(PC_BAD_ARGUMENT);
  t.parent = &parent;
  t.parent_link = handle;
  return true;
}

/// While the clock is read the processor does nothing else: what the checks read afterwards is fetched
/// meanwhile. An address that is wrong (an absurd instrument or parent) costs time and nothing else.
[[gnu::always_inline]] inline void fetch_ahead(const LaneRun& run, const pc_order& o) noexcept {
  const auto fetch = [](const void* array, std::size_t size, std::uint32_t index, std::size_t at = 0) {
    __builtin_prefetch(static_cast<const char*>(array) + size * index + at);
  };
  const std::uint32_t pair = run.pair_begin + o.instrument;  // of a lane that lists every instrument
  fetch(run.cells, sizeof(Cell), pair);
  fetch(run.cells, sizeof(Cell), pair, offsetof(Cell, released_buy));
  fetch(run.instruments, sizeof(GateInstrument), o.instrument);
  fetch(run.pairs, sizeof(GatePair), pair);
  const auto parent = static_cast<std::uint32_t>(o.parent) - 1;
  fetch(run.parents, sizeof(ParentSlot), parent);
  fetch(run.parents, sizeof(ParentSlot), parent, offsetof(ParentSlot, released_qty));
  fetch(run.gate, 0, 0, offsetof(GateLane, order_qty));
  fetch(run.engine_limits, 0, 0, offsetof(EngineLimits, gross_notional_e4));
  fetch(run.block, 0, 0, offsetof(LaneBlock, rate_head));
  fetch(run.block, 0, 0, offsetof(LaneBlock, responder_sequence));
  __builtin_prefetch(run.next.slot, 1);
  __builtin_prefetch(&run.next.slot->cl_ord_id, 1);
}

template <bool Shared>
[[gnu::always_inline]] inline pc_verdict judge_order(LaneRun& run, const pc_order& o,
                                                     pc_ticket* ticket) noexcept {
  Trial t(run);
  OrderRecord record;
  if (!run.next.ready) [[unlikely]]
    make_next_ready(run, true);
  fetch_ahead(run, o);
  if (!check_gate(t)) return refused(t, ticket);
  const bool id_given = take_id(run, o.cl_ord_id, record);
  const std::uint32_t side = o.side;
  const std::uint32_t ord_type = o.ord_type;
  t.order_qty = t.added_qty = o.order_qty;
  if (!id_given || !sane_order(side, ord_type, o.tif, t.order_qty))
    return refused(t, PC_BAD_ARGUMENT, ticket);
  if (!check_instrument(t, o.instrument)) return refused(t, ticket);
  if (among(bits(PC_STOP, PC_STOP_LIMIT), ord_type) &&
      !price_possible(run.instruments[o.instrument], o.stop_px_e8)) [[unlikely]]
    return refused(t, PC_BAD_ARGUMENT, ticket);
  t.buy = side == PC_BUY;
  t.priced = own_price_given(ord_type);
  record.terms = terms_of(side, ord_type, o.tif);
  if (!find_parent(t, o.parent) || !check_limits<Shared>(t, o.px_e8) || !check_id(t, record))
    return refused(t, ticket);
  return passed<Shared>(t, record, ticket);
}

/// The order to be replaced: known, of this lane, sent and open, with no replace under way. Fills in its
/// terms.
[[gnu::always_inline]] inline bool find_original(Trial& t, pc_order_handle handle,
                                                 OrderRecord& record) noexcept {
  LaneRun& run = t.run;
  const std::uint32_t index = slot_of(run, handle);
  if (index == OrderIndex::kNone || index < run.slot_begin || index >= run.slot_end)
    return t.refuse(PC_UNKNOWN_ORDER);
  const OrderSlot& slot = run.orders[index];
  const std::uint64_t terms = load(slot.instrument_terms);
  if (terminal(answer_of(slot))) return t.refuse(PC_UNKNOWN_ORDER);
  if (pending_replace(slot)) return t.refuse(PC_BUSY);
  if (const std::uint64_t by = run.note(index).replaced_by; by != 0) {
    const std::uint32_t newer = slot_of(run, by);
    if (newer != OrderIndex::kNone && pending_replace(run.orders[newer])) return t.refuse(PC_BUSY);
  }
  t.instrument = static_cast<std::uint32_t>(terms >> 32U);
  t.pair = static_cast<std::uint32_t>(load(slot.lane_pair));
  record.terms = static_cast<std::uint32_t>(terms);
  record.orig_link = link_of(static_cast<std::uint32_t>(handle >> 32U), index);
  t.buy = (terms >> 16U & 0xFFU) == PC_BUY;
  t.priced = own_price_given(static_cast<std::uint32_t>(terms >> 8U & 0xFFU));
  t.parent_link = load(slot.parent);
  if (t.parent_link != 0) t.parent = &run.parents[static_cast<std::uint32_t>(t.parent_link) - 1];
  return true;
}

/// What the replace adds while both may still be live: the larger of old and new counts, whichever fills come
/// first.
[[gnu::always_inline]] inline bool value_increase(Trial& t, const OrderSlot& old, std::int64_t new_qty,
                                                  std::int64_t own_px_e8) noexcept {
  const GateInstrument& instrument = t.run.instruments[t.instrument];
  t.order_qty = new_qty;
  if (!value_order(t, own_px_e8)) return false;
  const std::int64_t cum = load(old.cum_qty);
  const std::int64_t old_leaves = load(old.order_qty) > cum ? load(old.order_qty) - cum : 0;
  const std::int64_t new_leaves = new_qty > cum ? new_qty - cum : 0;
  t.added_qty = new_leaves > old_leaves ? new_leaves - old_leaves : 0;
  const std::int64_t held_e4 = load(old.notional_e4) - load(old.released_notional_e4);
  std::int64_t all_e4 = 0;
  std::int64_t more_e4 = 0;
  if (!notional_e4(t.px_e8, new_leaves, instrument.value_num, instrument.value_den, all_e4) ||
      !notional_e4(t.px_e8, t.added_qty, instrument.value_num, instrument.value_den, more_e4))
    return t.refuse(PC_OVERFLOW, LimitKind::order_notional, INT64_MAX, t.run.gate->order_notional_e4);
  t.added_notional_e4 = all_e4 - held_e4 > more_e4 ? all_e4 - held_e4 : more_e4;
  return true;
}

template <bool Shared>
pc_verdict judge_replace(LaneRun& run, const pc_replace_request& r, pc_ticket* ticket) noexcept {
  Trial t(run);
  OrderRecord record;
  t.replaces = true;
  if (!run.next.ready) [[unlikely]]
    make_next_ready(run, true);
  if (!check_gate(t)) return refused(t, ticket);
  const bool id_given = take_id(run, r.cl_ord_id, record);
  if (!id_given || r.order_qty <= 0 || r.order_qty > kOrderQtyMax) return refused(t, PC_BAD_ARGUMENT, ticket);
  if (!find_original(t, r.order, record)) return refused(t, ticket);
  const auto index = static_cast<std::uint32_t>(r.order);
  if (!value_increase(t, run.orders[index], r.order_qty, r.px_e8) || !check_limits<Shared>(t, r.px_e8) ||
      !check_id(t, record))
    return refused(t, ticket);
  const pc_verdict verdict = passed<Shared>(t, record, ticket);
  if (verdict == PC_PASS) run.note(index).replaced_by = ticket->order;
  return verdict;
}

/// One order of a batch.
[[gnu::noinline]] pc_verdict judge_one(LaneRun& run, const pc_order& order, pc_ticket* ticket) noexcept {
  return run.shared ? judge_order<true>(run, order, ticket) : judge_order<false>(run, order, ticket);
}

/// Submitter and flight checks; on success the lane is entered and the flight is odd.
[[gnu::always_inline]] inline pc_verdict enter(pc_lane* lane, LaneRun*& run) noexcept {
  pc_status status = PC_OK;
  run = as_submitter(lane, status);
  if (status == PC_ERR_WRONG_THREAD) return PC_WRONG_THREAD;
  if (run == nullptr) return PC_CLOSED;
  if (lane->entered) return PC_BUSY;  // a signal handler inside submit
  lane->entered = true;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if ((run->flight & 1U) != 0) {
    lane->entered = false;
    add_own(run->block->refused_other, 1);
    return PC_BUSY;
  }
  set_flight(*run, run->flight + 1);
  if (lane->lost_reports.load(std::memory_order_relaxed) != 0) [[unlikely]] {
    const std::uint64_t generation = gate_generation(load(run->gate->word));
    if (run->shut_generation != generation) shut_lane(*run, generation, ShutReason::integrity);
  }
  return PC_PASS;
}
void leave(pc_lane* lane, LaneRun& run) noexcept {
  end_flight_if_all_answered(run);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  lane->entered = false;
}

/// The order of a passed ticket that is neither sent nor taken back; kNone otherwise.
std::uint32_t reserved_slot(const LaneRun& run, pc_order_handle order, pc_status& status) noexcept {
  const auto index = static_cast<std::uint32_t>(order);
  status = PC_ERR_UNKNOWN_ORDER;
  if (index < run.slot_begin || index >= run.slot_end) return OrderIndex::kNone;
  if (load(run.orders[index].submit_word) == submit_word(order >> 32U, SubmitState::reserved)) {
    status = PC_OK;
    return index;
  }
  if (slot_of(run, order) != OrderIndex::kNone) status = PC_ERR_REPEATED;
  return OrderIndex::kNone;
}

void mark_sent(LaneRun& run, OrderSlot& slot, std::uint64_t generation) noexcept {
  store(slot.submit_word, submit_word(generation, SubmitState::sent));
  --run.outstanding;
  end_flight_if_all_answered(run);
  if (!run.next.ready) [[likely]]
    make_next_ready(run, false);
}

}  // namespace
}  // namespace portcullis

using namespace portcullis;

pc_verdict pc_submit(pc_lane* lane, const pc_order* order, pc_ticket* ticket) {
  if (!whole(ticket)) return PC_BAD_ARGUMENT;
  LaneRun* run = nullptr;
  if (const pc_verdict v = enter(lane, run); v != PC_PASS) return answer(ticket, v);
  const pc_verdict verdict = !whole(order)  ? answer(ticket, PC_BAD_ARGUMENT)
                             : !run->shared ? judge_order<false>(*run, *order, ticket)
                                            : judge_order<true>(*run, *order, ticket);
  leave(lane, *run);
  return verdict;
}

uint32_t pc_submit_batch(pc_lane* lane, const pc_order* orders, uint32_t n, pc_ticket* tickets) {
  if (tickets == nullptr || n == 0 || n > kBatchMax) return 0;
  for (std::uint32_t i = 0; i < n; ++i)
    if (!whole(&tickets[i]) || tickets[i].size != sizeof(pc_ticket)) return 0;  // an array of structs we know
  for (std::uint32_t i = 0; i < n; ++i) answer(&tickets[i], PC_BAD_ARGUMENT);
  if (orders == nullptr) return 0;
  LaneRun* run = nullptr;
  if (const pc_verdict v = enter(lane, run); v != PC_PASS) {
    for (std::uint32_t i = 0; i < n; ++i) answer(&tickets[i], v);
    return 0;
  }
  std::uint32_t passes = 0;
  for (std::uint32_t i = 0; i < n; ++i)
    if (orders[i].size == sizeof(pc_order) && judge_one(*run, orders[i], &tickets[i]) == PC_PASS) ++passes;
  leave(lane, *run);
  return passes;
}

pc_verdict pc_replace(pc_lane* lane, const pc_replace_request* request, pc_ticket* ticket) {
  if (!whole(ticket)) return PC_BAD_ARGUMENT;
  LaneRun* run = nullptr;
  if (const pc_verdict v = enter(lane, run); v != PC_PASS) return answer(ticket, v);
  const pc_verdict verdict = !whole(request) ? answer(ticket, PC_BAD_ARGUMENT)
                             : !run->shared  ? judge_replace<false>(*run, *request, ticket)
                                             : judge_replace<true>(*run, *request, ticket);
  leave(lane, *run);
  return verdict;
}

pc_status pc_sent(pc_lane* lane, pc_order_handle order) {
  pc_status status = PC_OK;
  LaneRun* run = as_submitter(lane, status);
  if (run == nullptr) return status;
  const std::uint32_t index = reserved_slot(*run, order, status);
  if (index != OrderIndex::kNone) mark_sent(*run, run->orders[index], order >> 32U);
  return status;
}

pc_status pc_not_sent(pc_lane* lane, pc_order_handle order) {
  pc_status status = PC_OK;
  LaneRun* run = as_submitter(lane, status);
  if (run == nullptr) return status;
  const std::uint32_t index = reserved_slot(*run, order, status);
  if (index == OrderIndex::kNone) return status;
  if (answer_of(run->orders[index]) !=
      0) {  // the venue answered it: it was on the wire whatever the engine says
    mark_sent(*run, run->orders[index], order >> 32U);
    return PC_ERR_REPEATED;
  }
  take_back_bytes(*run, run->orders[index]);
  withdraw(*run, index);
  --run->outstanding;
  end_flight_if_all_answered(*run);
  if (!run->next.ready) make_next_ready(*run, false);
  return PC_OK;
}
