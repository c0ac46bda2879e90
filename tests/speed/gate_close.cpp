// SPDX-License-Identifier: Apache-2.0
/// @file From a breach in the ledger to the gate seen closed by the engine's thread. The engine is this
/// thread, on one processor; the monitor that portcullisd runs spins on the other, in a process of its own,
/// over the same two memories. Beside it, in the same rounds: bare (poll one word, compare, store one word),
/// and SIGSTOP sent by pidfd to a process that breaks its limit and goes on until it cannot. Two breaches.
/// `shut`: the hook refused a run-away and says so in the lane's own word; this is the ratio's figure.
/// `position`: a fill that no order of the hook explains, found by judging everything.
#include <fmt/core.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "tests/speed/bare.hpp"
#include "tests/speed/desk.hpp"
#include "tests/speed/other_side.hpp"
#include "tests/speed/parts.hpp"
#include "watchdog/memories.hpp"
#include "watchdog/monitor.hpp"

namespace portcullis::speed {
namespace {

constexpr int kBreachesPerTurn = 100;
constexpr int kStopsPerTurn = 10;
constexpr double kGapNs = 30'000;
constexpr std::uint64_t kGiveUpNs = 5'000'000'000;
constexpr std::int64_t kFarTooMuch = 1'000'000'000;

enum Part : std::size_t { kMonitor = 0, kBare = 1 };

[[noreturn]] void fail(const char* why) {
  fmt::print(stderr, "bench: gate close: {}\n", why);
  std::exit(1);
}

/// Spins until holds(); ends the run after five seconds.
template <typename Holds>
void spin_until(const char* what, Holds&& holds) {
  const std::uint64_t until_ns = monotonic_now_ns() + kGiveUpNs;
  for (std::uint64_t n = 1; !holds(); ++n)
    if (n % 65'536 == 0 && monotonic_now_ns() > until_ns) fail(what);
}

Config config_of(const DeskFolder& folder) {
  LoadResult loaded = load_config(folder.config());
  if (!loaded.config) fail("the configuration was refused");
  return *loaded.config;
}

/// The engine's and control's part around a real Monitor.
class Bench {
 public:
  Bench(const DeskFolder& folder, const Processors& processors)
      : config_(config_of(folder)),
        board_(shared_object<Board>()),
        bare_(shared_object<BareGate>()),
        wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (create_memories(config_, static_cast<std::uint64_t>(getpid()), memories_) != MemoryError::none)
      fail("no memories");
    attachment_ = {memories_.gate, memories_.ledger};
    store(memories_.gate.header().lease_ns, std::uint64_t{config_.supervisor.lease_ms} * 1'000'000);
    for (std::uint32_t pair = 0; pair < config_.capacities.pairs; ++pair)
      store(memories_.ledger.cell(pair).start_set, 1);
    board_.attachment = &attachment_;
    store(board_.attachment_sequence, 1);
    monitor_ = std::make_unique<Monitor>(config_, board_, wake_fd_, [](Facts&) {});
    other_ = std::make_unique<OtherSide>(
        processors.other,
        std::vector<OtherSide::Part>{[this](const std::atomic<bool>& stop) { monitor_->run(stop); },
                                     [this](const std::atomic<bool>& stop) { bare_watch(bare_, stop); }});
  }
  ~Bench() { close(wake_fd_); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void begin(Part part) { other_->play(part); }
  void end() { other_->rest(); }

  /// Gives the right to trade in a new generation, as control does, and lets the monitor see it.
  void arm() {
    drain();
    ++generation_;
    store(board_.control_beat_ns, monotonic_now_ns());
    store(board_.census_ns, monotonic_now_ns());
    store(board_.armed_ns, monotonic_now_ns());
    store(gate_lane().word, gate_word(generation_, GateState::closed));
    store(board_.armed_generation, generation_);
    const std::uint64_t cycle = load(board_.cycle);  // a cycle under way still judges the generation before
    spin_until("the monitor does not cycle", [&] { return load(board_.cycle) > cycle + 2; });
    store(gate_lane().word, gate_word(generation_, GateState::open));
    if (!is_open()) fail("the monitor closed a gate without a breach");
  }

  /// The words that the hook stores when it refuses an order by a limit that closes the lane.
  [[nodiscard]] std::uint64_t shut() {
    LaneBlock& lane = memories_.ledger.lane(0);
    const RateWindow& window = gate_lane().order_rate[0];
    const std::uint64_t began = ticks_begin();
    store(lane.shut_observed, window.max + 1);
    store(lane.shut_limit, window.max);
    store(lane.shut_kind,
          static_cast<std::uint64_t>(LimitKind::order_rate) | window.window_ns / 1'000'000 << 32U);
    store(lane.shut, generation_ << 8U | static_cast<std::uint64_t>(ShutReason::limit));
    while (is_open()) {
    }
    return ticks_end() - began;
  }
  /// The same until the gate word says halted: the cause was found by judging everything.
  [[nodiscard]] std::uint64_t shut_until_halted() {
    const std::uint64_t began = ticks_begin();
    const std::uint64_t took = shut();
    while (!is_halted()) {
    }
    return std::max(ticks_end() - began, took);
  }
  /// A fill that makes the position larger than its limit.
  [[nodiscard]] std::uint64_t fill_too_much() {
    LaneBlock& lane = memories_.ledger.lane(0);
    Cell& cell = memories_.ledger.cell(3);
    const std::uint64_t began = ticks_begin();
    add_own(lane.responder_sequence, 1);
    add_own(cell.bought, kFarTooMuch);
    add_own(lane.responder_sequence, 1);
    while (is_open()) {
    }
    const std::uint64_t took = ticks_end() - began;
    spin_until("the monitor does not halt", [&] { return is_halted(); });
    add_own(lane.responder_sequence, 1);
    add_own(cell.sold, kFarTooMuch);
    add_own(lane.responder_sequence, 1);
    return took;
  }
  [[nodiscard]] std::uint64_t bare() {
    ++breaches_;
    const std::uint64_t began = ticks_begin();
    store(bare_.breach, breaches_);
    while (load(bare_.closed) != breaches_) {
    }
    return ticks_end() - began;
  }
  void wait_for_halt() {
    spin_until("the monitor does not halt", [&] { return is_halted(); });
  }

 private:
  [[nodiscard]] GateLane& gate_lane() { return memories_.gate.lane(0); }
  [[nodiscard]] bool is_open() {
    return gate_state(load(gate_lane().word)) == static_cast<std::uint8_t>(GateState::open);
  }
  [[nodiscard]] bool is_halted() {
    return gate_state(load(gate_lane().word)) == static_cast<std::uint8_t>(GateState::halted);
  }
  /// Control's part: takes what the monitor said.
  void drain() {
    store(board_.breach_taken, load(board_.breach_count));
    std::uint64_t ignored = 0;
    while (read(wake_fd_, &ignored, sizeof ignored) > 0) {
    }
  }

  Config config_;
  Board& board_;
  BareGate& bare_;
  int wake_fd_;
  Memories memories_;
  Attachment attachment_;
  std::unique_ptr<Monitor> monitor_;
  std::unique_ptr<OtherSide> other_;
  std::uint64_t generation_ = 0;
  std::uint64_t breaches_ = 0;
};

/// A process that breaks its limit when told, and then stamps every moment that it still lives.
class StopTarget {
 public:
  explicit StopTarget(int processor) : words_(shared_object<Words>()) {
    child_ = Child(processor, [this] { obey(); });
    pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, child_.pid(), 0));
    if (pidfd_ < 0) fail("no pidfd");
  }
  ~StopTarget() { close(pidfd_); }
  StopTarget(const StopTarget&) = delete;
  StopTarget& operator=(const StopTarget&) = delete;

