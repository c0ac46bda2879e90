// SPDX-License-Identifier: Apache-2.0
/// @file The cycle: read, judge, trip, and last renew the lease. The monitor's thread makes no call that can block:
/// nothing on an engine's socket, no membarrier, no file, no lock. It closes gate words and never opens one; the exact
/// close, and everything after it, is control's (control.hpp), woken by an eventfd.
///
///   tick: absolute interval (clock_nanosleep).  spin: owns a core, polls one line per lane, judges all on change.
///
/// The lease is renewed only after a complete cycle, from the time at which that cycle began, and only if control's
/// beat is fresh. A monitor that finds itself late by more than the lease closes every lane and renews never again.
#pragma once
#include <functional>

#include "watchdog/board.hpp"

namespace portcullis {

class Witness;

/// Closes one lane's gate word for good in its generation; true when it was not halted before.
bool close_lane(GateLane& lane) noexcept;

class Monitor {
 public:
  /// wake_fd: an eventfd (non-blocking) that wakes control. Session readings come through read_sessions.
  using ReadSessions = std::function<void(Facts&)>;
  Monitor(const Config& config, Board& board, int wake_fd, ReadSessions read_sessions);

  /// One complete cycle beginning at now_ns. False once the supervisor found itself late: nothing is done any more.
  bool step(std::uint64_t now_ns) noexcept;
  /// Spin mode's quick look: closes lanes that their hook shut. True when something changed, so that a full cycle is due.
  [[nodiscard]] bool glance() noexcept;
  /// Runs until stop is set or the supervisor is late.
  void run(const std::atomic<bool>& stop) noexcept;

  [[nodiscard]] const Evaluator& evaluator() const noexcept { return evaluator_; }

 private:
  void take_attachment() noexcept;
  void gather(std::uint64_t now_ns) noexcept;
  void publish_streams() noexcept;
  void trip(const Breach& breach) noexcept;
  void renew(std::uint64_t began_ns) noexcept;
  void close_all() noexcept;
  void wake() const noexcept;

  const Config& config_;
  Board& board_;
  int wake_fd_;
  ReadSessions read_sessions_;
  Evaluator evaluator_;
  Facts facts_;
  const Attachment* attachment_ = nullptr;
  std::uint64_t armed_generation_ = 0;
  std::uint64_t last_began_ns_ = 0;
  std::uint64_t last_renewed_ns_ = 0;
  std::array<std::uint64_t, kLanesMax> glanced_{};
  std::bitset<kLimitKinds> told_;  ///< kinds that control was told of since the last arming
};

}  // namespace portcullis
