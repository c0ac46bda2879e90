// SPDX-License-Identifier: Apache-2.0
#include "integration/process_mark.hpp"

#include <sys/mman.h>

#include <new>

#include "shm/gate_layout.hpp"

namespace portcullis {

thread_local constinit char thread_mark_byte = 0;

namespace {

const AliveWord* make_alive_word() noexcept {
  void* page = mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  if (madvise(page, kPageBytes, MADV_WIPEONFORK) != 0) {
    munmap(page, kPageBytes);
    return nullptr;
  }
  auto* word = new (page) AliveWord(1);
  mprotect(page, kPageBytes,
           PROT_READ);  // a wild store must not revive a child; failure changes nothing else
  return word;
}

}  // namespace

const AliveWord* alive_word() noexcept {
  static const AliveWord* const word = make_alive_word();
  return word;
}

}  // namespace portcullis
