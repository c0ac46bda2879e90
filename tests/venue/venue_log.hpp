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

/// One line of events.jsonl. `event` is one of: connect, logon, logout, disconnect, request, exec,
/// cancel_reject, mass_cancel, message_reject, cancel_on_disconnect, fault, fault_cleared, quote; what was
/// received but kept from the session, with its place: garbled, garbage (no message at all), lost, throttled,
/// and from the exchange: swallowed; what the session said by itself: admin_out (2, 3, 4, 5), resent,
/// skipped; what did not go out: lost_out.
struct VenueEvent {
  std::int64_t time_ns = 0;
  std::string event;
  int conn = -1;  ///< -1 when the session had no connection
  std::string session;
  std::string type;  ///< MsgType (35), of the message received or sent
  std::string what;  ///< exec: taken, traded, cancelled, replaced, refused, pending_cancel, status
  std::string how;  ///< disconnect: fin, rst (by the engine); drop, reset, garbled, throttle, venue, timeout,
                    ///< shutdown (by us)
  std::string cl_ord_id;
  std::string orig_cl_ord_id;
  std::string ord_status;          ///< exec, cancel_reject: OrdStatus (39)
  std::string text;                ///< exec, mass_cancel, message_reject: Text (58); fault: the line
  std::string why;                 ///< exec, cancelled: cancel, mass_cancel, disconnect, unfilled
  std::int64_t seq_num = -1;       ///< MsgSeqNum (34), of the message received or sent; skipped: the first
  std::int64_t ref_seq_num = -1;   ///< message_reject, admin_out of 35=3: RefSeqNum (45)
  std::int64_t begin_seq_no = -1;  ///< admin_out of 35=2: BeginSeqNo (7)
  std::int64_t end_seq_no = -1;    ///< admin_out of 35=2: EndSeqNo (16)
  std::int64_t new_seq_no = -1;    ///< admin_out of 35=4: NewSeqNo (36)
  std::int64_t expected = -1;      ///< logon: the MsgSeqNum that the venue expected, after any reset
  bool reset = false;              ///< logon: ResetSeqNumFlag (141)
  std::int64_t order_id = -1;      ///< exec: OrderID (37); 0 for an order that was refused
  std::int64_t reason = -1;        ///< cancel_reject: CxlRejReason (102); message_reject: 373 or 380
  std::int64_t offset = -1;        ///< place of what was received; -1 for a request that waited behind a gap
  std::int64_t end = -1;
  std::int64_t last_qty = 0;
  std::int64_t last_px_e8 = 0;
  std::int64_t cum_qty = 0;
  std::int64_t affected = 0;        ///< mass_cancel: orders; skipped: numbers
  std::int64_t received_bytes = 0;  ///< disconnect
  int error = 0;                    ///< disconnect: errno, 0 for FIN
};

/// Reads one line of events.jsonl. False, `out` untouched, for anything that the venue does not write.
[[nodiscard]] bool parse_event(std::string_view line, VenueEvent& out);

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
