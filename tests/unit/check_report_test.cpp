// SPDX-License-Identifier: Apache-2.0
/// @file What `portcullis check` says: nothing of a configuration is left out, and no number is guessed.
#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

#include "shm/ledger_layout.hpp"
#include "tests/unit/config_fixture.hpp"
#include "watchdog/check_report.hpp"

namespace portcullis {
namespace {

using config_fixture::Folder;
using config_fixture::read_text;
using config_fixture::replaced;

Config load_with(const std::string& from, const std::string& to) {
  const Folder folder;
  LoadResult result = folder.load(replaced(read_text(config_fixture::example_path()), from, to));
  INFO(config_fixture::all_texts(result.errors));
  REQUIRE(result.config);
  return *std::move(result.config);
}

Config example() { return load_with("", ""); }

template <class Row>
const Row& named(const std::vector<Row>& rows, const std::string& name) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.name == name; });
  REQUIRE(found != rows.end());
  return *found;
}

const CheckMargin& margin(const CheckReport& report, const std::string& limit) {
  const auto found = std::find_if(report.margins.begin(), report.margins.end(),
                                  [&](const CheckMargin& row) { return row.limit == limit; });
  REQUIRE(found != report.margins.end());
  return *found;
}

}  // namespace

TEST_CASE("check shows every limit with value, unit, action and who enforces it") {
  const Config config = example();
  const CheckReport report = make_check_report(config);
  REQUIRE(report.limits.size() == config.limits.size());
  const std::string text = check_text(report);
  for (const LimitSetting& row : config.limits) CHECK(text.find(row.name) != std::string::npos);
  CHECK(named(report.limits, "gross_notional").shown == "20,000,000 USD");
  CHECK(named(report.limits, "order_rate/1000ms").shown == "500 orders in 1000 ms");
  CHECK(named(report.limits, "price_collar").enforced == "inline and supervised");
  CHECK(named(report.limits, "beat_age").enforced == "supervised");
  CHECK(named(report.limits, "undeclared_bytes/CME-A").scope == "session CME-A");
}

TEST_CASE("check shows the reason of a limit that is off") {
  const Config config = load_with("progress_ms   = 500", "progress_ms = { off = \"no queue of its own\" }");
  const CheckReport report = make_check_report(config);
  CHECK(check_text(report).find("off: no queue of its own") != std::string::npos);
  for (const CheckMargin& row : report.margins) CHECK(row.limit != "progress");
  const auto json = check_json(report);
  CHECK(json.dump().find("no queue of its own") != std::string::npos);
}

TEST_CASE("the bytes of the capacity table add up to both memories") {
  const Config config = example();
  const CheckReport report = make_check_report(config);
  std::uint64_t sum = 0;
  for (const CheckCapacity& row : report.capacities) sum += row.bytes;
  CHECK(sum == gate_bytes(config.capacities) + ledger_bytes(config.capacities));
  CHECK(named(report.capacities, "headers").bytes < 32'768);  // two pages and padding, nothing forgotten
  CHECK(named(report.capacities, "open_orders").bytes == 512 * 320);
}

TEST_CASE("check says how long cancelling everything takes and when that is longer than the ask") {
  const CheckReport fast = make_check_report(example());
  CHECK(fast.sessions.at(0).orders == 400);
  CHECK(fast.sessions.at(0).cancel_all_ms == 400);
  CHECK(fast.sessions.at(0).note.empty());
  const CheckReport slow =
      make_check_report(load_with("cancel_rate_per_s    = 1000", "cancel_rate_per_s = 30"));
  CHECK(slow.sessions.at(0).cancel_all_ms == 13'334);  // rounded up
  CHECK(slow.sessions.at(0).note.find("longer than ask_ms = 500") != std::string::npos);
  CHECK(check_text(slow).find("13.3 s") != std::string::npos);
}

TEST_CASE("without a kernel socket the take-over and the sever are shown as missing, and where the file says so") {
  const auto rung = [](const CheckReport& report, const char* name) {
    return named(report.sessions.at(0).rungs, name);
  };
  const CheckReport kernel = make_check_report(example());
  CHECK(rung(kernel, "take-over").note == "10000 ms; needs the engine's own 35=F");
  CHECK(rung(kernel, "take-over").exists);
  const CheckReport off = make_check_report(load_with("take_over            = true", "take_over = false"));
  CHECK(rung(off, "take-over").note == "missing: take_over = false");
  CHECK(!rung(off, "take-over").exists);
  CHECK(rung(off, "sever").exists);
  CHECK(rung(kernel, "sever").exists);
  const Folder folder;
  for (const char* transport : {"bypass", "tls", "none"}) {
    std::string text = read_text(config_fixture::example_path());
    text =
        replaced(text, "transport            = \"kernel\"", "transport = \"" + std::string(transport) + "\"");
    text = replaced(text, "undeclared_bytes     = 0", "undeclared_bytes = { off = \"no witness\" }");
    text = replaced(text, "backlog_bytes        = 1_048_576", "");
    const LoadResult result = folder.load(text);
    REQUIRE(result.config);
    const CheckReport report = make_check_report(*result.config);
    CHECK(!rung(report, "sever").exists);
    CHECK(!rung(report, "take-over").exists);
    CHECK(rung(report, "fence").exists);
    CHECK(report.sessions.at(0).note.find("closed only, ends at the fence") != std::string::npos);
  }
}

TEST_CASE("the worst before a liveness limit acts follows from the rate windows and the inline notional") {
  const CheckReport report = make_check_report(example());
  const CheckMargin& beat = margin(report, "beat_age");
  CHECK(beat.reaction_ns == 1'001'000'000);
  // 1001 ms: engine 50 * 101 and 500 * 2, lane 40 * 101; the strictest holds
  REQUIRE(beat.orders);
  CHECK(*beat.orders == 1000);
  REQUIRE(beat.notional_e4);
  CHECK(*beat.notional_e4 == 200'000'000'000);  // 1000 orders of 5,000,000 would pass the gross notional
}

TEST_CASE("what cannot be computed is said to be unknown, never zero") {
  const CheckReport report = make_check_report(example());
  for (const char* limit :
       {"foreign_orders", "unsubmitted_orders", "unregistered_sockets", "undeclared_bytes/CME-A"}) {
    CHECK(!margin(report, limit).orders);
    CHECK(!margin(report, limit).notional_e4);
  }
  const auto json = check_json(report);
  bool seen = false;
  for (const auto& row : json.at("margins")) {
    if (row.at("limit") != "foreign_orders") continue;
    seen = true;
    CHECK(row.at("orders").is_null());
  }
  CHECK(seen);
  CHECK(margin(report, "unregistered_sockets").reaction_ns == 1'001'000'000);
  Config config = example();
  for (LimitSetting& row : config.limits)
    if (row.kind == LimitKind::order_rate) row.off = true;
  CHECK(!worst_orders(config, 1));
  for (LimitSetting& row : config.limits)
    if (row.kind == LimitKind::gross_notional) row.off = true;
  CHECK(!margin(make_check_report(config), "beat_age").notional_e4);
}

TEST_CASE("errors are listed with the number of those that were cut") {
  const Folder folder;
  std::string text = read_text(config_fixture::example_path());
  for (int i = 0; i < 40; ++i) text += "nonsense_" + std::to_string(i) + " = 1\n";
  const LoadResult result = folder.load(text);
  CHECK(errors_text(result).find("and 8 more errors") != std::string::npos);
  CHECK(errors_json(result)["error_count"] == 40);
  CHECK(errors_json(result)["errors"].size() == 32);
}

}  // namespace portcullis
