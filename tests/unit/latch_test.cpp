// SPDX-License-Identifier: Apache-2.0
/// @file The latch's rules on bytes alone: what a torn, foreign or absurd slot means, and what each act makes
/// of it.
#include "watchdog/latch.hpp"

#include <sodium.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <string>

using namespace portcullis;

namespace {

LatchRecord clear_record() {
  LatchRecord record;
  record.state = LatchState::clear;
  return record;
}

LatchRecord trip_record(Cause cause = Cause::order_rate) {
  LatchRecord record;
  record.cause = cause;
  record.limit_value = 50;
  record.observed_value = 51;
  record.wall_ns = 1'700'000'000'000'000'000;
  record.monotonic_ns = 12'345;
  record.per_ms = 10;
  record.arming_generation = 3;
  record.lane = 2;
  record.engine_wide = 0;
  std::memcpy(record.lane_name.data(), "es-quoter", 9);
  return record;
}

UnresolvedOrder order(const std::string& id, OrderFate fate = OrderFate::unknown) {
  UnresolvedOrder entry;
  REQUIRE(make_unresolved(id, fate, entry));
  return entry;
}

LatchSlotBytes slot(const LatchRecord& record, std::uint64_t sequence) {
  LatchSlotBytes bytes;
  encode(record, sequence, bytes);
  return bytes;
}

DecodedSlot read(const LatchSlotBytes& bytes) { return decode(bytes.data(), bytes.size()); }

LatchView view_of(const LatchRecord& older, const LatchRecord& newer) {
  return decide(read(slot(older, 7)), read(slot(newer, 8)));
}

/// A slot with these bytes changed and a checksum that fits, as a bug (not a tear) would write it.
LatchSlotBytes forged(LatchSlotBytes bytes, std::size_t offset, std::uint8_t value) {
  bytes[offset] = value;
  crypto_generichash(bytes.data() + 4064, 32, bytes.data(), 4064, nullptr, 0);
  return bytes;
}

}  // namespace

TEST_CASE("a latch slot has the layout that is on people's disks") {
  struct Order {  // copied by hand, with its numbers: a change of the layout must be a change here too
    char cl_ord_id[36];
    std::uint8_t cl_ord_id_bytes, fate, reserved[2];
  };
  struct Slot {
    char magic[8];
    std::uint32_t version, slot_bytes;
    std::uint64_t sequence, wall_ns, monotonic_ns;
    std::int64_t limit_value, observed_value;
    std::uint64_t arming_generation;
    std::uint8_t boot_id[16], config_hash[32];
    char lane_name[24], symbol[24];
    std::uint32_t instrument, actor_uid, actor_login, per_ms;
    std::uint16_t lane;
    std::uint8_t state, cause, engine_wide, reserved[3];
    std::uint32_t acknowledged, never_left, refused_by_venue, unknown, open, unresolved_count, unlisted, zero;
    Order unresolved[64];
    std::uint8_t reserved_tail[1288], checksum[32];
  };
  static_assert(sizeof(Slot) == 4096);
  LatchRecord record = trip_record();
  record.fates = {1, 2, 3, 4, 5};
  record.unresolved_count = 2;
  record.unresolved[0] = order("A");
  record.unresolved[1] = order("Q7-00018231", OrderFate::refused_by_venue);
  record.unlisted = 9;
  Slot seen;
  std::memcpy(&seen, slot(record, 77).data(), sizeof seen);
  CHECK(std::memcmp(seen.magic, "PCLATCH1", 8) == 0);
  CHECK(seen.version == 1);
  CHECK(seen.slot_bytes == 4096);
  CHECK(seen.sequence == 77);
  CHECK(seen.limit_value == 50);
  CHECK(seen.observed_value == 51);
  CHECK(seen.arming_generation == 3);
  CHECK(std::string(seen.lane_name) == "es-quoter");
  CHECK(seen.instrument == 0xFFFFFFFF);
  CHECK(seen.per_ms == 10);
  CHECK(seen.lane == 2);
  CHECK(seen.state == 2);
  CHECK(seen.cause == 1);
  CHECK(seen.engine_wide == 0);
  CHECK(seen.open == 5);
  CHECK(seen.unresolved_count == 2);
  CHECK(seen.unlisted == 9);
  CHECK(std::string(seen.unresolved[1].cl_ord_id) == "Q7-00018231");
  CHECK(seen.unresolved[1].cl_ord_id_bytes == 11);
  CHECK(seen.unresolved[1].fate == 3);
  CHECK(seen.unresolved[2].fate == 0);
  CHECK(read(slot(record, 77)).fault == SlotFault::none);
  const DecodedSlot again = read(slot(record, 77));
  CHECK(std::memcmp(&again.record, slot(record, 77).data() + 24, sizeof again.record) == 0);
}

