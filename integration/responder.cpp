// SPDX-License-Identifier: Apache-2.0
/// @file The venue's answers, as the engine's responder thread brings them. No system call, allocation, lock
/// or log. A report about an order of another lane is booked to that lane if this thread is its responder
/// too. A report that the wrong thread brings is lost, so the ledger is untrue: the lane closes itself
/// (ShutReason::integrity).
#include "integration/booking.hpp"
#include "integration/hook_state.hpp"

namespace portcullis {
namespace {

constexpr std::int64_t kFillQtyMax = 1'000'000'000'000;  ///< above it a quantity is absurd

LaneRun* as_responder(pc_lane* lane, pc_status& status) noexcept {
  status = PC_ERR_ARGUMENT;
  if (lane == nullptr) return nullptr;
  status = PC_ERR_CLOSED;
  if (!alive(lane->alive)) return nullptr;
  LaneRun* run = lane->run.load(std::memory_order_acquire);
  if (run == nullptr) return nullptr;
  if (!lane->responder.held_by_caller()) {
    lane->lost_reports.fetch_add(1, std::memory_order_relaxed);
    status = PC_ERR_WRONG_THREAD;
    return nullptr;
  }
  status = PC_OK;
  return run;
}

/// The lane whose order this is, if this thread may answer for it.
LaneRun* run_of_lane(const pc_lane& asked, const LaneRun& run, std::uint32_t gate_lane) noexcept {
  for (std::uint32_t i = 0; i < kLanesMax; ++i) {
    pc_lane* lane = asked.hook->lane_at[i].load(std::memory_order_acquire);
    if (lane == nullptr) return nullptr;
    LaneRun* other = lane->run.load(std::memory_order_acquire);
    if (other == nullptr || other->attachment != run.attachment || other->lane != gate_lane) continue;
    return lane->responder.held_by_caller() ? other : nullptr;
  }
  return nullptr;
}

/// One report: entered, and its order looked up.
struct Report {
  LaneRun* run = nullptr;  ///< the order's lane; the asked lane where the order is unknown
  std::uint32_t slot = OrderIndex::kNone;
  std::uint32_t generation = 0;
  Named named() const noexcept { return {*run, run->orders[slot], slot, generation}; }
  bool known() const noexcept { return slot != OrderIndex::kNone; }
};

/// False with a status where nothing can be done; PC_ERR_UNKNOWN_ORDER with report.run set where the order is
/// unknown.
pc_status open_report(pc_lane* lane, const pc_order_ref* ref, Report& report) noexcept {
  pc_status status = PC_OK;
  report.run = as_responder(lane, status);
  if (report.run == nullptr) return status;
  if (!whole(ref)) return PC_ERR_ARGUMENT;
  LaneRun& run = *report.run;
  std::uint32_t slot = OrderIndex::kNone;
  if (ref->handle != 0) {
    slot = slot_of(run, ref->handle);
  } else {
    Id id;
    if (!id.assign(ref->cl_ord_id.data, ref->cl_ord_id.length)) return PC_ERR_UNKNOWN_ORDER;
    slot = find_slot(run, id);
  }
  if (slot == OrderIndex::kNone) return PC_ERR_UNKNOWN_ORDER;
  const std::uint64_t word = load(run.orders[slot].submit_word);
  const auto state = static_cast<std::uint8_t>(word);
  if (state != static_cast<std::uint8_t>(SubmitState::reserved) &&
      state != static_cast<std::uint8_t>(SubmitState::sent))
    return PC_ERR_UNKNOWN_ORDER;
  const auto gate_lane = static_cast<std::uint32_t>(load(run.orders[slot].lane_pair) >> 32U);
  if (gate_lane != run.lane) {
    LaneRun* owner = run_of_lane(*lane, run, gate_lane);
    if (owner == nullptr) return PC_ERR_UNKNOWN_ORDER;
    report.run = owner;
  }
  report.slot = slot;
  report.generation = static_cast<std::uint32_t>(word >> 8U);
  add_own(report.run->block->answers, 1);
  return PC_OK;
}

/// What is remembered of a booked report: its ExecID with what it says. Not the order: a repeated report must
/// be known again after its order was forgotten. Not the ExecID alone: two venues may both count from 1.
std::uint64_t exec_hash(const pc_fill& fill, std::uint32_t instrument, bool buy) noexcept {
  Id id;
  if (!id.assign(fill.exec_id.data, fill.exec_id.length)) return 0;
  std::uint64_t said = static_cast<std::uint64_t>(fill.last_px_e8) ^ std::uint64_t{instrument} << 40U;
  said = (said ^ static_cast<std::uint64_t>(fill.last_qty) << 1U ^ (buy ? 1U : 0U)) *
         0x9E3779B97F4A7C15ULL;  // 2^64 / phi
  const std::uint64_t hash = id.hash() ^ said ^ said >> 32U;
  return hash == 0 ? 1 : hash;
}

/// ExecIDs longer than an id are hashed by neither side: such a fill counts by CumQty or as new.
pc_status fill_known(const Report& report, const pc_fill& fill) noexcept {
  Named order = report.named();
  std::int64_t qty = fill.last_qty;
  if (pending_replace(order.slot))
    take_over(order);  // reported under its new id; CumQty goes on from the old one
  if (fill.cum_qty >= 0) qty = fill.cum_qty - load(order.slot.cum_qty);
  if (fill.cum_qty >= 0 && qty <= 0) return PC_ERR_REPEATED;
  if (qty <= 0 || qty > kFillQtyMax) {
    add_own(order.run.block->unbooked, 1);
    return PC_ERR_ARGUMENT;
  }
  const std::uint64_t terms = load(order.slot.instrument_terms);
  const bool buy = (terms >> 16U & 0xFFU) == PC_BUY;
  const std::uint64_t hash = exec_hash(fill, static_cast<std::uint32_t>(terms >> 32U), buy);
  if (hash != 0 && repeated(order.run, hash) && fill.cum_qty < 0) return PC_ERR_REPEATED;
  return book_fill(order, qty, fill.last_px_e8) ? PC_OK : PC_ERR_ARGUMENT;
}

pc_status fill_foreign(LaneRun& run, const pc_fill& fill) noexcept {
  const std::uint64_t hash = exec_hash(fill, fill.instrument, fill.side == PC_BUY);
  if (hash != 0 && repeated(run, hash)) return PC_ERR_REPEATED;
  add_own(run.block->foreign_orders, 1);
  const bool side = fill.side == PC_BUY || fill.side == PC_SELL || fill.side == PC_SELL_SHORT;
  if (!side || fill.last_qty <= 0 || fill.last_qty > kFillQtyMax) {
    add_own(run.block->unbooked, 1);
  } else {
    book_foreign(run, fill.instrument, fill.side == PC_BUY, fill.last_qty, fill.last_px_e8);
  }
  return PC_ERR_UNKNOWN_ORDER;
}

/// The order that a replace, reported by its new id, was meant to change; slot kNone where it is gone.
Report original_of(const Report& report) noexcept {
  const std::uint64_t link = load(report.run->orders[report.slot].orig_slot);
  Report original{report.run, OrderIndex::kNone, static_cast<std::uint32_t>(link >> 32U)};
  if (link == 0) return original;
  const std::uint32_t index = static_cast<std::uint32_t>(link) - 1;
  if (load(report.run->orders[index].submit_word) >> 8U == link >> 32U) original.slot = index;
  return original;
}

void end_by_status(const Report& report, char ord_status) noexcept {
  Named order = report.named();
  switch (ord_status) {
    case '2': return end_order(order, AnswerState::filled);
    case '8': return end_order(order, AnswerState::rejected);
    case '3':
    case '4':
    case 'C': return end_order(order, AnswerState::cancelled);
    default: break;  // still open
  }
  if (terminal(answer_of(order.slot))) return;
  store(order.slot.refused_reason, static_cast<std::uint8_t>(ord_status));
  set_answer(order, AnswerState::cancel_refused);
}

}  // namespace
}  // namespace portcullis

