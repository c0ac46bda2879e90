// SPDX-License-Identifier: Apache-2.0
#include "watchdog/takeover_orders.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

namespace portcullis {
namespace {

bool to_id(std::string_view text, Id& out) noexcept {
  return text.size() <= kIdBytes && out.assign(text.data(), static_cast<std::uint32_t>(text.size()));
}

}  // namespace

TakeoverIndex::TakeoverIndex(std::uint32_t entries_max) : slots_(std::bit_ceil(std::size_t{entries_max} * 2 + 1)) {}

void TakeoverIndex::clear() noexcept { std::fill(slots_.begin(), slots_.end(), Slot{}); }

void TakeoverIndex::put(const Id& id, std::uint32_t at) noexcept {
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t probe = 0; probe < kProbes; ++probe) {
    Slot& slot = slots_[(id.hash() + probe) & mask];
    if (slot.at != kNone && !(slot.id == id)) continue;
    slot = {id, at};  // the same name twice: the newer order has it
    return;
  }
}

std::uint32_t TakeoverIndex::find(std::string_view text) const noexcept {
  Id id;
  if (!to_id(text, id)) return kNone;
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t probe = 0; probe < kProbes; ++probe) {
    const Slot& slot = slots_[(id.hash() + probe) & mask];
    if (slot.at == kNone) return kNone;
    if (slot.id == id) return slot.at;
  }
  return kNone;
}

TakeoverOrders::TakeoverOrders(std::uint32_t orders_max)
    : entries_(orders_max),
      rank_(orders_max),
      by_seq_(orders_max),
      queue_(orders_max),
      by_cl_ord_id_(orders_max),
      by_order_id_(orders_max) {}

bool TakeoverOrders::begin(std::span<const TakeoverOrder> orders) noexcept {
  if (orders.size() > entries_.size()) return false;
  size_ = orders.size();
  by_cl_ord_id_.clear();
  by_order_id_.clear();
  clear_queue();
  fates_ = {};
  changes_ = 0;
  next_retry_ns_ = UINT64_MAX;
  queue_unblocked_ = false;
  for (std::uint32_t i = 0; i < size_; ++i) {
    entries_[i] = {};
    entries_[i].order = orders[i];
    entries_[i].chain_next = i;
    entries_[i].outcome.cum_qty = orders[i].cum_qty;
    by_cl_ord_id_.put(orders[i].cl_ord_id, i);
    if (orders[i].order_id.length() != 0) by_order_id_.put(orders[i].order_id, i);
  }
  fates_[static_cast<std::size_t>(Fate::open)] = size();
  const auto end = static_cast<std::ptrdiff_t>(size_);
  std::iota(rank_.begin(), rank_.begin() + end, 0);
  std::sort(rank_.begin(), rank_.begin() + end, [this](std::uint32_t a, std::uint32_t b) {
    const std::int64_t left = entries_[a].order.notional_e4, right = entries_[b].order.notional_e4;
    return left != right ? left > right : a < b;
  });
  std::iota(by_seq_.begin(), by_seq_.begin() + end, 0);
  std::sort(by_seq_.begin(), by_seq_.begin() + end, [this](std::uint32_t a, std::uint32_t b) {
    return entries_[a].order.msg_seq_num < entries_[b].order.msg_seq_num;
  });
  link();
  return true;
}

/// A replace hangs on the order whose name it takes; only on one whose message went out before, so there is no circle.
void TakeoverOrders::link() noexcept {
  for (std::uint32_t i = 0; i < size_; ++i) {
    Entry& entry = entries_[i];
    if (entry.order.orig_cl_ord_id.length() == 0) continue;
    const std::uint32_t older = by_cl_ord_id_.find(entry.order.orig_cl_ord_id.view());
    if (older == kNone || entries_[older].order.msg_end_byte >= entry.order.msg_end_byte) continue;
    entry.older = older;
    ++entries_[older].open_newer;
    std::swap(entry.chain_next, entries_[older].chain_next);  // two circles become one
  }
}

std::string_view TakeoverOrders::order_id(std::uint32_t i) const noexcept {
  for (; i != kNone; i = entries_[i].older)
    if (entries_[i].order.order_id.length() != 0) return entries_[i].order.order_id.view();
  return {};
}

std::uint32_t TakeoverOrders::by_seq_num(std::uint64_t seq_num) const noexcept {
  const auto end = by_seq_.begin() + static_cast<std::ptrdiff_t>(size_);
  const auto at = std::lower_bound(by_seq_.begin(), end, seq_num, [this](std::uint32_t i, std::uint64_t n) {
    return entries_[i].order.msg_seq_num < n;
  });
  if (seq_num == 0 || at == end || entries_[*at].order.msg_seq_num != seq_num) return kNone;
  const bool two = at + 1 != end && entries_[*(at + 1)].order.msg_seq_num == seq_num;
  return two ? kNone : *at;
}

void TakeoverOrders::set(Entry& entry, Fate fate) noexcept {
  if (entry.outcome.fate == fate) return;
  --fates_[static_cast<std::size_t>(entry.outcome.fate)];
  entry.outcome.fate = fate;
  ++fates_[static_cast<std::size_t>(fate)];
  ++changes_;
}

void TakeoverOrders::end_name(std::uint32_t i, char ord_status) noexcept {
  Entry& entry = entries_[i];
  if (!open(i)) return;
  entry.outcome.ord_status = ord_status;
  set(entry, Fate::acknowledged);
  unblock_older(i);
}

