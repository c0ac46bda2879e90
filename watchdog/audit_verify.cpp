// SPDX-License-Identifier: Apache-2.0
/// @file Walks an audit file (see audit.hpp): pure on each line, one pass, memory bounded by the longest
/// line.
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <cerrno>

#include "watchdog/audit.hpp"
#include "watchdog/audit_record.hpp"

namespace portcullis {
namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;
constexpr std::size_t kLineBytesMax =
    128 * 1024;  // torn remains (64 KiB at most) and the record that seals them

AuditHash hash_of(std::string_view bytes) noexcept {
  AuditHash hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size(), nullptr, 0);
  return hash;
}

/// Takes whole lines, one after another, and stops at the first bad one.
class ChainWalk {
 public:
  explicit ChainWalk(const AuditHead* expected_head) noexcept : expected_(expected_head) {
    verdict_.fault = AuditFault::none;
    head_seen_ = expected_ == nullptr || *expected_ == AuditHead{};
  }

  /// One line without its end. False: it is bad, and the walk is over.
  bool take(std::string_view line) noexcept {
    const std::size_t start = line.rfind(detail::kRecordStart);
    detail::ParsedRecord record;
    if (start == std::string_view::npos || !detail::parse_record(line.substr(start), record))
      return stop(AuditFault::malformed);
    if (record.seq != verdict_.head.seq + 1) return stop(AuditFault::wrong_sequence);
    if (record.prev != verdict_.head.hash) return stop(AuditFault::wrong_prev);
    if (detail::chain_hash(record.prev, record.body) != record.hash) return stop(AuditFault::wrong_hash);
    if (!seal_holds(record, line.substr(0, start))) return stop(AuditFault::wrong_seal);
    verdict_.head = {record.seq, record.hash};
    verdict_.records += 1;
    verdict_.seals += record.is_seal ? 1 : 0;
    verdict_.good_bytes += line.size() + 1;
    if (expected_ != nullptr && verdict_.head == *expected_) head_seen_ = true;
    return true;
  }

  bool stop(AuditFault fault) noexcept {
    verdict_.fault = fault;
    verdict_.first_bad_seq = verdict_.head.seq + 1;
    verdict_.first_bad_line = verdict_.records + 1;
    return false;
  }

  /// The file ends behind `torn_bytes` of an unfinished line.
  AuditVerdict end(std::uint64_t torn_bytes) noexcept {
    if (verdict_.fault != AuditFault::none) return verdict_;
    verdict_.torn_bytes = torn_bytes;
    if (!head_seen_) {
      stop(AuditFault::head_missing);
      if (expected_->seq < verdict_.first_bad_seq)
        verdict_.first_bad_seq = verdict_.first_bad_line = expected_->seq;
    } else if (torn_bytes > 0) {
      stop(AuditFault::torn_tail);
    }
    return verdict_;
  }

  [[nodiscard]] AuditVerdict unreadable() const noexcept {
    AuditVerdict verdict = verdict_;
    verdict.fault = AuditFault::unreadable;
    return verdict;
  }

 private:
  /// A seal follows exactly the bytes it names; any other record follows nothing.
  static bool seal_holds(const detail::ParsedRecord& record, std::string_view torn) noexcept {
    if (!record.is_seal) return torn.empty();
    return !torn.empty() && record.torn_bytes == torn.size() && record.torn_hash == hash_of(torn);
  }

  const AuditHead* expected_;
  bool head_seen_ = false;
  AuditVerdict verdict_;
};

/// Feeds every whole line of `pending` to the walk and leaves the rest.
bool take_lines(ChainWalk& walk, std::string& pending) {
  std::size_t from = 0;
  for (std::size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', from)) {
    if (!walk.take(std::string_view(pending).substr(from, end - from))) return false;
    from = end + 1;
  }
  pending.erase(0, from);
  return pending.size() <= kLineBytesMax || walk.stop(AuditFault::malformed);
}

}  // namespace

AuditVerdict audit_verify(int fd, const AuditHead* expected_head) {
  ChainWalk walk(expected_head);
  std::string pending;
  std::string block(kBlockBytes, '\0');
  for (off_t offset = 0;;) {
    const ssize_t got = pread(fd, block.data(), block.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return walk.unreadable();
    if (got == 0) return walk.end(pending.size());
    offset += got;
    pending.append(block, 0, static_cast<std::size_t>(got));
    if (!take_lines(walk, pending)) return walk.end(0);
  }
}

AuditVerdict audit_verify(const std::string& path, const AuditHead* expected_head) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return {};
  const AuditVerdict verdict = audit_verify(fd, expected_head);
  close(fd);
  return verdict;
}

const char* audit_fault_name(AuditFault fault) noexcept {
  switch (fault) {
    case AuditFault::none: return "none";
    case AuditFault::unreadable: return "unreadable";
    case AuditFault::malformed: return "malformed";
    case AuditFault::wrong_sequence: return "wrong_sequence";
    case AuditFault::wrong_prev: return "wrong_prev";
    case AuditFault::wrong_hash: return "wrong_hash";
    case AuditFault::wrong_seal: return "wrong_seal";
    case AuditFault::torn_tail: return "torn_tail";
    case AuditFault::head_missing: return "head_missing";
  }
  return "?";
}

std::string format_head(const AuditHead& head) {
  const auto hex = detail::hash_hex(head.hash);
  return std::to_string(head.seq) + ":" + std::string(hex.data(), hex.size());
}

bool parse_head(std::string_view text, AuditHead& out) noexcept {
  AuditHead head;
  if (!detail::take_number(text, head.seq) || text.empty() || text.front() != ':') return false;
  if (!detail::read_hash(text.substr(1), head.hash)) return false;
  out = head;
  return true;
}

}  // namespace portcullis
