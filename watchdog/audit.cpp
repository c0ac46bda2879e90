// SPDX-License-Identifier: Apache-2.0
/// @file Appends to the audit (see audit.hpp). Every retry is bounded.
#include "watchdog/audit.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "watchdog/audit_record.hpp"
#include "watchdog/state_file.hpp"

namespace portcullis {
namespace {

constexpr int kTries = 8;                           // of one interrupted call
constexpr std::uint64_t kTornBytesMax = 64 * 1024;  // of unfinished lines; more is no crash any more
constexpr std::string_view kSuffix = ".audit.jsonl";

AuditError audit_error(StateFileError error) noexcept {
  switch (error) {
    case StateFileError::ok: return AuditError::ok;
    case StateFileError::bad_name: return AuditError::bad_name;
    case StateFileError::no_folder:
    case StateFileError::cannot_open: return AuditError::cannot_open;
    case StateFileError::unsafe: return AuditError::unsafe;
  }
  return AuditError::cannot_open;
}

/// RLIMIT_FSIZE and quotas are full disks to whoever has to free room.
AuditError write_error(int code) noexcept {
  return code == ENOSPC || code == EDQUOT || code == EFBIG ? AuditError::disk_full : AuditError::io_error;
}

ssize_t write_once(int fd, const char* bytes, std::size_t size) noexcept {
  ssize_t written = -1;
  for (int tries = 0; tries < kTries; ++tries) {
    written = write(fd, bytes, size);
    if (written >= 0 || errno != EINTR) break;
  }
  return written;
}

AuditError sync_data(int fd) noexcept {
  for (int tries = 0; tries < kTries; ++tries) {
    if (fdatasync(fd) == 0) return AuditError::ok;
    if (errno != EINTR) return write_error(errno);
  }
  return AuditError::io_error;
}

/// Hash of `size` bytes at `offset`; false if they cannot be read.
bool hash_region(int fd, std::uint64_t offset, std::uint64_t size, AuditHash& out) noexcept {
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, out.size());
  std::array<unsigned char, 4096> block{};
  while (size > 0) {
    const std::size_t want = std::min<std::uint64_t>(size, block.size());
    const ssize_t got = pread(fd, block.data(), want, static_cast<off_t>(offset));
    if (got <= 0) return false;
    crypto_generichash_update(&state, block.data(), static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::uint64_t>(got);
  }
  crypto_generichash_final(&state, out.data(), out.size());
  return true;
}

}  // namespace

Audit::~Audit() {
  if (fd_ >= 0) close(fd_);
}

AuditError Audit::open(const std::string& state_dir, std::string_view engine) {
  if (fd_ >= 0) return AuditError::cannot_open;  // one object, one file, once
  StateFile file;
  const StateFileError opened = open_state_file(state_dir, engine, kSuffix, O_APPEND, file);
  if (opened != StateFileError::ok) return audit_error(opened);
  AuditError error = AuditError::ok;
  if (file.made_new && fsync(file.folder) != 0) error = AuditError::io_error;
  ::close(file.folder);
  const AuditVerdict verdict = audit_verify(file.fd);
  if (verdict.fault == AuditFault::unreadable) error = AuditError::io_error;
  if (error == AuditError::ok && verdict.fault != AuditFault::none && verdict.fault != AuditFault::torn_tail)
    error = AuditError::chain_broken;
  if (error != AuditError::ok) {
    ::close(file.fd);
    return error;
  }
  fd_ = file.fd;
  engine_ = engine;
  head_ = verdict.head;
  good_bytes_ = verdict.good_bytes;
  torn_bytes_ = verdict.torn_bytes;
  return error;
}

AuditError Audit::append(const AuditEvent& event) noexcept {
  if (fd_ < 0) return AuditError::not_open;
  AuditError error = check_unchanged();
  if (error == AuditError::ok && torn_bytes_ > 0) error = seal(event.when);
  return error == AuditError::ok ? append_record(event) : error;
}

AuditError Audit::append(Event event, const Stamp& when, std::uint32_t uid, std::uint32_t login,
                         std::initializer_list<AuditField> fields) noexcept {
  return append({event, when, uid, login, fields.begin(), fields.size()});
}

AuditError Audit::append_record(const AuditEvent& event) noexcept {
  detail::AuditLine line;
  AuditHead next;
  const std::size_t size = detail::format_record(event, engine_, head_, line, next);
  const ssize_t written = write_once(fd_, line.data(), size);
  if (written < 0) return write_error(errno);
  if (static_cast<std::size_t>(written) != size) {  // room for a part only
    torn_bytes_ += static_cast<std::uint64_t>(written);
    return AuditError::disk_full;
  }
  good_bytes_ += torn_bytes_ + size;
  torn_bytes_ = 0;
  head_ = next;
  return sync_data(fd_);  // after a failed sync the line is in the file, and nobody knows whether on the disk
}

AuditError Audit::seal(const Stamp& when) noexcept {
  AuditHash torn{};
  if (torn_bytes_ > kTornBytesMax) return AuditError::chain_broken;
  if (!hash_region(fd_, good_bytes_, torn_bytes_, torn)) return AuditError::io_error;
  const auto hex = detail::hash_hex(torn);
  const std::array<AuditField, 2> fields{AuditField("torn_bytes", torn_bytes_),
                                         AuditField("torn_hash", std::string_view(hex.data(), hex.size()))};
  AuditEvent event;
  event.event = Event::torn_tail;
  event.when = when;
  event.fields = fields.data();
  event.field_count = fields.size();
  return append_record(event);
}

/// Somebody who cuts, extends or deletes the file while it is open is noticed before the next record.
AuditError Audit::check_unchanged() const noexcept {
  struct stat status {};
  if (fstat(fd_, &status) != 0) return AuditError::io_error;
  const bool same =
      static_cast<std::uint64_t>(status.st_size) == good_bytes_ + torn_bytes_ && status.st_nlink > 0;
  return same ? AuditError::ok : AuditError::chain_broken;
}

const char* audit_error_name(AuditError error) noexcept {
  switch (error) {
    case AuditError::ok: return "ok";
    case AuditError::not_open: return "not_open";
    case AuditError::bad_name: return "bad_name";
    case AuditError::cannot_open: return "cannot_open";
    case AuditError::unsafe: return "unsafe";
    case AuditError::disk_full: return "disk_full";
    case AuditError::io_error: return "io_error";
    case AuditError::chain_broken: return "chain_broken";
  }
  return "?";
}

}  // namespace portcullis
