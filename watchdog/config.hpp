// SPDX-License-Identifier: Apache-2.0
/// @file The configuration of one engine as plain values: what everybody in the supervisor reads, after the
/// strict reader accepted the file. Nothing here changes after load; a changed file is a new configuration
/// with a new hash.
///
/// A limit exists only as a row of Config::limits. Rows that the file does not name by themselves (death,
/// lease, beat age, ...) are in it too, so that one table is evaluated, counted, shown and audited. A limit
/// that is meant to be absent is a row as well, with `off` and its reason; a limit that is merely missing is
/// a load error. Rejected: optional fields with defaults for limits; "no limit set" must mean block.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shm/capacities.hpp"
#include "shm/limit_kind.hpp"
#include "watchdog/action.hpp"
#include "watchdog/config_error.hpp"
#include "watchdog/instruments.hpp"

namespace portcullis {

inline constexpr std::uint16_t kEngineScope = 0xFFFF;  ///< LimitSetting::lane of a limit on the whole engine
inline constexpr std::uint16_t kNoSession = 0xFFFF;    ///< no session named
inline constexpr std::uint32_t kAnyInstrument =
    0xFFFF'FFFF;  ///< the limit holds for each instrument without a row of its own

inline constexpr std::size_t kMaxNameBytes = 23;  ///< engine, lane and session names
inline constexpr std::size_t kMaxAllowedSockets = 64;

enum class Mode : std::uint8_t {
  host,  ///< supervisor and engine are different users
  desk,  ///< one user for both: shown as "not separated"
};
enum class Transport : std::uint8_t { kernel, bypass, tls, none };
enum class CancelOnDisconnect : std::uint8_t { none, day, all };
enum class Fence : std::uint8_t { kill, freeze };
enum class FenceIf : std::uint8_t { unknown, always };

/// One bound in one scope. For windows there is one row per window.
struct LimitSetting {
  LimitKind kind = LimitKind::order_rate;
  std::uint16_t lane = kEngineScope;
  std::uint16_t session = kNoSession;         ///< only for undeclared_bytes
  std::uint32_t instrument = kAnyInstrument;  ///< only for position: index into Config::instruments
  bool off = false;                           ///< meant to be absent; `off_reason` says why, `value` is 0
  std::string off_reason;
  std::int64_t value = 0;    ///< the largest value that passes, in the unit of LimitKind
  std::uint32_t per_ms = 0;  ///< window of order_rate and refusals; 0 elsewhere
  Action action = Action::halt_engine;
  std::string name;  ///< "order_rate/10ms", "position/ESZ6", "undeclared_bytes/CME-A", "order_qty"
};

/// One flow in the engine; its index in Config::lanes is the lane's number everywhere.
struct LaneConfig {
  std::string name;
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::uint32_t> instruments;  ///< sorted indices into Config::instruments
  std::uint16_t session = kNoSession;      ///< index into Config::sessions
  bool orders_without_parent = true;
};

/// One venue connection; its index in Config::sessions is its configuration number.
struct SessionConfig {
  std::string name;
  std::string begin_string;  ///< a note for people, may be empty
  Transport transport = Transport::none;
  std::uint32_t cancel_rate_per_s = 1;
  bool mass_cancel = false;
  bool take_over = true;       ///< speak on this session for an engine that cannot
  bool poison = true;          ///< end a message that was cut in two with a wrong CheckSum
  bool reset_mode = true;      ///< after silence, SequenceReset in reset mode
  bool status_request = true;  ///< ask for each order by 35=H, where the engine rendered one
  std::uint32_t heartbeat_s = 10;
  CancelOnDisconnect cancel_on_disconnect = CancelOnDisconnect::none;
  std::int64_t backlog_bytes = INT64_MAX;  ///< declared and not taken by the kernel yet, above which orders are refused
  std::string contact;                     ///< printed after a halt
};

/// A remote address that the engine may talk to without registering the socket.
struct AllowedSocket {
  std::array<std::uint8_t, 16> prefix{};  ///< network order; IPv4 uses the first 4 bytes
  std::uint8_t prefix_bits = 0;
  bool ipv6 = false;
  std::uint16_t port = 0;  ///< remote port, host order; 0 = any
};

struct SupervisorConfig {
  std::uint32_t cycle_us = 1000;
  bool spin = false;
  std::uint32_t lease_ms = 250;
  std::int32_t monitor_cpu = -1;  ///< -1 = not pinned
};

struct LadderConfig {
  std::uint32_t ask_ms = 500;
  std::uint32_t take_over_ms = 10'000;  ///< the whole take-over, retries of refused cancels aside
  std::uint32_t answer_ms = 1'000;      ///< silence after which a take-over asks another question
  std::uint32_t cancel_retry_s = 600;   ///< how long an order that the venue refused to cancel is asked for again
  std::uint32_t sever_ms = 200;
  std::uint32_t fence_ms = 1000;
  Fence fence = Fence::kill;
  std::uint32_t freeze_s = 0;  ///< > 0 only with Fence::freeze
  FenceIf fence_if = FenceIf::unknown;
};

/// A file the configuration was read from, for the check that the engine's user cannot edit its own limits.
struct SourceFile {
  std::string path;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;  ///< permission bits
  bool acl = false;        ///< has access control entries beyond them
};

struct Config {
  std::string engine;  ///< the file's name without ".toml"
  std::string environment;
  std::array<char, 4> currency{};
  Mode mode = Mode::host;
  std::string engine_user;  ///< name or number; empty only on a desk: the user of the supervisor
  std::string halt_group;   ///< likewise
  std::string arm_group;    ///< likewise
  std::string run_dir;      ///< absolute
  std::string state_dir;    ///< absolute
  std::uint32_t memory_max_mib = 32;
  std::vector<AllowedSocket> allowed_sockets;
  SupervisorConfig supervisor;
  LadderConfig ladder;
  Capacities capacities;  ///< valid, and both memories together fit into memory_max_mib
  std::vector<Instrument> instruments;
  std::vector<FxRate> fx;
  std::vector<SessionConfig> sessions;
  std::vector<LaneConfig> lanes;
  std::vector<LimitSetting> limits;      ///< engine rows first, then lane by lane
  std::array<std::uint8_t, 32> hash{};   ///< BLAKE2b-256 over both files, each with its length before it
  std::vector<SourceFile> source_files;  ///< the TOML file, then the CSV
};

/// Either a configuration or at least one error.
struct LoadResult {
  std::optional<Config> config;
  std::vector<ConfigError> errors;  ///< at most kMaxConfigErrors
  std::size_t error_count = 0;      ///< all of them
};

/// Reads and checks a configuration; allocates, opens files, resolves no name. Never throws.
/// @param wall_now_ns wall clock (ns since 1970), only for the age of the exchange rates
[[nodiscard]] LoadResult load_config(const std::string& path, std::int64_t wall_now_ns);
/// The same with the system's clock.
[[nodiscard]] LoadResult load_config(const std::string& path);

/// The row that bounds `kind` in that scope: the instrument's own row, else the row for any instrument; the
/// first one when a kind has several windows. nullptr = no such row.
[[nodiscard]] const LimitSetting* find_limit(const Config& config, LimitKind kind, std::uint16_t lane,
                                             std::uint32_t instrument = kAnyInstrument) noexcept;

/// What the supervisor does when it sees this limit exceeded. `refuse` is the hook's answer to an order; once
/// the ledger shows the bound exceeded the hook failed, so the scope is halted.
[[nodiscard]] Action supervised_action(const LimitSetting& limit) noexcept;

/// First 8 hex digits of the hash, as people read it.
[[nodiscard]] std::string short_hash(const std::array<std::uint8_t, 32>& hash);

[[nodiscard]] const char* transport_name(Transport transport) noexcept;
[[nodiscard]] const char* cancel_on_disconnect_name(CancelOnDisconnect value) noexcept;

}  // namespace portcullis
