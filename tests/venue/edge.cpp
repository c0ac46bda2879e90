// SPDX-License-Identifier: Apache-2.0
/// @file The edge's loop, and the way of a message from a connection to its session.
#include "tests/venue/edge.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <quickfix/Session.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace portcullis {
namespace venue {
namespace {

constexpr std::int64_t kTimerNs =
    250000000;  // QuickFIX counts whole seconds; a quarter keeps heartbeats on time
constexpr std::int64_t kFlushNs = 50000000;
constexpr std::int64_t kSlowTickMs = 10;

}  // namespace

Edge::Edge(Exchange& exchange, FIX::MessageStoreFactory& stores, const FIX::SessionSettings& settings,
           std::vector<Participant>& participants, Faults& faults, PollLoop& loop, LogWriter& log,
           std::uint32_t seed)
    : FIX::Acceptor(exchange, stores, settings),
      exchange_(exchange),
      participants_(participants),
      faults_(faults),
      loop_(loop),
      log_(log),
      spoiler_(faults, log, participants.size(), seed),
      recent_ns_(participants.size()) {}

Edge::~Edge() {
  if (listen_fd_ >= 0) close(listen_fd_);
}

int Edge::listen_on(int port, int receive_buffer_bytes) {
  listen_fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int yes = 1;
  setsockopt(listen_fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (receive_buffer_bytes > 0)
    setsockopt(listen_fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  socklen_t size = sizeof address;
  if (bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listen_fd_, 64) != 0 ||
      getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      !loop_.watch(listen_fd_, *this, EPOLLIN))
    return -1;
  return ntohs(address.sin_port);
}

void Edge::on_ready(std::uint32_t) {
  const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  const unsigned number = next_number_++;
  log_.event("connect").num("conn", number);
  connections_.emplace_back(new Connection(fd, number, *this, loop_, log_));
}

bool Edge::identify(Connection& connection, const std::string& message) {
  FIX::Session* const session = FIX::Session::lookupSession(message, true);
  Participant* const participant = session == nullptr ? nullptr : exchange_.find(session->getSessionID());
  if (participant == nullptr || participant->conn >= 0) {
    log_end(connection, participant == nullptr ? "unknown session" : "session already connected", 0);
    connection.disconnect();
    return false;
  }
  connection.participant = participant;
  connection.session = session;
  participant->conn = static_cast<int>(connection.number());
  session->setResponder(&connection);
  return true;
}

void Edge::on_message(Connection& from, const std::string& message, std::uint64_t offset, std::uint64_t end) {
  if (from.participant == nullptr && !identify(from, message)) return;
  Arrival arrival;
  arrival.conn = from.number();
  arrival.offset = offset;
  arrival.end = end;
  (void)find_field(message.data(), message.size(), 35, arrival.type);
  std::string seq_num;
  if (find_field(message.data(), message.size(), 34, seq_num) && seq_num.size() < 10)
    arrival.seq_num = std::atoll(seq_num.c_str());
  exchange_.arriving(arrival);
  ++from.participant->totals.messages;
  if (over_throttle(from, arrival) || lost(from, message, arrival)) return;
  const bool cancel = (arrival.type == "F" || arrival.type == "q") && !is_poss_dup(message);
  if (cancel) ask_at_cancel(from, FaultKind::ask_before, arrival);
  give_to_session(from, message, arrival);
  if (cancel) ask_at_cancel(from, FaultKind::ask_after, arrival);
  close_if_due(from);
}

void Edge::give_to_session(Connection& from, const std::string& message, const Arrival& arrival) {
  try {
    from.session->next(message, FIX::UtcTimeStamp());
  } catch (const FIX::InvalidMessage&) {  // garbled: dropped without counting it, as QuickFIX's acceptors do
    log_unread("garbled", from, arrival.type, arrival);
    cut_if_garbled(from);
    if (from.session != nullptr && !from.session->isLoggedOn()) from.session->disconnect();
  }
  if (from.session == nullptr || from.state() == Connection::State::open) return;
  log_end(from, "venue", 0);
  end_session(from);
}

void Edge::write_message(const Connection& to, const std::string& message, std::string& out) {
  if (to.participant == nullptr)
    out += message;
  else
    spoiler_.write(*to.participant, message, out);
}

void Edge::on_garbage(Connection& from, std::uint64_t offset, std::uint64_t end) {
  Arrival arrival;
  arrival.offset = offset;
  arrival.end = end;
  log_unread("garbage", from, "", arrival);
  cut_if_garbled(from);
}

void Edge::on_lost(Connection& connection, const char* how, int error) {
  log_end(connection, how, error);
  end_session(connection);
}

void Edge::log_end(const Connection& connection, const char* how, int error) {
  log_.event("disconnect")
      .num("conn", connection.number())
      .str("session", connection.participant == nullptr ? "" : connection.participant->spec.engine)
      .str("how", how)
      .num("errno", error)
      .num("received", static_cast<std::int64_t>(connection.received_bytes()));
}

/// QuickFIX calls onLogout from here, and with it comes the cancel on disconnect.
void Edge::end_session(Connection& connection) {
  if (connection.session == nullptr) return;
  connection.session->disconnect();
  recent_ns_[connection.participant->index].clear();
  connection.participant->conn = -1;
  connection.participant = nullptr;
  connection.session = nullptr;
}

std::size_t Edge::read_allowance(Connection& connection) {
  if (connection.participant == nullptr) return 1U << 20;
  const std::int64_t rate = faults_.argument(FaultKind::slow_read, connection.participant->index);
  if (rate < 0) return 1U << 20;
  const std::int64_t now_ns = monotonic_ns();
  const std::int64_t elapsed_ns = std::min<std::int64_t>(now_ns - connection.tokens_at_ns, 100000000);
  const std::int64_t earned = elapsed_ns * rate / 1000000000;
  if (earned > 0 || rate == 0) {
    connection.read_tokens =
        std::min(std::max<std::int64_t>(connection.read_tokens, 0) + earned, rate / 10 + 1);
    connection.tokens_at_ns = now_ns;
  }
  if (rate == 0) connection.read_tokens = 0;
  slow_ = true;
  return static_cast<std::size_t>(std::max<std::int64_t>(connection.read_tokens, 0));
}

void Edge::run_timers(std::int64_t now_ns) {
  if (now_ns >= timers_at_ns_) {
    timers_at_ns_ = now_ns + kTimerNs;
    for (const auto& connection : connections_) {
      if (connection->session == nullptr) continue;
      connection->session->next();
      if (connection->state() == Connection::State::open) continue;
      log_end(*connection, "timeout", 0);
      end_session(*connection);
    }
  }
  if (now_ns >= flush_at_ns_) {
    flush_at_ns_ = now_ns + kFlushNs;
    log_.flush();
  }
}

void Edge::settle_all(std::int64_t now_ns) {
  slow_ = false;
  for (const auto& connection : connections_) connection->settle(now_ns);
  connections_.erase(std::remove_if(connections_.begin(), connections_.end(),
                                    [](const std::unique_ptr<Connection>& connection) {
                                      return connection->state() == Connection::State::dead;
                                    }),
                     connections_.end());
}

int Edge::timeout_ms(std::int64_t now_ns, std::int64_t answers_due_ns) const {
  std::int64_t wait_ms = kFlushNs / 1000000;
  if (slow_) wait_ms = kSlowTickMs;
  for (const std::int64_t due_ns : {answers_due_ns, faults_.next_end_ns()})
    if (due_ns >= 0)
      wait_ms = std::min(wait_ms, std::max<std::int64_t>(0, (due_ns - now_ns + 999999) / 1000000));
  return static_cast<int>(wait_ms);
}

void Edge::onStart() {
  while (!stop_ && log_.ok()) {
    const std::int64_t now_ns = monotonic_ns();
    for (const std::string& over : faults_.expire(now_ns)) log_.event("fault_cleared").str("fault", over);
    run_timers(now_ns);
    const std::int64_t due_ns = exchange_.outbox().run(now_ns);
    settle_all(now_ns);
    loop_.round(timeout_ms(now_ns, due_ns));
  }
  for (const auto& connection : connections_) {
    if (connection->state() != Connection::State::open) continue;
    log_end(*connection, "shutdown", 0);
    if (connection->session != nullptr)
      connection->session->setResponder(nullptr);  // orders die with the venue
    connection->disconnect();
    connection->settle(monotonic_ns());
  }
  connections_.clear();
  log_.flush();
}

}  // namespace venue
}  // namespace portcullis