  /// The breach is seen by a bare poll here, on the other processor; ticks from it to the target's last
  /// instruction.
  [[nodiscard]] std::uint64_t breach_and_stop() {
    ++breaches_;
    store(words_.go, breaches_);
    spin_until("the target does not start", [&] { return load(words_.breach) == breaches_; });
    if (send(SIGSTOP) != 0) fail("SIGSTOP was refused");
    int status = 0;
    if (waitpid(child_.pid(), &status, WUNTRACED) != child_.pid() || !WIFSTOPPED(status))
      fail("the target did not stop");
    const std::uint64_t took = load(words_.last) - load(words_.began);
    store(words_.go, 0);
    static_cast<void>(send(SIGCONT));
    spin_until("the target does not go on", [&] { return load(words_.last) == 0; });
    return took;
  }

 private:
  struct Words {
    alignas(kCacheLineBytes) Word go{0};
    alignas(kCacheLineBytes) Word breach{0};
    alignas(kCacheLineBytes) Word began{0};
    Word last{0};
  };
  /// glibc 2.36 declares its wrapper without C linkage.
  [[nodiscard]] long send(int number) const {
    return syscall(SYS_pidfd_send_signal, pidfd_, number, nullptr, 0);
  }
  [[noreturn]] void obey() {
    for (;;) {
      const std::uint64_t go = load(words_.go);
      if (go == 0) {
        store(words_.last, 0);
        continue;
      }
      store(words_.began, ticks_begin());
      store(words_.breach, go);
      while (load(words_.go) == go) store(words_.last, ticks_end());
    }
  }