void TakeoverOrders::end_older(std::uint32_t i, char ord_status) noexcept {
  const bool queue_unblocked = queue_unblocked_;
  queue_unblocked_ = false;  // what is older ends as well
  for (; i != kNone; i = entries_[i].older) end_name(i, ord_status);
  queue_unblocked_ = queue_unblocked;
}

void TakeoverOrders::end_order(std::uint32_t i, char ord_status) noexcept {
  std::uint32_t name = i;
  do {
    if (open(name)) entries_[name].outcome.ord_status = ord_status;
    set(entries_[name], Fate::acknowledged);
    name = entries_[name].chain_next;
  } while (name != i);
}

/// An older name becomes a leaf when the newer ones are out of the way.
void TakeoverOrders::unblock_older(std::uint32_t i) noexcept {
  const std::uint32_t older = entries_[i].older;
  if (older == kNone || entries_[i].doubted) return;
  --entries_[older].open_newer;
  if (queue_unblocked_ && entries_[older].open_newer == 0 && open(older)) push(older);
}

void TakeoverOrders::mark_refused(std::uint32_t i, char ord_status, std::uint8_t reason,
                                  std::uint64_t retry_ns) noexcept {
  if (!open(i)) return;
  Entry& entry = entries_[i];
  entry.outcome.ord_status = ord_status;
  entry.outcome.cxl_rej_reason = reason;
  entry.retry_ns = retry_ns;
  next_retry_ns_ = std::min(next_retry_ns_, retry_ns);
  set(entry, Fate::refused_by_venue);
}

void TakeoverOrders::refuse(std::uint32_t i, char ord_status, std::uint8_t reason, std::uint64_t retry_ns) noexcept {
  for (; i != kNone; i = entries_[i].older) mark_refused(i, ord_status, reason, retry_ns);
}

void TakeoverOrders::doubt(std::uint32_t i, char ord_status, std::uint8_t reason, std::uint64_t retry_ns) noexcept {
  if (!open(i)) return;
  mark_refused(i, ord_status, reason, retry_ns);
  unblock_older(i);
  entries_[i].doubted = true;
}

void TakeoverOrders::learn_order_id(std::uint32_t i, std::string_view text) noexcept {
  Id id;
  if (entries_[i].order.order_id.length() != 0 || text == "NONE" || !to_id(text, id)) return;
  entries_[i].order.order_id = id;
  by_order_id_.put(id, i);
  std::uint32_t name = i;
  do {  // whoever was refused for want of it
    const Entry& entry = entries_[name];
    const bool wanted = entry.lacked_order_id && entry.outcome.fate == Fate::refused_by_venue && !order_id(name).empty();
    if (wanted) push(name);
    name = entry.chain_next;
  } while (name != i);
}

bool TakeoverOrders::learn_fill(std::uint32_t i, char side, std::int64_t cum_qty) noexcept {
  Entry& entry = entries_[i];
  if ((side != '\0' && side != entry.order.side) || cum_qty > entry.order.order_qty) return false;
  if (cum_qty <= entry.outcome.cum_qty) return true;
  entry.outcome.cum_qty = cum_qty;
  entry.outcome.fill_seen = true;
  return true;
}

void TakeoverOrders::give_up() noexcept {
  for (std::uint32_t i = 0; i < size_; ++i)
    if (entries_[i].outcome.fate == Fate::open) set(entries_[i], Fate::unknown);
}

void TakeoverOrders::queue_open() noexcept {
  for (std::size_t k = 0; k < size_; ++k) {
    const Entry& entry = entries_[rank_[k]];
    const bool asked = entry.outcome.fate == Fate::open || entry.outcome.fate == Fate::unknown;
    if (asked && entry.open_newer == 0) push(rank_[k]);
  }
}

void TakeoverOrders::queue_due(std::uint64_t now_ns, std::uint64_t again_ns) noexcept {
  if (now_ns < next_retry_ns_) return;
  next_retry_ns_ = UINT64_MAX;
  for (std::size_t k = 0; k < size_; ++k) {
    Entry& entry = entries_[rank_[k]];
    if (entry.outcome.fate != Fate::refused_by_venue) continue;
    if (entry.retry_ns <= now_ns) {
      entry.retry_ns = now_ns + again_ns;
      if (entry.open_newer == 0) push(rank_[k]);
    }
    next_retry_ns_ = std::min(next_retry_ns_, entry.retry_ns);
  }
}

void TakeoverOrders::push(std::uint32_t i) noexcept {
  if (entries_[i].queued) return;
  entries_[i].queued = true;
  queue_[(queue_head_ + queue_count_++) % queue_.size()] = i;
}

void TakeoverOrders::clear_queue() noexcept {
  for (; queue_count_ != 0; pop()) {
  }
}

std::uint32_t TakeoverOrders::front() noexcept {
  while (queue_count_ != 0) {
    const std::uint32_t i = queue_[queue_head_];
    if (open(i) && entries_[i].open_newer == 0) return i;
    pop();  // answered while it waited
  }
  return kNone;
}

void TakeoverOrders::pop() noexcept {
  entries_[queue_[queue_head_]].queued = false;
  queue_head_ = (queue_head_ + 1) % queue_.size();
  --queue_count_;
}

}  // namespace portcullis
