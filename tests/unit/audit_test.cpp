// SPDX-License-Identifier: Apache-2.0
/// @file The audit: what a record looks like, what a verification finds, and what a full or torn disk leaves.
#include "watchdog/audit.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/unit/file_size_limit.hpp"
#include "tests/unit/scratch_folder.hpp"

using namespace portcullis;
using test::ScratchFolder;

namespace {

Stamp moment() {
  Stamp stamp{
      .wall_ns = 1'700'000'000'000'000'000, .monotonic_ns = 42, .boot_id = {}, .sync = ClockSync::synced};
  for (std::size_t i = 0; i < stamp.boot_id.size(); ++i) stamp.boot_id[i] = static_cast<std::uint8_t>(i);
  return stamp;
}

/// An audit in a folder of its own.
struct Desk {
  ScratchFolder folder;
  std::string path = folder.file("mm1.audit.jsonl");

  AuditHead write(const std::vector<Event>& events) const {
    Audit audit;
    REQUIRE(audit.open(folder.path(), "mm1") == AuditError::ok);
    for (const Event event : events)
      REQUIRE(audit.append(event, moment(), 1004, 1004, {{"reason", "open, CHG-4711"}}) == AuditError::ok);
    return audit.head();
  }
  [[nodiscard]] std::string bytes() const { return test::read_bytes(path); }
  void set(const std::string& bytes) const { test::write_bytes(path, bytes); }
  [[nodiscard]] AuditVerdict verify(const AuditHead* head = nullptr) const {
    return audit_verify(path, head);
  }
};

std::vector<std::string> lines_of(const std::string& bytes) {
  std::vector<std::string> lines;
  for (std::size_t from = 0, end = 0; (end = bytes.find('\n', from)) != std::string::npos; from = end + 1)
    lines.push_back(bytes.substr(from, end - from + 1));
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string bytes;
  for (const std::string& line : lines) bytes += line;
  return bytes;
}

}  // namespace

TEST_CASE("an audit record is one canonical line, and its hash can be computed with any BLAKE2b") {
  const Desk desk;
  Audit audit;
  REQUIRE(audit.open(desk.folder.path(), "mm1") == AuditError::ok);
  REQUIRE(audit.append(Event::tripped, moment(), 0xFFFFFFFF, 0xFFFFFFFF,
                       {{"limit", "order_rate/10ms"}, {"observed", 51}, {"max", 50}}) == AuditError::ok);
  const std::string hash =
      "8731a0b2d797d00800070a1f83b7ea1b85861d45ea5d00c6f44c0b4ed8d03e1b";  // computed with Python's hashlib
  CHECK(desk.bytes() ==
        "{\"seq\":1,\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\","
        "\"wall_ns\":1700000000000000000,\"sync\":\"synced\",\"mono_ns\":42,"
        "\"boot\":\"000102030405060708090a0b0c0d0e0f\",\"event\":\"tripped\",\"uid\":null,\"login\":null,"
        "\"engine\":\"mm1\",\"fields\":{\"limit\":\"order_rate/10ms\",\"observed\":51,\"max\":50},"
        "\"hash\":\"" +
            hash + "\"}\n");
  CHECK(format_head(audit.head()) == "1:" + hash);
}

TEST_CASE("a chain goes on over restarts, and a verification counts its records") {
  const Desk desk;
  CHECK(desk.write({}).seq == 0);
  CHECK(desk.verify().fault == AuditFault::none);
  desk.write({Event::started, Event::armed});
  const AuditHead head = desk.write({Event::tripped, Event::halted, Event::cleared});
  CHECK(head.seq == 5);
  const AuditVerdict verdict = desk.verify(&head);
  CHECK(verdict.fault == AuditFault::none);
  CHECK(verdict.records == 5);
  CHECK(verdict.head == head);
  CHECK(verdict.good_bytes == desk.bytes().size());
}

