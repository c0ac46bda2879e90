// SPDX-License-Identifier: Apache-2.0
/// @file The scribe over disks that hang, crawl and fail: control never waits, and what is lost is said.
#include "watchdog/scribe.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>
#include <memory>

#include "tests/process/disk_fault.hpp"
#include "tests/process/tcp_pair.hpp"
#include "tests/unit/scratch_folder.hpp"

namespace portcullis {
namespace {

using test::DiskFault;
using test::eventually;
using test::read_bytes;

constexpr std::uint64_t kSecond = 1'000'000'000;

ScribeEvent event_of(Event event, std::string_view reason = "because") {
  ScribeEvent made;
  made.event = event;
  made.when.wall_ns = 1;
  made.journal = false;
  made.uid = 1004;
  made.add("limit", 500);
  made.add("reason", reason);
  return made;
}
LatchMessage trip_of(Cause cause) {
  LatchMessage message;
  message.record.cause = cause;
  message.record.wall_ns = 5;
  return message;
}

/// A scribe with folders of its own, running.
struct Desk {
  Desk() {
    DiskFault::heal();
    const ScribeOpened opened = scribe.open(folder.path(), folder.path(), "mm1", Stamp{});
    REQUIRE(opened.latch == LatchError::ok);
    REQUIRE(opened.audit == AuditError::ok);
    REQUIRE(opened.run_dir);
    REQUIRE(scribe.start(-1) == ThreadError::ok);
  }
  ~Desk() { DiskFault::heal(); }
  ScribeResult wait(const Scribe::Receipt& receipt) {
    eventually([&] { return scribe.result(receipt) != ScribeResult::pending; });
    return scribe.result(receipt);
  }
  LatchStatus latch() {
    LatchStatus status;
    REQUIRE(scribe.latch_status(status));
    return status;
  }
  std::string audit() const { return read_bytes(folder.file("mm1.audit.jsonl")); }

