// SPDX-License-Identifier: Apache-2.0
/// @file Losing and garbling of outgoing bytes.
#include "tests/venue/spoiler.hpp"

#include <algorithm>

#include "tests/venue/fix_scan.hpp"

namespace portcullis {
namespace venue {
namespace {

constexpr std::size_t kTrailerBytes = 7;  // "10=nnn" and its SOH
constexpr std::size_t kNoiseBytes = 37;
constexpr std::int64_t kLengthError = 5;

std::string three_digits(unsigned value) { return std::to_string(1000 + value).substr(1); }

void set_checksum(std::string& message, unsigned error) {
  const std::size_t trailer = message.size() - kTrailerBytes;
  message.replace(trailer + 3, 3, three_digits((checksum(message.data(), trailer) + error) % 256));
}

/// A BodyLength that is not the body's, under a CheckSum that is right.
void spoil_length(std::string& message, std::int64_t error) {
  std::string length;
  if (!find_field(message.data(), message.size(), 9, length)) return;
  const std::size_t at = message.find("\0019=") + 3;
  message.replace(at, length.size(), std::to_string(std::stoll(length) + error));
  set_checksum(message, 0);
}

}  // namespace

Spoiler::Spoiler(Faults& faults, LogWriter& log, std::size_t sessions, std::uint32_t seed)
    : faults_(faults), log_(log), counts_(sessions), random_(seed) {}

bool Spoiler::touches(unsigned session) const {
  for (const FaultKind kind :
       {FaultKind::lose_out, FaultKind::noise, FaultKind::bad_length, FaultKind::bad_checksum})
    if (faults_.on(kind, session)) return true;
  return false;
}

/// Which one to be spoilt this message is, from 1; 0: none. The N-th message is the first.
std::int64_t Spoiler::nth(FaultKind kind, unsigned session, std::int64_t& count) const {
  const std::int64_t each = std::max<std::int64_t>(faults_.argument(kind, session), 1);
  return faults_.on(kind, session) && ++count % each == 0 ? count / each : 0;
}

void Spoiler::write(const Participant& to, const std::string& message, std::string& out) {
  std::string type, seq_num;
  const bool spoils = touches(to.index) && find_field(message.data(), message.size(), 35, type) &&
                      !is_admin(type) && !is_poss_dup(message);
  if (!spoils) {
    out += message;
    return;
  }
  if (faults_.use(FaultKind::lose_out, to.index)) {
    (void)find_field(message.data(), message.size(), 34, seq_num);
    log_.event("lost_out")
        .num("conn", to.conn)
        .str("session", to.spec.engine)
        .str("type", type)
        .str("seq_num", seq_num);
    return;
  }
  Counts& counts = counts_[to.index];
  const std::int64_t noisy = nth(FaultKind::noise, to.index, counts.noise);
  const std::int64_t wrong_length = nth(FaultKind::bad_length, to.index, counts.length);
  std::string spoilt = message;
  if (noisy > 0) out += noise_before(message, noisy);
  if (wrong_length > 0) spoil_length(spoilt, wrong_length % 2 == 0 ? kLengthError : -kLengthError);
  if (nth(FaultKind::bad_checksum, to.index, counts.checksum) > 0) set_checksum(spoilt, 1);
  out += spoilt;
}

/// Six kinds in turn, from harmless to treacherous: the later ones look like the beginning of a message.
std::string Spoiler::noise_before(const std::string& message, std::int64_t nth) {
  switch (nth % 6) {
    case 0: {
      std::string random(kNoiseBytes, '\0');
      for (char& byte : random) {
        byte = static_cast<char>(random_() & 0xff);
        if (byte == '8') byte = '7';  // no head of a message by chance
      }
      return random;
    }
    case 1: return "\001\00110=123\001";                      // a trailer alone
    case 2: return "8=FI";                                    // a cut begin string
    case 3: return "8=FIX.4.4\0019=5\00135=8\00110=000\001";  // whole, and wrong in every way
    case 4: return "8=FIX.4.4\0019=99999999999\00135=8\001";  // a length that nobody believes
    default: return message.substr(0, message.size() / 2);    // the message itself, cut
  }
}

}  // namespace venue
}  // namespace portcullis
