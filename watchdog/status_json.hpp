// SPDX-License-Identifier: Apache-2.0
/// @file The answers that people read, as JSON packets: status and the outcome of a halt. Pure: everything
/// comes in through the view, and the ledger is read with the bounded readers, every byte of it hostile. A
/// value that cannot be said is null, never 0. Long lists (limits, positions, orders) go ahead in parts
/// {"v":1,"part":"halt.orders","rows":[]} of at most 60,000 bytes each; the last packet has "done".
#pragma once
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "watchdog/board.hpp"
#include "watchdog/halt_report.hpp"
#include "watchdog/latch.hpp"
#include "watchdog/witness_rule.hpp"

namespace portcullis {

/// A rung's standing here and now: "ready", or "missing: ..." with the reason.
using RungNotes = std::array<std::string, kRungs>;

/// One session as control and witness know it; index as in Config::sessions.
struct SessionView {
  bool registered = false;  ///< a connection is handed over now
  bool ended = false;       ///< there was one, it ended
  bool sampled = false;     ///< `sample` could be read (Witness::sample)
  WitnessSample sample;
  RungNotes rungs{};
  std::uint64_t next_out_seq_num = 0;  ///< what the engine's store has to go on with after a take-over; 0: nothing
  std::uint64_t next_in_seq_num = 0;
};

struct StatusView {
  const Config& config;
  const Board& board;
  const Evaluator& evaluator;
  const Attachment* attachment = nullptr;  ///< nullptr: no engine
  const HaltReport* halt = nullptr;        ///< nullptr: none since the last arming
  const LatchView* latch = nullptr;        ///< nullptr: not known, shown as latched and unreadable
  std::string_view state{};                  ///< state_name()
  std::string_view locked_reason{};          ///< "" where the state is not locked
  std::array<std::string_view, kLanesMax> lane_states{};  ///< "": as its gate word says
  std::uint64_t state_since_ns = 0;
  std::uint64_t now_ns = 0;
  std::int64_t engine_pid = 0;
  bool separated = false;
  std::string separation_note{};
  std::string arm_refusal{};  ///< why arming would be refused now; "": it would not
  RungNotes rungs{};
  std::array<SessionView, kSessionsMax> sessions{};
  std::vector<std::string> warnings{};
  std::vector<std::pair<std::string, std::uint64_t>> counters{};  ///< added to the board's own
};

/// The packets of a status answer, in the order in which they are to be sent; the last is done, ok, exit 0.
[[nodiscard]] std::vector<std::string> render_status(const StatusView& view);

/// The packets of the answer to `halt` or `disarm`: exit 0 where proven, else 3. `attachment` gives positions
/// and sequence numbers; nullptr: they are not known.
[[nodiscard]] std::vector<std::string> render_halt(const HaltReport& halt, const Config& config,
                                                   const Attachment* attachment);

/// The latch as the answer to `status` has it; nullptr: not known, shown as latched and unreadable.
[[nodiscard]] nlohmann::json latch_json(const LatchView* view);

/// "engine", "lane:NAME" or "session:NAME".
[[nodiscard]] std::string scope_name(const Config& config, std::uint16_t lane, std::uint16_t session);
/// The unit of a limit's numbers: "orders", "quantity", "money_e4", "bps", "ns", "bytes", ...
[[nodiscard]] const char* limit_unit(LimitKind kind) noexcept;

}  // namespace portcullis
