// SPDX-License-Identifier: Apache-2.0
/// @file The latch: the memory of a halt that only people leave. Two slots in one file, written in turn, so
/// that a crash in the middle of a write can spoil one slot and never both. The rules are pure (`encode`,
/// `decode`, `decide` and the functions that make the next record); LatchFile (latch_file.hpp) only moves
/// bytes. Clear needs *both* slots readable, consecutive and clear. Everything else is latched: a torn,
/// short, foreign or absurd slot, equal or distant sequences (a write that the disk lost), a `clear` that was
/// cut in half. The checksum is BLAKE2b-256: any tear or flip is found, 4 KiB cost microseconds, and audit
/// and configuration use the same function; a CRC would be faster where speed is worth nothing. It has no
/// key: it is proof against accidents, not against somebody who may write the file. A lone write that the
/// disk claims and loses is not seen.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "watchdog/cause.hpp"
#include "watchdog/stamp.hpp"

namespace portcullis {

inline constexpr std::size_t kLatchSlotBytes = 4096;  ///< one page, eight 512-byte sectors
inline constexpr std::size_t kLatchSlots = 2;
inline constexpr std::uint32_t kLatchLayoutVersion = 1;
inline constexpr std::size_t kLatchOrders = 64;  ///< unresolved orders kept by name; more are counted
inline constexpr std::size_t kClOrdIdBytes = 36;
inline constexpr std::uint16_t kLatchEngineScope = 0xFFFF;  ///< `lane` of a record about the whole engine
inline constexpr std::uint32_t kLatchNoInstrument = 0xFFFF'FFFF;  ///< `instrument` of a record about none
inline constexpr std::uint32_t kNoUid = 0xFFFF'FFFF;              ///< no person, or no login uid

enum class LatchState : std::uint8_t { clear = 1, latched = 2 };  // 0 is neither: a zeroed byte is absurd

/// What is known of an order that stops people from arming.
enum class OrderFate : std::uint8_t {
  open = 1,          ///< the ladder had not settled it when this was written
  unknown,           ///< nobody confirmed its fate
  refused_by_venue,  ///< the venue refused to cancel it
};

/// How many orders ended how. Orders, not quantity.
struct FateCounters {
  std::uint32_t acknowledged = 0;
  std::uint32_t never_left = 0;
  std::uint32_t refused_by_venue = 0;
  std::uint32_t unknown = 0;
  std::uint32_t open = 0;  ///< not settled yet; what is left here when people clear becomes `unlisted`
};

/// One order that blocks arming until `resolve`.
struct UnresolvedOrder {
  std::array<char, kClOrdIdBytes> cl_ord_id{};  ///< 11, the rest zero
  std::uint8_t cl_ord_id_bytes = 0;             ///< 1..36
  OrderFate fate = OrderFate::unknown;
  std::array<std::uint8_t, 2> reserved{};
  [[nodiscard]] std::string_view id() const noexcept { return {cl_ord_id.data(), cl_ord_id_bytes}; }
};

/// What a slot says. The trip fills cause to arming_generation; later writes change the outcome only.
struct LatchRecord {
  std::uint64_t wall_ns = 0;       // when the first cause was found; for `clear`, when it was cleared
  std::uint64_t monotonic_ns = 0;  // within the boot below
  std::int64_t limit_value = 0;    // in the limit's unit (shm/limit_kind.hpp)
  std::int64_t observed_value = 0;
  std::uint64_t arming_generation = 0;
  BootId boot_id{};
  std::array<std::uint8_t, 32> config_hash{};
  std::array<char, 24> lane_name{};  // NUL-terminated
  std::array<char, 24> symbol{};     // NUL-terminated
  std::uint32_t instrument = kLatchNoInstrument;
  std::uint32_t actor_uid = kNoUid;    // who halted or cleared; kNoUid: nobody, the switch itself
  std::uint32_t actor_login = kNoUid;  // that person's login uid
  std::uint32_t per_ms = 0;            // the window of a rate limit, ms; 0: none
  std::uint16_t lane = kLatchEngineScope;
  LatchState state = LatchState::latched;
  Cause cause = Cause::none;
  std::uint8_t engine_wide = 1;  // 1: the halt covers the engine (only grows), 0: one lane
  std::array<std::uint8_t, 3> reserved{};
  FateCounters fates;
  std::uint32_t unresolved_count = 0;  // entries used below
  std::uint32_t unlisted = 0;          // orders without a confirmed fate that no entry names
  std::uint32_t reserved_word = 0;
  std::array<UnresolvedOrder, kLatchOrders> unresolved{};
};

// One slot, all integers little-endian:
//      0  magic "PCLATCH1"          8  layout version u32      12  slot bytes u32 (4096)
//     16  sequence u64              24  LatchRecord (2752)    2776  reserved (1288), zero
//   4064  BLAKE2b-256 of the bytes 0..4063
inline constexpr std::size_t kLatchRecordOffset = 24;
inline constexpr std::size_t kLatchChecksumOffset = 4064;
static_assert(sizeof(UnresolvedOrder) == 40 && sizeof(LatchRecord) == 2752);
static_assert(offsetof(LatchRecord, boot_id) == 40 && offsetof(LatchRecord, instrument) == 136);
static_assert(offsetof(LatchRecord, fates) == 160 && offsetof(LatchRecord, unresolved) == 192);
static_assert(std::is_trivially_copyable_v<LatchRecord> &&
              std::has_unique_object_representations_v<LatchRecord>);

/// Why a slot cannot be believed; `none` = it can.
enum class SlotFault : std::uint8_t {
  none = 0,
  io_error,      ///< it could not be read
  too_short,     ///< the file ends inside it
  bad_magic,     ///< not a latch slot, or zeros
  bad_version,   ///< another layout
  bad_checksum,  ///< torn or changed
  absurd,        ///< whole, but with a value that nobody writes
};

using LatchSlotBytes = std::array<std::uint8_t, kLatchSlotBytes>;

/// A slot after reading. With a fault, sequence and record mean nothing.
struct DecodedSlot {
  SlotFault fault = SlotFault::io_error;
  std::uint64_t sequence = 0;
  LatchRecord record;
};

/// What both slots say together. The default is the worst: latched and unreadable.
struct LatchView {
  LatchState state = LatchState::latched;
  bool unreadable =
      true;          ///< latched because the slots cannot be believed (a slot's fault, or their sequences)
  bool gap = false;  ///< both slots are whole, but they are not consecutive: a write is missing
  std::array<SlotFault, kLatchSlots> faults{SlotFault::io_error, SlotFault::io_error};
  std::uint64_t sequence = 0;  ///< of the newest believable slot, 0 = none
  std::uint8_t next_slot = 0;  ///< where the next write goes: the unreadable slot, else the older one
  LatchRecord record;          ///< what to show: the newest latched record, else the newest; cause
                               ///< latch_unreadable if no slot tells a latched story
};

/// Makes a slot of `record` at `sequence`, checksum included.
void encode(const LatchRecord& record, std::uint64_t sequence, LatchSlotBytes& out) noexcept;

/// Reads a slot of which `size` bytes could be read. Never trusts a byte: counts, enums and strings are
/// checked.
[[nodiscard]] DecodedSlot decode(const std::uint8_t* bytes, std::size_t size) noexcept;

/// The rule of this file: clear only if both slots are believable, consecutive and clear.
[[nodiscard]] LatchView decide(const DecodedSlot& first, const DecodedSlot& second) noexcept;

/// True while people may not arm: latched, or orders are without a confirmed fate.
[[nodiscard]] bool blocks_arming(const LatchView& view) noexcept;

/// The record to write when `trip` happens on top of `current`: the first cause wins, a second one may only
/// widen it from a lane to the engine; unresolved orders are never dropped.
[[nodiscard]] LatchRecord after_trip(const LatchRecord& current, const LatchRecord& trip) noexcept;

/// Orders without a confirmed fate at the end (or in the middle) of a ladder. `more` = beyond those listed.
struct UnresolvedList {
  const UnresolvedOrder* orders = nullptr;
  std::size_t count = 0;  ///< those past the latch's room are counted, not lost
  std::uint32_t more = 0;
};

/// `current` with the outcome so far. Entries that were `open` and are no longer listed are settled and go;
/// those that were unknown or refused stay until `resolve`.
[[nodiscard]] LatchRecord after_outcome(const LatchRecord& current, const FateCounters& fates,
                                        const UnresolvedList& list) noexcept;

/// `current` without this order. False (out untouched) if it is not listed.
[[nodiscard]] bool without_order(const LatchRecord& current, std::string_view cl_ord_id,
                                 LatchRecord& out) noexcept;

/// Who clears, and when.
struct LatchActor {
  std::uint32_t uid = kNoUid;
  std::uint32_t login = kNoUid;
};

/// The record after `clear`: state clear, no cause, but unresolved orders stay (only `resolve` takes them),
/// orders that were still open become unlisted, and an unreadable latch leaves at least one unlisted order:
/// nobody knows what the lost slot said.
[[nodiscard]] LatchRecord after_clear(const LatchView& view, const LatchActor& actor,
                                      const Stamp& now) noexcept;

/// "none", "io_error", "bad_checksum", ...
[[nodiscard]] const char* fault_name(SlotFault fault) noexcept;
/// "open", "unknown", "refused_by_venue".
[[nodiscard]] const char* fate_name(OrderFate fate) noexcept;

/// Builds an entry; ids longer than 36 bytes or empty give false.
[[nodiscard]] bool make_unresolved(std::string_view cl_ord_id, OrderFate fate, UnresolvedOrder& out) noexcept;

}  // namespace portcullis
