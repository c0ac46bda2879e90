// SPDX-License-Identifier: Apache-2.0
/// @file The venue's edge: a QuickFIX Acceptor of our own on one loopback port. It accepts connections, gives
/// whole messages to their QuickFIX sessions, runs their timers, and carries out the faults that concern a
/// connection or its sequence numbers (edge_faults.cpp). One thread: the log's order is the order in which
/// things were acted upon.
#pragma once
#include <quickfix/Acceptor.h>

#include <deque>
#include <memory>
#include <vector>

#include "tests/venue/connection.hpp"
#include "tests/venue/control.hpp"
#include "tests/venue/exchange.hpp"
#include "tests/venue/spoiler.hpp"

namespace portcullis {
namespace venue {

class Edge : public FIX::Acceptor, public Actions, public ConnectionOwner, public Watched {
 public:
  Edge(Exchange& exchange, FIX::MessageStoreFactory& stores, const FIX::SessionSettings& settings,
       std::vector<Participant>& participants, Faults& faults, PollLoop& loop, LogWriter& log,
       std::uint32_t seed);
  ~Edge() override;
  /// Binds 127.0.0.1:`port`, 0 for any. `receive_buffer_bytes` 0 leaves the kernel's choice. The port, or -1
  /// (errno).
  int listen_on(int port, int receive_buffer_bytes);
  /// Ends block() after the current round.
  void request_stop() { stop_ = true; }

  void close_now(const FaultLine& line) override;
  bool ask(unsigned session, std::int64_t begin, std::int64_t end) override;
  bool skip(unsigned session, std::int64_t count) override;
  void on_message(Connection& from, const std::string& message, std::uint64_t offset,
                  std::uint64_t end) override;
  void on_garbage(Connection& from, std::uint64_t offset, std::uint64_t end) override;
  void write_message(const Connection& to, const std::string& message, std::string& out) override;
  void on_lost(Connection& connection, const char* how, int error) override;
  std::size_t read_allowance(Connection& connection) override;
  void on_ready(std::uint32_t events) override;

 private:
  void onStart() override;
  bool onPoll(double) override { return false; }
  void onStop() override { stop_ = true; }

  bool identify(Connection& connection, const std::string& message);
  void give_to_session(Connection& from, const std::string& message, const Arrival& arrival);
  // edge_faults.cpp
  void close_if_due(Connection& connection);
  void close_connection(Connection& connection, FaultKind how);
  void say_farewell(Connection& connection, const char* how, const std::string& logout_text);
  void cut_if_garbled(Connection& from);
  bool over_throttle(Connection& from, const Arrival& arrival);
  bool lost(Connection& from, const std::string& message, const Arrival& arrival);
  void ask_at_cancel(Connection& from, FaultKind moment, const Arrival& arrival);
  Connection* connection_of(unsigned session);
  void log_unread(const char* event, const Connection& from, const std::string& type, const Arrival& arrival);

  void log_end(const Connection& connection, const char* how, int error);
  void end_session(Connection& connection);
  void run_timers(std::int64_t now_ns);
  void settle_all(std::int64_t now_ns);
  int timeout_ms(std::int64_t now_ns, std::int64_t answers_due_ns) const;

  Exchange& exchange_;
  std::vector<Participant>& participants_;
  Faults& faults_;
  PollLoop& loop_;
  LogWriter& log_;
  Spoiler spoiler_;
  std::vector<std::unique_ptr<Connection>> connections_;
  int listen_fd_ = -1;
  unsigned next_number_ = 0;
  std::int64_t timers_at_ns_ = 0;
  std::int64_t flush_at_ns_ = 0;
  std::vector<std::deque<std::int64_t>> recent_ns_;  // by session, for `throttle`
  bool slow_ = false;                                // some connection waits for its reading allowance
  bool stop_ = false;
};

}  // namespace venue
}  // namespace portcullis
