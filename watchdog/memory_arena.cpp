// SPDX-License-Identifier: Apache-2.0
#include "watchdog/memory_arena.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#ifndef PORTCULLIS_SANITIZED
#include <mimalloc.h>
#endif

namespace portcullis {

const char* arena_error_text(ArenaError error) noexcept {
  switch (error) {
    case ArenaError::ok: return "ok";
    case ArenaError::unavailable: return "this build has no memory arena (sanitizers)";
    case ArenaError::not_ours:
      return "malloc is not mimalloc: memory may be taken from the system at any time";
    case ArenaError::no_memory: return "the system has not enough memory for the arena";
  }
  return "?";
}

#ifdef PORTCULLIS_SANITIZED

ArenaError reserve_memory(std::size_t) noexcept { return ArenaError::unavailable; }
ArenaError touch_memory(std::size_t) noexcept { return ArenaError::unavailable; }
ArenaError forbid_system_memory() noexcept { return ArenaError::unavailable; }

#else

namespace {

constexpr std::size_t kSegmentBytes = 32UL * 1024 * 1024;  // of mimalloc 2: what a thread takes at a time
constexpr long kNeverMs = 100L * 365 * 24 * 3600 * 1000;
constexpr std::size_t kBlockBytes = 1024UL * 1024;
constexpr std::size_t kBlocksMax = 256;

bool malloc_is_mimalloc() noexcept {
  void* probe = std::calloc(1, 64);
  const bool ours = probe != nullptr && mi_is_in_heap_region(probe);
  std::free(probe);
  return ours;
}

}  // namespace

ArenaError reserve_memory(std::size_t threads) noexcept {
  if (!malloc_is_mimalloc()) return ArenaError::not_ours;
  // What was taken stays: no madvise, no mprotect later. A segment remembers the option of its birth, and the
  // first one is older than these lines; so the moment at which it would give memory back is put off as well.
  for (const mi_option_t option : {mi_option_allow_decommit, mi_option_page_reset,
                                   mi_option_abandoned_page_decommit, mi_option_eager_commit_delay})
    mi_option_set(option, 0);
  for (const mi_option_t option :
       {mi_option_decommit_delay, mi_option_decommit_extend_delay, mi_option_segment_decommit_delay})
    mi_option_set(option, kNeverMs);
  mi_option_set(mi_option_eager_commit, 1);
  return mi_reserve_os_memory(kSegmentBytes * (2 * threads + 1), true, false) == 0 ? ArenaError::ok
                                                                                   : ArenaError::no_memory;
}

ArenaError touch_memory(std::size_t bytes) noexcept {
  std::array<void*, kBlocksMax> blocks{};
  const std::size_t touched = std::min((bytes + kBlockBytes - 1) / kBlockBytes, kBlocksMax);
  // The thread's first segment may be older than our options and is then made accessible piece by piece: fill
  // it whole.
  const std::size_t count = std::max(touched, kSegmentBytes / kBlockBytes);
  bool enough = true;
  for (std::size_t i = 0; i < count; ++i) {
    blocks[i] = std::malloc(kBlockBytes);
    enough &= blocks[i] != nullptr;
    if (blocks[i] != nullptr && i < touched) std::memset(blocks[i], 0x5A, kBlockBytes);
  }
  for (std::size_t i = 0; i < count; ++i) std::free(blocks[i]);
  return enough ? ArenaError::ok : ArenaError::no_memory;
}

ArenaError forbid_system_memory() noexcept {
  if (!malloc_is_mimalloc()) return ArenaError::not_ours;
  mi_option_set(mi_option_limit_os_alloc, 1);
  return ArenaError::ok;
}

#endif

}  // namespace portcullis
