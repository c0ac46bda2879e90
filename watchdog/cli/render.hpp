// SPDX-License-Identifier: Apache-2.0
/// @file Answers of the supervisor as text for people: few words, facts instead of reassurance. Whatever an
/// answer does not say is shown as "?", never as zero and never left out where it decides. Pure: JSON in,
/// text out.
#pragma once
#include <string>
#include <vector>

#include "watchdog/cli/exit_code.hpp"
#include "watchdog/cli/json_value.hpp"
#include "watchdog/cli/people.hpp"

namespace portcullis::cli {

/// `status`: one line of state, what is missing or wrong, the table of limits, sessions, the last halt.
[[nodiscard]] std::string render_status(const Json& answer, NameSource names);

/// `halt`: one line of times and fates, each order whose fate is unknown or refused, position, contact.
/// @param contact from the run folder's record, where the answer names none
[[nodiscard]] std::string render_halt(const std::string& engine, const Json& answer,
                                      const std::vector<std::string>& contact, NameSource names);

/// The lines below the first one; also part of `status`.
[[nodiscard]] std::string render_halt_details(const Json& halt, const std::vector<std::string>& contact);

/// "closed 24 us  contained 61 us  asked 38  acknowledged 37  unknown 1"
[[nodiscard]] std::string render_halt_figures(const Json& halt);

/// True only if the figures themselves show it: contained, nothing unknown, nothing refused, and every order
/// that was open at containment acknowledged or never left. An absent figure shows nothing; undeclared bytes,
/// or a queue that may have drained, show the opposite.
[[nodiscard]] bool halt_is_proven(const Json& halt);

/// The exit code of a halt's answer. A claimed 0 without the figures for it becomes not_proven.
[[nodiscard]] ExitCode judge_halt(const Json& answer);

/// Contact texts of the answer's sessions and its own "contact", each once.
[[nodiscard]] std::vector<std::string> contacts_of(const Json& answer);

/// " ESZ6 +7 NQZ6 -2" from one or several lists of positions, summed by symbol; empty if all are flat.
[[nodiscard]] std::string render_positions(const std::vector<const Json*>& lists);

/// "mm1/es-quoter" or "mm1" for a scope like "lane:es-quoter", "engine".
[[nodiscard]] std::string scope_of(const std::string& scope);

}  // namespace portcullis::cli
