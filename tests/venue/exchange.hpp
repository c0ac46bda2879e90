// SPDX-License-Identifier: Apache-2.0
/// @file The exchange behind the FIX sessions: takes requests, matches, answers, cancels on disconnect, logs
/// each event. Runs in the edge's one thread: what the edge hands over is done, answered and logged before
/// the next byte is read. Requests: D, F, G, q, H. Anything else of the application level gets a
/// BusinessMessageReject (35=j) from QuickFIX. Every session trades only its own orders; nobody is prevented
/// from trading with himself.
#pragma once
#include <quickfix/Application.h>
#include <quickfix/Message.h>

#include <string>
#include <vector>

#include "tests/venue/book.hpp"
#include "tests/venue/faults.hpp"
#include "tests/venue/log_writer.hpp"
#include "tests/venue/outbox.hpp"
#include "tests/venue/participant.hpp"
#include "tests/venue/reports.hpp"

namespace portcullis {
namespace venue {

/// Where the message that is being handled stands in its connection's stream.
struct Arrival {
  unsigned conn = 0;
  std::uint64_t offset = 0;   ///< first byte
  std::uint64_t end = 0;      ///< one past the last byte
  std::int64_t seq_num = -1;  ///< MsgSeqNum (34)
  std::string type;           ///< MsgType (35)
};

/// QuickFIX's name of a participant's session, from the venue's side.
FIX::SessionID session_id(const Participant& participant);

class Exchange : public FIX::Application {
 public:
  Exchange(std::vector<Participant>& participants, Book& book, const Faults& faults, LogWriter& log,
           std::uint32_t seed);
  /// Says where the message comes from that the edge is about to give to its QuickFIX session.
  void arriving(const Arrival& arrival) { arrival_ = arrival; }
  /// The participant of a QuickFIX session, or nullptr.
  Participant* find(const FIX::SessionID& id);
  Outbox& outbox() { return outbox_; }

  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID& id) override;
  void onLogout(const FIX::SessionID& id) override;
  void toAdmin(FIX::Message& message, const FIX::SessionID& id) override;
  void toApp(FIX::Message& message, const FIX::SessionID& id) throw(FIX::DoNotSend) override;
  void fromAdmin(const FIX::Message& message,
                 const FIX::SessionID& id) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat,
                                                 FIX::IncorrectTagValue, FIX::RejectLogon) override;
  void fromApp(const FIX::Message& message,
               const FIX::SessionID& id) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat,
                                               FIX::IncorrectTagValue, FIX::UnsupportedMessageType) override;

 private:
  void log_sent(const char* event, const FIX::Message& message, const FIX::SessionID& id);
  void log_request(const Participant& from, const FIX::Message& message, const std::string& type,
                   const char* event);
  // exchange_requests.cpp: one function per request
  void new_order(Participant& from, const FIX::Message& message);
  void cancel(Participant& from, const FIX::Message& message);
  void replace(Participant& from, const FIX::Message& message);
  void mass_cancel(Participant& from, const FIX::Message& message);
  void status(Participant& from, const FIX::Message& message);
  void mass_cancel_one(Participant& from, Order& order);
  Order* find_for_change(Participant& from, const FIX::Message& message, CancelReject& reject);
  // exchange_refusals.cpp: what is refused before it is looked at as an order
  bool refused_unread(Participant& from, const FIX::Message& message, const std::string& type);
  bool lacks_tag(Participant& from, const FIX::Message& message, const std::string& type);
  bool too_long(const Participant& from, const std::string& cl_ord_id) const;
  void refuse_order(Participant& from, Order& order, int reason, const std::string& why);
  void refuse_mass_cancel(Participant& from, MassCancelAnswer answer, int reason, const std::string& why);
  void reject_message(Participant& to, const FIX::Message& message, int ref_tag, int reason,
                      const std::string& why);

  /// Logs what happened to an order; `why` names what cancelled it.
  std::string log_exec(const Order& order, const Report& report, const char* why);
  void report(const Order& order, const Report& report, const char* why = "");
  void report_fills(const std::vector<Fill>& fills);
  void cancel_and_report(Order& order, const std::string& cl_ord_id, const std::string& orig_cl_ord_id,
                         const char* why);
  void report_mass_cancel(Participant& to, const MassCancelAnswer& answer);
  void reject_cancel(Participant& to, const CancelReject& reject);
  void cancel_on_disconnect(Participant& participant);

  std::vector<Participant>& participants_;
  Book& book_;
  const Faults& faults_;
  LogWriter& log_;
  Outbox outbox_;
  Arrival arrival_;
  std::int64_t logon_expected_ = -1;  // the number that the Logon under way should carry
  bool logon_reset_ = false;          // its ResetSeqNumFlag (141)
  std::int64_t last_exec_id_ = 0;
};

}  // namespace venue
}  // namespace portcullis
