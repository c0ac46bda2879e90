// SPDX-License-Identifier: Apache-2.0
/// @file Sending, late sending and falsifying of answers.
#include "tests/venue/outbox.hpp"

#include <quickfix/FixFieldNumbers.h>
#include <quickfix/Session.h>

#include <algorithm>

namespace portcullis {
namespace venue {

Outbox::Outbox(std::vector<FIX::SessionID> sessions, const Faults& faults)
    : sessions_(std::move(sessions)), waiting_(sessions_.size()), faults_(faults) {}

void Outbox::send(unsigned session, const FIX::Message& message, std::int64_t now_ns) {
  if (faults_.on(FaultKind::mute, session)) return;
  std::deque<Waiting>& queue = waiting_[session];
  const std::int64_t late_ms = faults_.argument(FaultKind::late, session);
  if (late_ms < 0 && queue.empty()) return deliver(session, message);
  std::int64_t due_ns = now_ns + std::max<std::int64_t>(late_ms, 0) * 1000000;
  if (!queue.empty()) due_ns = std::max(due_ns, queue.back().due_ns);
  queue.push_back({due_ns, message});
}

std::int64_t Outbox::run(std::int64_t now_ns) {
  std::int64_t next_ns = -1;
  for (unsigned session = 0; session < waiting_.size(); ++session) {
    std::deque<Waiting>& queue = waiting_[session];
    while (!queue.empty() && queue.front().due_ns <= now_ns) {
      deliver(session, queue.front().message);
      queue.pop_front();
    }
    if (!queue.empty() && (next_ns < 0 || queue.front().due_ns < next_ns)) next_ns = queue.front().due_ns;
  }
  return next_ns;
}

void Outbox::make_nonsense(FIX::Message& message) {
  static const char* const kOrdStatus[] = {"Z", "-1", "22", "?"};
  message.setField(FIX::FIELD::ClOrdID, "NOBODY-" + std::to_string(++nonsense_));
  message.setField(FIX::FIELD::OrderID, "0");
  if (message.isSetField(FIX::FIELD::OrdStatus))
    message.setField(FIX::FIELD::OrdStatus, kOrdStatus[nonsense_ % 4]);
  if (message.isSetField(FIX::FIELD::CumQty)) message.setField(FIX::FIELD::CumQty, "-999999999999");
  if (message.isSetField(FIX::FIELD::LeavesQty))
    message.setField(FIX::FIELD::LeavesQty, "99999999999999999999");
}

void Outbox::deliver(unsigned session, FIX::Message message) {
  if (faults_.on(FaultKind::nonsense, session)) make_nonsense(message);
  FIX::Session* const target = FIX::Session::lookupSession(sessions_[session]);
  if (target != nullptr) target->send(message);
}

}  // namespace venue
}  // namespace portcullis
