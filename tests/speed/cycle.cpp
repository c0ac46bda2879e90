// SPDX-License-Identifier: Apache-2.0
/// @file What a tick cycle costs: Monitor::step every millisecond, on the processor that the engine does not
/// use, in turns: with nothing attached (empty), and with 1,000 active instruments: between two cycles the
/// engine's process changes position, working quantity and reference of every one of them, so that every line
/// that the cycle reads is another processor's, and 4,000 orders are open in the table.
#include <fmt/core.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "tests/speed/desk.hpp"
#include "tests/speed/other_side.hpp"
#include "tests/speed/parts.hpp"
#include "watchdog/memories.hpp"
#include "watchdog/monitor.hpp"

namespace portcullis::speed {
namespace {

constexpr int kCyclesPerTurn = 20;
constexpr std::uint64_t kPeriodNs = 1'000'000;
constexpr std::uint32_t kOrdersOpen = 4'000;
constexpr std::uint64_t kOrdersPerCycle = 100;  // new ones between two cycles: 100,000 a second

[[noreturn]] void fail(const char* why) {
  fmt::print(stderr, "bench: cycle: {}\n", why);
  std::exit(1);
}

struct Turn {
  Word wanted{0};  ///< the engine changes everything once for every new number
  alignas(kCacheLineBytes) Word done{0};
};

/// Memories and the monitor's own view of them, with nobody attached or with an engine of 1,000 instruments.
class Cycled {
 public:
  Cycled(const Config& config, bool attached)
      : config_(config), board_(std::make_unique<Board>()), wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (attached) attach();
    monitor_ = std::make_unique<Monitor>(config_, *board_, wake_fd_, [](Facts&) {});
  }
  ~Cycled() { close(wake_fd_); }
  Cycled(const Cycled&) = delete;
  Cycled& operator=(const Cycled&) = delete;

  /// One cycle, in ticks.
  std::uint64_t step() {
    store(board_->control_beat_ns, monotonic_now_ns());
    store(board_->census_ns, monotonic_now_ns());
    const std::uint64_t began = ticks_begin();
    const bool in_time = monitor_->step(monotonic_now_ns());
    const std::uint64_t took = ticks_end() - began;
    if (!in_time) fail("the monitor found itself late");
    if (load(board_->breach_count) != 0) fail(limit_name(board_->breaches[0].kind));
    return took;
  }
  /// In the engine's process: what a submit and a fill change, in every instrument.
  void change_everything() {
    const LedgerView& ledger = memories_.ledger;
    LaneBlock& lane = ledger.lane(0);
    const std::uint64_t now_ns = monotonic_now_ns();
    ++changes_;
    for (std::uint32_t i = 0; i < kInstruments; ++i) {
      Cell& cell = ledger.cell(i);
      add_own(cell.submitted_buy, 1);
      store(cell.mark_px_e8, kPx_e8 + static_cast<std::int64_t>(changes_ % 100) * 1'000'000);
      store(cell.mark_ns, now_ns);
      add_own(lane.responder_sequence, 1);
      add_own(cell.released_buy, 1);
      add_own(changes_ % 2 == 0 ? cell.bought : cell.sold, 1);
      add_own(lane.responder_sequence, 1);
    }
    for (std::uint64_t n = 0; n < kOrdersPerCycle; ++n) {
      store(ledger.rate_stamp(0, load(lane.rate_head)), now_ns);
      add_own(lane.rate_head, 1);
      add_own(lane.passes, 1);
    }
    store(lane.beat_ns, now_ns);
  }

