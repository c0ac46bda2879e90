// SPDX-License-Identifier: Apache-2.0
/// @file The ladder's plan: one pure step `(state, view, now) -> actions`. It stops at the first rung after which the
/// scope is contained with nothing unknown; only silence leads to `sever`, a venue's answer never does.
///
///   close -> ask -> take over -> sever -> fence
///
/// ask is skipped when the engine is dead, stopped, or the cause is liveness; take over where no session can be spoken
/// on. Both take over and sever freeze the engine first, so that its part of each stream cannot grow; an engine that was
/// frozen is never thawed, so fence always follows (where the engine is dead already it only states that). While the
/// only orders left are ones that the venue refused to cancel, the session is kept and they are asked for again, by the
/// engine or by the take-over (then the engine is killed meanwhile), until retry_ns; an answer never leads further up.
/// sever ends what a take-over leaves: by then every answer is there, or only silence was.
/// The halt of one lane has close and ask; what is not proven in time becomes a halt of the engine. A planned stop ends
/// after ask, proven or not.
#pragma once
#include <cstdint>

#include "watchdog/halt_report.hpp"

namespace portcullis {

/// Bounds of each rung, from the configuration.
struct LadderTimes {
  std::uint64_t close_ns = 50'000'000;  ///< for every lane's flight to end; then the engine counts as hung
  std::uint64_t ask_ns = 500'000'000;   ///< without any answer; each answer begins it anew
  std::uint64_t ask_total_ns = 0;       ///< the longest asking altogether (orders at the cancel rate, plus ask_ns)
  std::uint64_t take_over_ns = 10'000'000'000;  ///< for the venue's answers
  std::uint64_t retry_ns = 600'000'000'000;     ///< on top of ask or take-over, while only refused cancels are left
  std::uint64_t sever_ns = 200'000'000;
  std::uint64_t fence_ns = 1'000'000'000;
  bool fence_always = false;
};

/// What is so at this moment.
struct LadderView {
  bool closed = false;
  bool contained = false;
  bool engine_dead = false;
  bool engine_stopped = false;  ///< every thread is stopped by somebody else
  bool liveness = false;        ///< the engine is not to be asked: dead, hung, lying, or going around the gate
  bool lane_scope = false;
  bool planned = false;
  std::uint32_t open = 0;       ///< not settled and not refused
  std::uint32_t unknown = 0;
  std::uint32_t refused = 0;    ///< by the venue, so far
  std::uint32_t settled = 0;    ///< grows with every answer
  bool can_take_over = false;   ///< there is a session that the supervisor can speak on
  bool taken_over = false;      ///< every take-over has ended, or could not begin
  bool severed = false;         ///< every session that can be reset is reset
  bool fenced = false;          ///< the engine is verified gone
};

enum class LadderAction : std::uint8_t { none, ask, widen, take_over, kill, sever, settle_and_fence, finish };

struct LadderState {
  Rung rung = Rung::close;
  bool running = false;
  std::uint64_t rung_began_ns = 0;
  std::uint64_t ask_began_ns = 0;
  std::uint32_t settled_seen = 0;
  bool killed = false;  ///< the engine was ended during the take-over
};

/// Nothing is left but orders that the venue refused to cancel, and they are still being asked for.
[[nodiscard]] constexpr bool ladder_retries(const LadderState& state, const LadderView& view) noexcept {
  return state.running && (state.rung == Rung::ask || state.rung == Rung::take_over) && view.open == 0 &&
         view.refused != 0 && !view.planned;
}
/// Begins at `close`.
[[nodiscard]] constexpr LadderState ladder_begin(std::uint64_t now_ns) noexcept {
  return {Rung::close, true, now_ns, 0, 0, false};
}
/// One step; at most one action, and a rung that was begun is begun once.
[[nodiscard]] LadderAction ladder_step(LadderState& state, const LadderView& view, const LadderTimes& times,
                                       std::uint64_t now_ns) noexcept;

}  // namespace portcullis
