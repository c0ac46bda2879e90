// SPDX-License-Identifier: Apache-2.0
/// @file Random take-overs: orders, replaces, lost numbers on both sides, a venue of random habits, bytes cut anywhere. Each
/// must end, break no rule of FIX, and say of every order what the venue says. And: nothing is allocated on the way.
#include <cstdlib>
#include <new>
#include <random>

#include "tests/unit/takeover_rig.hpp"

namespace {
thread_local bool counting = false;
thread_local std::uint64_t allocations = 0;
}  // namespace

// the whole test program's: malloc, and a count while somebody looks
void* operator new(std::size_t bytes) {
  if (counting) ++allocations;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace portcullis {
namespace {

using namespace testing;

struct RandomRun {
  explicit RandomRun(std::uint32_t seed) : random(seed), rig(chance(2), 256, chance(3)) {
    habits();
    const auto count = 1 + random() % 40;
    for (unsigned i = 0; i < count; ++i) an_order(i);
    numbers();
    rig.plan.times.total_ns = 200 * kSecond;
    rig.plan.times.cancel_retry_ns = kSecond;
    rig.plan.times.cancel_retry_total_ns = 240 * kSecond;
    rig.write_piece = chance(4) ? 1 + random() % 63 : 1 << 20;
    rig.read_piece = chance(3) ? 1 + random() % 63 : 1 << 20;
  }

  bool chance(unsigned one_in) { return random() % one_in == 0; }

  void habits() {
    Habits& h = rig.venue.habits;
    h.mass = static_cast<MassAnswer>(random() % 6);
    h.status = !chance(3);
    h.needs_order_id = rig.cancel.names_order_id() && chance(2);
    h.refuse_cancels = chance(3) ? 1 + static_cast<int>(random() % 3) : 0;
    h.pending_cancels = chance(4) ? 1 : 0;
    h.delay_ns = chance(3) ? random() % (2 * kSecond) : 0;
    rig.plan.switches.mass_cancel = chance(2);
    rig.plan.switches.status_request = !chance(4);
    rig.plan.cancel_rate_per_s = chance(3) ? 50 : 5'000;
    h.throttle_per_s = rig.plan.cancel_rate_per_s * 51 / 50 + 1;  // what is late a step arrives closer together
  }

  void an_order(unsigned i) {
    const std::string id = "N" + std::to_string(i);
    const std::string name = id + "G";
    TakeoverOrder& entry = rig.order(id, 10, chance(2) ? '1' : '2', static_cast<std::int64_t>(random() % 1000));
    if (rig.venue.habits.needs_order_id || chance(2)) rig.id_of(entry, "V" + id);
    const char side = entry.side;
    if (chance(4)) rig.replace(id, name, chance(2), 10).side = side;
    VenueOrder& order = rig.venue.orders.at(id);
    if (!chance(4)) return;
    order.cum = 10;
    order.status = '2';
    unbooked.push_back(id);
  }

  /// Numbers lost on both sides before the take-over.
  void numbers() {
    const std::uint64_t next = rig.next_number();
    rig.plan.boundary.next_seq_num = next;
    rig.venue.expected = chance(3) ? next - random() % (next - 1) : next;
    if (rig.venue.expected != next && chance(2)) rig.plan.boundary.resend_from = rig.venue.expected;
    if (rig.venue.expected != next && rig.plan.boundary.resend_from == 0) rig.venue.habits.asks_again = !chance(3);
    no_gap = rig.venue.expected == next;
    for (const std::string& id : unbooked) {
      const VenueOrder& order = rig.venue.orders.at(id);
      const std::string fields = "37=V" + id + "|11=" + order.name + "|150=2|39=2|54=" + order.side + "|14=10|";
      if (chance(2)) rig.venue.lose("0", "");
      rig.venue.lose("8", fields);
    }
  }

  std::mt19937 random;
  std::vector<std::string> unbooked;
  bool no_gap = true;
  TakeoverRig rig;
};

TEST_CASE("every order of a random take-over ends as the venue says") {
  const char* given = std::getenv("PORTCULLIS_TAKEOVER_SEED");  // to see a failure again
  const std::uint32_t seed =
      given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  std::uint64_t orders = 0, repeated = 0, resets = 0, refusals = 0;
  for (std::uint32_t i = 0; i < 300; ++i) {
    RandomRun run(seed + i);
    TakeoverRig& rig = run.rig;
    INFO("seed " << seed + i);
    REQUIRE(rig.begin() == TakeoverStart::ok);
    rig.run(250 * kSecond, 2 * kMs);
    const TakeoverReport report = rig.report();
    INFO((rig.venue.violations.empty() ? std::string() : rig.venue.violations.front()));
    INFO(rig.sent());
    REQUIRE(rig.venue.violations.empty());
    REQUIRE(rig.done());
    REQUIRE(report.end == TakeoverEnd::all_acknowledged);
    for (const auto& [id, order] : rig.venue.orders) REQUIRE_FALSE(order.open());
    for (std::uint32_t k = 0; k < rig.dialogue->size(); ++k) {
      const VenueOrder* order = rig.venue.find(std::string(rig.orders[k].cl_ord_id.view()));
      if (order != nullptr && report.inbound_whole) REQUIRE(rig.dialogue->outcome(k).cum_qty <= order->cum);
    }
    for (const std::string& id : run.unbooked) {  // fills that nobody had booked are in the position
      if (!report.inbound_whole) continue;
      std::int64_t cum = 0;
      for (std::uint32_t k = 0; k < rig.dialogue->size(); ++k)
        if (rig.venue.find(std::string(rig.orders[k].cl_ord_id.view())) == &rig.venue.orders.at(id))
          cum = std::max(cum, rig.dialogue->outcome(k).cum_qty);
      REQUIRE(cum == 10);
    }
    // a venue that still waits for a resend is behind; the engine answers it at its next logon
    REQUIRE(report.next_out_seq_num >= rig.venue.expected);
    if (run.no_gap) REQUIRE(report.next_out_seq_num == rig.venue.expected);
    orders += rig.orders.size();
    repeated += report.repeated;
    resets += report.resets;
    refusals += report.rejects_in;
  }
  WARN("seed " << seed << " orders " << orders << " repeated " << repeated << " resets " << resets << " rejects "
               << refusals);
  CHECK(repeated > 0);
  CHECK(resets > 0);
  CHECK(refusals > 0);
}

TEST_CASE("random bytes from the venue never make us break a rule, run for ever, or believe anything") {
  const std::uint32_t seed = std::random_device{}();
  std::mt19937 random(seed);
  const char* types[] = {"0", "1", "2", "3", "4", "5", "8", "9", "j", "r", "A", "B"};
  const int tags[] = {7, 11, 14, 16, 20, 34, 36, 37, 39, 41, 43, 45, 54, 102, 112, 123, 150, 372, 379, 434, 531};
  const char* values[] = {"A", "B", "0", "1", "Y", "N", "8", "9", "999999999999999999", "-1", "D", "F", "18446744073709551616", ""};
  for (int round = 0; round < 200; ++round) {
    TakeoverRig rig;
    INFO("seed " << seed << " round " << round);
    rig.venue.habits.deaf = true;
    rig.plan.times.total_ns = 2 * kSecond;
    rig.plan.times.answer_ns = 300 * kMs;
    rig.plan.times.cancel_retry_ns = 100 * kMs;
    rig.plan.times.cancel_retry_total_ns = 3 * kSecond;
    rig.listed("A");
    rig.replace("A", "B", false);
    REQUIRE(rig.begin() == TakeoverStart::ok);
    for (int i = 0; i < 600 && !rig.done(); ++i, rig.now += 10 * kMs) {
      std::string fields;
      for (auto n = random() % 6; n > 0; --n)
        fields += std::to_string(tags[random() % std::size(tags)]) + "=" + values[random() % std::size(values)] + "|";
      std::string text = rig.venue.message(types[random() % std::size(types)], 1 + random() % 20, fields);
      if (random() % 3 == 0) text.erase(random() % text.size(), random() % 4);
      rig.venue.raw(text);
      rig.turn();
      REQUIRE(rig.dialogue->output().size() < TakeoverOutbound::kOutboxBytes);
    }
    rig.run(kSecond);
    CHECK(rig.done());
    CHECK(std::count_if(rig.venue.violations.begin(), rig.venue.violations.end(), [](const std::string& what) {
            return what.find("used") != std::string::npos || what.find("malformed") != std::string::npos;
          }) == 0);
  }
}

TEST_CASE("nothing is allocated between the trip and the end") {
  TakeoverRig rig(false, 1000);
  for (int i = 0; i < 1000; ++i) rig.order("N" + std::to_string(i));
  rig.plan.switches.mass_cancel = true;
  rig.venue.habits.mass = MassAnswer::reject;
  rig.venue.habits.refuse_cancels = 1;
  rig.plan.times.cancel_retry_ns = 100 * kMs;
  const std::string cut = fix_message("35=D|34=9|58=" + std::string(8'850, 'x') + "|");
  rig.plan.boundary = {BoundaryKind::inside, 150, 100, 100 + cut.size(), rig.next_number(), 0};
  rig.venue.expected = 500;  // a resend will be asked for
  rig.plan.orders = rig.orders;
  rig.venue.receive(cut.substr(0, 50), rig.now);
  allocations = 0;
  counting = true;
  const TakeoverStart start = rig.dialogue->begin(rig.plan, rig.now);
  counting = false;
  REQUIRE(start == TakeoverStart::ok);
  for (int i = 0; i < 5'000 && !rig.done(); ++i, rig.now += kMs) {
    counting = true;
    rig.dialogue->step(rig.now);
    counting = false;
    const std::span<const char> out = rig.dialogue->output();
    rig.venue.receive({out.data(), out.size()}, rig.now);
    rig.dialogue->written(out.size());
    for (std::string in = rig.venue.take(rig.now); !in.empty();) {
      counting = true;
      const std::span<char> room = rig.dialogue->room();
      counting = false;
      const std::size_t n = std::min(in.size(), room.size());
      std::memcpy(room.data(), in.data(), n);
      in.erase(0, n);
      counting = true;
      rig.dialogue->received(n);
      rig.dialogue->step(rig.now);
      counting = false;
    }
  }
  rig.clean();
  CHECK(rig.report().end == TakeoverEnd::all_acknowledged);
  CHECK(rig.report().repeated > 0);
  CHECK(allocations == 0);
}

}  // namespace
}  // namespace portcullis
