// SPDX-License-Identifier: Apache-2.0
/// @file The same eight servers with a supervisor beside each, armed by the portcullis command as an operator
/// does it. Each supervisor runs in a network namespace without any interface: what it needs of a session it
/// holds.
#pragma once
#include "tests/demonstration/servers.hpp"

namespace portcullis::demonstration {

class GuardedServers : public Servers {
 public:
  using Servers::Servers;

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

 private:
  struct Answer {
    int exit = -1;
    nlohmann::json json;
    std::string errors;
  };
  [[nodiscard]] std::string start_supervisor(int server);
  [[nodiscard]] bool ready_to_arm(int server);
  [[nodiscard]] std::string arm(int server);
  [[nodiscard]] Answer portcullis(const std::vector<std::string>& words);
  [[nodiscard]] nlohmann::json status(int server);

  std::vector<ChildProcess> supervisors_;
  nlohmann::json halted_, at_the_end_;
  std::int64_t open_at_venue_ = -1;
  int others_halted_ = 0;
};

}  // namespace portcullis::demonstration
