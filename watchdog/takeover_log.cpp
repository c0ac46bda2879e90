// SPDX-License-Identifier: Apache-2.0
#include "watchdog/takeover_log.hpp"

#include <algorithm>
#include <cstring>

namespace portcullis {

TakeoverLog::TakeoverLog(std::vector<std::string> sessions) : sessions_(std::move(sessions)), ring_(kRingBytes) {}

void TakeoverLog::put(std::uint32_t slot, Direction direction, std::uint64_t now_ns,
                      std::span<const char> bytes) noexcept {
  while (!bytes.empty()) {
    const std::size_t piece = std::min(bytes.size(), kRecordBytes);
    const std::uint64_t written = load(written_);
    if (kRingBytes - (written - load(read_)) < sizeof(Head) + piece) {
      add_own(lost_, bytes.size());
      lost_untold_ += bytes.size();
      return;
    }
    const Head head{now_ns, lost_untold_, slot, static_cast<std::uint32_t>(piece), static_cast<std::uint64_t>(direction)};
    lost_untold_ = 0;
    copy_in(written, &head, sizeof head);
    copy_in(written + sizeof head, bytes.data(), piece);
    store(written_, written + sizeof head + piece);
    bytes = bytes.subspan(piece);
  }
}

bool TakeoverLog::take(Record& record, std::span<char> out) noexcept {
  const std::uint64_t read = load(read_);
  if (load(written_) == read) return false;
  Head head;
  copy_out(read, &head, sizeof head);
  if (head.bytes > out.size()) return false;
  copy_out(read + sizeof head, out.data(), head.bytes);
  record = {head.now_ns, head.lost_bytes, head.slot, head.bytes, static_cast<Direction>(head.direction)};
  store(read_, read + sizeof head + head.bytes);
  return true;
}

void TakeoverLog::copy_in(std::uint64_t at, const void* from, std::size_t bytes) noexcept {
  const std::size_t begin = at % kRingBytes;
  const std::size_t first = std::min(bytes, kRingBytes - begin);
  std::memcpy(ring_.data() + begin, from, first);
  std::memcpy(ring_.data(), static_cast<const char*>(from) + first, bytes - first);
}

void TakeoverLog::copy_out(std::uint64_t at, void* to, std::size_t bytes) const noexcept {
  const std::size_t begin = at % kRingBytes;
  const std::size_t first = std::min(bytes, kRingBytes - begin);
  std::memcpy(to, ring_.data() + begin, first);
  std::memcpy(static_cast<char*>(to) + first, ring_.data(), bytes - first);
}

}  // namespace portcullis
