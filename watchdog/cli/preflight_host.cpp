// SPDX-License-Identifier: Apache-2.0
/// @file Preflight's part of this host: read from /proc, the control group, the file system and the clock.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "shm/unique_fd.hpp"
#include "watchdog/cli/preflight.hpp"
#include "watchdog/cli/run_folder.hpp"
#include "watchdog/control_group.hpp"
#include "watchdog/hardening.hpp"
#include "watchdog/proc_files.hpp"

namespace portcullis::cli {
namespace {

constexpr std::uint64_t kDiskNeededBytes = 64UL * 1024 * 1024;  // audit of a bad day, with room to be noticed
constexpr std::uint64_t kCapSysPtrace = 1ULL << 19;
constexpr std::size_t kFifoThreads = 2;  // monitor and control
/// Libraries that take sockets away from the kernel: what they send no witness counts.
constexpr std::array<const char*, 5> kBypassLibraries{"libonload", "libvma", "libxlio", "libexasock", "libzf"};

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return in.good() || in.eof() ? text.str() : std::string();
}

/// The hexadecimal or decimal number behind a key of /proc/PID/status; 0 where there is none.
std::uint64_t status_number(std::int32_t pid, const std::string& key, int base) {
  const std::string text = read_text(fmt::format("/proc/{}/status", pid));
  const std::size_t at = text.find("\n" + key + ":");
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + key.size() + 2, nullptr, base);
}

void judge_kernel(Findings& findings) {
  const std::string missing = missing_in_kernel();
  findings.push_back({"kernel", missing.empty() ? Level::ok : Level::failure, missing.empty() ? "has what is needed" : missing});
}

void judge_disk(const HostPlace& place, Findings& findings) {
  struct statvfs about {};
  if (statvfs(place.state_dir.c_str(), &about) != 0) {
    findings.push_back({"disk", Level::failure, fmt::format("{}: {}", place.state_dir, std::strerror(errno))});
    return;
  }
  const std::uint64_t free_bytes = std::uint64_t{about.f_bavail} * about.f_frsize;
  const bool read_only = (about.f_flag & ST_RDONLY) != 0;
  const bool enough = free_bytes >= kDiskNeededBytes && about.f_favail != 0;
  findings.push_back({"disk", !read_only && enough ? Level::ok : Level::failure,
                      fmt::format("{}: {} MiB free{}", place.state_dir, free_bytes >> 20U, read_only ? ", READ ONLY" : "")});
}

void judge_clock(Findings& findings) {
  timex about{};
  const int state = adjtimex(&about);
  const bool synced = state >= 0 && state != TIME_ERROR && (about.status & STA_UNSYNC) == 0;
  findings.push_back({"clock", synced ? Level::ok : Level::warning,
                      synced ? "a time service disciplines it" : "nobody disciplines it: wall times of the record are only its word"});
}

void judge_fence_helper(const HostPlace& place, Findings& findings) {
  if (!place.host_mode) return;
  const std::string path = run_path(place.run_dir, place.engine, "fence");
  if (access(path.c_str(), W_OK) == 0)
    findings.push_back({"helper", Level::ok, "this user may ask the root helper to fence"});
  else if (errno == ENOENT)
    findings.push_back({"helper", Level::failure,
                        fmt::format("no root helper: systemctl start portcullis-fence@{}.socket", place.engine)});
  else
    findings.push_back({"helper", Level::warning, "this user may not ask the root helper to fence"});
}

