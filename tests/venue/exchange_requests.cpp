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
  if (refused != nullptr) {
    ++from.totals.rejects;
    order.status = OrdStatus::rejected;
    Report no = report_now(order, Happened::refused);
    no.ord_rej_reason = reason;
    no.text = refused;
    return report(order, no);
  }
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
    cancel_and_report(taken, taken.cl_ord_id, "");  // what a market or IOC order could not fill
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
  cancel_and_report(*order, reject.cl_ord_id, reject.orig_cl_ord_id);
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
  const std::string& id = message.getField(FIX::FIELD::ClOrdID);
  const std::string& request = message.getField(FIX::FIELD::MassCancelRequestType);
  const std::string symbol = request == "1" ? message.getField(FIX::FIELD::Symbol) : "";
  const std::string side = message.isSetField(FIX::FIELD::Side) ? message.getField(FIX::FIELD::Side) : "";
  std::vector<Order*> hit;
  for (Order* order : from.open_orders()) {
    const bool side_fits = side.empty() || (side == "1") == (order->side == Side::buy);
    if (side_fits && (symbol.empty() || symbol == order->symbol)) hit.push_back(order);
  }
  const bool refused =
      (request != "1" && request != "7") || faults_.on(FaultKind::reject_cancels, from.index);
  const bool pending = faults_.on(FaultKind::pending, from.index);
  const char response = refused ? '0' : request[0];
  log_.event("mass_cancel")
      .num("conn", from.conn)
      .str("session", from.spec.engine)
      .str("cl_ord_id", id)
      .str("response", std::string(1, response))
      .num("affected", refused ? 0 : static_cast<std::int64_t>(hit.size()));
  outbox_.send(from.index,
               mass_cancel_report(id, request.empty() ? '?' : request[0], response, refused ? 0 : hit.size(),
                                  "M" + std::to_string(++last_exec_id_)),
               monotonic_ns());
  if (refused) return;
  for (Order* order : hit) {
    if (pending) {
      report(*order, report_now(*order, Happened::pending_cancel));
      continue;
    }
    ++from.totals.cancels;
    if (faults_.on(FaultKind::terse, from.index))
      book_.cancel(*order);
    else
      cancel_and_report(*order, order->cl_ord_id, "");
  }
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