TEST_CASE("two clear slots in a row are clear, one latched slot is enough to be latched") {
  CHECK(view_of(clear_record(), clear_record()).state == LatchState::clear);
  CHECK_FALSE(blocks_arming(view_of(clear_record(), clear_record())));
  const LatchView tripped = view_of(clear_record(), trip_record());
  CHECK(tripped.state == LatchState::latched);
  CHECK_FALSE(tripped.unreadable);
  CHECK(tripped.record.cause == Cause::order_rate);
  CHECK(tripped.next_slot == 0);
  CHECK(tripped.sequence == 8);
}

TEST_CASE("a clear that was cut in half stays latched with its old cause") {
  const LatchView view = view_of(trip_record(Cause::position), clear_record());
  CHECK(view.state == LatchState::latched);
  CHECK(view.record.cause == Cause::position);
  CHECK(blocks_arming(view));
}

TEST_CASE("every prefix of a slot is unreadable, and that means latched") {
  const LatchSlotBytes bytes = slot(clear_record(), 8);
  const DecodedSlot other = read(slot(clear_record(), 7));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    LatchSlotBytes rest_old = slot(clear_record(), 6);  // a torn write: new bytes in front, old ones behind
    std::memcpy(rest_old.data(), bytes.data(), size);
    const DecodedSlot torn = read(rest_old);
    const DecodedSlot cut = decode(bytes.data(), size);
    if (cut.fault == SlotFault::none || decide(other, cut).state != LatchState::latched)
      FAIL("cut at " << size);
    if (torn.fault == SlotFault::none && torn.sequence != 6) FAIL("torn at " << size);
    if (torn.fault != SlotFault::none && decide(other, torn).state != LatchState::latched)
      FAIL("torn at " << size);
  }
}

TEST_CASE("every single flipped bit of a slot is unreadable, and that means latched") {
  LatchSlotBytes bytes = slot(clear_record(), 8);
  const DecodedSlot other = read(slot(clear_record(), 7));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << bit % 8));
    const LatchView view = decide(other, read(bytes));
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << bit % 8));
    if (view.state != LatchState::latched || !view.unreadable) FAIL("bit " << bit);
  }
}

TEST_CASE("a trip whose sectors reached the disk in any mix is latched or was never written") {
  const LatchSlotBytes before = slot(clear_record(), 6);
  const LatchSlotBytes after = slot(trip_record(), 8);
  const DecodedSlot other = read(slot(clear_record(), 7));
  int clear_seen = 0;
  for (unsigned mask = 0; mask < 256; ++mask) {
    LatchSlotBytes mixed = before;
    for (unsigned sector = 0; sector < 8; ++sector)
      if ((mask >> sector & 1U) != 0) std::memcpy(&mixed[sector * 512], &after[sector * 512], 512);
    if (decide(read(mixed), other).state == LatchState::clear) {
      ++clear_seen;
      CHECK(mixed == before);
    }
  }
  CHECK(clear_seen ==
        64);  // the six sectors that are equal in both, in every mix; the trip never returned then
}

TEST_CASE("slots with the same or distant sequences are latched: a write is missing") {
  for (const std::uint64_t newer : {7U, 9U, 100U}) {
    const LatchView view = decide(read(slot(clear_record(), 7)), read(slot(clear_record(), newer)));
    CHECK(view.state == LatchState::latched);
    CHECK(view.gap);
    CHECK(view.record.cause == Cause::latch_unreadable);
    CHECK(blocks_arming(view));
  }
}

TEST_CASE("a zeroed, a foreign and an empty latch are latched") {
  const LatchSlotBytes zeros{};
  CHECK(read(zeros).fault == SlotFault::bad_magic);
  CHECK(decide(read(zeros), read(zeros)).state == LatchState::latched);
  CHECK(decide({}, {}).state == LatchState::latched);
  CHECK(LatchView{}.state == LatchState::latched);
  CHECK(read(forged(slot(clear_record(), 7), 8, 2)).fault == SlotFault::bad_version);
}

