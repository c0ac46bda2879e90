// SPDX-License-Identifier: Apache-2.0
#include "watchdog/cli/runbook.hpp"

#include <fmt/format.h>

#include "watchdog/cli/host_facts.hpp"
#include "watchdog/cli/render.hpp"

namespace portcullis::cli {
namespace {

constexpr const char* kIndent = "     ";

std::string lines(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += kIndent + text + "\n";
  return out;
}

const Json& halt_of(const RunbookFacts& facts) { return object_of(facts.status, "halt"); }

std::string what_happened(const RunbookFacts& facts, NameSource names) {
  std::string text = fmt::format("1. WHAT HAPPENED\n{}{}\n", kIndent, facts.latch.empty() ? "the latch cannot be read" : latch_words(facts.latch));
  const std::string actor = person_of(facts.latch, "actor", names);
  if (!actor.empty()) text += fmt::format("{}halted by {}\n", kIndent, actor);
  const Json& halt = halt_of(facts);
  if (!halt.empty()) text += fmt::format("{}{}\n", kIndent, render_halt_figures(halt));
  if (!facts.answered) text += lines({"the supervisor does not answer: what follows is from the files of this host alone"});
  return text;
}

/// ClOrdIDs that block arming, with their fate: from the latch, which survives restarts.
std::string unresolved_lines(const RunbookFacts& facts) {
  std::string text;
  for (const Json& order : array_of(facts.latch, "unresolved"))
    text += fmt::format("{}{}  ClOrdID {}\n{}    portcullis resolve {} {} --as cancelled | filled | rejected\n", kIndent,
                        text_of(order, "fate"), text_of(order, "cl_ord_id"), kIndent, facts.engine, text_of(order, "cl_ord_id"));
  if (const auto unlisted = number_of(facts.latch, "unlisted").value_or(0); unlisted > 0)
    text += fmt::format("{}{} more without a name\n{}    portcullis resolve {} unlisted --as cancelled | filled | rejected\n",
                        kIndent, grouped(unlisted), kIndent, facts.engine);
  return text;
}

std::string what_is_open(const RunbookFacts& facts) {
  const std::string unresolved = unresolved_lines(facts);
  std::string text = "2. WHAT MAY STILL BE OPEN AT THE VENUE\n";
  if (!unresolved.empty())
    text += lines({"ask the venue about each of these, now, and write down what it says:"}) + unresolved;
  else if (facts.answered && halt_is_proven(halt_of(facts)))
    text += lines({"nothing: every open order was confirmed as cancelled, or never left this host"});
  else
    text += lines({"NOT KNOWN: ask the venue for every open order of this account and have them cancelled"});
  std::string contact;
  for (const std::string& line : facts.contact) contact += (contact.empty() ? "" : "; ") + line;
  return text + fmt::format("{}contact: {}\n", kIndent, contact.empty() ? "NONE CONFIGURED: [[session]] contact" : contact);
}

std::string position(const RunbookFacts& facts) {
  const Json& halt = halt_of(facts);
  const bool known = halt.contains("positions") && halt["positions"].is_array();
  std::vector<const Json*> lists;
  std::string words = " ?  (ask the venue or the clearer)";
  if (known) {
    words = render_positions({&array_of(halt, "positions")});
    if (words.empty()) words = " flat";
  }
  return fmt::format("3. THE POSITION\n{}position{}\n{}Portcullis does not flatten. Decide with risk who works it out, and where.\n",
                     kIndent, words, kIndent);
}

std::string evidence(const RunbookFacts& facts) {
  const auto wall_ns = number_of(facts.latch, "wall_ns").value_or(0);
  std::string since;
  if (wall_ns > 60'000'000'000) since = fmt::format(" --since '{} UTC'", wall_time(wall_ns - 60'000'000'000).substr(0, 10) + " " + wall_time(wall_ns - 60'000'000'000).substr(11, 8));
  return "4. THE EVIDENCE, BEFORE ANYTHING IS RESTARTED\n" +
         lines({fmt::format("portcullis status {} --json >{}.status.json", facts.engine, facts.engine),
                fmt::format("portcullis audit verify {}", facts.engine),
                fmt::format("journalctl -x PORTCULLIS_ENGINE={}{}", facts.engine, since)});
}

std::string way_back(const RunbookFacts& facts) {
  return "5. ONLY WHEN THE CAUSE IS UNDERSTOOD AND GONE\n" +
         lines({fmt::format("portcullis clear {} --reason 'incident, what it was'", facts.engine),
                "start the engine again if it was ended (its own unit)",
                fmt::format("portcullis preflight {}", facts.engine),
                fmt::format("portcullis arm {} --reason 'why it is safe now'", facts.engine)});
}

}  // namespace

std::string render_runbook(const RunbookFacts& facts, NameSource names) {
  const bool latched = flag_of(facts.latch, "latched");
  const bool halted = latched || !halt_of(facts).empty() || !unresolved_lines(facts).empty();
  if (!halted && !facts.latch.empty())
    return fmt::format("{}  is not latched: there is nothing to do\n", facts.engine);
  return fmt::format("{}  IT TRIPPED: NOW WHAT\n", facts.engine) + what_happened(facts, names) + what_is_open(facts) +
         position(facts) + evidence(facts) + way_back(facts);
}

}  // namespace portcullis::cli
