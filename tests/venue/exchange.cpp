// SPDX-License-Identifier: Apache-2.0
/// @file Callbacks of QuickFIX, answers, and cancel on disconnect.
#include "tests/venue/exchange.hpp"

#include <quickfix/FixFieldNumbers.h>
#include <quickfix/Session.h>

namespace portcullis {
namespace venue {
namespace {

__extension__ typedef __int128 Wide;

/// qty * px as money_e4.
std::int64_t value_e4(std::int64_t qty, std::int64_t px_e8) {
  return static_cast<std::int64_t>(static_cast<Wide>(qty) * px_e8 / 10000);
}

std::vector<FIX::SessionID> ids_of(const std::vector<Participant>& participants) {
  std::vector<FIX::SessionID> ids;
  for (const Participant& participant : participants) ids.push_back(session_id(participant));
  return ids;
}

const char* name_of(Happened happened) {
  switch (happened) {
    case Happened::taken: return "taken";
    case Happened::traded: return "traded";
    case Happened::cancelled: return "cancelled";
    case Happened::replaced: return "replaced";
    case Happened::refused: return "refused";
    case Happened::pending_cancel: return "pending_cancel";
    case Happened::status: return "status";
  }
  return "?";
}

}  // namespace

FIX::SessionID session_id(const Participant& participant) {
  return FIX::SessionID(participant.spec.begin_string, participant.spec.venue, participant.spec.engine);
}

Exchange::Exchange(std::vector<Participant>& participants, Book& book, const Faults& faults, LogWriter& log,
                   std::uint32_t seed)
    : participants_(participants),
      book_(book),
      faults_(faults),
      log_(log),
      outbox_(ids_of(participants), faults, seed) {}

Participant* Exchange::find(const FIX::SessionID& id) {
  for (Participant& participant : participants_)
    if (participant.spec.engine == id.getTargetCompID().getValue() &&
        participant.spec.venue == id.getSenderCompID().getValue())
      return &participant;
  return nullptr;
}

void Exchange::onLogon(const FIX::SessionID& id) {
  Participant* const participant = find(id);
  if (participant == nullptr) return;
  participant->logged_on = true;
  log_.event("logon")
      .num("conn", participant->conn)
      .str("session", participant->spec.engine)
      .str("seq_num", std::to_string(arrival_.seq_num))
      .num("expected", logon_expected_)
      .num("reset", logon_reset_ ? 1 : 0)
      .num("offset", static_cast<std::int64_t>(arrival_.offset))
      .num("end", static_cast<std::int64_t>(arrival_.end));
}

void Exchange::onLogout(const FIX::SessionID& id) {
  Participant* const participant = find(id);
  if (participant == nullptr || !participant->logged_on) return;
  participant->logged_on = false;
  log_.event("logout").num("conn", participant->conn).str("session", participant->spec.engine);
  cancel_on_disconnect(*participant);
}

void Exchange::fromAdmin(const FIX::Message& message,
                         const FIX::SessionID& id) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat,
                                                         FIX::IncorrectTagValue, FIX::RejectLogon) {
  if (message.getHeader().getField(FIX::FIELD::MsgType) != "A") return;
  FIX::Session* const session = FIX::Session::lookupSession(id);
  logon_expected_ = session == nullptr ? -1 : session->getExpectedTargetNum();  // any reset was done before
  logon_reset_ =
      message.isSetField(FIX::FIELD::ResetSeqNumFlag) && message.getField(FIX::FIELD::ResetSeqNumFlag) == "Y";
}

/// Heartbeats, TestRequests and Logons are not worth an event.
void Exchange::toAdmin(FIX::Message& message, const FIX::SessionID& id) {
  const std::string& type = message.getHeader().getField(FIX::FIELD::MsgType);
  if (type != "0" && type != "1" && type != "A") log_sent("admin_out", message, id);
}

void Exchange::toApp(FIX::Message& message, const FIX::SessionID& id) throw(FIX::DoNotSend) {
  if (message.getHeader().isSetField(FIX::FIELD::PossDupFlag)) log_sent("resent", message, id);
}

void Exchange::log_sent(const char* event, const FIX::Message& message, const FIX::SessionID& id) {
  const Participant* const to = find(id);
  if (to == nullptr) return;
  EventLine line = log_.event(event);
  line.num("conn", to->conn)
      .str("session", to->spec.engine)
      .str("type", message.getHeader().getField(FIX::FIELD::MsgType))
      .str("seq_num", message.getHeader().getField(FIX::FIELD::MsgSeqNum));
  const std::pair<int, const char*> fields[] = {
      {FIX::FIELD::BeginSeqNo, "begin_seq_no"}, {FIX::FIELD::EndSeqNo, "end_seq_no"},
      {FIX::FIELD::NewSeqNo, "new_seq_no"},     {FIX::FIELD::RefSeqNum, "ref_seq_num"},
      {FIX::FIELD::ClOrdID, "cl_ord_id"},       {FIX::FIELD::Text, "text"}};
  for (const auto& field : fields)
    if (message.isSetField(field.first)) line.str(field.second, message.getField(field.first));
}

void Exchange::fromApp(const FIX::Message& message,
                       const FIX::SessionID& id) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat,
                                                       FIX::IncorrectTagValue, FIX::UnsupportedMessageType) {
  Participant* const from = find(id);
  if (from == nullptr) return;
  const std::string& type = message.getHeader().getField(FIX::FIELD::MsgType);
  if (faults_.swallows(type, from->index)) {
    ++from->totals.swallowed;
    return log_request(*from, message, type, "swallowed");
  }
  log_request(*from, message, type, "request");
  if (refused_unread(*from, message, type)) return;
  if (type == "D") return new_order(*from, message);
  if (type == "F") return cancel(*from, message);
  if (type == "G") return replace(*from, message);
  if (type == "q") return mass_cancel(*from, message);
  if (type == "H") return status(*from, message);
  throw FIX::UnsupportedMessageType();
}

