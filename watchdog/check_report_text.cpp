// SPDX-License-Identifier: Apache-2.0
/// @file See check_report.hpp: the report as text for people and as JSON for programs.
#include <fmt/format.h>

#include <algorithm>

#include "watchdog/check_report.hpp"

namespace portcullis {
namespace {

/// Milliseconds below ten seconds, then seconds.
std::string time_text(std::uint64_t ms) {
  return ms < 10'000 ? fmt::format("{} ms", ms) : fmt::format("{}.{} s", ms / 1000, ms % 1000 / 100);
}

/// Names have at most 23 bytes, but a row's name and its scope add their own words.
template <class Row, class Text>
std::size_t widest(const std::vector<Row>& rows, Text text) {
  std::size_t width = 0;
  for (const Row& row : rows) width = std::max(width, text(row).size());
  return width;
}

std::string limits_text(const CheckReport& report) {
  const std::size_t name = widest(report.limits, [](const CheckLimit& row) { return row.name; });
  const std::size_t scope = widest(report.limits, [](const CheckLimit& row) { return row.scope; });
  const std::size_t shown = widest(report.limits, [](const CheckLimit& row) { return row.shown; });
  std::string text = fmt::format("{:{}}  {:{}}  {:>{}}  {:11}  ENFORCED\n", "LIMIT", name, "SCOPE", scope,
                                 "MAX", shown, "DO");
  for (const CheckLimit& row : report.limits)
    text += row.off.empty()
                ? fmt::format("{:{}}  {:{}}  {:>{}}  {:11}  {}\n", row.name, name, row.scope, scope,
                              row.shown, shown, row.action, row.enforced)
                : fmt::format("{:{}}  {:{}}  off: {}\n", row.name, name, row.scope, scope, row.off);
  return text;
}

std::string capacities_text(const CheckReport& report) {
  std::string text = fmt::format("{:14}  {:>8}  {:>12}\n", "CAPACITY", "COUNT", "BYTES");
  for (const CheckCapacity& row : report.capacities)
    text += fmt::format("{:14}  {:>8}  {:>12}\n", row.name, row.count, row.bytes);
  text += fmt::format("{:14}  {:>8}  {:>12}  of at most {}\n", "together", "", report.memory_bytes,
                      report.memory_max_bytes);
  return text;
}

std::string session_text(const CheckSession& session) {
  std::string text = fmt::format("SESSION {}  transport {}  cancel on disconnect {}\n", session.name,
                                 session.transport, session.cancel_on_disconnect);
  for (const CheckRung& rung : session.rungs)
    text += fmt::format("  {:9}  {:3}  {}\n", rung.name, rung.exists ? "yes" : "no", rung.note);
  text +=
      fmt::format("  cancelling {} orders at {} per s: {}{}\n", session.orders, session.cancel_rate_per_s,
                  time_text(session.cancel_all_ms), session.mass_cancel ? "; mass cancel: one message" : "");
  if (!session.note.empty()) text += fmt::format("  NOTE  {}\n", session.note);
  return text;
}

std::string margins_text(const CheckReport& report) {
  std::string text = "SUPERVISED ONLY: the worst before it acts\n";
  for (const CheckMargin& row : report.margins) {
    text +=
        fmt::format("  {}: seen within {}", row.limit, time_text((row.reaction_ns + 999'999) / 1'000'000));
    if (row.orders) text += fmt::format("; {} orders", *row.orders);
    if (row.notional_e4) text += fmt::format("; {} {}", (*row.notional_e4 + 9'999) / 10'000, report.currency);
    text += fmt::format("; {}\n", row.note);
  }
  return text;
}

nlohmann::json limit_json(const CheckLimit& row) {
  if (!row.off.empty()) return {{"name", row.name}, {"scope", row.scope}, {"off", row.off}};
  return {{"name", row.name}, {"scope", row.scope},   {"value", row.value},
          {"unit", row.unit}, {"action", row.action}, {"enforced", row.enforced}};
}

nlohmann::json session_json(const CheckSession& session) {
  nlohmann::json rungs = nlohmann::json::array();
  for (const CheckRung& rung : session.rungs)
    rungs.push_back({{"name", rung.name}, {"exists", rung.exists}, {"note", rung.note}});
  return {{"name", session.name},
          {"transport", session.transport},
          {"cancel_on_disconnect", session.cancel_on_disconnect},
          {"mass_cancel", session.mass_cancel},
          {"cancel_rate_per_s", session.cancel_rate_per_s},
          {"orders", session.orders},
          {"cancel_all_ms", session.cancel_all_ms},
          {"rungs", std::move(rungs)},
          {"note", session.note}};
}

/// What is not computable is null, never zero.
nlohmann::json margin_json(const CheckMargin& row) {
  nlohmann::json out = {{"limit", row.limit}, {"reaction_ns", row.reaction_ns}, {"note", row.note}};
  out["orders"] = row.orders ? nlohmann::json(*row.orders) : nlohmann::json(nullptr);
  out["notional_e4"] = row.notional_e4 ? nlohmann::json(*row.notional_e4) : nlohmann::json(nullptr);
  return out;
}

}  // namespace

std::string check_text(const CheckReport& report) {
  std::string text = fmt::format("{}  environment {}  currency {}  config {}\n\n", report.engine,
                                 report.environment, report.currency, report.hash.substr(0, 8));
  text += limits_text(report) + "\n" + capacities_text(report) + "\n";
  if (report.sessions.empty()) text += "SESSION none: rungs close, ask and fence only\n";
  for (const CheckSession& session : report.sessions) text += session_text(session);
  return text + "\n" + margins_text(report);
}

nlohmann::json check_json(const CheckReport& report) {
  nlohmann::json out = {{"engine", report.engine},
                        {"environment", report.environment},
                        {"currency", report.currency},
                        {"hash", report.hash},
                        {"memory_bytes", report.memory_bytes},
                        {"memory_max_bytes", report.memory_max_bytes}};
  for (const char* list : {"limits", "capacities", "sessions", "margins"})
    out[list] = nlohmann::json::array();
  for (const CheckLimit& row : report.limits) out["limits"].push_back(limit_json(row));
  for (const CheckCapacity& row : report.capacities)
    out["capacities"].push_back({{"name", row.name}, {"count", row.count}, {"bytes", row.bytes}});
  for (const CheckSession& session : report.sessions) out["sessions"].push_back(session_json(session));
  for (const CheckMargin& row : report.margins) out["margins"].push_back(margin_json(row));
  return out;
}

std::string errors_text(const LoadResult& result) {
  std::string text;
  for (const ConfigError& error : result.errors) text += to_text(error) + "\n";
  if (result.error_count > result.errors.size())
    text += fmt::format("and {} more errors\n", result.error_count - result.errors.size());
  return text;
}

nlohmann::json errors_json(const LoadResult& result) {
  nlohmann::json list = nlohmann::json::array();
  for (const ConfigError& error : result.errors)
    list.push_back({{"file", error.file},
                    {"line", error.line},
                    {"key", error.key},
                    {"value", error.value},
                    {"allowed", error.allowed}});
  return {{"errors", std::move(list)}, {"error_count", result.error_count}};
}

}  // namespace portcullis