TEST_CASE("a change of any byte is found, and the first bad record is named") {
  const Desk desk;
  desk.write({Event::started, Event::armed, Event::tripped});
  const std::string whole = desk.bytes();
  const std::vector<std::string> lines = lines_of(whole);
  REQUIRE(lines.size() == 3);
  for (std::size_t at = 0; at + 1 < whole.size(); ++at) {  // the last line end is another test's
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    desk.set(changed);
    const std::uint64_t record = at < lines[0].size() ? 1 : at < lines[0].size() + lines[1].size() ? 2 : 3;
    const AuditVerdict verdict = desk.verify();
    if (verdict.fault == AuditFault::none || verdict.fault == AuditFault::torn_tail ||
        verdict.first_bad_seq != record || verdict.first_bad_line != record)
      FAIL("byte " << at << ": " << audit_fault_name(verdict.fault) << " at " << verdict.first_bad_seq);
  }
}

TEST_CASE("a record that was removed, swapped, doubled or put in is found and named") {
  const Desk desk;
  desk.write({Event::started, Event::armed, Event::tripped, Event::halted});
  const std::vector<std::string> good = lines_of(desk.bytes());
  const Desk other;
  other.write({Event::cleared, Event::cleared});
  const std::string foreign = lines_of(other.bytes())[1];
  struct Row {
    const char* what;
    std::vector<std::string> lines;
    std::uint64_t first_bad;
    AuditFault fault;
  };
  for (const Row& row : {
           Row{"removed", {good[0], good[2], good[3]}, 2, AuditFault::wrong_sequence},
           Row{"first removed", {good[1], good[2], good[3]}, 1, AuditFault::wrong_sequence},
           Row{"swapped", {good[0], good[2], good[1], good[3]}, 2, AuditFault::wrong_sequence},
           Row{"doubled", {good[0], good[1], good[1], good[2]}, 3, AuditFault::wrong_sequence},
           Row{"another chain's", {good[0], foreign, good[2]}, 2, AuditFault::wrong_prev},
           Row{"an empty line", {good[0], "\n", good[1]}, 2, AuditFault::malformed},
           Row{"a word", {good[0], good[1], good[2], "hello\n"}, 4, AuditFault::malformed},
           Row{"a word in front", {good[0], "x" + good[1]}, 2, AuditFault::wrong_seal},
       }) {
    INFO(row.what);
    desk.set(joined(row.lines));
    const AuditVerdict verdict = desk.verify();
    CHECK(verdict.fault == row.fault);
    CHECK(verdict.first_bad_seq == row.first_bad);
    Audit audit;
    CHECK(audit.open(desk.folder.path(), "mm1") == AuditError::chain_broken);
    CHECK(audit.append(Event::armed, moment(), 0, 0, {}) == AuditError::not_open);
  }
}

TEST_CASE("a tail cut at a line's end is found only against a head that was kept elsewhere") {
  const Desk desk;
  const AuditHead early = desk.write({Event::started, Event::armed});
  const AuditHead head = desk.write({Event::tripped, Event::halted});
  const std::vector<std::string> lines = lines_of(desk.bytes());
  desk.set(joined({lines[0], lines[1], lines[2]}));
  CHECK(desk.verify().fault == AuditFault::none);
  CHECK(desk.verify(&early).fault == AuditFault::none);
  const AuditVerdict verdict = desk.verify(&head);
  CHECK(verdict.fault == AuditFault::head_missing);
  CHECK(verdict.first_bad_seq == 4);
  AuditHead wrong = early;
  wrong.hash[0] ^= 1;
  CHECK(desk.verify(&wrong).fault == AuditFault::head_missing);
  CHECK(desk.verify(&wrong).first_bad_seq == 2);
}

TEST_CASE("a crash at any byte of a record leaves a torn tail, and the next record seals it") {
  const Desk desk;
  desk.write({Event::started});
  const std::string before = desk.bytes();
  desk.write({Event::armed});
  const std::string whole = desk.bytes();
  for (std::size_t size = before.size() + 1; size < whole.size(); ++size) {
    desk.set(whole.substr(0, size));
    const AuditVerdict torn = desk.verify();
    REQUIRE(torn.fault == AuditFault::torn_tail);
    REQUIRE(torn.records == 1);
    REQUIRE(torn.torn_bytes == size - before.size());
    if (size % 16 != 0 && size + 2 < whole.size()) continue;  // the rest costs two syncs each
    const AuditHead head = desk.write({Event::ready});
    const AuditVerdict sealed = desk.verify(&head);
    REQUIRE(sealed.fault == AuditFault::none);
    REQUIRE(sealed.records == 3);
    REQUIRE(sealed.seals == 1);
    REQUIRE(desk.bytes().substr(0, size) == whole.substr(0, size));  // nothing was deleted
  }
}

