// SPDX-License-Identifier: Apache-2.0
/// @file From a ClOrdID to its order slot, for the whole engine, in private memory.
/// Buckets of eight words {hash tag, slot + 1}, one cache line each; an id lives in bucket h or h ^ 1, so a
/// look-up reads two lines at most. Four times as many words as slots: a full pair of buckets is a refusal
/// (PC_TABLE_FULL), never an eviction. Only submitters write: an entry stays until its slot is used again, so
/// that a repeated report or a ClOrdID used twice is still recognised after the order ended. The caller
/// compares the id in the slot: a tag proves nothing. Rejected: std::unordered_map (allocates per insert);
/// deleting at the terminal report (a second writer, and a repeated report of an ended order would look like
/// a foreign order and be booked twice).
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <new>

#include "shm/words.hpp"

namespace portcullis {

class OrderIndex {
 public:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  static constexpr std::uint32_t kBucketWords = 8;

  /// Room for `slots` orders; allocates. Throws std::bad_alloc.
  void reserve(std::uint32_t slots) {
    std::uint32_t buckets = 2;
    while (buckets * kBucketWords < slots * 4U) buckets *= 2;
    bucket_mask_ = buckets - 1;
    buckets_.reset(new Bucket[buckets]{});
  }

  /// What a look-up found: the slot of an equal id, and the first free place.
  struct Probe {
    std::uint32_t slot = kNone;
    std::uint32_t free_place = kNone;
  };

  /// same(slot) compares the full id. Bounded: 16 words.
  template <typename Same>
  [[nodiscard]] Probe probe(std::uint64_t hash, Same&& same) const noexcept {
    Probe found;
    for (std::uint32_t side = 0; side < 2; ++side) {
      const std::uint32_t bucket = bucket_of(hash) ^ side;
      for (std::uint32_t i = 0; i < kBucketWords; ++i) {
        const std::uint64_t word = buckets_[bucket].words[i].load(std::memory_order_acquire);
        if (word == 0) {
          if (found.free_place == kNone) found.free_place = bucket * kBucketWords + i;
        } else if (word >> 32U == tag_of(hash) && same(static_cast<std::uint32_t>(word) - 1)) {
          found.slot = static_cast<std::uint32_t>(word) - 1;
          return found;
        }
      }
    }
    return found;
  }

  /// Enters a slot at a free place; shared: other lanes insert too (compare-exchange). The place taken, or
  /// kNone.
  [[nodiscard]] std::uint32_t insert(std::uint64_t hash, std::uint32_t slot, std::uint32_t free_place,
                                     bool shared) noexcept {
    const std::uint64_t entry = tag_of(hash) << 32U | (slot + 1U);
    if (!shared) {
      if (free_place != kNone) word_at(free_place).store(entry, std::memory_order_release);
      return free_place;
    }
    for (std::uint32_t n = 0; n < 2 * kBucketWords; ++n) {
      const std::uint32_t place = (bucket_of(hash) ^ (n / kBucketWords)) * kBucketWords + n % kBucketWords;
      std::uint64_t empty = 0;
      if (word_at(place).load(std::memory_order_relaxed) == 0 &&
          word_at(place).compare_exchange_strong(empty, entry, std::memory_order_acq_rel))
        return place;
    }
    return kNone;
  }
  /// Takes an entry out; by the submitter that inserted it.
  void erase(std::uint32_t place) noexcept { word_at(place).store(0, std::memory_order_release); }

 private:
  struct alignas(kCacheLineBytes) Bucket {
    Word words[kBucketWords];
  };
  [[nodiscard]] std::uint32_t bucket_of(std::uint64_t hash) const noexcept {
    return static_cast<std::uint32_t>(hash) & bucket_mask_;
  }
  [[nodiscard]] static std::uint64_t tag_of(std::uint64_t hash) noexcept { return hash >> 32U; }
  [[nodiscard]] Word& word_at(std::uint32_t place) noexcept {
    return buckets_[place / kBucketWords].words[place % kBucketWords];
  }

  std::unique_ptr<Bucket[]> buckets_;
  std::uint32_t bucket_mask_ = 0;
};

}  // namespace portcullis
