// SPDX-License-Identifier: Apache-2.0
// The real binary: exit codes, --json on the last line, and `portcullis run` with this test playing the
// supervisor.
#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "shm/clock.hpp"
#include "tests/unit/cli_server.hpp"
#include "tests/unit/config_fixture.hpp"
#include "tests/unit/scratch_folder.hpp"
#include "watchdog/audit.hpp"
#include "watchdog/cli/json_value.hpp"

using namespace portcullis;
using namespace portcullis::cli;
using namespace portcullis::test;

namespace {

struct Ran {
  int exit = -1;
  std::string out;  ///< both streams
  [[nodiscard]] std::string last_line() const {
    const std::string text = out.substr(0, out.find_last_not_of('\n') + 1);
    return text.substr(text.rfind('\n') + 1);
  }
};

/// Runs the CLI through a shell; `before` sets variables.
Ran command(const std::string& arguments, const std::string& before = "") {
  const std::string line = before + " '" + PORTCULLIS_CLI_BINARY + "' " + arguments + " 2>&1";
  std::FILE* pipe = popen(line.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Ran ran;
  char text[4096];
  while (const std::size_t bytes = std::fread(text, 1, sizeof text, pipe)) ran.out.append(text, bytes);
  const int status = pclose(pipe);
  ran.exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

std::string self_path() {
  char text[4096];
  const ssize_t bytes = readlink("/proc/self/exe", text, sizeof text);
  return {text, bytes > 0 ? static_cast<std::size_t>(bytes) : 0};
}

/// A desk's configuration whose run folder is a scratch folder.
struct DeskConfig {
  DeskConfig() {
    std::string text = config_fixture::read_text(config_fixture::example_path());
    text = config_fixture::replaced(text, "mode           = \"host\"", "mode           = \"desk\"");
    text = config_fixture::replaced(text, "\"/run/portcullis\"", "\"" + run.path() + "\"");
    folder.write("mm1.toml", text);
    environment = "PORTCULLISD='" + self_path() + "' FAKE_CONTROL_SOCKET='" + run.file("mm1.control") + "'";
  }
  [[nodiscard]] Ran start(const std::string& options, const std::string& engine) const {
    return command("run --config '" + folder.toml() + "' " + options + " -- " + engine, environment);
  }
  ScratchFolder run;
  config_fixture::Folder folder;
  std::string environment;
};

}  // namespace

TEST_CASE("a wrong command line exits 2, help and version exit 0") {
  CHECK(command("").exit == 2);
  CHECK(command("nonsense").exit == 2);
  CHECK(command("arm mm1").exit == 2);
  CHECK(command("arm mm1 --reason ''").exit == 2);
  CHECK(command("resolve mm1 Q7 --as maybe").exit == 2);
  CHECK(command("status ../x").exit == 2);
  for (const char* name :
       {"", "status ", "arm ", "disarm ", "halt ", "clear ", "resolve ", "check ", "audit verify ", "run "})
    CHECK(command(std::string(name) + "--help").exit == 0);
  CHECK(command("version").out.find("portcullis ") == 0);
}

TEST_CASE("an engine that is not there exits 6 and names those that are") {
  const ScratchFolder folder;
  const std::string options = "--run-dir '" + folder.path() + "' ";
  CHECK(command(options + "halt").exit == 6);
  CHECK(command(options + "status").exit == 6);
  const FakeServer server(folder.file("mm1.control"), [](int fd) {
    read_packet(fd);
    send_packet(fd, R"({"v":1,"done":true,"ok":true,"exit":0,"engine":"mm1","state":"armed"})");
  });
  const Ran ran = command(options + "arm mm2 --reason open");
  CHECK(ran.exit == 6);
  CHECK(ran.out.find("mm1") != std::string::npos);
  CHECK(command(options + "halt mm2").exit == 6);
  const Ran status = command(options + "status mm1 --json");
  CHECK(status.exit == 0);
  REQUIRE(parse_object(status.last_line()));
  CHECK((*parse_object(status.last_line()))["state"] == "armed");
  const Ran all = command("status --json", "PORTCULLIS_RUN_DIR='" + folder.path() + "'");
  REQUIRE(parse_object(all.last_line()));
  CHECK((*parse_object(all.last_line()))["engines"].size() == 1);
}

TEST_CASE("a name that is not known does not keep the others from being halted") {
  const ScratchFolder folder;
  const FakeServer server(folder.file("mm1.halt"), [](int fd) {
    read_packet(fd);
    send_packet(fd, R"({"v":1,"done":true,"ok":true,"exit":3,"halt":{"cause":"manual_halt","closed_ns":5}})");
  });
  const Ran ran = command("--run-dir '" + folder.path() + "' halt mm7 mm1 --json");
  CHECK(ran.exit == 6);
  CHECK(server.connections() == 1);
  REQUIRE(parse_object(ran.last_line()));
  CHECK((*parse_object(ran.last_line()))["engines"].size() == 2);
}

TEST_CASE("check exits 0 for the example and 8 for a file with an error") {
  CHECK(command("check '" + config_fixture::example_path() + "'").exit == 0);
  CHECK(command("check /nonexistent.toml").exit == 8);
  const Ran json = command("check '" + config_fixture::example_path() + "' --json");
  REQUIRE(parse_object(json.last_line()));
  CHECK((*parse_object(json.last_line()))["exit"] == 0);
}

TEST_CASE("audit verify exits 9 for a changed record and for a tail that was cut") {
  const ScratchFolder folder;
  Audit audit;
  REQUIRE(audit.open(folder.path(), "mm1") == AuditError::ok);
  const Stamp stamp = read_stamp(read_boot_id());
  for (int i = 0; i < 3; ++i)
    REQUIRE(audit.append(Event::armed, stamp, 0, 0, {{"reason", "open"}}) == AuditError::ok);
  const std::string path = folder.file("mm1.audit.jsonl");
  const std::string options = "--state-dir '" + folder.path() + "' audit verify mm1 ";
  const std::string head = format_head(audit.head());
  CHECK(command(options).exit == 0);
  CHECK(command(options + "--head " + head).exit == 0);
  CHECK(command(options + "--head " + head.substr(head.find(':') + 1)).exit == 0);
  CHECK(command(options + "--head 12").exit == 2);
  const std::string whole = read_bytes(path);
  const std::string cut = whole.substr(0, whole.rfind('\n', whole.size() - 2) + 1);
  write_bytes(path, cut);
  CHECK(command(options).exit == 0);
  CHECK(command(options + "--head " + head).exit == 9);
  CHECK(command(options + "--head " + head.substr(head.find(':') + 1)).exit == 9);
  std::string changed = whole;
  changed.replace(changed.find("open"), 4, "shut");
  write_bytes(path, changed);
  const Ran ran = command(options);
  CHECK(ran.exit == 9);
  CHECK(ran.out.find("first bad record 1 in line 1") != std::string::npos);
  CHECK(command("audit verify '" + folder.file("none.jsonl") + "'").exit == 9);
}

TEST_CASE("run gives the engine the run folder and returns the engine's exit status") {
  const DeskConfig desk;
  const Ran ran = desk.start("", "sh -c 'echo \"in $PORTCULLIS_RUN_DIR\"; exit 42'");
  INFO(ran.out);
  CHECK(ran.exit == 42);
  CHECK(ran.out.find("in " + desk.run.path()) != std::string::npos);
  CHECK(access(desk.run.file("mm1.control").c_str(), F_OK) != 0);  // the supervisor was ended in order
  CHECK(desk.start("", "sh -c 'kill -KILL $$'").exit == 128 + 9);
  CHECK(desk.start("", "/nonexistent/engine").exit == 127);
}

TEST_CASE("run arms the engine once it is attached, and asks again while positions are missing") {
  const DeskConfig desk;
  const Ran ran = desk.start("--arm --reason open", "sleep 1");
  INFO(ran.out);
  CHECK(ran.exit == 0);
  CHECK(ran.out.find("mm1  armed  config 9f31c2a0") != std::string::npos);
  CHECK(desk.start("--arm", "true").exit == 2);
}

TEST_CASE("run passes signals on to the engine") {
  const DeskConfig desk;
  const std::string engine = "sh -c 'trap \"exit 17\" TERM; kill -TERM $PPID; while :; do sleep 0.05; done'";
  const Ran ran = desk.start("", engine);
  INFO(ran.out);
  CHECK(ran.exit == 17);
}

TEST_CASE("run starts no engine when the supervisor does not get ready or the configuration is for a host") {
  DeskConfig desk;
  desk.environment = "PORTCULLISD='" + self_path() + "'";
  Ran ran = desk.start("", "echo started");
  INFO(ran.out);
  CHECK(ran.exit == 78);
  CHECK(ran.out.find("started") == std::string::npos);
  desk.environment = "PORTCULLISD=/nonexistent/portcullisd";
  ran = desk.start("", "echo started");
  CHECK(ran.exit == 127);
  const Ran host = command("run --config '" + config_fixture::example_path() + "' -- echo started");
  CHECK(host.exit == 8);
  CHECK(host.out.find("started") == std::string::npos);
}