TEST_CASE("a slot whose checksum fits but whose values nobody writes is unreadable") {
  struct Row {
    const char* what;
    std::size_t offset;
    std::uint8_t value;
  };
  const LatchSlotBytes latched = slot(trip_record(), 8);
  REQUIRE(read(latched).fault == SlotFault::none);
  for (const Row& row :
       {Row{"state 0", 24 + 154, 0}, Row{"state 3", 24 + 154, 3}, Row{"cause none", 24 + 155, 0},
        Row{"cause 63", 24 + 155, 63}, Row{"cause 255", 24 + 155, 255},
        Row{"state clear with a cause", 24 + 154, 1}, Row{"engine_wide 2", 24 + 156, 2},
        Row{"reserved byte", 24 + 157, 1}, Row{"reserved word", 24 + 188, 1}, Row{"65 orders", 24 + 180, 65},
        Row{"an order without id", 24 + 180, 1}, Row{"text behind the name's end", 24 + 88 + 23, 'x'},
        Row{"an unused entry", 24 + 192 + 40, 1}, Row{"reserved tail", 2776, 1}}) {
    INFO(row.what);
    CHECK(read(forged(latched, row.offset, row.value)).fault == SlotFault::absurd);
  }
  CHECK(read(slot(clear_record(), 0)).fault == SlotFault::absurd);
  CHECK(read(slot(clear_record(), ~0ULL)).fault == SlotFault::absurd);
}

TEST_CASE("the first cause wins, a second one only widens the halt to the engine") {
  const LatchRecord first = after_trip(clear_record(), trip_record(Cause::order_rate));
  CHECK(first.engine_wide == 0);
  LatchRecord second = trip_record(Cause::death);
  second.lane = kLatchEngineScope;
  second.engine_wide = 1;
  second.observed_value = 1;
  const LatchRecord both = after_trip(first, second);
  CHECK(both.cause == Cause::order_rate);
  CHECK(both.observed_value == 51);
  CHECK(both.lane == 2);
  CHECK(both.engine_wide == 1);
  CHECK(after_trip(both, trip_record(Cause::position)).engine_wide == 1);
}

TEST_CASE("a trip without a cause or with a broken name is still a readable latch") {
  LatchRecord careless = trip_record(Cause::none);
  careless.state = LatchState::clear;
  careless.lane_name.fill('x');
  careless.reserved = {1, 2, 3};
  const DecodedSlot seen = read(slot(after_trip(clear_record(), careless), 8));
  CHECK(seen.fault == SlotFault::none);
  CHECK(seen.record.state == LatchState::latched);
  CHECK(seen.record.cause == Cause::internal);
}

TEST_CASE("an order that nobody confirmed blocks arming after the clear, until it is resolved") {
  const UnresolvedOrder unknown = order("Q7-00018231");
  LatchRecord record = after_trip(clear_record(), trip_record());
  record = after_outcome(record, {37, 0, 0, 1, 0}, {&unknown, 1, 0});
  const LatchRecord cleared = after_clear(view_of(record, record), {1004, 1004}, Stamp{});
  const LatchView view = view_of(cleared, cleared);
  CHECK(view.state == LatchState::clear);
  CHECK(view.record.actor_uid == 1004);
  CHECK(blocks_arming(view));
  LatchRecord resolved = cleared;
  CHECK_FALSE(without_order(cleared, "Q7", resolved));
  REQUIRE(without_order(cleared, "Q7-00018231", resolved));
  CHECK_FALSE(blocks_arming(view_of(cleared, resolved)));
}

TEST_CASE("orders past the latch's room are counted and block arming too") {
  std::array<UnresolvedOrder, 70> orders;
  for (std::size_t i = 0; i < orders.size(); ++i) orders[i] = order("ID" + std::to_string(i));
  LatchRecord record = after_trip(clear_record(), trip_record());
  for (int repeat = 0; repeat < 2; ++repeat)
    record = after_outcome(record, {0, 0, 0, 72, 0}, {orders.data(), orders.size(), 2});
  CHECK(record.unresolved_count == 64);
  CHECK(record.unlisted == 8);
  CHECK(read(slot(record, 5)).fault == SlotFault::none);
  LatchRecord cleared = after_clear(view_of(record, record), {}, Stamp{});
  for (std::size_t i = 0; i < 64; ++i) REQUIRE(without_order(cleared, orders[i].id(), cleared));
  CHECK(cleared.unresolved_count == 0);
  CHECK(blocks_arming(view_of(cleared, cleared)));
}

