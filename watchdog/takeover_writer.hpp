// SPDX-License-Identifier: Apache-2.0
/// @file FIX fields into a fixed buffer: no allocation, no format strings. What does not fit is remembered, not written.
#pragma once
#include <charconv>
#include <cstring>

#include "shm/fix_scan.hpp"
#include "watchdog/takeover_time.hpp"

namespace portcullis {

class TakeoverWriter {
 public:
  explicit TakeoverWriter(std::span<char> out) noexcept : out_(out) {}

  [[nodiscard]] bool fits() const noexcept { return !overflow_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::string_view view() const noexcept { return {out_.data(), size_}; }

  void text(std::string_view bytes) noexcept {
    if (overflow_ || bytes.size() > out_.size() - size_) {
      overflow_ = true;
      return;
    }
    std::memcpy(out_.data() + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  template <typename Integer>
  void number(Integer value) noexcept {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    text({digits, static_cast<std::size_t>(end - digits)});
  }
  void field(std::uint32_t tag, std::string_view value) noexcept {
    name(tag);
    text(value);
    text({&kSoh, 1});
  }
  void field(std::uint32_t tag, std::uint64_t value) noexcept {
    name(tag);
    number(value);
    text({&kSoh, 1});
  }
  void field(std::uint32_t tag, std::int64_t value) noexcept {
    name(tag);
    number(value);
    text({&kSoh, 1});
  }
  void field(std::uint32_t tag, const UtcStamp& stamp) noexcept {
    char digits[kUtcBytesMax];
    field(tag, {digits, write_utc(stamp, digits)});
  }

 private:
  void name(std::uint32_t tag) noexcept {
    number(tag);
    text("=");
  }
  std::span<char> out_;
  std::size_t size_ = 0;
  bool overflow_ = false;
};

}  // namespace portcullis
