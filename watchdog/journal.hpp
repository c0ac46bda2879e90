// SPDX-License-Identifier: Apache-2.0
/// @file Entries for systemd's journal, in its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL) over a
/// datagram socket that never blocks. Rejected: sd_journal_send, whose socket blocks: behind a stopped
/// journald the scribe would hang, and the latch's next write with it. What does not fit now is dropped and
/// counted by the caller; a host without a journal is no error. Used by the scribe only.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shm/unique_fd.hpp"

namespace portcullis {

inline constexpr const char* kJournalSocket = "/run/systemd/journal/socket";
inline constexpr std::size_t kJournalEntryBytes = 8192;  ///< longest entry; larger ones would need a memfd

enum class [[nodiscard]] JournalError : std::uint8_t{
    ok = 0,
    absent,  ///< no journal on this host
    full,    ///< the journal does not read: dropped
    failed,  ///< another error: dropped
};

/// One entry, built field by field in a fixed buffer. A field that does not fit is left out.
class JournalEntry {
 public:
  /// KEY=value; a value with line ends goes out in the protocol's binary form. Keys: [A-Z0-9_].
  void add(std::string_view key, std::string_view value) noexcept;
  void add(std::string_view key, std::int64_t value) noexcept;
  /// The same for a key in small letters, with PORTCULLIS_ before it.
  void add_own(std::string_view key, std::string_view value) noexcept;
  [[nodiscard]] std::string_view bytes() const noexcept { return {bytes_, used_}; }

 private:
  char bytes_[kJournalEntryBytes];
  std::size_t used_ = 0;
};

class Journal {
 public:
  /// Connects; `absent` where there is no journal, which also every `send` then says.
  JournalError open(const char* path = kJournalSocket) noexcept;
  JournalError send(const JournalEntry& entry) noexcept;

 private:
  UniqueFd socket_;
};

}  // namespace portcullis
