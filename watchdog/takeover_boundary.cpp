// SPDX-License-Identifier: Apache-2.0
#include "watchdog/takeover_boundary.hpp"

#include <charconv>
#include <cstring>

#include "shm/fix_scan.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kSeqNumMax = 1'000'000'000'000'000;  // far beyond any session: a ledger that says more is wild
constexpr std::uint64_t kMessageBytesMax = 1 << 20;
constexpr std::size_t kTrailerBytes = 7;  // 10=ddd<SOH>
constexpr char kFiller = 'x';
constexpr char kNoDigit = '?';  // wrong even for a parser that computes with it: 15 instead of 0 to 9

struct End {
  std::uint64_t byte = UINT64_MAX, next = 0, covered = 0;
  [[nodiscard]] bool valid() const noexcept { return next != 0 && next <= kSeqNumMax && covered < next; }
  [[nodiscard]] bool in_resend() const noexcept { return covered + 1 < next; }
};

End read_end(const MessageEndRing& ring, std::uint64_t n) noexcept {
  const MessageEnd& end = ring.ends[n & (ring.capacity - 1)];
  return {load(end.end_byte), load(end.next_seq_num), load(end.covered_seq_num)};
}

/// `before` ends at or before `accepted`, `cut` (if any) behind it.
Boundary judge(std::uint64_t accepted, const End& before, const End* cut) noexcept {
  Boundary b;
  b.accepted_bytes = accepted;
  if (!before.valid()) return b;
  const End* numbers = &before;
  if (before.byte == accepted) {
    b.kind = BoundaryKind::at_end;
  } else {
    if (cut == nullptr || !cut->valid() || cut->byte - before.byte > kMessageBytesMax) return b;
    b.begin_byte = before.byte;
    b.end_byte = cut->byte;
    b.kind = cut->byte - accepted == 1 ? BoundaryKind::last_byte_missing : BoundaryKind::inside;
    if (b.kind == BoundaryKind::last_byte_missing) numbers = cut;
  }
  b.next_seq_num = numbers->next;
  if (numbers->in_resend())
    b.resend_from = numbers->covered + 1;
  else if (b.kind == BoundaryKind::inside && cut->in_resend())
    b.resend_from = cut->covered;  // the first repetition was cut: the venue still waits for it
  return b;
}

/// Digits of BodyLength in a message of `total` bytes whose other head and trailer bytes are `fixed`. 0: no such message.
std::uint32_t length_digits(std::uint64_t total, std::uint64_t fixed, std::uint32_t width) noexcept {
  for (std::uint32_t digits = 1; digits <= 9; ++digits) {
    if (total <= fixed + digits) return 0;
    std::uint32_t natural = 0;
    for (std::uint64_t body = total - fixed - digits; body != 0; body /= 10) ++natural;
    if (digits == (natural < width ? width : natural)) return digits;
  }
  return 0;
}

/// "8=FIX.4.2<SOH>9=123<SOH>" of a message of `total` bytes; bytes written, 0 where it cannot be known.
std::size_t write_head(std::string_view begin_string, std::uint32_t width, std::uint64_t total, char (&out)[64]) noexcept {
  const std::uint64_t fixed = begin_string.size() + 6 + kTrailerBytes;  // 8= SOH 9= SOH
  const std::uint32_t digits = length_digits(total, fixed, width);
  if (digits == 0 || begin_string.size() > 16) return 0;
  char* at = out;
  const auto put = [&](std::string_view text) {
    std::memcpy(at, text.data(), text.size());
    at += text.size();
  };
  put("8=");
  put(begin_string);
  put("\0019=");
  std::uint64_t body = total - fixed - digits;
  for (std::uint32_t i = digits; i > 0; --i, body /= 10) at[i - 1] = static_cast<char>('0' + body % 10);
  at += digits;
  *at++ = kSoh;
  return static_cast<std::size_t>(at - out);
}

}  // namespace

Boundary find_boundary(const MessageEndRing& ring, std::uint64_t accepted_bytes) noexcept {
  Boundary unknown;
  unknown.accepted_bytes = accepted_bytes;
  if (ring.ends == nullptr || ring.capacity == 0 || ring.head == 0 || accepted_bytes == 0) return unknown;
  // the entry behind head may be half written over the oldest one: that one is not read
  const std::uint64_t oldest = ring.head >= ring.capacity ? ring.head - ring.capacity + 1 : 0;
  End newer;
  for (std::uint64_t n = ring.head; n-- > oldest;) {
    const End end = read_end(ring, n);
    if (end.byte >= newer.byte) return unknown;
    if (end.byte <= accepted_bytes) return judge(accepted_bytes, end, n + 1 < ring.head ? &newer : nullptr);
    newer = end;
  }
  return unknown;
}

std::size_t close_cut_message(const Boundary& b, std::string_view begin_string, std::uint32_t body_length_width,
                              std::span<char> out) noexcept {
  const bool cut = b.kind == BoundaryKind::inside || b.kind == BoundaryKind::last_byte_missing;
  if (!cut || b.begin_byte >= b.accepted_bytes || b.accepted_bytes >= b.end_byte) return 0;
  const std::uint64_t total = b.end_byte - b.begin_byte;
  const std::uint64_t sent = b.accepted_bytes - b.begin_byte;
  char head[64];
  const std::size_t head_bytes = write_head(begin_string, body_length_width, total, head);
  if ((head_bytes == 0 && sent < sizeof head) || total < head_bytes + 1 + kTrailerBytes) return 0;
  if (b.end_byte - b.accepted_bytes > out.size()) return 0;
  char trailer[kTrailerBytes + 1] = {kSoh, '1', '0', '=', '9', '9', '9', kSoh};  // the body's last byte before it
  const std::uint64_t trailer_begin = total - sizeof trailer;
  if (sent > total - 4) trailer[5] = trailer[6] = kNoDigit;  // digits of the true CheckSum went out already
  for (std::uint64_t i = sent; i < total; ++i)
    out[i - sent] = i < head_bytes ? head[i] : i < trailer_begin ? kFiller : trailer[i - trailer_begin];
  return static_cast<std::size_t>(total - sent);
}

}  // namespace portcullis
