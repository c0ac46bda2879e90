// SPDX-License-Identifier: Apache-2.0
/// @file The latch on a real disk: made, read again, spoilt, full, deleted.
#include "watchdog/latch_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <memory>

#include "tests/unit/file_size_limit.hpp"
#include "tests/unit/scratch_folder.hpp"

using namespace portcullis;
using test::ScratchFolder;

namespace {

LatchRecord trip_record(Cause cause) {
  LatchRecord record;
  record.cause = cause;
  record.limit_value = 50;
  record.observed_value = 51;
  return record;
}

/// What a supervisor that starts now would find.
LatchView reopened(const ScratchFolder& folder) {
  LatchFile latch;
  if (latch.open(folder.path(), "mm1", Stamp{}) != LatchError::ok) return {};
  CHECK_FALSE(latch.made_new());
  CHECK(read_latch(folder.path(), "mm1").state == latch.view().state);
  return latch.view();
}

void make_clear(const ScratchFolder& folder) {
  LatchFile latch;
  REQUIRE(latch.open(folder.path(), "mm1", Stamp{}) == LatchError::ok);
  REQUIRE(latch.made_new());
  REQUIRE(latch.view().state == LatchState::clear);
}

}  // namespace

TEST_CASE("a latch that was never opened is latched, and a trip on it is remembered in memory") {
  LatchFile latch;
  CHECK(latch.view().state == LatchState::latched);
  CHECK(latch.trip(trip_record(Cause::death)) == LatchError::not_open);
  CHECK(latch.view().state == LatchState::latched);
  CHECK(latch.clear({}, Stamp{}) == LatchError::not_open);
  CHECK(latch.resolve("A") != LatchError::ok);
}

TEST_CASE("a halt survives the end of the supervisor, with its first cause and its outcome") {
  ScratchFolder folder;
  make_clear(folder);
  {
    LatchFile latch;
    REQUIRE(latch.open(folder.path(), "mm1", Stamp{}) == LatchError::ok);
    REQUIRE(latch.trip(trip_record(Cause::position)) == LatchError::ok);
    REQUIRE(latch.trip(trip_record(Cause::death)) == LatchError::ok);
    UnresolvedOrder unknown;
    REQUIRE(make_unresolved("Q7", OrderFate::unknown, unknown));
    REQUIRE(latch.outcome({37, 1, 0, 1, 0}, {&unknown, 1, 0}) == LatchError::ok);
  }
  const LatchView view = reopened(folder);
  CHECK(view.state == LatchState::latched);
  CHECK_FALSE(view.unreadable);
  CHECK(view.record.cause == Cause::position);
  CHECK(view.record.observed_value == 51);
  CHECK(view.record.fates.acknowledged == 37);
  CHECK(view.record.unresolved[0].id() == "Q7");
}

TEST_CASE("clear and resolve by people give a latch that can be armed, also after a restart") {
  ScratchFolder folder;
  make_clear(folder);
  LatchFile latch;
  REQUIRE(latch.open(folder.path(), "mm1", Stamp{}) == LatchError::ok);
  REQUIRE(latch.trip(trip_record(Cause::position)) == LatchError::ok);
  UnresolvedOrder unknown;
  REQUIRE(make_unresolved("Q7", OrderFate::unknown, unknown));
  REQUIRE(latch.outcome({0, 0, 0, 1, 0}, {&unknown, 1, 0}) == LatchError::ok);
  REQUIRE(latch.clear({1004, 1004}, Stamp{}) == LatchError::ok);
  CHECK(blocks_arming(reopened(folder)));
  CHECK(latch.resolve("Q8") == LatchError::not_listed);
  REQUIRE(latch.resolve("Q7") == LatchError::ok);
  CHECK_FALSE(blocks_arming(latch.view()));
  CHECK_FALSE(blocks_arming(reopened(folder)));
  CHECK(latch.outcome({}, {}) == LatchError::not_latched);
}

