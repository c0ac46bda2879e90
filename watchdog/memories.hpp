// SPDX-License-Identifier: Apache-2.0
/// @file The pair of memories of one attachment, made from the configuration: a fresh gate (every lane closed, no
/// lease, the whole limit table) and a fresh ledger. Made before the engine gets an answer, backed and touched, so that
/// nothing is allocated while it trades. Written here: everything in the gate that never changes while attached.
#pragma once
#include "shm/ledger_layout.hpp"
#include "shm/sealed_memory.hpp"
#include "watchdog/config.hpp"

namespace portcullis {

struct Memories {
  UniqueFd gate_fd;
  UniqueFd ledger_fd;
  SharedMapping gate_mapping;
  SharedMapping ledger_mapping;
  GateView gate;
  LedgerView ledger;
};

/// Fills the static part of a zeroed gate from the configuration; `version` last. The generation of every gate word
/// is 0 and its state `closed`.
void write_gate(const Config& config, const std::uint64_t (&incarnation)[2], const GateView& gate) noexcept;
/// Fills the header of a zeroed ledger; `version` last.
void write_ledger_header(const Config& config, const std::uint64_t (&incarnation)[2], std::uint64_t engine_pid,
                         const LedgerView& ledger) noexcept;
/// Makes, seals, fills and touches both. `out` is untouched on failure.
[[nodiscard]] MemoryError create_memories(const Config& config, std::uint64_t engine_pid, Memories& out) noexcept;

}  // namespace portcullis
