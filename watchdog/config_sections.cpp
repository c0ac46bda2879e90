// SPDX-License-Identifier: Apache-2.0
/// @file Reads everything of the configuration that is neither a lane, a session nor a limit.
#include <fmt/format.h>

#include <algorithm>

#include "watchdog/config_decimal.hpp"
#include "watchdog/config_parts.hpp"

namespace portcullis {
namespace {

constexpr std::int64_t kNsPerHour = 3'600'000'000'000;
constexpr std::int64_t kNsPerMs = 1'000'000;

std::array<char, 4> currency_of(std::string_view text) {
  std::array<char, 4> out{};
  std::copy_n(text.begin(), std::min<std::size_t>(text.size(), 3), out.begin());
  return out;
}

/// A liveness row of the whole engine; nothing milder than halting it is offered.
LimitSetting engine_row(LimitKind kind, std::int64_t value) {
  LimitSetting row;
  row.kind = kind;
  row.value = value;
  row.name = limit_name(kind);
  return row;
}

/// A time in ms that may be off, as a row in ns.
LimitSetting time_row(const Section& section, std::string_view key, LimitKind kind) {
  LimitSetting row = engine_row(kind, 0);
  const ConfigNode* value = section.need(key);
  if (value == nullptr) return row;
  if (is_off(*value)) {
    read_off(section, key, *value, row);
  } else {
    row.value = section.needed_integer(key) * kNsPerMs;
  }
  return row;
}

void read_rate(const Section& section, const std::string& name, const ConfigNode& value, Loading& loading) {
  constexpr std::int64_t kMaxRateE8 = 100'000'000'000'000;  // 1,000,000
  if (!is_currency(name)) {
    section.refuse(name, value, "three capital letters, max_age_h or as_of");
    return;
  }
  FxRate rate{currency_of(name), 0};
  const bool exact =
      value.kind == ConfigNode::Kind::text && parse_decimal(value.text, 8, rate.rate_e8) == DecimalError::ok;
  if (!exact || rate.rate_e8 <= 0 || rate.rate_e8 > kMaxRateE8) {
    section.refuse(name, value, "a decimal text above 0, at most 1000000, with at most 8 decimals");
  } else if (name == loading.config.currency.data()) {
    section.refuse(name, value, "another currency than the configuration's own");
  } else {
    loading.config.fx.push_back(rate);
  }
}

}  // namespace

void read_identity(const Section& top, Loading& loading) {
  Config& config = loading.config;
  (void)top.needed_integer("version");
  config.environment = top.needed_text("environment", is_name);
  config.currency = currency_of(top.needed_text("currency", is_currency));
  const std::string path = top.needed_text("instruments", is_reason);
  loading.csv_path = path.empty() || path.front() == '/' ? path : loading.folder + path;
  config.mode = top.needed_choice<Mode>("mode", {{"host", Mode::host}, {"desk", Mode::desk}});
  config.memory_max_mib = static_cast<std::uint32_t>(top.integer("memory_max_mib", 32));
}

void read_fx(const Section& top, Loading& loading) {
  if (top.find("fx") == nullptr) return;
  const Section fx(top.table("fx"), "fx", "fx", loading.reading, Unlisted::leave);
  const std::int64_t max_age_ns = fx.needed_integer("max_age_h") * kNsPerHour;
  if (const ConfigNode* as_of = fx.need("as_of"); as_of != nullptr) {
    std::int64_t as_of_ns = 0;
    if (as_of->kind != ConfigNode::Kind::text || !parse_utc(as_of->text, as_of_ns) ||
        as_of_ns > loading.wall_now_ns || loading.wall_now_ns - as_of_ns > max_age_ns)
      fx.refuse("as_of", *as_of);
  }
  for (const auto& [key, value] : fx.node().members)
    if (find_key("fx", key) == nullptr) read_rate(fx, key, value, loading);
}

void read_engine(const Section& top, Loading& loading) {
  Config& config = loading.config;
  const Section engine(top.table("engine"), "engine", "engine", loading.reading);
  if (config.mode == Mode::host) (void)engine.need("user");
  config.engine_user = engine.text("user", is_account, "");
  const bool root =
      config.engine_user == "root" ||
      (!config.engine_user.empty() && config.engine_user.find_first_not_of('0') == std::string::npos);
  if (config.mode == Mode::host && root)
    engine.refuse("user", *engine.find("user"),
                  "another user than root, which could write into the supervisor");
  const auto sockets = engine.tables("allowed_socket");
  if (sockets.size() > kMaxAllowedSockets) engine.refuse("allowed_socket", *engine.find("allowed_socket"));
  for (std::size_t i = 0; i < std::min(sockets.size(), kMaxAllowedSockets); ++i) {
    const Section one(sockets[i], "engine.allowed_socket", fmt::format("engine.allowed_socket[{}]", i),
                      loading.reading);
    AllowedSocket socket;
    socket.port = static_cast<std::uint16_t>(one.needed_integer("port"));
    const ConfigNode* prefix = one.need("prefix");
    if (prefix == nullptr) continue;
    if (prefix->kind != ConfigNode::Kind::text || !parse_prefix(prefix->text, socket))
      one.refuse("prefix", *prefix);
    config.allowed_sockets.push_back(socket);
  }
}

void read_people(const Section& top, Loading& loading) {
  Config& config = loading.config;
  const Section people(top.table("people"), "people", "people", loading.reading);
  for (const char* key : {"halt", "arm"})
    if (config.mode == Mode::host) (void)people.need(key);
  config.halt_group = people.text("halt", is_account, "");
  config.arm_group = people.text("arm", is_account, "");
  const Section paths(top.table("paths"), "paths", "paths", loading.reading);
  config.run_dir = paths.text("run_dir", is_absolute_path, "/run/portcullis");
  config.state_dir = paths.text("state_dir", is_absolute_path, "/var/lib/portcullis");
}

void read_supervisor(const Section& top, Loading& loading) {
  constexpr std::int64_t kCyclesPerLease = 5;  // one late cycle must not cost the lease
  SupervisorConfig& to = loading.config.supervisor;
  const Section from(top.table("supervisor"), "supervisor", "supervisor", loading.reading);
  to.cycle_us = static_cast<std::uint32_t>(from.integer("cycle_us", 1000));
  to.spin = from.boolean("spin", false);
  to.lease_ms = static_cast<std::uint32_t>(from.integer("lease_ms", 250));
  to.monitor_cpu = static_cast<std::int32_t>(from.integer("monitor_cpu", -1));
  if (std::int64_t{to.lease_ms} * 1000 < kCyclesPerLease * to.cycle_us) {
    const char* key = from.find("lease_ms") != nullptr ? "lease_ms" : "cycle_us";
    from.refuse(key, *from.find(key));
  }
  auto& limits = loading.config.limits;
  limits.push_back(time_row(from, "beat_age_ms", LimitKind::beat_age));
  limits.push_back(time_row(from, "progress_ms", LimitKind::progress));
  limits.push_back(engine_row(LimitKind::death, 0));
  limits.push_back(engine_row(LimitKind::lease, 0));
  limits.push_back(engine_row(LimitKind::ledger_integrity, from.integer("unreadable_ms", 100) * kNsPerMs));
}

void read_ladder(const Section& top, Loading& loading) {
  LadderConfig& to = loading.config.ladder;
  const Section from(top.table("ladder"), "ladder", "ladder", loading.reading);
  const auto number = [&](const char* key, std::uint32_t absent) {
    return static_cast<std::uint32_t>(from.integer(key, absent));
  };
  to.ask_ms = number("ask_ms", to.ask_ms);
  to.take_over_ms = number("take_over_ms", to.take_over_ms);
  to.answer_ms = number("answer_ms", std::min(to.answer_ms, to.take_over_ms));
  if (to.answer_ms > to.take_over_ms) from.refuse("answer_ms", *from.find("answer_ms"));
  to.cancel_retry_s = number("cancel_retry_s", to.cancel_retry_s);
  to.sever_ms = number("sever_ms", to.sever_ms);
  to.fence_ms = number("fence_ms", to.fence_ms);
  to.fence = from.choice<Fence>("fence", {{"kill", Fence::kill}, {"freeze", Fence::freeze}}, Fence::kill);
  to.fence_if = from.choice<FenceIf>("fence_if", {{"unknown", FenceIf::unknown}, {"always", FenceIf::always}},
                                     FenceIf::unknown);
  if (to.fence == Fence::freeze) {
    to.freeze_s = static_cast<std::uint32_t>(from.needed_integer("freeze_s"));
  } else if (const ConfigNode* freeze = from.find("freeze_s"); freeze != nullptr) {
    from.refuse("freeze_s", *freeze);
  }
}

}  // namespace portcullis
