// SPDX-License-Identifier: Apache-2.0
/// @file Waiting that a signal ends: SIGINT, SIGTERM and SIGHUP ask the demonstration to clean up and stop.
#pragma once
#include <functional>

namespace portcullis::demonstration {

/// From now on those signals only set a flag.
void catch_signals();
[[nodiscard]] bool interrupted();

/// Polls every 5 ms until `holds`; false at the deadline and when interrupted.
[[nodiscard]] bool wait_until(const std::function<bool()>& holds, int timeout_ms);

}  // namespace portcullis::demonstration
