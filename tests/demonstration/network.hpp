// SPDX-License-Identifier: Apache-2.0
/// @file The demonstration's network: a namespace with loopback and nothing else; for the supervisors one
/// without even that. What is not permitted here is said, not assumed.
#pragma once
#include <cstdint>

namespace portcullis::demonstration {

enum class Isolation : std::uint8_t {
  root_namespace,  ///< a network namespace made by root
  user_namespace,  ///< one inside a user namespace of this user
  none,            ///< neither is permitted: the machine's own loopback
};

/// Moves this process, and what it starts, into a namespace of its own and brings loopback up there. Call it
/// once, before there are threads.
[[nodiscard]] Isolation isolate();
[[nodiscard]] const char* isolation_text(Isolation isolation) noexcept;

/// For a child between fork and exec: a network namespace in which even loopback is down. False: not
/// permitted.
[[nodiscard]] bool leave_every_network() noexcept;

}  // namespace portcullis::demonstration
