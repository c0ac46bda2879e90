// SPDX-License-Identifier: Apache-2.0
/// @file Free order slots of one lane, from the responder that ends orders to the submitter that starts them:
/// a ring with one producer and one consumer, in private memory. First in, first out, so that an ended order
/// stays readable for a while (repeated reports, late fills). An entry carries the generation that ended; the
/// submitter drops an entry whose generation is not the slot's any more, so that nothing can be freed twice.
#pragma once
#include <cstdint>
#include <memory>

#include "shm/words.hpp"

namespace portcullis {

class FreeRing {
 public:
  /// Room for twice `slots` entries; allocates. Throws std::bad_alloc.
  void reserve(std::uint32_t slots) {
    std::uint64_t size = 2;
    while (size < std::uint64_t{slots} * 2) size *= 2;
    mask_ = size - 1;
    entries_.reset(new Word[size]{});
  }
  /// Producer. A full ring (cannot happen with truthful calls) loses the slot: less room, never a double use.
  void push(std::uint64_t entry) noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - seen_head_ > mask_) {
      seen_head_ = load(head_);
      if (tail - seen_head_ > mask_) return;
    }
    entries_[tail & mask_].store(entry, std::memory_order_relaxed);
    store(tail_, tail + 1);
  }
  /// Consumer. More than that many entries?
  [[nodiscard]] bool more_than(std::uint64_t entries) noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    if (seen_tail_ - head > entries) return true;
    seen_tail_ = load(tail_);
    return seen_tail_ - head > entries;
  }
  /// Consumer, after more_than(0). The oldest entry.
  [[nodiscard]] std::uint64_t pop() noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::uint64_t entry = entries_[head & mask_].load(std::memory_order_relaxed);
    store(head_, head + 1);
    return entry;
  }

 private:
  std::unique_ptr<Word[]> entries_;
  std::uint64_t mask_ = 0;
  alignas(kCacheLineBytes) Word tail_{0};  // the producer's
  std::uint64_t seen_head_ = 0;
  alignas(kCacheLineBytes) Word head_{0};  // the consumer's
  std::uint64_t seen_tail_ = 0;
};

}  // namespace portcullis
