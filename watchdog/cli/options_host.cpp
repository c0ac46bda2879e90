// SPDX-License-Identifier: Apache-2.0
// Commands about this host rather than about one running supervisor: latch, runbook, preflight, drill, metrics, diff, config init.
#include "watchdog/cli/host_facts.hpp"
#include "watchdog/cli/options.hpp"
#include "watchdog/cli/run_folder.hpp"

namespace portcullis::cli {
namespace {

int number(ExitCode code) noexcept { return static_cast<int>(code); }

std::string check_name(const std::string& text) {
  return is_name(text) ? "" : "allowed: letters, digits, '.', '_', '-', at most 23";
}

CLI::Option* add_engine(CLI::App* command, Options& options) {
  return command->add_option("ENGINE", options.engine, "Engine")->check(check_name);
}

void add_json(CLI::App* command, Options& options) {
  command->add_flag("--json", options.common.json, "Print one JSON object on the last line instead of text");
}

void add_latch(CLI::App& app, Options& options, std::function<int()>& chosen) {
  CLI::App* command = app.add_subcommand("latch", "What the latch's file says, with or without a supervisor");
  add_engine(command, options)->required();
  command->add_flag("--trip", options.trip, "Print only a number that names the halt it is latched by");
  add_json(command, options);
  command->callback([&options, &chosen] {
    chosen = [&options] { return number(latch_command(options.common, options.engine, options.trip)); };
  });
}

void add_runbook(CLI::App& app, Options& options, std::function<int()>& chosen) {
  CLI::App* command = app.add_subcommand("runbook", "It tripped: now what, with the facts of that trip");
  add_engine(command, options)->required();
  command->callback([&options, &chosen] {
    chosen = [&options] { return number(runbook_command(options.common, options.engine)); };
  });
}

void add_preflight(CLI::App& app, Options& options, std::function<int()>& chosen) {
  CLI::App* command = app.add_subcommand("preflight", "What would stop the arming, and every rung of the ladder, now");
  add_engine(command, options)->required();
  add_json(command, options);
  command->callback([&options, &chosen] {
    chosen = [&options] { return number(preflight_command(options.common, options.engine)); };
  });
}

void add_drill(CLI::App& app, Options& options, std::function<int()>& chosen) {
  CLI::App* command = app.add_subcommand("drill", "The real kill path, on a lane or an engine without open orders");
  add_engine(command, options)->required();
  CLI::Option* lane = command->add_option("--lane", options.lane, "The lane kept for drills; default: drill")->check(check_name);
  command->add_flag("--engine", options.whole_engine, "The whole engine with its real sessions")->excludes(lane);
  command->add_option("--reason", options.halt_reason, "Why; goes to the audit")->required();
  add_json(command, options);
  command->callback([&options, &chosen] {
    chosen = [&options] {
      return number(drill_command(options.common, options.engine, options.whole_engine ? "" : options.lane, options.halt_reason));
    };
  });
}

void add_metrics(CLI::App& app, Options& options, std::function<int()>& chosen) {
  CLI::App* command = app.add_subcommand("metrics", "OpenMetrics text of every engine, or of one");
  add_engine(command, options);
  command->add_option("--textfile", options.file, "Write it to this file, whole or not at all");
  command->callback([&options, &chosen] {
    chosen = [&options] { return number(metrics_command(options.common, options.engine, options.file)); };
  });
}

void add_diff(CLI::App& app, Options& options, std::function<int()>& chosen) {
  CLI::App* command = app.add_subcommand("diff", "What changes between two configurations; tighter or looser");
  command->add_option("OLD", options.file, "Configuration")->required();
  command->add_option("NEW", options.other_file, "Configuration")->required();
  add_json(command, options);
  command->callback([&options, &chosen] {
    chosen = [&options] { return number(diff_command(options.file, options.other_file, options.common.json)); };
  });
}

void add_config(CLI::App& app, Options& options, std::function<int()>& chosen) {
  CLI::App* config = app.add_subcommand("config", "Configurations of this host");
  config->require_subcommand(1);
  CLI::App* init = config->add_subcommand("init", "Write a commented configuration for a new engine");
  add_engine(init, options)->required();
  init->callback([&options, &chosen] {
    chosen = [&options] { return number(config_init_command(options.engine, options.common.config_dir)); };
  });
}

}  // namespace

void add_host_commands(CLI::App& app, Options& options, std::function<int()>& chosen) {
  options.common.config_dir = kDefaultConfigDir;
  app.add_option("--config-dir", options.common.config_dir, "Folder of configurations")->envname("PORTCULLIS_CONFIG_DIR");
  add_latch(app, options, chosen);
  add_runbook(app, options, chosen);
  add_preflight(app, options, chosen);
  add_drill(app, options, chosen);
  add_metrics(app, options, chosen);
  add_diff(app, options, chosen);
  add_config(app, options, chosen);
}

}  // namespace portcullis::cli
