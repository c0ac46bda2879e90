// SPDX-License-Identifier: Apache-2.0
/// @file The QuickFIX adapter: wraps a FIX::Application so that a QuickFIX 1.15.1 engine asks the gate.
/// Header-only over portcullis.h, C++14 only (QuickFIX's own headers are); link quickfix and portcullis. Both
/// initiators, both acceptors.
///   outbound  D, G: gate, then write; F, q: always. Lists, crosses, mass quotes: never (nothing here can
///   judge them). resends   no order and no replace is ever resent: it would leave outside the gate's exact
///   close. QuickFIX fills
///             the gap instead. Nor is one accepted while logged off: it would leave at the next logon.
///   inbound   reports are booked before the engine's callback; `processed` follows it.
///   session   registered at the Logon, before its first byte; ended before its socket closes.
/// Not witnessable (TLS, a Responder of your own) and configured as `kernel`: the session logs on, its orders
/// are vetoed. A flood of vetoed orders suppresses QuickFIX's heartbeats, so send() asks before QuickFIX sees
/// the order.
#pragma once
#if __cplusplus >= 201703L
#error "QuickFIX 1.15.1 has dynamic exception specifications: compile this translation unit as C++14"
#endif
#include <quickfix/Application.h>
#include <quickfix/Session.h>
#include <portcullis/hook.hpp>
#include <portcullis/quickfix/cancels.hpp>
#include <portcullis/quickfix/connection.hpp>
#include <portcullis/quickfix/fields.hpp>
#include <portcullis/quickfix/lanes.hpp>
#include <portcullis/quickfix/reports.hpp>

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace portcullis {

/// Answer of QuickFixApplication::send. True: the whole message was written, or queued by QuickFIX as
/// declared.
class SendResult {
 public:
  SendResult() : why_() {}
  explicit SendResult(const char* why) : why_(why) {}
  explicit SendResult(const pc_ticket& ticket) : why_(Reason(ticket).c_str()) {
    if (why_.empty()) why_ = pc_verdict_name(static_cast<pc_verdict>(ticket.verdict));
  }
  explicit operator bool() const { return why_.empty(); }
  /// "order_rate/10ms 51 > 50", "not logged on", ...; empty when sent.
  const std::string& why() const { return why_; }

 private:
  std::string why_;
};

class QuickFixApplication : public FIX::Application {
 public:
  /// Both must outlive this, and this the initiator.
  QuickFixApplication(FIX::Application& engine, Hook& hook)
      : engine_(engine), hook_(hook), lanes_(hook), reports_(lanes_), cancels_(lanes_) {}

  // ---- before the initiator starts
  /// One lane for everything; opened at once.
  void lane(const std::string& name) {
    lane_of_ = [name](const FIX::Message&) { return name.c_str(); };
    lanes_.open(name.c_str());
  }
  /// Which lane an order belongs to; also asked about reports of orders that the hook never saw.
  void lane(std::function<const char*(const FIX::Message&)> lane_of) { lane_of_ = std::move(lane_of); }
  /// The configuration's name of a session; without it the session's qualifier, else "SENDER-TARGET".
  void session(std::function<std::string(const FIX::SessionID&)> name_of) { name_of_ = std::move(name_of); }
  /// The parent order that an order works; without it orders have none.
  void parent(std::function<pc_parent_handle(const FIX::Message&)> parent_of) {
    parent_of_ = std::move(parent_of);
  }
  /// What this venue wants in a cancel beyond the usual (account, firm): asked for each, and for the
  /// templates.
  void cancel_fields(std::function<void(FIX::Message&)> complete) { cancels_.complete = std::move(complete); }
  /// The venue has 35=q: on a halt of every lane it is asked first, single cancels follow after 1 s.
  void mass_cancel(bool has_mass_cancel) { cancels_.mass_cancel = has_mass_cancel; }
  /// After the supervisor spoke on a session, its store goes on with the numbers of the record (default). False: the
  /// engine sees to that by itself; until its numbers agree, people cannot arm.
  void adopt_numbers(bool adopts) { adopts_numbers_ = adopts; }
  /// One more message type (35=H, ...) that may be sent on the engine's behalf, as the venue wants it.
  void sample(const FIX::Message& message) { cancels_.samples.push_back(message); }

  // ---- the engine's loop
  /// Asks the gate, then sends. Orders only from one thread per lane at a time; a second one is refused as
  /// busy.
  SendResult send(FIX::Message& message, const FIX::SessionID& session_id) {
    const std::string type = msg_type(message);
    quickfix::Flight flight;
    if (type == "D" || type == "G") {
      FIX::Session* session = FIX::Session::lookupSession(session_id);
      if (session == nullptr || !session->isLoggedOn()) return SendResult("not logged on");
      const SendResult asked = ask(message, type, session_id, flight);
      if (!asked) return asked;
    }
    const bool was_order = static_cast<bool>(flight);
    const FlightScope scope(flight);
    try {
      const bool taken = FIX::Session::sendToTarget(message, session_id);
      return taken && (!was_order || flight.written) ? SendResult()
                                                     : SendResult("vetoed by toApp, or not written");
    } catch (const FIX::SessionNotFound&) {
      return SendResult("no such session");
    }
  }

  /// Beats on every open lane, and cancels what the supervisor wants cancelled, paced, through the engine's
  /// own session.
  Command poll() {
    Command worst = Command::none;
    bool all_cancel = true;
    std::vector<quickfix::SharedLane*> cancelling;
    for (std::size_t i = 0; quickfix::SharedLane* lane = lanes_.at(i); ++i) {
      const Command command = lane->poll();
      if (command > worst) worst = command;
      if (command == Command::cancel)
        cancelling.push_back(lane);
      else
        all_cancel = false;
    }
    if (!all_cancel || cancelling.empty()) cancels_.calm();
    for (quickfix::SharedLane* lane : cancelling)
      cancels_.cancel_open(*lane, all_cancel, [this](FIX::Message cancel, const FIX::SessionID& session_id) {
        static_cast<void>(send(cancel, session_id));  // not sent: handed out again after 1 s
      });
    return worst;
  }

  /// The lane of that name, to open it (and owe its beats) before its first order; false if there is none.
  bool open_lane(const char* name) { return lanes_.open(name) != nullptr; }
  /// Whether the supervisor has that session's socket; orders are vetoed while it has not.
  bool witnessed(const FIX::SessionID& session_id) {
    quickfix::Connection* connection = connection_of(session_id, false);
    return connection != nullptr && connection->witnessed();
  }

// The base class has dynamic exception specifications, so its overriders must.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated"
  void onCreate(const FIX::SessionID& session_id) override { engine_.onCreate(session_id); }
  void onLogon(const FIX::SessionID& session_id) override { engine_.onLogon(session_id); }
  void onLogout(const FIX::SessionID& session_id) override {
    if (quickfix::Connection* connection = connection_of(session_id, false)) connection->end();
    engine_.onLogout(session_id);
  }
  void toAdmin(FIX::Message& message, const FIX::SessionID& session_id) override {
    engine_.toAdmin(message, session_id);
    if (msg_type(message) == "A") witness(message, session_id);
  }
  void toApp(FIX::Message& message, const FIX::SessionID& session_id) throw(FIX::DoNotSend) override {
    const std::string type = msg_type(message);
    const bool order = type == "D" || type == "G";
    const bool resent = quickfix::has_value(message.getHeader(), FIX::FIELD::PossDupFlag, 'Y');
    if (quickfix::is_unjudged_order(type) || (order && resent)) throw FIX::DoNotSend();
    engine_.toApp(message, session_id);
    if (resent) return;
    if (order) admit(message, type, session_id);
    if (type == "F") note_cancel(message, session_id);
  }
  void fromAdmin(const FIX::Message& message,
                 const FIX::SessionID& session_id) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat,
                                                         FIX::IncorrectTagValue, FIX::RejectLogon) override {
    const Processed processed(connection_of(session_id, false), message);
    if (msg_type(message) == "3") refused(message, session_id);
    engine_.fromAdmin(message, session_id);
  }
  void fromApp(const FIX::Message& message,
               const FIX::SessionID& session_id) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat,
                                                       FIX::IncorrectTagValue,
                                                       FIX::UnsupportedMessageType) override {
    const Processed processed(connection_of(session_id, false), message);
    const std::string type = msg_type(message);
    if (type == "8") reports_.execution_report(message, lane_for(message));
    if (type == "9") reports_.cancel_reject(message, lane_for(message));
    if (type == "j") refused(message, session_id);
    engine_.fromApp(message, session_id);
  }