using namespace portcullis;

pc_status pc_accepted(pc_lane* lane, const pc_order_ref* order, pc_text order_id) {
  Report report;
  const pc_status status = open_report(lane, order, report);
  if (status == PC_ERR_UNKNOWN_ORDER) add_own(report.run->block->foreign_orders, 1);
  if (status != PC_OK) return status;
  Named named = report.named();
  Id id;
  if (id.assign(order_id.data, order_id.length)) named.slot.order_id.put(id);
  if (answer_of(named.slot) == 0 && !pending_replace(named.slot)) set_answer(named, AnswerState::accepted);
  return PC_OK;
}

pc_status pc_filled(pc_lane* lane, const pc_fill* fill) {
  Report report;
  const pc_status status = open_report(lane, whole(fill) ? &fill->order : nullptr, report);
  if (status == PC_ERR_UNKNOWN_ORDER) return fill_foreign(*report.run, *fill);
  if (status == PC_OK) return fill_known(report, *fill);
  if (status == PC_ERR_ARGUMENT && report.run != nullptr) add_own(report.run->block->unbooked, 1);
  return status;
}

pc_status pc_cancelled(pc_lane* lane, const pc_order_ref* order) {
  Report report;
  if (const pc_status status = open_report(lane, order, report); status != PC_OK) return status;
  Named named = report.named();
  take_over(named);  // cancelled under the id of a replace: the venue had taken the replace
  end_order(named, AnswerState::cancelled);
  return PC_OK;
}

pc_status pc_rejected(pc_lane* lane, const pc_order_ref* order) {
  Report report;
  if (const pc_status status = open_report(lane, order, report); status != PC_OK) return status;
  Named named = report.named();
  end_order(named, AnswerState::rejected);  // of a replace: only what it added; the old order stays
  return PC_OK;
}

pc_status pc_replaced(pc_lane* lane, const pc_order_ref* new_order) {
  Report report;
  if (const pc_status status = open_report(lane, new_order, report); status != PC_OK) return status;
  Named named = report.named();
  take_over(named);
  return PC_OK;
}

pc_status pc_cancel_rejected(pc_lane* lane, const pc_order_ref* order, char ord_status) {
  Report report;
  if (const pc_status status = open_report(lane, order, report); status != PC_OK) return status;
  if (!pending_replace(report.run->orders[report.slot])) {
    end_by_status(report, ord_status);
    return PC_OK;
  }
  const Report original = original_of(report);
  Named named = report.named();
  end_order(named, AnswerState::rejected);
  if (original.known()) end_by_status(original, ord_status);
  return PC_OK;
}

pc_status pc_corrected(pc_lane* lane, const pc_correction* correction) {
  pc_status status = PC_OK;
  LaneRun* run = as_responder(lane, status);
  if (run == nullptr) return status;
  if (!whole(correction)) return PC_ERR_ARGUMENT;
  return book_correction(*run, correction->instrument, correction->position_delta) ? PC_OK : PC_ERR_ARGUMENT;
}
