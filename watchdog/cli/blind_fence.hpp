// SPDX-License-Identifier: Apache-2.0
/// @file Halting an engine whose supervisor does not answer, without that supervisor: reset the engine's
/// sessions, so that what is queued is purged and the venue's cancel-on-disconnect applies; kill the engine,
/// verified; then the supervisor, if it still exists. In that order, because stopping is not purging: a kill
/// alone lets the queue drain. It acts on the run folder's record and touches a process only if pid *and*
/// start time are those recorded. Between the steps it asks whether the supervisor answered after all; from
/// then on the supervisor does the rest. What it cannot do: cancel orders, prove anything about them, reach
/// processes started since, nor (without root) the duplicates of a supervisor: with the engine already gone
/// its queue may have drained, and that is said.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "watchdog/cli/exit_code.hpp"
#include "watchdog/cli/run_folder.hpp"
#include "watchdog/fence.hpp"

namespace portcullis::cli {

/// What is known about one process afterwards.
enum class ProcessFate : std::uint8_t {
  not_touched = 0,  ///< the fence ended before
  killed,           ///< and verified gone
  already_gone,
  pid_reused,  ///< gone; its number belongs to another process, which was not touched
  no_permission,
  still_there,  ///< killed, but not gone at the deadline
  failed,       ///< the kernel refused for another reason
};
[[nodiscard]] const char* process_fate_text(ProcessFate fate) noexcept;

struct SessionFate {
  RecordedSession session;
  ResetOutcome outcome = ResetOutcome::not_found;
  bool through_supervisor = false;  ///< the reset reached it by the supervisor's duplicate
};

struct BlindFenceReport {
  RecordError record = RecordError::missing;
  ProcessId engine_id;
  ProcessId supervisor_id;
  ProcessFate engine = ProcessFate::not_touched;
  ProcessFate supervisor = ProcessFate::not_touched;
  std::vector<SessionFate> sessions;
  bool sessions_unreadable = false;  ///< the record has sessions that cannot be read
  std::vector<std::string> contact;
  bool supervisor_answered = false;  ///< it won: the fence stopped before its next step
};

struct BlindFenceTimes {
  std::uint64_t reset_ns = 300'000'000;   ///< all resets of one process together
  std::uint64_t kill_ns = 2'000'000'000;  ///< until a killed process must be gone
};

/// @param answered asked before each step: did the supervisor answer in the meantime? It must not wait.
[[nodiscard]] BlindFenceReport blind_fence(const std::string& run_dir, const std::string& engine,
                                           const std::function<bool()>& answered,
                                           const BlindFenceTimes& times = {});

/// True if queued bytes may have gone out: a session that nobody saw reset while it still could send.
[[nodiscard]] bool queue_may_have_drained(const BlindFenceReport& report) noexcept;

/// fenced_blind if the engine is gone; permission or internal if it is not, or nothing is known about it.
[[nodiscard]] ExitCode judge_fence(const BlindFenceReport& report) noexcept;

/// What was done and what is not known, line by line. @param why the reason for fencing, e.g. "does not
/// answer"
[[nodiscard]] std::string render_fence(const std::string& engine, const std::string& why,
                                       const BlindFenceReport& report);
[[nodiscard]] Json fence_json(const BlindFenceReport& report);
/// A text cut at its line ends.
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);

}  // namespace portcullis::cli
