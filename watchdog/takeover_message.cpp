// SPDX-License-Identifier: Apache-2.0
#include "watchdog/takeover_message.hpp"

namespace portcullis {
namespace {

constexpr std::uint32_t kPxDecimals = 8;

/// Unsigned digits with a point as value * 10^-decimals; further digits must be zeros.
bool parse_fixed(std::string_view text, std::uint32_t decimals, std::uint64_t& out) noexcept {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string_view fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty() && fraction.empty()) return false;
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  std::uint64_t value = 0;
  if (fraction.size() > decimals || (!whole.empty() && !fix::number(whole, value))) return false;
  std::uint64_t part = 0;
  if (!fraction.empty() && !fix::number(fraction, part)) return false;
  for (std::size_t i = fraction.size(); i < decimals; ++i) part *= 10;
  for (std::uint32_t i = 0; i < decimals; ++i)
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value)) return false;
  if (__builtin_add_overflow(value, part, &value) || value > static_cast<std::uint64_t>(INT64_MAX)) return false;
  out = value;
  return true;
}

void first_text(std::string_view& to, std::string_view value) noexcept {
  if (to.empty()) to = value;
}
void first_char(char& to, std::string_view value) noexcept {
  if (to == '\0' && value.size() == 1) to = value[0];
}
void first_number(std::uint64_t& to, std::string_view value) noexcept {
  if (to == 0) static_cast<void>(fix::number(value, to));
}
void first_qty(InboundMessage& m, std::int64_t& to, std::string_view value) noexcept {
  if (to < 0 && !parse_qty(value, to)) m.bad_figure = true;
}

void take_px(InboundMessage& m, std::string_view value) noexcept {
  if (m.last_px_known) return;
  m.last_px_known = parse_px_e8(value, m.last_px_e8);
  if (!m.last_px_known) m.bad_figure = true;
}

void take_session_field(InboundMessage& m, const FixField& f) noexcept {
  switch (f.tag) {
    case 35: first_text(m.msg_type, f.value); break;
    case 34: first_number(m.seq_num, f.value); break;
    case 43: m.poss_dup = f.value == "Y"; break;
    case 123: m.gap_fill = f.value == "Y"; break;
    case 141: m.reset_seq_num = f.value == "Y"; break;
    case 36: first_number(m.new_seq_num, f.value); break;
    case 7: first_number(m.begin_seq_no, f.value); break;
    case 16: first_number(m.end_seq_no, f.value); break;
    case 45: first_number(m.ref_seq_num, f.value); break;
    case 108: first_number(m.heart_bt_int_s, f.value); break;
    case 372: first_text(m.ref_msg_type, f.value); break;
    case 379: first_text(m.ref_id, f.value); break;
    case 112: first_text(m.test_req_id, f.value); break;
    case 122: first_text(m.orig_sending, f.value); break;
    case 58: first_text(m.text, f.value); break;
    default: break;
  }
}

void take_order_field(InboundMessage& m, const FixField& f) noexcept {
  switch (f.tag) {
    case 11: first_text(m.cl_ord_id, f.value); break;
    case 41: first_text(m.orig_cl_ord_id, f.value); break;
    case 37: first_text(m.order_id, f.value); break;
    case 17: first_text(m.exec_id, f.value); break;
    case 39: first_char(m.ord_status, f.value); break;
    case 150: first_char(m.exec_type, f.value); break;
    case 20: first_char(m.exec_trans_type, f.value); break;
    case 54: first_char(m.side, f.value); break;
    case 434: first_char(m.cxl_rej_response_to, f.value); break;
    case 531: first_char(m.mass_cancel_response, f.value); break;
    case 102: first_text(m.cxl_rej_reason, f.value); break;
    case 532: first_text(m.mass_cancel_rej_reason, f.value); break;
    case 533: first_number(m.total_affected, f.value); break;
    case 14: first_qty(m, m.cum_qty, f.value); break;
    case 32: first_qty(m, m.last_qty, f.value); break;
    case 31: take_px(m, f.value); break;
    default: break;
  }
}

}  // namespace

bool parse_qty(std::string_view text, std::int64_t& out) noexcept {
  std::uint64_t value = 0;
  if (!parse_fixed(text, 0, value)) return false;
  out = static_cast<std::int64_t>(value);
  return true;
}

bool parse_px_e8(std::string_view text, std::int64_t& out) noexcept {
  const bool negative = !text.empty() && text[0] == '-';
  std::uint64_t value = 0;
  if (!parse_fixed(negative ? text.substr(1) : text, kPxDecimals, value)) return false;
  out = negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
  return true;
}

bool parse_inbound(std::string_view bytes, const FixMessage& found, InboundMessage& out) noexcept {
  out = {};
  out.raw = bytes.substr(found.begin, found.end - found.begin);
  std::size_t at = found.body_begin;
  while (at < found.body_end) {
    const FixField field = fix::next_field(bytes, at, found.body_end);
    if (field.tag == 0) break;  // malformed from here on: what was read so far counts
    take_session_field(out, field);
    take_order_field(out, field);
  }
  return !out.msg_type.empty() && out.seq_num != 0;
}

}  // namespace portcullis
