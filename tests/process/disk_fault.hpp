// SPDX-License-Identifier: Apache-2.0
/// @file A disk that hangs, is slow, or fails: this test binary has its own fdatasync, which the library
/// calls.
#pragma once
#include <atomic>

namespace portcullis::test {

struct DiskFault {
  static std::atomic<bool> hangs;
  static std::atomic<bool> fails;  ///< EIO
  static std::atomic<long> delay_us;
  static std::atomic<int> syncs;  ///< that were begun
  /// A sound disk from now on.
  static void heal() noexcept;
};

}  // namespace portcullis::test
