// SPDX-License-Identifier: Apache-2.0
/// @file The configuration under which one server of the guarded run trades. The same limits for all eight:
/// nobody knows beforehand which of them has the old code.
#pragma once
#include <string>

namespace portcullis::demonstration {

struct GuardedServer {
  std::string engine;   ///< "srv1"
  std::string session;  ///< name of its session
  std::string run_dir, state_dir;
  std::string instruments;  ///< path of the instruments file
  bool fan_out = true;      ///< the limits that know the old code by its children
};

inline constexpr const char* kLane = "router";

/// The text of ENGINE.toml, see portcullis.toml(5).
[[nodiscard]] std::string guard_config(const GuardedServer& server);

}  // namespace portcullis::demonstration
