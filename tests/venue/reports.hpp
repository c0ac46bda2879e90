// SPDX-License-Identifier: Apache-2.0
/// @file The venue's answers as FIX messages: ExecutionReport (8), OrderCancelReject (9),
/// OrderMassCancelReport (r), Reject (3), BusinessMessageReject (j). What differs between FIX 4.2 and 4.4 is
/// here and nowhere else: ExecTransType (20) only in 4.2, ExecType (150) of a fill 1 or 2 in 4.2 and F
/// in 4.4, status answers 20=3 in 4.2 and 150=I in 4.4. Headers belong to the QuickFIX session.
#pragma once
#include <quickfix/Message.h>

#include "tests/venue/participant.hpp"

namespace portcullis {
namespace venue {

/// What happened to an order; the text of ExecType (150) follows from it and the version.
enum class Happened : std::uint8_t { taken, traded, cancelled, replaced, refused, pending_cancel, status };

/// The parts of an ExecutionReport that the order itself does not say.
struct Report {
  Happened happened = Happened::taken;
  OrdStatus status = OrdStatus::fresh;  ///< OrdStatus (39), except for pending_cancel
  std::int64_t cum_qty = 0;
  std::int64_t avg_px_e8 = 0;
  std::int64_t last_qty = 0;
  std::int64_t last_px_e8 = 0;
  std::string cl_ord_id;          ///< ClOrdID (11)
  std::string orig_cl_ord_id;     ///< OrigClOrdID (41); left out when empty
  std::string ord_status_req_id;  ///< OrdStatusReqID (790); left out when empty
  int ord_rej_reason = -1;        ///< OrdRejReason (103); left out when negative
  std::string text;               ///< Text (58); left out when empty
};

/// A report of the order as it stands now.
Report report_now(const Order& order, Happened happened);

/// ExecType (150) as the version writes it.
char exec_type(bool fix44, Happened happened, OrdStatus status);

FIX::Message execution_report(bool fix44, const Order& order, const Report& report,
                              const std::string& exec_id);

/// OrderCancelReject; `order` is null for an order the venue does not know. `replace`: it answers G.
struct CancelReject {
  const Order* order = nullptr;
  char ord_status = '8';
  std::string cl_ord_id;
  std::string orig_cl_ord_id;
  bool replace = false;
  int cxl_rej_reason = 0;  ///< CxlRejReason (102)
  std::string text;
};
FIX::Message cancel_reject(const CancelReject& reject);

/// OrderMassCancelReport.
struct MassCancelAnswer {
  std::string cl_ord_id;
  std::string report_id;     ///< OrderID (37) of the report itself
  char request = '?';        ///< MassCancelRequestType (530)
  char response = '0';       ///< MassCancelResponse (531); '0' refused
  std::size_t affected = 0;  ///< TotalAffectedOrders (533)
  int reject_reason = 99;    ///< MassCancelRejectReason (532), when refused: 0 not supported, 99 other
  std::string text;          ///< Text (58); left out when empty
};
FIX::Message mass_cancel_report(const MassCancelAnswer& answer);

/// Why a message was refused without being looked at as an order. `ref_tag` 0: BusinessMessageReject (35=j,
/// BusinessRejectReason 380); otherwise Reject (35=3, SessionRejectReason 373 about that tag, 371).
struct MessageReject {
  std::string ref_seq_num;  ///< RefSeqNum (45)
  std::string ref_type;     ///< RefMsgType (372)
  std::string ref_id;       ///< BusinessRejectRefID (379), the ClOrdID; only in 35=j, left out when empty
  int ref_tag = 0;
  int reason = 0;
  std::string text;
};
FIX::Message message_reject(const MessageReject& reject);

}  // namespace venue
}  // namespace portcullis
