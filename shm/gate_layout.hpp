// SPDX-License-Identifier: Apache-2.0
/// @file The gate: the memory that only the supervisor writes and the engine can only read (sealed FUTURE_WRITE).
///
///   0        GateHeader      4,096  identity, capacities; lease on its own line; version stored last
///   4,096    EngineLimits      192  limits of the whole engine
///   ...      GateLane[lanes]   384  gate word and command on one line, then the lane's limits
///   ...      GateInstrument[instruments] 64
///   ...      GatePair[pairs]    32  listed lane-instrument pairs, sorted by lane, then instrument
///   ...      GateSession[sessions] 128
///   ...      Evaluation[(lanes + 1) * kLimitKinds] 16   the supervisor's own counters, engine scope first
///
/// Every array starts on a cache line. Rejected: one memory with two writers (a wild store could open the gate).
#pragma once
#include <cstddef>

#include "shm/arithmetic.hpp"
#include "shm/capacities.hpp"
#include "shm/limit_kind.hpp"
#include "shm/words.hpp"

namespace portcullis {

inline constexpr std::uint64_t kGateMagic = 0x454C41474354524FULL;  // bytes on disk: "ORTCGALE"
inline constexpr std::uint32_t kLayoutVersion = 2;
inline constexpr std::uint32_t kNameBytes = 32;  ///< engine, lane, session names, NUL included

/// What the gate word of a lane says. Any other value reads as closed.
enum class GateState : std::uint8_t {
  closed = 0,       ///< locked: never armed, or disarmed
  open = 1,         ///< armed
  reduce_only = 2,  ///< only orders that truly reduce
  paused = 3,       ///< the same, and working orders are to be cancelled
  halted = 4,       ///< tripped: nothing but cancels
};

/// Gate word: arming generation (56 bits) above the state (8 bits).
[[nodiscard]] constexpr std::uint64_t gate_word(std::uint64_t generation, GateState state) noexcept {
  return generation << 8U | static_cast<std::uint64_t>(state);
}
[[nodiscard]] constexpr std::uint64_t gate_generation(std::uint64_t word) noexcept { return word >> 8U; }
[[nodiscard]] constexpr std::uint8_t gate_state(std::uint64_t word) noexcept { return word & 0xFFU; }

struct GateHeader {
  std::uint64_t magic;
  std::atomic<std::uint32_t> version;  ///< stored last; 0 until the memory is complete
  std::uint32_t shared_totals;         ///< 0: one lane, its own words are the engine's totals; 1: several lanes
  std::uint64_t fingerprint;           ///< layout_fingerprint() of the writer
  std::uint64_t incarnation[2];        ///< random; the same in the ledger that belongs to it
  Capacities capacities;
  char engine[kNameBytes];
  std::uint8_t configuration_hash[32];
  std::uint8_t reserved0[4096 - 136 - 128];
  // its own cache line: written at most once a millisecond, read by every submit
  Word lease_deadline_ns;  ///< 0: no lease
  Word lease_ns;
  Word cycle;              ///< complete cycles of the monitor
  std::uint8_t reserved1[40];
  // its own cache line: control's
  Word wake_sequence;      ///< grows with every command, so that a poll can see that something changed
  std::uint8_t reserved2[56];
};
static_assert(sizeof(GateHeader) == 4096 && offsetof(GateHeader, lease_deadline_ns) == 3968);
static_assert(offsetof(GateHeader, reserved0) == 136);

struct EngineLimits {
  RateWindow order_rate[kRateWindowsMax];  ///< max 0 and window 0: unused entry
  std::int64_t gross_notional_e4;
  std::int64_t open_orders;
  std::uint32_t order_rates;               ///< used entries
  std::uint32_t reserved0;
  std::int64_t backlog_bytes;              ///< the smallest GateSession::backlog_bytes: below it none is looked at
  std::uint8_t reserved1[32];
};
static_assert(sizeof(EngineLimits) == 192);

struct GateLane {
  Word word;            ///< gate_word()
  Word cancel_request;  ///< 0: none; else the sequence of a request to cancel every open order
  Word cancel_pace_ns;  ///< nanoseconds between two cancels that the engine hands out
  std::uint8_t reserved0[40];
  char name[kNameBytes];
  std::uint32_t pair_begin, pair_count;
  std::uint32_t order_rates;
  std::uint32_t parent_required;  ///< 1: an order without a parent is refused
  RateWindow order_rate[kRateWindowsMax];
  RateWindow refusals;            ///< max refusals allowed in the window; one more shuts the lane
  std::int64_t order_qty;
  std::int64_t order_notional_e4;
  std::int64_t collar_bps;
  std::int64_t gross_notional_e4;
  std::int64_t open_orders;
  std::int64_t children;
  std::int64_t child_qty_bps;
  std::uint64_t shut_kinds;       ///< bit of each LimitKind whose refusal shuts the lane in the same call
  std::uint8_t reserved1[64];
};
static_assert(sizeof(GateLane) == 384 && offsetof(GateLane, name) == 64);

struct GateInstrument {
  char symbol[24];
  std::uint64_t value_num, value_den;  ///< see notional_e4()
  std::int64_t reference_px_e8;        ///< 0: none
  std::int64_t tick_e8;
  std::uint32_t allow_negative;
  std::uint32_t reserved;
};
static_assert(sizeof(GateInstrument) == 64);

struct GatePair {
  std::uint32_t lane, instrument;
  std::int64_t position;  ///< limit of worst_case_position()
  std::uint8_t reserved[16];
};
static_assert(sizeof(GatePair) == 32);

struct GateSession {
  char name[kNameBytes];
  Word accepted_bytes;  ///< what the witness saw last of the connection `accepted_epoch`; 0 until then
  std::uint32_t transport, mass_cancel;
  std::uint32_t cancel_rate_per_s, reserved0;
  Word accepted_epoch;  ///< read before accepted_bytes, stored after a 0 there: never an older connection's bytes
  // a line that never changes: read by every submit, while the one above moves with the stream
  std::int64_t backlog_bytes;  ///< declared minus accepted above which orders are refused
  std::uint8_t reserved1[56];
};
static_assert(sizeof(GateSession) == 128 && offsetof(GateSession, backlog_bytes) == 64);

/// How often the supervisor evaluated one limit, and when last.
struct Evaluation {
  Word count;
  Word last_ns;
};

/// Byte offsets of the arrays, computed alike on both sides.
struct GateOffsets {
  std::uint64_t limits, lanes, instruments, pairs, sessions, evaluations, total;
};

[[nodiscard]] constexpr std::uint64_t align_up(std::uint64_t bytes, std::uint64_t to) noexcept {
  return (bytes + to - 1) / to * to;
}
inline constexpr std::uint64_t kPageBytes = 4096;

[[nodiscard]] constexpr GateOffsets gate_offsets(const Capacities& c) noexcept {
  GateOffsets o{};
  o.limits = sizeof(GateHeader);
  o.lanes = o.limits + sizeof(EngineLimits);
  o.instruments = o.lanes + sizeof(GateLane) * c.lanes;
  o.pairs = o.instruments + sizeof(GateInstrument) * c.instruments;
  o.sessions = align_up(o.pairs + sizeof(GatePair) * c.pairs, kCacheLineBytes);
  o.evaluations = o.sessions + sizeof(GateSession) * c.sessions;
  o.total = align_up(o.evaluations + sizeof(Evaluation) * kLimitKinds * (c.lanes + 1), kPageBytes);
  return o;
}
[[nodiscard]] constexpr std::uint64_t gate_bytes(const Capacities& c) noexcept { return gate_offsets(c).total; }

/// Typed view of a mapped gate; `Base` is `std::byte` (supervisor) or `const std::byte` (engine).
template <typename Byte>
struct GateViewOf {
  template <typename T>
  using Maybe = std::conditional_t<std::is_const_v<Byte>, const T, T>;
  Byte* base = nullptr;
  GateOffsets at{};

