// SPDX-License-Identifier: Apache-2.0
/// @file Signs of life, marks, cancels, parents and start-of-day positions of a lane.
#include "integration/commit.hpp"
#include "integration/hook_state.hpp"

namespace portcullis {
namespace {

bool locked(const LaneRun& run) noexcept {
  return gate_state(load(run.gate->word)) == static_cast<std::uint8_t>(GateState::closed);
}

void beat(LaneRun& run, std::uint64_t now_ns) noexcept {
  store(run.block->beat_ns, now_ns);
  if (!run.idle) return;
  run.idle = false;
  store(run.block->idle, 0);
}

/// States one position. False where its value cannot be said although a limit needs it.
bool state_position(LaneRun& run, std::uint32_t pair, std::int64_t position) noexcept {
  Cell& cell = run.cells[pair];
  const GateInstrument& instrument = run.instruments[run.pairs[pair].instrument];
  const bool needed =
      run.gate->gross_notional_e4 != kNoLimit || run.engine_limits->gross_notional_e4 != kNoLimit;
  const std::int64_t mark = load(cell.mark_px_e8);
  const std::int64_t px_e8 = mark != 0 ? mark : instrument.reference_px_e8;
  std::int64_t value_e4 = 0;
  if (position != 0) {
    if (needed && px_e8 == 0) return false;
    const std::int64_t size = position < 0 ? -position : position;
    if (!notional_e4(px_e8, size, instrument.value_num, instrument.value_den, value_e4)) return false;
    if (value_e4 > INT64_MAX / 4) return false;
  }
  std::atomic_ref<std::int64_t> known_e4(run.start_e4[pair - run.pair_begin]);
  const std::int64_t change_e4 = value_e4 - known_e4.load(std::memory_order_relaxed);
  std::int64_t total_e4 = 0;
  if (__builtin_add_overflow(load(run.block->start_notional_e4), change_e4, &total_e4) ||
      total_e4 > INT64_MAX / 4)
    return false;
  store(cell.start_position, position);
  known_e4.store(value_e4, std::memory_order_release);
  store(run.block->start_notional_e4, total_e4);
  if (run.shared && change_e4 != 0)
    run.totals->gross_notional_e4.fetch_add(change_e4, std::memory_order_acq_rel);
  store(cell.start_set, 1);
  return true;
}

}  // namespace
}  // namespace portcullis

using namespace portcullis;

pc_status pc_lane_rebind(pc_lane* lane) {
  if (lane == nullptr) return PC_ERR_ARGUMENT;
  if (lane->alive != nullptr && !alive(lane->alive)) return PC_ERR_CLOSED;
  lane->submitter.clear();
  lane->responder.clear();
  return PC_OK;
}

pc_status pc_position(pc_lane* lane, uint32_t instrument, int64_t position) {
  pc_status status = PC_OK;
  LaneRun* run = as_submitter(lane, status);
  if (run == nullptr) return status;
  const std::uint32_t pair = run->find_pair(instrument);
  if (pair == kNoPair || position > INT64_MAX / 4 || position < -(INT64_MAX / 4)) return PC_ERR_ARGUMENT;
  if (!locked(*run)) return PC_ERR_NOT_LOCKED;
  return state_position(*run, pair, position) ? PC_OK : PC_ERR_ARGUMENT;
}

pc_status pc_positions_flat(pc_lane* lane) {
  pc_status status = PC_OK;
  LaneRun* run = as_submitter(lane, status);
  if (run == nullptr) return status;
  if (!locked(*run)) return PC_ERR_NOT_LOCKED;
  for (std::uint32_t pair = run->pair_begin; pair < run->pair_begin + run->gate->pair_count; ++pair)
    if (load(run->cells[pair].start_set) == 0 && !state_position(*run, pair, 0)) return PC_ERR_ARGUMENT;
  return PC_OK;
}

pc_status pc_mark(pc_lane* lane, uint32_t instrument, int64_t px_e8) {
  pc_status status = PC_OK;
  LaneRun* run = as_submitter(lane, status);
  if (run == nullptr) return status;
  const std::uint32_t pair = run->find_pair(instrument);
  if (pair == kNoPair || px_e8 == INT64_MIN || px_e8 == 0) return PC_ERR_ARGUMENT;
  if (px_e8 < 0 && run->instruments[instrument].allow_negative == 0) return PC_ERR_ARGUMENT;
  store(run->cells[pair].mark_px_e8, px_e8);
  store(run->cells[pair].mark_ns, monotonic_now_ns());
  return PC_OK;
}

void pc_beat(pc_lane* lane) {
  pc_status status = PC_OK;
  if (LaneRun* run = as_submitter(lane, status); run != nullptr) beat(*run, monotonic_now_ns());
}

void pc_idle(pc_lane* lane) {
  pc_status status = PC_OK;
  LaneRun* run = as_submitter(lane, status);
  if (run == nullptr) return;
  store(run->block->beat_ns, monotonic_now_ns());
  run->idle = true;
  store(run->block->idle, 1);
}

