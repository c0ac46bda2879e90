// SPDX-License-Identifier: Apache-2.0
/// @file portcullisd: starts the supervisor's four threads in the one order that is safe, and ends it. Everything that
/// can fail fails here, loudly, before READY; nothing here decides anything about trading.
#include <fmt/core.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <thread>

#include "shm/clock.hpp"
#include "watchdog/config_guard.hpp"
#include "watchdog/control.hpp"
#include "watchdog/hardening.hpp"
#include "watchdog/instance_lock.hpp"
#include "watchdog/memory_arena.hpp"

namespace portcullis {
namespace {

constexpr int kMonitorPriority = 30;  // SCHED_FIFO, above control's
constexpr int kControlPriorityFifo = 20;
constexpr std::uint64_t kStopWaitNs = 2'000'000'000;
constexpr std::size_t kAllocatingThreads = 2;                  // control, and the scribe (the journal's library)
constexpr std::size_t kControlHeapBytes = 4UL * 1024 * 1024;   // a status answer of the largest configuration

struct Options {
  std::string config;
  bool replace = false;
};

int fail(int code, const std::string& text) {
  fmt::print(stderr, "portcullisd: {}\n", text);
  return code;
}

/// Makes a folder that is missing; an existing one is left as it is.
bool ensure_folder(const std::string& path, mode_t mode) {
  return mkdir(path.c_str(), mode) == 0 || errno == EEXIST;
}

void read_sessions(const Witness& witness, const Config& config, Facts& facts) {
  for (std::uint32_t slot = 0; slot < config.sessions.size(); ++slot) {
    Facts::Session& session = facts.sessions[slot];
    session.witnessed = witness.held(slot);
    WitnessSample sample;
    if (!session.witnessed) continue;
    const bool live = witness.sample(slot, sample) && sample.state == SessionState::live;
    session.sampled_ns = live ? sample.sampled_ns : 0;
    session.undeclared_bytes = sample.undeclared_max_bytes;
    session.epoch = live ? sample.epoch : 0;
    session.accepted_bytes = sample.accepted_bytes;
    session.acked_bytes = sample.acked_bytes;
    session.declared_bytes = sample.declared_bytes;
  }
}

int supervise(const Config& config, const People& people, Scribe& scribe, Notifier& notifier,
              TakeoverLog& takeover_log, std::vector<std::string> warnings, bool replaced) {
  Board board;
  Witness witness;
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const int done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0 || done_fd < 0) return fail(kExitUnavailable, "no descriptors");
  WitnessOptions witness_options;
  witness_options.done_eventfd = done_fd;
  if (witness.start(witness_options) != ThreadError::ok || scribe.start(done_fd) != ThreadError::ok)
    return fail(kExitUnavailable, "a thread could not be started");

  Monitor monitor(config, board, wake_fd, [&](Facts& facts) { read_sessions(witness, config, facts); });
  const BootId boot_id = read_boot_id();
  Control control({config, board, witness, scribe, takeover_log, people, monitor.evaluator(), notifier, boot_id, wake_fd, done_fd,
                   std::move(warnings)});
  if (const std::string why = control.start(); !why.empty()) return fail(kExitUnavailable, why);
  ScribeEvent event;
  event.event = replaced ? Event::replaced : Event::started;
  event.when = read_stamp(boot_id);
  event.add("config", short_hash(config.hash));
  static_cast<void>(scribe.event(event));

