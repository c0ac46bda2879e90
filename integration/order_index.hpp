// SPDX-License-Identifier: Apache-2.0
/// @file From a ClOrdID to its order slot, for the whole engine, in private memory.
/// Buckets of fifteen {16 bits of the hash, slot}, one cache line each; an id goes into its first bucket
/// unless that is nearly full, else into its second, and then the first says for good that its ids went on.
/// So a look-up reads one line, rarely two. Nearly four times as many entries as slots; both buckets full is
/// PC_TABLE_FULL, never an eviction. Only submitters write: an entry stays until its slot is used again, so
/// that a repeated report or a ClOrdID used twice is still recognised after the order ended. The caller
/// compares the id: a tag proves nothing. Rejected: neighbouring buckets h, h ^ 1 (full within a million
/// orders at a quarter of the room); std::unordered_map (allocates); deleting at the terminal report (a
/// second writer, and a repeated report of an ended order would look like a foreign order and be booked
/// twice).
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#include <emmintrin.h>
#endif

#include "shm/capacities.hpp"
#include "shm/words.hpp"

namespace portcullis {

/// A view: whoever holds a copy enters and finds the same ids. The memory is the Room's.
class OrderIndex {
 public:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  static constexpr std::uint32_t kBucketEntries = 15;

  using Half = std::atomic<std::uint16_t>;
  static_assert(sizeof(Half) == 2 && Half::is_always_lock_free && kOpenOrdersMax <= 65'536);
  /// A place is the number of a tag's half, counted over all buckets; its slot lies kToSlot halves further.
  struct alignas(kCacheLineBytes) Bucket {
    std::array<Half, kBucketEntries> tags;  ///< kFree, kClaimed, or of the id; written after the slot
    Half went_on;                           ///< 1: ids whose first bucket this is may be in their second
    std::array<Half, kBucketEntries> slots;
    Half reserved;
  };
  static constexpr std::uint32_t kBucketHalves = 32;
  static constexpr std::uint32_t kToSlot = 16;
  static_assert(sizeof(Bucket) == kBucketHalves * sizeof(Half));
  using Room = std::unique_ptr<Bucket[]>;

  /// Room for `slots` orders; allocates. Throws std::bad_alloc.
  [[nodiscard]] static Room make_room(std::uint32_t slots, OrderIndex& index) {
    std::uint32_t buckets = 2;
    while (buckets < slots / 4) buckets *= 2;  // at most 2^14
    Room room(new Bucket[buckets]{});
    index.buckets_ = room.get();
    index.bucket_mask_ = buckets - 1;
    return room;
  }

  /// Where an id may live.
  struct Home {
    std::uint64_t hash = 0;
    std::uint32_t first = 0;  ///< bucket
    [[nodiscard]] std::uint16_t tag() const noexcept {
      return static_cast<std::uint16_t>(static_cast<std::uint16_t>(hash >> 48U) | kTagBit);
    }
  };
  [[nodiscard, gnu::always_inline]] Home home_of(const Id& id) const noexcept {
    const std::uint64_t hash = id.hash();
    return {hash, static_cast<std::uint32_t>(hash) & bucket_mask_};
  }
  /// Fetches the first bucket while the caller does something else.
  [[gnu::always_inline]] void prefetch(const Home& home) const noexcept {
    __builtin_prefetch(&buckets_[home.first]);
  }

  /// The slot of an equal id, kNone if there is none. same(slot) compares the full id. Any thread; bounded:
  /// 30 entries.
  template <typename Same>
  [[nodiscard]] std::uint32_t find(const Home& home, Same same) const noexcept {
    const Bucket& first = buckets_[home.first];
    const std::uint32_t slot = matching(first, home.tag(), same);
    if (slot != kNone || first.went_on.load(std::memory_order_acquire) == 0) return slot;
    return matching(buckets_[second_of(home)], home.tag(), same);
  }

  /// What a submitter's look-up found: the slot of an equal id, else a free place (kNone: both buckets are
  /// full).
  struct Probe {
    std::uint32_t slot = kNone;
    std::uint32_t free_place = kNone;
  };
  /// Like find(); `same` is copied, so that what it knows of the caller stays in registers.
  template <typename Same>
  [[nodiscard, gnu::always_inline]] Probe probe(const Home& home, Same same) const noexcept {
    const Bucket& first = buckets_[home.first];
    const Seen seen = look(first, home.tag());
    const std::uint32_t but_two = without_lowest(without_lowest(seen.free));  // the first keeps two in hand
    if (!seen.hit && but_two != 0) [[likely]]
      return {kNone, home.first * kBucketHalves + lowest(seen.free)};
    return probe_both(home, same);
  }

  /// Enters a slot at a free place; Shared: other lanes insert too (compare-exchange). The place taken, or
  /// kNone.
  template <bool Shared>
  [[nodiscard, gnu::always_inline]] std::uint32_t insert(const Home& home, std::uint32_t slot,
                                                         std::uint32_t free_place) const noexcept {
    if constexpr (Shared) return insert_shared(home, slot, free_place);
    half_at(free_place + kToSlot).store(static_cast<std::uint16_t>(slot), std::memory_order_relaxed);
    half_at(free_place).store(home.tag(), std::memory_order_release);
    return free_place;
  }
  /// Takes an entry out; by the submitter that inserted it.
  void erase(std::uint32_t place) const noexcept { half_at(place).store(kFree, std::memory_order_release); }

 private:
  static constexpr std::uint16_t kFree = 0;
  static constexpr std::uint16_t kClaimed = 2;  ///< by a lane that is about to write slot and tag
  static constexpr std::uint16_t kTagBit = 1;   ///< in every id's tag
  static constexpr std::uint32_t kEntryBits = (1U << kBucketEntries) - 1;

  /// hit: an entry carries the tag, or ids went on. Bit i of free: entry i is free.
  struct Seen {
    bool hit = false;
    std::uint32_t free = 0;
  };
  /// All at once. The vector loads read atomics; on x86 an aligned 2-byte lane is never torn, and a stale one
  /// only misses what was entered at this very moment.
  [[nodiscard, gnu::always_inline]] static Seen look(const Bucket& bucket, std::uint16_t tag) noexcept {
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
    const auto* tags = reinterpret_cast<const __m128i*>(bucket.tags.data());
    const __m128i low = _mm_load_si128(tags);
    const __m128i high = _mm_load_si128(tags + 1);  // the last lane is went_on
    const __m128i wanted = _mm_set1_epi16(static_cast<short>(tag));
    const __m128i zero = _mm_setzero_si128();
    const __m128i equal = _mm_or_si128(_mm_cmpeq_epi16(low, wanted), _mm_cmpeq_epi16(high, wanted));
    const __m128i free = _mm_packs_epi16(_mm_cmpeq_epi16(low, zero), _mm_cmpeq_epi16(high, zero));
    const auto zeros = static_cast<std::uint32_t>(_mm_movemask_epi8(free));
    const Seen seen{_mm_movemask_epi8(equal) != 0 || zeros <= kEntryBits, zeros & kEntryBits};
    std::atomic_signal_fence(std::memory_order_acquire);
    return seen;
#else
    Seen seen{bucket.went_on.load(std::memory_order_acquire) != 0, 0};
    for (std::uint32_t i = 0; i < kBucketEntries; ++i) {
      const std::uint16_t entry = bucket.tags[i].load(std::memory_order_acquire);
      seen.hit |= entry == tag;
      seen.free |= static_cast<std::uint32_t>(entry == kFree) << i;
    }
    return seen;
#endif
  }
  [[nodiscard]] std::uint32_t second_of(const Home& home) const noexcept {
    const auto other = static_cast<std::uint32_t>(home.hash >> 15U) & bucket_mask_;
    return other != home.first ? other : other ^ 1U;
  }
  template <typename Same>
  [[nodiscard, gnu::noinline]] Probe probe_both(Home home, Same same) const noexcept {
    Probe found;
    found.slot = find(home, same);
    if (found.slot != kNone) return found;
    Bucket& first = buckets_[home.first];
    const std::uint32_t first_free = look(first, home.tag()).free;
    if (without_lowest(without_lowest(first_free)) != 0) {
      found.free_place = home.first * kBucketHalves + lowest(first_free);
      return found;
    }
    const std::uint32_t second = second_of(home);
    const std::uint32_t second_free = look(buckets_[second], home.tag()).free;
    if (second_free != 0) {
      first.went_on.store(1, std::memory_order_release);  // before anything is entered there
      found.free_place = second * kBucketHalves + lowest(second_free);
    } else if (first_free != 0) {
      found.free_place = home.first * kBucketHalves + lowest(first_free);
    }
    return found;
  }
  [[nodiscard]] std::uint32_t insert_shared(const Home& home, std::uint32_t slot,
                                            std::uint32_t free_place) const noexcept {
    if (claim(free_place, slot, home.tag())) return free_place;
    for (std::uint32_t i = 0; i < kBucketEntries; ++i)
      if (const std::uint32_t place = home.first * kBucketHalves + i; claim(place, slot, home.tag()))
        return place;
    buckets_[home.first].went_on.store(1, std::memory_order_release);
    for (std::uint32_t i = 0; i < kBucketEntries; ++i)
      if (const std::uint32_t place = second_of(home) * kBucketHalves + i; claim(place, slot, home.tag()))
        return place;
    return kNone;
  }
  /// The tag is exchanged: whoever enters the same id at this moment has entered it, and went_on, before it
  /// looks for ours, or we see theirs.
  [[nodiscard]] bool claim(std::uint32_t place, std::uint32_t slot, std::uint16_t tag) const noexcept {
    std::uint16_t free = kFree;
    if (!half_at(place).compare_exchange_strong(free, kClaimed, std::memory_order_acq_rel)) return false;
    half_at(place + kToSlot).store(static_cast<std::uint16_t>(slot), std::memory_order_relaxed);
    half_at(place).exchange(tag, std::memory_order_seq_cst);
    return true;
  }
  [[nodiscard]] static std::uint32_t lowest(std::uint32_t bits) noexcept {
    return static_cast<std::uint32_t>(__builtin_ctz(bits));
  }
  [[nodiscard]] static std::uint32_t without_lowest(std::uint32_t bits) noexcept { return bits & (bits - 1); }
  /// The slot among a bucket's entries whose id is the same; kNone if there is none.
  template <typename Same>
  [[nodiscard]] static std::uint32_t matching(const Bucket& bucket, std::uint16_t tag, Same& same) noexcept {
    for (std::uint32_t i = 0; i < kBucketEntries; ++i) {
      if (bucket.tags[i].load(std::memory_order_acquire) != tag) continue;
      const std::uint32_t slot = bucket.slots[i].load(std::memory_order_relaxed);
      if (same(slot)) return slot;
    }
    return kNone;
  }
  [[nodiscard]] Half& half_at(std::uint32_t place) const noexcept {
    return reinterpret_cast<Half*>(buckets_)[place];
  }

  Bucket* buckets_ = nullptr;
  std::uint32_t bucket_mask_ = 0;
};

}  // namespace portcullis