TEST_CASE("a latch with one spoilt slot is latched, and people can clear it") {
  ScratchFolder folder;
  make_clear(folder);
  const std::string whole = test::read_bytes(folder.file("mm1.latch"));
  REQUIRE(whole.size() == 8192);
  struct Row {
    const char* what;
    std::string bytes;
  };
  std::string first = whole;
  first[100] = 'x';
  std::string second = whole;
  second[5000] = 'x';
  for (const Row& row : {Row{"first slot", first}, Row{"second slot", second}, Row{"empty", ""},
                         Row{"one slot only", whole.substr(0, 4096)}, Row{"cut", whole.substr(0, 8191)},
                         Row{"zeros", std::string(8192, '\0')}, Row{"garbage", std::string(8192, 'x')}}) {
    INFO(row.what);
    test::write_bytes(folder.file("mm1.latch"), row.bytes);
    LatchFile latch;
    REQUIRE(latch.open(folder.path(), "mm1", Stamp{}) == LatchError::ok);
    CHECK(latch.view().state == LatchState::latched);
    CHECK(latch.view().unreadable);
    CHECK(latch.view().record.cause == Cause::latch_unreadable);
    REQUIRE(latch.clear({1004, 1004}, Stamp{}) == LatchError::ok);
    CHECK(blocks_arming(reopened(folder)));
    REQUIRE(latch.resolve_unlisted() == LatchError::ok);
    CHECK_FALSE(blocks_arming(reopened(folder)));
  }
}

TEST_CASE("a trip on an unreadable latch mends a slot and stays latched") {
  ScratchFolder folder;
  make_clear(folder);
  std::string bytes = test::read_bytes(folder.file("mm1.latch"));
  bytes[4100] = 'x';
  test::write_bytes(folder.file("mm1.latch"), bytes);
  LatchFile latch;
  REQUIRE(latch.open(folder.path(), "mm1", Stamp{}) == LatchError::ok);
  REQUIRE(latch.trip(trip_record(Cause::death)) == LatchError::ok);
  const LatchView view = reopened(folder);
  CHECK(view.state == LatchState::latched);
  CHECK_FALSE(view.unreadable);
  CHECK(view.record.unlisted == 1);
  REQUIRE(latch.resolve_unlisted() == LatchError::ok);
  CHECK(reopened(folder).state == LatchState::latched);
}

TEST_CASE("a trip that the disk refuses holds in memory, and is written when the disk takes it again") {
  ScratchFolder folder;
  make_clear(folder);
  LatchFile latch;
  REQUIRE(latch.open(folder.path(), "mm1", Stamp{}) == LatchError::ok);
  {
    const test::FileSizeLimit full(0);
    CHECK(latch.trip(trip_record(Cause::position)) == LatchError::io_error);
    CHECK(latch.outcome({5, 0, 0, 0, 0}, {}) == LatchError::io_error);
    CHECK(latch.flush() == LatchError::io_error);
  }
  CHECK(latch.pending());
  CHECK(latch.view().state == LatchState::latched);
  CHECK(latch.view().record.cause == Cause::position);
  REQUIRE(latch.flush() == LatchError::ok);
  CHECK_FALSE(latch.pending());
  CHECK(reopened(folder).record.cause == Cause::position);
  CHECK(reopened(folder).record.fates.acknowledged == 5);
}

TEST_CASE("a write that ends in the middle of a slot is latched") {
  ScratchFolder folder;
  make_clear(folder);
  LatchFile latch;
  REQUIRE(latch.open(folder.path(), "mm1", Stamp{}) == LatchError::ok);
  {
    const test::FileSizeLimit full(1000);
    CHECK(latch.trip(trip_record(Cause::position)) == LatchError::io_error);
  }
  CHECK(reopened(folder).state == LatchState::latched);
  CHECK(reopened(folder).unreadable);
}

