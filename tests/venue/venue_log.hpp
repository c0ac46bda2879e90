// SPDX-License-Identifier: Apache-2.0
/// @file Reads what portcullis_venue logged: the oracle that every process test and the demonstration compare
/// with. Messages are derived from the raw bytes, so an offset here is an offset of the engine's stream. To
/// read the log of a running venue ask it to `flush` first; what is not whole yet is left out.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::venue {

/// One message that a connection received.
struct VenueMessage {
  std::uint64_t offset = 0;     ///< first byte in the connection's stream
  std::uint64_t end = 0;        ///< one past the last byte
  std::string type;             ///< MsgType (35)
  std::string cl_ord_id;        ///< ClOrdID (11)
  std::string orig_cl_ord_id;   ///< OrigClOrdID (41)
  std::string symbol;           ///< Symbol (55)
  std::int64_t seq_num = -1;    ///< MsgSeqNum (34); -1 when missing
  std::int64_t order_qty = -1;  ///< OrderQty (38); -1 when missing or not whole
  char side = '\0';             ///< Side (54), '\0' when missing
  bool poss_dup = false;        ///< PossDupFlag (43)
  bool intact = false;          ///< BodyLength and CheckSum are right; the venue drops the others
  std::int64_t time_ns = 0;     ///< CLOCK_MONOTONIC of the read that brought its last byte
};

/// One read of a connection's socket.
struct VenueRead {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t time_ns = 0;
};

struct VenueConnection {
  unsigned number = 0;
  std::string session;  ///< the engine's SenderCompID (49), from its first message; empty without one
  std::string bytes;    ///< everything received
  std::vector<VenueRead> reads;
  std::vector<VenueMessage> messages;
};

/// One line of events.jsonl. `event` is one of: connect, logon, logout, disconnect, request, swallowed, exec,
/// cancel_reject, mass_cancel, message_reject, cancel_on_disconnect, garbled, garbage, fault, fault_cleared,
/// quote.
struct VenueEvent {
  std::int64_t time_ns = 0;
  std::string event;
  int conn = -1;  ///< -1 when the session had no connection
  std::string session;
  std::string type;  ///< request, swallowed: MsgType; message_reject: 3 or j
  std::string what;  ///< exec: taken, traded, cancelled, replaced, refused, pending_cancel, status
  std::string how;   ///< disconnect: fin, rst (by the engine); drop, reset, venue, timeout, shutdown (by us)
  std::string cl_ord_id;
  std::string orig_cl_ord_id;
  std::string ord_status;      ///< exec, cancel_reject: OrdStatus (39)
  std::string text;            ///< exec, mass_cancel, message_reject: Text (58); fault: the line
  std::string why;             ///< exec, cancelled: cancel, mass_cancel, disconnect, unfilled
  std::int64_t seq_num = -1;   ///< request, swallowed: MsgSeqNum; message_reject: RefSeqNum
  std::int64_t order_id = -1;  ///< exec: OrderID (37); 0 for an order that was refused
  std::int64_t reason = -1;    ///< cancel_reject: CxlRejReason (102); message_reject: 373 or 380
  std::int64_t offset = -1;    ///< request: place of the message; -1 when it waited behind a sequence gap
  std::int64_t end = -1;
  std::int64_t last_qty = 0;
  std::int64_t last_px_e8 = 0;
  std::int64_t cum_qty = 0;
  std::int64_t affected = 0;        ///< mass_cancel
  std::int64_t received_bytes = 0;  ///< disconnect
  int error = 0;                    ///< disconnect: errno, 0 for FIN
};

struct VenueLog {
  std::vector<VenueConnection> connections;  ///< that sent at least one byte, by number
  std::vector<VenueEvent> events;            ///< in the order they happened

  /// Reads DIR. A file that is missing reads as empty; a malformed event line is left out.
  [[nodiscard]] static VenueLog read(const std::string& dir);
  /// The connections of one session, in order.
  [[nodiscard]] std::vector<const VenueConnection*> of_session(std::string_view session) const;
  /// The events of one kind; of one session unless that is empty.
  [[nodiscard]] std::vector<const VenueEvent*> all(std::string_view event,
                                                   std::string_view session = {}) const;
};

/// The messages in one connection's raw bytes, in order, without times. Stops where the last one is not
/// whole.
[[nodiscard]] std::vector<VenueMessage> parse_messages(std::string_view bytes);

}  // namespace portcullis::venue
