// SPDX-License-Identifier: Apache-2.0
#include "shm/sealed_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace portcullis {
namespace {

constexpr int kLedgerSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
constexpr int kGateSeals = kLedgerSeals | F_SEAL_FUTURE_WRITE;

/// What mapped_region asks of a mappable object.
struct MappableFd {
  int fd;
  boost::interprocess::mode_t mode;
  [[nodiscard]] boost::interprocess::mapping_handle_t get_mapping_handle() const noexcept {
    return {fd, false};
  }
  [[nodiscard]] boost::interprocess::mode_t get_mode() const noexcept { return mode; }
};

MemoryError create_backed(const char* name, std::uint64_t bytes, UniqueFd& fd) noexcept {
  UniqueFd made(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!made.valid()) return MemoryError::create;
  if (posix_fallocate(made.get(), 0, static_cast<off_t>(bytes)) != 0) return MemoryError::no_space;
  fd = std::move(made);
  return MemoryError::none;
}

MemoryError create_sealed(const char* name, std::uint64_t bytes, int seals, UniqueFd& fd,
                          SharedMapping& mapping) noexcept {
  UniqueFd made;
  SharedMapping mapped;
  if (const MemoryError e = create_backed(name, bytes, made); e != MemoryError::none) return e;
  if (const MemoryError e = mapped.map(made.get(), bytes, Access::read_write); e != MemoryError::none) return e;
  if (fcntl(made.get(), F_ADD_SEALS, seals) != 0) return MemoryError::seal;
  fd = std::move(made);
  mapping = std::move(mapped);
  return MemoryError::none;
}

MemoryError check_sealed(int fd, std::uint64_t bytes, int seals) noexcept {
  struct stat info {};
  if (fstat(fd, &info) != 0 || static_cast<std::uint64_t>(info.st_size) != bytes) return MemoryError::wrong_size;
  const int held = fcntl(fd, F_GET_SEALS);
  if (held < 0 || (held & seals) != seals) return MemoryError::wrong_seals;
  return MemoryError::none;
}

}  // namespace

const char* memory_error_name(MemoryError error) noexcept {
  switch (error) {
    case MemoryError::none: return "none";
    case MemoryError::create: return "memfd_create failed";
    case MemoryError::no_space: return "no memory to back it";
    case MemoryError::seal: return "a seal was refused";
    case MemoryError::map: return "mmap failed";
    case MemoryError::wrong_size: return "wrong size";
    case MemoryError::wrong_seals: return "seals missing";
  }
  return "?";
}

MemoryError SharedMapping::map(int fd, std::uint64_t bytes, Access access) noexcept {
  namespace ipc = boost::interprocess;
  try {
    const ipc::mode_t mode = access == Access::read_only ? ipc::read_only : ipc::read_write;
    region_ = ipc::mapped_region(MappableFd{fd, mode}, mode, 0, bytes);
  } catch (...) {  // interprocess_exception: the only way it reports
    return MemoryError::map;
  }
  return MemoryError::none;
}

bool SharedMapping::keep_from_children() const noexcept {
  return madvise(region_.get_address(), region_.get_size(), MADV_DONTFORK) == 0;
}

MemoryError create_gate(std::uint64_t bytes, UniqueFd& fd, SharedMapping& mapping) noexcept {
  return create_sealed("portcullis-gate", bytes, kGateSeals, fd, mapping);
}
MemoryError create_ledger(std::uint64_t bytes, UniqueFd& fd, SharedMapping& mapping) noexcept {
  return create_sealed("portcullis-ledger", bytes, kLedgerSeals, fd, mapping);
}
MemoryError check_gate(int fd, std::uint64_t bytes) noexcept { return check_sealed(fd, bytes, kGateSeals); }
MemoryError check_ledger(int fd, std::uint64_t bytes) noexcept { return check_sealed(fd, bytes, kLedgerSeals); }

}  // namespace portcullis
