// SPDX-License-Identifier: Apache-2.0
#include "watchdog/takeover_template.hpp"

#include <algorithm>

#include "shm/fix_scan.hpp"
#include "watchdog/takeover_writer.hpp"

namespace portcullis {
namespace {

constexpr std::size_t kHeadRoom = 32;  // 8=FIX.4.2<SOH>9=dddddd<SOH>, wherever the body then begins
constexpr std::uint32_t kAddressTags[] = {49, 56, 50, 57, 115, 116, 128, 129, 142, 143, 144, 145};
constexpr std::uint32_t kHoles[] = {34, 52, 60, 11, 41, 37, 38, 54, 55, 790, 369};
constexpr std::uint32_t kDropped[] = {43, 97, 122};  // PossDupFlag, PossResend, OrigSendingTime

template <std::size_t N>
constexpr std::size_t position(const std::uint32_t (&tags)[N], std::uint32_t tag) noexcept {
  return static_cast<std::size_t>(std::find(tags, tags + N, tag) - tags);
}
template <std::size_t N>
constexpr bool among(const std::uint32_t (&tags)[N], std::uint32_t tag) noexcept {
  return position(tags, tag) != N;
}

std::uint32_t check_sum(std::string_view bytes) noexcept {
  std::uint32_t sum = 0;
  for (const char c : bytes) sum += static_cast<unsigned char>(c);
  return sum % 256;
}

/// Three digits at `at`.
void put_check_sum(char* at, std::uint32_t sum) noexcept {
  at[0] = static_cast<char>('0' + sum / 100);
  at[1] = static_cast<char>('0' + sum / 10 % 10);
  at[2] = static_cast<char>('0' + sum % 10);
}

/// Puts head and trailer around a body that was written behind kHeadRoom bytes. 0: `out` is too small.
std::size_t close_message(const SessionHeader& header, std::size_t body, std::span<char> out) noexcept {
  char length[20];
  const auto end = std::to_chars(length, length + sizeof length, body).ptr;
  const std::string_view digits(length, static_cast<std::size_t>(end - length));
  TakeoverWriter head(out.first(kHeadRoom));
  head.field(8, header.begin_string());
  head.text("9=");
  for (std::size_t i = digits.size(); i < header.body_length_width(); ++i) head.text("0");
  head.text(digits);
  head.text({&kSoh, 1});
  if (!head.fits()) return 0;
  std::memmove(out.data() + head.size(), out.data() + kHeadRoom, body);
  const std::size_t counted = head.size() + body;
  TakeoverWriter tail(out.subspan(counted));
  tail.field(10, "000");
  if (!tail.fits()) return 0;
  put_check_sum(out.data() + counted + 3, check_sum({out.data(), counted}));
  return counted + tail.size();
}

/// 43 and 122 of a repetition belong behind 52.
void put_sending(TakeoverWriter& out, const MessageValues& values, std::uint32_t decimals) noexcept {
  out.field(52, UtcStamp{values.sending_utc_ns, decimals});
  if (values.orig_sending_utc_ns == 0) return;
  out.field(43, "Y");
  out.field(122, UtcStamp{values.orig_sending_utc_ns, decimals});
}

}  // namespace

const char* template_error_name(TemplateError error) noexcept {
  switch (error) {
    case TemplateError::ok: return "ok";
    case TemplateError::too_long: return "too_long";
    case TemplateError::not_whole: return "not_whole";
    case TemplateError::version: return "version";
    case TemplateError::wrong_type: return "wrong_type";
    case TemplateError::missing_field: return "missing_field";
    case TemplateError::field_twice: return "field_twice";
    case TemplateError::bad_time: return "bad_time";
    case TemplateError::not_all_orders: return "not_all_orders";
    case TemplateError::malformed: return "malformed";
  }
  return "?";
}

std::size_t SessionHeader::render(std::string_view msg_type, const MessageValues& values, std::string_view body,
                                  std::span<char> out) const noexcept {
  if (out.size() < kHeadRoom) return 0;
  TakeoverWriter writer(out.subspan(kHeadRoom));
  writer.field(35, msg_type);
  writer.text({address_.data(), address_bytes_});
  writer.field(34, values.seq_num);
  put_sending(writer, values, sending_.decimals);
  if (last_processed_) writer.field(369, values.last_processed);
  writer.text(body);
  return writer.fits() ? close_message(*this, writer.size(), out) : 0;
}

struct TakeoverTemplate::Compiling {
  std::string_view text;
  FixMessage found;
  std::uint32_t seen = 0;  ///< bit per hole
  bool sender = false, target = false, all_orders = false;
};

TemplateError TakeoverTemplate::compile(std::string_view text, std::uint64_t rendered_ns) noexcept {
  *this = {};
  if (text.size() > kTakeoverTemplateBytes) return TemplateError::too_long;
  Compiling c{text, {}, 0, false, false, false};
  if (find_fix_message(text, 0, c.found) != FixFound::message || c.found.end != text.size())
    return TemplateError::not_whole;
  std::uint64_t sum = 0;
  static_cast<void>(fix::number(text.substr(c.found.body_end + 3, 3), sum));
  if (sum != check_sum(text.substr(0, c.found.body_end))) return TemplateError::not_whole;
  std::size_t at = 0;
  const std::string_view version = fix::next_field(text, at, text.size()).value;
  const std::string_view length = fix::next_field(text, at, text.size()).value;
  if (version != "FIX.4.2" && version != "FIX.4.4") return TemplateError::version;
  header_.fix44_ = version == "FIX.4.4";
  header_.body_length_width_ = length[0] == '0' ? static_cast<std::uint32_t>(length.size()) : 0;
  header_.rendered_ns_ = rendered_ns;
  const TemplateError error = take_fields(c);
  if (error != TemplateError::ok) *this = {};
  return error;
}

TemplateError TakeoverTemplate::take_fields(Compiling& c) noexcept {
  std::size_t at = c.found.body_begin;
  piece_count_ = 1;
  while (at < c.found.body_end) {
    const std::size_t begin = at;
    const FixField field = fix::next_field(c.text, at, c.found.body_end);
    if (field.tag == 0) return TemplateError::malformed;
    if ((begin == c.found.body_begin) != (field.tag == 35)) return TemplateError::malformed;
    const TemplateError error = take_field(c, field.tag, field.value, c.text.substr(begin, at - begin));
    if (error != TemplateError::ok) return error;
  }
  const auto has = [&](std::uint32_t tag) { return (c.seen >> position(kHoles, tag) & 1U) != 0; };
  const bool whole = has(34) && has(52) && has(11) && c.sender && c.target;
  if (!whole || (kind_ == TemplateKind::cancel && !has(41))) return TemplateError::missing_field;
  if (kind_ != TemplateKind::mass_cancel) return TemplateError::ok;
  if (has(54) || has(55)) return TemplateError::not_all_orders;
  return c.all_orders ? TemplateError::ok : TemplateError::missing_field;
}

TemplateError TakeoverTemplate::take_field(Compiling& c, std::uint32_t tag, std::string_view value,
                                           std::string_view whole) noexcept {
  if (tag == 35) {
    if (value != "F" && value != "q" && value != "H") return TemplateError::wrong_type;
    kind_ = value == "F"   ? TemplateKind::cancel
            : value == "q" ? TemplateKind::mass_cancel
                           : TemplateKind::status_request;
  }
  if (among(kDropped, tag)) return TemplateError::ok;
  if (among(kHoles, tag)) {
    const std::uint32_t bit = 1U << position(kHoles, tag);
    if ((c.seen & bit) != 0) return TemplateError::field_twice;
    c.seen |= bit;
    UtcStamp stamp;
    if ((tag == 52 || tag == 60) && !parse_utc(value, stamp)) return TemplateError::bad_time;
    if (tag == 52) header_.sending_ = stamp;
    if (tag == 60) transact_decimals_ = stamp.decimals;
    if (tag == 37) names_order_id_ = true;
    if (tag == 369) header_.last_processed_ = true;
    open_hole(tag);
    return TemplateError::ok;
  }
  if (kind_ == TemplateKind::mass_cancel && tag == 530) {
    if (value != "7") return TemplateError::not_all_orders;
    c.all_orders = true;
  }
  c.sender |= tag == 49;
  c.target |= tag == 56;
  if (among(kAddressTags, tag)) {
    if (whole.size() > header_.address_.size() - header_.address_bytes_) return TemplateError::too_long;
    std::copy(whole.begin(), whole.end(), header_.address_.begin() + header_.address_bytes_);
    header_.address_bytes_ += static_cast<std::uint32_t>(whole.size());
  }
  keep(whole);
  return TemplateError::ok;
}

/// The hole closes the piece before it; a new one begins. Every tag once: kPieces is enough.
void TakeoverTemplate::open_hole(std::uint32_t tag) noexcept {
  static_assert(std::size(kHoles) < kPieces);
  pieces_[piece_count_ - 1].tag = tag;
  pieces_[piece_count_++] = {literal_bytes_, 0, 0};
}

void TakeoverTemplate::keep(std::string_view whole) noexcept {
  std::copy(whole.begin(), whole.end(), literals_.begin() + literal_bytes_);
  literal_bytes_ += static_cast<std::uint32_t>(whole.size());
  pieces_[piece_count_ - 1].bytes += static_cast<std::uint32_t>(whole.size());
}

std::size_t TakeoverTemplate::render(const MessageValues& v, std::span<char> out) const noexcept {
  if (empty() || out.size() < kHeadRoom) return 0;
  TakeoverWriter writer(out.subspan(kHeadRoom));
  for (std::uint32_t i = 0; i < piece_count_; ++i) {
    const Piece& piece = pieces_[i];
    writer.text({literals_.data() + piece.begin, piece.bytes});
    switch (piece.tag) {
      case 34: writer.field(34, v.seq_num); break;
      case 52: put_sending(writer, v, header_.sending_.decimals); break;
      case 60: writer.field(60, UtcStamp{v.transact_utc_ns, transact_decimals_}); break;
      case 11: writer.field(11, v.cl_ord_id); break;
      case 41: writer.field(41, v.orig_cl_ord_id); break;
      case 38: writer.field(38, v.order_qty); break;
      case 54: writer.field(54, std::string_view(&v.side, 1)); break;
      case 55: writer.field(55, v.symbol); break;
      case 369: writer.field(369, v.last_processed); break;
      case 37:
        if (!v.order_id.empty()) writer.field(37, v.order_id);
        break;
      case 790:
        if (!v.request_id.empty()) writer.field(790, v.request_id);
        break;
      default: break;  // the last piece has no hole
    }
  }
  return writer.fits() ? close_message(header_, writer.size(), out) : 0;
}

}  // namespace portcullis
