// SPDX-License-Identifier: Apache-2.0
/// @file portcullis_catalog: writes the journal's message catalog (journalctl -x) from the table of events, at build
/// time, so that it cannot say anything else than audit and man page.
#include <fmt/format.h>

#include <cctype>
#include <cstdio>
#include <string>

#include "watchdog/events.hpp"

namespace {

std::string sentence(std::string_view text) {
  std::string out(text);
  out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out + ".";
}

const char* urgency(portcullis::Priority priority) {
  switch (priority) {
    case portcullis::Priority::critical: return "somebody must look now";
    case portcullis::Priority::error: return "somebody must look today";
    case portcullis::Priority::warning: return "look when there is time";
    case portcullis::Priority::notice:
    case portcullis::Priority::info: return "for the record";
  }
  return "?";
}

}  // namespace

int main() {
  std::string text = "# Written by portcullis_catalog from watchdog/events.hpp.\n";
  for (const portcullis::EventInfo& info : portcullis::kEventTable)
    text += fmt::format(
        "\n-- {}\nSubject: Portcullis: {} (@PORTCULLIS_ENGINE@)\nDefined-By: Portcullis\n"
        "Documentation: man:portcullisd(8)\n\n{}\nPriority {}: {}.\n\nWhat to do: {}\n",
        info.message_id, info.name, sentence(info.cause), static_cast<int>(info.priority), urgency(info.priority),
        sentence(info.operator_does));
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0 ? 0 : 1;
}
