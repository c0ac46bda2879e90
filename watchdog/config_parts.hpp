// SPDX-License-Identifier: Apache-2.0
/// @file The parts of loading a configuration, in the order in which load_config runs them. Each reads its
/// tables and fills its part of Config; errors go to the Reading and do not stop the others. Internal to the
/// configuration: everybody else includes config.hpp.
#pragma once
#include <string>
#include <unordered_map>

#include "watchdog/config.hpp"
#include "watchdog/config_reader.hpp"

namespace portcullis {

struct Loading {
  Config config;
  Reading reading;
  std::string folder;  ///< of the configuration file, with a '/' at its end, or empty
  std::int64_t wall_now_ns = 0;
  std::string csv_path;
  bool symbols_known = false;  ///< false after an error in the instruments file: symbols cannot be judged
  std::unordered_map<std::string, std::uint32_t> symbols;
};

void read_identity(const Section& top, Loading& loading);    ///< version, environment, currency, mode, memory
void read_fx(const Section& top, Loading& loading);          ///< exchange rates and their age
void read_engine(const Section& top, Loading& loading);      ///< user, allowed sockets
void read_people(const Section& top, Loading& loading);      ///< people and paths
void read_supervisor(const Section& top, Loading& loading);  ///< also the rows beat_age ... ledger_integrity
void read_ladder(const Section& top, Loading& loading);
void read_sessions(const Section& top, Loading& loading);  ///< also the rows undeclared_bytes
void read_lanes(const Section& top, Loading& loading);     ///< needs instruments and sessions
void read_limits(const Section& top, Loading& loading);    ///< needs lanes
void read_capacities(const Section& top, Loading& loading);

/// Parses "127.0.0.0/8" or "::1/128" without any resolver. False for anything else, also for host bits set.
[[nodiscard]] bool parse_prefix(const std::string& text, AllowedSocket& out) noexcept;
/// Parses "2026-11-20T17:00:00Z", exactly that form and only days that exist, into ns since 1970.
[[nodiscard]] bool parse_utc(std::string_view text, std::int64_t& out_ns) noexcept;

/// True when the value is a table with the key "off": the limit is meant to be absent.
[[nodiscard]] bool is_off(const ConfigNode& value) noexcept;
/// Reads { off = "reason" } into `row`.
void read_off(const Section& section, std::string_view key, const ConfigNode& value, LimitSetting& row);

}  // namespace portcullis
