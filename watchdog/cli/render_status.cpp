// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "watchdog/cli/figures.hpp"
#include "watchdog/cli/render.hpp"

namespace portcullis::cli {
namespace {

constexpr const char* kIndent = "     ";
constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::array<const char*, 5> kRungs{"close", "ask", "take_over", "sever", "fence"};

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string rung_word(const char* rung) {
  std::string word = rung;
  std::replace(word.begin(), word.end(), '_', '-');
  return word;
}

/// "ARMED 01:31:07" or "LOCKED (latched) 00:00:12"
std::string state_words(const Json& answer) {
  const std::string state = text_of(answer, "state");
  const auto since = number_of(answer, "state_since_ns");
  const auto now = number_of(answer, "now_ns");
  std::string text = state.empty() ? "STATE ?" : upper(state);
  if (state == "locked") {
    const std::string reason = text_of(answer, "locked_reason");
    text += fmt::format(" ({})", reason.empty() ? "?" : reason);
  }
  if (since && now && *since > 0 && *since <= *now) text += " " + clock_time(*now - *since);
  return text;
}

std::string process_words(const Json& answer) {
  const auto pid = number_of(answer, "pid");
  if (!pid) return "pid ?";
  if (*pid == 0) return "no engine";
  return fmt::format("pid {}{}", *pid, flag_of(answer, "attached") ? "" : " NOT ATTACHED");
}

std::string lease_words(const Json& answer) {
  const Json& lease = object_of(answer, "lease");
  const auto left = number_of(lease, "left_ns");
  const auto whole = number_of(lease, "lease_ns");
  return fmt::format("lease {}/{} ms", left ? std::to_string(*left / kNsPerMs) : "?",
                     whole ? std::to_string(*whole / kNsPerMs) : "?");
}

/// The oldest beat of all lanes that owe one.
std::string beat_words(const Json& answer, const Json& lanes) {
  std::optional<std::int64_t> oldest;
  for (const Json& lane : lanes)
    if (const auto age = number_of(lane, "beat_age_ns")) oldest = std::max(oldest.value_or(0), *age);
  if (oldest) return "beat " + duration(*oldest);
  return flag_of(answer, "attached") ? "beat not owed" : "no beat";
}

std::string open_words(const Json& lanes) {
  std::int64_t sum = 0;
  for (const Json& lane : lanes) {
    const auto open = number_of(lane, "open_orders");
    if (!open || __builtin_add_overflow(sum, *open, &sum)) return "open ?";
  }
  return "open " + grouped(sum);
}

/// "position ESZ6 +7", with what was never stated: only a lane that says 0 unset positions is known to be
/// flat.
std::string position_words(const Json& lanes) {
  std::vector<const Json*> lists;
  std::int64_t unset = 0;
  bool known = !lanes.empty();
  for (const Json& lane : lanes) {
    const auto missing = number_of(lane, "unset_positions");
    known = known && missing && *missing >= 0 && lane.contains("positions") && lane["positions"].is_array();
    lists.push_back(&array_of(lane, "positions"));
    unset += std::clamp<std::int64_t>(missing.value_or(0), 0, INT32_MAX);
  }
  std::string text = "position" + render_positions(lists);
  if (!known) text += " ?";
  if (unset != 0) text += " UNSET " + grouped(unset);
  return text == "position" ? "position flat" : text;
}

std::string ready_rungs(const Json& rungs) {
  std::string text = "rungs:";
  for (const char* rung : kRungs)
    if (text_of(rungs, rung) == "ready") text += " " + rung_word(rung);
  return text;
}

/// A line per rung that is not ready, with the reason.
std::string missing_rungs(const Json& rungs) {
  std::string text;
  for (const char* rung : kRungs) {
    const std::string state = text_of(rungs, rung);
    if (state == "ready") continue;
    text += fmt::format("{}RUNG {}  {}\n", kIndent, rung_word(rung),
                        state.empty() ? "missing: not stated" : state);
  }
  return text;
}

/// The same for a session, without what the engine's own lines say already.
std::string missing_session_rungs(const Json& session, const Json& engine_rungs) {
  const std::string name = text_of(session, "name");
  std::string text;
  for (const char* rung : kRungs) {
    const std::string state = text_of(object_of(session, "rungs"), rung);
    if (state.starts_with("ready") || state.empty()) continue;
    if (text_of(engine_rungs, rung).find(state) != std::string::npos) continue;
    text += fmt::format("{}RUNG {} {}  {}\n", kIndent, name, rung_word(rung), state);
  }
  return text;
}

std::string separation_line(const Json& answer) {
  const std::string note = text_of(answer, "separation_note");
  if (flag_of(answer, "separated")) return {};
  return fmt::format("{}NOT SEPARATED  {}\n", kIndent, note);
}

std::string latch_line(const Json& answer, NameSource names) {
  const Json& latch = object_of(answer, "latch");
  if (!flag_of(latch, "latched")) return latch.empty() ? fmt::format("{}LATCH ?\n", kIndent) : std::string();
  const std::string limit = text_of(latch, "limit_name");
  const std::string scope = text_of(latch, "scope");
  std::string text = fmt::format("{}LATCHED  first cause {}", kIndent, text_of(latch, "cause"));
  if (!limit.empty())
    text += fmt::format("  {}{}  {} > {}", limit, scope.empty() ? "" : " " + scope,
                        count_or_unknown(number_of(latch, "observed")),
                        count_or_unknown(number_of(latch, "limit")));
  const std::string actor = person_of(latch, "actor", names);
  return text + (actor.empty() ? "" : "  by " + actor) + "\n";
}

std::string lane_lines(const Json& lanes) {
  std::string text;
  for (const Json& lane : lanes) {
    const std::string state = text_of(lane, "state");
    const auto beat = number_of(lane, "beat_age_ns");
    text += fmt::format(
        "{}LANE {}  {}  {}  open {}  {}\n", kIndent, text_of(lane, "name"),
        state.empty() ? "STATE ?" : upper(state), beat ? "beat " + duration(*beat) : "beat not owed",
        count_or_unknown(number_of(lane, "open_orders")), position_words(Json::array({lane})));
  }
  return text;
}

using Row = std::array<std::string, 9>;

/// Age of an evaluation. The monitor goes on while an answer is written, so a stamp may be a moment newer than the
/// answer's clock; one from further in the future is torn.
std::string last_words(const Json& limit, const std::optional<std::int64_t>& now) {
  const auto last = number_of(limit, "last_ns");
  if (!last || !now) return "?";
  if (*last == 0) return "never";
  constexpr std::int64_t kMomentNs = 1'000'000'000;
  if (*last > *now) return *last - *now < kMomentNs ? duration(0) : "torn";
  return duration(*now - *last);
}

std::string percent(const std::optional<std::int64_t>& thousandths) {
  return thousandths ? grouped((*thousandths + 5) / 10) + "%" : "?";
}

Row limit_row(const Json& limit, const std::optional<std::int64_t>& now) {
  std::string scope = scope_of(text_of(limit, "scope"));
  if (text_of(limit, "name").ends_with("/" + scope))
    scope.clear();  // "undeclared_bytes/CME-A" says it already
  const std::string unit = text_of(limit, "unit");
  const auto shown = [&](const char* key) {
    const auto number = number_of(limit, key);
    return number ? in_unit(*number, unit) : std::string("?");
  };
  const auto count = [&](const char* key) { return count_or_unknown(number_of(limit, key)); };
  return {text_of(limit, "name") + (scope.empty() ? "" : " " + scope),
          shown("value"),
          shown("max"),
          percent(number_of(limit, "used_thousandths")),
          count("evaluated_inline"),
          count("evaluated_supervised"),
          last_words(limit, now),
          count("refused"),
          text_of(limit, "do")};
}

std::string off_reason(const Json& limit) {
  const std::string reason = text_of(limit, "off");
  return reason;
}

std::string format_row(const Row& row, const std::array<std::size_t, 9>& widths) {
  std::string line = fmt::format("{:<{}}", row[0], widths[0]);
  for (std::size_t i = 1; i + 1 < row.size(); ++i) line += fmt::format("  {:>{}}", row[i], widths[i]);
  return line + "  " + row.back() + "\n";
}

std::string limit_table(const Json& answer) {
  const Json& limits = array_of(answer, "limits");
  if (limits.empty()) return fmt::format("{}LIMITS ?  the answer names none\n", kIndent);
  const auto now = number_of(answer, "now_ns");
  std::vector<Row> rows{{"LIMIT", "NOW", "MAX", "USED", "INLINE", "SUPERVISED", "LAST", "REFUSED", "DO"}};
  for (const Json& limit : limits) rows.push_back(limit_row(limit, now));
  std::array<std::size_t, 9> widths{};
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t i = 0; i < widths.size(); ++i)
      if (i == 0 || r == 0 || off_reason(limits[r - 1]).empty())
        widths[i] = std::max(widths[i], rows[r][i].size());
  std::string text = format_row(rows[0], widths);
  for (std::size_t r = 1; r < rows.size(); ++r) {
    const std::string off = off_reason(limits[r - 1]);
    text += off.empty() ? format_row(rows[r], widths)
                        : fmt::format("{:<{}}  off: {}\n", rows[r][0], widths[0], off);
  }
  return text;
}

std::string session_lines(const Json& answer) {
  std::string text;
  for (const Json& session : array_of(answer, "sessions")) {
    const auto count = [&](const char* key) { return count_or_unknown(number_of(session, key)); };
    const std::string name = text_of(session, "name");
    const std::string contact = text_of(session, "contact");
    text += fmt::format("{}SESSION {}  {}  {}  declared {}  accepted {}  undeclared {}{}{}\n", kIndent, name,
                        text_of(session, "transport"), text_of(session, "state"), count("declared_bytes"),
                        count("accepted_bytes"), count("undeclared_bytes"),
                        flag_of(session, "stale") ? "  STALE" : "",
                        contact.empty() ? "" : "  contact: " + contact);
    if (number_of(session, "next_out_seq_num"))
      text += fmt::format("{}SESSION {}  taken over: goes on with MsgSeqNum {} out, {} in\n", kIndent, name,
                          count("next_out_seq_num"), count("next_in_seq_num"));
    text += missing_session_rungs(session, object_of(answer, "rungs"));
  }
  return text;
}

std::string warning_lines(const Json& answer) {
  std::string text;
  for (const Json& warning : array_of(answer, "warnings"))
    if (warning.is_string())
      text += fmt::format("{}WARNING  {}\n", kIndent, printable(warning.get_ref<const std::string&>()));
  return text;
}

/// Only what went wrong: the rest is in --json.
std::string counter_line(const Json& answer) {
  static const std::set<std::string> ordinary{"cycles", "requests", "scribe_waiting"};
  const Json& counters = object_of(answer, "counters");
  std::string text;
  for (const auto& [key, value] : counters.items()) {
    if (ordinary.contains(key) || value == 0) continue;
    const auto number = number_of(counters, key.c_str());
    const bool time = key.ends_with("_ns");
    text += fmt::format("  {} {}", printable(time ? key.substr(0, key.size() - 3) : key),
                        number && time ? duration(*number) : count_or_unknown(number));
  }
  return text.empty() ? text : fmt::format("{}COUNTED{}\n", kIndent, text);
}

std::string halt_lines(const Json& answer) {
  const Json& halt = object_of(answer, "halt");
  if (halt.empty()) return {};
  return fmt::format("{}LAST HALT  {}  {}\n", kIndent, text_of(halt, "cause"), render_halt_figures(halt)) +
         render_halt_details(halt, contacts_of(answer));
}

}  // namespace

std::string render_status(const Json& answer, NameSource names) {
  const Json& lanes = array_of(answer, "lanes");
  const Json& rungs = object_of(answer, "rungs");
  const std::string environment = text_of(answer, "environment");
  const std::string hash = text_of(answer, "config_hash").substr(0, 8);
  std::string text =
      fmt::format("{}  {}  {}  {}  {}  {}  {}  {}\n", text_of(answer, "engine"), state_words(answer),
                  process_words(answer), lease_words(answer), beat_words(answer, lanes), open_words(lanes),
                  position_words(lanes), ready_rungs(rungs));
  text += fmt::format("{}{}  config {}\n", kIndent, environment.empty() ? "environment ?" : environment,
                      hash.empty() ? "?" : hash);
  text += latch_line(answer, names) + warning_lines(answer) + separation_line(answer) + missing_rungs(rungs);
  if (lanes.size() > 1) text += lane_lines(lanes);
  return text + limit_table(answer) + session_lines(answer) + counter_line(answer) + halt_lines(answer);
}

}  // namespace portcullis::cli
