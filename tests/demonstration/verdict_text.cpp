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

std::string row(const char* name, const std::string& without, const std::string& with) {
  return fmt::format("{:<44} {:>14} {:>14}\n", name, without, with);
}

std::string of(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? fmt::format("{} %", 100 * part / whole) : std::string("?");
}

std::string columns(const Verdict& v) {
  const Column& a = v.unguarded;
  const Column& b = v.guarded;
  std::string out = row("", "without", "with");
  out += row("orders at the venue", grouped(a.all.orders), grouped(b.all.orders));
  out += row("  of these from the stale server", grouped(a.stale.orders), grouped(b.stale.orders));
  out += row("executions", grouped(a.all.executions), grouped(b.all.executions));
  out += row("shares executed", grouped(a.all.shares), grouped(b.all.shares));
  out += row("gross position, USD", dollars(a.all.gross_notional_e4), dollars(b.all.gross_notional_e4));
  out += row("  of the stale server alone", dollars(a.stale.gross_notional_e4),
             dollars(b.stale.gross_notional_e4));
  out += row("lost to the spread, USD", dollars(a.all.loss_e4), dollars(b.all.loss_e4));
  out += row("work of the seven other servers done", of(a.others_shares, a.others_parent_qty),
             of(b.others_shares, b.others_parent_qty));
  if (a.first_wrong_ns)
    out += row("first wrong child to the last order", duration(a.last_order_ns - *a.first_wrong_ns),
               b.wrong_sent && b.first_wrong_ns ? duration(b.last_order_ns - *b.first_wrong_ns)
                                                : std::string("none left"));
  return out;
}

std::string times(const Verdict& v) {
  const Halt& h = v.halt;
  const std::int64_t shift_ns = v.guarded.first_wrong_ns ? h.breach_ns - *v.guarded.first_wrong_ns : 0;
  const auto line = [&](const char* name, std::int64_t ns) {
    return row(name, duration(ns), v.guarded.first_wrong_ns ? duration(ns + shift_ns) : std::string("?"));
  };
  std::string out = row("with Portcullis, time from", "the breach", "first wrong");
  out += line("gate closed", h.closed_ns);
  out += line("contained: nothing left in any queue", h.contained_ns);
  out += line("last byte of an order at the venue", h.last_order_ns);
  out += line("last byte of a cancel at the venue", h.last_byte_ns);
  out += line("last cancel acknowledged", h.last_ack_ns);
  return out;
}

std::string outcome(const Verdict& v) {
  const Halt& h = v.halt;
  return fmt::format(
      "first cause {}, scope {}: observed {}, limit {} {}\n"
      "open at containment {} = acknowledged {} + never left {}; refused by the venue {}, unknown {}\n"
      "orders that start after the recorded stream offset: {}; open at the venue afterwards: {}\n"
      "supervisor of {}: {}, {}; other servers halted: {}\n",
      h.first_limit, h.scope, h.observed, h.limit, h.unit, h.open_at_containment, h.acknowledged,
      h.never_left, h.refused_by_venue, h.unknown, h.orders_after_containment, h.open_at_venue,
      engine_name(kStaleServer), h.state, h.latched ? "latched" : "NOT LATCHED", h.others_halted);
}

constexpr const char* kNotes =
    R"({} servers, one without the new code; {} parents in {} symbols; {} s each run.
The stale server sends {} children a second, {} % of them resting.
Network: {}.
Every figure was counted in these two runs, orders and executions in the venue's own log. Prices are made
up; time and totals are scaled: Knight's 45 minutes are {} s here. Knight Capital, 1 August 2012 (SEC order
34-70694, paragraphs 1 and 17): 212 parents, over 4 million executions in 154 stocks, over 397 million
shares. Derived from it, a second: 1,480 executions, 147,000 shares, 2.46 million USD of gross position,
170,000 USD lost; most of it to prices that moved, which these do not. The breach is the moment when the
supervisor found it; the engine's own gate had refused that order. Portcullis does not flatten.
)";

std::string notes(const Plan& plan) {
  return fmt::format(fmt::runtime(kNotes), kServers, kParents, kSymbols, plan.seconds, plan.stale_rate_per_s,
                     plan.rest_percent, isolation_text(plan.isolation), plan.seconds);
}

std::string totals_json(const Totals& totals) {
  return fmt::format(R"("orders": {}, "executions": {}, "shares": {}, "gross_notional": {}, "loss": {})",
                     totals.orders, totals.executions, totals.shares, exact(totals.gross_notional_e4),
                     exact(totals.loss_e4));
}

}  // namespace

std::string as_text(const Verdict& verdict, const Plan& plan) {
  std::string out = columns(verdict) + '\n' + times(verdict) + '\n' + outcome(verdict) + '\n' + notes(plan);
  for (const std::string& sentence : verdict.broken) out += "BROKEN: " + sentence + '\n';
  return out;
}

std::string as_json(const Verdict& verdict) {
  const Halt& h = verdict.halt;
  return fmt::format(
      R"({{"guarded": {{{}, "first_cause": {}, "open_at_containment": {}, "acknowledged": {}, "never_left": {}, )"
      R"("refused_by_venue": {}, "unknown": {}, "orders_after_containment": {}, )"
      R"("ns": {{"closed": {}, "contained": {}, "last_order": {}, "last_byte": {}, "last_ack": {}}}}}, )"
      R"("unguarded": {{{}}}}})",
      totals_json(verdict.guarded.all), nlohmann::json(h.first_cause).dump(), h.open_at_containment,
      h.acknowledged, h.never_left, h.refused_by_venue, h.unknown, h.orders_after_containment, h.closed_ns,
      h.contained_ns, h.last_order_ns, h.last_byte_ns, h.last_ack_ns, totals_json(verdict.unguarded.all));
}

}  // namespace portcullis::demonstration
