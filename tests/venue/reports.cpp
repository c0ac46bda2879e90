// SPDX-License-Identifier: Apache-2.0
/// @file Writing of the venue's answers.
#include "tests/venue/reports.hpp"

#include <quickfix/FixFieldNumbers.h>

#include "tests/venue/fixed_point.hpp"

namespace portcullis {
namespace venue {
namespace {

void set(FIX::Message& message, int tag, std::int64_t value) { message.setField(tag, std::to_string(value)); }
void set(FIX::Message& message, int tag, char value) { message.setField(tag, std::string(1, value)); }
void set_unless_empty(FIX::Message& message, int tag, const std::string& value) {
  if (!value.empty()) message.setField(tag, value);
}

FIX::Message message_of(const char* type) {
  FIX::Message message;
  message.getHeader().setField(FIX::FIELD::MsgType, type);
  return message;
}

}  // namespace

Report report_now(const Order& order, Happened happened) {
  Report report;
  report.happened = happened;
  report.status = order.status;
  report.cum_qty = order.cum_qty;
  report.avg_px_e8 = order.avg_px_e8;
  report.cl_ord_id = order.cl_ord_id;
  return report;
}

char exec_type(bool fix44, Happened happened, OrdStatus status) {
  switch (happened) {
    case Happened::taken: return '0';
    case Happened::traded: return fix44 ? 'F' : static_cast<char>(status);
    case Happened::cancelled: return '4';
    case Happened::replaced: return '5';
    case Happened::refused: return '8';
    case Happened::pending_cancel: return '6';
    case Happened::status: return fix44 ? 'I' : static_cast<char>(status);
  }
  return '8';
}

FIX::Message execution_report(bool fix44, const Order& order, const Report& report,
                              const std::string& exec_id) {
  const bool open = report.status == OrdStatus::fresh || report.status == OrdStatus::partial;
  char ord_status = static_cast<char>(report.status);
  if (report.happened == Happened::pending_cancel) ord_status = '6';
  if (report.happened == Happened::replaced && !fix44) ord_status = '5';  // 4.2: 39=5 says replaced
  FIX::Message message = message_of("8");
  message.setField(FIX::FIELD::OrderID, order.order_id == 0 ? "NONE" : std::to_string(order.order_id));
  message.setField(FIX::FIELD::ClOrdID, report.cl_ord_id);
  set_unless_empty(message, FIX::FIELD::OrigClOrdID, report.orig_cl_ord_id);
  message.setField(FIX::FIELD::ExecID, exec_id);
  if (!fix44) set(message, FIX::FIELD::ExecTransType, report.happened == Happened::status ? '3' : '0');
  set(message, FIX::FIELD::ExecType, exec_type(fix44, report.happened, report.status));
  set(message, FIX::FIELD::OrdStatus, ord_status);
  message.setField(FIX::FIELD::Symbol, order.symbol);
  set(message, FIX::FIELD::Side, order.side == Side::buy ? '1' : '2');
  set(message, FIX::FIELD::OrderQty, order.order_qty);
  set(message, FIX::FIELD::OrdType, order.market ? '1' : '2');
  if (!order.market) message.setField(FIX::FIELD::Price, format_px_e8(order.px_e8));
  if (report.happened == Happened::traded) {
    set(message, FIX::FIELD::LastQty, report.last_qty);
    message.setField(FIX::FIELD::LastPx, format_px_e8(report.last_px_e8));
  }
  set(message, FIX::FIELD::LeavesQty, open ? order.order_qty - report.cum_qty : 0);
  set(message, FIX::FIELD::CumQty, report.cum_qty);
  message.setField(FIX::FIELD::AvgPx, format_px_e8(report.avg_px_e8));
  if (report.ord_rej_reason >= 0) set(message, FIX::FIELD::OrdRejReason, std::int64_t{report.ord_rej_reason});
  set_unless_empty(message, FIX::FIELD::OrdStatusReqID, report.ord_status_req_id);
  set_unless_empty(message, FIX::FIELD::Text, report.text);
  return message;
}

FIX::Message cancel_reject(const CancelReject& reject) {
  FIX::Message message = message_of("9");
  message.setField(FIX::FIELD::OrderID,
                   reject.order == nullptr ? "NONE" : std::to_string(reject.order->order_id));
  message.setField(FIX::FIELD::ClOrdID, reject.cl_ord_id);
  message.setField(FIX::FIELD::OrigClOrdID, reject.orig_cl_ord_id);
  set(message, FIX::FIELD::OrdStatus, reject.ord_status);
  set(message, FIX::FIELD::CxlRejResponseTo, reject.replace ? '2' : '1');
  set(message, FIX::FIELD::CxlRejReason, std::int64_t{reject.cxl_rej_reason});
  set_unless_empty(message, FIX::FIELD::Text, reject.text);
  return message;
}

FIX::Message mass_cancel_report(const MassCancelAnswer& answer) {
  FIX::Message message = message_of("r");
  message.setField(FIX::FIELD::ClOrdID, answer.cl_ord_id);
  message.setField(FIX::FIELD::OrderID, answer.report_id);
  set(message, FIX::FIELD::MassCancelRequestType, answer.request);
  set(message, FIX::FIELD::MassCancelResponse, answer.response);
  set(message, FIX::FIELD::TotalAffectedOrders, static_cast<std::int64_t>(answer.affected));
  if (answer.response == '0')
    set(message, FIX::FIELD::MassCancelRejectReason, std::int64_t{answer.reject_reason});
  set_unless_empty(message, FIX::FIELD::Text, answer.text);
  return message;
}

FIX::Message message_reject(const MessageReject& reject) {
  const bool business = reject.ref_tag == 0;
  FIX::Message message = message_of(business ? "j" : "3");
  message.setField(FIX::FIELD::RefSeqNum, reject.ref_seq_num);
  message.setField(FIX::FIELD::RefMsgType, reject.ref_type);
  if (business)
    set_unless_empty(message, FIX::FIELD::BusinessRejectRefID, reject.ref_id);
  else
    set(message, FIX::FIELD::RefTagID, std::int64_t{reject.ref_tag});
  set(message, business ? FIX::FIELD::BusinessRejectReason : FIX::FIELD::SessionRejectReason,
      std::int64_t{reject.reason});
  set_unless_empty(message, FIX::FIELD::Text, reject.text);
  return message;
}

}  // namespace venue
}  // namespace portcullis
