// SPDX-License-Identifier: Apache-2.0
/// @file Whose call is this? Two marks that cost one load each on the order path.
/// *Alive*: a word in a page that the kernel wipes in every child (MADV_WIPEONFORK, Linux 4.14), also after a
/// raw clone() that no pthread_atfork handler sees. Read first in every call; 0 means: a forked child,
/// everything is closed, no shared memory is touched (the maps are not there: MADV_DONTFORK). *Thread*: the
/// address of a thread-local byte. Two live threads never share it; a dead thread's may be used again, which
/// is harmless: a role is one thread at a time.
#pragma once
#include <atomic>
#include <cstdint>

namespace portcullis {

using AliveWord = std::atomic<std::uint64_t>;

/// The process-wide word, made on first use; nullptr where the kernel cannot make it (then nothing attaches).
[[nodiscard]] const AliveWord* alive_word() noexcept;

extern thread_local constinit char thread_mark_byte __attribute__((tls_model("initial-exec")));
[[nodiscard]] inline const void* thread_mark() noexcept { return &thread_mark_byte; }

/// One role of a lane (submitter or responder). The first thread that calls holds it until clear().
class Role {
 public:
  [[nodiscard]] bool held_by_caller() noexcept {
    const void* me = thread_mark();
    const void* owner = owner_.load(std::memory_order_relaxed);
    if (owner == me) [[likely]]
      return true;
    return owner == nullptr && owner_.compare_exchange_strong(owner, me, std::memory_order_acq_rel);
  }
  void clear() noexcept { owner_.store(nullptr, std::memory_order_release); }

 private:
  std::atomic<const void*> owner_{nullptr};
};

}  // namespace portcullis