#pragma GCC diagnostic pop

 private:
  /// Makes the flight known to this thread's toApp and Responder, and takes back what they did not write.
  class FlightScope {
   public:
    explicit FlightScope(quickfix::Flight& flight) : flight_(flight), outer_(quickfix::current_flight()) {
      quickfix::current_flight() = &flight;
    }
    ~FlightScope() {
      quickfix::current_flight() = outer_;
      flight_.settle(false);
    }
    FlightScope(const FlightScope&) = delete;
    FlightScope& operator=(const FlightScope&) = delete;

   private:
    quickfix::Flight& flight_;
    quickfix::Flight* outer_;
  };

  /// Says `processed` when the callback is over, however it ended: QuickFIX then counts the message as
  /// consumed.
  class Processed {
   public:
    Processed(quickfix::Connection* connection, const FIX::Message& message)
        : connection_(connection), upto_(0) {
      std::int64_t number = 0;
      if (quickfix::parse_field(message.getHeader(), FIX::FIELD::MsgSeqNum, 0, number)) upto_ = number;
      if (msg_type(message) == "4" && quickfix::parse_field(message, FIX::FIELD::NewSeqNo, 0, number))
        upto_ = number - 1;
    }
    ~Processed() {
      if (connection_ != nullptr && upto_ > 0) connection_->processed(static_cast<std::uint64_t>(upto_));
    }
    Processed(const Processed&) = delete;
    Processed& operator=(const Processed&) = delete;

   private:
    quickfix::Connection* connection_;
    std::int64_t upto_;
  };

  static std::string msg_type(const FIX::Message& message) { return quickfix::msg_type(message); }
  quickfix::SharedLane* lane_for(const FIX::Message& message) {
    const char* name = lane_of_ ? lane_of_(message) : nullptr;
    return name == nullptr ? nullptr : lanes_.open(name);
  }
  quickfix::Connection* connection_of(const FIX::SessionID& session_id, bool create) {
    std::lock_guard<std::mutex> hold(mutex_);
    const auto found = connections_.find(session_id);
    if (found != connections_.end()) return found->second.get();
    if (!create) return nullptr;
    return (connections_[session_id] = std::unique_ptr<quickfix::Connection>(new quickfix::Connection()))
        .get();
  }

  /// Asks the gate; on a pass the flight holds the order.
  SendResult ask(const FIX::Message& message, const std::string& type, const FIX::SessionID& session_id,
                 quickfix::Flight& flight) {
    quickfix::OrderFields fields;
    quickfix::SharedLane* lane = lane_for(message);
    if (lane == nullptr) return SendResult("no lane for this order");
    if (!quickfix::read_order(message, fields)) return SendResult("an order that cannot be read");
    pc_ticket ticket = pc_ticket();
    if (type == "G") {
      lane = lanes_.holding(fields.orig_cl_ord_id, lane);
      const pc_order_handle open = lane->find(fields.orig_cl_ord_id);
      if (open == 0) return SendResult("a replace of an order that is not open");
      ticket = lane->replace(replace_request(fields, open), session_id);
    } else {
      ticket = lane->submit(new_order(fields, message), session_id);
    }
    if (ticket.verdict != PC_PASS) return SendResult(ticket);
    lanes_.note(fields.cl_ord_id, lane);
    flight.lane = lane;
    flight.order = ticket.order;
    flight.fields = fields;
    return SendResult();
  }
  pc_order new_order(const quickfix::OrderFields& fields, const FIX::Message& message) {
    pc_order order = pc_order();
    order.size = sizeof order;
    order.instrument = lanes_.instrument(fields.symbol);
    order.cl_ord_id = Text(fields.cl_ord_id).raw();
    order.order_qty = fields.order_qty;
    order.px_e8 = fields.px_e8;
    order.stop_px_e8 = fields.stop_px_e8;
    order.parent = parent_of_ ? parent_of_(message) : 0;
    order.side = fields.side;
    order.ord_type = fields.ord_type;
    order.tif = fields.tif;
    return order;
  }
  static pc_replace_request replace_request(const quickfix::OrderFields& fields, pc_order_handle open) {
    pc_replace_request request = pc_replace_request();
    request.size = sizeof request;
    request.order = open;
    request.cl_ord_id = Text(fields.cl_ord_id).raw();
    request.order_qty = fields.order_qty;
    request.px_e8 = fields.px_e8;
    return request;
  }

  /// toApp's second line, under the session's mutex: logged on, witnessed, and exactly the order that the
  /// gate passed (the engine's own toApp may have changed it since). An order that came around send() is
  /// asked for here.
  void admit(const FIX::Message& message, const std::string& type, const FIX::SessionID& session_id) {
    quickfix::Connection* connection = connection_of(session_id, false);
    FIX::Session* session = FIX::Session::lookupSession(session_id);
    if (connection == nullptr || session == nullptr) throw FIX::DoNotSend();
    connection->around().settle(false);
    quickfix::OrderFields fields;
    if (!connection->witnessed() || !session->isLoggedOn() || !quickfix::read_order(message, fields))
      throw FIX::DoNotSend();
    const quickfix::Flight* asked = quickfix::current_flight();
    const bool passed = asked != nullptr && *asked && asked->fields.cl_ord_id == fields.cl_ord_id;
    if (passed && !(asked->fields == fields)) throw FIX::DoNotSend();
    if (!passed && !ask(message, type, session_id, connection->around())) throw FIX::DoNotSend();
    remember(*connection, message, type[0], fields.cl_ord_id, fields.orig_cl_ord_id);
  }
  static void remember(quickfix::Connection& connection, const FIX::Message& message, char type,
                       const std::string& id, const std::string& orig) {
    std::int64_t seq_num = 0;
    if (quickfix::parse_field(message.getHeader(), FIX::FIELD::MsgSeqNum, 0, seq_num) && seq_num > 0)
      connection.remember(static_cast<std::uint64_t>(seq_num), type, id, orig);
  }
  void note_cancel(const FIX::Message& message, const FIX::SessionID& session_id) {
    const std::string* id = quickfix::field(message, FIX::FIELD::ClOrdID);
    const std::string* orig = quickfix::field(message, FIX::FIELD::OrigClOrdID);
    if (id == nullptr || orig == nullptr) return;
    if (quickfix::SharedLane* lane = lanes_.holding(*orig, nullptr)) lane->cancel(*orig, *id);
    if (quickfix::Connection* connection = connection_of(session_id, false))
      remember(*connection, message, 'F', *id, *orig);
  }
  /// 35=3 and 35=j name the message by its number (45), j perhaps by its ClOrdID (379).
  void refused(const FIX::Message& message, const FIX::SessionID& session_id) {
    quickfix::Connection* connection = connection_of(session_id, false);
    quickfix::SentMessage sent;
    std::int64_t seq_num = 0;
    const bool numbered = quickfix::parse_field(message, FIX::FIELD::RefSeqNum, 0, seq_num) && seq_num > 0;
    if (connection != nullptr && numbered && connection->recall(static_cast<std::uint64_t>(seq_num), sent))
      return reports_.refused(sent);
    const std::string* id = quickfix::field(message, FIX::FIELD::BusinessRejectRefID);
    if (id != nullptr) reports_.refused(*id);
  }

  /// At the Logon, under the session's mutex, before its first byte: the supervisor gets the socket, we the
  /// writing.
  void witness(FIX::Message& logon, const FIX::SessionID& session_id) {
    FIX::Session* session = FIX::Session::lookupSession(session_id);
    if (session == nullptr) return;
    FIX::Responder*& responder = quickfix::responder_of(*session);
    quickfix::Connection& connection = *connection_of(session_id, true);
    if (responder == nullptr || connection.is_before(responder)) return;
    const std::string name = session_name(session_id);
    connection.open(*responder, [&](int fd) { return hook_.session(name.c_str(), fd); });
    responder = &connection;
    adopt_numbers(logon, *session, connection);
    if (connection.witnessed())
      for (const std::string& text : cancels_.templates(logon, session_id.getBeginString().getValue()))
        connection.add_template(text);
    else
      session->getLog()->onEvent("Portcullis: session " + name +
                                 " is not witnessed, its orders are vetoed: " + hook_.why());
  }
  /// The supervisor spoke on this session while the engine was dead or stopped: the store goes on behind it. A Logon that
  /// resets needs nothing. Called before the Logon is stored, so that it goes out, and is kept, under its right number.
  void adopt_numbers(FIX::Message& logon, FIX::Session& session, quickfix::Connection& connection) const {
    const std::uint64_t kMost = std::numeric_limits<int>::max();
    std::uint64_t next_out = 0, next_in = 0;
    const bool resets = quickfix::has_value(logon, FIX::FIELD::ResetSeqNumFlag, 'Y');
    const bool handed = connection.numbers(next_out, next_in) && next_out <= kMost && next_in <= kMost;
    if (handed && !resets && adopts_numbers_) {
      session.getLog()->onEvent("Portcullis: goes on with MsgSeqNum " + std::to_string(next_out) + " out, " +
                                std::to_string(next_in) + " in, as the supervisor left the session");
      session.setNextSenderMsgSeqNum(static_cast<int>(next_out));
      session.setNextTargetMsgSeqNum(static_cast<int>(next_in));
      logon.getHeader().setField(FIX::MsgSeqNum(static_cast<int>(next_out)));
    }
    connection.processed(static_cast<std::uint64_t>(session.getExpectedTargetNum() - 1));
  }
  std::string session_name(const FIX::SessionID& session_id) const {
    if (name_of_) return name_of_(session_id);
    if (!session_id.getSessionQualifier().empty()) return session_id.getSessionQualifier();
    return session_id.getSenderCompID().getValue() + "-" + session_id.getTargetCompID().getValue();
  }
  FIX::Application& engine_;
  Hook& hook_;
  quickfix::Lanes lanes_;
  quickfix::Reports reports_;
  quickfix::Cancels cancels_;
  std::function<const char*(const FIX::Message&)> lane_of_;
  std::function<std::string(const FIX::SessionID&)> name_of_;
  std::function<pc_parent_handle(const FIX::Message&)> parent_of_;
  bool adopts_numbers_ = true;
  std::mutex mutex_;
  std::map<FIX::SessionID, std::unique_ptr<quickfix::Connection>> connections_;
};

}  // namespace portcullis
