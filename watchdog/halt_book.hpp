// SPDX-License-Identifier: Apache-2.0
/// @file The book of one halt: which orders were open when the gate closed, how far each session's stream stood, and
/// what became of every order. Reads the hostile ledger, never writes it; allocates nothing after construction.
/// An order is *acknowledged* only by a terminal answer of the venue in the ledger, *never left* only by the kernel's
/// final count, *refused* by the venue's own no; everything else is *unknown* once nobody can answer any more.
#pragma once
#include <span>

#include "watchdog/halt_report.hpp"
#include "watchdog/witness_rule.hpp"

namespace portcullis {

/// What control knows of one session slot now.
struct SessionNow {
  bool registered = false;  ///< the engine has a connection in this slot
  bool witnessed = false;   ///< and its kernel count can be read
  WitnessSample sample;     ///< meaningful if witnessed
};
using SessionsNow = std::array<SessionNow, kSessionsMax>;

class HaltBook {
 public:
  explicit HaltBook(const Capacities& capacities);

  /// A new halt, or (widen) the same one grown from a lane to the engine: times and first cause stay.
  void begin(const HaltReport& head) noexcept;
  void widen() noexcept { report_.engine_wide = true; report_.lane = kEngineScope; }

  /// The gate is closed: notes the open orders of the scope and the declared offset of every session.
  void snapshot(const LedgerView& ledger, const SessionsNow& sessions, std::uint64_t now_ns) noexcept;
  /// Takes in what the ledger says by now. A slot that was used again or went wild keeps its last fate.
  void refresh(const LedgerView& ledger, std::uint64_t now_ns) noexcept;
  /// True when nothing is left in any queue: each session's peer has everything up to the noted offset, or, with the
  /// engine at rest for good (dead, or every thread stopped), up to what the kernel took; or the session was reset.
  /// A session that is registered and not witnessed is never contained.
  [[nodiscard]] bool contained(const SessionsNow& sessions, bool engine_at_rest) noexcept;
  /// Nobody can answer any more: what is open becomes never_left or unknown by the kernel's final counts.
  void settle(const SessionsNow& sessions, bool engine_at_rest) noexcept;

  /// What a take-over learnt of the order number `index` of the report. Fates only improve.
  void learn(std::size_t index, Fate fate, std::int64_t cum_qty, std::uint64_t now_ns) noexcept;
  /// The take-over of that session is over: whoever it spoke for without an answer is unknown, whatever the counts say.
  void give_up(std::size_t index) noexcept;

  [[nodiscard]] HaltReport& report() noexcept { return report_; }
  [[nodiscard]] const HaltReport& report() const noexcept { return report_; }
  /// The halt ends: keeps what every lane holds, for those who ask after the memories are gone.
  void note_positions(const GateView& gate, const LedgerView& ledger) noexcept;
  /// Answers so far, of any kind.
  [[nodiscard]] std::uint32_t settled() const noexcept;

 private:
  void set(HaltOrder& order, Fate fate) noexcept;
  void list_unsubmitted(const LedgerView& ledger) noexcept;
  [[nodiscard]] Fate fate_by_count(const HaltOrder& order, const SessionsNow& sessions,
                                   bool engine_at_rest) const noexcept;

  HaltReport report_;
};

}  // namespace portcullis
