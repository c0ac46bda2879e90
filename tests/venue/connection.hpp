// SPDX-License-Identifier: Apache-2.0
/// @file One TCP connection of an engine: the peer whose kernel acks the engine's bytes, so nothing stands
/// between the two and a reset is seen as a reset. Every byte goes to the log before anybody acts upon it.
/// QuickFIX's session sends through it as its Responder. States: open -> closing (the session is over, our
/// last bytes go out) -> draining (FIN sent; what still comes in is logged but not acted upon) -> dead. A
/// lost or reset connection goes from open to dead at once.
#pragma once
#include <quickfix/Responder.h>

#include <cstdint>
#include <string>

#include "tests/venue/fix_scan.hpp"
#include "tests/venue/log_writer.hpp"
#include "tests/venue/poll_loop.hpp"

namespace FIX {
class Session;
}

namespace portcullis {
namespace venue {

struct Participant;
class Connection;

/// Who acts upon a connection: the edge.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() {}
  /// A whole message stands at [offset, end) of the stream.
  virtual void on_message(Connection& from, const std::string& message, std::uint64_t offset,
                          std::uint64_t end) = 0;
  /// The bytes [offset, end) of the stream belong to no message and were dropped.
  virtual void on_garbage(Connection& from, std::uint64_t offset, std::uint64_t end) = 0;
  /// Appends to `out` the bytes that go out for a message of the session.
  virtual void write_message(const Connection& to, const std::string& message, std::string& out) = 0;
  /// The peer is gone: `how` is "fin" or "rst". The connection is dead.
  virtual void on_lost(Connection& connection, const char* how, int error) = 0;
  /// How many bytes may be read now.
  virtual std::size_t read_allowance(Connection& connection) = 0;
};

class Connection : public FIX::Responder, public Watched {
 public:
  enum class State : std::uint8_t { open, closing, draining, dead };

  Connection(int fd, unsigned number, ConnectionOwner& owner, PollLoop& loop, LogWriter& log);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  unsigned number() const { return number_; }
  State state() const { return state_; }
  std::uint64_t received_bytes() const { return received_bytes_; }

  bool send(const std::string& message) override;
  /// Ends the session: what was sent goes out, then FIN.
  void disconnect() override;
  /// Closes by RST, throwing away what is queued in both directions.
  void reset();
  void on_ready(std::uint32_t events) override;
  /// Once a round: writes what was queued, and sets what to wait for. A draining connection ends at its
  /// deadline.
  void settle(std::int64_t now_ns);

  Participant* participant = nullptr;  ///< known after its first message
  FIX::Session* session = nullptr;
  std::int64_t read_tokens = 0;  ///< the edge's, for slow reading
  std::int64_t tokens_at_ns = 0;

 private:
  void read_some();
  void act_upon_messages();
  void drain_after_error();
  void write_out();
  void die();
  int fd_;
  unsigned number_;
  ConnectionOwner& owner_;
  PollLoop& loop_;
  LogWriter& log_;
  State state_ = State::open;
  std::string in_;  // bytes not yet part of a message
  std::uint64_t received_bytes_ = 0;
  std::string out_;
  std::size_t out_at_ = 0;  // bytes before it are sent
  std::int64_t drain_until_ns_ = 0;
};

}  // namespace venue
}  // namespace portcullis
