// SPDX-License-Identifier: Apache-2.0
/// @file The venue's numbers during a take-over: what is expected next, whether anything is missing, and when to ask for
/// it. Contents are taken as they come, in any order; this only says whether all of them were seen, from the last
/// message that the engine had finished with up to the newest. Pure; time passed in.
#pragma once
#include <cstdint>

#include "watchdog/takeover_message.hpp"

namespace portcullis {

class TakeoverInbound {
 public:
  /// @param next_in last inbound number that the engine finished with + 1
  void begin(std::uint64_t next_in) noexcept;
  /// Counts one message, a SequenceReset (35=4) in either mode included.
  void take(const InboundMessage& message, std::uint64_t now_ns) noexcept;

  /// MsgSeqNum that is expected next: everything below was seen (or filled by the venue).
  [[nodiscard]] std::uint64_t expected() const noexcept { return expected_; }
  [[nodiscard]] bool any() const noexcept { return any_; }
  /// Newer messages were seen than the expected one.
  [[nodiscard]] bool hole() const noexcept { return highest_ > expected_; }
  /// Something was seen, and from next_in to the newest nothing is missing and nothing was lost by a reset.
  [[nodiscard]] bool whole() const noexcept { return any_ && !hole() && !lost_ && too_low_ == 0; }
  /// A ResendRequest (35=2) is due: a hole that nobody was asked about, or whose filling has not moved for `again_ns`.
  [[nodiscard]] bool ask_due(std::uint64_t now_ns, std::uint64_t again_ns) const noexcept;
  [[nodiscard]] bool ever_asked() const noexcept { return asks_ != 0; }
  void asked(std::uint64_t now_ns) noexcept;
  /// The venue refused to resend: what is missing is lost.
  void refused() noexcept;
  /// Numbers below the expected one without PossDupFlag.
  [[nodiscard]] std::uint64_t too_low() const noexcept { return too_low_; }

 private:
  static constexpr std::uint32_t kAsksMax = 32;
  void reset_to(const InboundMessage& message) noexcept;

  std::uint64_t expected_ = 1;
  std::uint64_t highest_ = 1;  ///< one past the newest number seen or filled
  std::uint64_t moved_ns_ = 0; ///< expected advanced, or was asked for
  std::uint64_t too_low_ = 0;
  std::uint32_t asks_ = 0;
  bool any_ = false;
  bool lost_ = false;
  bool give_up_ = false;
};

}  // namespace portcullis
