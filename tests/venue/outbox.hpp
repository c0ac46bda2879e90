// SPDX-License-Identifier: Apache-2.0
/// @file Between the exchange's answers and the QuickFIX sessions: here `mute`, `late` and `nonsense` happen.
/// Messages of one session keep their order, also when `late` is switched off while some still wait.
#pragma once
#include <quickfix/Message.h>
#include <quickfix/SessionID.h>

#include <cstdint>
#include <deque>
#include <vector>

#include "tests/venue/faults.hpp"

namespace portcullis {
namespace venue {

class Outbox {
 public:
  Outbox(std::vector<FIX::SessionID> sessions, const Faults& faults);
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
  void make_nonsense(FIX::Message& message);
  void deliver(unsigned session, FIX::Message message);
  std::vector<FIX::SessionID> sessions_;
  std::vector<std::deque<Waiting>> waiting_;
  const Faults& faults_;
  unsigned nonsense_ = 0;
};

}  // namespace venue
}  // namespace portcullis
