// SPDX-License-Identifier: Apache-2.0
#include "watchdog/cli/metrics.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "watchdog/cli/figures.hpp"

namespace portcullis::cli {
namespace {

using Labels = std::vector<std::pair<const char*, std::string>>;
constexpr std::array<const char*, 6> kStates{"locked", "armed", "tripped", "closed", "contained", "halted"};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

/// One family: its head is written with the first sample, so that an empty one leaves nothing behind.
class Family {
 public:
  Family(std::string& out, const char* name, const char* type, const char* unit, const char* help)
      : out_(out), name_(name), type_(type), unit_(unit), help_(help) {}
  void add(const Labels& labels, std::optional<std::int64_t> value, int decimals = 0) {
    if (!value) return;
    if (!begun_) begin();
    out_ += name_;
    if (std::string_view(type_) == "counter") out_ += "_total";
    std::string text;
    for (const auto& [key, label] : labels) text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", key, escaped(label));
    out_ += fmt::format("{{{}}} {}\n", text, decimal(*value, decimals, false));
  }

 private:
  void begin() {
    begun_ = true;
    out_ += fmt::format("# TYPE {} {}\n", name_, type_);
    if (*unit_ != '\0') out_ += fmt::format("# UNIT {} {}\n", name_, unit_);
    out_ += fmt::format("# HELP {} {}\n", name_, help_);
  }
  std::string& out_;
  const char *name_, *type_, *unit_, *help_;
  bool begun_ = false;
};

/// One number of each engine's answer: {"lease", "left_ns"} is status["lease"]["left_ns"].
void add_number(std::string& out, const std::vector<EngineAnswer>& engines, const char* name, const char* type,
                const char* unit, const char* help, const char* object, const char* key, int decimals = 0) {
  Family family(out, name, type, unit, help);
  for (const EngineAnswer& one : engines)
    if (one.answered)
      family.add({{"engine", one.engine}},
                 number_of(object == nullptr ? one.status : object_of(one.status, object), key), decimals);
}

/// One number of each row of a list.
void add_rows(std::string& out, const std::vector<EngineAnswer>& engines, const char* name, const char* type,
              const char* unit, const char* help, const char* list, const char* label, const char* key, int decimals = 0) {
  Family family(out, name, type, unit, help);
  for (const EngineAnswer& one : engines)
    for (const Json& row : array_of(one.status, list)) {
      Labels labels{{"engine", one.engine}, {label, text_of(row, "name")}};
      if (std::string_view(list) == "limits") labels.emplace_back("scope", text_of(row, "scope"));
      if (!flag_of(row, "continued")) family.add(labels, number_of(row, key), decimals);
    }
}

const Json& latch_of(const EngineAnswer& one) { return one.answered ? object_of(one.status, "latch") : one.latch; }

void add_states(std::string& out, const std::vector<EngineAnswer>& engines) {
  Family up(out, "portcullis_up", "gauge", "", "1 if the engine's supervisor answers.");
  for (const EngineAnswer& one : engines) up.add({{"engine", one.engine}}, one.answered ? 1 : 0);
  Family state(out, "portcullis_state", "stateset", "", "State of the engine; one of them is 1.");
  for (const EngineAnswer& one : engines)
    for (const char* name : kStates)
      if (one.answered)
        state.add({{"engine", one.engine}, {"portcullis_state", name}}, text_of(one.status, "state") == name ? 1 : 0);
  Family attached(out, "portcullis_attached", "gauge", "", "1 if an engine is attached.");
  for (const EngineAnswer& one : engines)
    if (one.answered) attached.add({{"engine", one.engine}}, flag_of(one.status, "attached") ? 1 : 0);
  Family latched(out, "portcullis_latched", "gauge", "", "1 if the engine is latched by a halt, or its latch cannot be read.");
  for (const EngineAnswer& one : engines)
    if (!latch_of(one).empty()) latched.add({{"engine", one.engine}}, flag_of(latch_of(one), "latched") ? 1 : 0);
  Family unresolved(out, "portcullis_unresolved_orders", "gauge", "", "Orders whose fate nobody confirmed; they block arming.");
  for (const EngineAnswer& one : engines)
    if (const auto unlisted = number_of(latch_of(one), "unlisted"))
      unresolved.add({{"engine", one.engine}},
                     *unlisted + static_cast<std::int64_t>(array_of(latch_of(one), "unresolved").size()));
  Family trip(out, "portcullis_latch_timestamp_seconds", "gauge", "seconds", "When the first cause of the latched halt was found.");
  for (const EngineAnswer& one : engines)
    if (flag_of(latch_of(one), "latched")) trip.add({{"engine", one.engine}}, number_of(latch_of(one), "wall_ns"), 9);
}

void add_limits(std::string& out, const std::vector<EngineAnswer>& engines) {
  add_rows(out, engines, "portcullis_limit_used_ratio", "gauge", "ratio", "Value of a limit, as a part of its bound.",
           "limits", "limit", "used_thousandths", 3);
  Family evaluations(out, "portcullis_limit_evaluations", "counter", "", "How often a limit was evaluated, and where.");
  for (const EngineAnswer& one : engines)
    for (const Json& row : array_of(one.status, "limits"))
      for (const char* where : {"inline", "supervised"})
        evaluations.add({{"engine", one.engine}, {"limit", text_of(row, "name")}, {"scope", text_of(row, "scope")}, {"where", where}},
                        number_of(row, (std::string("evaluated_") + where).c_str()));
  add_rows(out, engines, "portcullis_limit_refusals", "counter", "", "Orders that a limit refused.", "limits", "limit", "refused");
}

void add_counters(std::string& out, const std::vector<EngineAnswer>& engines) {
  const auto counter = [&](const char* name, const char* help, const char* key) {
    add_number(out, engines, name, "counter", "", help, "counters", key);
  };
  counter("portcullis_cycles", "Readings of the ledger.", "cycles");
  counter("portcullis_late_cycles", "Readings that began late.", "late_cycles");
  counter("portcullis_breaches", "Limits found broken.", "breaches");
  counter("portcullis_audit_failures", "Audit records that could not be written.", "audit_failures");
  counter("portcullis_latch_failures", "Latch writes that failed.", "latch_failures");
  counter("portcullis_queue_overflows", "Records lost because their queue was full.", "queue_overflows");
  counter("portcullis_strangers", "Connections of people without any part in the engine.", "strangers");
  add_number(out, engines, "portcullis_worst_cycle_delay_seconds", "gauge", "seconds", "The latest that a reading ever began.",
             "counters", "worst_late_ns", 9);
}

}  // namespace

std::string render_metrics(const std::vector<EngineAnswer>& engines) {
  std::string out;
  add_states(out, engines);
  add_number(out, engines, "portcullis_lease_seconds", "gauge", "seconds", "The whole lease.", "lease", "lease_ns", 9);
  add_number(out, engines, "portcullis_lease_left_seconds", "gauge", "seconds", "What is left of the lease.", "lease", "left_ns", 9);
  add_rows(out, engines, "portcullis_open_orders", "gauge", "", "Open orders of a lane.", "lanes", "lane", "open_orders");
  add_rows(out, engines, "portcullis_beat_age_seconds", "gauge", "seconds", "Age of a lane's last beat; none where none is owed.",
           "lanes", "lane", "beat_age_ns", 9);
  add_rows(out, engines, "portcullis_unset_positions", "gauge", "", "Start positions that nobody stated.", "lanes", "lane",
           "unset_positions");
  add_limits(out, engines);
  add_rows(out, engines, "portcullis_session_accepted_bytes", "counter", "bytes", "Bytes of a session that the kernel took.",
           "sessions", "session", "accepted_bytes");
  add_rows(out, engines, "portcullis_session_undeclared_bytes", "gauge", "bytes", "Bytes on the wire that nobody declared.",
           "sessions", "session", "undeclared_bytes");
  add_counters(out, engines);
  return out + "# EOF\n";
}

}  // namespace portcullis::cli