void judge_control_group(const HostPlace& place, Findings& findings) {
  if (place.engine_pid == 0) return;
  const std::string text = read_text(fmt::format("/proc/{}/cgroup", place.engine_pid));
  const std::string_view path = group_path(text);
  struct stat freeze {};
  struct stat kill_file {};
  const auto look = [&](const char* root) {
    const std::string folder = std::string(root) + std::string(path);
    return stat((folder + "/cgroup.freeze").c_str(), &freeze) == 0 && stat((folder + "/cgroup.kill").c_str(), &kill_file) == 0;
  };
  if (path.empty() || (!look("/sys/fs/cgroup") && !look("/sys/fs/cgroup/unified"))) {
    findings.push_back({"freezing", Level::warning, "the engine has no control group of version 2: SIGSTOP and SIGKILL reach it alone"});
    return;
  }
  const std::string uid_text = read_text(fmt::format("/proc/{}/status", place.supervisor_pid));
  const auto gid = static_cast<gid_t>(status_number(place.supervisor_pid, "Gid", 10));
  const auto uid = static_cast<uid_t>(status_number(place.supervisor_pid, "Uid", 10));
  const auto may_write = [&](const struct stat& file) {
    return !uid_text.empty() && ((file.st_uid == uid && (file.st_mode & S_IWUSR) != 0) || (file.st_gid == gid && (file.st_mode & S_IWGRP) != 0));
  };
  const bool both = may_write(freeze) && may_write(kill_file);
  findings.push_back({"freezing", both ? Level::ok : Level::warning,
                      both ? "the supervisor may freeze and kill the engine's control group, forked children included"
                           : "the supervisor may not write the engine's control group: SIGSTOP and SIGKILL reach the engine alone"});
}

void judge_supervisor_process(const HostPlace& place, Findings& findings) {
  if (place.supervisor_pid == 0) {
    findings.push_back({"rights", Level::warning, "the supervisor's process is not known before an engine is attached"});
    return;
  }
  const bool ptrace = (status_number(place.supervisor_pid, "CapEff", 16) & kCapSysPtrace) != 0;
  findings.push_back({"rights", ptrace || !place.host_mode ? Level::ok : Level::warning,
                      ptrace ? "it may list the engine's sockets and take duplicates of them"
                             : place.host_mode ? "without CAP_SYS_PTRACE it cannot list the engine's sockets or take duplicates"
                                               : "one user: it may do to the engine what the user may"});
  const bool locked = status_number(place.supervisor_pid, "VmLck", 10) != 0;
  findings.push_back({"memory", locked ? Level::ok : Level::warning, locked ? "is locked" : "is not locked: a page may come back from a disk"});
  const UniqueFd tasks(open(fmt::format("/proc/{}/task", place.supervisor_pid).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::size_t fifo = 0;
  if (tasks.valid()) {
    FolderScan scan(tasks.get());
    while (const char* task = scan.next()) {
      // proc(5): policy is field 41; the name, field 2, may hold spaces
      const std::string line = read_text(fmt::format("/proc/{}/task/{}/stat", place.supervisor_pid, task));
      std::istringstream fields(line.substr(std::min(line.size(), line.rfind(')') + 1)));
      std::string word;
      for (int field = 3; field <= 41 && fields >> word; ++field) continue;
      fifo += word == "1" ? 1 : 0;
    }
  }
  findings.push_back({"real time", fifo >= kFifoThreads ? Level::ok : Level::warning,
                      fmt::format("{} of its threads are SCHED_FIFO{}", fifo, fifo >= kFifoThreads ? "" : ": a busy host delays them")});
}

void judge_bypass(const HostPlace& place, Findings& findings) {
  if (place.engine_pid == 0) return;
  const std::string maps = read_text(fmt::format("/proc/{}/maps", place.engine_pid));
  if (maps.empty()) {
    findings.push_back({"bypass", Level::warning, "not looked for: only root and the engine's user may see its libraries"});
    return;
  }
  for (const char* library : kBypassLibraries)
    if (maps.find(library) != std::string::npos) {
      findings.push_back({"bypass", Level::failure,
                          fmt::format("the engine has {} loaded: its sockets bypass the kernel, and no witness counts what they send", library)});
      return;
    }
  findings.push_back({"bypass", Level::ok, "no library that takes sockets away from the kernel"});
}

}  // namespace

void judge_host(const HostPlace& place, Findings& findings) {
  judge_kernel(findings);
  judge_supervisor_process(place, findings);
  judge_control_group(place, findings);
  judge_bypass(place, findings);
  judge_fence_helper(place, findings);
  judge_disk(place, findings);
  judge_clock(findings);
}

}  // namespace portcullis::cli