  const test::ScratchFolder folder;
  Scribe scribe;
};

TEST_CASE("an event is in the audit when its ticket is ok, and the head is its hash") {
  const auto desk = std::make_unique<Desk>();
  REQUIRE(desk->wait(desk->scribe.event(event_of(Event::armed))) == ScribeResult::ok);
  CHECK(desk->audit().find("\"event\":\"armed\",\"uid\":1004") != std::string::npos);
  CHECK(desk->audit().find("{\"limit\":500,\"reason\":\"because\"}") != std::string::npos);
  AuditHead head;
  REQUIRE(desk->scribe.audit_head(head));
  CHECK(audit_verify(desk->folder.file("mm1.audit.jsonl"), &head).fault == AuditFault::none);
}

TEST_CASE("what does not fit into an event is counted in its record") {
  const auto desk = std::make_unique<Desk>();
  ScribeEvent event = event_of(Event::tripped, std::string(600, 'r'));
  for (int i = 0; i < 20; ++i) event.add("more", i);
  REQUIRE(desk->wait(desk->scribe.event(event)) == ScribeResult::ok);
  CHECK(desk->audit().find("\"left_out\":11") != std::string::npos);
}

TEST_CASE("a disk that hangs stalls the scribe only, and its age says so") {
  const auto desk = std::make_unique<Desk>();
  DiskFault::hangs = true;
  const std::uint64_t begin_ns = monotonic_now_ns();
  const Scribe::Receipt event = desk->scribe.event(event_of(Event::tripped));
  const Scribe::Receipt latch = desk->scribe.latch(trip_of(Cause::order_rate));
  CHECK(monotonic_now_ns() - begin_ns < kSecond / 10);
  test::pause_ms(300);
  CHECK(desk->scribe.result(event) == ScribeResult::pending);
  CHECK(desk->scribe.result(latch) == ScribeResult::pending);
  CHECK(desk->scribe.waiting() == 2);
  CHECK(monotonic_now_ns() - desk->scribe.beat_ns() > kSecond / 5);
  CHECK_FALSE(desk->scribe.stop(kSecond / 100));
  DiskFault::heal();
  CHECK(desk->wait(event) == ScribeResult::ok);
  CHECK(desk->wait(latch) == ScribeResult::ok);
}

TEST_CASE("a full queue is counted, refuses at once, and the audit says how many were lost") {
  const auto desk = std::make_unique<Desk>();
  DiskFault::hangs = true;
  Scribe::Receipt last;
  for (std::size_t i = 0; i < Scribe::kEventMessages; ++i) last = desk->scribe.event(event_of(Event::asked));
  for (int i = 0; i < 3; ++i)
    CHECK(desk->scribe.result(desk->scribe.event(event_of(Event::armed))) == ScribeResult::lost);
  CHECK(load(desk->scribe.counters().queue_overflows) == 3);
  DiskFault::heal();
  REQUIRE(eventually([&] { return desk->scribe.waiting() == 0; }, 60'000));
  CHECK(desk->scribe.result(last) == ScribeResult::ok);
  CHECK(desk->audit().find("\"event\":\"queue_overflow\"") != std::string::npos);
  CHECK(desk->audit().find("{\"messages_lost\":3}") != std::string::npos);
}

TEST_CASE("the latch does not wait behind a queue of events") {
  const auto desk = std::make_unique<Desk>();
  DiskFault::delay_us = 5000;
  for (int i = 0; i < 200; ++i) static_cast<void>(desk->scribe.event(event_of(Event::asked)));
  const Scribe::Receipt latch = desk->scribe.latch(trip_of(Cause::position));
  REQUIRE(desk->wait(latch) == ScribeResult::ok);
  CHECK(desk->scribe.waiting() > 150);
  CHECK(desk->latch().view.state == LatchState::latched);
  CHECK(desk->latch().view.record.cause == Cause::position);
  DiskFault::heal();
}

TEST_CASE("a latch write that fails holds in memory and is tried again until it is on the disk") {
  const auto desk = std::make_unique<Desk>();
  CHECK(desk->latch().view.state == LatchState::clear);
  DiskFault::fails = true;
  CHECK(desk->wait(desk->scribe.latch(trip_of(Cause::order_rate))) == ScribeResult::failed);
  CHECK(desk->latch().view.state == LatchState::latched);
  CHECK(desk->latch().pending == 1);
  CHECK(load(desk->scribe.counters().latch_failures) == 1);
  CHECK(load(desk->scribe.counters().last_latch_error) == static_cast<std::uint64_t>(LatchError::io_error));
  DiskFault::heal();
  CHECK(eventually([&] { return desk->latch().pending == 0; }));
  CHECK(read_latch(desk->folder.path(), "mm1").record.cause == Cause::order_rate);
}

TEST_CASE("an audit that cannot be written is a failed ticket, and the next record says what is missing") {
  const auto desk = std::make_unique<Desk>();
  DiskFault::fails = true;
  CHECK(desk->wait(desk->scribe.event(event_of(Event::armed))) == ScribeResult::failed);
  CHECK(load(desk->scribe.counters().audit_failures) == 1);
  DiskFault::heal();
  CHECK(desk->wait(desk->scribe.event(event_of(Event::arm_refused))) == ScribeResult::ok);
  CHECK(desk->audit().find("\"event\":\"audit_failed\"") != std::string::npos);
  CHECK(desk->audit().find("{\"records_lost\":1}") != std::string::npos);
}

TEST_CASE("clear and resolve go through the scribe") {
  const auto desk = std::make_unique<Desk>();
  LatchMessage trip = trip_of(Cause::order_rate);
  REQUIRE(make_unresolved("Q7-1", OrderFate::unknown, trip.record.unresolved[0]));
  REQUIRE(desk->wait(desk->scribe.latch(trip)) == ScribeResult::ok);
  LatchMessage outcome = trip;
  outcome.op = LatchOp::outcome;
  outcome.record.unresolved_count = 1;
  REQUIRE(desk->wait(desk->scribe.latch(outcome)) == ScribeResult::ok);
  LatchMessage clear;
  clear.op = LatchOp::clear;
  clear.actor.uid = 1007;
  REQUIRE(desk->wait(desk->scribe.latch(clear)) == ScribeResult::ok);
  CHECK(desk->latch().view.state == LatchState::clear);
  CHECK(blocks_arming(desk->latch().view));
  LatchMessage resolve;
  resolve.op = LatchOp::resolve;
  resolve.cl_ord_id = outcome.record.unresolved[0].cl_ord_id;
  resolve.cl_ord_id_bytes = 4;
  REQUIRE(desk->wait(desk->scribe.latch(resolve)) == ScribeResult::ok);
  CHECK_FALSE(blocks_arming(desk->latch().view));
  CHECK(desk->wait(desk->scribe.latch(resolve)) == ScribeResult::failed);
}

TEST_CASE("the run folder's record is whole or not there, and a too long one is refused") {
  const auto desk = std::make_unique<Desk>();
  REQUIRE(desk->wait(desk->scribe.record("{\"v\":1}")) == ScribeResult::ok);
  CHECK(read_bytes(desk->folder.file("mm1.record")) == "{\"v\":1}");
  const std::string longest(RecordMessage::kTextBytes, 'x');
  CHECK(desk->wait(desk->scribe.record(longest)) == ScribeResult::ok);
  CHECK(desk->wait(desk->scribe.record(longest + "x")) == ScribeResult::lost);
  CHECK(read_bytes(desk->folder.file("mm1.record")) == longest);
  CHECK(desk->wait(desk->scribe.record("")) == ScribeResult::ok);
  CHECK(access(desk->folder.file("mm1.record").c_str(), F_OK) != 0);
  CHECK(access(desk->folder.file("mm1.record.new").c_str(), F_OK) != 0);
}

TEST_CASE("everything that was queued is written before the scribe ends") {
  const auto desk = std::make_unique<Desk>();
  for (int i = 0; i < 50; ++i) static_cast<void>(desk->scribe.event(event_of(Event::asked)));
  REQUIRE(desk->scribe.stop(10 * kSecond));
  CHECK(audit_verify(desk->folder.file("mm1.audit.jsonl")).records == 50);
}

TEST_CASE(
    "a journal entry has the native form, and a journal that does not read drops it instead of blocking") {
  const test::ScratchFolder folder;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", folder.file("journal").c_str());
  const UniqueFd reader(socket(AF_UNIX, SOCK_DGRAM, 0));
  REQUIRE(bind(reader.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  Journal journal;
  JournalEntry entry;
  entry.add("MESSAGE", "tripped mm1");
  entry.add_own("limit", "order_rate");
  entry.add("REASON", "two\nlines");
  CHECK(journal.send(entry) == JournalError::absent);
  REQUIRE(journal.open(address.sun_path) == JournalError::ok);
  REQUIRE(journal.send(entry) == JournalError::ok);
  char got[256];
  const ssize_t size = recv(reader.get(), got, sizeof got, 0);
  REQUIRE(size > 0);
  using namespace std::string_view_literals;
  CHECK(std::string_view(got, static_cast<std::size_t>(size)) ==
        "MESSAGE=tripped mm1\nPORTCULLIS_LIMIT=order_rate\nREASON\n\x09\0\0\0\0\0\0\0two\nlines\n"sv);
  int sent = 0;
  while (sent < 100'000 && journal.send(entry) == JournalError::ok) ++sent;
  CHECK(sent < 100'000);
  CHECK(journal.send(entry) == JournalError::full);
  CHECK(Journal().open(folder.file("none").c_str()) == JournalError::absent);
}

}  // namespace
}  // namespace portcullis