  std::atomic<bool> stop{false};
  std::thread cycle([&] { monitor.run(stop); });
  if (config.supervisor.monitor_cpu >= 0) {
    static_cast<void>(pin_to_cpu(cycle.native_handle(), config.supervisor.monitor_cpu));  // shown by status as late cycles
    static_cast<void>(keep_off_cpu(pthread_self(), config.supervisor.monitor_cpu));
  }
  static_cast<void>(schedule_fifo(cycle.native_handle(), kMonitorPriority));
  static_cast<void>(schedule_fifo(pthread_self(), kControlPriorityFifo));
  if (const ArenaError e = touch_memory(kControlHeapBytes); e == ArenaError::ok) {
    static_cast<void>(forbid_system_memory());  // from here on every thread lives on what it has
  }
  event.event = Event::ready;
  event.when = read_stamp(boot_id);
  static_cast<void>(scribe.event(event));
  static_cast<void>(notifier.ready());
  static_cast<void>(notifier.status("locked"));
  const int code = control.run();
  stop = true;
  cycle.join();
  const bool clean = scribe.stop(kStopWaitNs) && witness.stop(kStopWaitNs);
  if (!clean) _exit(code);  // a thread hangs in the kernel: its memory must not vanish under it
  return code;
}

int run(const Options& options) {
  if (!refuse_inspection()) return fail(kExitUnavailable, "prctl(PR_SET_DUMPABLE) was refused");
  if (const std::string missing = missing_in_kernel(); !missing.empty()) return fail(kExitUnavailable, missing);
  const ArenaError arena = reserve_memory(kAllocatingThreads);
  LoadResult loaded = load_config(options.config);
  if (!loaded.config) {
    for (const ConfigError& error : loaded.errors) fmt::print(stderr, "{}\n", to_text(error));
    return fail(kExitConfig, fmt::format("{}: {} errors; nothing was started", options.config, loaded.error_count));
  }
  const Config& config = *loaded.config;
  People people;
  std::string why;
  if (!people.resolve(config, why)) return fail(kExitConfig, why);
  if (!ensure_folder(config.run_dir, 0755) || !ensure_folder(config.state_dir, 0750))
    return fail(kExitUnavailable, fmt::format("cannot make {} or {}", config.run_dir, config.state_dir));
  if (config.mode == Mode::host)
    if (const std::string w = changeable_by(config, account_of(people.engine_uid)); !w.empty()) return fail(kExitConfig, w);
  InstanceLock lock;
  const LockOutcome locked = lock.acquire(config.run_dir, config.engine, options.replace);
  if (locked.error != LockError::ok) return fail(kExitUnavailable, locked.sentence(config.engine));
  Notifier notifier;
  if (const NotifyError e = notifier.open(); e != NotifyError::ok) return fail(kExitUnavailable, notify_error_text(e));

  auto scribe = std::make_unique<Scribe>();  // large: its queues are part of it
  const ScribeOpened opened = scribe->open(config.state_dir, config.run_dir, config.engine, read_stamp(read_boot_id()));
  if (opened.latch != LatchError::ok) return fail(kExitUnavailable, "the latch cannot be opened: " + std::string(latch_error_name(opened.latch)));
  if (opened.audit != AuditError::ok) return fail(kExitUnavailable, "the audit cannot be opened: " + std::string(audit_error_name(opened.audit)));
  std::vector<std::string> session_names;
  for (const SessionConfig& session : config.sessions) session_names.push_back(session.name);
  TakeoverLog takeover_log(std::move(session_names));
  const bool takeover_kept = scribe->keep(takeover_log, config.state_dir);
  if (!opened.run_dir) return fail(kExitUnavailable, "the run folder cannot be opened");
  std::vector<std::string> warnings;
  if (arena != ArenaError::ok) warnings.push_back(std::string("no memory arena: ") + arena_error_text(arena));
  if (!takeover_kept) warnings.emplace_back("the log of take-overs cannot be opened in the state folder");
  if (const std::string w = lock_memory(); !w.empty()) warnings.push_back("memory is not locked: " + w);
  return supervise(config, people, *scribe, notifier, takeover_log, std::move(warnings), locked.replaced);
}

}  // namespace
}  // namespace portcullis

int main(int argc, char** argv) {
  CLI::App app{"Portcullis supervisor of one trading engine"};
  portcullis::Options options;
  app.add_option("--config", options.config, "the engine's configuration (portcullis.toml(5)); its file name names the engine")
      ->required();
  app.add_flag("--replace", options.replace, "kill the supervisor that holds this engine's lock, then take its place");
  app.set_version_flag("--version", "portcullisd " PORTCULLIS_VERSION);
  CLI11_PARSE(app, argc, argv);
  return portcullis::run(options);
}
