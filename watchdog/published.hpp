// SPDX-License-Identifier: Apache-2.0
/// @file A value that one thread publishes and others read without waiting for it: the copy travels through
/// atomic words under a sequence that is odd while the writer is inside. The reader's tries are bounded; a
/// writer that was stopped in the middle costs the reader `false`, never its time. Not for memory that
/// another process may write.
#pragma once
#include <array>
#include <cstring>
#include <type_traits>

#include "shm/words.hpp"

namespace portcullis {

template <typename T>
class Published {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % 8 == 0);
  static constexpr std::size_t kWords = sizeof(T) / 8;
  static constexpr int kTries = 64;  // a store takes well under a microsecond; 64 loads of T outlast it

 public:
  /// One writer thread. Every store is a release store, so a reader that sees a new word sees the odd
  /// sequence too.
  void publish(const T& value) noexcept {
    std::array<std::uint64_t, kWords> copy;
    std::memcpy(copy.data(), &value, sizeof(T));
    add_own(sequence_, 1);
    for (std::size_t i = 0; i < kWords; ++i) store(words_[i], copy[i]);
    add_own(sequence_, 1);
  }

  /// False (out untouched): nothing was published yet, or the writer is in the middle for too long.
  [[nodiscard]] bool try_load(T& out) const noexcept {
    for (int i = 0; i < kTries; ++i) {
      const std::uint64_t before = load(sequence_);
      if (before == 0) return false;
      std::array<std::uint64_t, kWords> copy;
      for (std::size_t w = 0; w < kWords; ++w) copy[w] = load(words_[w]);
      if (before % 2 == 0 && load(sequence_) == before) {
        std::memcpy(static_cast<void*>(&out), copy.data(), sizeof(T));
        return true;
      }
    }
    return false;
  }

 private:
  Word sequence_{};
  std::array<Word, kWords> words_{};
};

}  // namespace portcullis
