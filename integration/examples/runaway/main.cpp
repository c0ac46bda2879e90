// SPDX-License-Identifier: Apache-2.0
/// @file portcullis_runaway: one server of the demonstration, and the engine of the process tests. Loopback
/// only. Says on standard output, a line each: "logged on", "trading" (first order out), "around",
/// "spinning", and last its counters as JSON. Ends at SIGTERM or --seconds after its first order. Guarded, it
/// waits until people arm it. Exit status: 0 done; 64 usage; 69 no quotes; 78 not attached; 1 detach refused.
#include <poll.h>
#include <signal.h>
#include <time.h>

#include <cstdio>

#include "integration/examples/runaway/fix_engine.hpp"
#include "integration/examples/runaway/options.hpp"
#include "integration/examples/runaway/server.hpp"

namespace portcullis {
namespace examples {
namespace {

constexpr std::int64_t kNsPerS = 1000000000;
constexpr std::int64_t kMaxBurst =
    64;  // orders without a look at the commands: a late loop catches up, but polls
constexpr std::int64_t kExitCancel_ns = 3 * kNsPerS;

volatile sig_atomic_t g_stop = 0, g_spin = 0, g_around = 0;

void on_signal(int signal) {
  if (signal == SIGUSR1)
    g_spin = 1;
  else if (signal == SIGUSR2)
    g_around = 1;
  else
    g_stop = 1;
}

void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) sigaction(signal, &action, nullptr);
}

std::int64_t now_ns() {
  timespec now = timespec();
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNsPerS + now.tv_nsec;
}

void say(const char* line) {
  std::printf("%s\n", line);
  std::fflush(stdout);
}

/// The trading thread: a loop that polls, sends what is due, and sleeps until the next.
class Loop {
 public:
  Loop(const Options& options, Server& server, VenueLink& link, Hook* hook)
      : options_(options), server_(server), link_(link), hook_(hook) {
    if (hook_ != nullptr) lane_ = hook_->lane(options_.lane);
  }

  void run() {
    while (!over()) {
      if (g_spin != 0 && options_.spin != Spin::none) spin();
      if (g_around != 0) go_around();
      command_ = deaf_poll();
      if (link_.ready() && may_trade()) trade();
      wait();
    }
    if (options_.cancel_on_exit) cancel_all();
  }

