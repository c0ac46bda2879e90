// SPDX-License-Identifier: Apache-2.0
/// @file What monitor and control tell each other: words with one writer each, and a ring of breaches. Neither ever
/// waits for the other here. Control writes the upper part, the monitor the lower.
#pragma once
#include <array>

#include "watchdog/evaluate.hpp"

namespace portcullis {

inline constexpr std::uint32_t kBreachRing = 64;  ///< breaches not yet taken by control; a full one drops the newest,
                                                  ///< whose lane is closed all the same

/// The memories as the monitor sees them; changed only by Monitor::exchange.
struct Attachment {
  GateView gate;
  LedgerView ledger;
};

struct Board {
  // written by control
  Word control_beat_ns{0};
  Word armed_generation{0};      ///< 0: not armed
  Word armed_ns{0};
  Word engine_dead{0};
  std::array<Word, kLanesMax / 64> owner_dead{};
  Word census_ns{0};
  Word census{0};                ///< unregistered sockets | 1 << 32 where the census failed
  Word attachment_sequence{0};   ///< grows with every change of `attachment`
  const Attachment* attachment = nullptr;  ///< published by attachment_sequence
  Word breach_taken{0};

  // written by the monitor
  Word attachment_seen{0};
  Word cycle{0};                 ///< complete cycles
  Word cycle_ns{0};              ///< end of the last one
  Word late_cycles{0};
  Word worst_late_ns{0};
  Word all_evaluated{0};         ///< cycle number + 1 of the last cycle that judged every limit for this attachment
  Word standing_row{kNoRow};     ///< a limit that is broken now
  Word lease_lost{0};            ///< lanes (count) that saw the lease run out
  Word breach_count{0};
  Word supervisor_late{0};       ///< ns; not 0: it may only close and exit
  std::array<Breach, kBreachRing> breaches{};
};

}  // namespace portcullis
