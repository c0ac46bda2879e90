// SPDX-License-Identifier: Apache-2.0
/// @file One function per request. A required field that is missing throws FIX::FieldNotFound, which QuickFIX
/// answers with a BusinessMessageReject (35=j); everything else is answered here.
#include <quickfix/FixFieldNumbers.h>

#include "tests/venue/exchange.hpp"
#include "tests/venue/fixed_point.hpp"

namespace portcullis {
namespace venue {
namespace {

// OrdRejReason (103)
constexpr int kRejBroker = 0;
constexpr int kRejUnknownSymbol = 1;
constexpr int kRejUnknownOrder = 5;
constexpr int kRejDuplicate = 6;
// CxlRejReason (102)
constexpr int kCxlTooLate = 0;
constexpr int kCxlUnknownOrder = 1;
constexpr int kCxlBrokerOption = 2;
// MassCancelRejectReason (532)
constexpr int kMassCancelOther = 99;

/// Reads the order; returns why it must be refused (Text 58) or nullptr.
const char* read_order(const FIX::Message& message, Order& order) {
  order.cl_ord_id = message.getField(FIX::FIELD::ClOrdID);
  order.symbol = message.getField(FIX::FIELD::Symbol);
  const std::string& side = message.getField(FIX::FIELD::Side);
  const std::string& type = message.getField(FIX::FIELD::OrdType);
  order.side = side == "1" ? Side::buy : Side::sell;
  order.market = type == "1";
  if (side != "1" && side != "2") return "side not supported";
  if (type != "1" && type != "2") return "order type not supported";
  if (!parse_qty(message.getField(FIX::FIELD::OrderQty), order.order_qty) || order.order_qty == 0)
    return "quantity not a positive whole number";
  if (!order.market && !parse_px_e8(message.getField(FIX::FIELD::Price), order.px_e8))
    return "price not a number";
  const std::string tif =
      message.isSetField(FIX::FIELD::TimeInForce) ? message.getField(FIX::FIELD::TimeInForce) : "0";
  if (tif != "0" && tif != "1" && tif != "3") return "time in force not supported";
  order.tif = tif == "0" ? Tif::day : tif == "1" ? Tif::gtc : Tif::ioc;
  return nullptr;
}

}  // namespace

void Exchange::new_order(Participant& from, const FIX::Message& message) {
  Order order;
  order.owner = from.index;
  const char* refused = read_order(message, order);
  int reason = kRejBroker;
  if (refused == nullptr && book_.touch(order.symbol) == nullptr) {
    refused = "unknown symbol";
    reason = kRejUnknownSymbol;
  }
  if (from.by_id.count(order.cl_ord_id) != 0) {
    refused = "duplicate ClOrdID";
    reason = kRejDuplicate;
  }
  if (too_long(from, order.cl_ord_id)) {
    refused = "ClOrdID too long";
    reason = kRejBroker;
  }
  if (refused != nullptr) return refuse_order(from, order, reason, refused);
  ++from.totals.orders;
  std::vector<Fill> fills;
  Order& taken = book_.add(order, fills);
  from.by_id[taken.cl_ord_id] = &taken;
  Report fresh;
  fresh.cl_ord_id = taken.cl_ord_id;
  report(taken, fresh);
  report_fills(fills);
  if (taken.resting)
    from.working.push_back(&taken);
  else if (taken.open())
    cancel_and_report(taken, taken.cl_ord_id, "", "unfilled");  // what a market or IOC order could not fill
}

Order* Exchange::find_for_change(Participant& from, const FIX::Message& message, CancelReject& reject) {
  reject.cl_ord_id = message.getField(FIX::FIELD::ClOrdID);
  reject.orig_cl_ord_id = message.getField(FIX::FIELD::OrigClOrdID);
  const auto found = from.by_id.find(reject.orig_cl_ord_id);
  if (found == from.by_id.end()) {
    reject.cxl_rej_reason = kCxlUnknownOrder;
    reject.text = "unknown order";
    return nullptr;
  }
  Order& order = *found->second;
  reject.order = &order;
  reject.ord_status = static_cast<char>(order.status);
  reject.cxl_rej_reason = kCxlTooLate;
  if (order.cl_ord_id != reject.orig_cl_ord_id) {
    reject.text = "replaced by " + order.cl_ord_id;
    reject.cxl_rej_reason = kCxlUnknownOrder;
    reject.ord_status = '5';
    return nullptr;
  }
  if (!order.open()) {
    reject.text = "too late";
    return nullptr;
  }
  if (faults_.on(FaultKind::wants_37, from.index) &&
      message.getField(FIX::FIELD::OrderID) != std::to_string(order.order_id)) {
    reject.text = "not the OrderID of that order";
    reject.cxl_rej_reason = kCxlUnknownOrder;
    return nullptr;
  }
  if (too_long(from, reject.cl_ord_id)) {
    reject.text = "ClOrdID too long";
    reject.cxl_rej_reason = kCxlBrokerOption;
    return nullptr;
  }
  if (faults_.on(FaultKind::reject_cancels, from.index)) {
    reject.cxl_rej_reason = static_cast<int>(faults_.argument(FaultKind::reject_cancels, from.index));
    reject.text = "not now";
    return nullptr;
  }
  return &order;
}

void Exchange::cancel(Participant& from, const FIX::Message& message) {
  CancelReject reject;
  Order* const order = find_for_change(from, message, reject);
  if (order == nullptr) return reject_cancel(from, reject);
  if (faults_.on(FaultKind::pending, from.index)) {
    Report pending = report_now(*order, Happened::pending_cancel);
    pending.cl_ord_id = reject.cl_ord_id;
    pending.orig_cl_ord_id = reject.orig_cl_ord_id;
    return report(*order, pending);
  }
  ++from.totals.cancels;
  from.by_id.emplace(reject.cl_ord_id, order);
  cancel_and_report(*order, reject.cl_ord_id, reject.orig_cl_ord_id, "cancel");
}

void Exchange::replace(Participant& from, const FIX::Message& message) {
  CancelReject reject;
  reject.replace = true;
  Order* const order = find_for_change(from, message, reject);
  if (order == nullptr) return reject_cancel(from, reject);
  std::int64_t qty = 0;
  std::int64_t px_e8 = order->px_e8;
  const bool px_good =
      !message.isSetField(FIX::FIELD::Price) || parse_px_e8(message.getField(FIX::FIELD::Price), px_e8);
  if (from.by_id.count(reject.cl_ord_id) != 0) reject.text = "duplicate ClOrdID";
  if (!px_good) reject.text = "price not a number";
  if (!parse_qty(message.getField(FIX::FIELD::OrderQty), qty) || qty <= order->cum_qty)
    reject.text = "quantity not above CumQty";
  if (!reject.text.empty()) return reject_cancel(from, reject);
  order->cl_ord_id = reject.cl_ord_id;
  from.by_id.emplace(reject.cl_ord_id, order);
  Report replaced = report_now(*order, Happened::replaced);
  std::vector<Fill> fills;
  book_.replace(*order, qty, px_e8, fills);
  replaced.orig_cl_ord_id = reject.orig_cl_ord_id;
  report(*order, replaced);
  report_fills(fills);
}

void Exchange::mass_cancel(Participant& from, const FIX::Message& message) {
  MassCancelAnswer answer;
  answer.cl_ord_id = message.getField(FIX::FIELD::ClOrdID);
  const std::string& request = message.getField(FIX::FIELD::MassCancelRequestType);
  if (!request.empty()) answer.request = request[0];
  if (request != "1" && request != "7")
    return refuse_mass_cancel(from, answer, kMassCancelOther, "scope not supported");
  if (too_long(from, answer.cl_ord_id))
    return refuse_mass_cancel(from, answer, kMassCancelOther, "ClOrdID too long");
  if (faults_.on(FaultKind::reject_cancels, from.index))
    return refuse_mass_cancel(from, answer, kMassCancelOther, "not now");
  const std::string symbol = request == "1" ? message.getField(FIX::FIELD::Symbol) : "";
  const std::string side = message.isSetField(FIX::FIELD::Side) ? message.getField(FIX::FIELD::Side) : "";
  std::vector<Order*> hit;
  for (Order* order : from.open_orders()) {
    const bool side_fits = side.empty() || (side == "1") == (order->side == Side::buy);
    if (side_fits && (symbol.empty() || symbol == order->symbol)) hit.push_back(order);
  }
  answer.response = answer.request;
  answer.affected = hit.size();
  report_mass_cancel(from, answer);
  for (Order* order : hit) mass_cancel_one(from, *order);
}

void Exchange::mass_cancel_one(Participant& from, Order& order) {
  if (faults_.on(FaultKind::pending, from.index))
    return report(order, report_now(order, Happened::pending_cancel));
  ++from.totals.cancels;
  if (!faults_.on(FaultKind::terse, from.index))
    return cancel_and_report(order, order.cl_ord_id, "", "mass_cancel");
  book_.cancel(order);
  log_exec(order, report_now(order, Happened::cancelled), "mass_cancel");
}

void Exchange::status(Participant& from, const FIX::Message& message) {
  const std::string& id = message.getField(FIX::FIELD::ClOrdID);
  const auto found = from.by_id.find(id);
  Order unknown;
  unknown.owner = from.index;
  unknown.status = OrdStatus::rejected;
  unknown.symbol = message.isSetField(FIX::FIELD::Symbol) ? message.getField(FIX::FIELD::Symbol) : "?";
  const Order& order = found == from.by_id.end() ? unknown : *found->second;
  Report now = report_now(order, Happened::status);
  now.cl_ord_id = id;
  if (message.isSetField(FIX::FIELD::OrdStatusReqID))
    now.ord_status_req_id = message.getField(FIX::FIELD::OrdStatusReqID);
  if (found == from.by_id.end()) {
    now.ord_rej_reason = kRejUnknownOrder;
    now.text = "unknown order";
  }
  report(order, now);
}

}  // namespace venue
}  // namespace portcullis
