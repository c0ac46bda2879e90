// SPDX-License-Identifier: Apache-2.0
/// @file What control hands to the scribe: plain values of fixed size, complete in themselves, so that
/// nothing that control owns is touched later and nothing is allocated.
#pragma once
#include <array>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "watchdog/events.hpp"
#include "watchdog/latch.hpp"

namespace portcullis {

/// One event for audit and journal. What does not fit is counted in `left_out` and said in the record.
struct ScribeEvent {
  static constexpr std::size_t kFields = 12;
  static constexpr std::size_t kTextBytes = 512;
  struct Field {
    const char* key = nullptr;  ///< a literal: it lives as long as the program
    std::int64_t number = 0;
    std::uint16_t text_at = 0;
    std::uint16_t text_bytes = 0;
    bool is_number = false;
  };

  Event event = Event::started;
  bool audit = true;    ///< into the audit
  bool journal = true;  ///< into the journal
  Stamp when;           ///< filled by the caller: when it happened, not when it was written
  std::uint32_t uid = kNoUid;
  std::uint32_t login = kNoUid;
  std::uint32_t field_count = 0;
  std::uint32_t text_used = 0;
  std::uint32_t left_out = 0;
  std::array<Field, kFields> fields{};
  std::array<char, kTextBytes> text{};

  /// Adds a number. `key` must be a string literal of [a-z0-9_].
  template <std::integral Number>
  void add(const char* key, Number value) noexcept {
    add_number(key, static_cast<std::int64_t>(value));
  }
  /// Adds a text, which is copied; cut where it does not fit (and counted).
  void add(const char* key, std::string_view value) noexcept;

 private:
  void add_number(const char* key, std::int64_t value) noexcept;
};
static_assert(std::is_trivially_copyable_v<ScribeEvent>);

/// One act on the latch (latch_file.hpp has their meaning).
enum class LatchOp : std::uint8_t {
  trip,     ///< record: cause to arming_generation
  outcome,  ///< record: fates, unresolved[0..unresolved_count), unlisted = those beyond
  resolve,  ///< cl_ord_id
  resolve_unlisted,
  clear,  ///< actor, now
};
struct LatchMessage {
  LatchOp op = LatchOp::trip;
  std::uint8_t cl_ord_id_bytes = 0;
  std::array<char, kClOrdIdBytes> cl_ord_id{};
  LatchActor actor;
  Stamp now;
  LatchRecord record;
};
static_assert(std::is_trivially_copyable_v<LatchMessage>);

/// The run folder's record of the engine, a whole file. No bytes: the file is removed.
struct RecordMessage {
  static constexpr std::size_t kTextBytes = 16 * 1024;
  std::uint32_t bytes = 0;
  std::array<char, kTextBytes> text{};
};

}  // namespace portcullis
