// SPDX-License-Identifier: Apache-2.0
/// @file See config_keys.hpp.
#include "watchdog/config_keys.hpp"

#include <fmt/format.h>

#include <array>

namespace portcullis {
namespace {

using enum KeyType;

constexpr std::string_view kName = "1 to 23 bytes of [A-Za-z0-9._-], unique";
constexpr std::string_view kAccount =
    "a name of 1 to 32 bytes of [A-Za-z0-9._-] or a number below 4294967295";
constexpr std::string_view kAbsolute = "an absolute path of at most 64 printable bytes";
constexpr std::string_view kBool = "true or false";

constexpr auto kKeys = std::to_array<KeySpec>({
    {"", "version", integer, 1, 1, "(the only one)"},
    {"", "environment", text, 0, 0, "1 to 23 bytes of [A-Za-z0-9._-]"},
    {"", "currency", text, 0, 0, "three capital letters"},
    {"", "instruments", text, 0, 0, "the path of a CSV file, from this file's folder"},
    {"", "mode", text, 0, 0, "\"host\" or \"desk\""},
    {"", "memory_max_mib", integer, 1, 1024, "MiB"},
    {"", "fx", table, 0, 0, "a table { EUR = \"1.08\", max_age_h = 24, as_of = \"2026-11-20T17:00:00Z\" }"},
    {"", "engine", table, 0, 0, "a table"},
    {"", "people", table, 0, 0, "a table"},
    {"", "paths", table, 0, 0, "a table"},
    {"", "supervisor", table, 0, 0, "a table"},
    {"", "ladder", table, 0, 0, "a table"},
    {"", "capacity", table, 0, 0, "a table"},
    {"", "session", table, 0, 0, "at most 16 tables [[session]]"},
    {"", "lane", table, 0, 0, "1 to 256 tables [[lane]]"},
    {"", "limits", table, 0, 0, "the tables [limits.engine] and, for each lane, [limits.lane.NAME]"},

    {"fx", "max_age_h", integer, 1, 8784, "hours"},
    {"fx", "as_of", text, 0, 0,
     "a time as \"2026-11-20T17:00:00Z\", not later than now, not older than max_age_h"},

    {"engine", "user", text, 0, 0, kAccount},
    {"engine", "allowed_socket", table, 0, 0, "at most 64 tables [[engine.allowed_socket]]"},
    {"engine.allowed_socket", "prefix", text, 0, 0,
     "an IPv4 or IPv6 prefix such as \"127.0.0.0/8\" or \"::1/128\", no bit set after its length"},
    {"engine.allowed_socket", "port", integer, 0, 65535, "(the remote port; 0 = any)"},

    {"people", "halt", text, 0, 0, kAccount},
    {"people", "arm", text, 0, 0, kAccount},

    {"paths", "run_dir", text, 0, 0, kAbsolute},
    {"paths", "state_dir", text, 0, 0, kAbsolute},

    {"supervisor", "cycle_us", integer, 100, 100'000, "us, at most a fifth of lease_ms"},
    {"supervisor", "spin", boolean, 0, 0, kBool},
    {"supervisor", "lease_ms", integer, 10, 10'000, "ms, at least five cycles"},
    {"supervisor", "beat_age_ms", limit, 10, 600'000, "ms"},
    {"supervisor", "progress_ms", limit, 10, 600'000, "ms"},
    {"supervisor", "unreadable_ms", integer, 1, 10'000, "ms"},
    {"supervisor", "monitor_cpu", integer, -1, 1023, "(a processor; -1 = any)"},

    {"ladder", "ask_ms", integer, 1, 600'000, "ms"},
    {"ladder", "take_over_ms", integer, 1, 600'000, "ms"},
    {"ladder", "answer_ms", integer, 1, 600'000, "ms, at most take_over_ms"},
    {"ladder", "cancel_retry_s", integer, 0, 86'400, "s"},
    {"ladder", "sever_ms", integer, 1, 60'000, "ms"},
    {"ladder", "fence_ms", integer, 1, 60'000, "ms"},
    {"ladder", "fence", text, 0, 0, "\"kill\" or \"freeze\""},
    {"ladder", "freeze_s", integer, 1, 3600, "s, only with fence = \"freeze\""},
    {"ladder", "fence_if", text, 0, 0, "\"unknown\" or \"always\""},

    {"capacity", "instruments", integer, 1, 10'000, "instruments"},
    {"capacity", "pairs", integer, 1, 16'384, "lane-instrument pairs"},
    {"capacity", "parents", integer, 0, 10'000, "parents"},
    {"capacity", "open_orders", integer, 1, 65'536, "orders"},
    {"capacity", "sessions", integer, 0, 16, "session slots"},
    {"capacity", "rate_entries", integer, 1, 262'144,
     "time stamps of one ring, a power of two; a ring for each lane and one for all, 262144 together"},
    {"capacity", "message_ends", integer, 64, 4096, "messages per session, a power of two"},

    {"session", "name", text, 0, 0, kName},
    {"session", "begin_string", text, 0, 0, "at most 32 printable bytes"},
    {"session", "transport", text, 0, 0, "\"kernel\", \"bypass\", \"tls\" or \"none\""},
    {"session", "undeclared_bytes", limit, 0, 1'048'576, "bytes"},
    {"session", "backlog_bytes", integer, 4096, 1'073'741'824, "bytes, only with transport = \"kernel\""},
    {"session", "cancel_rate_per_s", integer, 1, 100'000, "cancels per second"},
    {"session", "mass_cancel", boolean, 0, 0, kBool},
    {"session", "take_over", boolean, 0, 0, kBool},
    {"session", "poison", boolean, 0, 0, kBool},
    {"session", "reset_mode", boolean, 0, 0, kBool},
    {"session", "status_request", boolean, 0, 0, kBool},
    {"session", "heartbeat_s", integer, 1, 3600, "s"},
    {"session", "cancel_on_disconnect", text, 0, 0, "\"none\", \"day\" or \"all\""},
    {"session", "contact", text, 0, 0, "at most 120 printable bytes"},

    {"lane", "name", text, 0, 0, kName},
    {"lane", "tags", table, 0, 0, "a table of at most 16 texts of at most 60 printable bytes"},
    {"lane", "on_halt", text, 0, 0, "\"cancel\""},
    {"lane", "instruments", text, 0, 0, "a list of symbols of the instruments file, each once"},
    {"lane", "session", text, 0, 0, "the name of a [[session]]"},

    {"limits", "engine", table, 0, 0, "a table"},
    {"limits", "lane", table, 0, 0, "one table [limits.lane.NAME] for each [[lane]]"},

    {"limits.engine", "order_rate", limit, 0, 0, "1 to 8 windows [{ max = 50, per_ms = 10 }, ...]"},
    {"limits.engine", "gross_notional", limit, 1, kMaxMoneyE4, "in the configuration's currency"},
    {"limits.engine", "open_orders", limit, 1, 65'536, "orders"},
    {"limits.engine", "refusals", limit, 0, 0, "a window { max = 20, per_ms = 1000 }"},
    {"limits.engine", "foreign_orders", limit, 0, 1'000'000, "orders"},
    {"limits.engine", "unsubmitted_orders", limit, 0, 1'000'000, "orders"},
    {"limits.engine", "unregistered_sockets", limit, 0, 1024, "sockets"},

    {"limits.lane", "order_rate", limit, 0, 0, "1 to 8 windows [{ max = 50, per_ms = 10 }, ...]"},
    {"limits.lane", "order_qty", limit, 1, kMaxQuantity, "contracts or shares"},
    {"limits.lane", "order_notional", limit, 1, kMaxMoneyE4, "in the configuration's currency"},
    {"limits.lane", "price_collar", limit, 0, 0, "a table { bps = 50 }"},
    {"limits.lane", "position", limit, 1, kMaxQuantity,
     "a table { SYMBOL = quantity, ..., each = quantity } that covers every instrument of the lane, "
     "quantities"},
    {"limits.lane", "gross_notional", limit, 1, kMaxMoneyE4, "in the configuration's currency"},
    {"limits.lane", "open_orders", limit, 1, 65'536, "orders"},
    {"limits.lane", "children", limit, 1, 1'000'000, "orders of one parent"},
    {"limits.lane", "child_qty", limit, 0, 0, "a table { bps_of_parent = 10000 }"},
    {"limits.lane", "orders_without_parent", boolean, 0, 0,
     "true or false; owed where children or child_qty is set, and only there"},

    {"limit", "max", integer, 1, kMaxRateRing, "orders in one window"},
    {"limit", "per_ms", integer, 1, 86'400'000, "ms, each window once"},
    {"limit", "bps", integer, 1, 10'000, "basis points of the reference price"},
    {"limit", "bps_of_parent", integer, 1, 10'000, "basis points of the parent's quantity"},
    {"limit", "each", integer, 1, kMaxQuantity, "contracts or shares, for each instrument not named"},
    {"limit", "do", text, 0, 0, "an action"},
    {"limit", "off", text, 0, 0, "the reason, 1 to 120 printable bytes, and nothing beside it"},
});

constexpr std::string_view kOff = " or { off = \"reason\" }";

std::string limit_text(const KeySpec& spec) {
  if (spec.max == 0) return fmt::format("{}{}", spec.allowed, kOff);
  if (spec.max == kMaxMoneyE4)
    return fmt::format("an integer or a decimal text with at most 4 decimals, above 0, at most {}, {}{}",
                       kMaxMoney, spec.allowed, kOff);
  if (spec.key == "position")
    return fmt::format("{} from {} to {}{}", spec.allowed, spec.min, spec.max, kOff);
  return fmt::format("an integer from {} to {} {}{}", spec.min, spec.max, spec.allowed, kOff);
}

}  // namespace

std::span<const KeySpec> config_keys() noexcept { return kKeys; }

const KeySpec* find_key(std::string_view section, std::string_view key) noexcept {
  for (const KeySpec& spec : kKeys)
    if (spec.section == section && spec.key == key) return &spec;
  return nullptr;
}

std::string allowed_text(const KeySpec& spec) {
  switch (spec.type) {
    case integer: return fmt::format("an integer from {} to {} {}", spec.min, spec.max, spec.allowed);
    case limit: return limit_text(spec);
    case boolean:
    case text:
    case table: return std::string(spec.allowed);
  }
  return "?";
}

std::string known_keys_text(std::string_view section) {
  std::string text;
  for (const KeySpec& spec : kKeys) {
    if (spec.section != section) continue;
    if (!text.empty()) text += ", ";
    text += spec.key;
  }
  return text;
}

}  // namespace portcullis
