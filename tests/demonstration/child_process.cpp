// SPDX-License-Identifier: Apache-2.0
#include "tests/demonstration/child_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <utility>

#include "tests/demonstration/interruption.hpp"
#include "tests/demonstration/network.hpp"

namespace portcullis::demonstration {
namespace {

constexpr int kNotStarted = 127;
constexpr int kNoNamespace = 126;
constexpr int kSignalled = 128;  // as a shell says it

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// In the child. The group is its own, so that ^C reaches the demonstration only, which then ends all others.
[[noreturn]] void become(char* const* argv, const Launch& launch, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kNotStarted);
  setpgid(0, 0);
  if (launch.network == Network::none && !leave_every_network()) _exit(kNoNamespace);
  const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int out = open(launch.output.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  const int errors = open(launch.errors.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0)
    _exit(kNotStarted);
  execv(argv[0], argv);
  _exit(kNotStarted);
}

}  // namespace

ChildProcess::ChildProcess(const Launch& launch) : output_(launch.output), errors_(launch.errors) {
  std::vector<char*> argv;
  for (const std::string& word : launch.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(argv.data(), launch, parent);
  if (pid_ < 0) status_ = kNotStarted;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept { *this = std::move(other); }

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(status_, other.status_);
  std::swap(output_, other.output_);
  std::swap(errors_, other.errors_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0 || poll() != kRunning) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

int ChildProcess::poll() {
  int status = 0;
  if (pid_ <= 0 || status_ != kRunning || waitpid(pid_, &status, WNOHANG) != pid_) return status_;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
  return status_;
}

int ChildProcess::wait(int timeout_ms) {
  return wait_until([this] { return poll() != kRunning; }, timeout_ms) ? status_ : kRunning;
}

void ChildProcess::signal(int number) const {
  if (pid_ > 0 && status_ == kRunning) kill(pid_, number);
}

std::string ChildProcess::output() const { return read_file(output_); }
std::string ChildProcess::errors() const { return read_file(errors_); }

std::string ChildProcess::last_line() const {
  const std::string text = output();
  const std::size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return {};
  const std::size_t before = text.rfind('\n', end);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  return text.substr(begin, end + 1 - begin);
}

}  // namespace portcullis::demonstration
