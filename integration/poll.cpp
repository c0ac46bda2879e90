// SPDX-License-Identifier: Apache-2.0
/// @file pc_poll and pc_next_cancel: what the supervisor, or the lost lease, asks of the engine's own thread.
/// No system call as long as the lease holds and no command came.
#include <unistd.h>

#include <algorithm>

#include "integration/commit.hpp"
#include "integration/hook_state.hpp"
#include "integration/reattach.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kCancelAgainNs =
    1'000'000'000;  ///< an order is handed out again after this without an answer
constexpr std::uint64_t kStayBehindNs =
    10'000'000'000;  ///< for open orders of the old attachment to be cancelled
constexpr std::uint64_t kListAgainNs =
    10'000'000;  ///< between two looks for orders to cancel, once all are asked

std::uint64_t open_orders(const LaneRun& run) noexcept {
  const std::uint64_t released = load(run.block->released_orders);
  return load(run.block->submitted_orders) - load(run.block->withdrawn_orders) - released;
}

/// The eventfd is cleared when the last lane that polls has seen the command.
void clear_wake(pc_lane& lane, std::uint64_t sequence) noexcept {
  lane.wake_seen = sequence;
  lane.woken.store(sequence + 1, std::memory_order_release);
  for (const auto& at : lane.hook->lane_at) {
    const pc_lane* other = at.load(std::memory_order_acquire);
    if (other == nullptr) break;
    const LaneRun* run = other->run.load(std::memory_order_acquire);
    const std::uint64_t seen = other->woken.load(std::memory_order_acquire);
    if (run != nullptr && run->attachment == lane.mine->attachment && seen != 0 && seen != sequence + 1)
      return;
  }
  std::uint64_t count = 0;
  static_cast<void>(
      !read(lane.mine->attachment->wake.get(), &count, sizeof count));  // non-blocking; empty is fine
}

/// True while the lane's own orders keep it on its old attachment: one is on its way out, or open ones are
/// still being cancelled (their answers belong into the old ledger; in the new one they would be foreign).
bool stays_behind(pc_lane& lane, std::uint64_t now_ns) noexcept {
  if (lane.mine == nullptr) return false;
  if (lane.newer_since_ns == 0) lane.newer_since_ns = now_ns;
  const bool patient = now_ns - lane.newer_since_ns < kStayBehindNs;
  return lane.mine->outstanding != 0 || (patient && open_orders(*lane.mine) != 0);
}

/// Changes over to the newest attachment.
LaneRun* newest_run(pc_lane& lane) noexcept {
  const Attachment* newest = lane.hook->attachment.load(std::memory_order_acquire);
  if (lane.mine != nullptr && lane.mine->attachment == newest) return lane.mine;
  LaneRun* run = run_on(*lane.hook, newest, lane.number);
  if (run == nullptr) return lane.mine;  // the new configuration has no such lane: its old gate stays closed
  if (stays_behind(lane, monotonic_now_ns())) return lane.mine;
  lane.mine = run;
  lane.newer_since_ns = 0;
  lane.wake_seen = UINT64_MAX;
  lane.lost_reports.store(0, std::memory_order_relaxed);  // they belonged to the old ledger
  lane.run.store(run, std::memory_order_release);
  return run;
}

/// What the gate asks, by state, request, the lane's own shut word and the lease.
pc_command command_of(LaneRun& run, bool leased) noexcept {
  const std::uint64_t word = load(run.gate->word);
  const std::uint64_t request = load(run.gate->cancel_request);
  if (request != 0 && load(run.block->cancel_seen) != request) store(run.block->cancel_seen, request);
  const std::uint8_t state = gate_state(word);
  const bool trades = state == static_cast<std::uint8_t>(GateState::open) ||
                      state == static_cast<std::uint8_t>(GateState::reduce_only);
  const bool armed = trades || state == static_cast<std::uint8_t>(GateState::paused);
  if (armed && !leased && run.shut_generation != gate_generation(word))
    shut_lane(run, gate_generation(word), ShutReason::lease);
  const bool shut = run.shut_generation == gate_generation(word);
  const bool locked_now = state == static_cast<std::uint8_t>(GateState::closed);
  const bool cancels = request != 0 || shut || !leased || !(trades || locked_now);
  if (cancels && open_orders(run) != 0) return PC_COMMAND_CANCEL;
  return trades && !shut && leased ? PC_COMMAND_NONE : PC_COMMAND_STOP;
}

std::int64_t worth_of(const OrderSlot& slot) noexcept {
  return load(slot.notional_e4) - load(slot.released_notional_e4);
}

