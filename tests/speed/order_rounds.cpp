// SPDX-License-Identifier: Apache-2.0
/// @file The order path in rounds: every contestant takes a short turn, one right after the other, again and
/// again, so that whatever the machine does hits all of them. Orders arrive at exponentially distributed
/// gaps. A sample is one order; the stopwatch is around the call alone.
#include <fmt/core.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "tests/speed/bare.hpp"
#include "tests/speed/desk.hpp"
#include "tests/speed/other_side.hpp"
#include "tests/speed/parts.hpp"
#include "tests/speed/peer_book.hpp"
#include "tests/speed/quickfix_order.hpp"

namespace portcullis::speed {
namespace {

constexpr int kOrdersPerTurn = 1'000;
constexpr double kGapNs = 4'000;
constexpr std::uint32_t kAnswerAfter = 16;  ///< an order is answered when so many younger ones are open

/// ClOrdIDs of 36 bytes; only the digits at the end change, as in an engine.
class Ids {
 public:
  const char* next() noexcept {
    std::uint64_t n = ++number_;
    for (int i = 35; i > 19; --i, n /= 10) text_[i] = static_cast<char>('0' + n % 10);
    return text_;
  }

 private:
  char text_[37] = "ORDER-ID-OF-36-BYTES0000000000000000";
  std::uint64_t number_ = 0;
};

/// The engine on the hook. Every order is filled a little later, by ExecID and CumQty, buys and sells in
/// turn.
class Trader {
 public:
  explicit Trader(Desk& desk) : desk_(desk) {
    order_.size = sizeof order_;
    order_.order_qty = 1;
    order_.px_e8 = kPx_e8;
    order_.ord_type = PC_LIMIT;
    order_.tif = PC_DAY;
    ticket_.size = sizeof ticket_;
    fill_.size = sizeof fill_;
    fill_.order.size = sizeof fill_.order;
    fill_.instrument = PC_NONE;
    fill_.last_qty = fill_.cum_qty = 1;
    fill_.last_px_e8 = kPx_e8;
  }

  /// Ticks of pc_submit alone.
  std::uint64_t submit(std::uint32_t instruments) {
    next_order(instruments);
    const std::uint64_t began = ticks_begin();
    const pc_verdict verdict = pc_submit(desk_.lane(), &order_, &ticket_);
    const std::uint64_t took = ticks_end() - began;
    if (verdict != PC_PASS) return refused();
    pc_sent(desk_.lane(), ticket_.order);
    keep_open();
    answer_oldest();
    return took;
  }

  /// Ticks of submit and sent of one order, and of accepted and filled of an older one: two readings.
  std::uint64_t lifecycle(std::uint32_t instruments) {
    next_order(instruments);
    const std::uint64_t began = ticks_begin();
    const pc_verdict verdict = pc_submit(desk_.lane(), &order_, &ticket_);
    if (verdict == PC_PASS) pc_sent(desk_.lane(), ticket_.order);
    const std::uint64_t took = ticks_end() - began;
    if (verdict != PC_PASS) return refused();
    keep_open();
    return took + answer_oldest();
  }

  void beat() { pc_beat(desk_.lane()); }
  void answer_all() {
    while (oldest_ != youngest_) answer(open_[oldest_++ % open_.size()]);
  }
  [[nodiscard]] int refusals() const { return refusals_; }

