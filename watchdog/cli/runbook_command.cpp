// SPDX-License-Identifier: Apache-2.0
// `portcullis runbook ENGINE`: collects the facts from whoever still has them: supervisor, latch, record, configuration.
#include <fmt/format.h>

#include <cstdio>

#include "watchdog/cli/commands.hpp"
#include "watchdog/cli/host_facts.hpp"
#include "watchdog/cli/render.hpp"
#include "watchdog/cli/run_folder.hpp"
#include "watchdog/cli/runbook.hpp"
#include "watchdog/config.hpp"

namespace portcullis::cli {
namespace {

constexpr std::uint64_t kAskNs = 2'000'000'000;

std::vector<std::string> contacts(const Common& common, const RunbookFacts& facts) {
  std::vector<std::string> found = contacts_of(facts.status);
  RunRecord record;
  if (found.empty() && read_record(common.run_dir, facts.engine, record) == RecordError::ok) found = record.contact;
  if (!found.empty()) return found;
  const LoadResult loaded = load_config(common.config_dir + "/" + facts.engine + ".toml");
  if (loaded.config)
    for (const SessionConfig& session : loaded.config->sessions)
      if (!session.contact.empty()) found.push_back(session.name + ": " + session.contact);
  return found;
}

}  // namespace

ExitCode runbook_command(const Common& common, const std::string& engine) {
  RunbookFacts facts;
  facts.engine = engine;
  const ClientError error = ask(run_path(common.run_dir, engine, "control"), make_request("status"), kAskNs, facts.status);
  facts.answered = error == ClientError::ok && facts.status.contains("state");
  if (!facts.answered) facts.status = Json::object();
  const LatchFacts latch = read_latch_facts(common.state_dir, engine);
  facts.latch = facts.answered ? object_of(facts.status, "latch") : latch.json;
  if (!facts.answered && !latch.known) {
    fmt::print(stderr, "portcullis: {}: {}; {}\n", engine, client_error_text(error), latch.why);
    return latch.exit;
  }
  facts.contact = contacts(common, facts);
  fmt::print("{}", render_runbook(facts, NameSource::local_file));
  return ExitCode::ok;
}

}  // namespace portcullis::cli
