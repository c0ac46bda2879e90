// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/scratch_folder.hpp"
#include "watchdog/cli/run_folder.hpp"

using namespace portcullis;
using namespace portcullis::cli;
using namespace portcullis::test;

namespace {

Json whole_record() {
  return Json::parse(R"({"v":1,"engine":"mm1","config":"x","supervisor":{"pid":100,"start_ticks":5},
    "engine_process":{"pid":101,"start_ticks":6},
    "sessions":[{"name":"CME-A","inode":99,"local":"127.0.0.1:1","remote":"127.0.0.1:2"}],
    "contact":["GCC"]})");
}

RecordError parsed(const Json& record) {
  RunRecord out;
  return parse_record(record.dump(), "mm1", out);
}

}  // namespace

TEST_CASE("a whole record names both processes, the sessions and the contact") {
  RunRecord record;
  REQUIRE(parse_record(whole_record().dump(), "mm1", record) == RecordError::ok);
  CHECK(record.supervisor.pid == 100);
  CHECK(record.engine.start_ticks == 6);
  CHECK(record.sessions.at(0).inode == 99);
  CHECK(record.contact.at(0) == "GCC");
}

TEST_CASE("a record whose processes are missing or absurd is refused as a whole") {
  const std::vector<std::pair<const char*, Json>> spoils = {{"/v", 2},
                                                            {"/engine", "mm2"},
                                                            {"/supervisor", nullptr},
                                                            {"/supervisor/pid", 1},
                                                            {"/engine_process/pid", -1},
                                                            {"/engine_process/pid", 0},
                                                            {"/engine_process/pid", 5'000'000},
                                                            {"/engine_process/start_ticks", 0},
                                                            {"/engine_process/start_ticks", "6"}};
  for (const auto& [path, value] : spoils) {
    Json record = whole_record();
    record[Json::json_pointer(path)] = value;
    INFO(path << " " << value);
    CHECK(parsed(record) == RecordError::malformed);
  }
  RunRecord out;
  CHECK(parse_record("", "mm1", out) == RecordError::malformed);
  CHECK(parse_record(whole_record().dump().substr(0, 80), "mm1", out) == RecordError::malformed);
}

TEST_CASE("a session that cannot be read does not save the engine from being fenced") {
  const std::vector<std::pair<const char*, Json>> spoils = {{"/sessions/0/inode", 0},
                                                            {"/sessions/0/inode", "99"},
                                                            {"/sessions/0/name", ""},
                                                            {"/sessions/0", 7},
                                                            {"/sessions", nullptr}};
  for (const auto& [path, value] : spoils) {
    Json record = whole_record();
    record[Json::json_pointer(path)] = value;
    INFO(path << " " << value);
    RunRecord out;
    REQUIRE(parse_record(record.dump(), "mm1", out) == RecordError::ok);
    CHECK(out.sessions_unreadable);
    CHECK(out.sessions.empty());
  }
  Json many = whole_record();
  for (std::size_t i = 0; i <= kMaxRecordSessions; ++i) many["sessions"].push_back(many["sessions"][0]);
  RunRecord out;
  REQUIRE(parse_record(many.dump(), "mm1", out) == RecordError::ok);
  CHECK(out.sessions_unreadable);
  CHECK(out.sessions.size() == kMaxRecordSessions);
}

TEST_CASE("a record that is a link or that others may write is not acted upon") {
  const ScratchFolder folder;
  RunRecord record;
  CHECK(read_record(folder.path(), "mm1", record) == RecordError::missing);
  write_bytes(folder.file("mm1.record"), whole_record().dump());
  REQUIRE(chmod(folder.file("mm1.record").c_str(), 0640) == 0);
  CHECK(read_record(folder.path(), "mm1", record) == RecordError::ok);
  REQUIRE(chmod(folder.file("mm1.record").c_str(), 0660) == 0);
  CHECK(read_record(folder.path(), "mm1", record) == RecordError::unsafe);
  REQUIRE(chmod(folder.file("mm1.record").c_str(), 0640) == 0);
  REQUIRE(symlink("mm1.record", folder.file("mm2.record").c_str()) == 0);
  CHECK(read_record(folder.path(), "mm2", record) == RecordError::unsafe);
  REQUIRE(mkfifo(folder.file("mm3.record").c_str(), 0600) == 0);
  CHECK(read_record(folder.path(), "mm3", record) == RecordError::unsafe);  // and does not wait for a writer
  if (geteuid() == 0) {
    REQUIRE(chown(folder.file("mm1.record").c_str(), 12345, 12345) == 0);
    CHECK(read_record(folder.path(), "mm1", record) == RecordError::unsafe);
  }
}

TEST_CASE("the run folder's engines are listed once each, strange names not at all") {
  const ScratchFolder folder;
  for (const char* name : {"b.control", "b.halt", "a.record", "..halt", "x y.halt", "c.attach", "c.toml"})
    write_bytes(folder.file(name), "");
  CHECK(list_engines(folder.path()) == std::vector<std::string>{"a", "b"});
  CHECK(list_engines(folder.file("none")).empty());
}
