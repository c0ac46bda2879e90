// SPDX-License-Identifier: Apache-2.0
#include "watchdog/ladder.hpp"

namespace portcullis {
namespace {

LadderAction go(LadderState& state, Rung rung, LadderAction action, std::uint64_t now_ns) noexcept {
  state.rung = rung;
  state.rung_began_ns = now_ns;
  return action;
}

LadderAction finish(LadderState& state) noexcept {
  state.running = false;
  return LadderAction::finish;
}

/// The engine is not asked, or did not cancel in time.
LadderAction without_engine(LadderState& state, const LadderView& view, std::uint64_t now_ns) noexcept {
  if (view.can_take_over) return go(state, Rung::take_over, LadderAction::take_over, now_ns);
  return go(state, Rung::sever, LadderAction::sever, now_ns);
}

LadderAction while_taking_over(LadderState& state, const LadderView& view, const LadderTimes& times,
                               std::uint64_t now_ns) noexcept {
  const std::uint64_t spent_ns = now_ns - state.rung_began_ns;
  const bool retries = ladder_retries(state, view);
  const bool out_of_time = spent_ns >= times.take_over_ns + (retries ? times.retry_ns : 0);
  if (view.taken_over || out_of_time) return go(state, Rung::sever, LadderAction::sever, now_ns);
  if (!retries || state.killed) return LadderAction::none;
  state.killed = true;  // a SIGCONT must not find it while the venue makes us wait
  return LadderAction::kill;
}

/// The gate is closed, or will not close by itself: what comes after?
LadderAction after_close(LadderState& state, const LadderView& view, const LadderTimes& times,
                         std::uint64_t now_ns) noexcept {
  const bool cannot_ask = view.engine_dead || view.engine_stopped || view.liveness || !view.closed;
  if (view.closed && view.contained && view.open == 0 && view.unknown == 0 && !times.fence_always && !cannot_ask)
    return finish(state);
  if (!cannot_ask) {
    state.ask_began_ns = now_ns;
    state.settled_seen = view.settled;
    return go(state, Rung::ask, LadderAction::ask, now_ns);
  }
  if (view.planned && !view.engine_dead) return finish(state);
  if (view.lane_scope) return go(state, Rung::close, LadderAction::widen, now_ns);
  return without_engine(state, view, now_ns);
}

LadderAction while_asking(LadderState& state, const LadderView& view, const LadderTimes& times,
                          std::uint64_t now_ns) noexcept {
  const bool gone = view.engine_dead || view.engine_stopped || view.liveness;
  const bool retries = ladder_retries(state, view);
  if (retries && view.contained && !gone && now_ns - state.ask_began_ns < times.ask_total_ns + times.retry_ns)
    return LadderAction::none;
  if (view.open == 0 && view.contained && view.unknown == 0 && !view.liveness && !(retries && gone)) {
    if (!times.fence_always || view.planned || view.lane_scope) return finish(state);
    return go(state, Rung::sever, LadderAction::sever, now_ns);
  }
  if (view.settled != state.settled_seen) {  // the venue answers: silence begins anew
    state.settled_seen = view.settled;
    state.rung_began_ns = now_ns;
  }
  const bool silent = now_ns - state.rung_began_ns >= times.ask_ns;
  const bool too_long = now_ns - state.ask_began_ns >= times.ask_total_ns;
  if (!silent && !too_long && !gone) return LadderAction::none;
  if (view.planned) return finish(state);
  if (view.lane_scope) return go(state, Rung::close, LadderAction::widen, now_ns);
  return without_engine(state, view, now_ns);
}

}  // namespace

LadderAction ladder_step(LadderState& state, const LadderView& view, const LadderTimes& times,
                         std::uint64_t now_ns) noexcept {
  if (!state.running) return LadderAction::none;
  const std::uint64_t spent_ns = now_ns - state.rung_began_ns;
  switch (state.rung) {
    case Rung::close:
      if (!view.closed && !view.engine_stopped && spent_ns < times.close_ns) return LadderAction::none;
      return after_close(state, view, times, now_ns);
    case Rung::ask: return while_asking(state, view, times, now_ns);
    case Rung::take_over: return while_taking_over(state, view, times, now_ns);
    case Rung::sever:
      if (!view.severed && spent_ns < times.sever_ns) return LadderAction::none;
      return go(state, Rung::fence, LadderAction::settle_and_fence, now_ns);
    case Rung::fence:
      if (!view.fenced && spent_ns < times.fence_ns) return LadderAction::none;
      return finish(state);
  }
  return finish(state);
}

}  // namespace portcullis