TEST_CASE("a crash while a torn tail is being sealed is sealed again") {
  const Desk desk;
  desk.write({Event::started, Event::armed});
  const std::string torn = desk.bytes().substr(0, desk.bytes().size() - 30);
  desk.set(torn);
  desk.write({Event::ready});
  const std::string sealed = lines_of(desk.bytes())[1];  // torn bytes and the record that seals them
  const std::string front = lines_of(desk.bytes())[0];
  for (std::size_t size = torn.size() - front.size() + 1; size < sealed.size(); size += 13) {
    desk.set(front + sealed.substr(0, size));
    REQUIRE(desk.verify().fault == AuditFault::torn_tail);
    desk.write({Event::ready});
    REQUIRE(desk.verify().fault == AuditFault::none);
    REQUIRE(desk.verify().records == 3);
  }
}

TEST_CASE("torn bytes that were changed after they were sealed are found") {
  const Desk desk;
  desk.write({Event::started, Event::armed});
  const std::size_t first = lines_of(desk.bytes())[0].size();
  desk.set(desk.bytes().substr(0, desk.bytes().size() - 30));
  desk.write({Event::ready});
  const std::string good = desk.bytes();
  for (const std::string& changed : {good.substr(0, first + 50) + "x" + good.substr(first + 51),
                                     good.substr(0, first) + good.substr(first + 1),
                                     good.substr(0, first) + good.substr(good.rfind("{\"seq\":2"))}) {
    REQUIRE(changed != good);
    desk.set(changed);
    CHECK(desk.verify().fault == AuditFault::wrong_seal);
    CHECK(desk.verify().first_bad_seq == 2);
  }
}

TEST_CASE("a full disk is told to the caller, and the chain goes on when there is room again") {
  for (const rlim_t room : {0U, 1U, 200U}) {
    const Desk desk;
    desk.write({Event::started});
    Audit audit;
    REQUIRE(audit.open(desk.folder.path(), "mm1") == AuditError::ok);
    const std::string before = desk.bytes();
    {
      const test::FileSizeLimit full(before.size() + room);
      CHECK(audit.append(Event::armed, moment(), 1, 1, {}) == AuditError::disk_full);
      CHECK(audit.append(Event::armed, moment(), 1, 1, {}) == AuditError::disk_full);
      CHECK(audit.torn_bytes() == room);
      CHECK(audit.head().seq == 1);
    }
    REQUIRE(audit.append(Event::tripped, moment(), 1, 1, {}) == AuditError::ok);
    const AuditVerdict verdict = desk.verify(&audit.head());
    CHECK(verdict.fault == AuditFault::none);
    CHECK(verdict.seals == (room > 0 ? 1 : 0));
    CHECK(verdict.records == (room > 0 ? 3 : 2));
  }
}

