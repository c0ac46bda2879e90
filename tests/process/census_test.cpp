// SPDX-License-Identifier: Apache-2.0
/// @file The census of a real process with real sockets.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <memory>

#include "tests/process/child.hpp"
#include "tests/process/tcp_pair.hpp"
#include "watchdog/socket_census.hpp"

namespace portcullis {
namespace {

using test::Child;

std::uint64_t inode_of(int fd) {
  struct stat about {};
  REQUIRE(fstat(fd, &about) == 0);
  return about.st_ino;
}
/// Closes every descriptor but standard ones and `keep`, so that the child's sockets are the test's alone.
void keep_only(int keep) {
  for (int fd = 3; fd < 256; ++fd)
    if (fd != keep) close(fd);
}

TEST_CASE("an engine's unregistered connection is found; a registered or allowed one is not") {
  const test::TcpPair pair;
  const std::uint64_t inode = inode_of(pair.engine.get());
  const Child engine([&] {
    keep_only(pair.engine.get());
    test::sleep_for_ever();
  });
  test::pause_ms(50);
  const auto census = std::make_unique<SocketCensus>();
  CensusRules rules;
  CensusReport report = census->take(engine.pid(), rules, 1'000'000'000);
  REQUIRE(report.state == CensusState::counted);
  CHECK(report.tcp_sockets == 1);
  CHECK(report.unregistered == 0);
  CHECK(report.unconfirmed == 1);
  report = census->take(engine.pid(), rules, 2'000'000'000);
  CHECK(report.unregistered == 1);
  CHECK(report.first.inode == inode);

  rules.registered_inodes = &inode;
  rules.registered_count = 1;
  CHECK(census->take(engine.pid(), rules, 3'000'000'000).unregistered == 0);

  AllowedSocket loopback;
  loopback.prefix[0] = 127;
  loopback.prefix_bits = 8;
  rules = {};
  rules.confirm_ns = 0;
  CHECK(census->take(engine.pid(), rules, 4'000'000'000).unregistered == 1);
  rules.allowed = &loopback;
  rules.allowed_count = 1;
  CHECK(census->take(engine.pid(), rules, 5'000'000'000).unregistered == 0);
}

TEST_CASE("a listening socket is no breach, a process that is gone is not counted as zero") {
  const test::Listener listener;
  Child engine([&] {
    keep_only(listener.fd());
    test::sleep_for_ever();
  });
  test::pause_ms(50);
  const auto census = std::make_unique<SocketCensus>();
  CensusRules rules;
  rules.confirm_ns = 0;
  const CensusReport report = census->take(engine.pid(), rules, 1'000'000'000);
  CHECK(report.state == CensusState::counted);
  CHECK(report.unregistered == 0);
  const pid_t pid = engine.pid();
  engine.end();
  CHECK(census->take(pid, rules, 2'000'000'000).state == CensusState::unavailable);
}

TEST_CASE("more sockets than the census holds are too many, not fewer") {
  const Child engine([] {
    for (int i = 0; i < 1100; ++i)
      if (socket(AF_INET, SOCK_STREAM, 0) < 0) _exit(1);
    test::sleep_for_ever();
  });
  test::pause_ms(100);
  const auto census = std::make_unique<SocketCensus>();
  const CensusReport report = census->take(engine.pid(), {}, 1'000'000'000);
  CHECK(report.state == CensusState::too_many);
}

TEST_CASE("an engine of another user is unavailable, never empty") {
  if (geteuid() != 0) {
    WARN("skipped: takes root");
    return;
  }
  const Child engine([] { test::sleep_for_ever(); });
  int status = 0;
  const pid_t judge = fork();  // as an unprivileged supervisor would
  if (judge == 0) {
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) _exit(9);
    const auto census = std::make_unique<SocketCensus>();
    _exit(static_cast<int>(census->take(engine.pid(), {}, 1'000'000'000).state));
  }
  REQUIRE(waitpid(judge, &status, 0) == judge);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == static_cast<int>(CensusState::unavailable));
}

}  // namespace
}  // namespace portcullis