  template <typename T>
  [[nodiscard]] Maybe<T>* array(std::uint64_t offset) const noexcept {
    return reinterpret_cast<Maybe<T>*>(base + offset);
  }
  [[nodiscard]] Maybe<GateHeader>& header() const noexcept { return *array<GateHeader>(0); }
  [[nodiscard]] Maybe<EngineLimits>& limits() const noexcept { return *array<EngineLimits>(at.limits); }
  [[nodiscard]] Maybe<GateLane>& lane(std::uint32_t i) const noexcept { return array<GateLane>(at.lanes)[i]; }
  [[nodiscard]] Maybe<GateInstrument>& instrument(std::uint32_t i) const noexcept {
    return array<GateInstrument>(at.instruments)[i];
  }
  [[nodiscard]] Maybe<GatePair>& pair(std::uint32_t i) const noexcept { return array<GatePair>(at.pairs)[i]; }
  [[nodiscard]] Maybe<GateSession>& session(std::uint32_t i) const noexcept {
    return array<GateSession>(at.sessions)[i];
  }
  /// scope 0 is the engine, scope 1 + n is lane n.
  [[nodiscard]] Maybe<Evaluation>& evaluation(std::uint32_t scope, LimitKind kind) const noexcept {
    return array<Evaluation>(at.evaluations)[scope * kLimitKinds + static_cast<std::size_t>(kind)];
  }
};
using GateView = GateViewOf<std::byte>;
using ConstGateView = GateViewOf<const std::byte>;

}  // namespace portcullis
