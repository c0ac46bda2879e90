// SPDX-License-Identifier: Apache-2.0
/// @file With any single mistake in the commented example it does not load, and the error names the key and
/// the line. The mistakes are one table: what to replace, by what, which key must be named.
#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/config_fixture.hpp"
#include "watchdog/config_keys.hpp"

namespace portcullis {
namespace {

using config_fixture::all_texts;
using config_fixture::Folder;
using config_fixture::kNowNs;
using config_fixture::line_of;
using config_fixture::read_text;
using config_fixture::replaced;

/// A single mistake: `from` stands once in the example; with `to` in its place the error names `key`.
struct Mistake {
  const char* from;
  const char* to;
  const char* key;
  const char* line_with = nullptr;  ///< the error's line contains this text; nullptr: the line of `to`
};

const std::vector<Mistake>& mistakes() {
  static const std::vector<Mistake> kMistakes = {
      // top level
      {"version        = 1 ", "version = 2 ", "version"},
      {"version        = 1 ", "version = \"1\" ", "version"},
      {"version        = 1 ", "version = 1.0 ", "version"},
      {"version        = 1 ", "# ", "version", "SPDX"},
      {"environment    = \"prod\"", "environment = \"\"", "environment"},
      {"environment    = \"prod\"", "environment = \"pr od\"", "environment"},
      {"environment    = \"prod\"", "enviroment = \"prod\"", "enviroment"},
      {"currency       = \"USD\"", "currency = \"usd\"", "currency"},
      {"currency       = \"USD\"", "currency = 840", "currency"},
      {"instruments    = \"instruments.csv\"", "instruments = 1", "instruments"},
      {"instruments    = \"instruments.csv\"", "instruments = \"\"", "instruments"},
      {"mode           = \"host\"", "mode = \"server\"", "mode"},
      {"mode           = \"host\"", "# ", "mode", "SPDX"},
      {"memory_max_mib = 32", "memory_max_mib = 0", "memory_max_mib"},
      {"memory_max_mib = 32", "memory_max_mib = 1025", "memory_max_mib"},
      {"memory_max_mib = 32", "memory_max_mib = -32", "memory_max_mib"},
      {"memory_max_mib = 32", "memory_max_mib = \"32\"", "memory_max_mib"},
      {"memory_max_mib = 32", "account = \"33\"", "account"},
      // fx
      {"# fx = { EUR", "fx = { eur", "fx.eur"},
      {"# fx = { EUR = \"1.08\"", "fx = { EUR = 1.08", "fx.EUR"},
      {"# fx = { EUR = \"1.08\"", "fx = { EUR = \"0\"", "fx.EUR"},
      {"# fx = { EUR = \"1.08\"", "fx = { EUR = \"-1.08\"", "fx.EUR"},
      {"# fx = { EUR = \"1.08\"", "fx = { EUR = \"1.080000001\"", "fx.EUR"},
      {"# fx = { EUR = \"1.08\"", "fx = { EUR = \"1000001\"", "fx.EUR"},
      {"# fx = { EUR = \"1.08\"", "fx = { USD = \"1.08\"", "fx.USD"},
      {"# fx = { EUR = \"1.08\", max_age_h = 24", "fx = { EUR = \"1.08\"", "fx.max_age_h"},
      {"# fx = { EUR = \"1.08\", max_age_h = 24", "fx = { EUR = \"1.08\", max_age_h = 0", "fx.max_age_h"},
      {"# fx = { EUR = \"1.08\", max_age_h = 24", "fx = { EUR = \"1.08\", max_age_h = 2", "fx.as_of"},
      {"# fx = { EUR = \"1.08\", max_age_h = 24, as_of = \"2026-11-20T17:00:00Z\" }",
       "fx = { EUR = \"1.08\", max_age_h = 24, as_of = \"2026-11-20T20:00:01Z\" }", "fx.as_of"},
      {"# fx = { EUR = \"1.08\", max_age_h = 24, as_of = \"2026-11-20T17:00:00Z\" }",
       "fx = { EUR = \"1.08\", max_age_h = 24, as_of = \"2026-02-30T17:00:00Z\" }", "fx.as_of"},
      {"# fx = { EUR = \"1.08\", max_age_h = 24, as_of = \"2026-11-20T17:00:00Z\" }",
       "fx = { EUR = \"1.08\", max_age_h = 24, as_of = 2026-11-20T17:00:00Z }", "fx.as_of"},
      {"# fx = { EUR = \"1.08\", max_age_h = 24, as_of = \"2026-11-20T17:00:00Z\" }",
       "fx = { EUR = \"1.08\", max_age_h = 24 }", "fx.as_of"},
      // engine, people, paths
      {"user = \"trader\"", "user = \"root\"", "engine.user"},
      {"user = \"trader\"", "user = \"0\"", "engine.user"},
      {"user = \"trader\"", "user = 1000", "engine.user"},
      {"user = \"trader\"", "user = \"4294967295\"", "engine.user"},
      {"user = \"trader\"", "# ", "engine.user", "[engine]"},
      {"prefix = \"127.0.0.0/8\"", "prefix = \"127.0.0.1/8\"", "engine.allowed_socket[0].prefix"},
      {"prefix = \"127.0.0.0/8\"", "prefix = \"127.0.0.0\"", "engine.allowed_socket[0].prefix"},
      {"prefix = \"127.0.0.0/8\"", "prefix = \"localhost/8\"", "engine.allowed_socket[0].prefix"},
      {"prefix = \"127.0.0.0/8\"", "prefix = \"127.0.0.0/33\"", "engine.allowed_socket[0].prefix"},
      {"prefix = \"127.0.0.0/8\"", "prefix = \"::1/129\"", "engine.allowed_socket[0].prefix"},
      {"port   = 4001", "port = 65536", "engine.allowed_socket[0].port"},
      {"port   = 4001", "port = -1", "engine.allowed_socket[0].port"},
      {"port   = 4001", "# ", "engine.allowed_socket[0].port", "[[engine.allowed_socket]]"},
      {"halt = \"portcullis-halt\"", "halt = \"\"", "people.halt"},
      {"halt = \"portcullis-halt\"", "# ", "people.halt", "[people]"},
      {"arm  = \"portcullis-arm\"", "arm = { group = \"risk\", people = 2 }", "people.arm"},
      {"run_dir   = \"/run/portcullis\"", "run_dir = \"run\"", "paths.run_dir"},
      {"state_dir = \"/var/lib/portcullis\"", "state_dir = 7", "paths.state_dir"},
      // supervisor
      {"cycle_us      = 1000", "cycle_us = 99", "supervisor.cycle_us"},
      {"cycle_us      = 1000", "cycle_us = 100001", "supervisor.cycle_us"},
      {"cycle_us      = 1000", "cycle_ms = 1", "supervisor.cycle_ms"},
      {"spin          = false", "spin = 0", "supervisor.spin"},
      {"lease_ms      = 250", "lease_ms = 9", "supervisor.lease_ms"},
      {"lease_ms      = 250", "lease_ms = 10001", "supervisor.lease_ms"},
      {"cycle_us      = 1000", "cycle_us = 60000", "supervisor.lease_ms", "lease_ms      = 250"},
      {"beat_age_ms   = 1000", "beat_age_ms = 0", "supervisor.beat_age_ms"},
      {"beat_age_ms   = 1000", "beat_age_ms = { off = \"\" }", "supervisor.beat_age_ms.off"},
      {"beat_age_ms   = 1000", "# ", "supervisor.beat_age_ms", "[supervisor]"},
      {"progress_ms   = 500", "progress_ms = false", "supervisor.progress_ms"},
      {"progress_ms   = 500", "# ", "supervisor.progress_ms", "[supervisor]"},
      {"unreadable_ms = 100", "unreadable_ms = { off = \"why\" }", "supervisor.unreadable_ms"},
      {"monitor_cpu   = -1", "monitor_cpu = -2", "supervisor.monitor_cpu"},
      // ladder
      {"ask_ms         = 500", "ask_ms = 0", "ladder.ask_ms"},
      {"take_over_ms   = 10_000", "take_over_ms = 0", "ladder.take_over_ms"},
      {"answer_ms      = 1000", "answer_ms = 0", "ladder.answer_ms"},
      {"answer_ms      = 1000", "answer_ms = 10_001", "ladder.answer_ms"},
      {"cancel_retry_s = 600", "cancel_retry_s = -1", "ladder.cancel_retry_s"},
      {"sever_ms       = 200", "sever_ms = 1e2", "ladder.sever_ms"},
      {"fence_ms       = 1000", "fence_ms = \"1s\"", "ladder.fence_ms"},
      {"fence          = \"kill\"", "fence = \"stop\"", "ladder.fence"},
      {"fence          = \"kill\"", "fence = \"freeze\"", "ladder.freeze_s", "[ladder]"},
      {"fence          = \"kill\"", "freeze_s = 60", "ladder.freeze_s"},
      {"fence_if       = \"unknown\"", "fence_if = \"never\"", "ladder.fence_if"},
      // capacity
      {"instruments  = 16", "instruments = 2", "capacity.instruments"},
      {"instruments  = 16", "instruments = 10001", "capacity.instruments"},
      {"pairs        = 16", "pairs = 1", "capacity.pairs"},
      {"parents      = 64", "parents = 0", "capacity.parents"},
      {"open_orders  = 512", "open_orders = 399", "capacity.open_orders"},
      {"open_orders  = 512", "open_orders = 65537", "capacity.open_orders"},
      {"sessions     = 1 ", "sessions = 0 ", "capacity.sessions"},
      {"rate_entries = 1024", "rate_entries = 1000", "capacity.rate_entries"},
      {"rate_entries = 1024", "rate_entries = 256", "capacity.rate_entries"},
      {"rate_entries = 1024", "rate_entries = 262144", "capacity.rate_entries"},
      {"message_ends = 4096", "message_ends = 100", "capacity.message_ends"},
      {"message_ends = 4096", "lanes = 4", "capacity.lanes"},
      // session
      {"name                 = \"CME-A\"", "name = \"a name that is much too long\"", "session[0].name"},
      {"name                 = \"CME-A\"", "# ", "session[0].name", "[[session]]"},
      {"begin_string         = \"FIX.4.2:FIRM->CME\"", "begin_string = 42", "session[0].begin_string"},
      {"transport            = \"kernel\"", "transport = \"tcp\"", "session[0].transport"},
      {"transport            = \"kernel\"", "# ", "session[0].transport", "[[session]]"},
      {"transport            = \"kernel\"", "transport = \"tls\"", "session[0].undeclared_bytes",
       "undeclared_bytes     = 0"},
      {"undeclared_bytes     = 0", "undeclared_bytes = -1", "session[0].undeclared_bytes"},
      {"undeclared_bytes     = 0", "# ", "session[0].undeclared_bytes", "[[session]]"},
      {"backlog_bytes        = 1_048_576", "backlog_bytes = 4095", "session[0].backlog_bytes"},
      {"backlog_bytes        = 1_048_576", "backlog_bytes = { off = \"none\" }", "session[0].backlog_bytes"},
      {"cancel_rate_per_s    = 1000", "cancel_rate_per_s = 0", "session[0].cancel_rate_per_s"},
      {"cancel_rate_per_s    = 1000", "cancel_rate_per_s = 100001", "session[0].cancel_rate_per_s"},
      {"cancel_rate_per_s    = 1000", "# ", "session[0].cancel_rate_per_s", "[[session]]"},
      {"mass_cancel          = false", "mass_cancel = \"no\"", "session[0].mass_cancel"},
      {"take_over            = true", "take_over = 1", "session[0].take_over"},
      {"poison               = true", "poison = \"yes\"", "session[0].poison"},
      {"reset_mode           = true", "reset_mode = 0", "session[0].reset_mode"},
      {"status_request       = true", "status_request = \"H\"", "session[0].status_request"},
      {"heartbeat_s          = 10", "heartbeat_s = 0", "session[0].heartbeat_s"},
      {"heartbeat_s          = 10", "heartbeat_s = 3601", "session[0].heartbeat_s"},
      {"cancel_on_disconnect = \"day\"", "cancel_on_disconnect = true", "session[0].cancel_on_disconnect"},
      {"contact              = \"GCC", "contact = \"\\u0007GCC", "session[0].contact"},
      // lane
      {"name        = \"es-quoter\"", "name = \"es quoter\"", "lane[0].name"},
      {"name        = \"es-quoter\"", "name = \"eq-quoter\"", "limits.lane.es-quoter",
       "[limits.lane.es-quoter]"},
      {"name        = \"es-quoter\"", "name = \"eq-quoter\"", "limits.lane.eq-quoter",
       "[limits.lane.es-quoter]"},
      {"tags        = {", "tags = { a = 1,", "lane[0].tags"},
      {"on_halt     = \"cancel\"", "on_halt = \"keep\"", "lane[0].on_halt"},
      {"instruments = [\"ESZ6\", \"NQZ6\"]", "instruments = [\"ESZ6\", \"YMZ6\"]", "lane[0].instruments"},
      {"instruments = [\"ESZ6\", \"NQZ6\"]", "instruments = [\"ESZ6\", \"ESZ6\"]", "lane[0].instruments"},
      {"instruments = [\"ESZ6\", \"NQZ6\"]", "instruments = []", "lane[0].instruments"},
      {"session     = \"CME-A\"", "session = \"CME-B\"", "lane[0].session"},
      // limits.engine
      {"order_rate           = [{ max = 50, per_ms = 10 }, ", "order_rate = [{ max = 0, per_ms = 10 }, ",
       "limits.engine.order_rate[0].max"},
      {"order_rate           = [{ max = 50, per_ms = 10 }, ", "order_rate = [{ max = 50, per_s = 1 }, ",
       "limits.engine.order_rate[0].per_s"},
      {"order_rate           = [{ max = 50, per_ms = 10 }, ", "order_rate = [{ max = 50, per_ms = 1000 }, ",
       "limits.engine.order_rate[1].per_ms"},
      {"order_rate           = [{ max = 50, per_ms = 10 }, ",
       "order_rate = [{ max = 50, per_ms = 10, do = \"refuse\" }, ", "limits.engine.order_rate[0].do"},
      {"order_rate           = [{ max = 50, per_ms = 10 }, ",
       "order_rate = [{ max = 50, per_ms = 10, do = \"halt_lane\" }, ", "limits.engine.order_rate[0].do"},
      {"order_rate           = [", "order_rate = 50 # [", "limits.engine.order_rate"},
      {"order_rate           = [", "order_rate = [] # [", "limits.engine.order_rate"},
      {"order_rate           = [", "# [", "limits.engine.order_rate", "[limits.engine]"},
      {"gross_notional       = { max = 20_000_000,", "gross_notional = { max = 20_000_000.0,",
       "limits.engine.gross_notional.max"},
      {"gross_notional       = { max = 20_000_000,", "gross_notional = { max = 0,",
       "limits.engine.gross_notional.max"},
      {"gross_notional       = { max = 20_000_000,", "gross_notional = { max = -1,",
       "limits.engine.gross_notional.max"},
      {"gross_notional       = { max = 20_000_000,", "gross_notional = { max = 10_000_000_000_001,",
       "limits.engine.gross_notional.max"},
      {"gross_notional       = { max = 20_000_000,", "gross_notional = {",
       "limits.engine.gross_notional.max"},
      {"gross_notional       = { max = 20_000_000,", "gross_notional = { max = 20_000_000, warn = [0.5],",
       "limits.engine.gross_notional.warn"},
      {"gross_notional       = {", "# {", "limits.engine.gross_notional", "[limits.engine]"},
      {"do = \"refuse\" }", "do = \"halt\" }", "limits.engine.gross_notional.do"},
      {"do = \"refuse\" }", "do = \"pause\" }", "limits.engine.gross_notional.do"},
      {"open_orders          = 400", "open_orders = 0", "limits.engine.open_orders"},
      {"open_orders          = 400", "open_orders = 400.0", "limits.engine.open_orders"},
      {"open_orders          = 400", "# ", "limits.engine.open_orders", "[limits.engine]"},
      {"refusals             = { max = 20,", "refusals = { max = 256,", "limits.engine.refusals.max"},
      {"refusals             = {", "refusals = 20 # {", "limits.engine.refusals"},
      {"refusals             = {", "# {", "limits.engine.refusals", "[limits.engine]"},
      {"foreign_orders       = 0", "foreign_orders = -1", "limits.engine.foreign_orders"},
      {"foreign_orders       = 0", "# ", "limits.engine.foreign_orders", "[limits.engine]"},
      {"unsubmitted_orders   = 0", "unsubmitted_orders = { max = 0, do = \"refuse\" }",
       "limits.engine.unsubmitted_orders.do"},
      {"unsubmitted_orders   = 0", "# ", "limits.engine.unsubmitted_orders", "[limits.engine]"},
      {"unregistered_sockets = 0", "unregistered_sockets = 1025", "limits.engine.unregistered_sockets"},
      {"unregistered_sockets = 0", "# ", "limits.engine.unregistered_sockets", "[limits.engine]"},
      {"unregistered_sockets = 0", "loss = { off = \"no marks\" }", "limits.engine.loss"},
      // limits.lane
      {"order_rate            = [", "# [", "limits.lane.es-quoter.order_rate", "[limits.lane.es-quoter]"},
      {"do = \"halt_lane\" }]", "do = \"refuse\" }]", "limits.lane.es-quoter.order_rate[0].do"},
      {"order_qty             = 10", "order_qty = 0", "limits.lane.es-quoter.order_qty"},
      {"order_qty             = 10", "order_qty = -10", "limits.lane.es-quoter.order_qty"},
      {"order_qty             = 10", "order_qty = \"10\"", "limits.lane.es-quoter.order_qty"},
      {"order_qty             = 10", "order_qty = 1_000_000_000_001", "limits.lane.es-quoter.order_qty"},
      {"order_qty             = 10", "order_qty = { off = \"  \" }", "limits.lane.es-quoter.order_qty.off"},
      {"order_qty             = 10", "order_qty = { off = \"why\", max = 10 }",
       "limits.lane.es-quoter.order_qty.max"},
      {"order_qty             = 10", "order_quantity = 10", "limits.lane.es-quoter.order_quantity"},
      {"order_qty             = 10", "# ", "limits.lane.es-quoter.order_qty", "[limits.lane.es-quoter]"},
      {"order_notional        = \"5000000.00\"", "order_notional = 5e6",
       "limits.lane.es-quoter.order_notional"},
      {"order_notional        = \"5000000.00\"", "order_notional = \"5000000.00001\"",
       "limits.lane.es-quoter.order_notional"},
      {"order_notional        = \"5000000.00\"", "order_notional = \"5,000,000\"",
       "limits.lane.es-quoter.order_notional"},
      {"order_notional        = \"5000000.00\"", "# ", "limits.lane.es-quoter.order_notional",
       "[limits.lane.es-quoter]"},
      {"price_collar          = { bps = 50 }", "price_collar = 50", "limits.lane.es-quoter.price_collar"},
      {"price_collar          = { bps = 50 }", "price_collar = { pct = 1 }",
       "limits.lane.es-quoter.price_collar.pct"},
      {"price_collar          = { bps = 50 }", "price_collar = { bps = 0 }",
       "limits.lane.es-quoter.price_collar.bps"},
      {"price_collar          = { bps = 50 }", "price_collar = { bps = 10001 }",
       "limits.lane.es-quoter.price_collar.bps"},
      {"price_collar          = { bps = 50 }", "# ", "limits.lane.es-quoter.price_collar",
       "[limits.lane.es-quoter]"},
      {"position              = { ESZ6 = 15, each = 10 }", "position = 15", "limits.lane.es-quoter.position"},
      {"position              = { ESZ6 = 15, each = 10 }", "position = { ESZ6 = 15 }",
       "limits.lane.es-quoter.position.NQZ6"},
      {"position              = { ESZ6 = 15, each = 10 }", "position = { CLZ6 = 15, each = 10 }",
       "limits.lane.es-quoter.position.CLZ6"},
      {"position              = { ESZ6 = 15, each = 10 }", "position = { ESZ6 = 0, each = 10 }",
       "limits.lane.es-quoter.position.ESZ6"},
      {"position              = { ESZ6 = 15, each = 10 }", "position = { ESZ6 = 15, each = 0 }",
       "limits.lane.es-quoter.position.each"},
      {"position              = { ESZ6 = 15, each = 10 }",
       "position = { ESZ6 = 15, each = 10, do = \"warn\" }", "limits.lane.es-quoter.position.do"},
      {"position              = {", "# {", "limits.lane.es-quoter.position", "[limits.lane.es-quoter]"},
      {"gross_notional        = 10_000_000", "gross_notional = 0", "limits.lane.es-quoter.gross_notional"},
      {"gross_notional        = 10_000_000", "# ", "limits.lane.es-quoter.gross_notional",
       "[limits.lane.es-quoter]"},
      {"open_orders           = 400", "open_orders = 65537", "limits.lane.es-quoter.open_orders"},
      {"open_orders           = 400", "# ", "limits.lane.es-quoter.open_orders", "[limits.lane.es-quoter]"},
      {"children              = { max = 50, do", "children = { max = 0, do",
       "limits.lane.es-quoter.children.max"},
      {"children              = { max = 50, do = \"halt_lane\" }", "children = { max = 50, do = \"refuse\" }",
       "limits.lane.es-quoter.children.do"},
      {"children              = {", "# {", "limits.lane.es-quoter.children", "[limits.lane.es-quoter]"},
      {"child_qty             = { bps_of_parent = 10000 }", "child_qty = { bps_of_parent = 10001 }",
       "limits.lane.es-quoter.child_qty.bps_of_parent"},
      {"child_qty             = { bps_of_parent = 10000 }", "child_qty = 10000",
       "limits.lane.es-quoter.child_qty"},
      {"child_qty             = {", "# {", "limits.lane.es-quoter.child_qty", "[limits.lane.es-quoter]"},
      {"orders_without_parent = true", "orders_without_parent = 1",
       "limits.lane.es-quoter.orders_without_parent"},
      {"orders_without_parent = true", "# ", "limits.lane.es-quoter.orders_without_parent",
       "[limits.lane.es-quoter]"},
      {"[limits.lane.es-quoter]", "[limits.lane.eq-quoter]", "limits.lane.eq-quoter"},
      {"[limits.lane.es-quoter]", "[limits.desk]", "limits.desk"},
  };
  return kMistakes;
}

}  // namespace

TEST_CASE("any single mistake in the example is refused with its key and its line") {
  const std::string example = read_text(config_fixture::example_path());
  const Folder folder;
  for (const Mistake& mistake : mistakes()) {
    const std::string text = replaced(example, mistake.from, mistake.to);
    const LoadResult result = folder.load(text);
    INFO(mistake.from << " -> " << mistake.to << "\n" << all_texts(result.errors));
    CHECK(!result.config);
    const unsigned line = line_of(text, mistake.line_with != nullptr ? mistake.line_with : mistake.to);
    const auto named = [&](const ConfigError& error) {
      return error.key == mistake.key && (error.line == line || (line == 1 && error.line <= 1));
    };
    CHECK(std::any_of(result.errors.begin(), result.errors.end(), named));
    CHECK(result.error_count <= 3);  // one mistake must not bury itself under others
    for (const ConfigError& error : result.errors) {
      CHECK(!error.value.empty());
      CHECK(!error.allowed.empty());
    }
  }
}

TEST_CASE("every key has at least one mistake in the table") {
  for (const KeySpec& spec : config_keys()) {
    const std::string key(spec.key);
    const auto about = [&](const Mistake& mistake) {
      const std::string_view path = mistake.key;
      return path.find(key) != std::string_view::npos;
    };
    INFO(spec.section << "." << key);
    CHECK((spec.type == KeyType::table || std::any_of(mistakes().begin(), mistakes().end(), about)));
  }
}

}  // namespace portcullis
