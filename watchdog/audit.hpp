// SPDX-License-Identifier: Apache-2.0
/// @file The audit: what happened, who did it, when; append-only, each record chained to the one before by
/// BLAKE2b-256, each on the disk before `append` returns. One writer, the scribe thread. One record is one
/// line:
///   {"seq":7,"prev":"HEX","wall_ns":1,"sync":"synced","mono_ns":2,"boot":"HEX","event":"tripped","uid":1004,
///    "login":1004,"engine":"mm1","fields":{"limit":500},"hash":"HEX"}        (in one line, ASCII, at most 4
///    KiB)
/// hash = BLAKE2b-256(prev as 32 bytes, then the line up to the comma before "hash"); the first prev is zero.
/// A crash can leave a line without its end. It is never deleted: the next record, on the same line, is a
/// `torn_tail` that names the length and the hash of what it follows. A cut at a line's end is a shorter
/// chain that still holds: only the head, kept elsewhere (the journal), shows it. There is no key: somebody
/// who may write the file can write a whole new chain, and again only a head from elsewhere shows it.
#pragma once
#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "watchdog/events.hpp"
#include "watchdog/stamp.hpp"

namespace portcullis {

inline constexpr std::size_t kAuditRecordBytes = 4096;  ///< longest record with its line end
using AuditHash = std::array<std::uint8_t, 32>;

/// The end of the chain: what to compare a file with. seq 0 = no record yet.
struct AuditHead {
  std::uint64_t seq = 0;
  AuditHash hash{};
  friend bool operator==(const AuditHead&, const AuditHead&) = default;
};

/// One key and its value. Views: they live until `append` returns. Keys are [a-z0-9_]; other bytes become
/// '_'.
struct AuditField {
  AuditField(std::string_view name, std::string_view value) noexcept : key(name), text(value) {}
  template <std::integral Number>
  AuditField(std::string_view name, Number value) noexcept
      : key(name), number(static_cast<std::int64_t>(value)), is_number(true) {}
  std::string_view key;
  std::string_view text;
  std::int64_t number = 0;
  bool is_number = false;
};

/// A record to be. Fields that do not fit into 4 KiB are left out and counted (`"dropped":N`): a trip with
/// too long a reason must still be recorded.
struct AuditEvent {
  Event event = Event::started;
  Stamp when;
  std::uint32_t actor_uid = 0xFFFF'FFFF;    ///< 0xFFFFFFFF = nobody: written as null
  std::uint32_t actor_login = 0xFFFF'FFFF;  ///< login uid, same rule
  const AuditField* fields = nullptr;
  std::size_t field_count = 0;
};

/// How opening or appending ended.
enum class [[nodiscard]] AuditError : std::uint8_t{
    ok = 0,       not_open,
    bad_name,      ///< the engine's name is empty, too long or no file name
    cannot_open,   ///< no folder, no permission
    unsafe,        ///< a link, no regular file, or writable by group or others
    disk_full,     ///< nothing, or a part that the next record will seal, was written
    io_error,      ///< a write, a read or a sync failed: the record may not be on the disk
    chain_broken,  ///< the file is not the chain that was written: move it aside, look, start a new one
};

/// "ok", "disk_full", ...
[[nodiscard]] const char* audit_error_name(AuditError error) noexcept;

/// STATE_DIR/ENGINE.audit.jsonl, open for appending.
class Audit {
 public:
  Audit() = default;
  ~Audit();
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;

  /// Opens or makes the file and walks the whole chain to find its head. A torn tail is no error.
  AuditError open(const std::string& state_dir, std::string_view engine);

  /// Writes one record with one write() and syncs it. With `ok` it is on the disk. Allocates nothing.
  AuditError append(const AuditEvent& event) noexcept;

  /// The same from a list: audit.append(Event::armed, stamp, uid, login, {{"reason", text}}).
  AuditError append(Event event, const Stamp& when, std::uint32_t uid, std::uint32_t login,
                    std::initializer_list<AuditField> fields) noexcept;

  /// The end of the chain as written so far; also goes to the journal.
  [[nodiscard]] const AuditHead& head() const noexcept { return head_; }

  /// Bytes of an unfinished line that the next append will seal.
  [[nodiscard]] std::uint64_t torn_bytes() const noexcept { return torn_bytes_; }

 private:
  AuditError append_record(const AuditEvent& event) noexcept;
  AuditError seal(const Stamp& when) noexcept;
  AuditError check_unchanged() const noexcept;

  int fd_ = -1;
  std::string engine_;
  AuditHead head_;
  std::uint64_t good_bytes_ = 0;  ///< end of the last whole record
  std::uint64_t torn_bytes_ = 0;  ///< behind it, without a line end
};

/// What a walk along the chain found.
enum class AuditFault : std::uint8_t {
  none = 0,
  unreadable,      ///< the file cannot be opened or read
  malformed,       ///< a line that is no record
  wrong_sequence,  ///< a record is missing, doubled or out of order
  wrong_prev,      ///< the record does not follow the one before
  wrong_hash,      ///< the record was changed
  wrong_seal,      ///< a torn_tail record that does not match what it follows
  torn_tail,       ///< all records hold, the last line has no end (a crash while writing)
  head_missing,  ///< all records hold, but the expected head is not among them: the tail was cut or replaced
};

/// Result of `audit_verify`. `first_bad_seq` is the number the bad record should have; line counts from 1.
struct AuditVerdict {
  AuditFault fault = AuditFault::unreadable;
  std::uint64_t records = 0;  ///< that hold, counted from the beginning
  std::uint64_t first_bad_seq = 0;
  std::uint64_t first_bad_line = 0;
  AuditHead head;                ///< of the part that holds
  std::uint64_t good_bytes = 0;  ///< length of the part that holds
  std::uint64_t torn_bytes = 0;  ///< of an unfinished last line
  std::uint64_t seals = 0;       ///< torn tails that were sealed: each is a crash while writing
};

/// "none", "wrong_hash", ...
[[nodiscard]] const char* audit_fault_name(AuditFault fault) noexcept;

/// Walks the file from the first record. With `expected_head` the chain must hold exactly that record; it may
/// go on after it, since a head from the journal can be older than the file.
[[nodiscard]] AuditVerdict audit_verify(const std::string& path, const AuditHead* expected_head = nullptr);

/// The same on an open descriptor (reads from offset 0, does not move it).
[[nodiscard]] AuditVerdict audit_verify(int fd, const AuditHead* expected_head = nullptr);

/// A head as text: "SEQ:64 hex digits", as the journal has it.
[[nodiscard]] std::string format_head(const AuditHead& head);
/// Reads such a text. False (out untouched) for anything else.
[[nodiscard]] bool parse_head(std::string_view text, AuditHead& out) noexcept;

}  // namespace portcullis
