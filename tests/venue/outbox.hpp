// SPDX-License-Identifier: Apache-2.0
/// @file Between the exchange's answers and the QuickFIX sessions: here `mute`, `late`, `shuffle`, `nonsense`
/// and `fat` happen. Messages of one session keep their order unless shuffled, also when `late` is switched
/// off while some still wait; the reports of one order keep theirs always. A message gets its MsgSeqNum when
/// it leaves here.
#pragma once
#include <quickfix/Message.h>
#include <quickfix/SessionID.h>

#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "tests/venue/faults.hpp"

namespace portcullis {
namespace venue {

class Outbox {
 public:
  /// `seed` decides the order in which `shuffle` sends.
  Outbox(std::vector<FIX::SessionID> sessions, const Faults& faults, std::uint32_t seed);
  /// Sends now, later or never. A session that is not logged on gets it at its next logon (QuickFIX stores
  /// it).
  void send(unsigned session, const FIX::Message& message, std::int64_t now_ns);
  /// Sends what is due; returns when it wants to be called next, or -1 when nothing waits.
  std::int64_t run(std::int64_t now_ns);

 private:
  struct Waiting {
    std::int64_t due_ns;
    FIX::Message message;
  };
  /// What `shuffle` holds until its window is over.
  struct Pool {
    std::int64_t due_ns = -1;
    std::vector<FIX::Message> held;
  };
  void release(unsigned session, const FIX::Message& message, std::int64_t now_ns);
  void send_shuffled(unsigned session);
  void make_nonsense(FIX::Message& message, bool keep_ids);
  void deliver(unsigned session, FIX::Message message);
  void hand_over(unsigned session, FIX::Message& message);
  std::vector<FIX::SessionID> sessions_;
  std::vector<std::deque<Waiting>> waiting_;
  std::vector<Pool> pools_;
  const Faults& faults_;
  std::mt19937 random_;
  unsigned nonsense_ = 0;
};

}  // namespace venue
}  // namespace portcullis
