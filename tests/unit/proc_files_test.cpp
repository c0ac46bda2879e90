// SPDX-License-Identifier: Apache-2.0
/// @file Texts of /proc and of control groups, as a hostile process could name itself.
#include "watchdog/proc_files.hpp"

#include <catch2/catch.hpp>

#include "watchdog/control_group.hpp"

namespace portcullis {
namespace {

TEST_CASE("a process that calls itself a stat line does not get another start time") {
  ProcStat stat;
  REQUIRE(parse_stat("77 (a) T 1 (b) R) S 42 77 77 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 1 2", stat));
  CHECK(stat.state == 'S');
  CHECK(stat.parent == 42);
  CHECK(stat.start_ticks == 98765);
}

TEST_CASE("a cut stat line is no stat line") {
  const std::string_view line = "77 (x) S 42 77 77 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765";
  for (std::size_t size = 0; size < line.size() - 5; ++size) {
    ProcStat stat;
    INFO(size);
    CHECK_FALSE(parse_stat(line.substr(0, size), stat));
  }
}

TEST_CASE("the version 2 group is the line that begins with 0::") {
  CHECK(group_path("9:name=systemd:/a\n0::/system.slice/mm1.service\n") == "/system.slice/mm1.service");
  CHECK(group_path("0::/x") == "/x");
}

TEST_CASE("root, a group outside our view and no group at all are not its own") {
  CHECK(group_path("0::/\n").empty());
  CHECK(group_path("0::/../other\n").empty());
  CHECK(group_path("9:name=systemd:/a\n").empty());
  CHECK(group_path("").empty());
}

TEST_CASE("a group that holds us, or one above it, is never killed") {
  CHECK_FALSE(apart_from_ours("/a", "/a"));
  CHECK_FALSE(apart_from_ours("/a", "/a/b"));
  CHECK(apart_from_ours("/a", "/ab"));
  CHECK(apart_from_ours("/a/b", "/a"));
  CHECK(apart_from_ours("/a", ""));
}

}  // namespace
}  // namespace portcullis
