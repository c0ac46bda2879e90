// SPDX-License-Identifier: Apache-2.0
/// @file FIX fields as the gate needs them: quantities and prices without floating point, the order in a
/// message, and the cancels that the adapter writes. Pure functions of a message; nothing here knows a
/// session or a lane. A field that is missing, fractional where it may not be, or of a meaning that the gate
/// cannot judge makes the whole order unreadable, and what cannot be read is not sent.
#pragma once
#include <quickfix/Fields.h>
#include <quickfix/Message.h>
#include <portcullis/hook_types.hpp>

#include <string>

namespace portcullis {
namespace quickfix {

constexpr int kPriceDigits = 8;  ///< of px_e8

/// The text of a field, nullptr where it is missing.
inline const std::string* field(const FIX::FieldMap& map, int tag) {
  return map.isSetField(tag) ? &map.getField(tag) : nullptr;
}

inline pc_text text_of(const std::string* value) {
  return value == nullptr ? Text().raw() : Text(*value).raw();
}

inline bool has_value(const FIX::FieldMap& map, int tag, char value) {
  const std::string* text = field(map, tag);
  return text != nullptr && text->size() == 1 && (*text)[0] == value;
}

inline std::string msg_type(const FIX::Message& message) {
  const std::string* type = field(message.getHeader(), FIX::FIELD::MsgType);
  return type == nullptr ? std::string() : *type;
}

/// "-12.5" with 8 digits -> -1250000000. False: empty, not a number, more digits than that, or beyond 18
/// digits.
inline bool parse_decimal(const std::string& text, int digits, std::int64_t& out) {
  constexpr std::int64_t kMax = 999999999999999999;
  std::size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
  std::int64_t value = 0;
  int fraction = -1;  // digits seen behind the point; -1 = no point yet
  bool any = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && fraction < 0) {
      fraction = 0;
    } else if (c < '0' || c > '9') {
      return false;
    } else if (fraction >= digits) {
      if (c != '0') return false;
    } else {
      any = true;
      if (value > (kMax - (c - '0')) / 10) return false;
      value = value * 10 + (c - '0');
      if (fraction >= 0) ++fraction;
    }
  }
  if (!any) return false;
  for (int have = fraction < 0 ? 0 : fraction; have < digits; ++have) {
    if (value > kMax / 10) return false;
    value *= 10;
  }
  out = text[0] == '-' ? -value : value;
  return true;
}

inline bool parse_field(const FIX::FieldMap& map, int tag, int digits, std::int64_t& out) {
  const std::string* text = field(map, tag);
  return text != nullptr && parse_decimal(*text, digits, out);
}

/// 54. Short exempt (6) is a short sale. False for cross, borrow and whatever else the gate cannot judge.
inline bool parse_side(const FIX::FieldMap& map, std::uint8_t& out) {
  if (has_value(map, FIX::FIELD::Side, '1')) return out = PC_BUY, true;
  if (has_value(map, FIX::FIELD::Side, '2')) return out = PC_SELL, true;
  if (has_value(map, FIX::FIELD::Side, '5')) return out = PC_SELL_SHORT, true;
  if (has_value(map, FIX::FIELD::Side, '6')) return out = PC_SELL_SHORT, true;
  return false;
}

/// 40: market, limit, stop, stop limit only.
inline bool parse_ord_type(const FIX::FieldMap& map, std::uint8_t& out) {
  const std::string* text = field(map, FIX::FIELD::OrdType);
  if (text == nullptr || text->size() != 1 || (*text)[0] < '1' || (*text)[0] > '4') return false;
  out = static_cast<std::uint8_t>((*text)[0] - '0');
  return true;
}

/// 59: absent means day; at the open, crossing and at the close (2, 5, 7) do not outlive the day either.
inline bool parse_tif(const FIX::FieldMap& map, std::uint8_t& out) {
  const std::string* text = field(map, FIX::FIELD::TimeInForce);
  if (text == nullptr) return out = PC_DAY, true;
  if (text->size() != 1) return false;
  switch ((*text)[0]) {
    case '0':
    case '2':
    case '5':
    case '7': return out = PC_DAY, true;
    case '1': return out = PC_GTC, true;
    case '3': return out = PC_IOC, true;
    case '4': return out = PC_FOK, true;
    case '6': return out = PC_GTD, true;
  }
  return false;
}

/// A new order or a replace as it stands in the message; compared before and after the engine's toApp.
struct OrderFields {
  std::string cl_ord_id;       ///< 11
  std::string orig_cl_ord_id;  ///< 41; empty for a new order
  std::string symbol;          ///< 55
  std::int64_t order_qty = 0, px_e8 = 0, stop_px_e8 = 0;
  std::uint8_t side = 0, ord_type = 0, tif = 0;

  bool operator==(const OrderFields& other) const {
    return cl_ord_id == other.cl_ord_id && orig_cl_ord_id == other.orig_cl_ord_id && symbol == other.symbol &&
           order_qty == other.order_qty && px_e8 == other.px_e8 && stop_px_e8 == other.stop_px_e8 &&
           side == other.side && ord_type == other.ord_type && tif == other.tif;
  }
};