  Words& words_;
  Child child_;
  int pidfd_ = -1;
  std::uint64_t breaches_ = 0;
};

struct Figures {
  Samples shut, halted, position, bare, stop;
};

template <typename Breach>
void take_turn(Bench& bench, Part part, Samples& samples, Random& random, Breach&& breach) {
  bench.begin(part);
  samples.begin_round();
  for (int i = 0; i < kBreachesPerTurn; ++i) {
    if (part == kMonitor) bench.arm();
    spin_for_ns(random.gap_ns(kGapNs));
    samples.add_ticks(breach());
    if (part == kMonitor) bench.wait_for_halt();
  }
  samples.end_round();
  bench.end();
}

void take_stop_turn(const Processors& processors, Samples& samples, Random& random) {
  run_on(processors.other);
  {
    StopTarget target(processors.engine);
    samples.begin_round();
    for (int i = 0; i < kStopsPerTurn; ++i) {
      spin_for_ns(random.gap_ns(kGapNs));
      samples.add_ticks(target.breach_and_stop());
    }
    samples.end_round();
  }
  run_on(processors.engine);
}

void put(Figures& f, Report& report) {
  report.add("gate_close", "spin", f.shut,
             "breach in the ledger (lane shut by its hook) to the gate seen closed");
  report.add("gate_close_halted", "spin", f.halted,
             "the same to the gate word saying halted, its cause found");
  report.add("gate_close_position", "spin", f.position,
             "an unexplained fill to the gate seen closed, 1,000 instruments");
  report.add("gate_close_bare", "none", f.bare, "poll one word, compare, store one word");
  report.add("sigstop", "none", f.stop,
             "breach to the target's last instruction, bare poll and pidfd_send_signal");
  report.ratio("gate_close_p50_over_bare", median_ratio(f.shut, f.bare), 3, "spin");
  report.ratio("gate_close_over_sigstop", median_ratio(f.shut, f.stop), 1.0 / 30, "spin");
  report.fact("gate_close_halted_over_bare", median_ratio(f.halted, f.bare));
  report.fact("gate_close_position_over_bare", median_ratio(f.position, f.bare));
}

}  // namespace

void measure_gate_close(const Plan& plan, Report& report) {
  const DeskFolder folder(true, plan.processors.other);
  Bench bench(folder, plan.processors);
  Figures f;
  Random random(plan.seed + 1);
  for (int round = -1; round < plan.rounds; ++round) {
    take_turn(bench, kMonitor, f.shut, random, [&] { return bench.shut(); });
    take_turn(bench, kBare, f.bare, random, [&] { return bench.bare(); });
    take_turn(bench, kMonitor, f.halted, random, [&] { return bench.shut_until_halted(); });
    take_turn(bench, kMonitor, f.position, random, [&] { return bench.fill_too_much(); });
    take_stop_turn(plan.processors, f.stop, random);
    if (round < 0) f = {};
  }
  put(f, report);
}

}  // namespace portcullis::speed
