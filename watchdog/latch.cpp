// SPDX-License-Identifier: Apache-2.0
/// @file The latch's rules, pure (see latch.hpp).
#include "watchdog/latch.hpp"

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace portcullis {
namespace {

static_assert(std::endian::native == std::endian::little, "slots are little-endian and copied as they are");

constexpr std::array<std::uint8_t, 8> kMagic{'P', 'C', 'L', 'A', 'T', 'C', 'H', '1'};
constexpr std::size_t kVersionOffset = 8;
constexpr std::size_t kSizeOffset = 12;
constexpr std::size_t kSequenceOffset = 16;
constexpr std::size_t kChecksumBytes = kLatchSlotBytes - kLatchChecksumOffset;
static_assert(kChecksumBytes == crypto_generichash_BYTES);

template <typename Word>
Word load_word(const std::uint8_t* bytes, std::size_t offset) noexcept {
  Word word{};
  std::memcpy(&word, bytes + offset, sizeof word);
  return word;
}

void checksum(const std::uint8_t* slot, std::uint8_t* out) noexcept {
  crypto_generichash(out, kChecksumBytes, slot, kLatchChecksumOffset, nullptr, 0);
}

template <typename Bytes>
bool all_zero(const Bytes& bytes) noexcept {
  return std::all_of(std::begin(bytes), std::end(bytes), [](auto byte) { return byte == 0; });
}

/// NUL-terminated, and nothing but zeros behind the first NUL.
bool is_text(const std::array<char, 24>& text) noexcept {
  const auto end = std::find(text.begin(), text.end(), '\0');
  return end != text.end() && std::all_of(end, text.end(), [](char byte) { return byte == '\0'; });
}

/// Makes is_text() hold whatever the caller left in there.
void make_text(std::array<char, 24>& text) noexcept {
  text.back() = '\0';
  std::fill(std::find(text.begin(), text.end(), '\0'), text.end(), '\0');
}

bool is_entry(const UnresolvedOrder& order) noexcept {
  if (order.cl_ord_id_bytes == 0 || order.cl_ord_id_bytes > kClOrdIdBytes || !all_zero(order.reserved))
    return false;
  if (order.fate < OrderFate::open || order.fate > OrderFate::refused_by_venue) return false;
  return std::all_of(order.cl_ord_id.begin() + order.cl_ord_id_bytes, order.cl_ord_id.end(),
                     [](char byte) { return byte == '\0'; });
}

bool is_unused(const UnresolvedOrder& order) noexcept {
  return order.cl_ord_id_bytes == 0 && static_cast<std::uint8_t>(order.fate) == 0 &&
         all_zero(order.cl_ord_id) && all_zero(order.reserved);
}

bool orders_hold(const LatchRecord& record) noexcept {
  if (record.unresolved_count > kLatchOrders) return false;
  const auto end_of_used = record.unresolved.begin() + record.unresolved_count;
  return std::all_of(record.unresolved.begin(), end_of_used, is_entry) &&
         std::all_of(end_of_used, record.unresolved.end(), is_unused);
}

bool record_holds(const LatchRecord& record) noexcept {
  if (record.state != LatchState::clear && record.state != LatchState::latched) return false;
  if (!is_cause(static_cast<std::uint8_t>(record.cause))) return false;
  if ((record.state == LatchState::clear) != (record.cause == Cause::none)) return false;
  if (record.engine_wide > 1 || (record.lane == kLatchEngineScope && record.engine_wide != 1)) return false;
  if (!all_zero(record.reserved) || record.reserved_word != 0) return false;
  return is_text(record.lane_name) && is_text(record.symbol) && orders_hold(record);
}

/// Unused entries are zero in every byte, whatever the default of `fate` is.
void zero_unused(LatchRecord& record) noexcept {
  for (std::size_t i = record.unresolved_count; i < kLatchOrders; ++i) {
    record.unresolved[i] = UnresolvedOrder{};
    record.unresolved[i].fate = OrderFate{};
  }
}

UnresolvedOrder* find_order(LatchRecord& record, std::string_view cl_ord_id) noexcept {
  const auto end = record.unresolved.begin() + record.unresolved_count;
  const auto found = std::find_if(record.unresolved.begin(), end,
                                  [&](const auto& order) { return order.id() == cl_ord_id; });
  return found == end ? nullptr : &*found;
}

std::uint32_t add_bounded(std::uint32_t left, std::uint32_t right) noexcept {
  constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
  return right > most - left ? most : left + right;
}

/// Lists an order, or says that there is no room. A broken id has no name to list it under.
bool list_order(LatchRecord& record, const UnresolvedOrder& order) noexcept {
  if (!is_entry(order)) return false;
  if (UnresolvedOrder* known = find_order(record, order.id())) {
    known->fate = order.fate;
    return true;
  }
  if (record.unresolved_count >= kLatchOrders) return false;
  record.unresolved[record.unresolved_count++] = order;
  return true;
}

/// Writes the list into the record. What finds no room is counted; a repeated call does not count it twice.
void list_orders(LatchRecord& record, const UnresolvedOrder* orders, std::size_t count,
                 std::uint32_t more) noexcept {
  std::uint32_t left_over = more;
  for (std::size_t i = 0; i < count; ++i)
    if (!list_order(record, orders[i])) left_over = add_bounded(left_over, 1);
  record.unlisted = std::max(record.unlisted, left_over);
}

/// What is shown, and built upon, when the slots cannot be believed.
void make_unreadable(LatchView& view) noexcept {
  view.state = LatchState::latched;
  view.unreadable = true;
  LatchRecord& record = view.record;
  if (record.state != LatchState::latched || record.cause == Cause::none) {
    record.cause = Cause::latch_unreadable;
    record.lane = kLatchEngineScope;
    record.lane_name = {};
  }
  record.state = LatchState::latched;
  record.engine_wide = 1;
  record.unlisted = std::max(record.unlisted, 1U);  // nobody knows which orders the lost slot named
}

}  // namespace

void encode(const LatchRecord& record, std::uint64_t sequence, LatchSlotBytes& out) noexcept {
  out.fill(0);
  const auto slot_bytes = static_cast<std::uint32_t>(kLatchSlotBytes);
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  std::memcpy(out.data() + kVersionOffset, &kLatchLayoutVersion, sizeof kLatchLayoutVersion);
  std::memcpy(out.data() + kSizeOffset, &slot_bytes, sizeof slot_bytes);
  std::memcpy(out.data() + kSequenceOffset, &sequence, sizeof sequence);
  LatchRecord copy = record;
  if (copy.unresolved_count <= kLatchOrders) zero_unused(copy);
  std::memcpy(out.data() + kLatchRecordOffset, &copy, sizeof copy);
  checksum(out.data(), out.data() + kLatchChecksumOffset);
}

DecodedSlot decode(const std::uint8_t* bytes, std::size_t size) noexcept {
  DecodedSlot slot;
  const auto bad = [&slot](SlotFault fault) {
    slot = DecodedSlot{};
    slot.fault = fault;
    return slot;
  };
  if (size < kLatchSlotBytes) return bad(SlotFault::too_short);
  if (std::memcmp(bytes, kMagic.data(), kMagic.size()) != 0) return bad(SlotFault::bad_magic);
  std::array<std::uint8_t, kChecksumBytes> expected{};
  checksum(bytes, expected.data());
  if (std::memcmp(bytes + kLatchChecksumOffset, expected.data(), expected.size()) != 0)
    return bad(SlotFault::bad_checksum);
  if (load_word<std::uint32_t>(bytes, kVersionOffset) != kLatchLayoutVersion ||
      load_word<std::uint32_t>(bytes, kSizeOffset) != kLatchSlotBytes)
    return bad(SlotFault::bad_version);
  const std::uint8_t* reserved = bytes + kLatchRecordOffset + sizeof(LatchRecord);
  if (!std::all_of(reserved, bytes + kLatchChecksumOffset, [](std::uint8_t byte) { return byte == 0; }))
    return bad(SlotFault::absurd);
  slot.fault = SlotFault::none;
  slot.sequence = load_word<std::uint64_t>(bytes, kSequenceOffset);
  std::memcpy(&slot.record, bytes + kLatchRecordOffset, sizeof slot.record);
  const bool counted = slot.sequence > 0 && slot.sequence < std::numeric_limits<std::uint64_t>::max();
  return counted && record_holds(slot.record) ? slot : bad(SlotFault::absurd);
}

LatchView decide(const DecodedSlot& first, const DecodedSlot& second) noexcept {
  LatchView view;
  view.faults = {first.fault, second.fault};
  const bool first_holds = first.fault == SlotFault::none;
  const bool second_holds = second.fault == SlotFault::none;
  if (!first_holds && !second_holds) {
    make_unreadable(view);
    return view;
  }
  const bool first_is_newest = first_holds && (!second_holds || first.sequence > second.sequence);
  const DecodedSlot& newest = first_is_newest ? first : second;
  const DecodedSlot& other = first_is_newest ? second : first;
  view.next_slot = first_is_newest ? 1 : 0;
  view.sequence = newest.sequence;
  view.record = newest.record;
  if (other.fault == SlotFault::none && newest.record.state == LatchState::clear &&
      other.record.state == LatchState::latched)
    view.record = other.record;  // a clear that was cut in half: still latched
  view.gap = other.fault == SlotFault::none && newest.sequence - other.sequence != 1;
  if (other.fault != SlotFault::none || view.gap) {
    make_unreadable(view);
  } else {
    view.unreadable = false;
    view.state = view.record.state;
  }
  return view;
}

bool blocks_arming(const LatchView& view) noexcept {
  return view.state != LatchState::clear || view.unreadable || view.record.unresolved_count != 0 ||
         view.record.unlisted != 0 || view.record.fates.open != 0;
}

LatchRecord after_trip(const LatchRecord& current, const LatchRecord& trip) noexcept {
  LatchRecord next = current;
  if (current.state == LatchState::latched && current.cause != Cause::none) {
    next.engine_wide = current.engine_wide != 0 || trip.engine_wide != 0 ? 1 : 0;
  } else {
    next = trip;
    next.unresolved = current.unresolved;
    next.unresolved_count = current.unresolved_count;
    next.unlisted = current.unlisted;
    if (next.cause == Cause::none || !is_cause(static_cast<std::uint8_t>(next.cause)))
      next.cause = Cause::internal;
    if (next.lane == kLatchEngineScope || next.engine_wide > 1) next.engine_wide = 1;
    make_text(next.lane_name);
    make_text(next.symbol);
    next.reserved = {};
    next.reserved_word = 0;
  }
  next.state = LatchState::latched;
  next.fates.open = std::max(next.fates.open, trip.fates.open);
  const std::size_t listed = std::min<std::size_t>(trip.unresolved_count, kLatchOrders);
  list_orders(next, trip.unresolved.data(), listed, trip.unlisted);
  return next;
}

LatchRecord after_outcome(const LatchRecord& current, const FateCounters& fates,
                          const UnresolvedList& list) noexcept {
  LatchRecord next = current;
  const auto end = next.unresolved.begin() + next.unresolved_count;
  const auto kept = std::remove_if(next.unresolved.begin(), end, [](const UnresolvedOrder& order) {
    return order.fate == OrderFate::open;
  });
  next.unresolved_count = static_cast<std::uint32_t>(kept - next.unresolved.begin());
  zero_unused(next);
  next.fates = fates;
  const std::size_t count = list.orders == nullptr ? 0 : list.count;
  const std::uint32_t owed =
      add_bounded(fates.unknown, fates.refused_by_venue);  // each must be named or counted
  const std::uint32_t unnamed = owed > count ? static_cast<std::uint32_t>(owed - count) : 0;
  list_orders(next, list.orders, count, std::max(list.more, unnamed));
  return next;
}

bool without_order(const LatchRecord& current, std::string_view cl_ord_id, LatchRecord& out) noexcept {
  LatchRecord next = current;
  UnresolvedOrder* order = find_order(next, cl_ord_id);
  if (order == nullptr) return false;
  std::copy(order + 1, next.unresolved.data() + next.unresolved_count, order);
  --next.unresolved_count;
  zero_unused(next);
  out = next;
  return true;
}

LatchRecord after_clear(const LatchView& view, const LatchActor& actor, const Stamp& now) noexcept {
  LatchRecord next;
  next.state = LatchState::clear;
  next.wall_ns = now.wall_ns;
  next.monotonic_ns = now.monotonic_ns;
  next.boot_id = now.boot_id;
  next.actor_uid = actor.uid;
  next.actor_login = actor.login;
  next.unresolved = view.record.unresolved;
  next.unresolved_count = view.record.unresolved_count;
  const auto named_open = static_cast<std::uint32_t>(
      std::count_if(next.unresolved.begin(), next.unresolved.begin() + next.unresolved_count,
                    [](const UnresolvedOrder& order) { return order.fate == OrderFate::open; }));
  const std::uint32_t open = view.record.fates.open;
  next.unlisted = add_bounded(view.record.unlisted, open > named_open ? open - named_open : 0);
  if (view.unreadable) next.unlisted = std::max(next.unlisted, 1U);
  return next;
}

const char* fault_name(SlotFault fault) noexcept {
  switch (fault) {
    case SlotFault::none: return "none";
    case SlotFault::io_error: return "io_error";
    case SlotFault::too_short: return "too_short";
    case SlotFault::bad_magic: return "bad_magic";
    case SlotFault::bad_version: return "bad_version";
    case SlotFault::bad_checksum: return "bad_checksum";
    case SlotFault::absurd: return "absurd";
  }
  return "?";
}

const char* fate_name(OrderFate fate) noexcept {
  switch (fate) {
    case OrderFate::open: return "open";
    case OrderFate::unknown: return "unknown";
    case OrderFate::refused_by_venue: return "refused_by_venue";
  }
  return "?";
}

bool make_unresolved(std::string_view cl_ord_id, OrderFate fate, UnresolvedOrder& out) noexcept {
  if (cl_ord_id.empty() || cl_ord_id.size() > kClOrdIdBytes) return false;
  out = UnresolvedOrder{};
  std::copy(cl_ord_id.begin(), cl_ord_id.end(), out.cl_ord_id.begin());
  out.cl_ord_id_bytes = static_cast<std::uint8_t>(cl_ord_id.size());
  out.fate = fate;
  return true;
}

}  // namespace portcullis
