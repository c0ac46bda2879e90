// SPDX-License-Identifier: Apache-2.0
// `portcullis audit verify`: walks the hash chain of audits, names the first record that does not hold. A
// tail that was cut at a line's end shows only against a head that was kept elsewhere: --head, as the journal
// has it.
#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include "watchdog/audit.hpp"
#include "watchdog/cli/commands.hpp"
#include "watchdog/cli/json_value.hpp"
#include "watchdog/cli/run_folder.hpp"

namespace portcullis::cli {
namespace {

constexpr std::string_view kEnding = ".audit.jsonl";
constexpr std::size_t kHashDigits = 64;

/// What --head said: a whole head, or only a hash.
struct Expected {
  std::optional<AuditHead> head;
  std::string hash_digits;
};

bool parse_expected(const std::string& text, Expected& expected) {
  AuditHead head;
  if (text.empty()) return true;
  if (text.find(':') != std::string::npos) {
    if (!parse_head(text, head)) return false;
    expected.head = head;
    return true;
  }
  if (!parse_head("1:" + text, head) || text.size() != kHashDigits) return false;
  expected.hash_digits = format_head(head).substr(2);
  return true;
}

std::vector<std::string> list_audits(const std::string& state_dir) {
  std::vector<std::string> paths;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(state_dir.c_str()), &closedir);
  while (folder != nullptr && paths.size() < kMaxEngines) {
    const dirent* entry = readdir(folder.get());
    if (entry == nullptr) break;
    if (std::string_view(entry->d_name).ends_with(kEnding)) paths.push_back(state_dir + "/" + entry->d_name);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// A name is an engine's; anything with a slash, or that exists, is a file.
std::vector<std::string> audit_paths(const std::string& state_dir, const std::string& what) {
  struct stat status {};
  if (what.empty()) return list_audits(state_dir);
  if (!is_name(what) || (stat(what.c_str(), &status) == 0 && S_ISREG(status.st_mode))) return {what};
  return {state_dir + "/" + what + std::string(kEnding)};
}

AuditVerdict verify(const std::string& path, const Expected& expected) {
  AuditVerdict verdict = audit_verify(path, expected.head ? &*expected.head : nullptr);
  if (verdict.fault != AuditFault::none || expected.hash_digits.empty()) return verdict;
  const std::string head = format_head(verdict.head);
  if (!head.ends_with(":" + expected.hash_digits)) verdict.fault = AuditFault::head_missing;
  return verdict;
}

std::string verdict_text(const std::string& path, const AuditVerdict& verdict, bool compared) {
  if (verdict.fault == AuditFault::none)
    return fmt::format(
        "{}  holds  {} records  head {}{}{}\n", printable(path), verdict.records, format_head(verdict.head),
        verdict.seals == 0 ? "" : fmt::format("  {} crashes while writing, sealed", verdict.seals),
        compared ? "" : "  (a tail that was cut shows only with --head)");
  if (verdict.fault == AuditFault::unreadable) return fmt::format("{}  CANNOT BE READ\n", printable(path));
  std::string text = fmt::format("{}  DOES NOT HOLD: {}  {} records hold", printable(path),
                                 audit_fault_name(verdict.fault), verdict.records);
  if (verdict.first_bad_line != 0)
    text += fmt::format("  first bad record {} in line {}", verdict.first_bad_seq, verdict.first_bad_line);
  if (verdict.torn_bytes != 0) text += fmt::format("  unfinished last line of {} bytes", verdict.torn_bytes);
  return text + fmt::format("  head of what holds {}\n", format_head(verdict.head));
}

Json verdict_json(const std::string& path, const AuditVerdict& verdict) {
  return {{"file", path},
          {"holds", verdict.fault == AuditFault::none},
          {"fault", audit_fault_name(verdict.fault)},
          {"records", verdict.records},
          {"first_bad_seq", verdict.first_bad_seq},
          {"first_bad_line", verdict.first_bad_line},
          {"torn_bytes", verdict.torn_bytes},
          {"seals", verdict.seals},
          {"head", format_head(verdict.head)}};
}

}  // namespace

ExitCode audit_verify_command(const Common& common, const std::string& what, const std::string& head) {
  Expected expected;
  const std::vector<std::string> paths = audit_paths(common.state_dir, what);
  if (!parse_expected(head, expected) || (!head.empty() && paths.size() > 1)) {
    fmt::print(stderr,
               "portcullis: --head: got {}; allowed: SEQ:64 hex digits or 64 hex digits, with one audit\n",
               printable(head));
    return ExitCode::usage;
  }
  if (paths.empty()) {
    fmt::print(stderr, "portcullis: no audit in {}\n", printable(common.state_dir));
    return ExitCode::not_running;
  }
  ExitCode code = ExitCode::ok;
  Json all = Json::array();
  for (const std::string& path : paths) {
    const AuditVerdict verdict = verify(path, expected);
    if (verdict.fault != AuditFault::none) code = ExitCode::audit_failed;
    if (common.json)
      all.push_back(verdict_json(path, verdict));
    else
      fmt::print("{}", verdict_text(path, verdict, !head.empty()));
  }
  if (common.json) fmt::print("{}\n", dump({{"audits", std::move(all)}, {"exit", static_cast<int>(code)}}));
  return code;
}

}  // namespace portcullis::cli
