// SPDX-License-Identifier: Apache-2.0
/// @file From a ClOrdID to its order slot, for the whole engine, in private memory.
/// Buckets of eight {hash tag, slot + 1}, one cache line each; an id goes into its first bucket unless that
/// is nearly full, else into its second, so a look-up reads two lines at most. Four times as many entries as
/// slots; both buckets full is PC_TABLE_FULL, never an eviction. Only submitters write: an entry stays until
/// its slot is used again, so that a repeated report or a ClOrdID used twice is still recognised after the
/// order ended. The caller compares the id: a tag proves nothing. Rejected: neighbouring buckets h, h ^ 1
/// (full within a million orders at a quarter of the room); std::unordered_map (allocates); deleting at the
/// terminal report (a second writer, and a repeated report of an ended order would look like a foreign order
/// and be booked twice).
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#include <emmintrin.h>
#endif

#include "shm/words.hpp"

namespace portcullis {

class OrderIndex {
 public:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  static constexpr std::uint32_t kBucketEntries = 8;

  /// Room for `slots` orders; allocates. Throws std::bad_alloc.
  void reserve(std::uint32_t slots) {
    std::uint32_t buckets = 2;
    while (buckets * kBucketEntries < slots * 4U) buckets *= 2;
    bucket_mask_ = buckets - 1;
    buckets_.reset(new Bucket[buckets]{});
  }

  /// Where an id of that hash may live.
  struct Home {
    std::uint32_t first = 0, second = 0;  ///< buckets
    std::uint32_t tag = 0;                ///< never 0
  };
  [[nodiscard]] Home home_of(std::uint64_t hash) const noexcept {
    const std::uint32_t first = static_cast<std::uint32_t>(hash) & bucket_mask_;
    const std::uint32_t other =
        static_cast<std::uint32_t>(hash >> 15U) & bucket_mask_;  // at most 2^15 buckets
    return {first, other != first ? other : other ^ 1U, static_cast<std::uint32_t>(hash >> 32U) | 1U};
  }
  /// Fetches both buckets while the caller does something else.
  void prefetch(const Home& home) const noexcept {
    __builtin_prefetch(&buckets_[home.first]);
    __builtin_prefetch(&buckets_[home.second]);
  }
  /// Fetches the bucket of a place that erase() is about to be called for.
  void prefetch_place(std::uint32_t place) const noexcept {
    if (place != kNone) __builtin_prefetch(&buckets_[place / kBucketEntries], 1);
  }

  /// What a look-up found: the slot of an equal id, and a free place.
  struct Probe {
    std::uint32_t slot = kNone;
    std::uint32_t free_place = kNone;
  };

  /// same(slot) compares the full id. Bounded: 16 entries.
  template <typename Same>
  [[nodiscard]] Probe probe(const Home& home, Same&& same) const noexcept {
    const Seen one = look(buckets_[home.first], home.tag);
    const Seen two = look(buckets_[home.second], home.tag);
    Probe found;
    if ((one.equal | two.equal) != 0) [[unlikely]] {
      found.slot = matching(buckets_[home.first], one.equal, same);
      if (found.slot == kNone) found.slot = matching(buckets_[home.second], two.equal, same);
      if (found.slot != kNone) return found;
    }
    const std::uint32_t but_two =
        without_lowest(without_lowest(one.free));  // the first bucket keeps two in hand
    const bool in_first = but_two != 0 || two.free == 0;
    const std::uint32_t free = in_first ? one.free : two.free;
    if (free != 0) found.free_place = (in_first ? home.first : home.second) * kBucketEntries + lowest(free);
    return found;
  }

