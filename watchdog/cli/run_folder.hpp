// SPDX-License-Identifier: Apache-2.0
/// @file What the run folder says: which engines there are (ENGINE.control, ENGINE.halt) and, in
/// ENGINE.record, which processes and sockets belong to one. The record is what the blind fence acts on, so
/// it is read like a stranger's: a link, a file that others may write, one of an unexpected owner or
/// without whole process numbers is refused. Written by the supervisor's scribe at attach and at each
/// session, by rename; read by the CLI only.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "watchdog/cli/json_value.hpp"

namespace portcullis::cli {

inline constexpr const char* kDefaultRunDir = "/run/portcullis";
inline constexpr const char* kDefaultStateDir = "/var/lib/portcullis";
inline constexpr std::size_t kMaxEngines = 256;  ///< engines of one run folder that a bare halt asks
inline constexpr std::size_t kMaxRecordBytes = 64 * 1024;
inline constexpr std::size_t kMaxRecordSessions = 64;

/// A process that cannot be mistaken for a later one with the same number.
struct ProcessId {
  std::int32_t pid = 0;           ///< 0 = none
  std::uint64_t start_ticks = 0;  ///< field 22 of /proc/PID/stat
};

struct RecordedSession {
  std::string name;
  std::uint64_t inode = 0;  ///< of the socket
  std::string local;
  std::string remote;
};

struct RunRecord {
  ProcessId supervisor;
  ProcessId engine;
  std::vector<RecordedSession> sessions;
  bool sessions_unreadable = false;  ///< there are more, but they cannot be read: they count as not reset
  std::vector<std::string> contact;
};

enum class [[nodiscard]] RecordError : std::uint8_t{
    ok = 0,    missing, no_permission,
    unsafe,     ///< a link, no regular file, writable by others, or somebody else's
    malformed,  ///< not the record's form, or an absurd value in it
};

[[nodiscard]] const char* record_error_text(RecordError error) noexcept;

/// Letters, digits, '.', '_' and '-', not first '.', at most 23: the form of engine and lane names.
[[nodiscard]] bool is_name(std::string_view name) noexcept;

/// RUN_DIR/ENGINE.KIND
[[nodiscard]] std::string run_path(const std::string& run_dir, std::string_view engine, const char* kind);

/// Names with a socket or a record in the folder, sorted. Empty also when the folder cannot be read.
[[nodiscard]] std::vector<std::string> list_engines(const std::string& run_dir);

/// Reads and judges the record; `record` is set only with `ok`.
RecordError read_record(const std::string& run_dir, std::string_view engine, RunRecord& record);

/// The same, with the supervisor that runs now where it is another one than the record's: RUN_DIR/ENGINE.lock names it
/// (only its owner and root can read that file). For whoever is about to kill.
RecordError read_fence_record(const std::string& run_dir, std::string_view engine, RunRecord& record);

/// The pure part: from text to record, for the engine of that name.
RecordError parse_record(std::string_view text, std::string_view engine, RunRecord& record);

}  // namespace portcullis::cli
