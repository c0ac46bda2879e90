// SPDX-License-Identifier: Apache-2.0
/// @file What the venue said: session messages, reports, refusals. Every message is taken as it comes, in whatever order;
/// repetitions do no harm, because fates only improve and quantities only grow.
#include "watchdog/takeover_dialogue.hpp"

namespace portcullis {
namespace {

constexpr std::uint32_t kNone = TakeoverOrders::kNone;

/// OrdStatus (39) that only an order which lived and ended can have.
constexpr bool ended(char ord_status) noexcept {
  return ord_status == '2' || ord_status == '4' || ord_status == 'C' || ord_status == '3';
}
/// A report that corrects or takes back an earlier one.
bool corrects(const InboundMessage& m) noexcept {
  return m.exec_trans_type == '1' || m.exec_trans_type == '2' || m.exec_type == 'G' || m.exec_type == 'H';
}
bool answers_status(const InboundMessage& m) noexcept { return m.exec_type == 'I' || m.exec_trans_type == '3'; }

}  // namespace

void TakeoverDialogue::take(const InboundMessage& m, std::uint64_t now_ns) noexcept {
  ++counts_.messages_in;
  last_in_ns_ = now_ns;
  test_request_sent_ = false;
  in_.take(m, now_ns);
  if (m.msg_type == "8") return take_report(m, now_ns);
  if (m.msg_type == "9") return take_cancel_reject(m, now_ns);
  if (m.msg_type == "r") return take_mass_report(m, now_ns);
  if (m.msg_type == "3" || m.msg_type == "j") return take_reject(m, now_ns);
  take_session(m, now_ns);
}

void TakeoverDialogue::take_session(const InboundMessage& m, std::uint64_t now_ns) noexcept {
  if (m.msg_type == "1" && !m.test_req_id.empty() && m.test_req_id.size() <= test_req_id_.size()) {
    test_req_id_waits_ = !out_.heartbeat(m.test_req_id, now_ns);
    test_req_id_bytes_ = m.test_req_id.size();
    std::copy(m.test_req_id.begin(), m.test_req_id.end(), test_req_id_.begin());
  } else if (m.msg_type == "2") {
    ++counts_.resend_requests;
    out_.start_resend(m.begin_seq_no, m.end_seq_no);
    busy_ns_ = now_ns;
  } else if ((m.msg_type == "5" && !m.poss_dup) || (m.msg_type == "A" && m.reset_seq_num)) {
    finish(TakeoverEnd::ended_by_venue);
  }
}

// ---- reports ---------------------------------------------------------------------------------------------------------

/// By name first; 41 where 11 is the name of somebody's cancel; by OrderID where neither says anything.
std::uint32_t TakeoverDialogue::order_meant(const InboundMessage& m) const noexcept {
  std::uint32_t order = orders_.by_cl_ord_id(m.cl_ord_id);
  if (order == kNone) order = orders_.by_cl_ord_id(m.orig_cl_ord_id);
  if (order != kNone) return order;
  const SentRequest* request = out_.by_id(m.cl_ord_id);
  if (request != nullptr && request->order != kNone) return request->order;
  return orders_.by_order_id(m.order_id);
}

void TakeoverDialogue::take_report(const InboundMessage& m, std::uint64_t now_ns) noexcept {
  ++counts_.reports_in;
  if (m.bad_figure || corrects(m)) figures_doubtful_ = true;
  if (corrects(m)) return;
  if (m.exec_type == '5' || m.ord_status == '5') return take_replaced(m, now_ns);
  const std::uint32_t order = order_meant(m);
  if (order == kNone) {
    ++counts_.unmatched;
    return;
  }
  if (!take_figures(m, order)) return;
  const bool own = out_.own_id(m.cl_ord_id);
  if (own || answers_status(m) || (ended(m.ord_status) && !m.poss_dup)) heard(m.poss_dup ? nullptr : out_.by_id(m.cl_ord_id), now_ns);
  if (ended(m.ord_status)) return end_order(order, m.ord_status, now_ns);
  if (m.ord_status != '8') return;
  if (own) return refuse(order, m, now_ns);  // under our cancel's name: was the order rejected, or the cancel?
  if (!(answers_status(m) && status_lacks_order_id(order))) end_name(order, m.ord_status, now_ns);
}

/// "Unknown order" proves nothing where the question had to leave out the OrderID that the engine names.
bool TakeoverDialogue::status_lacks_order_id(std::uint32_t order) const noexcept {
  const TakeoverTemplate* text = plan_.templates.status_request;
  return text != nullptr && text->names_order_id() && orders_.order_id(order).empty();
}

/// False: cannot be, nothing is taken.
bool TakeoverDialogue::take_figures(const InboundMessage& m, std::uint32_t order) noexcept {
  if (!orders_.learn_fill(order, m.side, m.cum_qty)) {
    ++counts_.implausible;
    figures_doubtful_ = true;
    return false;
  }
  if (m.ord_status != '8') orders_.learn_order_id(order, m.order_id);
  return true;
}

/// 11 carries on what 41 was. A name that we do not know leaves the old one open: something lives that no list names.
void TakeoverDialogue::take_replaced(const InboundMessage& m, std::uint64_t now_ns) noexcept {
  const std::uint32_t newer = orders_.by_cl_ord_id(m.cl_ord_id);
  const std::uint32_t older = orders_.by_cl_ord_id(m.orig_cl_ord_id);
  if (newer == kNone) {
    ++counts_.unmatched;
    return;
  }
  if (orders_.order(newer).orig_cl_ord_id.view() != m.orig_cl_ord_id) {
    ++counts_.implausible;
    return;
  }
  if (!take_figures(m, newer) || older == kNone) return;
  const std::uint64_t before = orders_.changes();
  orders_.end_older(older, '5');
  acknowledged_since(before, now_ns);
}

// ---- refusals --------------------------------------------------------------------------------------------------------

void TakeoverDialogue::take_cancel_reject(const InboundMessage& m, std::uint64_t now_ns) noexcept {
  ++counts_.rejects_in;
  if (out_.own_id(m.cl_ord_id))
    take_own_cancel_reject(m, now_ns);
  else
    take_foreign_cancel_reject(m, now_ns);
}

void TakeoverDialogue::take_own_cancel_reject(const InboundMessage& m, std::uint64_t now_ns) noexcept {
  const SentRequest* request = out_.by_id(m.cl_ord_id);
  if (request != nullptr && request->kind == TemplateKind::mass_cancel) return request_rejected(*request, m, now_ns);
  std::uint32_t order = orders_.by_cl_ord_id(m.orig_cl_ord_id);
  if (request != nullptr && order != kNone && order != request->order) {
    ++counts_.implausible;
    return;
  }
  if (order == kNone && request != nullptr) order = request->order;
  if (order == kNone) {
    ++counts_.unmatched;
    return;
  }
  heard(m.poss_dup ? nullptr : request, now_ns);
  if (ended(m.ord_status)) return end_order(order, m.ord_status, now_ns);
  if (m.ord_status == '8' && !orders_.lacked_order_id(order)) return end_name(order, m.ord_status, now_ns);
  refuse(order, m, now_ns);
}

/// The engine's own replace or cancel was refused; 39 is the state of the order that it was about (41).
void TakeoverDialogue::take_foreign_cancel_reject(const InboundMessage& m, std::uint64_t now_ns) noexcept {
  const std::uint32_t replace = orders_.by_cl_ord_id(m.cl_ord_id);
  const std::uint32_t order = orders_.by_cl_ord_id(m.orig_cl_ord_id);
  if (replace == kNone && order == kNone) {
    ++counts_.unmatched;
    return;
  }
  if (replace != kNone) {
    if (orders_.order(replace).orig_cl_ord_id.length() == 0 ||
        orders_.order(replace).orig_cl_ord_id.view() != m.orig_cl_ord_id) {
      ++counts_.implausible;
      return;
    }
    end_name(replace, '8', now_ns);
  }
  if (order == kNone) return;
  if (ended(m.ord_status))
    end_order(order, m.ord_status, now_ns);
  else if (m.ord_status == '8')
    end_name(order, m.ord_status, now_ns);
}

/// 35=r says yes or no; it proves nothing about any order.
void TakeoverDialogue::take_mass_report(const InboundMessage& m, std::uint64_t now_ns) noexcept {
  const SentRequest* request = out_.by_id(m.cl_ord_id);
  if (request == nullptr || request->kind != TemplateKind::mass_cancel) {
    ++counts_.unmatched;
    return;
  }
  if (m.mass_cancel_response == '0') return request_rejected(*request, m, now_ns);
  heard(m.poss_dup ? nullptr : request, now_ns);
}

/// 35=3 and 35=j name a message by its number (45), j perhaps by its ClOrdID (379).
void TakeoverDialogue::take_reject(const InboundMessage& m, std::uint64_t now_ns) noexcept {
  ++counts_.rejects_in;
  const SentRequest* request = out_.by_seq_num(m.ref_seq_num);
  if (request == nullptr) request = out_.by_id(m.ref_id);
  if (request != nullptr) return request_rejected(*request, m, now_ns);
  if (m.ref_seq_num != 0 && m.ref_seq_num == out_.resend_request_seq_num()) return in_.refused();
  std::uint32_t order = orders_.by_seq_num(m.ref_seq_num);
  if (order == kNone && m.msg_type == "j") order = orders_.by_cl_ord_id(m.ref_id);
  // a gap fill of ours carries the number of what it fills: then only 372 says which of the two was rejected
  const bool doubtful = m.ref_msg_type.empty() && m.ref_seq_num >= out_.lowest_gap_fill();
  if (order == kNone || doubtful || (!m.ref_msg_type.empty() && !fix::new_order(m.ref_msg_type))) {
    ++counts_.unmatched;
    return;
  }
  end_name(order, '8', now_ns);  // its own message was rejected: it never lived
}

void TakeoverDialogue::request_rejected(const SentRequest& request, const InboundMessage& m,
                                        std::uint64_t now_ns) noexcept {
  heard(m.poss_dup ? nullptr : &request, now_ns);
  switch (request.kind) {
    case TemplateKind::mass_cancel: mass_refused_ = true; break;
    case TemplateKind::status_request: status_refused_ = true; break;
    case TemplateKind::cancel: refuse(request.order, m, now_ns); break;
  }
}

// ---- what it means for an order --------------------------------------------------------------------------------------

void TakeoverDialogue::refuse(std::uint32_t order, const InboundMessage& m, std::uint64_t now_ns) noexcept {
  std::uint64_t code = TakeoverOutcome::kNoReason;
  static_cast<void>(fix::number(m.cxl_rej_reason, code));
  const auto reason = static_cast<std::uint8_t>(std::min<std::uint64_t>(code, TakeoverOutcome::kNoReason));
  const bool ask_id = orders_.lacks_order_id(order) && can(Stage::status);
  const std::uint64_t retry_ns = ask_id ? now_ns : now_ns + plan_.times.cancel_retry_ns;
  if (m.msg_type == "9" && m.ord_status == '8')
    orders_.doubt(order, m.ord_status, reason, retry_ns);
  else
    orders_.refuse(order, m.ord_status, reason, retry_ns);
}

void TakeoverDialogue::end_order(std::uint32_t order, char ord_status, std::uint64_t now_ns) noexcept {
  const std::uint64_t before = orders_.changes();
  orders_.end_order(order, ord_status);
  acknowledged_since(before, now_ns);
}

void TakeoverDialogue::end_name(std::uint32_t order, char ord_status, std::uint64_t now_ns) noexcept {
  const std::uint64_t before = orders_.changes();
  orders_.end_name(order, ord_status);
  acknowledged_since(before, now_ns);
}

void TakeoverDialogue::acknowledged_since(std::uint64_t changes, std::uint64_t now_ns) noexcept {
  if (orders_.changes() != changes) counts_.last_ack_ns = now_ns;
}

/// An answer to one of ours (null: nobody knows to which): the next question waits for as long as this venue takes.
void TakeoverDialogue::heard(const SentRequest* request, std::uint64_t now_ns) noexcept {
  heard_ = heard_since_ask_ = true;
  const bool about_refused = request != nullptr && request->order != kNone &&
                             orders_.outcome(request->order).fate == Fate::refused_by_venue;
  if (!about_refused) busy_ns_ = now_ns;
  if (request == nullptr) return;
  const std::uint64_t utc_ns = out_.header().utc_at(now_ns);
  slowest_answer_ns_ = std::max(slowest_answer_ns_, utc_ns - std::min(utc_ns, request->utc_ns));
}

}  // namespace portcullis
