// SPDX-License-Identifier: Apache-2.0
/// @file QuickFIX as the run-away engine uses it.
#include "integration/examples/runaway/fix_engine.hpp"

#include <quickfix/FileStore.h>
#include <quickfix/SessionSettings.h>
#include <quickfix/SocketInitiator.h>
#include <quickfix/ThreadedSocketInitiator.h>

#include "integration/examples/fix_wire.hpp"

namespace portcullis {
namespace examples {
namespace {

constexpr int kSecondsPerDay = 86400;

std::string part(const std::string& session, bool sender) {
  const std::size_t colon = session.find(':');
  if (colon == std::string::npos) return sender ? session : "VENUE";
  return sender ? session.substr(0, colon) : session.substr(colon + 1);
}

/// QuickFIX resets a session at its start time: twelve hours from now, so that no run meets it.
std::string turn_of_day() {
  const time_t then = (time(nullptr) + kSecondsPerDay / 2) % kSecondsPerDay;
  char text[16];
  std::snprintf(text, sizeof text, "%02d:%02d:%02d", static_cast<int>(then / 3600),
                static_cast<int>(then / 60 % 60), static_cast<int>(then % 60));
  return text;
}

FIX::SessionSettings settings_of(const Options& options, const FIX::SessionID& session_id) {
  FIX::Dictionary all;
  all.setString("ConnectionType", "initiator");
  all.setString("StartTime", turn_of_day());
  all.setString("EndTime", turn_of_day());
  all.setString("UseDataDictionary", "N");
  all.setString("CheckLatency", "N");
  all.setString("ReconnectInterval", "1");
  all.setString("SocketNodelay", "Y");
  all.setString("HeartBtInt", std::to_string(options.heartbeat_s));
  all.setString("ResetOnLogon", options.reset_on_logon ? "Y" : "N");
  all.setString("SocketConnectHost", "127.0.0.1");
  all.setString("SocketConnectPort", std::to_string(options.port));
  if (!options.store_dir.empty()) all.setString("FileStorePath", options.store_dir);
  FIX::SessionSettings settings;
  settings.set(all);
  settings.set(session_id, all);
  return settings;
}

std::string text_of(const FIX::Message& message, int tag) {
  return message.isSetField(tag) ? message.getField(tag) : std::string();
}

}  // namespace

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated"
void FixEngine::fromApp(const FIX::Message& message,
                        const FIX::SessionID&) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat,
                                                     FIX::IncorrectTagValue, FIX::UnsupportedMessageType) {
#pragma GCC diagnostic pop
  if (message.getHeader().getField(FIX::FIELD::MsgType) != "8") return;
  const std::string id = text_of(message, FIX::FIELD::ClOrdID),
                    orig = text_of(message, FIX::FIELD::OrigClOrdID);
  const std::string status = text_of(message, FIX::FIELD::OrdStatus);
  const std::string& own = orig.empty() ? id : orig;
  const std::string type = text_of(message, FIX::FIELD::ExecType);
  if (type == "1" || type == "2" || type == "F") {
    std::int64_t px_e8 = 0;
    parse_px_e8(text_of(message, FIX::FIELD::LastPx), px_e8);
    server_.filled(own, text_of(message, FIX::FIELD::Side) == "1",
                   std::atoll(text_of(message, FIX::FIELD::LastQty).c_str()), px_e8, status == "2");
  } else if (type == "0") {
    server_.accepted();
  } else if (type == "4" || type == "C" || type == "8") {
    server_.ended(own, type == "8");
  }
}

VenueLink::VenueLink(const Options& options, Server& server, Hook* hook)
    : options_(options),
      server_(server),
      engine_(server),
      session_id_(FIX::BeginString(options.begin_string), FIX::SenderCompID(part(options.session, true)),
                  FIX::TargetCompID(part(options.session, false))) {
  FIX::Application* application = &engine_;
  if (hook != nullptr) {
    guarded_.reset(new QuickFixApplication(engine_, *hook));
    guarded_->lane(options.lane);
    guarded_->parent([this](const FIX::Message&) { return parent_handle_; });
    guarded_->mass_cancel(options.mass_cancel);
    guarded_->adopt_numbers(!options.own_numbers);
    if (!options.session_name.empty())
      guarded_->session([this](const FIX::SessionID&) { return options_.session_name; });
    application = guarded_.get();
  }
  const FIX::SessionSettings settings = settings_of(options, session_id_);
  if (options.store_dir.empty())
    store_.reset(new FIX::MemoryStoreFactory());
  else
    store_.reset(new FIX::FileStoreFactory(settings));
  if (options.threaded)
    initiator_.reset(new FIX::ThreadedSocketInitiator(*application, *store_, settings));
  else
    initiator_.reset(new FIX::SocketInitiator(*application, *store_, settings));
}

VenueLink::~VenueLink() = default;

void VenueLink::start() { initiator_->start(); }

void VenueLink::stop() { initiator_->stop(); }

FIX::Message VenueLink::new_order(const Child& child) const {
  FIX::Message order;
  order.getHeader().setField(FIX::BeginString(options_.begin_string));
  order.getHeader().setField(FIX::MsgType("D"));
  order.setField(FIX::FIELD::ClOrdID, child.cl_ord_id);
  order.setField(FIX::HandlInst('1'));
  order.setField(FIX::FIELD::Symbol, child.symbol);
  order.setField(FIX::Side(child.buy ? FIX::Side_BUY : FIX::Side_SELL));
  order.setField(FIX::TransactTime(FIX::UtcTimeStamp(), 3));
  order.setField(FIX::FIELD::OrderQty, std::to_string(child.qty));
  order.setField(FIX::OrdType(FIX::OrdType_LIMIT));
  order.setField(FIX::FIELD::Price, px_text(child.px_e8));
  order.setField(FIX::TimeInForce(FIX::TimeInForce_DAY));
  return order;
}

std::string VenueLink::send(const Child& child, std::uint64_t parent_handle) {
  FIX::Message order = new_order(child);
  if (guarded_ == nullptr) return FIX::Session::sendToTarget(order, session_id_) ? "" : "not sent";
  parent_handle_ = parent_handle;
  return guarded_->send(order, session_id_).why();
}

void VenueLink::cancel(const Child& order) {
  FIX::Message cancel;
  cancel.getHeader().setField(FIX::BeginString(options_.begin_string));
  cancel.getHeader().setField(FIX::MsgType("F"));
  cancel.setField(FIX::FIELD::ClOrdID, options_.name + "-X" + std::to_string(++last_cancel_));
  cancel.setField(FIX::FIELD::OrigClOrdID, order.cl_ord_id);
  cancel.setField(FIX::FIELD::Symbol, order.symbol);
  cancel.setField(FIX::Side(order.buy ? FIX::Side_BUY : FIX::Side_SELL));
  cancel.setField(FIX::FIELD::OrderQty, std::to_string(order.qty));
  cancel.setField(FIX::TransactTime(FIX::UtcTimeStamp(), 3));
  FIX::Session::sendToTarget(cancel, session_id_);
  server_.cancel_sent();
}

Command VenueLink::poll() { return guarded_ == nullptr ? Command::none : guarded_->poll(); }

bool VenueLink::send_around(Around how) {
  const Quote& quote = server_.quotes().front();
  Child order;
  order.cl_ord_id = options_.name + "-AROUND" + std::to_string(++last_around_);
  order.symbol = quote.symbol;
  order.qty = 100;
  order.px_e8 = quote.bid_e8 - (quote.ask_e8 - quote.bid_e8);
  bool left = false;
  switch (how) {
    case Around::none: break;
    case Around::writer: left = send_around_session(order, false); break;
    case Around::raw: left = send_around_session(order, true); break;
    case Around::rogue: left = send_rogue(order); break;
  }
  if (left) server_.went_around();
  return left;
}

/// Takes the number that the session would give next, and the session's own writer, or its bare socket.
bool VenueLink::send_around_session(const Child& order, bool raw) {
  FIX::Session* session = FIX::Session::lookupSession(session_id_);
  if (session == nullptr || !session->isLoggedOn()) return false;
  FIX::Responder* writer = quickfix::responder_of(*session);
  if (writer == nullptr) return false;
  FIX::Message message = new_order(order);
  FIX::Header& header = message.getHeader();
  const int seq_num = session->getExpectedSenderNum();
  header.setField(session_id_.getSenderCompID());
  header.setField(session_id_.getTargetCompID());
  header.setField(FIX::MsgSeqNum(seq_num));
  header.setField(FIX::SendingTime(FIX::UtcTimeStamp(), 3));
  session->setNextSenderMsgSeqNum(seq_num + 1);
  const std::string bytes = message.toString();
  if (!raw) return writer->send(bytes);
  const quickfix::Connection* ours = dynamic_cast<const quickfix::Connection*>(writer);
  const int fd = ours != nullptr ? ours->transport().fd : quickfix::transport_of(*writer).fd;
  return quickfix::write_all(fd, bytes) == quickfix::Written::all;
}

/// Keeps the connection open, as a forgotten second session would be.
bool VenueLink::send_rogue(const Child& order) const {
  static FixWire* wire = new FixWire(options_.port, "ROGUE:" + part(options_.session, false));
  const std::string body = "11=" + order.cl_ord_id + "\00121=1\00155=" + order.symbol +
                           "\00154=2\00138=" + std::to_string(order.qty) +
                           "\00140=2\00144=" + px_text(order.px_e8) + "\00159=0\00160=" + FixWire::now() +
                           '\001';
  return wire->connected() && wire->write(wire->logon() + wire->message("D", body));
}

}  // namespace examples
}  // namespace portcullis
