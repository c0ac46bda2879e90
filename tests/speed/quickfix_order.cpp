// SPDX-License-Identifier: Apache-2.0
#include "tests/speed/quickfix_order.hpp"

#include <quickfix/fix44/NewOrderSingle.h>

namespace portcullis {
namespace speed {

struct QuickFixWriter::Parts {
  FIX44::NewOrderSingle reused;
  std::string bytes;
};

namespace {

void set_fields(FIX44::NewOrderSingle& order, const char* cl_ord_id, std::int64_t seq_num) {
  FIX::Header& header = order.getHeader();
  header.setField(FIX::SenderCompID("ENG1"));
  header.setField(FIX::TargetCompID("VENUE"));
  header.setField(FIX::MsgSeqNum(static_cast<int>(seq_num)));
  header.setField(FIX::SendingTime());
  order.set(FIX::ClOrdID(cl_ord_id));
  order.set(FIX::HandlInst('1'));
  order.set(FIX::Symbol("AAA"));
  order.set(FIX::Side(FIX::Side_BUY));
  order.set(FIX::TransactTime());
  order.set(FIX::OrdType(FIX::OrdType_LIMIT));
  order.set(FIX::OrderQty(100));
  order.set(FIX::Price(100.25));
  order.set(FIX::TimeInForce(FIX::TimeInForce_DAY));
}

}  // namespace

QuickFixWriter::QuickFixWriter() : parts_(new Parts) {}
QuickFixWriter::~QuickFixWriter() = default;

std::size_t QuickFixWriter::write_fresh(const char* cl_ord_id, std::int64_t seq_num) {
  FIX44::NewOrderSingle order;
  set_fields(order, cl_ord_id, seq_num);
  return order.toString(parts_->bytes).size();
}

std::size_t QuickFixWriter::write_reused(const char* cl_ord_id, std::int64_t seq_num) {
  FIX44::NewOrderSingle& order = parts_->reused;
  set_fields(order, cl_ord_id, seq_num);
  return order.toString(parts_->bytes).size();
}

}  // namespace speed
}  // namespace portcullis
