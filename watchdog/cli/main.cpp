// SPDX-License-Identifier: Apache-2.0
// The CLI. Everything is in the library, so that tests link it.
#include "watchdog/cli/options.hpp"

int main(int argc, char** argv) { return portcullis::cli::run_cli(argc, argv); }
