// SPDX-License-Identifier: Apache-2.0
/// @file Memories that the other side cannot truncate, grow or (the gate) write: sealed memfds, backed before they are
/// shared, so that a full tmpfs is an error here and never a SIGBUS later. Mapped with Boost.Interprocess.
/// The gate is sealed FUTURE_WRITE after the supervisor's own mapping exists: no later mapping, write, mprotect or
/// re-opened descriptor can change it (memfd_create(2), fcntl(2) F_SEAL_FUTURE_WRITE, since Linux 5.1).
/// Not protected: another process of the same user with ptrace or process_vm_writev; that takes different users.
#pragma once
#include <boost/interprocess/mapped_region.hpp>
#include <cstddef>
#include <cstdint>

#include "shm/unique_fd.hpp"

namespace portcullis {

enum class MemoryError : std::uint8_t {
  none = 0,
  create,       ///< memfd_create failed (kernel, descriptors)
  no_space,     ///< the memory cannot be backed
  seal,         ///< a seal was refused
  map,          ///< mmap failed
  wrong_size,   ///< the descriptor has another size than agreed
  wrong_seals,  ///< a seal that the protocol asks for is missing
};
[[nodiscard]] const char* memory_error_name(MemoryError error) noexcept;

enum class Access : std::uint8_t { read_only, read_write };

/// One mapping; unmapped with the object. The descriptor stays the caller's.
class SharedMapping {
 public:
  [[nodiscard]] std::byte* data() const noexcept { return static_cast<std::byte*>(region_.get_address()); }
  [[nodiscard]] std::uint64_t size() const noexcept { return region_.get_size(); }
  [[nodiscard]] bool mapped() const noexcept { return region_.get_size() != 0; }
  /// Maps bytes of fd, shared. *this is untouched on failure.
  [[nodiscard]] MemoryError map(int fd, std::uint64_t bytes, Access access) noexcept;
  /// Keeps the mapping out of forked children (MADV_DONTFORK). False where the kernel refused.
  [[nodiscard]] bool keep_from_children() const noexcept;

 private:
  boost::interprocess::mapped_region region_;
};

/// The supervisor's gate: written here only. fd is what is handed to the engine.
[[nodiscard]] MemoryError create_gate(std::uint64_t bytes, UniqueFd& fd, SharedMapping& mapping) noexcept;
/// The engine's ledger: both sides map it, nobody can change its size.
[[nodiscard]] MemoryError create_ledger(std::uint64_t bytes, UniqueFd& fd, SharedMapping& mapping) noexcept;
/// The receiver's check of a descriptor before it maps: exact size and the seals of a gate or a ledger.
[[nodiscard]] MemoryError check_gate(int fd, std::uint64_t bytes) noexcept;
[[nodiscard]] MemoryError check_ledger(int fd, std::uint64_t bytes) noexcept;

}  // namespace portcullis
