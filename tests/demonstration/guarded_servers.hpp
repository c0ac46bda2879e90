// SPDX-License-Identifier: Apache-2.0
/// @file The same eight servers with a supervisor beside each, armed by the portcullis command as an operator
/// does it. Each supervisor runs in a network namespace without any interface: what it needs of a session it
/// holds.
#pragma once
#include "tests/demonstration/servers.hpp"

namespace portcullis::demonstration {

/// How the stale server's run is to end.
enum class Ending : std::uint8_t {
  tripped,  ///< by the first child too many
  killed,   ///< no fan-out limit; SIGKILL at full rate, with kOpenWhenKilled orders of it resting in the book
};
inline constexpr int kOpenWhenKilled = 100;

class GuardedServers : public Servers {
 public:
  GuardedServers(const Plan& plan, const Market& market, const std::string& name, Ending ending)
      : Servers(plan, market, name), ending_(ending) {}

  /// `portcullis status` of the stale server once its halt had finished, while the engine still lived.
  [[nodiscard]] const nlohmann::json& halted() const { return halted_; }
  /// The same after the engine had ended.
  [[nodiscard]] const nlohmann::json& at_the_end() const { return at_the_end_; }
  /// Orders of the stale server that the venue held open at that first moment; -1 unknown.
  [[nodiscard]] std::int64_t open_at_venue() const { return open_at_venue_; }
  /// Other servers that Portcullis halted; there is no reason for any.
  [[nodiscard]] int others_halted() const { return others_halted_; }

 protected:
  [[nodiscard]] std::string before() override;
  [[nodiscard]] std::string during() override;
  [[nodiscard]] std::string after() override;
  [[nodiscard]] std::vector<std::string> more_arguments(int server) const override;
  [[nodiscard]] int ends_with(int server) const override;

 private:
  struct Answer {
    int exit = -1;
    nlohmann::json json;
    std::string errors;
  };
  [[nodiscard]] std::string start_supervisor(int server);
  [[nodiscard]] std::string kill_stale_server();
  [[nodiscard]] bool ready_to_arm(int server);
  [[nodiscard]] std::string arm(int server);
  [[nodiscard]] Answer portcullis(const std::vector<std::string>& words);
  [[nodiscard]] nlohmann::json status(int server);

  const Ending ending_;
  std::vector<ChildProcess> supervisors_;
  nlohmann::json halted_, at_the_end_;
  std::int64_t open_at_venue_ = -1;
  int others_halted_ = 0;
};

}  // namespace portcullis::demonstration
