// SPDX-License-Identifier: Apache-2.0
/// @file What a judge asks of the venue's log about one session: which orders were received whole and where,
/// how each ended and why, what came after a cancel of another speaker, what was sent again, filled over,
/// garbled, and whether a logon was accepted without a sequence problem. Derived from the raw bytes and the
/// events and from nothing the engine or the supervisor says. Everything points into the log, which must
/// outlive the judge.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/venue/venue_log.hpp"

namespace portcullis::venue {

/// A message and the connection that received it.
struct InStream {
  const VenueConnection* connection = nullptr;
  const VenueMessage* message = nullptr;
  explicit operator bool() const { return message != nullptr; }
  /// The value of a field, empty when there is none.
  [[nodiscard]] std::string field(int tag) const;
};

/// How an order ended, as the venue's book has it.
enum class OrderEnd : std::uint8_t {
  open,
  filled,
  cancelled,
  refused,    ///< an ExecutionReport with 39=8
  not_acted,  ///< received whole, but neither taken nor refused
};

/// One ClOrdID of a NewOrderSingle that was received whole and intact.
struct JudgedOrder {
  std::string cl_ord_id;         ///< ClOrdID (11) as first sent
  std::string last_cl_ord_id;    ///< after the replaces that the venue took
  std::vector<InStream> copies;  ///< in order of receipt, PossDup ones too; never empty
  std::int64_t order_id = -1;    ///< OrderID (37); -1 when it was not taken
  std::int64_t cum_qty = 0;      ///< CumQty (14)
  OrderEnd end = OrderEnd::not_acted;
  /// cancelled: cancel, mass_cancel, disconnect or unfilled. refused: Text (58). not_acted: swallowed, lost,
  /// throttled, request (the session level refused it) or unread (behind a gap, or after the end of the
  /// session).
  std::string reason;
  std::int64_t end_time_ns = 0;  ///< when it ended; 0 while it is open or was not taken

  [[nodiscard]] std::uint64_t offset() const { return copies.front().message->offset; }
  [[nodiscard]] std::uint64_t end_offset() const { return copies.front().message->end; }
  [[nodiscard]] std::int64_t seq_num() const { return copies.front().message->seq_num; }
};

/// One line about an order, for a test that fails.
[[nodiscard]] std::string text_of(const JudgedOrder& order);

/// A SequenceReset (35=4) of the engine's side.
struct JudgedReset {
  InStream place;
  std::int64_t new_seq_no = -1;  ///< NewSeqNo (36)
  bool gap_fill = false;         ///< GapFillFlag (123)
};

/// Bytes that the venue dropped without counting a message.
struct JudgedGarbled {
  unsigned conn = 0;
  std::uint64_t offset = 0;
  std::uint64_t end = 0;
  bool framed = false;  ///< a whole message with a wrong length or CheckSum; otherwise bytes between messages
  std::int64_t seq_num = -1;  ///< of a framed one, when it is legible
};

/// A Logon (35=A) and what became of it.
struct JudgedLogon {
  InStream place;
  std::int64_t expected = -1;  ///< the MsgSeqNum that the venue expected, after any reset; -1 when refused
  bool reset = false;          ///< ResetSeqNumFlag (141)
  bool accepted = false;
  int venue_asked = 0;     ///< ResendRequests of the venue on that connection
  int engine_asked = 0;    ///< ResendRequests of the engine's side on it
  std::string logged_out;  ///< Text (58) of the venue's Logout on it
  /// Accepted without a sequence problem in either direction, as long as that connection lived.
  [[nodiscard]] bool clean() const;
};

class VenueJudge {
 public:
  /// `session` is the engine's SenderCompID.
  VenueJudge(const VenueLog& log, std::string session);

  /// Every order that was received whole, in the order of their first copies.
  [[nodiscard]] const std::vector<JudgedOrder>& orders() const { return orders_; }
  /// By any ClOrdID that the order ever had; nullptr for one that was not received whole.
  [[nodiscard]] const JudgedOrder* order(const std::string& cl_ord_id) const;
  /// Those that ended so.
  [[nodiscard]] std::vector<const JudgedOrder*> ended(OrderEnd end) const;

  /// The first message that satisfies `wanted`; none: false in a condition. Garbled ones are not asked about.
  [[nodiscard]] InStream first(const std::function<bool(const VenueMessage&)>& wanted) const;
  /// The first cancel (F or q) whose ClOrdID begins so: where another speaker than the engine begins.
  [[nodiscard]] InStream first_cancel(std::string_view cl_ord_id_prefix) const;
  /// Orders and replaces (D, G), intact, that begin at or after that place, on its connection or a later one.
  [[nodiscard]] std::vector<InStream> orders_after(const InStream& place) const;

  /// Messages with PossDupFlag.
  [[nodiscard]] std::vector<InStream> poss_dups() const;
  [[nodiscard]] std::vector<JudgedReset> sequence_resets() const;
  [[nodiscard]] std::vector<JudgedGarbled> garbled() const;
  [[nodiscard]] std::vector<JudgedLogon> logons() const;

 private:
  [[nodiscard]] std::vector<InStream> all(const std::function<bool(const VenueMessage&)>& wanted) const;
  void collect_orders();
  void follow_events();
  void follow_exec(const VenueEvent& event);
  void explain_unacted();
  JudgedOrder* find(const std::string& cl_ord_id);

  const VenueLog& log_;
  std::string session_;
  std::vector<const VenueConnection*> connections_;
  std::vector<JudgedOrder> orders_;
  std::unordered_map<std::string, std::size_t> by_id_;         // every ClOrdID -> place in orders_
  std::unordered_map<std::int64_t, std::size_t> by_order_id_;  // OrderID -> place in orders_
};

}  // namespace portcullis::venue