TEST_CASE("orders that were reported unknown but not named are counted") {
  const LatchRecord record = after_outcome(trip_record(), {0, 0, 2, 3, 0}, {});
  CHECK(record.unlisted == 5);
}

TEST_CASE("an order listed as open goes when the ladder settled it, an unknown one stays") {
  LatchRecord trip = trip_record();
  trip.unresolved[0] = order("settled", OrderFate::open);
  trip.unresolved[1] = order("silent", OrderFate::open);
  trip.unresolved_count = 2;
  trip.fates.open = 2;
  LatchRecord record = after_trip(clear_record(), trip);
  CHECK(record.unresolved_count == 2);
  const UnresolvedOrder silent = order("silent", OrderFate::unknown);
  record = after_outcome(record, {1, 0, 0, 1, 0}, {&silent, 1, 0});
  REQUIRE(record.unresolved_count == 1);
  CHECK(record.unresolved[0].id() == "silent");
  CHECK(record.unlisted == 0);
  record = after_outcome(record, {2, 0, 0, 0, 0}, {});
  CHECK(record.unresolved_count == 1);
}

TEST_CASE("a ladder that never finished leaves its open orders to be confirmed after the clear") {
  LatchRecord trip = trip_record();
  trip.fates.open = 38;
  trip.unresolved[0] = order("named", OrderFate::open);
  trip.unresolved_count = 1;
  const LatchRecord record = after_trip(clear_record(), trip);
  const LatchRecord cleared = after_clear(view_of(record, record), {}, Stamp{});
  CHECK(cleared.unresolved_count == 1);
  CHECK(cleared.unlisted == 37);
  CHECK(blocks_arming(view_of(cleared, cleared)));
}

TEST_CASE(
    "clearing an unreadable latch leaves one order to be confirmed: nobody knows what the lost slot said") {
  const LatchView view = decide(read(slot(clear_record(), 7)), DecodedSlot{});
  CHECK(view.next_slot == 1);
  const LatchRecord cleared = after_clear(view, {}, Stamp{});
  CHECK(cleared.unlisted == 1);
  CHECK(blocks_arming(view_of(cleared, cleared)));
  CHECK(after_clear(LatchView{}, {}, Stamp{}).unlisted == 1);
}

TEST_CASE("a new trip keeps the orders that are still to be resolved") {
  LatchRecord waiting = clear_record();
  waiting.unresolved[0] = order("old");
  waiting.unresolved_count = 1;
  waiting.unlisted = 4;
  const LatchRecord record = after_trip(waiting, trip_record());
  CHECK(record.unresolved_count == 1);
  CHECK(record.unlisted == 4);
}

TEST_CASE("every limit has a cause with its name, and no other byte is a cause") {
  for (std::size_t i = 0; i < kLimitKinds; ++i) {
    const auto kind = static_cast<LimitKind>(i);
    CHECK(is_limit(cause_of(kind)));
    CHECK(limit_of(cause_of(kind)) == kind);
    CHECK(std::string(cause_name(cause_of(kind))) == limit_name(kind));
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto cause = static_cast<Cause>(byte);
    CHECK(is_cause(static_cast<std::uint8_t>(byte)) == (std::string(cause_name(cause)) != "?"));
  }
  CHECK_FALSE(is_limit(Cause::none));
  CHECK_FALSE(is_limit(Cause::manual_halt));
}

TEST_CASE("an order id longer than 36 bytes or empty is no entry") {
  UnresolvedOrder entry;
  CHECK_FALSE(make_unresolved("", OrderFate::open, entry));
  CHECK_FALSE(make_unresolved(std::string(37, 'x'), OrderFate::open, entry));
  CHECK(make_unresolved(std::string(36, 'x'), OrderFate::open, entry));
  CHECK(entry.id().size() == 36);
}
