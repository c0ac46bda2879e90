// SPDX-License-Identifier: Apache-2.0
/// @file Rung 3 as control sees it: which sessions can be spoken on, the orders that each is asked about, and what came
/// of it. Control's thread only; the speaking itself is the witness's (takeover_session.hpp). Nothing is allocated after
/// construction.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "watchdog/engine_link.hpp"

namespace portcullis {

class TakeoverRung {
 public:
  TakeoverRung(const Config& config, Witness& witness, TakeoverLog& log);

  /// "ready", or "missing: ..." with the reason.
  [[nodiscard]] std::string note(std::uint32_t slot, const EngineLink& link) const;
  /// True if some session can be spoken on. `sessions` is what the witness said last.
  [[nodiscard]] bool possible(const EngineLink& link, const SessionsNow& sessions) const noexcept;

  /// The engine is dead, or every thread of it is stopped: hands each session that can be spoken on to the witness.
  /// @param wall_ns for ClOrdIDs that no earlier take-over used
  void begin(const EngineLink& link, HaltBook& book, const SessionsNow& sessions, std::uint64_t wall_ns) noexcept;
  /// Takes what is known by now into the book.
  void step(HaltBook& book) noexcept;
  /// Every session that was begun has ended, or could not begin. True before begin() and after forget().
  [[nodiscard]] bool over() const noexcept;
  /// Nobody speaks any more (the sessions are reset): what has no answer is unknown.
  void give_up(HaltBook& book) noexcept;

 private:
  struct Slot {
    std::unique_ptr<TakeoverSession> session;
    std::vector<std::uint32_t> book_index;  ///< in HaltReport::orders, in the order of add()
    Ticket ticket = kNoTicket;
    bool begun = false;
    bool over = false;
    std::uint64_t changes_seen = UINT64_MAX;
  };

  [[nodiscard]] bool possible(std::uint32_t slot, const EngineLink& link, const SessionNow& now) const noexcept;
  void begin_one(std::uint32_t slot, const EngineLink& link, HaltBook& book, std::uint64_t wall_ns) noexcept;
  [[nodiscard]] TakeoverPlan plan(std::uint32_t slot, const EngineLink& link, std::uint64_t orders,
                                  std::uint64_t wall_ns) const noexcept;
  void learn(Slot& slot, HaltBook& book, HaltSession& session, const TakeoverStatus& status) noexcept;

  const Config& config_;
  Witness& witness_;
  std::array<Slot, kSessionsMax> slots_;
};

}  // namespace portcullis