void pc_work_in(pc_lane* lane, uint64_t items) {
  pc_status status = PC_OK;
  LaneRun* run = as_submitter(lane, status);
  if (run == nullptr) return;
  if (run->idle) beat(*run, monotonic_now_ns());
  add_own(run->block->work_in, items);
}

void pc_work_done(pc_lane* lane, uint64_t items) {
  pc_status status = PC_OK;
  if (LaneRun* run = as_submitter(lane, status); run != nullptr) add_own(run->block->work_done, items);
}

pc_status pc_cancel(pc_lane* lane, const pc_order_ref* order, pc_text) {
  pc_status status = PC_OK;
  LaneRun* run = as_submitter(lane, status);
  if (run == nullptr) return status;
  if (!whole(order)) return PC_ERR_ARGUMENT;
  add_own(run->block->cancels, 1);
  std::uint32_t slot = OrderIndex::kNone;
  Id id;
  if (order->handle != 0) {
    slot = slot_of(*run, order->handle);
  } else if (id.assign(order->cl_ord_id.data, order->cl_ord_id.length)) {
    slot = find_slot(*run, id);
  }
  if (slot == OrderIndex::kNone || slot < run->slot_begin || slot >= run->slot_end)
    return PC_ERR_UNKNOWN_ORDER;
  store(run->orders[slot].cancel_ns, monotonic_now_ns());
  return PC_OK;
}

pc_order_handle pc_find(const pc_lane* lane, pc_text cl_ord_id) {
  Id id;
  if (lane == nullptr || !alive(lane->alive) || !id.assign(cl_ord_id.data, cl_ord_id.length)) return 0;
  const LaneRun* run = lane->run.load(std::memory_order_acquire);
  const std::uint32_t slot = run == nullptr ? OrderIndex::kNone : find_slot(*run, id);
  if (slot == OrderIndex::kNone || slot < run->slot_begin || slot >= run->slot_end) return 0;
  const std::uint64_t generation = load(run->orders[slot].submit_word) >> 8U;
  const pc_order_handle handle = generation << 32U | slot;
  return slot_of(*run, handle) == slot && !terminal(answer_of(run->orders[slot])) ? handle : 0;
}

pc_status pc_parent_open(pc_lane* lane, pc_text id, uint32_t instrument, pc_side side, int64_t qty,
                         pc_parent_handle* parent) {
  if (parent == nullptr) return PC_ERR_ARGUMENT;
  *parent = 0;
  pc_status status = PC_OK;
  LaneRun* run = as_submitter(lane, status);
  if (run == nullptr) return status;
  Id text;
  const bool sided = side == PC_BUY || side == PC_SELL || side == PC_SELL_SHORT;
  if (!text.assign(id.data, id.length) || !sided || qty <= 0 || qty > INT64_MAX / 4) return PC_ERR_ARGUMENT;
  if (run->find_pair(instrument) == kNoPair) return PC_ERR_ARGUMENT;
  if (run->free_parents.empty()) return PC_ERR_FULL;
  const std::uint32_t index = run->free_parents.back();
  run->free_parents.pop_back();
  ParentSlot& slot = run->parents[index];
  const std::uint64_t before = load(slot.generation) >> 8U;
  const auto generation =
      static_cast<std::uint32_t>(before == 0 ? run->attachment->first_generation + 1U : before + 1);
  store(slot.generation, std::uint64_t{generation} << 8U);  // closed while it is filled
  slot.id.put(text);
  store(slot.instrument_side, std::uint64_t{instrument} << 8U | static_cast<std::uint64_t>(side));
  store(slot.qty, qty);
  store(slot.children, 0);
  for (SignedWord* word : {&slot.submitted_qty, &slot.withdrawn_qty, &slot.released_qty, &slot.filled_qty})
    store(*word, 0);
  store(slot.lane, run->lane);
  store(slot.generation, std::uint64_t{generation} << 8U | 1U);
  *parent = link_of(generation, index);
  return PC_OK;
}

pc_status pc_parent_close(pc_lane* lane, pc_parent_handle parent) {
  pc_status status = PC_OK;
  LaneRun* run = as_submitter(lane, status);
  if (run == nullptr) return status;
  const std::uint32_t index = static_cast<std::uint32_t>(parent) - 1;
  if (parent == 0 || index < run->parent_begin || index >= run->parent_end) return PC_ERR_ARGUMENT;
  ParentSlot& slot = run->parents[index];
  if (load(slot.generation) != ((parent >> 32U) << 8U | 1U)) return PC_ERR_ARGUMENT;
  const std::int64_t released = load(slot.released_qty);
  const std::int64_t filled = load(slot.filled_qty);
  if (load(slot.submitted_qty) - load(slot.withdrawn_qty) - released - filled > 0) return PC_ERR_BUSY;
  store(slot.generation, (parent >> 32U) << 8U);
  run->free_parents.push_back(index);
  return PC_OK;
}
