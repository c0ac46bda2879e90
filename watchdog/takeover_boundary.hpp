// SPDX-License-Identifier: Apache-2.0
/// @file Where the engine's outbound stream stands once it is stopped, and the bytes that end a message cut in two.
///
///   ring of message ends     ...|----- A -----|----- B -----|----- C -----|
///   accepted (final)                                    ^ inside B: after A's end, before B's
///
/// A cut message is completed to its declared length with filler and a trailer whose CheckSum cannot be right: the venue
/// drops it as garbled and does not count it, so its number is still free. Where only its last byte is missing, nothing
/// can make it wrong any more: then it is completed as it is, and counted. Reads the hostile ledger; pure otherwise.
/// Not protected against: a venue that reads a CheckSum like "00?" as 0.
#pragma once
#include <span>
#include <string_view>

#include "shm/ledger_layout.hpp"

namespace portcullis {

enum class BoundaryKind : std::uint8_t {
  unknown,            ///< not in the ring, nothing sent yet, or the ring contradicts itself: do not write
  at_end,             ///< behind a whole message
  inside,             ///< in a message that can still be spoilt
  last_byte_missing,  ///< in a message that only its last SOH completes
};

struct Boundary {
  BoundaryKind kind = BoundaryKind::unknown;
  std::uint64_t accepted_bytes = 0;
  std::uint64_t begin_byte = 0;    ///< of the cut message (inside, last_byte_missing)
  std::uint64_t end_byte = 0;      ///< and the offset behind it
  std::uint64_t next_seq_num = 0;  ///< of our first message, after the cut one was closed
  std::uint64_t resend_from = 0;   ///< not 0: a resend was under way; gap-fill [resend_from, next_seq_num) first
  /// An order left if its message ends at or before this offset: compare every order with it, never with accepted_bytes.
  [[nodiscard]] std::uint64_t left_bytes() const noexcept {
    return kind == BoundaryKind::last_byte_missing ? end_byte : accepted_bytes;
  }
};

/// The ring of one session as it lies in the ledger; head = SessionBlock::ends_head.
struct MessageEndRing {
  const MessageEnd* ends = nullptr;
  std::uint32_t capacity = 0;  ///< a power of two
  std::uint64_t head = 0;
};
[[nodiscard]] inline MessageEndRing message_ends_of(const LedgerView& ledger, std::uint32_t session) noexcept {
  return {&ledger.message_end(session, 0), ledger.capacities.message_ends, load(ledger.session(session).ends_head)};
}

/// @param accepted_bytes the kernel's final count, read after every thread was stopped
[[nodiscard]] Boundary find_boundary(const MessageEndRing& ring, std::uint64_t accepted_bytes) noexcept;

/// The bytes that close the cut message: end_byte - accepted_bytes of them.
/// @param body_length_width digits of BodyLength (9) where the engine pads it, else 0
/// @return bytes written; 0: nothing is cut, `out` is too small, or no FIX message has this length
std::size_t close_cut_message(const Boundary& boundary, std::string_view begin_string, std::uint32_t body_length_width,
                              std::span<char> out) noexcept;

}  // namespace portcullis
