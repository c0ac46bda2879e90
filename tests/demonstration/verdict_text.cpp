// SPDX-License-Identifier: Apache-2.0
/// @file The verdict as people and as programs read it. Money stays in whole ten-thousandths to the last
/// character.
#include <fmt/core.h>

#include "tests/demonstration/verdict.hpp"

namespace portcullis::demonstration {
namespace {

/// 1234567 -> "1,234,567"
std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value < 0 ? -value : value);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return value < 0 ? '-' + digits : digits;
}

/// 12345678 -> "1,235": whole dollars for people.
std::string dollars(std::int64_t value_e4) { return grouped((value_e4 + 5'000) / 10'000); }

/// 12345678 -> "1234.5678": exact, for programs.
std::string exact(std::int64_t value_e4) {
  const std::int64_t size = value_e4 < 0 ? -value_e4 : value_e4;
  return fmt::format("{}{}.{:04}", value_e4 < 0 ? "-" : "", size / 10'000, size % 10'000);
}

std::string duration(std::int64_t ns) {
  const std::int64_t size = ns < 0 ? -ns : ns;
  const char* before = ns < 0 ? "-" : "";
  if (size < 1'000'000) return fmt::format("{}{} us", before, size / 1'000);
  if (size < 1'000'000'000)
    return fmt::format("{}{}.{:02} ms", before, size / 1'000'000, size / 10'000 % 100);
  return fmt::format("{}{}.{:02} s", before, size / 1'000'000'000, size / 10'000'000 % 100);
}

std::string row(const char* name, const std::string& first, const std::string& second, const std::string& third) {
  return fmt::format("{:<38} {:>12} {:>12} {:>12}\n", name, first, second, third);
}

std::string of(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? fmt::format("{} %", 100 * part / whole) : std::string("?");
}

std::string columns(const Verdict& v) {
  const auto three = [&](const char* name, auto figure) {
    return row(name, figure(v.unguarded), figure(v.guarded), figure(v.killed));
  };
  std::string out = row("", "without", "with", "with, killed");
  out += three("orders at the venue", [](const Column& c) { return grouped(c.all.orders); });
  out += three("  of these from the stale server", [](const Column& c) { return grouped(c.stale.orders); });
  out += three("executions", [](const Column& c) { return grouped(c.all.executions); });
  out += three("shares executed", [](const Column& c) { return grouped(c.all.shares); });
  out += three("gross position, USD", [](const Column& c) { return dollars(c.all.gross_notional_e4); });
  out += three("  of the stale server alone", [](const Column& c) { return dollars(c.stale.gross_notional_e4); });
  out += three("lost to the spread, USD", [](const Column& c) { return dollars(c.all.loss_e4); });
  out += three("work of the seven other servers done",
               [](const Column& c) { return of(c.others_shares, c.others_parent_qty); });
  const Column& a = v.unguarded;
  const Column& b = v.guarded;
  if (a.first_wrong_ns)
    out += row("first wrong child to the last order", duration(a.last_order_ns - *a.first_wrong_ns),
               b.wrong_sent && b.first_wrong_ns ? duration(b.last_order_ns - *b.first_wrong_ns)
                                                : std::string("none left"), "-");
  return out;
}

std::string times(const Verdict& v) {
  const Halt& h = v.halt;
  const std::int64_t shift_ns = v.guarded.first_wrong_ns ? h.breach_ns - *v.guarded.first_wrong_ns : 0;
  const auto line = [&](const char* name, std::int64_t Halt::*ns) {
    return row(name, duration(h.*ns), v.guarded.first_wrong_ns ? duration(h.*ns + shift_ns) : std::string("?"),
               duration(v.killed_halt.*ns));
  };
  std::string out = row("with Portcullis, time from", "the breach", "first wrong", "the death");
  out += line("gate closed", &Halt::closed_ns);
  out += line("contained: nothing left in any queue", &Halt::contained_ns);
  out += line("last byte of an order at the venue", &Halt::last_order_ns);
  out += line("last byte of a cancel at the venue", &Halt::last_byte_ns);
  out += line("last cancel acknowledged", &Halt::last_ack_ns);
  return out;
}

std::string outcome(const Halt& h) {
  const bool limited = h.first_limit != "?" && h.unit != "?";  // a death has neither
  const std::string figures = limited ? fmt::format(": observed {}, limit {} {}", h.observed, h.limit, h.unit) : "";
  return fmt::format(
      "first cause {}, scope {}{}\n"
      "open at containment {} = acknowledged {} + never left {}; refused by the venue {}, unknown {}\n"
      "orders that start after the recorded stream offset: {}; open at the venue afterwards: {}\n"
      "cancelled {}; supervisor of {}: {}, {}; other servers halted: {}\n",
      limited ? h.first_limit : h.first_cause, h.scope, figures, h.open_at_containment, h.acknowledged, h.never_left,
      h.refused_by_venue, h.unknown, h.orders_after_containment, h.open_at_venue,
      h.taken_over ? "by the supervisor over the dead engine's session" : "by the engine", engine_name(kStaleServer),
      h.state, h.latched ? "latched" : "NOT LATCHED", h.others_halted);
}

std::string outcomes(const Verdict& v) {
  return "tripped: " + outcome(v.halt) + "\nkilled: " + outcome(v.killed_halt);
}

constexpr const char* kNotes =
    R"({} servers, one without the new code; {} parents in {} symbols; {} s each run.
The stale server sends {} children a second, {} % of them resting.
Network: {}.
Every figure was counted in these three runs, orders and executions in the venue's own log. Prices are made
up; time and totals are scaled: Knight's 45 minutes are {} s here. Knight Capital, 1 August 2012 (SEC order
34-70694, paragraphs 1 and 17): 212 parents, over 4 million executions in 154 stocks, over 397 million
shares. Derived from it, a second: 1,480 executions, 147,000 shares, 2.46 million USD of gross position,
170,000 USD lost; most of it to prices that moved, which these do not. The breach is the moment when the
supervisor found it; the engine's own gate had refused that order. In the third run the stale server has no fan-out
limit and is ended by SIGKILL while it sends, with {} orders or more in the book. Portcullis does not flatten.
)";

std::string notes(const Plan& plan) {
  return fmt::format(fmt::runtime(kNotes), kServers, kParents, kSymbols, plan.seconds, plan.stale_rate_per_s,
                     plan.rest_percent, isolation_text(plan.isolation), plan.seconds, kOpenWhenKilled);
}

std::string totals_json(const Totals& totals) {
  return fmt::format(R"("orders": {}, "executions": {}, "shares": {}, "gross_notional": {}, "loss": {})",
                     totals.orders, totals.executions, totals.shares, exact(totals.gross_notional_e4),
                     exact(totals.loss_e4));
}

std::string halted_json(const Column& column, const Halt& h) {
  return fmt::format(
      R"({{{}, "first_cause": {}, "open_at_containment": {}, "acknowledged": {}, "never_left": {}, )"
      R"("refused_by_venue": {}, "unknown": {}, "orders_after_containment": {}, )"
      R"("ns": {{"closed": {}, "contained": {}, "last_order": {}, "last_byte": {}, "last_ack": {}}}}})",
      totals_json(column.all), nlohmann::json(h.first_cause).dump(), h.open_at_containment, h.acknowledged,
      h.never_left, h.refused_by_venue, h.unknown, h.orders_after_containment, h.closed_ns, h.contained_ns,
      h.last_order_ns, h.last_byte_ns, h.last_ack_ns);
}

}  // namespace

std::string as_text(const Verdict& verdict, const Plan& plan) {
  std::string out = columns(verdict) + '\n' + times(verdict) + '\n' + outcomes(verdict) + '\n' + notes(plan);
  for (const std::string& sentence : verdict.broken) out += "BROKEN: " + sentence + '\n';
  return out;
}

std::string as_json(const Verdict& verdict) {
  return fmt::format(R"({{"guarded": {}, "guarded_killed": {}, "unguarded": {{{}}}}})",
                     halted_json(verdict.guarded, verdict.halt), halted_json(verdict.killed, verdict.killed_halt),
                     totals_json(verdict.unguarded.all));
}

}  // namespace portcullis::demonstration
