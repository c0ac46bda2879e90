// SPDX-License-Identifier: Apache-2.0
/// @file /usr/libexec/portcullis/fence: the root end of portcullis-fence@ENGINE.socket. Whoever may connect has given
/// the order by connecting; not one byte of a client is used. The engine's name comes from the unit. Resets the
/// engine's sessions, kills it, kills a supervisor that hangs (blind_fence.hpp has the order and why), and tells every
/// connection what became of each. The record that it acts on is the supervisor's own, so two things are checked of
/// it: the engine is not root's, and the supervisor to be killed runs in its own unit.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>
#include <vector>

#include "watchdog/cli/blind_fence.hpp"
#include "watchdog/proc_files.hpp"

namespace portcullis::cli {
namespace {

constexpr std::size_t kClientsMax = 64;
constexpr int kExitUsage = 64;
constexpr int kUnreadPackets = 64;

/// One line for the journal, with syslog's level.
void say(int level, const std::string& text) { fmt::print(stderr, "<{}>{}\n", level, text); }

/// Takes every connection that waits now.
void accept_all(int listener, const std::string& engine, std::vector<UniqueFd>& clients) {
  while (clients.size() < kClientsMax) {
    UniqueFd client(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client.valid()) return;
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
      say(2, fmt::format("{}: fence asked by uid {} pid {}", engine, peer.uid, peer.pid));
    clients.push_back(std::move(client));
  }
}

void answer_all(const Json& answer, std::vector<UniqueFd>& clients) {
  const std::string text = dump(answer);
  for (const UniqueFd& client : clients) {
    send(client.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(client.get(), SHUT_RD);  // unread packets at close would take the answer with them
    char byte = 0;
    for (int i = 0; i < kUnreadPackets && recv(client.get(), &byte, 1, MSG_DONTWAIT | MSG_TRUNC) > 0; ++i) continue;
  }
  clients.clear();
}

bool runs_as_root(const ProcessId& process) {
  struct stat status {};
  return stat(ProcPath(process.pid, "").c_str(), &status) == 0 && status.st_uid == 0;
}

/// The unit's own control group ends with the unit's name, in every hierarchy where systemd is.
bool runs_in_unit(const ProcessId& process, const std::string& unit) {
  char text[8192];
  const ssize_t bytes = read_small_file(AT_FDCWD, ProcPath(process.pid, "cgroup").c_str(), text, sizeof text);
  return bytes > 0 && std::string_view(text, static_cast<std::size_t>(bytes)).find("/" + unit + "\n") !=
                          std::string_view::npos;
}

Json make_answer(const std::string& engine, const std::string& why, const BlindFenceReport& report) {
  const ExitCode code = judge_fence(report);
  return {{"v", 1},
          {"done", true},
          {"ok", false},
          {"exit", static_cast<int>(code)},
          {"engine", engine},
          {"fence", fence_json(report)},
          {"lines", lines_of(render_fence(engine, why, report))}};
}

/// nullptr, or why this record must not be acted upon.
const char* refusal(const RunRecord& record, const std::string& engine) {
  if (runs_as_root(record.engine)) return "the record names a process of root";
  const bool gone = read_start_ticks(record.supervisor.pid) != record.supervisor.start_ticks;
  if (!gone && !runs_in_unit(record.supervisor, "portcullis@" + engine + ".service"))
    return "the record's supervisor does not run in its unit";
  return nullptr;
}

int run(const std::string& engine, bool abandoned) {
  const std::string run_dir = kDefaultRunDir;
  std::vector<UniqueFd> clients;
  int listener = -1;
  if (!abandoned) {
    if (sd_listen_fds(1) != 1) return say(3, "no socket was handed over: this is portcullis-fence@'s"), kExitUsage;
    listener = SD_LISTEN_FDS_START;
    fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK);
    accept_all(listener, engine, clients);
  }
  RunRecord record;
  const RecordError error = read_fence_record(run_dir, engine, record);
  if (abandoned && error == RecordError::missing) return say(6, engine + ": no engine to fence"), 0;
  if (const char* why = error == RecordError::ok ? refusal(record, engine) : nullptr; why != nullptr) {
    say(2, fmt::format("{}: NOT FENCED: {}", engine, why));
    answer_all({{"v", 1}, {"done", true}, {"ok", false}, {"exit", static_cast<int>(ExitCode::internal)}, {"error", why}},
               clients);
    return 1;
  }
  const std::string why = abandoned ? "its supervisor failed for good" : "fenced by root";
  const BlindFenceReport report = blind_fence(run_dir, engine, [] { return false; });
  for (const std::string& line : lines_of(render_fence(engine, why, report))) say(2, line);
  if (listener >= 0) accept_all(listener, engine, clients);  // those who came meanwhile want the same
  answer_all(make_answer(engine, why, report), clients);
  return judge_fence(report) == ExitCode::fenced_blind || report.record == RecordError::missing ? 0 : 1;
}

}  // namespace
}  // namespace portcullis::cli

int main(int argc, char** argv) {
  const bool abandoned = argc == 3 && std::string_view(argv[1]) == "--abandoned";
  if ((argc != 2 && !abandoned) || !portcullis::cli::is_name(argv[argc - 1])) {
    fmt::print(stderr, "usage: fence [--abandoned] ENGINE   (run by the units of Portcullis)\n");
    return portcullis::cli::kExitUsage;
  }
  return portcullis::cli::run(argv[argc - 1], abandoned);
}