  /// Enters a slot at a free place; shared: other lanes insert too (compare-exchange). The place taken, or
  /// kNone.
  [[nodiscard]] std::uint32_t insert(const Home& home, std::uint32_t slot, std::uint32_t free_place,
                                     bool shared) noexcept {
    if (free_place == kNone) return kNone;
    if (!shared) {
      slot_at(free_place).store(slot + 1U, std::memory_order_relaxed);
      tag_at(free_place).store(home.tag, std::memory_order_release);
      return free_place;
    }
    if (claim(free_place, slot, home.tag)) return free_place;
    for (const std::uint32_t bucket : {home.first, home.second})
      for (std::uint32_t place = bucket * kBucketEntries; place < (bucket + 1) * kBucketEntries; ++place)
        if (claim(place, slot, home.tag)) return place;
    return kNone;
  }
  /// Takes an entry out; by the submitter that inserted it.
  void erase(std::uint32_t place) noexcept {
    tag_at(place).store(0, std::memory_order_release);
    slot_at(place).store(0, std::memory_order_release);
  }

 private:
  using Half = std::atomic<std::uint32_t>;
  static_assert(sizeof(Half) == 4 && Half::is_always_lock_free);
  struct alignas(kCacheLineBytes) Bucket {
    std::array<Half, kBucketEntries> tags;   ///< 0: free
    std::array<Half, kBucketEntries> slots;  ///< slot + 1; written before the tag
  };
  /// Bit i: entry i carries the tag; entry i is free.
  struct Seen {
    std::uint32_t equal = 0, free = 0;
  };
  /// All eight at once. The vector loads read atomics; on x86 an aligned 4-byte lane is never torn, and a
  /// stale one only misses what was entered at this very moment.
  [[nodiscard]] static Seen look(const Bucket& bucket, std::uint32_t tag) noexcept {
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
    const auto* tags = reinterpret_cast<const __m128i*>(bucket.tags.data());
    const __m128i low = _mm_load_si128(tags);
    const __m128i high = _mm_load_si128(tags + 1);
    const auto lanes_equal = [&](__m128i to) {
      const __m128i both = _mm_packs_epi32(_mm_cmpeq_epi32(low, to), _mm_cmpeq_epi32(high, to));
      return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(both, _mm_setzero_si128())));
    };
    const Seen seen{lanes_equal(_mm_set1_epi32(static_cast<int>(tag))), lanes_equal(_mm_setzero_si128())};
    std::atomic_signal_fence(std::memory_order_acquire);
    return seen;
#else
    Seen seen;
    for (std::uint32_t i = 0; i < kBucketEntries; ++i) {
      const std::uint32_t word = bucket.tags[i].load(std::memory_order_acquire);
      seen.equal |= static_cast<std::uint32_t>(word == tag) << i;
      seen.free |= static_cast<std::uint32_t>(word == 0) << i;
    }
    return seen;
#endif
  }
  [[nodiscard]] bool claim(std::uint32_t place, std::uint32_t slot, std::uint32_t tag) noexcept {
    std::uint32_t empty = 0;
    if (!slot_at(place).compare_exchange_strong(empty, slot + 1U, std::memory_order_acq_rel)) return false;
    tag_at(place).exchange(tag,
                           std::memory_order_seq_cst);  // seen by others before we look for theirs
    return true;
  }
  [[nodiscard]] static std::uint32_t lowest(std::uint32_t bits) noexcept {
    return static_cast<std::uint32_t>(__builtin_ctz(bits));
  }
  [[nodiscard]] static std::uint32_t without_lowest(std::uint32_t bits) noexcept { return bits & (bits - 1); }
  /// The slot among these entries whose id is the same; kNone also where an entry is just being taken out.
  template <typename Same>
  [[nodiscard]] static std::uint32_t matching(const Bucket& bucket, std::uint32_t entries,
                                              Same& same) noexcept {
    for (; entries != 0; entries = without_lowest(entries)) {
      const std::uint32_t slot = bucket.slots[lowest(entries)].load(std::memory_order_acquire) - 1;
      if (slot != kNone && same(slot)) return slot;
    }
    return kNone;
  }
  [[nodiscard]] Half& tag_at(std::uint32_t place) noexcept {
    return buckets_[place / kBucketEntries].tags[place % kBucketEntries];
  }
  [[nodiscard]] Half& slot_at(std::uint32_t place) noexcept {
    return buckets_[place / kBucketEntries].slots[place % kBucketEntries];
  }

  std::unique_ptr<Bucket[]> buckets_;
  std::uint32_t bucket_mask_ = 0;
};

}  // namespace portcullis
