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

[[gnu::cold, gnu::noinline]] pc_verdict refused(Trial t, pc_ticket* ticket) noexcept {
  note_refusal(t);
  answer(ticket, t.verdict);
  ticket->observed = t.observed;
  ticket->limit = t.limit;
  ticket->window_ms = t.window_ms;
  return t.verdict;
}

[[gnu::always_inline]] inline pc_verdict passed(Trial& t, const OrderRecord& record,
                                                pc_ticket* ticket) noexcept {
  const pc_order_handle order = commit(t, record);
  if (order == 0) return refused(t, ticket);
  answer(ticket, PC_PASS);
  ticket->order = order;
  ++t.run.outstanding;
  if (t.run.idle) {
    t.run.idle = false;
    store(t.run.block->beat_ns, t.now_ns);
    store(t.run.block->idle, 0);
  }
  return PC_PASS;
}

bool sane_order(const pc_order& o) noexcept {
  const bool side = o.side == PC_BUY || o.side == PC_SELL || o.side == PC_SELL_SHORT;
  const bool type = o.ord_type >= PC_MARKET && o.ord_type <= PC_STOP_LIMIT;
  const bool tif =
      o.tif == PC_DAY || o.tif == PC_GTC || o.tif == PC_IOC || o.tif == PC_FOK || o.tif == PC_GTD;
  return side && type && tif && o.order_qty > 0 && o.order_qty <= kOrderQtyMax;
}

bool own_price_given(std::uint8_t ord_type) noexcept {
  return ord_type == PC_LIMIT || ord_type == PC_STOP_LIMIT;
}

/// Instrument and start-of-day position.
bool check_instrument(Trial& t, std::uint32_t instrument) noexcept {
  t.pair = t.run.find_pair(instrument);
  if (t.pair == kNoPair) return t.refuse(PC_NOT_ALLOWED);
  t.instrument = instrument;
  return load(t.run.cells[t.pair].start_set) == 1 || t.refuse(PC_POSITION_UNSET);
}