/// Reads 35=D or G. False: a field that the gate judges is missing or of unknown meaning.
inline bool read_order(const FIX::Message& message, OrderFields& out) {
  const std::string* id = field(message, FIX::FIELD::ClOrdID);
  const std::string* symbol = field(message, FIX::FIELD::Symbol);
  const std::string* orig = field(message, FIX::FIELD::OrigClOrdID);
  if (id == nullptr || symbol == nullptr) return false;
  OrderFields order;
  order.cl_ord_id = *id;
  order.symbol = *symbol;
  if (orig != nullptr) order.orig_cl_ord_id = *orig;
  if (!parse_side(message, order.side) || !parse_ord_type(message, order.ord_type) ||
      !parse_tif(message, order.tif) || !parse_field(message, FIX::FIELD::OrderQty, 0, order.order_qty))
    return false;
  const bool priced = order.ord_type == PC_LIMIT || order.ord_type == PC_STOP_LIMIT;
  const bool stopped = order.ord_type == PC_STOP || order.ord_type == PC_STOP_LIMIT;
  if (priced && !parse_field(message, FIX::FIELD::Price, kPriceDigits, order.px_e8)) return false;
  if (stopped && !parse_field(message, FIX::FIELD::StopPx, kPriceDigits, order.stop_px_e8)) return false;
  out = order;
  return true;
}

/// What of a message the supervisor would take as a new order but the adapter cannot judge: lists, crosses,
/// mass quotes, multileg (and their replaces). Not sent at all.
inline bool is_unjudged_order(const std::string& type) {
  static const char* const kTypes[] = {"E", "L", "AB", "AC", "S", "i", "s", "t"};
  for (const char* unjudged : kTypes)
    if (type == unjudged) return true;
  return false;
}

inline FIX::Message bare_message(const std::string& begin_string, const char* type) {
  FIX::Message message;
  message.getHeader().setField(FIX::BeginString(begin_string));
  message.getHeader().setField(FIX::MsgType(type));
  message.setField(FIX::TransactTime(FIX::UtcTimeStamp(), 3));  // milliseconds; its second argument counts digits
  return message;
}

/// 35=F for one open order.
inline FIX::Message cancel_request(const std::string& begin_string, const std::string& cl_ord_id,
                                   const std::string& symbol, const pc_open_order& order) {
  FIX::Message cancel = bare_message(begin_string, "F");
  cancel.setField(FIX::FIELD::OrigClOrdID, order.cl_ord_id);
  cancel.setField(FIX::FIELD::ClOrdID, cl_ord_id);
  if (order.order_id[0] != '\0') cancel.setField(FIX::FIELD::OrderID, order.order_id);
  cancel.setField(FIX::FIELD::Symbol, symbol);
  cancel.setField(FIX::FIELD::Side, std::string(1, static_cast<char>('0' + order.side)));
  cancel.setField(FIX::FIELD::OrderQty, std::to_string(order.order_qty));
  return cancel;
}

/// 35=H: how does this order stand?
inline FIX::Message status_request(const std::string& begin_string, const std::string& symbol,
                                   const pc_open_order& order) {
  FIX::Message request = bare_message(begin_string, "H");
  request.removeField(FIX::FIELD::TransactTime);
  request.setField(FIX::FIELD::ClOrdID, order.cl_ord_id);
  if (order.order_id[0] != '\0') request.setField(FIX::FIELD::OrderID, order.order_id);
  request.setField(FIX::FIELD::Symbol, symbol);
  request.setField(FIX::FIELD::Side, std::string(1, static_cast<char>('0' + order.side)));
  return request;
}

/// 35=q for everything of this session (530=7).
inline FIX::Message mass_cancel_request(const std::string& begin_string, const std::string& cl_ord_id) {
  FIX::Message cancel = bare_message(begin_string, "q");
  cancel.setField(FIX::FIELD::ClOrdID, cl_ord_id);
  cancel.setField(FIX::FIELD::MassCancelRequestType, "7");
  return cancel;
}

/// A complete message of this session: the Logon's own addressing, so that what the venue wants there is
/// right.
inline std::string render(FIX::Message message, const FIX::Message& logon) {
  static const int kAddressing[] = {FIX::FIELD::SenderCompID,     FIX::FIELD::TargetCompID,
                                    FIX::FIELD::SenderSubID,      FIX::FIELD::TargetSubID,
                                    FIX::FIELD::SenderLocationID, FIX::FIELD::TargetLocationID,
                                    FIX::FIELD::OnBehalfOfCompID, FIX::FIELD::DeliverToCompID,
                                    FIX::FIELD::MsgSeqNum,        FIX::FIELD::SendingTime};
  for (const int tag : kAddressing) {
    const std::string* value = field(logon.getHeader(), tag);
    if (value != nullptr) message.getHeader().setField(tag, *value);
  }
  return message.toString();
}

}  // namespace quickfix
}  // namespace portcullis