TEST_CASE("a clear or a resolve that the disk refuses has not happened") {
  ScratchFolder folder;
  make_clear(folder);
  LatchFile latch;
  REQUIRE(latch.open(folder.path(), "mm1", Stamp{}) == LatchError::ok);
  UnresolvedOrder unknown;
  REQUIRE(make_unresolved("Q7", OrderFate::unknown, unknown));
  REQUIRE(latch.trip(trip_record(Cause::position)) == LatchError::ok);
  REQUIRE(latch.outcome({0, 0, 0, 1, 0}, {&unknown, 1, 0}) == LatchError::ok);
  for (const rlim_t limit : {0U, 1000U, 4096U, 5000U}) {
    {
      const test::FileSizeLimit full(limit);
      CHECK(latch.clear({}, Stamp{}) != LatchError::ok);
      CHECK(latch.view().state == LatchState::latched);
      CHECK(latch.resolve("Q7") != LatchError::ok);
    }
    CHECK(latch.view().state == LatchState::latched);
    CHECK(blocks_arming(reopened(folder)));
    CHECK(reopened(folder).state == LatchState::latched);
  }
  REQUIRE(latch.clear({}, Stamp{}) == LatchError::ok);
  CHECK(reopened(folder).state == LatchState::clear);
  CHECK(reopened(folder).record.unresolved_count == 1);
}

TEST_CASE("a resolve that tears its slot makes a cleared latch latched again") {
  ScratchFolder folder;
  make_clear(folder);
  LatchFile latch;
  REQUIRE(latch.open(folder.path(), "mm1", Stamp{}) == LatchError::ok);
  LatchRecord trip = trip_record(Cause::position);
  trip.unlisted = 1;
  REQUIRE(latch.trip(trip) == LatchError::ok);
  REQUIRE(latch.clear({}, Stamp{}) == LatchError::ok);
  {
    const test::FileSizeLimit full(0);
    CHECK(latch.resolve_unlisted() == LatchError::io_error);
  }
  CHECK(latch.view().state == LatchState::latched);
  CHECK(latch.view().unreadable);
}

TEST_CASE("a latch whose file was deleted says so, and can no longer be cleared") {
  ScratchFolder folder;
  make_clear(folder);
  LatchFile latch;
  REQUIRE(latch.open(folder.path(), "mm1", Stamp{}) == LatchError::ok);
  REQUIRE(std::filesystem::remove(folder.file("mm1.latch")));
  CHECK(latch.trip(trip_record(Cause::position)) == LatchError::removed);
  CHECK(latch.clear({}, Stamp{}) == LatchError::removed);
  CHECK(latch.view().state == LatchState::latched);
}

TEST_CASE("a latch file that others may write, a link and a wrong name are refused") {
  ScratchFolder folder;
  make_clear(folder);
  LatchFile writable;
  REQUIRE(chmod(folder.file("mm1.latch").c_str(), 0660) == 0);
  CHECK(writable.open(folder.path(), "mm1", Stamp{}) == LatchError::unsafe);
  CHECK(writable.view().state == LatchState::latched);
  CHECK(read_latch(folder.path(), "mm1").state == LatchState::latched);
  REQUIRE(chmod(folder.file("mm1.latch").c_str(), 0640) == 0);
  REQUIRE(symlink("mm1.latch", folder.file("mm2.latch").c_str()) == 0);
  REQUIRE(mkfifo(folder.file("mm3.latch").c_str(), 0600) == 0);
  for (const auto& [name, expected] :
       {std::pair{"mm2", LatchError::unsafe}, std::pair{"mm3", LatchError::unsafe},
        std::pair{"../mm1", LatchError::bad_name}, std::pair{"", LatchError::bad_name},
        std::pair{".mm1", LatchError::bad_name}}) {
    INFO(name);
    LatchFile latch;
    CHECK(latch.open(folder.path(), name, Stamp{}) == expected);
    CHECK(latch.view().state == LatchState::latched);
  }
  LatchFile nowhere;
  CHECK(nowhere.open(folder.file("missing"), "mm1", Stamp{}) == LatchError::no_folder);
  CHECK(read_latch(folder.path(), "mm9").state == LatchState::latched);
}

TEST_CASE("a latch that finds no room at the first start is no latch, and leaves no half file behind") {
  ScratchFolder folder;
  LatchFile latch;
  {
    const test::FileSizeLimit full(4096);
    CHECK(latch.open(folder.path(), "mm1", Stamp{}) != LatchError::ok);
  }
  CHECK(latch.view().state == LatchState::latched);
  CHECK(std::filesystem::is_empty(folder.path()));
}
