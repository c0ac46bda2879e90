// SPDX-License-Identifier: Apache-2.0
#include "watchdog/cli/options.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "watchdog/cli/run_folder.hpp"

namespace portcullis::cli {
namespace {

constexpr std::size_t kMaxClOrdIdBytes = 36;

int number(ExitCode code) noexcept { return static_cast<int>(code); }

/// An empty string means accepted, as CLI11 wants it.
std::string check_reason(const std::string& text) {
  const bool controls = std::any_of(text.begin(), text.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  if (!text.empty() && text.size() <= kMaxReasonBytes && !controls) return {};
  return fmt::format("got {} bytes; allowed: 1 to {} bytes of text in one line", text.size(),
                     kMaxReasonBytes);
}

std::string check_name(const std::string& text) {
  return is_name(text) ? "" : "allowed: letters, digits, '.', '_', '-', at most 23";
}

std::string check_cl_ord_id(const std::string& text) {
  if (!text.empty() && text.size() <= kMaxClOrdIdBytes) return {};
  return fmt::format("got {} bytes; allowed: 1 to {}", text.size(), kMaxClOrdIdBytes);
}

void add_json(CLI::App* command, Options& options) {
  command->add_flag("--json", options.common.json, "Print one JSON object on the last line instead of text");
}

void add_change(CLI::App& app, Options& options, std::function<int()>& chosen, const char* name,
                const char* help) {
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("ENGINE", options.change.engine, "Engine")->required()->check(check_name);
  command->add_option("--reason", options.change.reason, "Why; goes to the audit")
      ->required()
      ->check(check_reason);
  add_json(command, options);
  command->callback([&options, &chosen, name] {
    options.change.command = name;
    chosen = [&options] { return number(change_command(options.common, options.change)); };
  });
}

void add_resolve(CLI::App& app, Options& options, std::function<int()>& chosen) {
  CLI::App* command = app.add_subcommand("resolve", "Say what the venue told you about an unknown order");
  command->add_option("ENGINE", options.change.engine, "Engine")->required()->check(check_name);
  command->add_option("CLORDID", options.change.cl_ord_id, "ClOrdID (11)")
      ->required()
      ->check(check_cl_ord_id);
  command->add_option("--as", options.change.as, "cancelled, filled or rejected")
      ->required()
      ->check(CLI::IsMember({"cancelled", "filled", "rejected"}));
  command->add_option("--reason", options.change.reason, "Why; goes to the audit")->check(check_reason);
  add_json(command, options);
  command->callback([&options, &chosen] {
    options.change.command = "resolve";
    chosen = [&options] { return number(change_command(options.common, options.change)); };
  });
}

void add_status(CLI::App& app, Options& options, std::function<int()>& chosen) {
  CLI::App* command = app.add_subcommand("status", "Show state, limits, rungs and sessions");
  CLI::Option* engine =
      command->add_option("ENGINE", options.engine, "Engine; without: every engine of the run folder")->check(check_name);
  command->add_flag("--all", options.all, "One line for every engine of this host, also those that do not run")
      ->excludes(engine);
  add_json(command, options);
  command->callback([&options, &chosen] {
    chosen = [&options] {
      return number(options.all ? overview_command(options.common) : status_command(options.common, options.engine));
    };
  });
}

void add_halt(CLI::App& app, Options& options, std::function<int()>& chosen) {
  CLI::App* command =
      app.add_subcommand("halt", "Halt now: every engine of the run folder, or those that are named");
  command->add_option("ENGINE[/LANE]", options.targets,
                      "Engines or lanes; without: every engine of the run folder");
  command->add_option("--reason", options.halt_reason, "Why; goes to the audit");
  add_json(command, options);
  command->callback([&options, &chosen] {
    chosen = [&options] {
      return number(halt_command(options.common, options.targets, options.halt_reason));
    };
  });
}

void add_check(CLI::App& app, Options& options, std::function<int()>& chosen) {
  CLI::App* command = app.add_subcommand("check", "Check a configuration; show limits, capacities and rungs");
  command->add_option("FILE", options.file, "Configuration")->required();
  add_json(command, options);
  command->callback([&options, &chosen] {
    chosen = [&options] { return number(check_command(options.file, options.common.json)); };
  });
}

void add_audit(CLI::App& app, Options& options, std::function<int()>& chosen) {
  CLI::App* audit = app.add_subcommand("audit", "The audit's chain");
  audit->require_subcommand(1);
  CLI::App* verify =
      audit->add_subcommand("verify", "Walk the chain; name the first record that does not hold");
  verify->add_option("FILE|ENGINE", options.audit, "Audit; without: every audit of the state folder");
  verify->add_option("--head", options.head, "The last record must have this hash (HEX or SEQ:HEX)");
  add_json(verify, options);
  verify->callback([&options, &chosen] {
    chosen = [&options] { return number(audit_verify_command(options.common, options.audit, options.head)); };
  });
}

void add_run(CLI::App& app, Options& options, std::function<int()>& chosen) {
  CLI::App* command = app.add_subcommand("run", "On a desk: a supervisor and its engine together");
  command->add_option("--config", options.run.config, "Configuration, mode = \"desk\"")->required();
  CLI::Option* reason =
      command->add_option("--reason", options.run.reason, "Why it is armed")->check(check_reason);
  command->add_flag("--arm", options.run.arm, "Arm once the engine is attached")->needs(reason);
  command->add_option("COMMAND", options.run.engine_command, "-- ENGINE ARGS")->required();
  command->positionals_at_end();
  command->callback([&options, &chosen] { chosen = [&options] { return run_command(options.run); }; });
}

}  // namespace

std::unique_ptr<CLI::App> make_app(Options& options, std::function<int()>& chosen) {
  auto app =
      std::make_unique<CLI::App>("portcullis: kill switch and watchdog for trading engines", "portcullis");
  options.common.run_dir = kDefaultRunDir;
  options.common.state_dir = kDefaultStateDir;
  app->require_subcommand(1);
  app->fallthrough();
  app->add_option("--run-dir", options.common.run_dir, "Run folder")->envname("PORTCULLIS_RUN_DIR");
  app->add_option("--state-dir", options.common.state_dir, "State folder")->envname("PORTCULLIS_STATE_DIR");
  add_status(*app, options, chosen);
  add_change(*app, options, chosen, "arm", "Give the right to trade");
  add_change(*app, options, chosen, "disarm", "Planned end: close, cancel all, prove; no latch");
  add_halt(*app, options, chosen);
  add_change(*app, options, chosen, "clear", "Clear the latch; arms nothing");
  add_resolve(*app, options, chosen);
  add_check(*app, options, chosen);
  add_audit(*app, options, chosen);
  add_run(*app, options, chosen);
  add_host_commands(*app, options, chosen);
  app->add_subcommand("version", "Print the version")->callback([&chosen] {
    chosen = [] {
      fmt::print("portcullis {}\n", PORTCULLIS_VERSION);
      return number(ExitCode::ok);
    };
  });
  return app;
}

int run_cli(int argc, char** argv) {
  try {
    Options options;
    std::function<int()> chosen;
    const auto app = make_app(options, chosen);
    try {
      app->parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app->exit(error) == 0 ? number(ExitCode::ok) : number(ExitCode::usage);
    }
    return chosen ? chosen() : number(ExitCode::usage);
  } catch (const std::exception& error) {
    fmt::print(stderr, "portcullis: internal error: {}\n", error.what());
    return number(ExitCode::internal);
  }
}

}  // namespace portcullis::cli
