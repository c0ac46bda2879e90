// SPDX-License-Identifier: Apache-2.0
/// @file Both directions of a take-over, raw, on their way from the witness (who must not touch a file) to the scribe
/// (who writes them into STATE_DIR/ENGINE.takeover). A ring of bytes with one writer and one reader; neither waits. What
/// finds no room is dropped and counted, and the next record says how much: a disk that hangs must not stall a cancel.
///
/// The file is appended to and only ever read by people. Each record: a line of text, the bytes as they went over the
/// wire, a newline:
///   @ MONOTONIC_NS SESSION in|out BYTES LOST_BYTES
#pragma once
#include <span>
#include <string>
#include <vector>

#include "shm/words.hpp"

namespace portcullis {

class TakeoverLog {
 public:
  enum class Direction : std::uint8_t { in, out };
  static constexpr std::size_t kRingBytes = 1 << 20;  ///< about 5,000 cancels and their answers ahead of the disk

  /// @param sessions their names, as the file shows them
  explicit TakeoverLog(std::vector<std::string> sessions);
  TakeoverLog(const TakeoverLog&) = delete;
  TakeoverLog& operator=(const TakeoverLog&) = delete;

  /// The writer's.
  void put(std::uint32_t slot, Direction direction, std::uint64_t now_ns, std::span<const char> bytes) noexcept;

  struct Record {
    std::uint64_t now_ns = 0;
    std::uint64_t lost_bytes = 0;  ///< that found no room before this one
    std::uint32_t slot = 0;
    std::uint32_t bytes = 0;
    Direction direction = Direction::in;
  };
  /// The reader's: takes the oldest record into `out` (its bytes; room for kRecordBytes). False: there is none.
  [[nodiscard]] bool take(Record& record, std::span<char> out) noexcept;
  /// Longest record; longer pieces are put as several.
  static constexpr std::size_t kRecordBytes = 16 * 1024;
  [[nodiscard]] bool empty() const noexcept { return load(written_) == load(read_); }
  [[nodiscard]] const std::string& session(std::uint32_t slot) const noexcept { return sessions_[slot]; }
  /// Bytes that never found room, ever.
  [[nodiscard]] std::uint64_t lost_bytes() const noexcept { return load(lost_); }

 private:
  struct Head {
    std::uint64_t now_ns = 0, lost_bytes = 0;
    std::uint32_t slot = 0, bytes = 0;
    std::uint64_t direction = 0;
  };
  void copy_in(std::uint64_t at, const void* from, std::size_t bytes) noexcept;
  void copy_out(std::uint64_t at, void* to, std::size_t bytes) const noexcept;

  const std::vector<std::string> sessions_;
  std::vector<char> ring_;
  alignas(kCacheLineBytes) Word written_{};
  alignas(kCacheLineBytes) Word read_{};
  Word lost_{};
  std::uint64_t lost_untold_ = 0;
};

}  // namespace portcullis
