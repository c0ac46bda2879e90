// SPDX-License-Identifier: Apache-2.0
/// @file One inbound message's fields, as far as a take-over asks for them. Hostile input: every number is bounded, what
/// cannot be read counts as absent. Of a tag that comes twice (repeating groups) the first counts.
#pragma once
#include <cstdint>
#include <string_view>

#include "shm/fix_scan.hpp"

namespace portcullis {

/// Quantity (14, 32, 38) with at most zeros behind the point. False (out untouched): negative, not whole, too large.
[[nodiscard]] bool parse_qty(std::string_view text, std::int64_t& out) noexcept;
/// Price (31) as 1e-8 units; further digits must be zeros. False (out untouched) for anything else.
[[nodiscard]] bool parse_px_e8(std::string_view text, std::int64_t& out) noexcept;

/// Views point into the reader's buffer: valid until its next call. Empty view, 0 and '\0': absent; -1 for quantities.
struct InboundMessage {
  std::string_view raw;
  std::string_view msg_type;         ///< 35
  std::uint64_t seq_num = 0;         ///< 34
  bool poss_dup = false;             ///< 43
  bool gap_fill = false;             ///< 123
  bool reset_seq_num = false;        ///< 141
  std::uint64_t new_seq_num = 0;     ///< 36
  std::uint64_t begin_seq_no = 0;    ///< 7
  std::uint64_t end_seq_no = 0;      ///< 16; 0 also means "to the end"
  std::uint64_t ref_seq_num = 0;     ///< 45
  std::uint64_t heart_bt_int_s = 0;  ///< 108
  std::string_view ref_msg_type;     ///< 372
  std::string_view ref_id;           ///< 379, ClOrdID that a BusinessMessageReject names
  std::string_view test_req_id;      ///< 112
  std::string_view cl_ord_id;        ///< 11
  std::string_view orig_cl_ord_id;   ///< 41
  std::string_view order_id;         ///< 37
  std::string_view exec_id;          ///< 17
  std::string_view orig_sending;     ///< 122
  std::string_view text;             ///< 58
  char ord_status = '\0';            ///< 39
  char exec_type = '\0';             ///< 150
  char exec_trans_type = '\0';       ///< 20 (FIX.4.2): 0 new, 1 cancel, 2 correct, 3 status
  char side = '\0';                  ///< 54
  char cxl_rej_response_to = '\0';   ///< 434: 1 cancel, 2 replace
  char mass_cancel_response = '\0';  ///< 531: 0 is no
  std::string_view cxl_rej_reason;          ///< 102
  std::string_view mass_cancel_rej_reason;  ///< 532
  std::uint64_t total_affected = 0;         ///< 533
  std::int64_t cum_qty = -1;         ///< 14
  std::int64_t last_qty = -1;        ///< 32
  std::int64_t last_px_e8 = 0;       ///< 31, meaningful if last_px_known
  bool last_px_known = false;
  bool bad_figure = false;           ///< a quantity or price was there and could not be read exactly
};

/// Reads the fields of a whole message. False: no MsgType or no MsgSeqNum that is a positive number.
[[nodiscard]] bool parse_inbound(std::string_view bytes, const FixMessage& found, InboundMessage& out) noexcept;

}  // namespace portcullis
