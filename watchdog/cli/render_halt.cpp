// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "watchdog/cli/figures.hpp"
#include "watchdog/cli/render.hpp"

namespace portcullis::cli {
namespace {

constexpr std::size_t kMaxListedOrders = 50;  // the rest is counted; --json has them all
constexpr const char* kIndent = "     ";

/// A time counted from the breach; null and 0 both mean that it did not happen.
std::optional<std::int64_t> time_of(const Json& halt, const char* key) {
  const auto ns = number_of(halt, key);
  return ns && *ns > 0 ? ns : std::nullopt;
}

std::string time_or(const Json& halt, const char* key, const char* absent) {
  const auto ns = time_of(halt, key);
  return ns ? duration(*ns) : absent;
}

/// "  refused by venue 2", nothing for 0, "?" when the answer does not say.
std::string fate_count(const Json& halt, const char* key, const char* words) {
  const auto count = number_of(halt, key);
  if (count == 0) return {};
  return fmt::format("  {} {}", words, count_or_unknown(count));
}

/// "1" and "2" are tag 54's values; words are shown as they came.
std::string side_word(const Json& order) {
  const std::string side = text_of(order, "side");
  if (side == "1") return "buy";
  if (side == "2") return "sell";
  return side.empty() ? "?" : side;
}

std::string fate_word(const std::string& fate) {
  if (fate == "unknown") return "UNKNOWN ";
  if (fate == "refused_by_venue") return "REFUSED BY VENUE ";
  return (fate.empty() ? std::string("?") : fate) + " ";
}

std::string order_line(const Json& order) {
  const auto px_e8 = number_of(order, "px_e8");
  const std::string price = !px_e8 ? "?" : *px_e8 == 0 ? "market" : decimal(*px_e8, 8, false);
  std::string line =
      fmt::format("{}{} {}  ClOrdID {}  {} {} {} @ {}", kIndent, fate_word(text_of(order, "fate")),
                  text_of(order, "session"), text_of(order, "cl_ord_id"), side_word(order),
                  count_or_unknown(number_of(order, "qty")), text_of(order, "symbol"), price);
  const std::string note = text_of(order, "note");
  return line + (note.empty() ? "" : "   " + note) + "\n";
}

std::string order_lines(const Json& halt) {
  const Json& orders = array_of(halt, "orders");
  std::string text;
  for (std::size_t i = 0; i < std::min(orders.size(), kMaxListedOrders); ++i) text += order_line(orders[i]);
  if (orders.size() > kMaxListedOrders)
    text += fmt::format("{}{} more orders: --json lists them\n", kIndent, orders.size() - kMaxListedOrders);
  return text;
}

std::string ladder_line(const Json& halt) {
  std::string text;
  for (const Json& rung : array_of(halt, "ladder")) {
    const std::string result = text_of(rung, "result");
    if (result == "not_run") continue;
    const auto started = number_of(rung, "started_ns");
    const auto ended = time_of(rung, "ended_ns");
    const bool timed = started && ended && *started >= 0 && *started <= *ended;
    text += fmt::format("  {} {}{}", text_of(rung, "rung"), result.empty() ? "?" : result,
                        timed ? " " + duration(*ended - *started) : "");
  }
  return text.empty() ? text : fmt::format("{}LADDER{}\n", kIndent, text);
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : "; ") + text;
  return out;
}

void add_once(std::vector<std::string>& texts, std::string text) {
  if (!text.empty() && std::find(texts.begin(), texts.end(), text) == texts.end())
    texts.push_back(std::move(text));
}

/// What the venue refused is asked for again, until when.
std::string retry_words(const Json& halt) {
  const auto wall_ns = number_of(halt, "wall_ns");
  const auto until_ns = time_of(halt, "retry_until_ns");
  std::int64_t at_ns = 0;
  if (!wall_ns || !until_ns || __builtin_add_overflow(*wall_ns, *until_ns, &at_ns)) return "refused cancels are asked again";
  const auto seconds = static_cast<std::time_t>(at_ns / 1'000'000'000);
  std::tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("refused cancels are asked again until {:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

/// "(manual_halt, desk1(1004))"
std::string cause_words(const Json& answer, const Json& halt, NameSource names) {
  std::string cause = text_of(halt, "cause");
  if (cause.empty()) cause = "cause ?";
  std::string actor = person_of(halt, "actor", names);
  if (actor.empty()) actor = person_of(object_of(answer, "latch"), "actor", names);
  return actor.empty() ? cause : cause + ", " + actor;
}

}  // namespace

std::string scope_of(const std::string& scope) {
  if (scope.empty() || scope == "engine") return {};
  const std::size_t colon = scope.find(':');
  return colon == std::string::npos ? scope : scope.substr(colon + 1);
}

std::string render_positions(const std::vector<const Json*>& lists) {
  std::map<std::string, std::optional<std::int64_t>> sums;
  for (const Json* list : lists) {
    for (const Json& row : *list) {
      const auto position = number_of(row, "position");
      std::optional<std::int64_t>& sum = sums.try_emplace(text_of(row, "symbol"), 0).first->second;
      std::int64_t total = 0;
      if (!position || !sum || __builtin_add_overflow(*sum, *position, &total))
        sum.reset();
      else
        sum = total;
    }
  }
  std::string text;
  for (const auto& [symbol, sum] : sums)
    if (!sum || *sum != 0) text += fmt::format(" {} {}", symbol, sum ? signed_number(*sum) : "?");
  return text;
}

std::vector<std::string> contacts_of(const Json& answer) {
  std::vector<std::string> contacts;
  for (const Json& session : array_of(answer, "sessions")) add_once(contacts, text_of(session, "contact"));
  add_once(contacts, text_of(answer, "contact"));
  for (const Json& line : array_of(answer, "contact"))
    if (line.is_string()) add_once(contacts, printable(line.get_ref<const std::string&>()));
  return contacts;
}

bool halt_is_proven(const Json& halt) {
  // what speaks against it, where the answer has it
  if (number_of(halt, "open").value_or(0) != 0) return false;
  if (flag_of(halt, "queue_may_have_drained") || flag_of(halt, "undeclared_seen")) return false;
  for (const char* claim : {"finished", "proven"})
    if (halt.contains(claim) && !flag_of(halt, claim)) return false;
  const auto open = number_of(halt, "open_at_containment");
  const auto acknowledged = number_of(halt, "acknowledged");
  const auto never_left = number_of(halt, "never_left");
  if (!time_of(halt, "contained_ns") || !time_of(halt, "halted_ns")) return false;
  if (!open || !acknowledged || !never_left) return false;
  if (*open < 0 || *acknowledged < 0 || *never_left < 0) return false;
  if (number_of(halt, "unknown") != 0 || number_of(halt, "refused_by_venue") != 0) return false;
  return *acknowledged >= *open - std::min(*open, *never_left);
}

ExitCode judge_halt(const Json& answer) {
  const auto claimed = number_of(answer, "exit");
  if (!claimed) return ExitCode::internal;
  const ExitCode code = exit_code_from(*claimed);
  if (code != ExitCode::ok) return code;
  return flag_of(answer, "ok") && halt_is_proven(object_of(answer, "halt")) ? ExitCode::ok
                                                                            : ExitCode::not_proven;
}

std::string render_halt_figures(const Json& halt) {
  std::string text = fmt::format("closed {}  contained {}", time_or(halt, "closed_ns", "NO"),
                                 time_or(halt, "contained_ns", "NO"));
  text += fmt::format("  open {}", count_or_unknown(number_of(halt, "open_at_containment")));
  text += fate_count(halt, "asked", "asked");
  text += fmt::format("  acknowledged {}", count_or_unknown(number_of(halt, "acknowledged")));
  text += fate_count(halt, "never_left", "never left");
  text += fate_count(halt, "refused_by_venue", "refused by venue");
  text += fate_count(halt, "unknown", "unknown");
  text += fate_count(halt, "severed", "sessions reset");
  if (flag_of(halt, "fenced")) text += "  engine killed";
  if (flag_of(halt, "queue_may_have_drained")) text += "  QUEUE MAY HAVE DRAINED";
  if (flag_of(halt, "undeclared_seen")) text += "  UNDECLARED BYTES SEEN";
  return text;
}

std::string render_halt_details(const Json& halt, const std::vector<std::string>& contact) {
  std::string text = order_lines(halt) + ladder_line(halt);
  const bool known = halt.is_object() && halt.contains("positions") && halt["positions"].is_array();
  const std::string positions = known ? render_positions({&array_of(halt, "positions")}) : " ?";
  const bool unconfirmed = halt.contains("positions_confirmed") && !flag_of(halt, "positions_confirmed");
  const std::string contacts = contact.empty() ? "" : "contact: " + joined(contact);
  if (!positions.empty())
    text += fmt::format("{}POSITION{}{}: Portcullis does not flatten.{}\n", kIndent, unconfirmed ? " UNCONFIRMED" : "",
                        positions, contacts.empty() ? "" : "    " + contacts);
  else if (!contacts.empty())
    text += fmt::format("{}{}\n", kIndent, contacts);
  return text;
}

std::string render_halt(const std::string& engine, const Json& answer,
                        const std::vector<std::string>& contact, NameSource names) {
  const Json& halt = object_of(answer, "halt");
  std::vector<std::string> contacts = contacts_of(answer);
  for (const std::string& line : contact) add_once(contacts, line);
  std::string text;
  if (const std::string error = text_of(answer, "error"); !error.empty())
    text += fmt::format("{}  {}\n", engine, error);
  if (halt.empty())
    return text.empty() ? fmt::format("{}  the answer says nothing about a halt\n", engine) : text;
  const std::string scope = scope_of(text_of(halt, "scope"));
  const bool finished = time_of(halt, "halted_ns").has_value();
  const std::string running = flag_of(halt, "retrying") ? retry_words(halt) : "the ladder still runs";
  text += fmt::format("{}{}  {}  {} ({})  {}{}\n", engine, scope.empty() ? "" : "/" + scope,
                      render_halt_figures(halt), finished ? "HALTED" : "NOT FINISHED",
                      cause_words(answer, halt, names), time_or(halt, "halted_ns", running.c_str()),
                      halt_is_proven(halt) ? "  all cancelled" : "");
  if (number_of(answer, "exit") == 0 && judge_halt(answer) != ExitCode::ok)
    text += fmt::format("{}NOT PROVEN: the supervisor says proven, its figures do not show it\n", kIndent);
  return text + render_halt_details(halt, contacts);
}

}  // namespace portcullis::cli
