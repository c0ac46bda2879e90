// SPDX-License-Identifier: Apache-2.0
/// @file The command line of portcullis(1): builds the parser and runs the chosen command. Apart from main()
/// so that a test can walk all commands and options and look each up in the manual.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "watchdog/cli/commands.hpp"

namespace portcullis::cli {

/// Everything that options write into.
struct Options {
  Common common;
  Change change;
  RunOptions run;
  std::string engine;
  std::vector<std::string> targets;
  std::string halt_reason;
  std::string file;
  std::string audit;
  std::string head;
  std::string other_file;
  std::string lane = "drill";
  bool whole_engine = false;
  bool trip = false;
  bool all = false;
};

/// The parser; `chosen` is set by the command that was given.
[[nodiscard]] std::unique_ptr<CLI::App> make_app(Options& options, std::function<int()>& chosen);

/// latch, runbook, preflight, drill, metrics, diff and config: what needs no running supervisor.
void add_host_commands(CLI::App& app, Options& options, std::function<int()>& chosen);

/// Parses and runs. Never throws.
[[nodiscard]] int run_cli(int argc, char** argv);

}  // namespace portcullis::cli
