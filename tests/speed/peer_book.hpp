// SPDX-License-Identifier: Apache-2.0
/// @file The usual way: the same checks and the same record as pc_submit, in plain words under one lock that
/// both sides take. Two locks: Boost.Interprocess's mutex and a robust pthread mutex. No parent, instrument
/// or session tables, no seqlock, no per-limit counters: the peer does a little less than ours, never more.
#pragma once
#include <pthread.h>

#include <boost/interprocess/sync/interprocess_mutex.hpp>

#include "shm/arithmetic.hpp"
#include "shm/words.hpp"

namespace portcullis::speed {

/// A mutex between processes that says when its holder died.
class RobustMutex {
 public:
  RobustMutex();
  void lock() noexcept;
  void unlock() noexcept { pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_;
};

/// Everything between the lock and the unlock.
class PeerBook {
 public:
  static constexpr std::uint32_t kSlots = 4'096;
  static constexpr std::uint32_t kRing = 32'768;
  static constexpr std::uint32_t kInstruments = 1'000;

  PeerBook();
  /// Checks and records; false: refused.
  bool submit(const char* cl_ord_id, std::uint32_t instrument, bool buy, std::int64_t qty,
              std::int64_t px_e8) noexcept;
  /// What the other side reads.
  [[nodiscard]] std::int64_t exposure_e4() const noexcept { return gross_e4_; }

 private:
  struct Slot {
    Id cl_ord_id;
    std::uint64_t submitted_ns, terms;
    std::int64_t order_qty, px_e8, notional_e4, reference_px_e8;
  };
  [[nodiscard]] bool rates_pass(std::uint64_t now_ns) const noexcept;
  [[nodiscard]] bool known(const Id& id, std::uint64_t hash) const noexcept;
  void record(const Id& id, std::uint64_t hash, std::uint32_t instrument, bool buy, std::int64_t qty,
              std::int64_t px_e8, std::int64_t value_e4, std::uint64_t now_ns) noexcept;

  std::uint64_t open_ = 1;
  std::uint64_t deadline_ns_ = 0, lease_ns_ = 0;
  RateWindow windows_[4];
  std::int64_t order_qty_ = 1'000, order_notional_e4_ = 10'000'000'000, collar_bps_ = 500;
  std::int64_t position_ = 10'000'000'000, gross_limit_e4_ = INT64_MAX / 4, open_orders_ = INT64_MAX / 4;
  std::int64_t gross_e4_ = 0;
  std::int64_t orders_ = 0;
  std::uint64_t head_ = 0;
  Holding holdings_[kInstruments];
  std::int64_t references_e8_[kInstruments];
  std::uint32_t index_[kSlots * 4] = {};
  std::uint64_t ring_[kRing] = {};
  Slot slots_[kSlots] = {};
};

template <typename Mutex>
struct Locked {
  alignas(kCacheLineBytes) Mutex mutex;
  PeerBook book;

  bool submit(const char* id, std::uint32_t instrument, bool buy, std::int64_t px_e8) noexcept {
    mutex.lock();
    const bool passed = book.submit(id, instrument, buy, 1, px_e8);
    mutex.unlock();
    return passed;
  }
  /// The other side: takes the lock every microsecond and reads, until stop.
  void watch(const std::atomic<bool>& stop) noexcept;
};

using BoostLocked = Locked<boost::interprocess::interprocess_mutex>;
using RobustLocked = Locked<RobustMutex>;

}  // namespace portcullis::speed
