// SPDX-License-Identifier: Apache-2.0
/// @file What a halt did, as plain values: filled by halt.cpp while the ladder runs, shown by status, kept until the
/// next arming. Times are nanoseconds since the breach; 0 means "did not happen".
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "watchdog/cause.hpp"
#include "watchdog/evaluate.hpp"

namespace portcullis {

enum class Rung : std::uint8_t { close, ask, take_over, sever, fence };
inline constexpr std::size_t kRungs = 5;
[[nodiscard]] constexpr const char* rung_name(Rung rung) noexcept {
  switch (rung) {
    case Rung::close: return "close";
    case Rung::ask: return "ask";
    case Rung::take_over: return "take_over";
    case Rung::sever: return "sever";
    case Rung::fence: return "fence";
  }
  return "?";
}

enum class RungResult : std::uint8_t { not_run, running, done, failed, skipped, missing };
[[nodiscard]] constexpr const char* rung_result_name(RungResult result) noexcept {
  switch (result) {
    case RungResult::not_run: return "not_run";
    case RungResult::running: return "running";
    case RungResult::done: return "done";
    case RungResult::failed: return "failed";
    case RungResult::skipped: return "skipped";
    case RungResult::missing: return "missing";
  }
  return "?";
}

struct RungTime {
  RungResult result = RungResult::not_run;
  std::uint64_t started_ns = 0;
  std::uint64_t ended_ns = 0;
};

/// What became of an order that was open when the gate closed.
enum class Fate : std::uint8_t {
  open = 0,          ///< not settled yet
  acknowledged,      ///< the venue confirmed a terminal state
  never_left,        ///< its bytes stayed here, by the witness
  refused_by_venue,  ///< the venue answered a cancel with no
  unknown,           ///< nobody confirmed anything
};
inline constexpr std::size_t kFates = 5;
[[nodiscard]] constexpr const char* fate_text(Fate fate) noexcept {
  switch (fate) {
    case Fate::open: return "open";
    case Fate::acknowledged: return "acknowledged";
    case Fate::never_left: return "never_left";
    case Fate::refused_by_venue: return "refused_by_venue";
    case Fate::unknown: return "unknown";
  }
  return "?";
}

struct HaltOrder {
  Id cl_ord_id;
  std::uint64_t generation = 0;
  std::uint32_t slot = 0;
  std::uint32_t lane = 0;
  std::uint32_t instrument = 0;
  std::uint32_t session = 0;
  std::uint32_t epoch = 0;  ///< 0: its bytes were never declared
  std::uint8_t side = 0;
  Fate fate = Fate::open;
  std::int64_t order_qty = 0;
  std::int64_t cum_qty = 0;
  std::int64_t booked_cum_qty = 0;  ///< as the engine's ledger has it; cum_qty is above it where a take-over saw fills
  std::int64_t px_e8 = 0;
  std::uint64_t msg_end_byte = 0;
};

/// What a lane held in one instrument when the halt ended, as the ledger had it.
struct HaltPosition {
  std::uint32_t lane = 0;
  std::uint32_t instrument = 0;
  bool known = false;  ///< false: the ledger's words contradicted each other
  std::int64_t position = 0;
  std::int64_t working_buy = 0, working_sell = 0;
};

struct HaltSession {
  bool watched = false;              ///< transport kernel, registered when the gate closed
  bool severed = false;              ///< reset and verified
  std::uint64_t epoch = 0;
  std::uint64_t closed_offset = 0;   ///< declared bytes when the gate closed: no new order starts at or after it
  std::uint64_t final_accepted = 0;  ///< last reading before the reset, or with every thread stopped
  bool final_known = false;          ///< final_accepted cannot grow any more
  bool taken_over = false;           ///< the supervisor spoke on it
  bool inbound_whole = false;        ///< every message of the venue was seen: the fills are complete
  const char* take_over_end = "";    ///< how the take-over ended, or why it could not begin; a literal
  std::uint64_t next_out_seq_num = 0;  ///< 34 of the next message in each direction, for whoever logs on next; 0: not
  std::uint64_t next_in_seq_num = 0;   ///< known to us, the engine's own store holds
};

struct HaltReport {
  bool active = false;               ///< the ladder runs
  bool finished = false;
  bool planned = false;              ///< disarm: no latch, rungs close and ask only
  Cause cause = Cause::none;
  Breach first;                      ///< the first breach where a limit stands behind the cause
  bool engine_wide = true;
  std::uint16_t lane = kEngineScope;
  std::uint32_t actor_uid = 0xFFFF'FFFF;
  std::uint64_t breach_ns = 0;       ///< CLOCK_MONOTONIC of the breach; the zero of all times below
  std::uint64_t wall_ns = 0;
  std::uint64_t closed_ns = 0, contained_ns = 0, halted_ns = 0, last_ack_ns = 0;
  std::array<RungTime, kRungs> rungs{};
  std::uint32_t asked = 0;           ///< open orders when the engine was asked
  std::uint32_t open_at_close = 0;   ///< orders whose fate is accounted for
  std::array<std::uint32_t, kFates> fates{};
  std::array<HaltSession, kSessionsMax> sessions{};
  bool fenced = false;               ///< the engine was killed and is verified gone
  bool engine_died = false;          ///< it was dead before the fence
  bool queue_may_have_drained = false;
  bool retrying = false;             ///< only refused cancels are left, and they are asked for again
  std::uint64_t retry_until_ns = 0;  ///< at most until then
  bool undeclared_seen = false;      ///< bytes or sockets that nobody declared: orders may exist that no list names
  std::vector<HaltOrder> orders;     ///< capacity reserved at start: capacities.open_orders
  bool positions_known = false;      ///< an engine was attached at the end: `positions` is complete
  std::vector<HaltPosition> positions;  ///< what is not flat, at the end; capacity reserved at start: capacities.pairs

  [[nodiscard]] std::uint32_t count(Fate fate) const noexcept { return fates[static_cast<std::size_t>(fate)]; }
  /// Some fill may be missing: a session was taken over of which not every message was seen.
  [[nodiscard]] bool positions_unconfirmed() const noexcept {
    for (const HaltSession& session : sessions)
      if (session.taken_over && !session.inbound_whole) return true;
    return false;
  }
  /// Promise 3: contained, and every order acknowledged or never left.
  [[nodiscard]] bool proven() const noexcept {
    return finished && contained_ns != 0 && !undeclared_seen && count(Fate::open) == 0 && count(Fate::refused_by_venue) == 0 &&
           count(Fate::unknown) == 0;
  }
};

}  // namespace portcullis
