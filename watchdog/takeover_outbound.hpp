// SPDX-License-Identifier: Apache-2.0
/// @file Our half of the session: numbers, the bounded outbox, what we said and how it is repeated.
///
///   send/... -> render with the next number -> outbox -> (caller writes; what the kernel takes is taken())
///   ResendRequest b..e -> gap-fill up to our own messages, repeat those with 43=Y and 122, gap-fill the rest
///
/// Once a message is in the outbox its number is spent; nothing is ever taken out of it. The engine's messages are never
/// repeated, ours never gap-filled over, with one exception that is counted: what is older than the kept records (twice
/// the orders and 256 more). Everything is made at construction. Rejected: letting the caller number
/// messages (a number spent twice ends the session).
#pragma once
#include <vector>

#include "watchdog/takeover_ids.hpp"
#include "watchdog/takeover_orders.hpp"
#include "watchdog/takeover_pace.hpp"
#include "watchdog/takeover_template.hpp"

namespace portcullis {

/// A request of ours, kept to be repeated and to know what an answer is about.
struct SentRequest {
  std::uint64_t seq_num = 0;
  std::uint64_t utc_ns = 0;     ///< 52 and 60 when it was first sent
  std::uint32_t order = TakeoverOrders::kNone;
  std::uint32_t id = 0;         ///< counter of its ClOrdID, or of its OrdStatusReqID (790)
  TemplateKind kind = TemplateKind::cancel;
  bool with_order_id = false;
};

/// Which templates this session has; null: none.
struct TakeoverTemplates {
  const TakeoverTemplate* cancel = nullptr;
  const TakeoverTemplate* mass_cancel = nullptr;
  const TakeoverTemplate* status_request = nullptr;
};

class TakeoverOutbound {
 public:
  static constexpr std::size_t kOutboxBytes = 128 * 1024;
  static constexpr std::size_t kTestReqIdBytes = 1024;

  TakeoverOutbound(const TakeoverOrders& orders, std::uint32_t orders_max);
  void begin(const TakeoverTemplates& templates, std::uint64_t next_seq_num, std::uint64_t id_seed,
             std::uint32_t rate_per_s) noexcept;
  [[nodiscard]] const SessionHeader& header() const noexcept { return *header_; }
  /// Written into every message that has 369.
  void last_processed(std::uint64_t seq_num) noexcept { last_processed_ = seq_num; }

