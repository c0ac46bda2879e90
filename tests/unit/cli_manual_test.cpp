// SPDX-License-Identifier: Apache-2.0
// What the manuals must name: every command and option of the parser, every exit code, every event.
#include <catch2/catch.hpp>

#include <algorithm>
#include <regex>

#include "tests/unit/scratch_folder.hpp"
#include "watchdog/cli/options.hpp"
#include "watchdog/events.hpp"

using namespace portcullis;
using namespace portcullis::cli;

namespace {

/// The page's text without the escapes of its markup, so that "\-\-head" reads as it is typed.
std::string manual(const std::string& name) {
  std::string text = test::read_bytes(std::string(PORTCULLIS_SOURCE_DIR) + "/watchdog/man/" + name);
  REQUIRE_FALSE(text.empty());
  text = std::regex_replace(text, std::regex(R"(\\f[A-Z])"), "");
  text.erase(std::remove(text.begin(), text.end(), '\\'), text.end());
  return text;
}

bool contains_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

std::vector<std::string> missing_options(const CLI::App& app, const std::string& page,
                                         const std::string& path) {
  std::vector<std::string> missing;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames())
      if (page.find("--" + name) == std::string::npos) missing.push_back(path + " --" + name);
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string full = path.empty() ? command->get_name() : path + " " + command->get_name();
    const bool group = !command->get_subcommands([](const CLI::App*) { return true; }).empty();
    // a command has its own entry: ".BR halt ...", ".B version" or ".BR "audit verify" ..."
    const std::regex entry("\n\\.TP\n\\.BR? \"?" + full + "(\"? |\n)");
    if (!group && !std::regex_search(page, entry)) missing.push_back(full);
    const auto below = missing_options(*command, page, full);
    missing.insert(missing.end(), below.begin(), below.end());
  }
  return missing;
}

}  // namespace

TEST_CASE("each command and each option of the CLI is in portcullis(1)") {
  Options options;
  std::function<int()> chosen;
  const auto app = make_app(options, chosen);
  const std::string page = manual("portcullis.1");
  CHECK(missing_options(*app, page, "") == std::vector<std::string>{});
  CHECK_FALSE(missing_options(*app, "", "").empty());
  for (int code = 0; code <= 9; ++code) {
    INFO("exit code " << code);
    CHECK(contains_line(page, ".B " + std::to_string(code)));
  }
}

TEST_CASE("each command and each of its options can be completed in bash") {
  Options options;
  std::function<int()> chosen;
  const auto app = make_app(options, chosen);
  const std::string script = test::read_bytes(std::string(PORTCULLIS_SOURCE_DIR) + "/packaging/completion.bash");
  for (const CLI::App* command : app->get_subcommands([](const CLI::App*) { return true; })) {
    INFO(command->get_name());
    CHECK(std::regex_search(script, std::regex("commands='[^']*\\b" + command->get_name() + "\\b")));
    for (const CLI::Option* option : command->get_options())
      for (const std::string& name : option->get_lnames())
        if (name != "help" && command->get_name() != "check") CHECK(script.find("--" + name) != std::string::npos);
  }
}

TEST_CASE("each event is in portcullisd(8) with its number, cause and what to do") {
  std::string page = manual("portcullisd.8");
  page.erase(std::remove(page.begin(), page.end(), '`'), page.end());
  for (const EventInfo& event : kEventTable) {
    INFO(event.name);
    CHECK(contains_line(page, ".B " + std::string(event.name)));
    CHECK(page.find("MESSAGE_ID=" + std::string(event.message_id)) != std::string::npos);
    std::string does(event.operator_does);
    does.erase(std::remove(does.begin(), does.end(), '`'), does.end());
    CHECK(page.find("Do: " + does + ".") != std::string::npos);
    CHECK(page.find(std::string(event.cause.substr(1)) + ".") != std::string::npos);
  }
}

TEST_CASE("each function of the C interface is in portcullis(3)") {
  const std::string page = manual("portcullis.3");
  const std::string header =
      test::read_bytes(std::string(PORTCULLIS_SOURCE_DIR) + "/integration/include/portcullis/portcullis.h");
  const std::regex declaration(R"(PC_API [^;(]*\b(pc_[a-z_]+)\()");
  int functions = 0;
  for (std::sregex_iterator at(header.begin(), header.end(), declaration), end; at != end; ++at, ++functions) {
    const std::string name = (*at)[1];
    INFO(name);
    CHECK(std::regex_search(page, std::regex("\n\\.BR? [^\n]*\\b" + name + "\\b")));
  }
  CHECK(functions == 43);
}
