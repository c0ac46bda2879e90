// SPDX-License-Identifier: Apache-2.0
/// @file Sending, late sending, shuffling and falsifying of answers.
#include "tests/venue/outbox.hpp"

#include <quickfix/FixFieldNumbers.h>
#include <quickfix/Session.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace portcullis {
namespace venue {
namespace {

/// Messages with the same text are about the same order; an empty one is about no other's.
std::string order_of(const FIX::Message& message) {
  const std::string& type = message.getHeader().getField(FIX::FIELD::MsgType);
  if ((type != "8" && type != "9") || !message.isSetField(FIX::FIELD::OrderID)) return "";
  const std::string& id = message.getField(FIX::FIELD::OrderID);
  return id == "NONE" ? "" : id;
}

}  // namespace

Outbox::Outbox(std::vector<FIX::SessionID> sessions, const Faults& faults, std::uint32_t seed)
    : sessions_(std::move(sessions)),
      waiting_(sessions_.size()),
      pools_(sessions_.size()),
      faults_(faults),
      random_(seed) {}

void Outbox::send(unsigned session, const FIX::Message& message, std::int64_t now_ns) {
  if (faults_.on(FaultKind::mute, session)) return;
  std::deque<Waiting>& queue = waiting_[session];
  const std::int64_t late_ms = faults_.argument(FaultKind::late, session);
  if (late_ms < 0 && queue.empty()) return release(session, message, now_ns);
  std::int64_t due_ns = now_ns + std::max<std::int64_t>(late_ms, 0) * 1000000;
  if (!queue.empty()) due_ns = std::max(due_ns, queue.back().due_ns);
  queue.push_back({due_ns, message});
}

std::int64_t Outbox::run(std::int64_t now_ns) {
  std::int64_t next_ns = -1;
  const auto wants = [&](std::int64_t due_ns) {
    if (next_ns < 0 || due_ns < next_ns) next_ns = due_ns;
  };
  for (unsigned session = 0; session < waiting_.size(); ++session) {
    std::deque<Waiting>& queue = waiting_[session];
    while (!queue.empty() && queue.front().due_ns <= now_ns) {
      release(session, queue.front().message, now_ns);
      queue.pop_front();
    }
    if (!queue.empty()) wants(queue.front().due_ns);
    Pool& pool = pools_[session];
    const bool over = pool.due_ns <= now_ns || !faults_.on(FaultKind::shuffle, session);
    if (!pool.held.empty() && over) send_shuffled(session);
    if (!pool.held.empty()) wants(pool.due_ns);
  }
  return next_ns;
}

void Outbox::release(unsigned session, const FIX::Message& message, std::int64_t now_ns) {
  Pool& pool = pools_[session];
  const std::int64_t window_ms = faults_.argument(FaultKind::shuffle, session);
  if (window_ms < 0) {
    if (!pool.held.empty()) send_shuffled(session);  // switched off just now: what is held goes first
    return deliver(session, message);
  }
  if (pool.held.empty()) pool.due_ns = now_ns + window_ms * 1000000;
  pool.held.push_back(message);
}

/// Draws an order, sends its oldest message, and so on: any interleaving of the orders is possible.
void Outbox::send_shuffled(unsigned session) {
  std::vector<FIX::Message> held;
  held.swap(pools_[session].held);
  std::vector<std::pair<std::string, std::deque<std::size_t>>> orders;
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < held.size(); ++i) {
    const std::string name = order_of(held[i]);
    const auto found = name.empty() ? places.end() : places.find(name);
    if (found != places.end()) {
      orders[found->second].second.push_back(i);
      continue;
    }
    if (!name.empty()) places[name] = orders.size();
    orders.push_back({name, {i}});
  }
  while (!orders.empty()) {
    auto& drawn = orders[random_() % orders.size()];
    deliver(session, held[drawn.second.front()]);
    drawn.second.pop_front();
    if (!drawn.second.empty()) continue;
    std::swap(drawn, orders.back());
    orders.pop_back();
  }
}

void Outbox::make_nonsense(FIX::Message& message, bool keep_ids) {
  static const char* const kOrdStatus[] = {"Z", "-1", "22", "?", ""};
  ++nonsense_;
  if (!keep_ids) {
    message.setField(FIX::FIELD::ClOrdID, "NOBODY-" + std::to_string(nonsense_));
    message.setField(FIX::FIELD::OrderID, "0");
  }
  if (message.isSetField(FIX::FIELD::OrdStatus))
    message.setField(FIX::FIELD::OrdStatus, kOrdStatus[nonsense_ % 5]);
  if (message.isSetField(FIX::FIELD::CumQty)) message.setField(FIX::FIELD::CumQty, "-999999999999");
  if (message.isSetField(FIX::FIELD::LeavesQty))
    message.setField(FIX::FIELD::LeavesQty, "99999999999999999999");
}

void Outbox::deliver(unsigned session, FIX::Message message) {
  const std::int64_t how = faults_.argument(FaultKind::nonsense, session);
  if (how < 0) return hand_over(session, message);
  FIX::Message false_one = message;
  make_nonsense(false_one, static_cast<Nonsense>(how) == Nonsense::fields);
  hand_over(session, false_one);
  if (static_cast<Nonsense>(how) != Nonsense::extra) return;
  FIX::Message plausible = message;  // and one that could be true, but for the names
  plausible.setField(FIX::FIELD::ClOrdID, "NOBODY-" + std::to_string(++nonsense_));
  plausible.removeField(FIX::FIELD::OrigClOrdID);
  hand_over(session, plausible);
  hand_over(session, message);
}

void Outbox::hand_over(unsigned session, FIX::Message& message) {
  const std::int64_t fat_bytes = faults_.argument(FaultKind::fat, session);
  if (fat_bytes > 0)
    message.setField(FIX::FIELD::Text, std::string(static_cast<std::size_t>(fat_bytes), '.'));
  FIX::Session* const target = FIX::Session::lookupSession(sessions_[session]);
  if (target != nullptr) target->send(message);
}

}  // namespace venue
}  // namespace portcullis
