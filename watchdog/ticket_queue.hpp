// SPDX-License-Identifier: Apache-2.0
/// @file A bounded queue from one thread (control) to another (witness, scribe), with a ticket for each item
/// and the result of each ticket. Nobody waits inside: a full queue says so, and a result that is not there
/// yet is `pending`. The producer fills an item in place, so that large items are copied once and nothing is
/// allocated. `Result` is an enum with `pending` = 0 and `lost`, the answer for a ticket that is older than N
/// others or was never given: who asks for it must treat it as a failure.
#pragma once
#include <array>
#include <cstddef>

#include "shm/words.hpp"

namespace portcullis {

using Ticket = std::uint64_t;           ///< counts from 1
inline constexpr Ticket kNoTicket = 0;  ///< the queue was full: nothing was queued

template <typename Item, typename Result, std::size_t N>
class TicketQueue {
  static_assert(N >= 2 && (N & (N - 1)) == 0, "a power of two");
  static_assert(static_cast<int>(Result::pending) == 0);

 public:
  /// Producer: the next free item, nullptr where the queue is full. Fill it, then `commit`.
  [[nodiscard]] Item* reserve() noexcept {
    if (load(committed_) - load(finished_) >= N) return nullptr;
    return &items_[load(committed_) % N];
  }
  /// Producer: hands the reserved item over.
  [[nodiscard]] Ticket commit() noexcept {
    add_own(committed_, 1);
    return load(committed_);
  }
  /// Producer: what became of a ticket.
  [[nodiscard]] Result result(Ticket ticket) const noexcept {
    if (ticket == kNoTicket || ticket > load(committed_)) return Result::lost;
    if (ticket > load(finished_)) return Result::pending;
    const std::uint64_t word = load(results_[ticket % N]);
    return word >> 8U == ticket ? static_cast<Result>(word & 0xFFU) : Result::lost;
  }

  /// Consumer: the oldest item, nullptr where there is none.
  [[nodiscard]] Item* front() noexcept {
    return load(finished_) == load(committed_) ? nullptr : &items_[load(finished_) % N];
  }
  /// Consumer: gives the oldest item back, with its result.
  void finish(Result result) noexcept {
    const Ticket ticket = load(finished_) + 1;
    store(results_[ticket % N], ticket << 8U | static_cast<std::uint64_t>(result));
    store(finished_, ticket);
  }
  /// Items not finished yet. Either side.
  [[nodiscard]] std::uint64_t waiting() const noexcept { return load(committed_) - load(finished_); }

 private:
  alignas(kCacheLineBytes) Word committed_{};
  alignas(kCacheLineBytes) Word finished_{};
  std::array<Word, N> results_{};
  std::array<Item, N> items_{};
};

}  // namespace portcullis
