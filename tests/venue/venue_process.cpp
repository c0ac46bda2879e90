// SPDX-License-Identifier: Apache-2.0
/// @file fork, exec, wait, control and stop of a venue.
#include "tests/venue/venue_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace portcullis::venue {
namespace {

using Clock = std::chrono::steady_clock;

int left_ms(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

std::vector<std::string> arguments(const VenueOptions& options) {
  std::vector<std::string> words{options.binary, "--port",    std::to_string(options.port), "--log",
                                 options.dir,    "--control", options.dir + "/control"};
  const auto add = [&](const char* name, const std::vector<std::string>& values) {
    for (const std::string& value : values) words.insert(words.end(), {name, value});
  };
  add("--session", options.sessions);
  add("--symbol", options.symbols);
  add("--fault", options.faults);
  words.insert(words.end(), options.more.begin(), options.more.end());
  return words;
}

/// Only async-signal-safe calls: the parent may have threads.
[[noreturn]] void become_venue(char* const* argv, int out_fd, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  dup2(out_fd, STDOUT_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(argv[0], argv);
  _exit(127);
}

}  // namespace

VenueProcess::VenueProcess(const VenueOptions& options) : dir_(options.dir) {
  int out[2];
  if (pipe2(out, O_CLOEXEC) != 0) {
    why_ = "pipe: " + std::string(std::strerror(errno));
    return;
  }
  std::vector<std::string> words = arguments(options);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become_venue(argv.data(), out[1], parent);
  close(out[1]);
  if (pid_ > 0)
    wait_until_ready(out[0], options.ready_timeout_ms);
  else
    why_ = "fork: " + std::string(std::strerror(errno));
  close(out[0]);
  if (!ok()) stop();
}

void VenueProcess::wait_until_ready(int out_fd, int timeout_ms) {
  const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  std::string text;
  for (pollfd wait{out_fd, POLLIN, 0}; poll(&wait, 1, left_ms(deadline)) > 0;) {
    char buffer[256];
    const ssize_t n = read(out_fd, buffer, sizeof buffer);
    if (n <= 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.find('\n') == std::string::npos) continue;
    if (text.starts_with("listening ")) port_ = std::atoi(text.c_str() + 10);
    break;
  }
  if (!ok()) why_ = "the venue is not ready; it said: " + text;
}

VenueProcess::~VenueProcess() { stop(); }

std::string VenueProcess::control(const std::string& line) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = dir_ + "/control";
  if (path.size() >= sizeof address.sun_path) return "error: path too long";
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const std::string request = line + '\n';
  std::string answer;
  if (fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    const Clock::time_point deadline = Clock::now() + std::chrono::seconds(30);
    for (pollfd wait{fd, POLLIN, 0}; !answer.ends_with('\n') && poll(&wait, 1, left_ms(deadline)) > 0;) {
      char buffer[65536];
      const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      answer.append(buffer, static_cast<std::size_t>(n));
    }
  }
  if (fd >= 0) close(fd);
  if (!answer.ends_with('\n')) return "error: the venue does not answer";
  answer.pop_back();
  return answer;
}

VenueLog VenueProcess::log() {
  if (pid_ > 0) (void)control("flush");
  return VenueLog::read(dir_);
}

int VenueProcess::stop(int timeout_ms) {
  if (pid_ <= 0) return status_;
  const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  kill(pid_, SIGTERM);
  pid_t gone = 0;
  while ((gone = waitpid(pid_, &status_, WNOHANG)) == 0 && Clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  if (gone == 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, &status_, 0);
  }
  pid_ = -1;
  return status_;
}

}  // namespace portcullis::venue