 private:
  void next_order(std::uint32_t instruments) {
    ++count_;
    const bool buy = count_ / instruments % 2 == 0;
    order_.instrument = count_ % instruments;
    order_.side = static_cast<std::uint8_t>(buy ? PC_BUY : PC_SELL);
    order_.parent = instruments <= Desk::kParented ? desk_.parent(order_.instrument, buy) : 0;
    order_.cl_ord_id = {ids_.next(), kIdBytes, 0};
  }
  void keep_open() { open_[youngest_++ % open_.size()] = ticket_.order; }
  std::uint64_t answer_oldest() {
    return youngest_ - oldest_ > kAnswerAfter ? answer(open_[oldest_++ % open_.size()]) : 0;
  }
  std::uint64_t answer(pc_order_handle order) {
    const pc_text exec_id{exec_ids_.next(), kIdBytes, 0};
    fill_.order.handle = order;
    fill_.exec_id = exec_id;
    const std::uint64_t began = ticks_begin();
    const pc_status accepted = pc_accepted(desk_.lane(), &fill_.order, exec_id);
    const pc_status filled = pc_filled(desk_.lane(), &fill_);
    const std::uint64_t took = ticks_end() - began;
    if (accepted == PC_OK && filled == PC_OK) return took;
    fmt::print(stderr, "bench: a report was not booked ({}, {})\n", static_cast<int>(accepted),
               static_cast<int>(filled));
    std::exit(1);
  }
  /// The lease was lost while this machine paused: nothing may stay open, then people arm again.
  std::uint64_t refused() {
    char why[160];
    pc_ticket_text(&ticket_, why, sizeof why);
    answer_all();
    if (++refusals_ <= 20 && ticket_.verdict == PC_LEASE_LOST && desk_.arm_again()) return 0;
    fmt::print(stderr, "bench: an order was refused: {}\n", why);
    std::exit(1);
  }

