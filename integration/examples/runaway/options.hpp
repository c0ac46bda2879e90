// SPDX-License-Identifier: Apache-2.0
/// @file What the run-away engine is asked to do: the command line as plain values.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace portcullis {
namespace examples {

/// What SIGUSR2 does: ways to send an order that never passed the gate.
enum class Around : std::uint8_t {
  none,
  writer,  ///< through the engine's ordinary writer (as Power Peg did): declared, but never submitted
  raw,     ///< straight into the session's socket: not even declared
  rogue    ///< on a TCP connection that nobody registered
};
/// What SIGUSR1 does.
enum class Spin : std::uint8_t {
  none,
  hard,  ///< spins without beats
  busy   ///< beats, but its work makes no progress
};

struct Options {
  std::string name = "srv1";  ///< the engine's name: its configuration when guarded
  std::string session;        ///< "ENG1:VENUE"
  std::string begin_string = "FIX.4.2";
  std::string session_name;  ///< the configuration's name of the session; empty: "ENG1-VENUE"
  std::string lane = "main";
  std::string run_dir;  ///< empty: the library's default
  std::string book_file, store_dir;
  std::vector<std::string> symbols;  ///< "SYMBOL:BID:ASK:SIZE"
  std::uint16_t port = 0;
  bool guarded = false, stale = false, deaf = false, stubborn = false, threaded = false, no_parent = false;
  bool mass_cancel = false, own_numbers = false, reset_on_logon = false, cancel_on_exit = false;
  Around around = Around::none;
  Spin spin = Spin::none;
  int parents = 212, symbol_count = 0, server = 0, servers = 1;
  std::int64_t rate_per_s = 100, orders = -1, queue = 0, child_qty = 100;
  double rest_share = 0;
  double seconds = 0;  ///< from the first order on; 0: until SIGTERM
  int heartbeat_s = 30;
  std::uint64_t seed = 1;
};

/// 0 = go on; anything else ends the process with the exit status `status` (also for --help).
struct ParsedOptions {
  bool go_on = false;
  int status = 0;
};
ParsedOptions parse_options(int argc, char** argv, Options& out);

}  // namespace examples
}  // namespace portcullis
