// SPDX-License-Identifier: Apache-2.0
/// @file A stopped engine's orders cancelled by the supervisor over the engine's own session, beside a bare client that
/// sends one mass cancel on a quiet session of the same venue: from the trip (ours: freeze, boundary, cancel, answers) or
/// from the send (bare) to the last of N acknowledgements. Each round is a new engine; both run one right after the
/// other. The engine is stopped by SIGSTOP, so that the ladder does not ask it.
#include <fmt/core.h>
#include <signal.h>

#include <cstdlib>

#include "tests/process/rig.hpp"
#include "tests/speed/parts.hpp"
#include "tests/venue/fix_client.hpp"

namespace portcullis::speed {
namespace {

constexpr int kFewOrders = 100;
constexpr int kManyOrders = 1'000;
constexpr int kManyRounds = 10;

[[noreturn]] void fail(const std::string& what) {
  fmt::print(stderr, "bench: take-over: {}\n", what);
  std::exit(1);
}

test::RigOptions rig_options() {
  test::RigOptions options;
  options.venue_more = {"--session", "BARE:VENUE:FIX.4.4"};
  options.session = {{"mass_cancel", "true"}, {"cancel_rate_per_s", "100000"}};
  options.engine_limits["order_rate"] = options.lane_limits["order_rate"] = "[{ max = 8000, per_ms = 1000 }]";
  return options;
}

/// The supervisor and what it guards; the engine is made anew for each round.
class Scene {
 public:
  Scene() : rig_(rig_options()), client_("BARE", "VENUE", "FIX.4.4") {
    rig_.start_supervisor();
    if (!client_.logon(rig_.venue().port())) fail("the bare client did not log on");
  }

  /// Trip to last acknowledgement, ns.
  double ours(int orders) {
    rig_.options.engine_args = {"--orders", std::to_string(orders), "--rest-share", "1.0", "--rate", "5000",
                                "--reset-on-logon", "--child-qty", "1", "--stale", "--mass-cancel"};
    rig_.start_engine();
    if (!rig_.attached() || !rig_.arm() || !rig_.trading(orders)) fail("the engine does not trade: " + rig_.logs());
    rig_.engine().signal(SIGSTOP);
    const test::CliResult halt = rig_.cli({"halt", "mm1", "--json"});
    const nlohmann::json report = halt.json.value("halt", nlohmann::json::object());
    if (report.value("acknowledged", -1) != orders || !report.value("proven", false))
      fail("not every order was acknowledged: " + halt.text);
    if (rig_.cli({"clear", "mm1", "--reason", "bench"}).exit != 0) fail("the latch was not cleared");
    return report.value("last_ack_ns", 0.0);
  }

  /// One 35=q to the last report of N orders, ns.
  double bare(int orders) {
    venue::FixAnswer answer;
    for (int i = 0; i < orders; ++i) {
      if (!client_.order("B" + std::to_string(++last_id_), '1', 1, "99.90", "AAA")) fail("the bare client is cut off");
      if (!client_.next(answer)) fail("the venue does not take the bare client's orders");
    }
    const std::uint64_t began_ns = monotonic_now_ns();
    if (!client_.send("q", {{11, "Q" + std::to_string(++last_id_)}, {530, "7"}, {60, "20261125-12:00:00"}}))
      fail("the bare client is cut off");
    for (int acknowledged = 0; acknowledged < orders;) {
      if (!client_.next(answer)) fail("the venue does not acknowledge the mass cancel");
      if (answer.get(35) == "8" && answer.get(39) == "4") ++acknowledged;
    }
    return static_cast<double>(monotonic_now_ns() - began_ns);
  }

 private:
  test::Rig rig_;
  venue::FixClient client_;
  std::uint64_t last_id_ = 0;
};

void measure(Scene& scene, int orders, int rounds, Samples& ours, Samples& bare) {
  for (int i = 0; i < rounds; ++i) {
    ours.begin_round();
    ours.add_ns(scene.ours(orders));
    ours.end_round();
    bare.begin_round();
    bare.add_ns(scene.bare(orders));
    bare.end_round();
  }
}

}  // namespace

void measure_take_over(const Plan& plan, Report& report) {
  Scene scene;
  Samples ours, bare, ours_many, bare_many;
  measure(scene, kFewOrders, plan.rounds, ours, bare);
  measure(scene, kManyOrders, std::min(plan.rounds, kManyRounds), ours_many, bare_many);
  report.ratio("takeover_over_bare", median_ratio(ours, bare), 3.0, "tick");
  report.bound("takeover_1000_over_100", median_ratio(ours_many, ours), 10.0, "tick");
  report.add("takeover_100", "tick", ours, "trip to the last of 100 acknowledgements, engine stopped");
  report.add("bare_mass_cancel_100", "none", bare, "35=q of a bare client to the last of 100 acknowledgements");
  report.add("takeover_1000", "tick", ours_many, "the same, 1,000 orders");
  report.add("bare_mass_cancel_1000", "none", bare_many, "the same, 1,000 orders");
}

}  // namespace portcullis::speed
