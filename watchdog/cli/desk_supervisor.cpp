// SPDX-License-Identifier: Apache-2.0
#include "watchdog/cli/desk_supervisor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "shm/clock.hpp"

namespace portcullis::cli {
namespace {

constexpr int kExecFailed = 127;  // as a shell says it

int open_pidfd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

int milliseconds_left(std::uint64_t deadline_ns) {
  const std::uint64_t now = monotonic_now_ns();
  return now >= deadline_ns
             ? 0
             : static_cast<int>(std::min<std::uint64_t>((deadline_ns - now) / 1'000'000 + 1, 600'000));
}

void unblock_signals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// An abstract datagram socket, the kernel chooses its name. Returns the name as NOTIFY_SOCKET wants it.
std::string bind_notify(UniqueFd& socket_fd) {
  socket_fd.reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socklen_t bytes = sizeof(sa_family_t);
  if (bind(socket_fd.get(), reinterpret_cast<const sockaddr*>(&address), bytes) != 0) return {};
  bytes = sizeof address;
  if (getsockname(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), &bytes) != 0) return {};
  const std::size_t name_bytes = bytes - offsetof(sockaddr_un, sun_path);
  if (name_bytes < 2) return {};
  return "@" + std::string(address.sun_path + 1, name_bytes - 1);
}

bool says_ready(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (text.substr(0, end) == "READY=1") return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

[[noreturn]] void exec_or_exit(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  fmt::print(stderr, "portcullis: cannot start {}: {}\n", command[0], std::strerror(errno));
  std::fflush(stderr);
  _exit(kExecFailed);
}

}  // namespace

const char* start_error_text(StartError error) noexcept {
  switch (error) {
    case StartError::ok: return "ok";
    case StartError::no_socket: return "the notify socket cannot be made";
    case StartError::no_process: return "the supervisor cannot be started";
    case StartError::ended: return "the supervisor ended before it was ready";
    case StartError::not_ready: return "the supervisor did not get ready in time";
  }
  return "?";
}

DeskSupervisor::~DeskSupervisor() {
  constexpr std::uint64_t kLastChanceNs = 2'000'000'000;
  if (pid_ > 0) stop(kLastChanceNs);
}

StartError DeskSupervisor::start(const std::string& program, const std::string& config,
                                 std::uint64_t timeout_ns) {
  const std::string notify_name = bind_notify(notify_);
  if (notify_name.empty()) return StartError::no_socket;
  pid_ = fork();
  if (pid_ < 0) return StartError::no_process;
  if (pid_ == 0) {
    setsid();
    setenv("NOTIFY_SOCKET", notify_name.c_str(), 1);
    unblock_signals();
    exec_or_exit({program, "--config", config});
  }
  pidfd_.reset(open_pidfd(pid_));
  if (!pidfd_.valid()) return StartError::no_process;
  const StartError error = await_ready(timeout_ns);
  if (error == StartError::ended) reap();
  return error;
}

StartError DeskSupervisor::await_ready(std::uint64_t timeout_ns) {
  const std::uint64_t deadline_ns = monotonic_now_ns() + timeout_ns;
  char text[4096];
  while (monotonic_now_ns() < deadline_ns) {
    pollfd entries[2] = {{notify_.get(), POLLIN, 0}, {pidfd_.get(), POLLIN, 0}};
    if (poll(entries, 2, milliseconds_left(deadline_ns)) <= 0) continue;
    if ((entries[0].revents & POLLIN) != 0) {
      const ssize_t bytes = recv(notify_.get(), text, sizeof text, MSG_DONTWAIT);
      if (bytes > 0 && says_ready({text, static_cast<std::size_t>(bytes)})) return StartError::ok;
      continue;
    }
    if (entries[1].revents != 0) return StartError::ended;
  }
  return StartError::not_ready;
}

void DeskSupervisor::reap() {
  int status = 0;
  if (waitpid(pid_, &status, 0) == pid_ && WIFEXITED(status)) exit_status_ = WEXITSTATUS(status);
  pid_ = 0;
}

bool DeskSupervisor::stop(std::uint64_t timeout_ns) {
  if (pid_ <= 0) return true;
  kill(pid_, SIGTERM);
  const std::uint64_t deadline_ns = monotonic_now_ns() + timeout_ns;
  pollfd entry{pidfd_.get(), POLLIN, 0};
  char text[4096];
  bool ended = false;
  while (!ended && pidfd_.valid() && monotonic_now_ns() < deadline_ns) {
    // its datagrams are drained, so that a supervisor that says STOPPING=1 never meets a full queue
    while (recv(notify_.get(), text, sizeof text, MSG_DONTWAIT) > 0) continue;
    ended = poll(&entry, 1, std::min(50, milliseconds_left(deadline_ns))) > 0;
  }
  if (!ended) kill(pid_, SIGKILL);
  reap();
  return ended;
}

std::string supervisor_program() {
  if (const char* named = std::getenv("PORTCULLISD"); named != nullptr && *named != '\0') return named;
  char self[4096];
  const ssize_t bytes = readlink("/proc/self/exe", self, sizeof self);
  if (bytes > 0 && static_cast<std::size_t>(bytes) < sizeof self) {
    std::string path(self, static_cast<std::size_t>(bytes));
    path.resize(path.rfind('/') + 1);
    path += "portcullisd";
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return "portcullisd";
}

pid_t start_engine(const std::vector<std::string>& command, const std::string& run_dir, UniqueFd& pidfd) {
  const pid_t pid = fork();
  if (pid < 0) return 0;
  if (pid == 0) {
    setenv("PORTCULLIS_RUN_DIR", run_dir.c_str(), 1);
    unsetenv("NOTIFY_SOCKET");
    unblock_signals();
    exec_or_exit(command);
  }
  pidfd.reset(open_pidfd(pid));
  return pid;
}

}  // namespace portcullis::cli
