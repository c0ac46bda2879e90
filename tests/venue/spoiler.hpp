// SPDX-License-Identifier: Apache-2.0
/// @file Between a QuickFIX session and its socket: here answers are lost, garbled, or surrounded by bytes
/// that are none. Only application messages that go out for the first time are touched, so a ResendRequest
/// gets right what was wrong before: sequence numbers are QuickFIX's and stay true.
#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/venue/faults.hpp"
#include "tests/venue/log_writer.hpp"
#include "tests/venue/participant.hpp"

namespace portcullis {
namespace venue {

class Spoiler {
 public:
  /// `seed` decides the random bytes of `noise`.
  Spoiler(Faults& faults, LogWriter& log, std::size_t sessions, std::uint32_t seed);
  /// Appends to `out` what goes out for `message`: the same bytes unless a fault says otherwise.
  void write(const Participant& to, const std::string& message, std::string& out);

 private:
  struct Counts {
    std::int64_t noise = 0;
    std::int64_t length = 0;
    std::int64_t checksum = 0;
  };
  bool touches(unsigned session) const;
  std::int64_t nth(FaultKind kind, unsigned session, std::int64_t& count) const;
  std::string noise_before(const std::string& message, std::int64_t nth);

  Faults& faults_;
  LogWriter& log_;
  std::vector<Counts> counts_;
  std::mt19937 random_;
};

}  // namespace venue
}  // namespace portcullis
