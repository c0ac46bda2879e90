// SPDX-License-Identifier: Apache-2.0
#include "watchdog/cli/blind_fence.hpp"

#include <algorithm>
#include <array>

namespace portcullis::cli {
namespace {

static_assert(kMaxRecordSessions <= kResetsMax);

ProcessFate fate_of(FenceError error, ProcessFate when_ok) noexcept {
  switch (error) {
    case FenceError::ok: return when_ok;
    case FenceError::gone: return ProcessFate::already_gone;
    case FenceError::reused_pid: return ProcessFate::pid_reused;
    case FenceError::no_permission: return ProcessFate::no_permission;
    case FenceError::timed_out: return ProcessFate::still_there;
    case FenceError::unsupported:
    case FenceError::failed: return ProcessFate::failed;
  }
  return ProcessFate::failed;
}

bool is_gone(ProcessFate fate) noexcept {
  return fate == ProcessFate::killed || fate == ProcessFate::already_gone || fate == ProcessFate::pid_reused;
}

/// One process of the record, opened by pid and start time.
struct Target {
  ProcessHandle process;
  FenceError opened = FenceError::gone;
};

Target open_target(const ProcessId& id) {
  Target target;
  target.opened = open_process(id.pid, id.start_ticks, target.process);
  if (target.opened == FenceError::ok && portcullis::is_gone(target.process))
    target.opened = FenceError::gone;
  return target;
}

ProcessFate kill_target(const Target& target, std::uint64_t timeout_ns) {
  if (target.opened != FenceError::ok) return fate_of(target.opened, ProcessFate::failed);
  return fate_of(kill_verified(target.process, timeout_ns), ProcessFate::killed);
}

/// Resets what is not reset yet through this process's descriptors.
void reset_through(const Target& target, bool is_supervisor, std::uint64_t timeout_ns,
                   std::vector<SessionFate>& sessions) {
  if (target.opened != FenceError::ok) return;
  std::array<std::uint64_t, kMaxRecordSessions> inodes{};
  std::array<ResetOutcome, kMaxRecordSessions> outcomes{};
  std::array<std::size_t, kMaxRecordSessions> which{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < sessions.size() && count < kMaxRecordSessions; ++i) {
    if (sessions[i].outcome == ResetOutcome::reset) continue;
    which[count] = i;
    inodes[count++] = sessions[i].session.inode;
  }
  if (count == 0) return;
  outcomes.fill(ResetOutcome::not_reset);
  // each outcome says by itself what was verified; the summary adds nothing
  const FenceError summary = reset_sockets(target.process, inodes.data(), count, outcomes.data(), timeout_ns);
  static_cast<void>(summary);
  for (std::size_t i = 0; i < count; ++i) {
    SessionFate& fate = sessions[which[i]];
    const ResetOutcome outcome = outcomes[i];
    // by the supervisor only a success says more than what the engine's side said
    if (is_supervisor && outcome != ResetOutcome::reset) continue;
    fate.outcome = outcome;
    fate.through_supervisor = is_supervisor;
  }
}

/// The steps behind the record. Returns early, with the rest not touched, once the supervisor answered.
void run_steps(const RunRecord& record, const std::function<bool()>& answered, const BlindFenceTimes& times,
               BlindFenceReport& report) {
  const auto gave_way = [&] { return report.supervisor_answered = answered(); };
  const Target engine = open_target(record.engine);
  const Target supervisor = open_target(record.supervisor);
  if (gave_way()) {
    report.sessions.clear();
    return;
  }
  reset_through(engine, false, times.reset_ns, report.sessions);
  reset_through(supervisor, true, times.reset_ns, report.sessions);
  if (gave_way()) return;
  report.engine = kill_target(engine, times.kill_ns);
  const bool some_hung =
      std::any_of(report.sessions.begin(), report.sessions.end(),
                  [](const SessionFate& fate) { return fate.outcome == ResetOutcome::hung; });
  if (some_hung && is_gone(report.engine)) reset_through(supervisor, true, times.reset_ns, report.sessions);
  if (gave_way()) return;
  // a supervisor is only ended once nothing is left that it could still keep closed
  if (is_gone(report.engine)) report.supervisor = kill_target(supervisor, times.kill_ns);
}

}  // namespace

BlindFenceReport blind_fence(const std::string& run_dir, const std::string& engine,
                             const std::function<bool()>& answered, const BlindFenceTimes& times) {
  BlindFenceReport report;
  RunRecord record;
  report.record = read_fence_record(run_dir, engine, record);
  if (report.record != RecordError::ok) return report;
  report.engine_id = record.engine;
  report.supervisor_id = record.supervisor;
  report.contact = record.contact;
  report.sessions_unreadable = record.sessions_unreadable;
  for (const RecordedSession& session : record.sessions)
    report.sessions.push_back({session, ResetOutcome::not_found, false});
  run_steps(record, answered, times, report);
  return report;
}

bool queue_may_have_drained(const BlindFenceReport& report) noexcept {
  return report.sessions_unreadable ||
         std::any_of(report.sessions.begin(), report.sessions.end(),
                     [](const SessionFate& fate) { return fate.outcome != ResetOutcome::reset; });
}

ExitCode judge_fence(const BlindFenceReport& report) noexcept {
  switch (report.record) {
    case RecordError::ok: break;
    case RecordError::missing: return ExitCode::not_running;
    case RecordError::no_permission: return ExitCode::permission;
    case RecordError::unsafe:
    case RecordError::malformed: return ExitCode::internal;
  }
  if (report.engine == ProcessFate::no_permission) return ExitCode::permission;
  return is_gone(report.engine) ? ExitCode::fenced_blind : ExitCode::internal;
}

}  // namespace portcullis::cli
