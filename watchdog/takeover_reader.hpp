// SPDX-License-Identifier: Apache-2.0
/// @file A venue's hostile byte stream as whole messages. It may start in the middle of one. Looks for 8=FIX, checks
/// BodyLength and CheckSum, else skips a byte. Bounded: one buffer, messages to kInboundMessageBytes; what claims to be
/// longer is garbage. A message whose BodyLength promises more than came in would hide everything behind it: where its
/// body already holds a whole message that is no field's value, the length is a lie and the search goes on.
/// Allocates nothing; one thread.
#pragma once
#include <array>
#include <span>

#include "watchdog/takeover_message.hpp"

namespace portcullis {

inline constexpr std::size_t kInboundMessageBytes = 32 * 1024;

class TakeoverReader {
 public:
  /// Forgets everything.
  void clear() noexcept;
  /// Where the next bytes go; never empty once next() has said false. Moves what is unread: views end here.
  [[nodiscard]] std::span<char> room() noexcept;
  /// `bytes` of room() were filled.
  void filled(std::size_t bytes) noexcept;
  /// The next whole message. False: more bytes are needed.
  [[nodiscard]] bool next(InboundMessage& out) noexcept;

  [[nodiscard]] std::uint64_t skipped_bytes() const noexcept { return skipped_bytes_; }
  /// Messages that were whole by their length and wrong by CheckSum, MsgType or MsgSeqNum.
  [[nodiscard]] std::uint64_t garbled() const noexcept { return garbled_; }

 private:
  enum class Looked : std::uint8_t { message, garbled, garbage, incomplete };
  [[nodiscard]] Looked look(std::size_t at, FixMessage& out) const noexcept;
  [[nodiscard]] bool length_lies(std::size_t at) const noexcept;
  void skip_to(std::size_t at) noexcept;

  std::array<char, 2 * kInboundMessageBytes> buffer_{};
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t skipped_bytes_ = 0;
  std::uint64_t garbled_ = 0;
};

}  // namespace portcullis