void Exchange::log_request(const Participant& from, const FIX::Message& message, const std::string& type,
                           const char* event) {
  EventLine line = log_.event(event);
  line.num("conn", from.conn).str("session", from.spec.engine).str("type", type);
  const std::string& seq_num = message.getHeader().getField(FIX::FIELD::MsgSeqNum);
  line.str("seq_num", seq_num);
  // A message that QuickFIX kept back behind a sequence gap did not arrive just now: its place is not known
  // here.
  if (seq_num == std::to_string(arrival_.seq_num))
    line.num("offset", static_cast<std::int64_t>(arrival_.offset))
        .num("end", static_cast<std::int64_t>(arrival_.end));
  if (message.isSetField(FIX::FIELD::ClOrdID)) line.str("cl_ord_id", message.getField(FIX::FIELD::ClOrdID));
  if (message.isSetField(FIX::FIELD::OrigClOrdID))
    line.str("orig_cl_ord_id", message.getField(FIX::FIELD::OrigClOrdID));
}

std::string Exchange::log_exec(const Order& order, const Report& report, const char* why) {
  const Participant& owner = participants_[order.owner];
  const std::string exec_id = report.happened == Happened::status ? "0" : std::to_string(++last_exec_id_);
  log_.event("exec")
      .num("conn", owner.conn)
      .str("session", owner.spec.engine)
      .str("what", name_of(report.happened))
      .str("cl_ord_id", report.cl_ord_id)
      .num("order_id", static_cast<std::int64_t>(order.order_id))
      .str("ord_status", std::string(1, static_cast<char>(report.status)))
      .num("last_qty", report.last_qty)
      .num("last_px_e8", report.last_px_e8)
      .num("cum_qty", report.cum_qty)
      .str("text", report.text)
      .str("why", why);
  return exec_id;
}

void Exchange::report(const Order& order, const Report& report, const char* why) {
  const std::string exec_id = log_exec(order, report, why);
  const bool fix44 = participants_[order.owner].fix44();
  outbox_.send(order.owner, execution_report(fix44, order, report, exec_id), monotonic_ns());
}

void Exchange::report_fills(const std::vector<Fill>& fills) {
  for (const Fill& fill : fills) {
    const Order& order = *fill.order;
    Totals& totals = participants_[order.owner].totals;
    const Touch* const touch = book_.touch(order.symbol);
    const std::int64_t paid_e8 = fill.last_px_e8 - (touch == nullptr ? fill.last_px_e8 : touch->mid_px_e8());
    ++totals.executions;
    totals.shares += fill.last_qty;
    totals.notional_e4 += value_e4(fill.last_qty, fill.last_px_e8);
    totals.spread_cost_e4 += value_e4(fill.last_qty, order.side == Side::buy ? paid_e8 : -paid_e8);
    Report now = report_now(order, Happened::traded);
    now.status = fill.status;
    now.cum_qty = fill.cum_qty;
    now.avg_px_e8 = fill.avg_px_e8;
    now.last_qty = fill.last_qty;
    now.last_px_e8 = fill.last_px_e8;
    report(order, now);
  }
}

void Exchange::cancel_and_report(Order& order, const std::string& cl_ord_id,
                                 const std::string& orig_cl_ord_id, const char* why) {
  book_.cancel(order);
  Report now = report_now(order, Happened::cancelled);
  now.cl_ord_id = cl_ord_id;
  now.orig_cl_ord_id = orig_cl_ord_id;
  report(order, now, why);
}

void Exchange::report_mass_cancel(Participant& to, const MassCancelAnswer& answer) {
  log_.event("mass_cancel")
      .num("conn", to.conn)
      .str("session", to.spec.engine)
      .str("cl_ord_id", answer.cl_ord_id)
      .str("response", std::string(1, answer.response))
      .num("affected", static_cast<std::int64_t>(answer.affected))
      .str("text", answer.text);
  MassCancelAnswer named = answer;
  named.report_id = "M" + std::to_string(++last_exec_id_);
  outbox_.send(to.index, mass_cancel_report(named), monotonic_ns());
}

void Exchange::reject_cancel(Participant& to, const CancelReject& reject) {
  log_.event("cancel_reject")
      .num("conn", to.conn)
      .str("session", to.spec.engine)
      .str("cl_ord_id", reject.cl_ord_id)
      .str("orig_cl_ord_id", reject.orig_cl_ord_id)
      .str("ord_status", std::string(1, reject.ord_status))
      .num("reason", reject.cxl_rej_reason);
  outbox_.send(to.index, venue::cancel_reject(reject), monotonic_ns());
}

void Exchange::cancel_on_disconnect(Participant& participant) {
  if (!participant.spec.cancel_on_disconnect || faults_.on(FaultKind::no_cod, participant.index)) return;
  const bool keep_gtc = faults_.on(FaultKind::keep_gtc, participant.index);
  const std::vector<Order*> open = participant.open_orders();
  for (Order* order : open) {
    if (keep_gtc && order->tif == Tif::gtc) continue;
    ++participant.totals.disconnect_cancels;
    log_.event("cancel_on_disconnect")
        .num("conn", participant.conn)
        .str("session", participant.spec.engine)
        .str("cl_ord_id", order->cl_ord_id);
    cancel_and_report(*order, order->cl_ord_id, "", "disconnect");
  }
}

}  // namespace venue
}  // namespace portcullis
