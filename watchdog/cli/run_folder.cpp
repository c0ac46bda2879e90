// SPDX-License-Identifier: Apache-2.0
#include "watchdog/cli/run_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <set>

#include "shm/unique_fd.hpp"
#include "watchdog/config.hpp"
#include "watchdog/fence.hpp"

namespace portcullis::cli {
namespace {

constexpr std::int64_t kMaxPid = 4'194'304;  // PID_MAX_LIMIT

bool read_process(const Json& object, ProcessId& process) {
  const auto pid = number_of(object, "pid");
  const auto ticks = number_of(object, "start_ticks");
  if (!pid || !ticks || *pid < 2 || *pid > kMaxPid || *ticks <= 0) return false;
  process.pid = static_cast<std::int32_t>(*pid);
  process.start_ticks = static_cast<std::uint64_t>(*ticks);
  return true;
}

/// False: the entry names no socket. Where it stands in the engine is looked up, not believed.
bool read_session(const Json& object, RecordedSession& session) {
  const auto inode = number_of(object, "inode");
  session = {text_of(object, "name"), 0, text_of(object, "local"), text_of(object, "remote")};
  if (!inode || *inode <= 0 || session.name.empty()) return false;
  session.inode = static_cast<std::uint64_t>(*inode);
  return true;
}

/// Regular, not writable by group or others, and owned by the folder's owner, by root or by the caller.
bool is_safe(const struct stat& file, const struct stat& folder) {
  if (!S_ISREG(file.st_mode) || (file.st_mode & (S_IWGRP | S_IWOTH)) != 0) return false;
  return file.st_uid == 0 || file.st_uid == geteuid() || file.st_uid == folder.st_uid;
}

}  // namespace

const char* record_error_text(RecordError error) noexcept {
  switch (error) {
    case RecordError::ok: return "ok";
    case RecordError::missing: return "no record of an engine: none attached";
    case RecordError::no_permission: return "this user may not read the engine's record";
    case RecordError::unsafe:
      return "the engine's record is a link, writable by others or somebody else's file";
    case RecordError::malformed: return "the engine's record is damaged";
  }
  return "?";
}

bool is_name(std::string_view name) noexcept {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kMaxNameBytes && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), allowed);
}

std::string run_path(const std::string& run_dir, std::string_view engine, const char* kind) {
  return run_dir + "/" + std::string(engine) + "." + kind;
}

std::vector<std::string> list_engines(const std::string& run_dir) {
  std::set<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(run_dir.c_str()), &closedir);
  while (folder != nullptr && names.size() < kMaxEngines) {
    const dirent* entry = readdir(folder.get());
    if (entry == nullptr) break;
    const std::string_view file = entry->d_name;
    for (const std::string_view ending : {".control", ".halt", ".record"})
      if (file.ends_with(ending) && is_name(file.substr(0, file.size() - ending.size())))
        names.emplace(file.substr(0, file.size() - ending.size()));
  }
  return {names.begin(), names.end()};
}

RecordError parse_record(std::string_view text, std::string_view engine, RunRecord& record) {
  const std::optional<Json> object = parse_object(text);
  if (!object || number_of(*object, "v") != 1 || text_of(*object, "engine") != engine)
    return RecordError::malformed;
  RunRecord read;
  if (!read_process(object_of(*object, "supervisor"), read.supervisor) ||
      !read_process(object_of(*object, "engine_process"), read.engine))
    return RecordError::malformed;
  // a session that cannot be read does not save the engine: it is killed, and the session counts as not reset
  read.sessions_unreadable = !object->contains("sessions") || !(*object)["sessions"].is_array();
  for (const Json& entry : array_of(*object, "sessions")) {
    RecordedSession session;
    if (read.sessions.size() < kMaxRecordSessions && read_session(entry, session))
      read.sessions.push_back(std::move(session));
    else
      read.sessions_unreadable = true;
  }
  for (const Json& line : array_of(*object, "contact"))
    if (line.is_string()) read.contact.push_back(printable(line.get_ref<const std::string&>()));
  record = std::move(read);
  return RecordError::ok;
}

RecordError read_record(const std::string& run_dir, std::string_view engine, RunRecord& record) {
  const std::string path = run_path(run_dir, engine, "record");
  struct stat folder {};
  struct stat file {};
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return RecordError::missing;
    return errno == ELOOP ? RecordError::unsafe : RecordError::no_permission;
  }
  if (stat(run_dir.c_str(), &folder) != 0 || fstat(fd.get(), &file) != 0 || !is_safe(file, folder))
    return RecordError::unsafe;
  std::string text(kMaxRecordBytes + 1, '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t bytes = read(fd.get(), text.data() + length, text.size() - length);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return RecordError::malformed;
    if (bytes == 0) break;
    length += static_cast<std::size_t>(bytes);
  }
  if (length > kMaxRecordBytes) return RecordError::malformed;
  return parse_record({text.data(), length}, engine, record);
}

RecordError read_fence_record(const std::string& run_dir, std::string_view engine, RunRecord& record) {
  const RecordError error = read_record(run_dir, engine, record);
  if (error != RecordError::ok) return error;
  const UniqueFd lock(open(run_path(run_dir, engine, "lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  char text[64];
  const ssize_t bytes = lock.valid() ? read(lock.get(), text, sizeof text) : -1;
  ProcessId holder;
  if (bytes > 0) {  // "PID START_TICKS\n", as instance_lock.cpp writes it
    const auto [at, wrong] = std::from_chars(text, text + bytes, holder.pid);
    if (wrong == std::errc() && at != text + bytes) std::from_chars(at + 1, text + bytes, holder.start_ticks);
  }
  if (holder.pid > 1 && holder.start_ticks != 0 && read_start_ticks(holder.pid) == holder.start_ticks)
    record.supervisor = holder;
  return error;
}

}  // namespace portcullis::cli
