// SPDX-License-Identifier: Apache-2.0
#include "tests/speed/peer_book.hpp"

#include <cerrno>

#include "shm/clock.hpp"
#include "tests/speed/samples.hpp"

namespace portcullis::speed {
namespace {

constexpr std::uint64_t kWatchEveryNs = 1'000;
constexpr std::uint64_t kHourNs = 3'600'000'000'000ULL;
constexpr std::uint32_t kProbes = 8;

}  // namespace

RobustMutex::RobustMutex() {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mutex_, &attributes);
  pthread_mutexattr_destroy(&attributes);
}

void RobustMutex::lock() noexcept {
  if (pthread_mutex_lock(&mutex_) == EOWNERDEAD) pthread_mutex_consistent(&mutex_);
}

PeerBook::PeerBook() : deadline_ns_(monotonic_now_ns() + kHourNs), lease_ns_(kHourNs) {
  for (int i = 0; i < 4; i += 2) {  // the lane's two windows, then the engine's
    windows_[i] = {8'000, 10'000'000};
    windows_[i + 1] = {30'000, 100'000'000};
  }
  for (std::int64_t& reference : references_e8_) reference = 100'00000000;
}

bool PeerBook::rates_pass(std::uint64_t now_ns) const noexcept {
  for (const RateWindow& w : windows_)
    if (!rate_passes(w, head_, ring_[(head_ - w.max) % kRing], now_ns)) return false;
  return true;
}

bool PeerBook::known(const Id& id, std::uint64_t hash) const noexcept {
  for (std::uint32_t i = 0; i < kProbes; ++i) {
    const std::uint32_t entry = index_[(hash + i) % (kSlots * 4)];
    if (entry == 0) return false;
    if (slots_[entry - 1].cl_ord_id == id) return true;
  }
  return false;
}

void PeerBook::record(const Id& id, std::uint64_t hash, std::uint32_t instrument, bool buy, std::int64_t qty,
                      std::int64_t px_e8, std::int64_t value_e4, std::uint64_t now_ns) noexcept {
  const auto slot = static_cast<std::uint32_t>(head_ % kSlots);
  slots_[slot] = {id,
                  now_ns,
                  std::uint64_t{instrument} << 8U | (buy ? 1U : 2U),
                  qty,
                  px_e8,
                  value_e4,
                  references_e8_[instrument]};
  index_[hash % (kSlots * 4)] = slot + 1;
  ring_[head_ % kRing] = now_ns;
  ++head_;
  ++orders_;
  gross_e4_ += value_e4;
  (buy ? holdings_[instrument].working_buy : holdings_[instrument].working_sell) += qty;
}

bool PeerBook::submit(const char* cl_ord_id, std::uint32_t instrument, bool buy, std::int64_t qty,
                      std::int64_t px_e8) noexcept {
  const std::uint64_t now_ns = monotonic_now_ns();
  if (open_ != 1 || !lease_holds(deadline_ns_, lease_ns_, now_ns)) return false;
  Id id;
  if (!id.assign(cl_ord_id, kIdBytes) || instrument >= kInstruments || qty <= 0 || qty > order_qty_)
    return false;
  std::int64_t value_e4 = 0;
  if (!notional_e4(px_e8, qty, 1, 10'000, value_e4) || value_e4 > order_notional_e4_) return false;
  if (beyond_collar(px_e8, references_e8_[instrument], collar_bps_) || !rates_pass(now_ns)) return false;
  const Holding& held = holdings_[instrument];
  if (!truly_reduces(held, buy, qty) && worst_case_after(held, buy, qty) > position_) return false;
  if (gross_e4_ + value_e4 > gross_limit_e4_ || orders_ >= open_orders_) return false;
  const std::uint64_t hash = id.hash();
  if (known(id, hash)) return false;
  record(id, hash, instrument, buy, qty, px_e8, value_e4, now_ns);
  return true;
}

template <typename Mutex>
void Locked<Mutex>::watch(const std::atomic<bool>& stop) noexcept {
  std::int64_t most_e4 = 0;
  while (!stop.load(std::memory_order_relaxed)) {
    mutex.lock();
    most_e4 = std::max(most_e4, book.exposure_e4());
    mutex.unlock();
    spin_for_ns(kWatchEveryNs);
  }
}

template void BoostLocked::watch(const std::atomic<bool>&) noexcept;
template void RobustLocked::watch(const std::atomic<bool>&) noexcept;

}  // namespace portcullis::speed