 private:
  void attach() {
    if (create_memories(config_, static_cast<std::uint64_t>(getpid()), memories_) != MemoryError::none)
      fail("no memories");
    attachment_ = {memories_.gate, memories_.ledger};
    store(memories_.gate.header().lease_ns, std::uint64_t{config_.supervisor.lease_ms} * 1'000'000);
    for (std::uint32_t i = 0; i < kInstruments; ++i) {
      store(memories_.ledger.cell(i).start_set, 1);
      store(memories_.ledger.cell(i).start_position, 50);
    }
    for (std::uint32_t i = 0; i < kOrdersOpen; ++i) open_order(i);
    store(memories_.ledger.lane(0).submitted_orders, kOrdersOpen);
    store(memories_.gate.lane(0).word, gate_word(1, GateState::open));
    board_->attachment = &attachment_;
    store(board_->attachment_sequence, 1);
    store(board_->armed_ns, monotonic_now_ns());
    store(board_->armed_generation, 1);
  }
  void open_order(std::uint32_t slot) {
    OrderSlot& order = memories_.ledger.order(slot);
    const std::uint32_t instrument = slot % kInstruments;
    const std::string text = fmt::format("ORDER-ID-OF-36-BYTES{:016}", slot);
    Id id;
    static_cast<void>(id.assign(text.data(), kIdBytes));
    store(order.lane_pair, instrument);
    store(order.instrument_terms, std::uint64_t{instrument} << 32U | PC_BUY << 16U | PC_LIMIT << 8U);
    store(order.order_qty, 1);
    store(order.reserved_qty, 1);
    store(order.px_e8, kPx_e8);
    store(order.reference_px_e8, kPx_e8);
    store(order.notional_e4, 1'000'000);
    order.cl_ord_id.put(id);
    store(order.submit_word, std::uint64_t{1} << 8U | static_cast<std::uint64_t>(SubmitState::sent));
    add_own(memories_.ledger.cell(instrument).submitted_buy, 1);
    add_own(memories_.ledger.lane(0).submitted_notional_e4, 1'000'000);
  }

  const Config& config_;
  std::unique_ptr<Board> board_;
  int wake_fd_;
  Memories memories_;
  Attachment attachment_;
  std::unique_ptr<Monitor> monitor_;
  std::uint64_t changes_ = 0;
};

void sleep_until(std::uint64_t when_ns) {
  const timespec until{static_cast<time_t>(when_ns / 1'000'000'000),
                       static_cast<long>(when_ns % 1'000'000'000)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

template <typename Before>
void take_turn(Cycled& cycled, Samples& samples, Before&& before) {
  samples.begin_round();
  for (int i = 0; i < kCyclesPerTurn; ++i) {
    before();
    sleep_until(monotonic_now_ns() + kPeriodNs);
    samples.add_ticks(cycled.step());
  }
  samples.end_round();
}

Config config_of(const DeskFolder& folder) {
  LoadResult loaded = load_config(folder.config());
  if (!loaded.config) fail("the configuration was refused");
  return *loaded.config;
}

}  // namespace

void measure_cycle(const Plan& plan, Report& report) {
  const DeskFolder folder(false, -1);
  const Config config = config_of(folder);
  Cycled empty(config, false), active(config, true);
  Turn& turn = shared_object<Turn>();
  OtherSide engine(plan.processors.engine, {[&](const std::atomic<bool>& stop) {
                     for (std::uint64_t done = load(turn.done); !stop.load();) {
                       if (load(turn.wanted) == done) continue;
                       active.change_everything();
                       store(turn.done, ++done);
                     }
                   }});
  run_on(plan.processors.other);
  Samples empty_cycles, quiet_cycles, active_cycles;
  for (int round = -1; round < plan.rounds; ++round) {
    take_turn(empty, empty_cycles, [] {});
    engine.play(0);
    take_turn(active, active_cycles, [&] {
      store(turn.wanted, load(turn.done) + 1);
      while (load(turn.done) != load(turn.wanted)) {
      }
    });
    engine.rest();
    take_turn(active, quiet_cycles, [] {});
    if (round < 0) empty_cycles = quiet_cycles = active_cycles = {};
  }
  run_on(plan.processors.engine);
  report.add("cycle_empty", "tick", empty_cycles, "Monitor::step with nothing attached");
  report.add("cycle_1000_quiet", "tick", quiet_cycles,
             "1,000 instruments, 4,000 open orders, nothing changed");
  report.add("cycle_1000_active", "tick", active_cycles,
             "every instrument changed since the last cycle, 100 new orders, 4,000 open");
  report.bound("tick_cycle_us_over_empty", median_difference(active_cycles, empty_cycles) / 1'000, 20,
               "tick");
}

}  // namespace portcullis::speed
