// SPDX-License-Identifier: Apache-2.0
/// @file The whole chain of real processes for one test: our venue on loopback, one supervisor, one QuickFIX
/// engine, the CLI. Every process is a child of the test, ended by its pid, also when the test fails. Nothing
/// here judges; the venue's log and the CLI's JSON do.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/venue/venue_process.hpp"

namespace portcullis::test {

/// A child process with its standard output kept in a file; SIGKILLed with the object.
class Process {
 public:
  Process() = default;
  /// argv[0] is the path; env are "KEY=VALUE" added to ours; uid: whose it becomes (needs root), -1 ours.
  Process(const std::vector<std::string>& argv, const std::string& output,
          const std::vector<std::string>& env = {}, int uid = -1);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool alive();
  void signal(int number) const;
  /// Waits at most timeout_ms; the wait status, or -1 where it still runs.
  int wait(int timeout_ms);
  [[nodiscard]] std::string output() const;
  /// A whole file; empty where there is none.
  [[nodiscard]] static std::string read(const std::string& path);

 private:
  pid_t pid_ = -1;
  int status_ = -1;
  std::string output_;
};

/// What a CLI call gave.
struct CliResult {
  int exit = -1;
  std::string text;
  nlohmann::json json;  ///< of the last line, discarded where it is none
};

struct RigOptions {
  std::vector<std::string> venue_faults;
  std::vector<std::string> venue_more;  ///< further arguments of the venue
  std::vector<std::string> engine_args = {"--orders", "20", "--rest-share", "1.0", "--rate", "200"};
  std::string begin_string = "FIX.4.4";
  std::string session_name = "VENUE";  ///< as the configuration names the session of ENG1 with the venue
  bool parents = false;                ///< the engine's orders name a parent each
  /// Keys of the configuration's tables that differ from the rig's own; an empty value leaves the key out.
  std::map<std::string, std::string> supervisor, engine, session, engine_limits, lane_limits;
  std::map<std::string, std::string> ladder;
  bool venue_cod = true;
  int uid = -1;  ///< of supervisor, engine and CLI, with the rig's folder its own; -1: whoever runs the test
};

/// Waits until `holds` is true; false at the deadline. Polls every 2 ms: the condition is another process's.
[[nodiscard]] bool eventually(const std::function<bool()>& holds, int timeout_ms = 10'000);

class Rig {
 public:
  explicit Rig(RigOptions options = {});
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  void start_supervisor(const std::vector<std::string>& more = {});
  void start_engine();
  /// Another program as the engine, which finds the supervisor by PORTCULLIS_RUN_DIR.
  void start_engine(const std::vector<std::string>& argv);
  /// Waits until the engine is attached with its session registered.
  [[nodiscard]] bool attached(int timeout_ms = 15'000);
  /// Arms, and waits until the venue holds at least open_orders of ours.
  [[nodiscard]] bool arm();
  [[nodiscard]] bool trading(int open_orders, int timeout_ms = 15'000);
  /// All of the above, in order.
  [[nodiscard]] bool up(int open_orders);

  CliResult cli(const std::vector<std::string>& args, int timeout_ms = 70'000) const;
  [[nodiscard]] nlohmann::json status() const;
  [[nodiscard]] std::string state() const;
  /// Waits until a ladder has ended; the halt report of the status.
  [[nodiscard]] nlohmann::json halted(int timeout_ms = 20'000);

  /// The venue's own count of open orders.
  [[nodiscard]] int venue_open_orders();
  /// New orders in the venue's log that start at or after the offset which the report recorded at `closed`.
  [[nodiscard]] int orders_after_close(const nlohmann::json& halt);

  venue::VenueProcess& venue() { return *venue_; }
  Process& engine() { return engine_; }
  Process& supervisor() { return supervisor_; }
  [[nodiscard]] const std::string& dir() const { return dir_; }
  [[nodiscard]] std::string run_dir() const { return dir_ + "/run"; }
  [[nodiscard]] std::string state_dir() const { return dir_ + "/state"; }
  [[nodiscard]] std::string config() const { return dir_ + "/mm1.toml"; }
  [[nodiscard]] std::string logs() const;  ///< of every process, for a failure's message
  RigOptions options;

 private:
  void write_config() const;
  std::string dir_;
  std::unique_ptr<venue::VenueProcess> venue_;
  Process supervisor_;
  Process engine_;
};

}  // namespace portcullis::test
