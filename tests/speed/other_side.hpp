// SPDX-License-Identifier: Apache-2.0
/// @file The process on the other processor. It sleeps until it is told to play one part, and plays it until
/// it is told to stop, so that rounds of different parts can alternate within milliseconds.
#pragma once
#include <array>
#include <atomic>

#include "tests/speed/places.hpp"

namespace portcullis::speed {

class OtherSide {
 public:
  /// A part runs until the flag it is given turns true.
  using Part = std::function<void(const std::atomic<bool>&)>;
  OtherSide(int processor, std::vector<Part> parts);
  ~OtherSide();
  OtherSide(const OtherSide&) = delete;
  OtherSide& operator=(const OtherSide&) = delete;

  /// Returns once the part has begun.
  void play(std::size_t part);
  /// Returns once it has ended.
  void rest();

 private:
  struct Words {
    std::atomic<std::uint64_t> wanted{0};  ///< part + 1; 0 rest
    std::atomic<std::uint64_t> playing{0};
    std::atomic<bool> stop{true};
  };
  void wait_until_playing(std::uint64_t what);

  Words& words_;
  Child child_;
};

}  // namespace portcullis::speed
