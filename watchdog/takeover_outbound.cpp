// SPDX-License-Identifier: Apache-2.0
#include "watchdog/takeover_outbound.hpp"

#include <cstring>

#include "watchdog/takeover_writer.hpp"

namespace portcullis {
namespace {

constexpr std::uint32_t kSpareRecords = 256;  // mass cancels, status requests and a few retries beyond two per order

}  // namespace

TakeoverOutbound::TakeoverOutbound(const TakeoverOrders& orders, std::uint32_t orders_max)
    : orders_(orders), sent_(std::size_t{orders_max} * 2 + kSpareRecords), outbox_(kOutboxBytes), ends_(kEnds) {}

void TakeoverOutbound::begin(const TakeoverTemplates& templates, std::uint64_t next_seq_num, std::uint64_t id_seed,
                             std::uint32_t rate_per_s) noexcept {
  templates_ = templates;
  header_ = &(templates.cancel != nullptr ? templates.cancel : templates.mass_cancel)->header();
  ids_.begin(id_seed);
  pace_.begin(rate_per_s);
  sent_count_ = 0;
  begin_ = end_ = 0;
  ends_head_ = ends_count_ = 0;
  appended_ = taken_ = requests_end_ = 0;
  next_seq_num_ = next_taken_ = next_seq_num;
  last_processed_ = resend_next_ = resend_end_ = resend_request_seq_num_ = 0;
  last_sent_ns_ = repeated_ = forgotten_ = 0;
  lowest_gap_fill_ = UINT64_MAX;
}

// ---- the outbox ------------------------------------------------------------------------------------------------------

std::span<char> TakeoverOutbound::free_space() noexcept {
  if (ends_count_ == ends_.size()) return {};
  if (begin_ != 0) {
    std::memmove(outbox_.data(), outbox_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return std::span<char>(outbox_).subspan(end_);
}

/// The bytes up to here end a message; with them taken, next_seq_num_ is what the venue expects.
void TakeoverOutbound::note_end(std::size_t bytes) noexcept {
  end_ += bytes;
  appended_ += bytes;
  ends_[(ends_head_ + ends_count_++) % ends_.size()] = {appended_, next_seq_num_};
}

bool TakeoverOutbound::commit(std::size_t bytes, std::uint64_t next_after, std::uint64_t now_ns) noexcept {
  if (bytes == 0) return false;
  next_seq_num_ = next_after;
  note_end(bytes);
  last_sent_ns_ = now_ns;
  return true;
}

void TakeoverOutbound::taken(std::size_t bytes) noexcept {
  bytes = std::min(bytes, end_ - begin_);
  begin_ += bytes;
  taken_ += bytes;
  for (; ends_count_ != 0 && ends_[ends_head_].offset <= taken_; --ends_count_) {
    next_taken_ = ends_[ends_head_].next_seq_num;
    ends_head_ = (ends_head_ + 1) % ends_.size();
  }
}

// ---- session messages ------------------------------------------------------------------------------------------------

MessageValues TakeoverOutbound::values(std::uint64_t seq_num, std::uint64_t now_ns) const noexcept {
  MessageValues v;
  v.seq_num = seq_num;
  v.last_processed = last_processed_;
  v.sending_utc_ns = header_->utc_at(now_ns);
  return v;
}

bool TakeoverOutbound::session_message(std::string_view type, const MessageValues& v, std::string_view body,
                                       std::uint64_t next_after, std::uint64_t now_ns) noexcept {
  return commit(header_->render(type, v, body, free_space()), next_after, now_ns);
}

bool TakeoverOutbound::heartbeat(std::string_view test_req_id, std::uint64_t now_ns) noexcept {
  char text[kTestReqIdBytes + 8];
  TakeoverWriter body(text);
  if (!test_req_id.empty()) body.field(112, test_req_id);
  return body.fits() && session_message("0", values(next_seq_num_, now_ns), body.view(), next_seq_num_ + 1, now_ns);
}

bool TakeoverOutbound::test_request(std::uint64_t now_ns) noexcept {
  return session_message("1", values(next_seq_num_, now_ns), "112=PORTCULLIS\001", next_seq_num_ + 1, now_ns);
}

bool TakeoverOutbound::resend_request(std::uint64_t begin_seq_no, std::uint64_t now_ns) noexcept {
  char text[48];
  TakeoverWriter body(text);
  body.field(7, begin_seq_no);
  body.field(16, "0");
  const std::uint64_t seq_num = next_seq_num_;
  if (!session_message("2", values(seq_num, now_ns), body.view(), seq_num + 1, now_ns)) return false;
  resend_request_seq_num_ = seq_num;
  return true;
}

bool TakeoverOutbound::reset_numbers(std::uint64_t now_ns) noexcept {
  const std::uint64_t fresh = next_seq_num_ + 1 + kFreshMargin;
  char text[48];
  TakeoverWriter body(text);
  body.field(123, "N");
  body.field(36, fresh);
  if (!session_message("4", values(next_seq_num_, now_ns), body.view(), fresh, now_ns)) return false;
  resend_next_ = 0;
  return true;
}

/// [from, to) holds nothing to be repeated. Spends no number.
bool TakeoverOutbound::gap_fill(std::uint64_t from, std::uint64_t to, std::uint64_t now_ns) noexcept {
  char text[48];
  TakeoverWriter body(text);
  body.field(123, "Y");
  body.field(36, to);
  MessageValues v = values(from, now_ns);
  v.orig_sending_utc_ns = v.sending_utc_ns;
  if (!session_message("4", v, body.view(), next_seq_num_, now_ns)) return false;
  lowest_gap_fill_ = std::min(lowest_gap_fill_, from);
  return true;
}

// ---- requests and their repetition -----------------------------------------------------------------------------------

const TakeoverTemplate* TakeoverOutbound::of(TemplateKind kind) const noexcept {
  switch (kind) {
    case TemplateKind::cancel: return templates_.cancel;
    case TemplateKind::mass_cancel: return templates_.mass_cancel;
    case TemplateKind::status_request: return templates_.status_request;
  }
  return nullptr;
}

bool TakeoverOutbound::write(const SentRequest& r, bool again, std::uint64_t now_ns) noexcept {
  const TakeoverTemplate* text = of(r.kind);
  if (text == nullptr) return false;
  const TakeoverIdText id = ids_.text(r.id);
  const std::string_view own(id.data(), id.size());
  MessageValues v = values(r.seq_num, now_ns);
  if (again) v.orig_sending_utc_ns = r.utc_ns;
  v.transact_utc_ns = r.utc_ns;
  v.cl_ord_id = own;
  if (r.order != TakeoverOrders::kNone) {
    const TakeoverOrder& order = orders_.order(r.order);
    const std::string_view name = order.cl_ord_id.view();
    if (r.kind == TemplateKind::status_request) {
      v.cl_ord_id = name;
      v.request_id = own;
    }
    v.orig_cl_ord_id = name;
    if (r.with_order_id) v.order_id = orders_.order_id(r.order);
    v.symbol = order.symbol;
    v.side = order.side;
    v.order_qty = order.order_qty;
  }
  if (!commit(text->render(v, free_space()), again ? next_seq_num_ : r.seq_num + 1, now_ns)) return false;
  requests_end_ = appended_;
  return true;
}

bool TakeoverOutbound::request(TemplateKind kind, std::uint32_t order, std::uint64_t now_ns) noexcept {
  if (backlog() || resending() || !pace_.ready(now_ns) || sent_count_ == kTakeoverIdsMax) return false;
  SentRequest r;
  r.seq_num = next_seq_num_;
  r.utc_ns = header_->utc_at(now_ns);
  r.order = order;
  r.id = sent_count_;
  r.kind = kind;
  r.with_order_id = order != TakeoverOrders::kNone && !orders_.order_id(order).empty();
  if (!write(r, false, now_ns)) return false;
  sent_[sent_count_++ % sent_.size()] = r;
  pace_.spend(now_ns);
  return true;
}

void TakeoverOutbound::start_resend(std::uint64_t begin, std::uint64_t end) noexcept {
  begin = std::max<std::uint64_t>(begin, 1);
  if (sent_count_ > sent_.size() && begin < sent_[sent_count_ % sent_.size()].seq_num) ++forgotten_;
  if (end == 0 || end >= next_seq_num_) end = next_seq_num_ - 1;
  resend_next_ = begin <= end ? begin : 0;  // numbers that were never used: nothing can be said about them
  resend_end_ = end;
}

void TakeoverOutbound::go_on_resending(std::uint64_t now_ns) noexcept {
  while (resending() && !backlog() && resend_one(now_ns)) {
  }
}

bool TakeoverOutbound::resend_one(std::uint64_t now_ns) noexcept {
  const SentRequest* own = first_from(resend_next_);
  const std::uint64_t fill_to = own != nullptr && own->seq_num <= resend_end_ ? own->seq_num : resend_end_ + 1;
  if (fill_to > resend_next_) {
    if (!gap_fill(resend_next_, fill_to, now_ns)) return false;
  } else {
    if (!pace_.ready(now_ns) || !write(*own, true, now_ns)) return false;
    pace_.spend(now_ns);
    ++repeated_;
  }
  resend_next_ = fill_to > resend_next_ ? fill_to : resend_next_ + 1;
  if (resend_next_ > resend_end_) resend_next_ = 0;
  return true;
}

/// The first kept request with this number or a later one. Numbers grow with the counter.
const SentRequest* TakeoverOutbound::first_from(std::uint64_t seq_num) const noexcept {
  std::uint32_t high = sent_count_;
  std::uint32_t low = sent_count_ > sent_.size() ? sent_count_ - static_cast<std::uint32_t>(sent_.size()) : 0;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (sent_[middle % sent_.size()].seq_num < seq_num)
      low = middle + 1;
    else
      high = middle;
  }
  return low == sent_count_ ? nullptr : &sent_[low % sent_.size()];
}

const SentRequest* TakeoverOutbound::by_seq_num(std::uint64_t seq_num) const noexcept {
  const SentRequest* found = first_from(seq_num);
  return found != nullptr && found->seq_num == seq_num ? found : nullptr;
}

bool TakeoverOutbound::own_id(std::string_view id) const noexcept {
  std::uint32_t n = 0;
  return ids_.parse(id, n) && n < sent_count_;
}

const SentRequest* TakeoverOutbound::by_id(std::string_view id) const noexcept {
  std::uint32_t n = 0;
  if (!ids_.parse(id, n) || n >= sent_count_ || sent_count_ - n > sent_.size()) return nullptr;
  return &sent_[n % sent_.size()];
}

}  // namespace portcullis
