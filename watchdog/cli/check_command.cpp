// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>

#include "watchdog/check_report.hpp"
#include "watchdog/cli/commands.hpp"
#include "watchdog/cli/json_value.hpp"

namespace portcullis::cli {
namespace {

/// Line by line: a configuration's text may hold control characters, the report's own line ends stay.
std::string printable_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += printable(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

void print_object(Json object, ExitCode code) {
  object["ok"] = code == ExitCode::ok;
  object["exit"] = static_cast<int>(code);
  fmt::print("{}\n", dump(object));
}

}  // namespace

ExitCode check_command(const std::string& file, bool json) {
  const LoadResult result = load_config(file);
  const ExitCode code = result.config ? ExitCode::ok : ExitCode::bad_config;
  if (json) {
    Json object = result.config ? check_json(make_check_report(*result.config)) : errors_json(result);
    if (!object.is_object()) object = Json{{"errors", std::move(object)}};
    print_object(std::move(object), code);
  } else if (result.config) {
    fmt::print("{}", printable_lines(check_text(make_check_report(*result.config))));
  } else {
    fmt::print(stderr, "{}", printable_lines(errors_text(result)));
  }
  return code;
}

}  // namespace portcullis::cli
