// SPDX-License-Identifier: Apache-2.0
/// @file Names for user numbers. The supervisor keeps numbers; names are looked up here, for the screen only.
/// On the way of a halt only /etc/passwd is read: a name service that hangs (LDAP, the network being the
/// incident) must not hold an operator's terminal.
#pragma once
#include <cstdint>
#include <string>

#include "watchdog/cli/json_value.hpp"

namespace portcullis::cli {

/// Where a name may come from.
enum class NameSource : std::uint8_t {
  local_file,    ///< /etc/passwd; bounded
  name_service,  ///< getpwuid(3); may ask the network
};

/// "risk1(1004)"; "uid 1004" where no name is found.
[[nodiscard]] std::string person(std::uint32_t uid, NameSource source);

/// The person at `key`, which holds a uid or a text; empty if neither (0xFFFFFFFF: nobody).
[[nodiscard]] std::string person_of(const Json& object, const char* key, NameSource source);

}  // namespace portcullis::cli
