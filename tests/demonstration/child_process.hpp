// SPDX-License-Identifier: Apache-2.0
/// @file One process of the demonstration: an engine, a supervisor, a call of the CLI. It is killed with its
/// object and, by the kernel, with the demonstration itself, however that ends.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace portcullis::demonstration {

enum class Network : std::uint8_t { ours, none };

struct Launch {
  std::vector<std::string> argv;  ///< argv[0] is the path
  std::string output;             ///< file that gets standard output
  std::string errors;             ///< file that gets standard error
  Network network = Network::ours;
};

class ChildProcess {
 public:
  static constexpr int kRunning = -1;

  ChildProcess() = default;
  explicit ChildProcess(const Launch& launch);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  /// The exit status, 128 plus the signal's number after a signal, or kRunning. 127 where it could not be
  /// started.
  [[nodiscard]] int poll();
  /// Waits until it has ended; kRunning at the deadline or when interrupted.
  [[nodiscard]] int wait(int timeout_ms);
  void signal(int number) const;
  /// What it has written so far.
  [[nodiscard]] std::string output() const;
  [[nodiscard]] std::string errors() const;
  /// The last line that it has written; empty without one.
  [[nodiscard]] std::string last_line() const;

 private:
  pid_t pid_ = -1;
  int status_ = kRunning;
  std::string output_, errors_;
};

}  // namespace portcullis::demonstration
