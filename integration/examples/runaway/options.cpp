// SPDX-License-Identifier: Apache-2.0
/// @file The command line of the run-away engine.
#include "integration/examples/runaway/options.hpp"

#include <CLI/CLI.hpp>

namespace portcullis {
namespace examples {
namespace {

void add_identity(CLI::App& app, Options& out) {
  app.add_option("--name", out.name, "engine: names its configuration when guarded");
  app.add_option("--session", out.session, "SENDER:TARGET, e.g. ENG1:VENUE")->required();
  app.add_option("--begin-string", out.begin_string, "FIX.4.2 or FIX.4.4")
      ->check(CLI::IsMember({"FIX.4.2", "FIX.4.4"}));
  app.add_option("--port", out.port, "the venue's port on 127.0.0.1")->required();
  app.add_flag("--guarded", out.guarded, "use the adapter; without it nothing asks anybody");
  app.add_option("--run-dir", out.run_dir, "folder of the supervisor's sockets");
  app.add_option("--lane", out.lane, "lane of all orders");
  app.add_option("--session-name", out.session_name,
                 "the configuration's name of the session; else SENDER-TARGET");
  app.add_flag("--threaded", out.threaded, "ThreadedSocketInitiator instead of SocketInitiator");
  app.add_flag("--reset-on-logon", out.reset_on_logon, "sequence numbers begin at 1 at each logon");
  app.add_option("--store", out.store_dir,
                 "keep sequence numbers and messages in this folder (else in memory)");
  app.add_option("--heartbeat", out.heartbeat_s, "HeartBtInt, s")->check(CLI::Range(1, 3600));
}

void add_trading(CLI::App& app, Options& out) {
  app.add_option("--book", out.book_file, "quotes: lines SYMBOL,BID,ASK,SIZE, as the venue's");
  app.add_option("--symbol", out.symbols, "SYMBOL:BID:ASK:SIZE, repeatable, as the venue's");
  app.add_option("--symbols", out.symbol_count, "use the first N symbols; 0 = all")
      ->check(CLI::Range(0, 10000));
  app.add_option("--parents", out.parents, "parent orders over all servers")->check(CLI::Range(1, 10000));
  app.add_option("--server", out.server, "this server's number, from 0")->check(CLI::Range(0, 255));
  app.add_option("--servers", out.servers, "servers that share the parents")->check(CLI::Range(1, 256));
  app.add_option("--seed", out.seed, "parents, sides, sizes and which children rest follow from it");
  app.add_option("--rate", out.rate_per_s, "child orders per second")->check(CLI::Range(1, 1000000));
  app.add_option("--child-qty", out.child_qty, "quantity of a child order")->check(CLI::Range(1, 1000000));
  app.add_flag("--stale", out.stale,
               "the old code: ignores what its parents have been filled, and never stops");
  app.add_option("--rest-share", out.rest_share, "share of children that rest in the book")
      ->check(CLI::Range(0.0, 1.0));
  app.add_flag("--no-parent", out.no_parent, "children name no parent");
  app.add_option("--seconds", out.seconds, "trades for so long; 0 = until SIGTERM")
      ->check(CLI::Range(0.0, 86400.0));
  app.add_option("--orders", out.orders, "hand in so many orders at the rate, then idle; -1 = no such end")
      ->check(CLI::Range(-1, 100000000));
  app.add_option("--queue", out.queue, "first hand in so many more in one burst")
      ->check(CLI::Range(0, 1000000));
}

struct Misbehaviour {
  bool writer = false, raw = false, rogue = false;
  std::string spin;
};

void add_misbehaviour(CLI::App& app, Options& out, Misbehaviour& flags) {
  app.add_flag("--deaf", out.deaf, "does not cancel when asked");
  app.add_flag("--stubborn", out.stubborn, "once it has traded, goes on trying whatever it is told");
  app.add_flag("--mass-cancel", out.mass_cancel, "cancels by 35=q first");
  app.add_flag("--own-numbers", out.own_numbers, "after a take-over goes on with its own store's numbers");
  app.add_flag("--cancel-on-exit", out.cancel_on_exit, "cancels its open orders before it ends");
  app.add_option("--spin", flags.spin,
                 "at SIGUSR1: hard = spins without beats, busy or progress = beats without progress")
      ->check(CLI::IsMember({"hard", "busy", "progress"}))
      ->expected(0, 1);
  app.add_flag("--around", flags.writer, "at SIGUSR2: an order through the ordinary writer, around the gate");
  app.add_flag("--around-raw", flags.raw, "at SIGUSR2: an order straight into the session's socket");
  app.add_flag("--rogue-socket", flags.rogue, "at SIGUSR2: an order on an unregistered connection");
}

}  // namespace

ParsedOptions parse_options(int argc, char** argv, Options& out) {
  CLI::App app(
      "One server of the Knight demonstration: gets parents, sends children, prints its counters as JSON.");
  Misbehaviour flags;
  add_identity(app, out);
  add_trading(app, out);
  add_misbehaviour(app, out, flags);
  ParsedOptions parsed;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.status = app.exit(error) == 0 ? 0 : 64;
    return parsed;
  }
  if (flags.writer) out.around = Around::writer;
  if (flags.raw) out.around = Around::raw;
  if (flags.rogue) out.around = Around::rogue;
  if (app.count("--spin") > 0)
    out.spin = flags.spin != "hard" && !flags.spin.empty() ? Spin::busy : Spin::hard;
  parsed.go_on = true;
  return parsed;
}

}  // namespace examples
}  // namespace portcullis