bool find_parent(Trial& t, pc_parent_handle handle) noexcept {
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

pc_verdict judge_order(LaneRun& run, const pc_order& o, pc_ticket* ticket) noexcept {
  Trial t(run);
  OrderRecord record;
  const bool id_given = take_id(run, o.cl_ord_id, record);
  if (!check_gate(t)) return refused(t, ticket);
  const bool stops = o.ord_type == PC_STOP || o.ord_type == PC_STOP_LIMIT;
  if (!id_given || !sane_order(o)) {
    t.refuse(PC_BAD_ARGUMENT);
    return refused(t, ticket);
  }
  if (!check_instrument(t, o.instrument)) return refused(t, ticket);
  if (stops && !price_possible(run.instruments[o.instrument], o.stop_px_e8)) {
    t.refuse(PC_BAD_ARGUMENT);
    return refused(t, ticket);
  }
  t.buy = o.side == PC_BUY;
  t.priced = own_price_given(o.ord_type);
  t.order_qty = t.added_qty = o.order_qty;
  record.side = o.side;
  record.ord_type = o.ord_type;
  record.tif = o.tif;
  if (!find_parent(t, o.parent) || !check_limits(t, o.px_e8) || !check_id(t, record))
    return refused(t, ticket);
  return passed(t, record, ticket);
}

/// The order to be replaced: known, of this lane, sent and open, with no replace under way. Fills in its
/// terms.
bool find_original(Trial& t, pc_order_handle handle, OrderRecord& record) noexcept {
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
  record.side = static_cast<std::uint8_t>(terms >> 16U);
  record.ord_type = static_cast<std::uint8_t>(terms >> 8U);
  record.tif = static_cast<std::uint8_t>(terms);
  record.orig_link = link_of(static_cast<std::uint32_t>(handle >> 32U), index);
  t.buy = record.side == PC_BUY;
  t.priced = own_price_given(record.ord_type);
  t.parent_link = load(slot.parent);
  if (t.parent_link != 0) t.parent = &run.parents[static_cast<std::uint32_t>(t.parent_link) - 1];
  return true;
}

/// What the replace adds while both may still be live: the larger of old and new counts, whichever fills come
/// first.
bool value_increase(Trial& t, const OrderSlot& old, std::int64_t new_qty, std::int64_t own_px_e8) noexcept {
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

pc_verdict judge_replace(LaneRun& run, const pc_replace_request& r, pc_ticket* ticket) noexcept {
  Trial t(run);
  OrderRecord record;
  t.replaces = true;
  const bool id_given = take_id(run, r.cl_ord_id, record);
  if (!check_gate(t)) return refused(t, ticket);
  if (!id_given || r.order_qty <= 0 || r.order_qty > kOrderQtyMax) {
    t.refuse(PC_BAD_ARGUMENT);
    return refused(t, ticket);
  }
  if (!find_original(t, r.order, record)) return refused(t, ticket);
  const auto index = static_cast<std::uint32_t>(r.order);
  if (!value_increase(t, run.orders[index], r.order_qty, r.px_e8) || !check_limits(t, r.px_e8) ||
      !check_id(t, record))
    return refused(t, ticket);
  const pc_verdict verdict = passed(t, record, ticket);
  if (verdict == PC_PASS) run.note(index).replaced_by = ticket->order;
  return verdict;
}

/// Submitter and flight checks; on success the lane is entered and the flight is odd.
pc_verdict enter(pc_lane* lane, LaneRun*& run) noexcept {
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
  const std::uint32_t index = slot_of(run, order);
  status = PC_ERR_UNKNOWN_ORDER;
  if (index == OrderIndex::kNone || index < run.slot_begin || index >= run.slot_end) return OrderIndex::kNone;
  status = PC_ERR_REPEATED;
  if (static_cast<std::uint8_t>(load(run.orders[index].submit_word)) !=
      static_cast<std::uint8_t>(SubmitState::reserved))
    return OrderIndex::kNone;
  status = PC_OK;
  return index;
}

void mark_sent(LaneRun& run, std::uint32_t index) noexcept {
  OrderSlot& slot = run.orders[index];
  store(slot.submit_word,
        (load(slot.submit_word) & ~std::uint64_t{0xFF}) | static_cast<std::uint64_t>(SubmitState::sent));
  --run.outstanding;
  end_flight_if_all_answered(run);
}

}  // namespace
}  // namespace portcullis

using namespace portcullis;

pc_verdict pc_submit(pc_lane* lane, const pc_order* order, pc_ticket* ticket) {
  if (!whole(ticket)) return PC_BAD_ARGUMENT;
  LaneRun* run = nullptr;
  if (const pc_verdict v = enter(lane, run); v != PC_PASS) return answer(ticket, v);
  const pc_verdict verdict =
      whole(order) ? judge_order(*run, *order, ticket) : answer(ticket, PC_BAD_ARGUMENT);
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
    if (orders[i].size == sizeof(pc_order) && judge_order(*run, orders[i], &tickets[i]) == PC_PASS) ++passes;
  leave(lane, *run);
  return passes;
}

pc_verdict pc_replace(pc_lane* lane, const pc_replace_request* request, pc_ticket* ticket) {
  if (!whole(ticket)) return PC_BAD_ARGUMENT;
  LaneRun* run = nullptr;
  if (const pc_verdict v = enter(lane, run); v != PC_PASS) return answer(ticket, v);
  const pc_verdict verdict =
      whole(request) ? judge_replace(*run, *request, ticket) : answer(ticket, PC_BAD_ARGUMENT);
  leave(lane, *run);
  return verdict;
}

pc_status pc_sent(pc_lane* lane, pc_order_handle order) {
  pc_status status = PC_OK;
  LaneRun* run = as_submitter(lane, status);
  if (run == nullptr) return status;
  const std::uint32_t index = reserved_slot(*run, order, status);
  if (index != OrderIndex::kNone) mark_sent(*run, index);
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
    mark_sent(*run, index);
    return PC_ERR_REPEATED;
  }
  take_back_bytes(*run, run->orders[index]);
  withdraw(*run, index);
  --run->outstanding;
  end_flight_if_all_answered(*run);
  return PC_OK;
}
