// SPDX-License-Identifier: Apache-2.0
/// @file The words that both memories are made of, and ids as words. Every word has one writer role; the
/// writer stores with release, the reader loads with acquire. No mutex, no volatile, no pointer in shared
/// memory.
#pragma once
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace portcullis {

inline constexpr std::size_t kCacheLineBytes =
    64;                                        ///< ours, part of the layout; not the compiler's idea of it
inline constexpr std::uint32_t kIdBytes = 36;  ///< ClOrdID (11), OrderID (37): longest kept

using Word = std::atomic<std::uint64_t>;
using SignedWord = std::atomic<std::int64_t>;
static_assert(Word::is_always_lock_free && SignedWord::is_always_lock_free);
static_assert(sizeof(Word) == 8 && sizeof(SignedWord) == 8);

inline std::uint64_t load(const Word& word) noexcept { return word.load(std::memory_order_acquire); }
inline std::int64_t load(const SignedWord& word) noexcept { return word.load(std::memory_order_acquire); }
inline void store(Word& word, std::uint64_t value) noexcept { word.store(value, std::memory_order_release); }
inline void store(SignedWord& word, std::int64_t value) noexcept {
  word.store(value, std::memory_order_release);
}
/// The writer's own read-modify-write: no locked instruction, because a word has one writer.
inline void add_own(Word& word, std::uint64_t by) noexcept {
  word.store(word.load(std::memory_order_relaxed) + by, std::memory_order_release);
}
inline void add_own(SignedWord& word, std::int64_t by) noexcept {
  word.store(word.load(std::memory_order_relaxed) + by, std::memory_order_release);
}

/// An id as five machine words: 36 bytes, zero padded, then its length as 32 bits.
struct Id {
  std::uint64_t words[5] = {};

  /// False where the text is empty or longer than 36 bytes; *this is untouched then.
  [[nodiscard]] bool assign(const char* text, std::uint32_t length) noexcept {
    if (text == nullptr || length == 0 || length > kIdBytes) return false;
    if (length >= 32) {  // the usual case: engines use what room there is
      std::memcpy(words, text, 32);
      std::memcpy(&words[4], text + length - 8, sizeof words[4]);
      words[4] = length == 32 ? 0 : words[4] >> 8U * (40 - length);
    } else {
      for (std::uint32_t i = 0; i < 5; ++i) words[i] = word_of(text, length, i * 8);
    }
    words[4] |= std::uint64_t{length} << 32U;
    return true;
  }
  [[nodiscard]] std::uint32_t length() const noexcept {
    const auto claimed = static_cast<std::uint32_t>(words[4] >> 32U);
    return claimed <= kIdBytes ? claimed : kIdBytes;  // hostile bytes stay inside
  }
  [[nodiscard]] std::string_view view() const noexcept {
    return {reinterpret_cast<const char*>(words), length()};
  }
  /// 64-bit mix of all five words; equal ids have equal hashes. Not for hostile input beyond bounded probing.
  [[nodiscard]] std::uint64_t hash() const noexcept {
    std::uint64_t h = 0x9E3779B97F4A7C15ULL;  // 2^64 / golden ratio
    for (const std::uint64_t w : words) {
      h = (h ^ w) *
          0xFF51AFD7ED558CCDULL;  // a multiplier of MurmurHash3's finaliser (Appleby, public domain)
      h ^= h >> 32U;
    }
    return h;
  }
  bool operator==(const Id&) const = default;

 private:
  /// The eight bytes of a text from `at`, zeros behind its end; reads nothing outside. In registers: bytes
  /// that are stored and loaded again as words wait for each other.
  [[nodiscard]] static std::uint64_t word_of(const char* text, std::uint32_t length,
                                             std::uint32_t at) noexcept {
    std::uint64_t word = 0;
    if (at >= length) return 0;
    if (at + 8 <= length) {
      std::memcpy(&word, text + at, sizeof word);
    } else if (length >= 8) {
      std::memcpy(&word, text + length - 8, sizeof word);
      word >>= 8U * (at + 8 - length);
    } else {
      for (std::uint32_t i = 0; i < length; ++i)
        word |= std::uint64_t{static_cast<unsigned char>(text[i])} << 8U * i;
    }
    return word;
  }
};

/// An id in shared memory.
struct SharedId {
  Word words[5];
  void put(const Id& id) noexcept {
    for (int i = 0; i < 5; ++i) store(words[i], id.words[i]);
  }
  [[nodiscard]] Id get() const noexcept {
    Id id;
    for (int i = 0; i < 5; ++i) id.words[i] = load(words[i]);
    return id;
  }
};
static_assert(sizeof(SharedId) == 40);

}  // namespace portcullis
