// SPDX-License-Identifier: Apache-2.0
/// @file Moves latch slots between memory and disk (see latch_file.hpp). Every retry is bounded.
#include "watchdog/latch_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "watchdog/state_file.hpp"

namespace portcullis {
namespace {

constexpr int kTries = 8;  // of one read, write or sync that is interrupted or short
constexpr off_t kFileBytes = static_cast<off_t>(kLatchSlotBytes * kLatchSlots);
constexpr std::string_view kSuffix = ".latch";

off_t slot_offset(std::size_t slot) noexcept { return static_cast<off_t>(slot * kLatchSlotBytes); }

LatchError write_whole(int fd, const LatchSlotBytes& bytes, off_t offset) noexcept {
  std::size_t done = 0;
  for (int tries = 0; tries < kTries && done < bytes.size(); ++tries) {
    const ssize_t size =
        pwrite(fd, bytes.data() + done, bytes.size() - done, offset + static_cast<off_t>(done));
    if (size > 0) done += static_cast<std::size_t>(size);
    if (size < 0 && errno != EINTR)
      return errno == ENOSPC || errno == EDQUOT ? LatchError::disk_full : LatchError::io_error;
  }
  return done == bytes.size() ? LatchError::ok : LatchError::io_error;
}

LatchError sync_data(int fd) noexcept {
  for (int tries = 0; tries < kTries; ++tries) {
    if (fdatasync(fd) == 0) return LatchError::ok;
    if (errno != EINTR) return LatchError::io_error;
  }
  return LatchError::io_error;
}

/// Blocks for both slots, so that no later write needs one.
LatchError back_with_blocks(int fd) noexcept {
  for (int tries = 0; tries < kTries; ++tries) {
    const int error = posix_fallocate(fd, 0, kFileBytes);
    if (error == 0) return LatchError::ok;
    if (error != EINTR)
      return error == ENOSPC || error == EDQUOT ? LatchError::disk_full : LatchError::io_error;
  }
  return LatchError::io_error;
}

DecodedSlot read_slot(int fd, std::size_t slot) noexcept {
  LatchSlotBytes bytes{};
  std::size_t done = 0;
  for (int tries = 0; tries < kTries && done < bytes.size(); ++tries) {
    const ssize_t size =
        pread(fd, bytes.data() + done, bytes.size() - done, slot_offset(slot) + static_cast<off_t>(done));
    if (size == 0) break;
    if (size > 0) done += static_cast<std::size_t>(size);
    if (size < 0 && errno != EINTR) return {};  // the default is io_error
  }
  return decode(bytes.data(), done);
}

bool has_a_name(int fd) noexcept {
  struct stat status {};
  return fstat(fd, &status) == 0 && status.st_nlink > 0;
}

LatchError latch_error(StateFileError error) noexcept {
  switch (error) {
    case StateFileError::ok: return LatchError::ok;
    case StateFileError::bad_name: return LatchError::bad_name;
    case StateFileError::no_folder: return LatchError::no_folder;
    case StateFileError::cannot_open: return LatchError::cannot_open;
    case StateFileError::unsafe: return LatchError::unsafe;
  }
  return LatchError::cannot_open;
}

}  // namespace

LatchFile::LatchFile() noexcept { view_ = decide(slots_[0], slots_[1]); }

LatchFile::~LatchFile() {
  if (fd_ >= 0) close(fd_);
}

LatchError LatchFile::open(const std::string& state_dir, std::string_view engine, const Stamp& now) {
  if (fd_ >= 0) return LatchError::cannot_open;  // one object, one file, once
  StateFile file;
  const StateFileError opened = open_state_file(state_dir, engine, kSuffix, 0, file);
  if (opened != StateFileError::ok) return latch_error(opened);
  fd_ = file.fd;
  made_new_ = file.made_new;
  LatchError error = LatchError::ok;
  if (made_new_) {
    error = make(now);
    if (error == LatchError::ok && fsync(file.folder) != 0) error = LatchError::io_error;
    if (error != LatchError::ok)
      unlinkat(file.folder, file.name.c_str(), 0);  // ours, and it told no story yet
  } else {
    read();
  }
  ::close(file.folder);
  if (error == LatchError::ok) return error;
  ::close(fd_);
  fd_ = -1;
  made_new_ = false;
  slots_ = {};
  view_ = decide(slots_[0], slots_[1]);
  return error;
}

LatchError LatchFile::make(const Stamp& now) noexcept {
  LatchRecord record;
  record.state = LatchState::clear;
  record.wall_ns = now.wall_ns;
  record.monotonic_ns = now.monotonic_ns;
  record.boot_id = now.boot_id;
  LatchError error = back_with_blocks(fd_);
  for (std::uint8_t slot = 0; slot < kLatchSlots && error == LatchError::ok; ++slot)
    error = write_slot(slot, slot + 1U, record);
  if (error == LatchError::ok && fsync(fd_) != 0) error = LatchError::io_error;
  return error;
}

void LatchFile::read() noexcept {
  for (std::size_t slot = 0; slot < kLatchSlots; ++slot) slots_[slot] = read_slot(fd_, slot);
  view_ = decide(slots_[0], slots_[1]);
}

LatchError LatchFile::write_slot(std::uint8_t slot, std::uint64_t sequence,
                                 const LatchRecord& record) noexcept {
  encode(record, sequence, buffer_);
  LatchError error = write_whole(fd_, buffer_, slot_offset(slot));
  if (error == LatchError::ok) error = sync_data(fd_);
  slots_[slot] = DecodedSlot{};  // a failed write leaves a slot that nobody can vouch for
  if (error == LatchError::ok) slots_[slot] = decode(buffer_.data(), buffer_.size());
  view_ = decide(slots_[0], slots_[1]);
  return error;
}

LatchError LatchFile::store_closing(const LatchRecord& record) noexcept {
  const LatchError error =
      fd_ < 0 ? LatchError::not_open : write_slot(view_.next_slot, view_.sequence + 1, record);
  pending_ = error != LatchError::ok;
  if (pending_) {  // it holds in memory, whatever the disk does: the spoilt slot keeps the view latched
    view_.record = record;
    return error;
  }
  return has_a_name(fd_) ? LatchError::ok : LatchError::removed;
}

LatchError LatchFile::store_opening(const LatchRecord& record) noexcept {
  if (fd_ < 0) return LatchError::not_open;
  if (!has_a_name(fd_)) return LatchError::removed;
  return write_slot(view_.next_slot, view_.sequence + 1, record);
}

LatchError LatchFile::trip(const LatchRecord& record) noexcept {
  return store_closing(after_trip(view_.record, record));
}

LatchError LatchFile::outcome(const FateCounters& fates, const UnresolvedList& list) noexcept {
  if (view_.state != LatchState::latched) return LatchError::not_latched;
  return store_closing(after_outcome(view_.record, fates, list));
}

LatchError LatchFile::flush() noexcept {
  return pending_ ? store_closing(LatchRecord{view_.record}) : LatchError::ok;
}

LatchError LatchFile::resolve(std::string_view cl_ord_id) noexcept {
  const LatchError flushed = flush();
  if (flushed != LatchError::ok) return flushed;
  LatchRecord record;
  if (!without_order(view_.record, cl_ord_id, record)) return LatchError::not_listed;
  return store_opening(record);
}

LatchError LatchFile::resolve_unlisted() noexcept {
  const LatchError flushed = flush();
  if (flushed != LatchError::ok) return flushed;
  LatchRecord record = view_.record;
  if (record.unlisted == 0) return LatchError::not_listed;
  record.unlisted = 0;
  return store_opening(record);
}

LatchError LatchFile::clear(const LatchActor& actor, const Stamp& now) noexcept {
  if (fd_ < 0) return LatchError::not_open;
  if (!has_a_name(fd_)) return LatchError::removed;
  const LatchRecord record = after_clear(view_, actor, now);
  constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max() - 4;
  const std::uint64_t sequence = view_.sequence < last ? view_.sequence + 1 : 1;
  const auto first = view_.next_slot;
  const auto second = static_cast<std::uint8_t>(1 - first);
  LatchError error = back_with_blocks(fd_);
  if (error == LatchError::ok) error = write_slot(first, sequence, record);
  if (error == LatchError::ok) error = write_slot(second, sequence + 1, record);
  if (error == LatchError::ok && fsync(fd_) != 0) {  // its size may have changed
    error = LatchError::io_error;
    slots_[second].fault = SlotFault::io_error;
    view_ = decide(slots_[0], slots_[1]);
  }
  if (error == LatchError::ok) pending_ = false;
  return error;
}

LatchView read_latch(const std::string& state_dir, std::string_view engine) {
  DecodedSlot first;
  DecodedSlot second;
  const std::string path = state_dir + "/" + std::string(engine) + std::string(kSuffix);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd >= 0 && state_file_is_safe(fd)) {
    first = read_slot(fd, 0);
    second = read_slot(fd, 1);
  }
  if (fd >= 0) ::close(fd);
  return decide(first, second);
}

const char* latch_error_name(LatchError error) noexcept {
  switch (error) {
    case LatchError::ok: return "ok";
    case LatchError::bad_name: return "bad_name";
    case LatchError::no_folder: return "no_folder";
    case LatchError::not_open: return "not_open";
    case LatchError::cannot_open: return "cannot_open";
    case LatchError::unsafe: return "unsafe";
    case LatchError::disk_full: return "disk_full";
    case LatchError::io_error: return "io_error";
    case LatchError::removed: return "removed";
    case LatchError::not_listed: return "not_listed";
    case LatchError::not_latched: return "not_latched";
  }
  return "?";
}

}  // namespace portcullis
