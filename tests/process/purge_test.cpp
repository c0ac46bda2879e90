// SPDX-License-Identifier: Apache-2.0
/// @file Stopping is not purging: what the kernel has queued leaves after a stop and after a kill, unless it
/// is reset.
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/process/child.hpp"
#include "tests/process/tcp_pair.hpp"
#include "watchdog/fence.hpp"
#include "watchdog/witness.hpp"

namespace portcullis {
namespace {

using test::Child;
using test::Drained;
using test::eventually;
using test::TcpPair;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr int kVenueBufferBytes = 4096;

/// An engine process with a full send queue; the venue has not read anything.
struct QueuedEngine {
  explicit QueuedEngine(bool keep_duplicate)
      : pair(kVenueBufferBytes), engine([this] {
          test::fill(pair.engine.get());
          test::sleep_for_ever();
        }) {
    REQUIRE(open_process(engine.pid(), 0, process) == FenceError::ok);
    TcpCounts counts;
    std::uint64_t last = 0;
    REQUIRE(eventually([&] {  // until it writes no more
      last = queued;
      test::pause_ms(20);
      REQUIRE(read_tcp(pair.engine.get(), counts) == TcpError::ok);
      queued = counts.acked_bytes + counts.queued_bytes - 1;  // the SYN
      return queued > 100'000 && queued == last;
    }));
    struct stat about {};
    REQUIRE(fstat(pair.engine.get(), &about) == 0);
    inode = about.st_ino;
    if (!keep_duplicate) pair.engine.reset();
  }
  TcpPair pair;
  Child engine;
  ProcessHandle process;
  std::uint64_t queued = 0;
  std::uint64_t inode = 0;
};

WitnessResult wait(Witness& witness, Ticket ticket) {
  eventually([&] { return witness.result(ticket) != WitnessResult::pending; });
  return witness.result(ticket);
}

TEST_CASE("a stopped engine's queue still reaches the venue, all of it") {
  QueuedEngine engine(false);
  REQUIRE(freeze_verified(engine.process, kSecond) == FenceError::ok);
  const Drained got = test::drain(engine.pair.venue.get());
  CHECK(got.bytes == engine.queued);
  CHECK(got.error == EAGAIN);  // the venue notices nothing
}

TEST_CASE("a killed engine's queue still reaches the venue, all of it") {
  QueuedEngine engine(false);
  REQUIRE(kill_verified(engine.process, kSecond) == FenceError::ok);
  const Drained got = test::drain(engine.pair.venue.get());
  CHECK(got.bytes == engine.queued);
  CHECK(got.error == 0);
}

TEST_CASE("a duplicate that is merely held keeps a dead engine's session open and lets its queue drain") {
  QueuedEngine engine(true);
  REQUIRE(kill_verified(engine.process, kSecond) == FenceError::ok);
  const Drained got = test::drain(engine.pair.venue.get());
  CHECK(got.bytes == engine.queued);
  CHECK(got.error == EAGAIN);  // no end of stream: the duplicate holds it
}

TEST_CASE("a reset purges the queue, while the engine runs, is stopped or is dead") {
  const int how = GENERATE(0, SIGSTOP, SIGKILL);
  INFO("signal " << how);
  QueuedEngine engine(true);
  if (how != 0) engine.engine.signal(how);
  REQUIRE(eventually([&] { return how == 0 || is_frozen(engine.process); }));
  SessionBlock block{};
  Witness witness;
  REQUIRE(witness.start({}) == ThreadError::ok);
  REQUIRE(wait(witness, witness.adopt(0, 1, block, std::move(engine.pair.engine))) == WitnessResult::ok);
  REQUIRE(wait(witness, witness.reset(0)) == WitnessResult::ok);
  WitnessSample sample;
  REQUIRE(witness.sample(0, sample));
  CHECK(sample.state == SessionState::reset);
  CHECK(sample.final_count == 1);
  CHECK_FALSE(witness.held(0));
  const Drained got = test::drain(engine.pair.venue.get());
  CHECK(got.error == ECONNRESET);
  CHECK(got.bytes < engine.queued / 2);
}

TEST_CASE("an engine that keeps writing gets no byte in after the last count of a reset") {
  TcpPair pair(kVenueBufferBytes);
  SessionBlock block{};
  Witness witness;
  REQUIRE(witness.start({}) == ThreadError::ok);
  REQUIRE(wait(witness, witness.adopt(0, 1, block, UniqueFd(dup(pair.engine.get())))) == WitnessResult::ok);
  const Child venue([&] {
    pair.engine.reset();
    test::drain(pair.venue.get(), 3000);
  });
  int written[2];
  REQUIRE(pipe(written) == 0);
  const UniqueFd from(written[0]), to(written[1]);
  const Child engine([&] {
    const char text[100] = {};
    std::uint64_t total = 0;
    for (;;) {
      const ssize_t sent = send(pair.engine.get(), text, sizeof text, MSG_NOSIGNAL);
      if (sent <= 0) break;
      total += static_cast<std::uint64_t>(sent);
    }
    if (write(to.get(), &total, sizeof total) < 0) return;
  });
  test::pause_ms(100);
  REQUIRE(wait(witness, witness.reset(0)) == WitnessResult::ok);
  std::uint64_t total = 0;
  REQUIRE(read(from.get(), &total, sizeof total) == sizeof total);
  WitnessSample sample;
  REQUIRE(witness.sample(0, sample));
  CHECK(total > 10'000);
  CHECK(sample.accepted_bytes == total);
  CHECK(sample.final_count == 1);
}

TEST_CASE("the blind fence resets a process's socket by its inode, from outside") {
  QueuedEngine engine(false);
  const std::uint64_t inodes[] = {1, engine.inode};  // the first one is nobody's
  ResetOutcome outcomes[2] = {};
  CHECK(reset_sockets(engine.process, inodes, 2, outcomes, kSecond) == FenceError::ok);
  CHECK(outcomes[0] == ResetOutcome::not_found);
  CHECK(outcomes[1] == ResetOutcome::reset);
  const Drained got = test::drain(engine.pair.venue.get());
  CHECK(got.error == ECONNRESET);
  CHECK(got.bytes < engine.queued / 2);
}

TEST_CASE("resetting sockets of a process that is gone says so") {
  QueuedEngine engine(false);
  engine.engine.signal(SIGKILL);
  REQUIRE(eventually([&] { return is_gone(engine.process); }));
  const std::uint64_t inode = 1;
  ResetOutcome outcome = ResetOutcome::reset;
  CHECK(reset_sockets(engine.process, &inode, 1, &outcome, kSecond) == FenceError::gone);
  CHECK(outcome == ResetOutcome::not_found);
}

}  // namespace
}  // namespace portcullis