/// Open, sent, not a replace under way (its order is cancelled by its own id), and not asked within the last
/// second.
bool to_cancel(const OrderSlot& slot, std::uint64_t now_ns) noexcept {
  if (static_cast<std::uint8_t>(load(slot.submit_word)) != static_cast<std::uint8_t>(SubmitState::sent))
    return false;
  if (terminal(answer_of(slot)) || pending_replace(slot)) return false;
  const std::uint64_t asked_ns = load(slot.cancel_ns);
  return asked_ns == 0 || now_ns - asked_ns >= kCancelAgainNs;
}

/// Lists what is to be cancelled, largest first. Bounded by the lane's share; nothing is allocated.
void list_cancels(LaneRun& run, std::uint64_t now_ns) noexcept {
  run.cancel_list.clear();
  run.cancel_next = 0;
  run.cancel_listed_ns = now_ns;
  for (std::uint32_t slot = run.slot_begin; slot < run.slot_end; ++slot)
    if (to_cancel(run.orders[slot], now_ns)) run.cancel_list.push_back(slot);
  std::sort(run.cancel_list.begin(), run.cancel_list.end(), [&](std::uint32_t a, std::uint32_t b) {
    const std::int64_t left = worth_of(run.orders[a]);
    const std::int64_t right = worth_of(run.orders[b]);
    return left != right ? left > right : a < b;
  });
}

void copy_id(const SharedId& from, char (&to)[PC_ID_BYTES + 4]) noexcept {
  const Id id = from.get();
  std::memset(to, 0, sizeof to);
  std::memcpy(to, id.view().data(), id.length());
}

void hand_out(LaneRun& run, std::uint32_t index, std::uint64_t now_ns, pc_open_order& out) noexcept {
  OrderSlot& slot = run.orders[index];
  const std::uint64_t terms = load(slot.instrument_terms);
  store(slot.cancel_ns, now_ns);
  out.instrument = static_cast<std::uint32_t>(terms >> 32U);
  out.handle = handle_of(static_cast<std::uint32_t>(load(slot.submit_word) >> 8U), index);
  copy_id(slot.cl_ord_id, out.cl_ord_id);
  copy_id(slot.order_id, out.order_id);
  out.order_qty = load(slot.order_qty);
  out.cum_qty = load(slot.cum_qty);
  out.px_e8 = load(slot.px_e8);
  out.side = static_cast<std::uint8_t>(terms >> 16U);
  out.ord_type = static_cast<std::uint8_t>(terms >> 8U);
  out.tif = static_cast<std::uint8_t>(terms);
  std::memset(out.reserved, 0, sizeof out.reserved);
}

}  // namespace
}  // namespace portcullis

using namespace portcullis;

pc_command pc_poll(pc_lane* lane) {
  if (lane == nullptr || !alive(lane->alive) || !lane->submitter.held_by_caller()) return PC_COMMAND_STOP;
  LaneRun* run = newest_run(*lane);
  if (run == nullptr) return PC_COMMAND_STOP;
  const GateHeader& gate = *run->gate_header;
  const std::uint64_t deadline_ns = load(gate.lease_deadline_ns);
  const std::uint64_t lease_ns = load(gate.lease_ns);
  const std::uint64_t now_ns = monotonic_now_ns();
  store(run->block->beat_ns, now_ns);
  store(run->block->polled_ns, now_ns);
  if (run->idle) {
    run->idle = false;
    store(run->block->idle, 0);
  }
  const std::uint64_t sequence = load(gate.wake_sequence);
  if (sequence != lane->wake_seen) [[unlikely]]
    clear_wake(*lane, sequence);
  const bool leased = lease_holds(deadline_ns, lease_ns, now_ns);
  const pc_command command = command_of(*run, leased);
  if (!leased || lane->hook->reopening.load(std::memory_order_relaxed)) [[unlikely]]
    try_reattach(*lane->hook, now_ns);
  return command;
}

int pc_next_cancel(pc_lane* lane, pc_open_order* order) {
  pc_status status = PC_OK;
  LaneRun* run = as_submitter(lane, status);
  if (run == nullptr || !whole(order)) return 0;
  const std::uint64_t now_ns = monotonic_now_ns();
  if (run->cancel_asked_ns != 0 && now_ns - run->cancel_asked_ns < load(run->gate->cancel_pace_ns)) return 0;
  for (int looks = 0; looks < 2; ++looks) {
    while (run->cancel_next < run->cancel_list.size()) {
      const std::uint32_t index = run->cancel_list[run->cancel_next++];
      if (!to_cancel(run->orders[index], now_ns)) continue;  // answered meanwhile
      run->cancel_asked_ns = now_ns;
      hand_out(*run, index, now_ns, *order);
      return 1;
    }
    if (looks != 0 || (run->cancel_listed_ns != 0 && now_ns - run->cancel_listed_ns < kListAgainNs)) return 0;
    list_cancels(*run, now_ns);
  }
  return 0;
}
