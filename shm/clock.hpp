// SPDX-License-Identifier: Apache-2.0
/// @file The one clock. Everything that is compared across the wall between engine and supervisor is CLOCK_MONOTONIC
/// in nanoseconds, read through the vDSO (no system call). The lease rule below is the only way a deadline is judged.
/// Rejected for now: the time-stamp counter. It is cheaper, but is only safe where CPUID and a cross-check agree, and
/// kernels mark it unstable on machines whose CPUID says invariant.
#pragma once
#include <cstdint>
#include <ctime>

namespace portcullis {

/// Nanoseconds of CLOCK_MONOTONIC; never 0 on a running machine.
inline std::uint64_t monotonic_now_ns() noexcept {
  timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return static_cast<std::uint64_t>(ts.tv_sec) * 1'000'000'000ULL + static_cast<std::uint64_t>(ts.tv_nsec);
}

/// True while the right to trade lasts: deadline - now, unsigned, lies in (0, lease]. A passed deadline, a deadline
/// further away than one lease (jumped clock, scribbled word) and a zero all read as not held.
[[nodiscard]] constexpr bool lease_holds(std::uint64_t deadline_ns, std::uint64_t lease_ns,
                                         std::uint64_t now_ns) noexcept {
  return deadline_ns - now_ns - 1 < lease_ns;
}

/// Age of a stamp. A stamp from the future is torn: its age is the largest there is.
[[nodiscard]] constexpr std::uint64_t stamp_age_ns(std::uint64_t stamp_ns, std::uint64_t now_ns) noexcept {
  return stamp_ns <= now_ns ? now_ns - stamp_ns : UINT64_MAX;
}

}  // namespace portcullis