  // each false: no room, or (requests) not this soon; nothing was spent then
  [[nodiscard]] bool heartbeat(std::string_view test_req_id, std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool test_request(std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool resend_request(std::uint64_t begin_seq_no, std::uint64_t now_ns) noexcept;
  /// SequenceReset in reset mode (35=4, 123=N) to a number that nobody can have used.
  [[nodiscard]] bool reset_numbers(std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool request(TemplateKind kind, std::uint32_t order, std::uint64_t now_ns) noexcept;

  /// Bytes that are no message of ours (the end of a cut one), written by `fill(span) -> bytes`. 0: they do not fit.
  template <typename Fill>
  std::size_t raw(Fill&& fill) noexcept {
    const std::size_t bytes = fill(free_space());
    if (bytes != 0) note_end(bytes);
    return bytes;
  }

  /// The venue asks for [begin, end], 0: to the newest. Replaces one that is under way.
  void start_resend(std::uint64_t begin, std::uint64_t end) noexcept;
  [[nodiscard]] bool resending() const noexcept { return resend_next_ != 0; }
  /// As far as room and pace allow.
  void go_on_resending(std::uint64_t now_ns) noexcept;

  [[nodiscard]] const SentRequest* by_seq_num(std::uint64_t seq_num) const noexcept;
  /// By the ClOrdID (or 790) that we gave it; null: not ours, or too long ago.
  [[nodiscard]] const SentRequest* by_id(std::string_view id) const noexcept;
  [[nodiscard]] bool own_id(std::string_view id) const noexcept;

  [[nodiscard]] std::span<const char> bytes() const noexcept { return {outbox_.data() + begin_, end_ - begin_}; }
  void taken(std::size_t bytes) noexcept;
  /// Every request, repetitions included, was taken to its last byte.
  [[nodiscard]] bool requests_taken() const noexcept { return taken_ >= requests_end_; }
  [[nodiscard]] bool backlog() const noexcept { return end_ - begin_ > kBacklogBytes; }

  [[nodiscard]] std::uint64_t next_seq_num() const noexcept { return next_seq_num_; }
  /// The same, counting only messages that were taken to their last byte.
  [[nodiscard]] std::uint64_t next_seq_num_taken() const noexcept { return next_taken_; }
  [[nodiscard]] std::uint64_t last_sent_ns() const noexcept { return last_sent_ns_; }
  [[nodiscard]] std::uint64_t resend_request_seq_num() const noexcept { return resend_request_seq_num_; }
  /// Lowest MsgSeqNum that one of our gap fills carried; UINT64_MAX: none did.
  [[nodiscard]] std::uint64_t lowest_gap_fill() const noexcept { return lowest_gap_fill_; }
  [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_; }
  /// ResendRequests that reached back beyond the kept records: what is older was gap-filled.
  [[nodiscard]] std::uint64_t forgotten() const noexcept { return forgotten_; }

 private:
  static constexpr std::size_t kBacklogBytes = 16 * 1024;  ///< no further requests above it: session messages stay prompt
  static constexpr std::uint64_t kFreshMargin = 100;       ///< a reset leaves this many numbers out, for what nobody declared
  static constexpr std::size_t kEnds = 4096;
  struct End {
    std::uint64_t offset = 0;  ///< bytes ever appended up to here
    std::uint64_t next_seq_num = 0;
  };

  [[nodiscard]] std::span<char> free_space() noexcept;
  [[nodiscard]] MessageValues values(std::uint64_t seq_num, std::uint64_t now_ns) const noexcept;
  [[nodiscard]] bool session_message(std::string_view type, const MessageValues& values, std::string_view body,
                                     std::uint64_t next_after, std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool gap_fill(std::uint64_t from, std::uint64_t to, std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool write(const SentRequest& request, bool again, std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool resend_one(std::uint64_t now_ns) noexcept;
  [[nodiscard]] const SentRequest* first_from(std::uint64_t seq_num) const noexcept;
  [[nodiscard]] const TakeoverTemplate* of(TemplateKind kind) const noexcept;
  [[nodiscard]] bool commit(std::size_t bytes, std::uint64_t next_after, std::uint64_t now_ns) noexcept;
  void note_end(std::size_t bytes) noexcept;

  const TakeoverOrders& orders_;
  TakeoverTemplates templates_;
  const SessionHeader* header_ = nullptr;
  TakeoverIds ids_;
  TakeoverPace pace_;
  std::vector<SentRequest> sent_;  ///< a ring by counter of ClOrdIDs
  std::uint32_t sent_count_ = 0;
  std::vector<char> outbox_;
  std::size_t begin_ = 0, end_ = 0;
  std::vector<End> ends_;
  std::size_t ends_head_ = 0, ends_count_ = 0;
  std::uint64_t appended_ = 0, taken_ = 0;  ///< bytes ever
  std::uint64_t requests_end_ = 0;          ///< appended_ behind the newest request
  std::uint64_t next_seq_num_ = 1, next_taken_ = 1;
  std::uint64_t last_processed_ = 0;
  std::uint64_t resend_next_ = 0, resend_end_ = 0;  ///< [next, end] still to answer; next 0: none
  std::uint64_t resend_request_seq_num_ = 0;
  std::uint64_t lowest_gap_fill_ = UINT64_MAX;
  std::uint64_t last_sent_ns_ = 0;
  std::uint64_t repeated_ = 0, forgotten_ = 0;
};

}  // namespace portcullis
