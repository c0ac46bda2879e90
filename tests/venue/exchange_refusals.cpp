// SPDX-License-Identifier: Apache-2.0
/// @file What a venue refuses before it looks at an order: requests it does not know, tags it insists on,
/// ClOrdIDs it finds too long. Each is a fault, and each is answered in the way real venues are known for.
#include <quickfix/FixFieldNumbers.h>

#include "tests/venue/exchange.hpp"

namespace portcullis {
namespace venue {
namespace {

// SessionRejectReason (373)
constexpr int kRequiredTagMissing = 1;
constexpr int kValueIsIncorrect = 5;
// BusinessRejectReason (380)
constexpr int kUnsupportedMessageType = 3;
// MassCancelRejectReason (532)
constexpr int kMassCancelNotSupported = 0;

std::string text_of(const FIX::Message& message, int tag) {
  return message.isSetField(tag) ? message.getField(tag) : std::string();
}

}  // namespace

bool Exchange::refused_unread(Participant& from, const FIX::Message& message, const std::string& type) {
  if (type == "q" && faults_.on(FaultKind::no_mass_cancel, from.index)) {
    const auto how = static_cast<NoMassCancel>(faults_.argument(FaultKind::no_mass_cancel, from.index));
    MassCancelAnswer answer;
    answer.cl_ord_id = text_of(message, FIX::FIELD::ClOrdID);
    const std::string request = text_of(message, FIX::FIELD::MassCancelRequestType);
    if (!request.empty()) answer.request = request[0];
    if (how == NoMassCancel::report)
      refuse_mass_cancel(from, answer, kMassCancelNotSupported, "mass cancel not supported");
    else
      reject_message(from, message, 0, kUnsupportedMessageType, "mass cancel not supported");
    return true;
  }
  if (type == "H" && faults_.on(FaultKind::no_status, from.index)) {
    reject_message(from, message, 0, kUnsupportedMessageType, "status requests not supported");
    return true;
  }
  return lacks_tag(from, message, type);
}

bool Exchange::lacks_tag(Participant& from, const FIX::Message& message, const std::string& type) {
  const bool of_one_order = type == "F" || type == "G";
  if (of_one_order && faults_.on(FaultKind::wants_37, from.index) &&
      !message.isSetField(FIX::FIELD::OrderID)) {
    reject_message(from, message, FIX::FIELD::OrderID, kRequiredTagMissing, "OrderID missing");
    return true;
  }
  if ((of_one_order || type == "q") && faults_.on(FaultKind::wants_1028, from.index)) {
    const std::string manual = text_of(message, FIX::FIELD::ManualOrderIndicator);
    if (manual == "Y" || manual == "N") return false;
    const bool missing = !message.isSetField(FIX::FIELD::ManualOrderIndicator);
    reject_message(from, message, FIX::FIELD::ManualOrderIndicator,
                   missing ? kRequiredTagMissing : kValueIsIncorrect,
                   missing ? "ManualOrderIndicator missing" : "ManualOrderIndicator neither Y nor N");
    return true;
  }
  return false;
}

bool Exchange::too_long(const Participant& from, const std::string& cl_ord_id) const {
  const std::int64_t longest = faults_.argument(FaultKind::id_max, from.index);
  return longest >= 0 && static_cast<std::int64_t>(cl_ord_id.size()) > longest;
}

void Exchange::refuse_order(Participant& from, Order& order, int reason, const std::string& why) {
  ++from.totals.rejects;
  order.status = OrdStatus::rejected;
  Report no = report_now(order, Happened::refused);
  no.ord_rej_reason = reason;
  no.text = why;
  report(order, no);
}

void Exchange::refuse_mass_cancel(Participant& from, MassCancelAnswer answer, int reason,
                                  const std::string& why) {
  answer.reject_reason = reason;
  answer.text = why;
  report_mass_cancel(from, answer);
}

void Exchange::reject_message(Participant& to, const FIX::Message& message, int ref_tag, int reason,
                              const std::string& why) {
  MessageReject reject;
  reject.ref_seq_num = message.getHeader().getField(FIX::FIELD::MsgSeqNum);
  reject.ref_type = message.getHeader().getField(FIX::FIELD::MsgType);
  reject.ref_id = text_of(message, FIX::FIELD::ClOrdID);
  reject.ref_tag = ref_tag;
  reject.reason = reason;
  reject.text = why;
  log_.event("message_reject")
      .num("conn", to.conn)
      .str("session", to.spec.engine)
      .str("type", ref_tag == 0 ? "j" : "3")
      .str("cl_ord_id", reject.ref_id)
      .str("ref_seq_num", reject.ref_seq_num)
      .num("reason", reason)
      .str("text", why);
  outbox_.send(to.index, message_reject(reject), monotonic_ns());
}

}  // namespace venue
}  // namespace portcullis
