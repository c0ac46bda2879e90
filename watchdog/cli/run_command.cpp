// SPDX-License-Identifier: Apache-2.0
// `portcullis run`: a supervisor and its engine on a desk, one user, one terminal. Exit status is the
// engine's own.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "shm/clock.hpp"
#include "watchdog/cli/client.hpp"
#include "watchdog/cli/commands.hpp"
#include "watchdog/cli/control_answer.hpp"
#include "watchdog/cli/desk_supervisor.hpp"
#include "watchdog/cli/render.hpp"
#include "watchdog/cli/run_folder.hpp"
#include "watchdog/config.hpp"

namespace portcullis::cli {
namespace {

constexpr std::uint64_t kReadyTimeoutNs = 15'000'000'000;
constexpr std::uint64_t kAttachTimeoutNs = 15'000'000'000;
constexpr std::uint64_t kArmTimeoutNs = 15'000'000'000;
constexpr std::uint64_t kAskTimeoutNs = 2'000'000'000;
constexpr std::uint64_t kFirstArmRetryNs =
    100'000'000;  // doubled each time: an engine states positions after attach
constexpr std::uint64_t kLadderTimeoutNs = 20'000'000'000;
constexpr std::uint64_t kStopTimeoutNs = 5'000'000'000;
constexpr int kSignalled = 128;  // as a shell says it
constexpr std::array<int, 6> kForwarded{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

void say(const std::string& text) { fmt::print(stderr, "portcullis: {}\n", text); }

/// The engine, its supervisor, and the signals that belong to the engine.
class DeskRun {
 public:
  DeskRun(const RunOptions& options, const Config& config) : options_(options), config_(config) {}
  int run();

 private:
  bool wait_for_engine(std::uint64_t timeout_ns);  // false: it has ended
  void forward_signals();
  void arm();
  bool engine_ended();
  int ended_status();
  Json status();
  void await_ladder();

  const RunOptions& options_;
  const Config& config_;
  DeskSupervisor supervisor_;
  UniqueFd signals_;
  UniqueFd engine_fd_;
  pid_t engine_ = 0;
  bool supervisor_lost_ = false;
};

UniqueFd block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : kForwarded) sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

void DeskRun::forward_signals() {
  signalfd_siginfo info{};
  while (read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    // ^C came from the terminal and reached the engine as well: it is in the same foreground group
    if (info.ssi_code == SI_KERNEL) continue;
    kill(engine_, static_cast<int>(info.ssi_signo));
  }
}

/// Waits for events until the timeout; forwards signals and notices a lost supervisor on the way.
bool DeskRun::wait_for_engine(std::uint64_t timeout_ns) {
  const std::uint64_t deadline_ns = monotonic_now_ns() + timeout_ns;
  while (true) {
    const std::uint64_t now = monotonic_now_ns();
    if (now >= deadline_ns) return true;
    pollfd entries[3] = {{engine_fd_.get(), POLLIN, 0},
                         {signals_.get(), POLLIN, 0},
                         {supervisor_lost_ ? -1 : supervisor_.pidfd(), POLLIN, 0}};
    const auto wait_ms = static_cast<int>(std::min<std::uint64_t>((deadline_ns - now) / 1'000'000 + 1, 1000));
    if (poll(entries, 3, wait_ms) <= 0) continue;
    if (entries[1].revents != 0) forward_signals();
    if (entries[2].revents != 0) {
      supervisor_lost_ = true;
      say("the supervisor is gone: the lease runs out, orders are refused");
    }
    if (entries[0].revents != 0) return false;
  }
}

Json DeskRun::status() {
  Json answer = Json::object();
  const std::string path = run_path(config_.run_dir, config_.engine, "control");
  if (ask(path, make_request("status"), kAskTimeoutNs, answer) != ClientError::ok) return Json::object();
  return answer;
}

void DeskRun::arm() {
  const std::uint64_t attach_deadline_ns = monotonic_now_ns() + kAttachTimeoutNs;
  while (!flag_of(status(), "attached")) {
    if (monotonic_now_ns() >= attach_deadline_ns) return say("not armed: the engine did not attach");
    if (!wait_for_engine(20'000'000)) return;
  }
  Json request = make_request("arm");
  request["reason"] = options_.reason;
  const std::string path = run_path(config_.run_dir, config_.engine, "control");
  const Change change{"arm", config_.engine, options_.reason, "", ""};
  const std::uint64_t deadline_ns = monotonic_now_ns() + kArmTimeoutNs;
  std::uint64_t retry_ns = kFirstArmRetryNs;
  while (true) {
    Json answer;
    const ClientError error = ask(path, request, kAskTimeoutNs, answer);
    const ExitCode code = error == ClientError::ok ? exit_of(answer) : exit_of(error);
    if (error == ClientError::ok &&
        (code != ExitCode::refused || monotonic_now_ns() + retry_ns >= deadline_ns)) {
      fmt::print(stderr, "{}", render_change(change, answer, code));
      return;
    }
    if (monotonic_now_ns() + retry_ns >= deadline_ns)
      return say(fmt::format("not armed: {}", client_error_text(error)));
    if (!wait_for_engine(retry_ns)) return;
    retry_ns *= 2;
  }
}

int DeskRun::ended_status() {
  int status = 0;
  while (waitpid(engine_, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return WIFSIGNALED(status) ? kSignalled + WTERMSIG(status) : static_cast<int>(ExitCode::internal);
}

/// After the engine's end its ladder may still run: the supervisor gets the time for it, and its result is
/// shown.
void DeskRun::await_ladder() {
  const std::uint64_t deadline_ns = monotonic_now_ns() + kLadderTimeoutNs;
  Json last = Json::object();
  while (!supervisor_lost_ && monotonic_now_ns() < deadline_ns) {
    last = status();
    const std::string state = text_of(last, "state");
    if (state == "locked" || state == "halted" || last.empty()) break;
    usleep(20'000);
  }
  if (object_of(last, "halt").empty()) return;
  last.erase("exit");  // of the status, not of the halt
  fmt::print(stderr, "{}", render_halt(config_.engine, last, {}, NameSource::local_file));
}

int DeskRun::run() {
  signals_ = block_signals();
  const StartError error = supervisor_.start(supervisor_program(), options_.config, kReadyTimeoutNs);
  if (error != StartError::ok) {
    say(start_error_text(error));
    supervisor_.stop(kStopTimeoutNs);
    return supervisor_.exit_status() > 0 ? supervisor_.exit_status() : static_cast<int>(ExitCode::internal);
  }
  engine_ = start_engine(options_.engine_command, config_.run_dir, engine_fd_);
  if (engine_ == 0 || !engine_fd_.valid()) {
    say("the engine cannot be started");
    if (engine_ != 0) kill(engine_, SIGKILL);
    return static_cast<int>(ExitCode::internal);
  }
  if (options_.arm) arm();
  while (wait_for_engine(3'600'000'000'000)) continue;
  const int status = ended_status();
  await_ladder();
  supervisor_.stop(kStopTimeoutNs);
  return status;
}

}  // namespace

int run_command(const RunOptions& options) {
  const LoadResult loaded = load_config(options.config);
  if (!loaded.config) return static_cast<int>(check_command(options.config, false));
  if (loaded.config->mode != Mode::desk) {
    say(fmt::format("{}: mode: got \"host\"; allowed with run: \"desk\"", printable(options.config)));
    return static_cast<int>(ExitCode::bad_config);
  }
  return DeskRun(options, *loaded.config).run();
}

}  // namespace portcullis::cli
