// SPDX-License-Identifier: Apache-2.0
/// @file The configuration: what it reads, derives and hashes, and that its documentation shows every key.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "tests/unit/config_fixture.hpp"
#include "watchdog/config_keys.hpp"

namespace portcullis {
namespace {

using config_fixture::all_texts;
using config_fixture::Folder;
using config_fixture::kNowNs;
using config_fixture::line_of;
using config_fixture::read_text;
using config_fixture::replaced;

/// "100 to 100000" stands in the text, and no digit after it.
bool says_range(const std::string& text, const KeySpec& spec) {
  const std::string range = " " + std::to_string(spec.min) + " to " + std::to_string(spec.max);
  for (std::size_t at = text.find(range); at != std::string::npos; at = text.find(range, at + 1))
    if (std::isdigit(static_cast<unsigned char>(text[at + range.size()])) == 0) return true;
  return false;
}

}  // namespace

TEST_CASE("the commented example loads") {
  const LoadResult result = load_config(config_fixture::example_path(), kNowNs);
  INFO(all_texts(result.errors));
  REQUIRE(result.config);
  CHECK(result.config->engine == "mm1");
  CHECK(result.config->instruments.size() == 3);
  CHECK(result.config->lanes.at(0).instruments == std::vector<std::uint32_t>{0, 1});
  CHECK(result.error_count == 0);
}

TEST_CASE("an error says file, line, key, value and what is allowed") {
  const Folder folder;
  const std::string text =
      replaced(read_text(config_fixture::example_path()), "lease_ms      = 250", "lease_ms = 9");
  const LoadResult result = folder.load(text);
  REQUIRE(result.errors.size() == 1);
  CHECK(to_text(result.errors[0]) ==
        folder.toml() + ":" + std::to_string(line_of(text, "lease_ms = 9")) +
            ": supervisor.lease_ms: got 9; allowed: an integer from 10 to 10000 ms, at least five cycles");
}

TEST_CASE("all errors of a file are listed, up to 32, and the rest is counted") {
  const Folder folder;
  std::string text = read_text(config_fixture::example_path());
  for (int i = 0; i < 40; ++i) text += "nonsense_" + std::to_string(i) + " = 1\n";
  const LoadResult result = folder.load(text);
  CHECK(!result.config);
  CHECK(result.errors.size() == kMaxConfigErrors);
  CHECK(result.error_count == 40);
}

TEST_CASE("a key that stands twice is an error with its line") {
  const Folder folder;
  const LoadResult result = folder.load("version = 1\nversion = 1\n");
  REQUIRE(result.errors.size() == 1);
  CHECK(result.errors[0].line == 2);
}

TEST_CASE("two lanes or two sessions with one name are refused") {
  const Folder folder;
  const std::string example = read_text(config_fixture::example_path());
  const LoadResult lanes =
      folder.load(replaced(example, "[limits.engine]", "[[lane]]\nname = \"es-quoter\"\n[limits.engine]"));
  INFO(all_texts(lanes.errors));
  CHECK(std::any_of(lanes.errors.begin(), lanes.errors.end(),
                    [](const ConfigError& error) { return error.key == "lane[1].name"; }));
  const LoadResult sessions =
      folder.load(replaced(example, "[[lane]] ",
                           "[[session]]\nname = \"CME-A\"\ntransport = \"kernel\"\nundeclared_bytes = 0\n"
                           "cancel_rate_per_s = 9\n[[lane]] "));
  CHECK(std::any_of(sessions.errors.begin(), sessions.errors.end(),
                    [](const ConfigError& error) { return error.key == "session[1].name"; }));
}

TEST_CASE("a limit that is meant to be absent keeps its reason") {
  const Folder folder;
  const LoadResult result =
      folder.load(replaced(read_text(config_fixture::example_path()), "order_qty             = 10",
                           "order_qty = { off = \"venue caps it\" }"));
  REQUIRE(result.config);
  const LimitSetting* row = find_limit(*result.config, LimitKind::order_qty, 0);
  REQUIRE(row != nullptr);
  CHECK(row->off);
  CHECK(row->off_reason == "venue caps it");
}

TEST_CASE("money is read exactly, as an integer or as a decimal text") {
  const Folder folder;
  const std::string example = read_text(config_fixture::example_path());
  const auto value = [&](const char* written) {
    const LoadResult result = folder.load(replaced(example, "\"5000000.00\"", written));
    INFO(written << "\n" << all_texts(result.errors));
    REQUIRE(result.config);
    return find_limit(*result.config, LimitKind::order_notional, 0)->value;
  };
  CHECK(value("\"0.0001\"") == 1);
  CHECK(value("\"9999999999999.9999\"") == 99'999'999'999'999'999);
  CHECK(value("10_000_000_000_000") == 100'000'000'000'000'000);
  CHECK(value("{ max = \"250000.5\", do = \"halt_engine\" }") == 2'500'005'000);
}

TEST_CASE("the action of a limit defaults by its kind and scope") {
  const LoadResult result = load_config(config_fixture::example_path(), kNowNs);
  REQUIRE(result.config);
  const Config& config = *result.config;
  const auto action = [&](LimitKind kind, std::uint16_t lane) {
    return find_limit(config, kind, lane)->action;
  };
  CHECK(action(LimitKind::order_rate, kEngineScope) == Action::halt_engine);
  CHECK(action(LimitKind::refusals, kEngineScope) == Action::halt_engine);
  CHECK(action(LimitKind::child_qty, 0) == Action::halt_lane);
  CHECK(action(LimitKind::order_qty, 0) == Action::refuse);
  CHECK(action(LimitKind::position, 0) == Action::refuse);
  CHECK(action(LimitKind::undeclared_bytes, kEngineScope) == Action::halt_engine);
  CHECK(supervised_action(*find_limit(config, LimitKind::position, 0)) == Action::halt_lane);
  CHECK(supervised_action(*find_limit(config, LimitKind::gross_notional, kEngineScope)) ==
        Action::halt_engine);
}

TEST_CASE("an instrument's own position limit comes before the one for each") {
  const LoadResult result = load_config(config_fixture::example_path(), kNowNs);
  REQUIRE(result.config);
  CHECK(find_limit(*result.config, LimitKind::position, 0, 0)->value == 15);
  CHECK(find_limit(*result.config, LimitKind::position, 0, 1)->value == 10);
}

TEST_CASE("the hash covers every byte of both files") {
  const Folder folder;
  const std::string example = read_text(config_fixture::example_path());
  const auto hash = [&](const std::string& text) {
    const LoadResult result = folder.load(text);
    REQUIRE(result.config);
    return result.config->hash;
  };
  const auto first = hash(example);
  CHECK(hash(example) == first);
  CHECK(hash(example + "\n") != first);
  folder.write("instruments.csv", read_text(config_fixture::example_csv_path()) + "\n");
  CHECK(hash(example) != first);
  // moving a byte from the end of one file to the start of the other is another configuration
  folder.write("instruments.csv", "\n" + read_text(config_fixture::example_csv_path()));
  const auto moved = hash(example);
  folder.write("instruments.csv", read_text(config_fixture::example_csv_path()));
  CHECK(hash(example + "\n") != moved);
}

TEST_CASE("exchange rates are accepted until they are max_age_h old and not a second longer") {
  const Folder folder;
  const std::string text = replaced(read_text(config_fixture::example_path()), "# fx =", "fx =");
  const std::int64_t as_of_ns = 1'795'194'000'000'000'000;  // 2026-11-20T17:00:00Z
  const std::int64_t day_ns = 86'400'000'000'000;
  CHECK(folder.load(text, as_of_ns).config);
  CHECK(folder.load(text, as_of_ns + day_ns).config);
  CHECK(!folder.load(text, as_of_ns + day_ns + 1).config);
  CHECK(!folder.load(text, as_of_ns - 1).config);
}

TEST_CASE("capacities are derived from what the file needs") {
  const Folder folder;
  std::string text = read_text(config_fixture::example_path());
  text = text.substr(0, text.find("[capacity]")) + text.substr(text.find("[[session]]"));
  const LoadResult result = folder.load(text);
  INFO(all_texts(result.errors));
  REQUIRE(result.config);
  const Capacities& to = result.config->capacities;
  CHECK(to.lanes == 1);
  CHECK(to.instruments == 3);
  CHECK(to.pairs == 2);
  CHECK(to.parents == 1024);
  CHECK(to.open_orders == 400);
  CHECK(to.sessions == 1);
  CHECK(to.rate_entries == 512);
  CHECK(to.message_ends == 4096);
  CHECK(capacities_valid(to));
}

TEST_CASE("capacities that do not fit into memory_max_mib are refused") {
  const Folder folder;
  const std::string text =
      replaced(read_text(config_fixture::example_path()), "open_orders  = 512", "open_orders = 65536");
  CHECK(folder.load(text).config);  // 65,536 orders of 320 bytes in 32 MiB
  const LoadResult result = folder.load(replaced(text, "memory_max_mib = 32", "memory_max_mib = 20"));
  REQUIRE(result.errors.size() == 1);
  CHECK(result.errors[0].key == "memory_max_mib");
  CHECK(result.errors[0].line == line_of(text, "memory_max_mib"));
}

TEST_CASE("a desk needs no users or groups, a host does") {
  const Folder folder;
  std::string text =
      replaced(read_text(config_fixture::example_path()), "mode           = \"host\"", "mode = \"desk\"");
  for (const char* line : {"user = \"trader\"", "halt = \"portcullis-halt\"", "arm  = \"portcullis-arm\""})
    text = replaced(text, line, "# ");
  const LoadResult result = folder.load(text);
  INFO(all_texts(result.errors));
  REQUIRE(result.config);
  CHECK(result.config->engine_user.empty());
}

TEST_CASE("a configuration that is missing, a folder, or writable by everybody is refused") {
  const Folder folder;
  CHECK(!load_config(folder.path() + "/absent.toml", kNowNs).config);
  CHECK(!load_config(folder.path(), kNowNs).config);
  CHECK(!load_config("/dev/zero", kNowNs).config);
  CHECK(!load_config("", kNowNs).config);
  const std::string example = read_text(config_fixture::example_path());
  REQUIRE(folder.load(example).config);
  folder.mode("instruments.csv", 0666);
  CHECK(!folder.load(example).config);
  folder.mode("instruments.csv", 0644);
  folder.mode("mm1.toml", 0646);
  CHECK(!load_config(folder.toml(), kNowNs).config);
}

TEST_CASE("bytes that are no TOML are an error, not a crash") {
  const Folder folder;
  std::uint32_t seed = 4711;
  for (int round = 0; round < 200; ++round) {
    std::string text = read_text(config_fixture::example_path());
    for (int i = 0; i < 3; ++i) {
      seed = seed * 1664525U + 1013904223U;  // Numerical Recipes' generator: repeats exactly
      text[seed % text.size()] = static_cast<char>(seed >> 24U);
    }
    const LoadResult result = folder.load(text);
    CHECK(result.config.has_value() == (result.error_count == 0));
  }
}

TEST_CASE("the man page and the example show every key that the parser knows") {
  const std::string man = read_text(std::string(PORTCULLIS_SOURCE_DIR) + "/watchdog/man/portcullis.toml.5");
  const std::string example = read_text(config_fixture::example_path());
  for (const KeySpec& spec : config_keys()) {
    const std::string key(spec.key);
    INFO(spec.section << "." << key);
    const bool shown =
        man.find(".BR " + key + " ") != std::string::npos || man.find("\" " + key + " ") != std::string::npos;
    CHECK(shown);
    if (spec.type == KeyType::integer && spec.section != "limit") CHECK(says_range(man, spec));
    CHECK(example.find(key) != std::string::npos);
  }
}

}  // namespace portcullis
