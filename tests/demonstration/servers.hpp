// SPDX-License-Identifier: Apache-2.0
/// @file What the runs share: eight servers, seven with the new code and the last one without it, on eight
/// FIX sessions of one venue, for the same number of seconds. One run is one object: it starts everything,
/// keeps what was counted, and ends everything, also when it fails half way.
#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/demonstration/child_process.hpp"
#include "tests/demonstration/market.hpp"
#include "tests/demonstration/network.hpp"
#include "tests/venue/venue_process.hpp"

namespace portcullis::demonstration {

inline constexpr int kServers = 8;
inline constexpr int kStaleServer = kServers - 1;  ///< its number, from 0
inline constexpr int kParents = 212;               ///< paragraphs 1 and 17

struct Plan {
  std::string bin_dir;  ///< of the programs
  std::string dir;      ///< of everything that is written; exists, short
  int seconds = 12;     ///< that each server trades, from its first order
  int stale_rate_per_s =
      1480;               ///< executions per second of the 45 minutes: 4 million over 2,700 s (paragraph 17)
  int rest_percent = 25;  ///< of the stale server's children, resting in the book
  std::uint64_t seed = 20120801;
  Isolation isolation = Isolation::none;
};

[[nodiscard]] std::string engine_name(int server);
/// SenderCompID (49) of the server's session, and the session's name in the configuration.
[[nodiscard]] std::string comp_id(int server);

class Servers {
 public:
  Servers(const Plan& plan, const Market& market, const std::string& name);
  virtual ~Servers() = default;
  Servers(const Servers&) = delete;
  Servers& operator=(const Servers&) = delete;

  /// Runs it to its end. "" or what went wrong.
  [[nodiscard]] std::string run();

  [[nodiscard]] const venue::VenueLog& log() const { return log_; }
  /// The counters that each server printed, by number; null for one that was killed.
  [[nodiscard]] const std::vector<nlohmann::json>& counters() const { return counters_; }

 protected:
  /// Before the engines; the venue listens.
  [[nodiscard]] virtual std::string before() { return {}; }
  /// The engines run.
  [[nodiscard]] virtual std::string during() { return {}; }
  /// The engines have ended, the venue has not.
  [[nodiscard]] virtual std::string after() { return {}; }
  [[nodiscard]] virtual std::vector<std::string> more_arguments(int) const { return {}; }
  /// How that server's process is to end: 0, or 128 + the signal that we send it.
  [[nodiscard]] virtual int ends_with(int) const { return 0; }

  [[nodiscard]] std::string program(const std::string& name) const { return plan_.bin_dir + '/' + name; }
  [[nodiscard]] std::string path(const std::string& name) const { return dir_ + '/' + name; }

  const Plan& plan_;
  const Market& market_;
  std::unique_ptr<venue::VenueProcess> venue_;
  std::vector<ChildProcess> engines_;

 private:
  [[nodiscard]] std::string start_venue();
  void start_engine(int server);
  [[nodiscard]] std::string await_engines();

  std::string dir_;
  venue::VenueLog log_;
  std::vector<nlohmann::json> counters_;
};

}  // namespace portcullis::demonstration