 private:
  bool over() const {
    return g_stop != 0 || (options_.seconds > 0 && start_ns_ != 0 &&
                           now_ns() - start_ns_ > static_cast<std::int64_t>(options_.seconds * 1e9));
  }
  /// A deaf engine lives, but hears no command.
  Command deaf_poll() {
    if (!options_.deaf) return link_.poll();
    const Command heard = lane_ ? lane_.poll() : Command::none;
    return heard == Command::cancel ? Command::none : heard;
  }
  /// Before the first order everybody waits to be armed; later the stubborn go on whatever they are told.
  bool may_trade() {
    if (!announced_) say("logged on"), announced_ = true, due_ns_ = now_ns();
    return command_ == Command::none || (options_.stubborn && handed_in_ > 0);
  }
  void trade() {
    if (start_ns_ == 0) {
      open_parents();
      start_ns_ = now_ns();
      due_ns_ = now_ns();
      for (std::int64_t i = 0; i < options_.queue && g_stop == 0; ++i) hand_in();
    }
    const std::int64_t gap_ns = kNsPerS / options_.rate_per_s;
    for (std::int64_t i = 0; i < kMaxBurst && due_ns_ <= now_ns(); ++i, due_ns_ += gap_ns) {
      const bool more = options_.orders < 0 || handed_in_ < options_.orders + options_.queue;
      if (more && hand_in()) continue;
      due_ns_ = now_ns() + kNsPerS / 1000;  // nothing to do: every parent has what it asked for
      break;
    }
    if (due_ns_ < now_ns() - kNsPerS) due_ns_ = now_ns();  // a loop that was stopped does not make up for it
  }
  bool hand_in() {
    Child child;
    if (!server_.next_child(child)) return false;
    ++handed_in_;
    const std::int64_t asked_ns = now_ns();
    const std::string why = link_.send(child, server_.parents()[child.parent].handle);
    if (!why.empty()) return server_.refused(child, why, asked_ns), true;
    server_.sent(child, now_ns());
    if (!traded_) say("trading"), traded_ = true;
    return true;
  }
  void open_parents() {
    if (hook_ == nullptr || options_.no_parent) return;
    for (ParentOrder& parent : server_.parents()) {
      if (parent.handle != 0) continue;
      const std::uint32_t instrument = hook_->instrument(server_.quotes()[parent.quote].symbol);
      parent.handle =
          lane_.parent(parent.id, instrument, parent.buy ? Side::buy : Side::sell, parent.qty).handle;
      if (parent.handle == 0 && !warned_) say("a parent order was refused"), warned_ = true;
    }
  }
  void go_around() {
    g_around = 0;
    say(link_.send_around(options_.around) ? "around" : "not around");
  }
  void spin() {
    say("spinning");
    if (lane_) lane_.work_in(1);
    for (volatile std::uint64_t turns = 0; g_stop == 0; turns = turns + 1)
      if (options_.spin == Spin::busy && lane_) lane_.beat();
  }
  void wait() const {
    const std::int64_t left_ns = due_ns_ - now_ns();
    const bool idle = left_ns > 0 || !link_.ready() || command_ != Command::none;
    if (!idle && kNsPerS / options_.rate_per_s < kNsPerS / 1000) return;
    pollfd wake = {hook_ != nullptr ? hook_->fd() : -1, POLLIN, 0};
    const timespec nap = {
        0, left_ns > 0 && left_ns < kNsPerS / 1000 ? static_cast<long>(left_ns) : kNsPerS / 1000};
    ppoll(&wake, wake.fd >= 0 ? 1 : 0, &nap, nullptr);
  }
  void cancel_all() {
    const std::int64_t deadline_ns = now_ns() + kExitCancel_ns;
    for (const Child& order : server_.open_orders()) link_.cancel(order);
    while (server_.open_count() > 0 && now_ns() < deadline_ns) {
      static_cast<void>(link_.poll());
      const timespec nap = {0, kNsPerS / 1000};
      nanosleep(&nap, nullptr);
    }
  }

  const Options& options_;
  Server& server_;
  VenueLink& link_;
  Hook* hook_;
  Lane lane_;
  std::int64_t start_ns_ = 0, due_ns_ = 0, handed_in_ = 0;  ///< start: of trading, 0 = not yet
  Command command_ = Command::none;
  bool announced_ = false, traded_ = false, warned_ = false;
};

int trade(const Options& options, Server& server, Hook* hook) {
  VenueLink link(options, server, hook);
  if (hook != nullptr && hook->lane(options.lane).positions_flat() != Status::ok)
    std::fprintf(stderr, "positions: %s\n", hook->why());
  link.start();
  Loop(options, server, link, hook).run();
  link.stop();
  return 0;
}

int run(int argc, char** argv) {
  Options options;
  const ParsedOptions parsed = parse_options(argc, argv, options);
  if (!parsed.go_on) return parsed.status;
  std::vector<Quote> quotes;
  if (!read_quotes(options, quotes))
    return std::fprintf(stderr, "portcullis_runaway: no quotes, or unreadable\n"), 69;
  catch_signals();
  Server server(options, quotes);
  int status = 0;
  if (options.guarded) {
    Hook hook(options.name.c_str(), options.run_dir.empty() ? nullptr : options.run_dir.c_str());
    if (!hook.attached()) return std::fprintf(stderr, "portcullis_runaway: %s\n", hook.why()), 78;
    status = trade(options, server, &hook);
    if (status == 0) status = hook.detach(Keep::none);
  } else {
    status = trade(options, server, nullptr);
  }
  say(server.report(options.name).c_str());
  return status;
}

}  // namespace
}  // namespace examples
}  // namespace portcullis

int main(int argc, char** argv) {
  try {
    return portcullis::examples::run(argc, argv);
  } catch (const std::exception& error) {  // QuickFIX reports wrong settings this way
    std::fprintf(stderr, "portcullis_runaway: %s\n", error.what());
    return 70;
  }
}
