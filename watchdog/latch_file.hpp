// SPDX-License-Identifier: Apache-2.0
/// @file STATE_DIR/ENGINE.latch: opened once at start, written by pwrite + fdatasync only. At a trip nothing
/// is opened, renamed or allocated, neither memory nor disk blocks (a copy-on-write file system allocates all
/// the same: put the state folder on one that does not). Used by one thread (the scribe), or by the CLI after
/// the supervisor is dead; the supervisor's own lock keeps others out. A missing file is made, both slots
/// clear and synced with their folder before use. Deleting the file therefore loses the record of a halt but
/// opens nothing: after every start the engine is locked and people must arm it. A file cut short by a crash
/// while it was made is unreadable, hence latched, and goes away by `clear`. What fails in the closing
/// direction (trip, outcome) holds in memory at once and is retried by `flush`; what fails in the opening
/// direction (resolve, clear) has not happened.
#pragma once
#include <string>
#include <string_view>

#include "watchdog/latch.hpp"

namespace portcullis {

/// How a file operation ended.
enum class [[nodiscard]] LatchError : std::uint8_t{
    ok = 0,
    bad_name,     ///< the engine's name is empty, too long or no file name
    no_folder,    ///< the state folder cannot be opened
    not_open,     ///< no file behind this object
    cannot_open,  ///< the file exists but cannot be opened for writing
    unsafe,       ///< a link, no regular file, or writable by group or others
    disk_full,    ///< no block could be had (only when the file is made or made whole again)
    io_error,     ///< a write or a sync failed: nothing is known to be on the disk
    removed,      ///< written, but the file has no name any more: it will not survive this process
    not_listed,   ///< resolve: no such order in the record
    not_latched,  ///< outcome: there is no halt that it could belong to
};

/// "ok", "io_error", ...
[[nodiscard]] const char* latch_error_name(LatchError error) noexcept;

/// The latch of one engine. Until `open` succeeded its view is latched and unreadable.
class LatchFile {
 public:
  LatchFile() noexcept;
  ~LatchFile();
  LatchFile(const LatchFile&) = delete;
  LatchFile& operator=(const LatchFile&) = delete;

  /// Opens or makes the file and reads it. `ok` says that the file can be written; what it says is in view(),
  /// which may well be latched or unreadable. After any other result the view is latched and unreadable.
  LatchError open(const std::string& state_dir, std::string_view engine, const Stamp& now);

  /// What the latch says now.
  [[nodiscard]] const LatchView& view() const noexcept { return view_; }

  /// True if the file was made by this `open` (the reason `locked(new)`).
  [[nodiscard]] bool made_new() const noexcept { return made_new_; }

  /// True while something that closes is held in memory only.
  [[nodiscard]] bool pending() const noexcept { return pending_; }

  /// Latches. The first cause wins. No allocation; two system calls and a check.
  LatchError trip(const LatchRecord& record) noexcept;

  /// Adds the ladder's outcome to a latched record.
  LatchError outcome(const FateCounters& fates, const UnresolvedList& list) noexcept;

  /// Tries again to write what a failed trip or outcome left in memory. `ok` if nothing is pending.
  LatchError flush() noexcept;

  /// A person (or a late answer of the venue) confirmed this order's fate.
  LatchError resolve(std::string_view cl_ord_id) noexcept;

  /// A person confirmed with the venue that no order beyond the listed ones is open.
  LatchError resolve_unlisted() noexcept;

  /// Clears: both slots are written anew, and the file is made whole if it was short. Also the way out of an
  /// unreadable latch. It arms nothing and keeps unresolved orders.
  LatchError clear(const LatchActor& actor, const Stamp& now) noexcept;

 private:
  LatchError make(const Stamp& now) noexcept;
  void read() noexcept;
  LatchError write_slot(std::uint8_t slot, std::uint64_t sequence, const LatchRecord& record) noexcept;
  LatchError store_closing(const LatchRecord& record) noexcept;
  LatchError store_opening(const LatchRecord& record) noexcept;

  int fd_ = -1;
  bool made_new_ = false;
  bool pending_ = false;
  std::array<DecodedSlot, kLatchSlots> slots_{};  // what the disk is known to hold
  LatchView view_;
  LatchSlotBytes buffer_{};
};

/// Reads a latch without the right to write it (status of an engine whose supervisor is gone). A file that is
/// missing or unreadable gives the worst view.
[[nodiscard]] LatchView read_latch(const std::string& state_dir, std::string_view engine);

}  // namespace portcullis
