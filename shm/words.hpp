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

  /// False where the text is empty or longer than 36 bytes; *this is untouched then. Word by word, here and
  /// in hash(): as a copy of 36 bytes the words would go through memory.
  [[nodiscard]] bool assign(const char* text, std::uint32_t length) noexcept {
    if (text == nullptr || length - 1 >= kIdBytes) return false;
    const std::uint64_t length_word = std::uint64_t{length} << 32U;
    if (length > 32) {  // the usual case: engines use what room there is
      words[0] = eight_bytes(text);
      words[1] = eight_bytes(text + 8);
      words[2] = eight_bytes(text + 16);
      words[3] = eight_bytes(text + 24);
      words[4] = eight_bytes(text + length - 8) >> 8U * (40 - length) | length_word;
    } else {
      for (std::uint32_t i = 0; i < 5; ++i) words[i] = word_of(text, length, i * 8);
      words[4] |= length_word;
    }
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
    std::uint64_t h = mixed(0x9E3779B97F4A7C15ULL, words[0]);  // 2^64 / golden ratio
    h = mixed(h, words[1]);
    h = mixed(h, words[2]);
    h = mixed(h, words[3]);
    return mixed(h, words[4]);
  }
  bool operator==(const Id&) const = default;

 private:
  [[nodiscard]] static std::uint64_t mixed(std::uint64_t h, std::uint64_t word) noexcept {
    h = (h ^ word) *
        0xFF51AFD7ED558CCDULL;  // a multiplier of MurmurHash3's finaliser (Appleby, public domain)
    return h ^ h >> 32U;
  }
  [[nodiscard]] static std::uint64_t eight_bytes(const char* at) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
  }
  /// The eight bytes of a text from `at`, zeros behind its end; reads nothing outside. In registers: bytes
  /// that are stored and loaded again as words wait for each other.
  [[nodiscard]] static std::uint64_t word_of(const char* text, std::uint32_t length,
                                             std::uint32_t at) noexcept {
    if (at >= length) return 0;
    if (at + 8 <= length) return eight_bytes(text + at);
    if (length >= 8) return eight_bytes(text + length - 8) >> 8U * (at + 8 - length);
    std::uint64_t word = 0;
    for (std::uint32_t i = 0; i < length; ++i)
      word |= std::uint64_t{static_cast<unsigned char>(text[i])} << 8U * i;
    return word;
  }
};

/// An id in shared memory.
struct SharedId {
  Word words[5];
  void put(const Id& id) noexcept {
    store(words[0], id.words[0]);
    store(words[1], id.words[1]);
    store(words[2], id.words[2]);
    store(words[3], id.words[3]);
    store(words[4], id.words[4]);
  }
  [[nodiscard]] Id get() const noexcept {
    Id id;
    for (int i = 0; i < 5; ++i) id.words[i] = load(words[i]);
    return id;
  }
};
static_assert(sizeof(SharedId) == 40);

}  // namespace portcullis
