// SPDX-License-Identifier: Apache-2.0
/// @file Faults of connections and sequence numbers: ends at bad moments, throttle, loss, ResendRequests,
/// skipped numbers. What a fault keeps from the session is an event with its place in the stream.
#include <quickfix/FixFieldNumbers.h>
#include <quickfix/Message.h>
#include <quickfix/Session.h>

#include <algorithm>

#include "tests/venue/edge.hpp"

namespace portcullis {
namespace venue {
namespace {

constexpr std::int64_t kSecondNs = 1000000000;

}  // namespace

void Edge::close_if_due(Connection& connection) {
  if (connection.participant == nullptr || connection.state() != Connection::State::open) return;
  const unsigned session = connection.participant->index;
  for (const FaultKind kind : {FaultKind::drop, FaultKind::reset}) {
    if (faults_.use(kind, session) && !faults_.on(kind, session)) return close_connection(connection, kind);
  }
}

void Edge::close_now(const FaultLine& line) {
  for (const auto& connection : connections_) {
    if (connection->state() != Connection::State::open || connection->participant == nullptr) continue;
    const int session = static_cast<int>(connection->participant->index);
    if (line.session < 0 || line.session == session) close_connection(*connection, line.kind);
  }
}

void Edge::close_connection(Connection& connection, FaultKind how) {
  log_end(connection, how == FaultKind::reset ? "reset" : "drop", 0);
  if (how == FaultKind::reset) connection.reset();
  connection.disconnect();
  end_session(connection);
}

/// Ends a session as a venue does that says why: Logout with a text (none when empty), then FIN.
void Edge::say_farewell(Connection& connection, const char* how, const std::string& logout_text) {
  if (!logout_text.empty()) {
    FIX::Message logout;
    logout.getHeader().setField(FIX::FIELD::MsgType, "5");
    logout.setField(FIX::FIELD::Text, logout_text);
    connection.session->send(logout);
  }
  log_end(connection, how, 0);
  connection.disconnect();
  end_session(connection);
}

void Edge::cut_if_garbled(Connection& from) {
  if (from.participant == nullptr || from.state() != Connection::State::open) return;
  const std::int64_t how = faults_.argument(FaultKind::cut_on_garbled, from.participant->index);
  if (how < 0) return;
  say_farewell(from, "garbled", static_cast<Farewell>(how) == Farewell::logout ? "garbled message" : "");
}

/// Exact: a message is too many if the N-th last one that was let in came less than a second ago.
bool Edge::over_throttle(Connection& from, const Arrival& arrival) {
  const std::int64_t limit = faults_.argument(FaultKind::throttle, from.participant->index);
  if (limit < 0) return false;
  std::deque<std::int64_t>& recent_ns = recent_ns_[from.participant->index];
  const std::int64_t now_ns = monotonic_ns();
  while (!recent_ns.empty() && now_ns - recent_ns.front() >= kSecondNs) recent_ns.pop_front();
  if (static_cast<std::int64_t>(recent_ns.size()) < limit) {
    recent_ns.push_back(now_ns);
    return false;
  }
  log_unread("throttled", from, arrival.type, arrival);
  say_farewell(from, "throttle", "more than " + std::to_string(limit) + " messages a second");
  return true;
}

bool Edge::lost(Connection& from, const std::string& message, const Arrival& arrival) {
  if (is_admin(arrival.type) || is_poss_dup(message)) return false;
  if (!faults_.use(FaultKind::lose_in, from.participant->index)) return false;
  log_unread("lost", from, arrival.type, arrival);
  return true;
}

void Edge::ask_at_cancel(Connection& from, FaultKind moment, const Arrival& arrival) {
  if (from.participant == nullptr) return;
  const unsigned session = from.participant->index;
  const std::int64_t back = faults_.argument(moment, session);
  if (back < 0) return;
  FaultLine once;
  once.kind = moment;
  once.session = static_cast<int>(session);
  faults_.clear(once);
  const std::int64_t end = faults_.on(FaultKind::ask_bounded, session) ? arrival.seq_num : 0;
  (void)ask(session, std::max<std::int64_t>(arrival.seq_num - back, 1), end);
}

bool Edge::ask(unsigned session, std::int64_t begin, std::int64_t end) {
  Connection* const connection = connection_of(session);
  if (connection == nullptr) return false;
  const std::int64_t expected = connection->session->getExpectedTargetNum();
  FIX::Message request;
  request.getHeader().setField(FIX::FIELD::MsgType, "2");
  request.setField(FIX::FIELD::BeginSeqNo,
                   std::to_string(begin < 0 ? std::max<std::int64_t>(expected + begin, 1) : begin));
  request.setField(FIX::FIELD::EndSeqNo,
                   std::to_string(end < 0 ? std::max<std::int64_t>(expected + end, 1) : end));
  return connection->session->send(request);
}

bool Edge::skip(unsigned session, std::int64_t count) {
  Connection* const connection = connection_of(session);
  if (connection == nullptr) return false;
  const std::int64_t next = connection->session->getExpectedSenderNum();
  log_.event("skipped")
      .num("conn", connection->number())
      .str("session", connection->participant->spec.engine)
      .str("seq_num", std::to_string(next))
      .num("affected", count);
  connection->session->setNextSenderMsgSeqNum(static_cast<int>(next + count));
  return true;
}

Connection* Edge::connection_of(unsigned session) {
  for (const auto& connection : connections_)
    if (connection->session != nullptr && connection->participant->index == session &&
        connection->session->isLoggedOn())
      return connection.get();
  return nullptr;
}

void Edge::log_unread(const char* event, const Connection& from, const std::string& type,
                      const Arrival& arrival) {
  log_.event(event)
      .num("conn", from.number())
      .str("session", from.participant == nullptr ? "" : from.participant->spec.engine)
      .str("type", type)
      .str("seq_num", std::to_string(arrival.seq_num))
      .num("offset", static_cast<std::int64_t>(arrival.offset))
      .num("end", static_cast<std::int64_t>(arrival.end));
}

}  // namespace venue
}  // namespace portcullis
