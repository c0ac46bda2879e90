// SPDX-License-Identifier: Apache-2.0
#include "tests/demonstration/verdict.hpp"

#include <fmt/core.h>

namespace portcullis::demonstration {
namespace {

using Json = nlohmann::json;

/// A number that is missing or no number is the worst: -1, which no promise accepts.
std::int64_t number(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_number_integer()
             ? object[key].get<std::int64_t>()
             : -1;
}

std::string text(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string()
             ? object[key].get<std::string>()
             : "?";
}

bool flag(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_boolean() && object[key].get<bool>();
}

const Json& part(const Json& object, const char* key) {
  static const Json kNothing;
  return object.is_object() && object.contains(key) ? object[key] : kNothing;
}

Column column(const Servers& servers, const Market& market) {
  Column out;
  out.all = count(servers.log(), market);
  out.stale = count(servers.log(), market, comp_id(kStaleServer));
  out.last_order_ns = departures(servers.log(), comp_id(kStaleServer), 1, 0).last_order_ns;
  for (int server = 0; server < kServers; ++server) {
    const Json& own = servers.counters()[static_cast<std::size_t>(server)];
    if (server == kStaleServer) {
      // The gate refuses the first wrong child, so that it is never sent.
      const std::int64_t sent_ns = number(own, "first_wrong_child_ns");
      const std::int64_t refused_ns = number(own, "first_refused_ns");
      out.wrong_sent = sent_ns > 0;
      if (sent_ns > 0 || refused_ns > 0) out.first_wrong_ns = sent_ns > 0 ? sent_ns : refused_ns;
    } else {
      out.others_parent_qty += number(own, "parents_qty");
      out.others_shares += count(servers.log(), market, comp_id(server)).shares;
    }
  }
  return out;
}

/// The unit of a limit as `status` lists it.
std::string unit_of(const Json& status, const std::string& limit) {
  const Json& limits = part(status, "limits");
  if (limits.is_array())
    for (const Json& row : limits)
      if (text(row, "name") == limit) return text(row, "unit");
  return "?";
}

Halt halt_of(const GuardedServers& guarded) {
  const Json& report = part(guarded.halted(), "halt");
  const Json& sessions = part(report, "sessions");
  const Json& session = sessions.is_array() && sessions.size() == 1 ? sessions[0] : report;
  Halt out;
  out.first_cause = text(report, "cause");
  out.first_limit = text(report, "limit_name");
  out.unit = unit_of(guarded.halted(), out.first_limit);
  out.scope = text(report, "scope");
  out.observed = number(report, "observed");
  out.limit = number(report, "limit");
  out.proven = flag(report, "proven");
  out.state = text(guarded.at_the_end(), "state");
  out.latched = flag(part(guarded.at_the_end(), "latch"), "latched");
  out.breach_ns = number(report, "breach_ns");
  out.closed_ns = number(report, "closed_ns");
  out.contained_ns = number(report, "contained_ns");
  out.last_ack_ns = number(report, "last_ack_ns");
  out.open_at_containment = number(report, "open_at_containment");
  out.acknowledged = number(report, "acknowledged");
  out.never_left = number(report, "never_left");
  out.refused_by_venue = number(report, "refused_by_venue");
  out.unknown = number(report, "unknown");
  out.taken_over = flag(session, "taken_over");
  out.open_at_venue = guarded.open_at_venue();
  out.others_halted = guarded.others_halted();
  const std::int64_t offset = number(session, "closed_offset");
  const std::int64_t epoch = number(session, "epoch");
  const Departures left = departures(guarded.log(), comp_id(kStaleServer), static_cast<std::uint64_t>(epoch),
                                     static_cast<std::uint64_t>(offset));
  if (offset > 0 && epoch > 0 && left.found) out.orders_after_containment = left.orders_after;
  out.last_order_ns = left.last_order_ns - out.breach_ns;
  out.last_byte_ns = left.last_byte_ns - out.breach_ns;
  return out;
}

void judge_halt(const Halt& halt, const std::string& run, std::vector<std::string>& broken) {
  const auto promise = [&](bool held, const std::string& sentence) {
    if (!held) broken.push_back(run + ": " + sentence);
  };
  promise(
      halt.orders_after_containment == 0,
      fmt::format("{} orders left after the gate was closed (-1: not known)", halt.orders_after_containment));
  promise(halt.unknown == 0, fmt::format("the fate of {} orders is unknown", halt.unknown));
  promise(halt.refused_by_venue == 0, fmt::format("the venue refused {} cancels", halt.refused_by_venue));
  promise(halt.open_at_containment > 0, "no order was open when the gate closed: nothing was shown");
  promise(halt.open_at_containment == halt.acknowledged + halt.never_left,
          fmt::format("{} orders were open, {} are acknowledged and {} never left", halt.open_at_containment,
                      halt.acknowledged, halt.never_left));
  promise(2 * halt.acknowledged > halt.open_at_containment, "most open orders were not acknowledged");
  promise(halt.open_at_venue == 0, fmt::format("the venue still held {} orders", halt.open_at_venue));
  promise(halt.state == "halted" && halt.latched && halt.proven,
          fmt::format("state {}, latched {}, proven {}", halt.state, halt.latched, halt.proven));
  promise(halt.breach_ns > 0 && halt.closed_ns > 0 && halt.contained_ns > 0, "the report has no times");
  promise(halt.others_halted == 0, fmt::format("{} of the other servers were halted", halt.others_halted));
}

std::vector<std::string> broken_promises(const Verdict& verdict) {
  std::vector<std::string> broken;
  judge_halt(verdict.halt, "tripped", broken);
  judge_halt(verdict.killed_halt, "killed", broken);
  if (verdict.killed_halt.first_cause != "death" || !verdict.killed_halt.taken_over)
    broken.push_back(fmt::format("killed: cause {}, taken over {}", verdict.killed_halt.first_cause,
                                 verdict.killed_halt.taken_over));
  const Column& wild = verdict.unguarded;
  if (!wild.first_wrong_ns || wild.last_order_ns <= *wild.first_wrong_ns ||
      wild.stale.orders <= 10 * verdict.guarded.stale.orders)
    broken.emplace_back("the unguarded server did not run away");
  return broken;
}

}  // namespace

Verdict judge(const Servers& unguarded, const GuardedServers& guarded, const GuardedServers& killed,
              const Market& market) {
  Verdict verdict;
  verdict.unguarded = column(unguarded, market);
  verdict.guarded = column(guarded, market);
  verdict.killed = column(killed, market);
  verdict.halt = halt_of(guarded);
  verdict.killed_halt = halt_of(killed);
  verdict.broken = broken_promises(verdict);
  return verdict;
}

}  // namespace portcullis::demonstration