  Desk& desk_;
  Ids ids_, exec_ids_;
  pc_order order_{};
  pc_ticket ticket_{};
  pc_fill fill_{};
  std::array<pc_order_handle, 64> open_{};
  std::uint32_t oldest_ = 0, youngest_ = 0;
  std::uint32_t count_ = 0;
  int refusals_ = 0;
};

/// One line of the table: what it does for one arrival (ticks, readings of the stopwatch in them).
struct Contestant {
  std::string name, supervisor, what;
  std::function<std::uint64_t()> arrival;
  std::uint64_t readings = 1;
  std::function<void()> begin = [] {};
  std::function<void()> end = [] {};
  Samples samples{};
};

void take_turn(Contestant& c, Random& random) {
  c.begin();
  c.samples.begin_round();
  for (int i = 0; i < kOrdersPerTurn; ++i) {
    spin_for_ns(random.gap_ns(kGapNs));
    if (const std::uint64_t ticks = c.arrival(); ticks != 0) c.samples.add_ticks(ticks, c.readings);
  }
  c.samples.end_round();
  c.end();
}

template <typename Act>
std::uint64_t timed(Act&& act) {
  const std::uint64_t began = ticks_begin();
  act();
  return ticks_end() - began;
}

Contestant bare_contestant() {
  auto book = std::make_shared<BareBook>();
  auto ids = std::make_shared<Ids>();
  return {"submit_bare", "none", "clock, copy and hash of a 36-byte id, six stores", [book, ids] {
            const char* id = ids->next();
            return timed([&] { bare_submit(*book, id); });
          }};
}

template <typename Book>
std::uint64_t submit_to_peer(Book& book, Ids& ids, std::uint32_t& count) {
  const char* id = ids.next();
  const std::uint32_t instrument = ++count % Desk::kParented;
  bool passed = false;
  const std::uint64_t took = timed([&] { passed = book.submit(id, instrument, count / 8 % 2 == 0, kPx_e8); });
  if (passed) return took;
  fmt::print(stderr, "bench: a peer refused an order\n");
  std::exit(1);
}

/// The peers, alone and while the other side takes the same lock every microsecond.
template <typename Book>
void add_peer(std::vector<Contestant>& into, const std::string& name, const std::string& what, Book& book,
              OtherSide& other, std::size_t part) {
  auto ids = std::make_shared<Ids>();
  auto count = std::make_shared<std::uint32_t>(0);
  const auto arrival = [&book, ids, count] { return submit_to_peer(book, *ids, *count); };
  into.push_back({name, "none", what + ", nobody else takes it", arrival});
  into.push_back({name, "spin", what + ", taken by the other side every 1 us", arrival, 1,
                  [&other, part] { other.play(part); }, [&other] { other.rest(); }});
}

void add_ours(std::vector<Contestant>& into, Desk& desk, Trader& trader) {
  const std::string who = desk.supervisor();
  const auto beat = [&trader] { trader.beat(); };
  into.push_back({"submit", who, "pc_submit, all limits, one lane, 8 instruments, orders of parents",
                  [&trader] { return trader.submit(Desk::kParented); }, 1, beat});
  into.push_back({"submit_1000_instruments", who, "the same, 1,000 instruments in turn",
                  [&trader] { return trader.submit(kInstruments); }, 1, beat});
  into.push_back({"lifecycle", who, "submit, sent; later accepted, filled",
                  [&trader] { return trader.lifecycle(Desk::kParented); }, 2, beat});
}

Contestant quickfix_contestant() {
  auto writer = std::make_shared<QuickFixWriter>();
  auto ids = std::make_shared<Ids>();
  auto number = std::make_shared<std::int64_t>(0);
  return {"quickfix_order", "none", "one NewOrderSingle written by QuickFIX, fresh message",
          [writer, ids, number] {
            const char* id = ids->next();
            return timed([&] { writer->write_fresh(id, ++*number); });
          }};
}

Samples& find(std::vector<Contestant>& in, const std::string& name) {
  for (Contestant& c : in)
    if (c.name == name) return c.samples;
  std::abort();
}

void play_rounds(std::vector<Contestant>& contestants, const Plan& plan) {
  Random random(plan.seed);
  for (int round = -1; round < plan.rounds; ++round) {
    for (Contestant& c : contestants) {
      take_turn(c, random);
      if (round < 0) c.samples = {};  // the first round only warms up
    }
  }
}

void measure_under_tick(const Plan& plan, Report& report) {
  auto& boost = shared_object<BoostLocked>();
  auto& robust = shared_object<RobustLocked>();
  OtherSide other(plan.processors.other, {[&](const std::atomic<bool>& stop) { boost.watch(stop); },
                                          [&](const std::atomic<bool>& stop) { robust.watch(stop); }});
  Desk desk(false, plan.processors);
  Trader trader(desk);
  std::vector<Contestant> contestants{bare_contestant()};
  add_ours(contestants, desk, trader);
  contestants.push_back(quickfix_contestant());
  add_peer(contestants, "submit_boost_mutex", "the same checks under a Boost.Interprocess mutex", boost,
           other, 0);
  add_peer(contestants, "submit_robust_mutex", "the same checks under a robust pthread mutex", robust, other,
           1);
  play_rounds(contestants, plan);
  report.bound("supervisor_rss_mib", desk.resident_mib(), 32, "tick");
  trader.answer_all();
  report.fact("armed_again", desk.armed() - 1);
  for (Contestant& c : contestants) report.add(c.name, c.supervisor, c.samples, c.what);
  report.ratio("submit_p50_over_bare",
               median_ratio(find(contestants, "submit"), find(contestants, "submit_bare")), 2.5, "tick");
  report.ratio("lifecycle_over_quickfix_order",
               median_ratio(find(contestants, "lifecycle"), find(contestants, "quickfix_order")), 0.05,
               "tick");
}

void measure_under_spin(const Plan& plan, Report& report) {
  Desk desk(true, plan.processors);
  Trader trader(desk);
  std::vector<Contestant> contestants{bare_contestant()};
  add_ours(contestants, desk, trader);
  play_rounds(contestants, plan);
  trader.answer_all();
  for (Contestant& c : contestants)
    if (c.supervisor != "none") report.add(c.name, c.supervisor, c.samples, c.what);
  report.fact("submit_p50_over_bare_spin",
              median_ratio(find(contestants, "submit"), find(contestants, "submit_bare")));
}

}  // namespace

void measure_orders(const Plan& plan, Report& report) {
  measure_under_tick(plan, report);
  measure_under_spin(plan, report);
}

}  // namespace portcullis::speed
