// SPDX-License-Identifier: Apache-2.0
#include "tests/demonstration/guard_config.hpp"

#include <fmt/core.h>

namespace portcullis::demonstration {
namespace {

// Eight engines, eight supervisors and a venue share what may be two busy cores: what waits for a processor
// is given seconds, so that none of the servers is halted for this machine's load. Orders are not: see the
// limits.
constexpr const char* kHead = R"(version       = 1
environment   = "demonstration"
currency      = "USD"
instruments   = "{instruments}"
mode          = "desk"

[paths]
run_dir   = "{run_dir}"
state_dir = "{state_dir}"

[supervisor]
lease_ms      = 2000
beat_age_ms   = 5000
progress_ms   = 5000
unreadable_ms = 2000

[ladder]
ask_ms = 2000

[capacity]
parents     = 256
open_orders = 1024

[[session]]
name                 = "{session}"
begin_string         = "FIX.4.2"
transport            = "kernel"
undeclared_bytes     = 0
cancel_rate_per_s    = 2000
cancel_on_disconnect = "all"
contact              = "nobody: the venue is made up"

[[lane]]
name    = "{lane}"
session = "{session}"
)";

// The gross limit is that of Knight's 33 Account (paragraph 23), the collar its 9.5 % (paragraph 21), and
// they are wired. The rate limits leave room for a router at full speed: what gives the old code away is not
// how fast it sends.
constexpr const char* kLimits = R"(
[limits.engine]
order_rate           = [{{ max = 400, per_ms = 100 }}, {{ max = 3000, per_ms = 1000 }}]
gross_notional       = {{ max = 2_000_000, do = "halt_engine" }}
open_orders          = 1000
refusals             = {{ max = 20, per_ms = 1000 }}
foreign_orders       = 0
unsubmitted_orders   = 0
unregistered_sockets = 0

[limits.lane.{lane}]
order_rate            = [{{ max = 400, per_ms = 100, do = "halt_engine" }}]
order_qty             = 1000
order_notional        = 50_000
price_collar          = {{ bps = 950 }}
position              = {{ each = 20_000 }}
gross_notional        = {{ off = "one lane: the engine's limit is the same" }}
open_orders           = 1000
{fan_out})";

constexpr const char* kFanOut = R"(children              = { max = 100, do = "halt_engine" }
child_qty             = { bps_of_parent = 10000, do = "halt_engine" }
orders_without_parent = false
)";
constexpr const char* kNoFanOut = R"(children              = { off = "this run kills the engine instead of tripping it" }
child_qty             = { off = "this run kills the engine instead of tripping it" }
)";

}  // namespace

std::string guard_config(const GuardedServer& server) {
  return fmt::format(fmt::runtime(std::string(kHead) + kLimits), fmt::arg("instruments", server.instruments),
                     fmt::arg("run_dir", server.run_dir), fmt::arg("state_dir", server.state_dir),
                     fmt::arg("session", server.session), fmt::arg("lane", kLane),
                     fmt::arg("fan_out", server.fan_out ? kFanOut : kNoFanOut));
}

}  // namespace portcullis::demonstration
