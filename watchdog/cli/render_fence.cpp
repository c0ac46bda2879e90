// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "watchdog/cli/blind_fence.hpp"

namespace portcullis::cli {
namespace {

constexpr const char* kIndent = "     ";

std::string process_line(const char* what, const ProcessId& id, ProcessFate fate) {
  return fmt::format("{}{} pid {}  {}\n", kIndent, what, id.pid, process_fate_text(fate));
}

std::string session_line(const SessionFate& fate) {
  const char* outcome = reset_outcome_name(fate.outcome);
  return fmt::format("{}SESSION {} to {}  {}{}\n", kIndent, fate.session.name,
                     fate.session.remote.empty() ? "?" : fate.session.remote, outcome,
                     fate.through_supervisor ? " through the supervisor's duplicate" : "");
}

const char* headline(const BlindFenceReport& report) noexcept {
  switch (judge_fence(report)) {
    case ExitCode::fenced_blind:
      return report.engine == ProcessFate::killed ? "FENCED BLIND" : "THE ENGINE WAS ALREADY GONE";
    case ExitCode::permission: return "NOT FENCED: permission refused; repeat as root";
    case ExitCode::not_running: return "NOT FENCED";
    case ExitCode::ok:
    case ExitCode::internal:
    case ExitCode::usage:
    case ExitCode::not_proven:
    case ExitCode::refused:
    case ExitCode::bad_config:
    case ExitCode::audit_failed: return "NOT FENCED: THE ENGINE MAY STILL TRADE";
  }
  return "?";
}

/// The sentence about what nobody knows now.
std::string unknown_lines(const BlindFenceReport& report) {
  std::string text;
  if (queue_may_have_drained(report))
    text += fmt::format("{}QUEUE MAY HAVE DRAINED: not every session was seen reset\n", kIndent);
  text += fmt::format("{}NOT KNOWN: open orders, fills and positions; nothing was cancelled by message.\n",
                      kIndent);
  text += fmt::format("{}NOT KNOWN: processes started after the record was written.\n", kIndent);
  std::string contact;
  for (const std::string& line : report.contact) contact += (contact.empty() ? "" : "; ") + line;
  text += fmt::format("{}Confirm with the venue. Portcullis does not flatten.{}\n", kIndent,
                      contact.empty() ? "" : "    contact: " + contact);
  return text;
}

const char* fate_name(ProcessFate fate) noexcept {
  switch (fate) {
    case ProcessFate::not_touched: return "not_touched";
    case ProcessFate::killed: return "killed";
    case ProcessFate::already_gone: return "already_gone";
    case ProcessFate::pid_reused: return "pid_reused";
    case ProcessFate::no_permission: return "no_permission";
    case ProcessFate::still_there: return "still_there";
    case ProcessFate::failed: return "failed";
  }
  return "?";
}

}  // namespace

const char* process_fate_text(ProcessFate fate) noexcept {
  switch (fate) {
    case ProcessFate::not_touched: return "not touched";
    case ProcessFate::killed: return "killed, verified gone";
    case ProcessFate::already_gone: return "was already gone";
    case ProcessFate::pid_reused: return "was already gone; the pid is another process now, not touched";
    case ProcessFate::no_permission: return "NOT KILLED: no permission";
    case ProcessFate::still_there: return "KILLED, BUT STILL THERE";
    case ProcessFate::failed: return "NOT KILLED: the kernel refused";
  }
  return "?";
}

std::string render_fence(const std::string& engine, const std::string& why, const BlindFenceReport& report) {
  if (report.record != RecordError::ok)
    return fmt::format("{}  {}  {}: {}\n", engine, why, headline(report), record_error_text(report.record));
  if (report.supervisor_answered && report.engine == ProcessFate::not_touched && report.sessions.empty())
    return fmt::format("{}  {}  the supervisor answered in the meantime\n", engine, why);
  std::string text = fmt::format(
      "{}  {}  {}\n", engine, why,
      report.supervisor_answered ? "the supervisor answered while it was being fenced" : headline(report));
  for (const SessionFate& fate : report.sessions) text += session_line(fate);
  text += process_line("ENGINE", report.engine_id, report.engine);
  text += process_line("SUPERVISOR", report.supervisor_id, report.supervisor);
  return report.supervisor_answered ? text : text + unknown_lines(report);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

Json fence_json(const BlindFenceReport& report) {
  if (report.record != RecordError::ok) return {{"record", record_error_text(report.record)}};
  Json sessions = Json::array();
  for (const SessionFate& fate : report.sessions)
    sessions.push_back({{"name", fate.session.name},
                        {"remote", fate.session.remote},
                        {"result", reset_outcome_name(fate.outcome)},
                        {"through_supervisor", fate.through_supervisor}});
  return {{"engine", {{"pid", report.engine_id.pid}, {"result", fate_name(report.engine)}}},
          {"supervisor", {{"pid", report.supervisor_id.pid}, {"result", fate_name(report.supervisor)}}},
          {"sessions", std::move(sessions)},
          {"queue_may_have_drained", queue_may_have_drained(report)},
          {"supervisor_answered", report.supervisor_answered},
          {"contact", report.contact}};
}

}  // namespace portcullis::cli
