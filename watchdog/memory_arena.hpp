// SPDX-License-Identifier: Apache-2.0
/// @file The supervisor's memory, taken from the system once: an arena that mimalloc hands out from, touched
/// by the threads that allocate, and then a ban on asking the system for more. Afterwards an allocation that
/// does not fit fails (and closes every gate, as any failure does) instead of taking an unbounded time in the
/// kernel. Off in sanitized builds, which bring their own allocator. Does not cover: stacks of threads (start
/// them before the ban) and libraries that call mmap themselves.
#pragma once
#include <cstddef>
#include <cstdint>

namespace portcullis {

enum class [[nodiscard]] ArenaError : std::uint8_t{
    ok = 0,
    unavailable,  ///< built without mimalloc (sanitizers)
    not_ours,     ///< malloc is not mimalloc: it was not linked, or came after libc
    no_memory,    ///< the system has not that much
};
/// A sentence for people.
[[nodiscard]] const char* arena_error_text(ArenaError error) noexcept;

/// Reserves address space for the heaps of `threads` threads that allocate (64 MiB each, resident only where
/// touched) and stops mimalloc from ever giving memory back. First thing after the kernel floor, one thread.
ArenaError reserve_memory(std::size_t threads) noexcept;
/// Makes `bytes` (at most 256 MiB) of the calling thread's heap resident: what it may need later. Each thread
/// that allocates calls it for itself.
ArenaError touch_memory(std::size_t bytes) noexcept;
/// From now on nothing comes from the system. Call it when all threads run and everything is sized, before
/// READY.
ArenaError forbid_system_memory() noexcept;

}  // namespace portcullis
