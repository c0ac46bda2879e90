// SPDX-License-Identifier: Apache-2.0
/// @file The minimal programs beside which ours is printed: only the physical act, with the same clock, no
/// checks, no library, nobody else who reads.
#pragma once
#include "shm/words.hpp"

namespace portcullis::speed {

/// What a bare submit writes to: a table of ids that is walked as an order table is, and six words on one
/// line.
struct BareBook {
  static constexpr std::uint32_t kSlots = 4'096;
  alignas(kCacheLineBytes) Word words[8] = {};
  Id ids[kSlots];
  std::uint64_t next = 0;
};

/// Clock read, copy and hash of a 36-byte id, six stores.
void bare_submit(BareBook& book, const char* cl_ord_id) noexcept;

/// What a bare gate consists of: the two words on lines of their own.
struct BareGate {
  alignas(kCacheLineBytes) Word breach{0};  ///< the engine's: a number above the last one is a breach
  alignas(kCacheLineBytes) Word closed{0};  ///< the other side's: the last breach it saw
};

/// Polls one word, compares, stores one word, until stop.
void bare_watch(BareGate& gate, const std::atomic<bool>& stop) noexcept;

}  // namespace portcullis::speed
