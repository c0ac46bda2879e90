// SPDX-License-Identifier: Apache-2.0
/// @file Do not stop everything: one lane of two is halted, by a person or because the process that owns it died, while
/// the other goes on trading on the same engine.
#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <atomic>
#include <fstream>

#include "tests/process/rig.hpp"
#include "tests/process/small_engine.hpp"

using namespace portcullis::test;

namespace {

/// What the engine's two lanes were answered, in memory that the test shares with its child.
struct Answers {
  std::atomic<std::uint64_t> passed[2];
  std::atomic<std::uint64_t> refused[2];
  static Answers* make() {
    void* memory = mmap(nullptr, sizeof(Answers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    return new (memory) Answers();
  }
};

struct TwoLanes {
  Rig rig{options()};
  Answers& answers = *Answers::make();

  TwoLanes() {
    std::ofstream out(rig.config(), std::ios::app);
    out << "[[lane]]\nname = \"other\"\n[limits.lane.other]\n";
    for (const char* limit : {"order_rate", "order_qty", "order_notional", "price_collar", "position", "gross_notional",
                              "open_orders", "children", "child_qty"})
      out << limit << " = { off = \"this test is about the first lane\" }\n";
  }
  ~TwoLanes() { munmap(&answers, sizeof answers); }

  static RigOptions options() {
    RigOptions options;
    options.engine_limits["open_orders"] = "500";
    options.lane_limits["open_orders"] = "500";
    return options;
  }
  /// The engine: both lanes polled and asked every millisecond. owner: a pid that owns the first, 0 none.
  void trade(int out, pid_t owner) {
    const SmallEngine engine(rig.run_dir());
    pc_lane* const lanes[] = {engine.lane, engine.open("other")};
    bool ok = lanes[0] != nullptr && lanes[1] != nullptr;
    if (owner != 0) {
      const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, owner, 0));
      ok = ok && pc_lane_owner(lanes[0], pidfd) == PC_OK;
    }
    say(out, ok ? '+' : '-');
    for (;;) {
      for (int i = 0; i < 2; ++i) {
        static_cast<void>(pc_poll(lanes[i]));
        ++(engine.submit(lanes[i]) == PC_PASS ? answers.passed : answers.refused)[i];
      }
      usleep(1'000);
    }
  }
  /// Waits for more passes of that lane.
  [[nodiscard]] bool trades(int lane) {
    const std::uint64_t before = answers.passed[lane];
    return eventually([&] { return answers.passed[lane] > before + 3; });
  }
  /// The lane is asked, and answers no.
  [[nodiscard]] bool refuses(int lane) {
    const std::uint64_t passed = answers.passed[lane], refused = answers.refused[lane];
    return eventually([&] { return answers.refused[lane] > refused + 20; }) && answers.passed[lane] == passed;
  }
  [[nodiscard]] std::string lane_state(const std::string& name) const {
    const nlohmann::json status = rig.status();
    for (const auto& lane : status.value("lanes", nlohmann::json::array()))
      if (lane.value("name", "") == name) return lane.value("state", "?");
    return "?";
  }
};

}  // namespace

TEST_CASE("a person halts one lane: it is proven, the other goes on, and clear and arm bring it back") {
  TwoLanes two;
  two.rig.start_supervisor();
  Child engine([&](int out) { two.trade(out, 0); });
  REQUIRE(engine.hear() == '+');
  INFO(two.rig.logs());
  REQUIRE(two.rig.arm());
  REQUIRE(two.trades(0));
  REQUIRE(two.trades(1));
  const CliResult halt = two.rig.cli({"halt", "mm1/flow", "--json"});
  INFO(halt.text);
  CHECK(halt.exit == 0);
  CHECK(two.rig.halted().value("scope", "") == "lane:flow");
  CHECK(two.refuses(0));
  CHECK(two.trades(1));
  CHECK(two.lane_state("flow") == "halted");
  CHECK(two.lane_state("other") == "armed");
  CHECK(two.rig.cli({"halt", "mm1/nobody"}).exit == 6);
  CHECK(two.trades(1));
  CHECK(two.rig.cli({"arm", "mm1", "--reason", "too early"}).exit == 7);
  CHECK(two.rig.cli({"clear", "mm1", "--reason", "looked at"}).exit == 0);
  CHECK(two.refuses(0));
  CHECK(two.rig.arm());
  CHECK(two.trades(0));
  CHECK(two.trades(1));
}

TEST_CASE("a strategy that dies takes its own lane with it and no other") {
  TwoLanes two;
  two.rig.start_supervisor();
  Child strategy([](int) { pause(); });
  Child engine([&](int out) { two.trade(out, strategy.pid()); });
  REQUIRE(engine.hear() == '+');
  INFO(two.rig.logs());
  REQUIRE(two.rig.arm());
  REQUIRE(two.trades(0));
  REQUIRE(two.trades(1));
  strategy.signal(SIGKILL);
  const nlohmann::json halt = two.rig.halted();
  REQUIRE(halt.is_object());
  CHECK(halt.value("cause", "") == "death");
  CHECK(halt.value("scope", "") == "lane:flow");
  CHECK_FALSE(halt.value("fenced", true));
  CHECK(two.refuses(0));
  CHECK(two.trades(1));
  CHECK(two.lane_state("other") == "armed");
}
