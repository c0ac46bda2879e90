// SPDX-License-Identifier: Apache-2.0
#include "tests/speed/bare.hpp"

#include "shm/clock.hpp"

namespace portcullis::speed {

void bare_submit(BareBook& book, const char* cl_ord_id) noexcept {
  const std::uint64_t now_ns = monotonic_now_ns();
  Id& id = book.ids[book.next++ % BareBook::kSlots];
  static_cast<void>(id.assign(cl_ord_id, kIdBytes));
  const std::uint64_t hash = id.hash();
  store(book.words[0], now_ns);
  store(book.words[1], hash);
  for (int i = 2; i < 6; ++i) store(book.words[i], book.next);
}

void bare_watch(BareGate& gate, const std::atomic<bool>& stop) noexcept {
  std::uint64_t limit = load(gate.closed);
  while (!stop.load(std::memory_order_relaxed)) {
    const std::uint64_t seen = load(gate.breach);
    if (seen <= limit) continue;
    store(gate.closed, seen);
    limit = seen;
  }
}

}  // namespace portcullis::speed