TEST_CASE("a text of any bytes and any length makes a whole, readable record") {
  const Desk desk;
  Audit audit;
  REQUIRE(audit.open(desk.folder.path(), "mm1") == AuditError::ok);
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  const std::string forged = "\"}},\"hash\":\"00\"}\n{\"seq\":1,\"prev\":\"";
  const std::string too_long(5000, 'x');
  REQUIRE(audit.append(Event::tripped, moment(), 1, 1, {{"bytes", every_byte}, {"Key \"x\"", forged}}) ==
          AuditError::ok);
  REQUIRE(audit.append(Event::tripped, moment(), 1, 1,
                       {{"first", 1}, {"long", too_long}, {"last", -9'000'000'000}}) == AuditError::ok);
  std::vector<AuditField> many(400, AuditField("key_number", std::string_view("0123456789")));
  REQUIRE(audit.append({Event::tripped, moment(), 1, 1, many.data(), many.size()}) == AuditError::ok);
  CHECK(desk.verify(&audit.head()).fault == AuditFault::none);
  const std::vector<std::string> lines = lines_of(desk.bytes());
  REQUIRE(lines.size() == 3);
  for (const std::string& line : lines) CHECK(line.size() <= 4096);
  const auto hostile = nlohmann::json::parse(lines[0]);
  CHECK(hostile["fields"]["_ey__x_"] == forged);
  CHECK(hostile["fields"]["bytes"].get<std::string>().substr(0, 128) == every_byte.substr(0, 128));
  const auto shortened = nlohmann::json::parse(lines[1]);
  CHECK(shortened["dropped"] == 1);
  CHECK(shortened["fields"]["first"] == 1);
  CHECK(shortened["fields"]["last"] == -9'000'000'000);
  CHECK(nlohmann::json::parse(lines[2])["dropped"].get<int>() > 0);
}

TEST_CASE("an audit file that somebody cuts, extends or deletes while it is open takes no further record") {
  const Desk desk;
  desk.write({Event::started});
  const std::string good = desk.bytes();
  for (const std::string& changed : {good + "x", good.substr(0, good.size() - 1), std::string()}) {
    desk.set(good);
    Audit audit;
    REQUIRE(audit.open(desk.folder.path(), "mm1") == AuditError::ok);
    desk.set(changed);
    CHECK(audit.append(Event::armed, moment(), 1, 1, {}) == AuditError::chain_broken);
    CHECK(desk.bytes() == changed);
  }
  desk.set(good);
  Audit audit;
  REQUIRE(audit.open(desk.folder.path(), "mm1") == AuditError::ok);
  REQUIRE(std::filesystem::remove(desk.path));
  CHECK(audit.append(Event::armed, moment(), 1, 1, {}) == AuditError::chain_broken);
}

TEST_CASE("an audit that is a link, a device, open to others or nowhere is refused") {
  const Desk desk;
  desk.write({Event::started});
  REQUIRE(symlink("mm1.audit.jsonl", desk.folder.file("mm2.audit.jsonl").c_str()) == 0);
  REQUIRE(symlink("/dev/full", desk.folder.file("mm3.audit.jsonl").c_str()) == 0);
  REQUIRE(chmod(desk.path.c_str(), 0660) == 0);
  for (const auto& [name, expected] :
       {std::pair{"mm1", AuditError::unsafe}, std::pair{"mm2", AuditError::unsafe},
        std::pair{"mm3", AuditError::unsafe}, std::pair{"a/b", AuditError::bad_name}}) {
    INFO(name);
    Audit audit;
    CHECK(audit.open(desk.folder.path(), name) == expected);
    CHECK(audit.append(Event::armed, moment(), 1, 1, {}) == AuditError::not_open);
  }
  Audit nowhere;
  CHECK(nowhere.open(desk.folder.file("missing"), "mm1") == AuditError::cannot_open);
  CHECK(audit_verify(desk.folder.file("missing")).fault == AuditFault::unreadable);
  CHECK(audit_verify("/dev/zero").fault == AuditFault::malformed);
}

TEST_CASE("a head reads back from its text, and nothing else is a head") {
  AuditHead head;
  head.seq = 18'231;
  head.hash[31] = 0xAB;
  AuditHead again;
  REQUIRE(parse_head(format_head(head), again));
  CHECK(again == head);
  const std::string good = format_head(head);
  for (const std::string& bad :
       {std::string(), std::string("1"), std::string("1:"), good + "0", " " + good,
        good.substr(0, good.size() - 1), "-" + good, good.substr(0, good.size() - 1) + "G"}) {
    INFO(bad);
    CHECK_FALSE(parse_head(bad, again));
  }
  CHECK(again == head);
}

TEST_CASE("every event has a name, a journal id, a cause and something for the operator to do") {
  for (const EventInfo& info : kEventTable) {
    INFO(info.name);
    CHECK(find_event(info.name) == &info);
    CHECK(&event_info(info.event) == &info);
    CHECK(info.message_id.find_first_not_of("0123456789abcdef") == std::string_view::npos);
    CHECK_FALSE(info.cause.empty());
    CHECK_FALSE(info.operator_does.empty());
  }
  CHECK(find_event("nothing") == nullptr);
}

TEST_CASE("a stamp carries this boot and both clocks") {
  const BootId boot = read_boot_id();
  CHECK(boot != BootId{});
  const Stamp first = read_stamp(boot);
  const Stamp second = read_stamp(boot);
  CHECK(first.boot_id == boot);
  CHECK(first.wall_ns > 1'600'000'000'000'000'000);
  CHECK(second.monotonic_ns >= first.monotonic_ns);
}
