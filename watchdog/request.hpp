// SPDX-License-Identifier: Apache-2.0
/// @file One request of the CLI: a flat JSON object of at most 4096 bytes in one packet. Read strictly: an
/// unknown or repeated key, a nested value, a text that is too long or has control characters is an error,
/// never a guess. The sender is whoever the kernel says (people.hpp); `actor` and `login_uid` are only what
/// the sender claims.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace portcullis {

inline constexpr std::size_t kRequestBytesMax = 4096;
inline constexpr std::size_t kReasonBytesMax = 200;

enum class RequestCommand : std::uint8_t { status, arm, disarm, halt, clear, resolve };
/// "status", "arm", ...
[[nodiscard]] const char* command_name(RequestCommand command) noexcept;

/// What people found out about an unknown order.
enum class ResolveAs : std::uint8_t { none, cancelled, filled, rejected };
/// "cancelled", ...; "" for none.
[[nodiscard]] const char* resolve_as_name(ResolveAs as) noexcept;

struct Request {
  RequestCommand command = RequestCommand::status;
  std::string lane;       ///< empty: the whole engine
  std::string reason;     ///< never empty for arm and clear
  std::string cl_ord_id;  ///< resolve only
  ResolveAs as = ResolveAs::none;
  std::string actor;  ///< a claim
};

enum class [[nodiscard]] RequestError : std::uint8_t{
    ok = 0,
    too_long,  ///< above kRequestBytesMax
    not_json,  ///< or not UTF-8
    not_flat,  ///< no object, or a value that is neither text nor a whole number
    unknown_key,     repeated_key,
    wrong_version,    ///< "v" is missing or not 1
    unknown_command,  ///< "cmd" is missing or none of the six
    bad_text,         ///< too long, or with control characters
    wrong_value,      ///< a number where a text belongs, an unknown "as"
    missing_key,      ///< arm and clear: reason; resolve: cl_ord_id and as
    misplaced_key,    ///< cl_ord_id and as belong to resolve, lane does not
};
/// A sentence for people.
[[nodiscard]] const char* request_error_text(RequestError error) noexcept;

/// Reads one packet. `out` is untouched on error. Never throws.
RequestError parse_request(std::string_view packet, Request& out);

}  // namespace portcullis
