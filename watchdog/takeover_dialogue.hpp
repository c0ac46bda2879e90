// SPDX-License-Identifier: Apache-2.0
/// @file Speaks FIX for a stopped or dead engine on its own established session until every order that left is answered.
/// Pure: `(state, bytes in, now) -> bytes out, fates`; no socket, thread, clock or allocation after construction. One
/// thread (the witness, which does the I/O). The ten rules are those of the take-over in the design.
///
///   close the cut message -> gap-fill a resend under way -> ask -> done
///   ask:  mass cancel (35=q), or a cancel (35=F) per order, largest notional first, paced
///         a hole in the venue's numbers -> ResendRequest (35=2) at once
///         quiet, orders open   -> OrderStatusRequest (35=H) each -> cancels again, three rounds, then in larger intervals
///         no answer at all     -> SequenceReset in reset mode (35=4), once, then everything again under new ClOrdIDs
///   refused by the venue       -> again every cancel_retry_ns, the session kept alive, until cancel_retry_total_ns
///
/// What proves an end: OrdStatus (39) 2, 4, 8, C or 3, in a report or a cancel reject; a Reject (35=3, j) of the order's
/// own message. Not: 35=r, pending states, 35=3 of a cancel. "Unknown order" (39=8) to a cancel that had to leave out an
/// OrderID (37) that the engine normally names is a refusal. Not done here: deciding that the engine is stopped, reading
/// the kernel's count, resetting the session. An in-session Logon with ResetSeqNumFlag ends the take-over.
#pragma once
#include "watchdog/takeover_boundary.hpp"
#include "watchdog/takeover_inbound.hpp"
#include "watchdog/takeover_outbound.hpp"
#include "watchdog/takeover_reader.hpp"

namespace portcullis {

/// What a venue bears; from the session's configuration.
struct TakeoverSwitches {
  /// 35=q first. Off by default: a venue without it costs one refused message; needs the engine's q template too.
  bool mass_cancel = false;
  /// Close a cut message with a wrong CheckSum. On: FIX says that a garbled message is ignored and not counted. Off where
  /// the venue disconnects on one: a cut stream then goes to rung 4.
  bool poison = true;
  /// SequenceReset in reset mode after silence. On: the alternative is to sever anyway. Off where the venue forbids it.
  bool reset_mode = true;
  /// 35=H for each order that stays open. On, where the engine gave a template for it.
  bool status_request = true;
};

struct TakeoverTimes {
  std::uint64_t answer_ns = 1'000'000'000;  ///< T: silence after which the next question is put
  std::uint64_t quiet_ns = 250'000'000;     ///< the same, once answers had begun to come (or twice the slowest)
  std::uint64_t total_ns = 10'000'000'000;  ///< open orders are unknown then; include orders / cancel_rate_per_s
  std::uint64_t cancel_retry_ns = 5'000'000'000;          ///< between two tries of an order that was refused, and of
                                                          ///< one that is still open after three rounds
  std::uint64_t cancel_retry_total_ns = 600'000'000'000;  ///< from the begin; 0: refusals are final at once
  std::uint64_t heartbeat_ns = 10'000'000'000;  ///< HeartBtInt (108) of the Logon; sooner does no harm. 0: none
};

struct TakeoverPlan {
  TakeoverTemplates templates;       ///< cancel, or mass_cancel with its switch; must outlive the take-over
  TakeoverSwitches switches;
  TakeoverTimes times;
  std::uint32_t cancel_rate_per_s = 1;  ///< of F, q and H together, repetitions included. Set it below a venue's throttle:
                                        ///< what the network delays arrives closer together
  Boundary boundary;
  std::uint64_t next_in = 1;         ///< last inbound MsgSeqNum that the engine finished with + 1
  std::uint64_t id_seed = 0;         ///< takeover_id_seed(...)
  std::span<const TakeoverOrder> orders;  ///< of this session, ends within boundary.left_bytes(); copied
};

enum class [[nodiscard]] TakeoverStart : std::uint8_t{
    ok,
    no_template,       ///< nothing to ask with
    boundary_unknown,  ///< where the stream stands is not known
    cut_message,       ///< inside a message, and poison is off or the message cannot be closed
    too_many_orders,
};
[[nodiscard]] const char* takeover_start_name(TakeoverStart start) noexcept;

enum class TakeoverPhase : std::uint8_t {
  idle,      ///< not begun
  asking,    ///< orders are open
  retrying,  ///< every order has an answer or is given up; some were refused and are tried again
  done,
};
enum class TakeoverEnd : std::uint8_t {
  none,
  all_acknowledged,
  refused,         ///< the venue answered no to some, to the last; nothing else is open
  unanswered,      ///< total_ns passed with orders that nobody answered
  silent,          ///< nothing came in for 2.4 heartbeats, a TestRequest notwithstanding
  ended_by_venue,  ///< Logout, a Logon that resets, or the connection ended
};
[[nodiscard]] const char* takeover_phase_name(TakeoverPhase phase) noexcept;
[[nodiscard]] const char* takeover_end_name(TakeoverEnd end) noexcept;

/// Plain values; may be published to another thread.
struct TakeoverReport {
  TakeoverPhase phase = TakeoverPhase::idle;
  TakeoverEnd end = TakeoverEnd::none;
  bool inbound_whole = false;  ///< every message of the venue from next_in to the newest was seen: fills are complete
  std::uint8_t reserved[5] = {};
  std::uint64_t next_out_seq_num = 0;  ///< for the engine's store, messages written to the last byte only
  std::uint64_t next_in_seq_num = 0;
  std::uint64_t open = 0, acknowledged = 0, refused = 0, unknown = 0;
  std::uint64_t changes = 0;           ///< grows with every change of a fate
  std::uint64_t cancels_sent = 0, mass_cancels_sent = 0, status_requests_sent = 0;
  std::uint64_t repeated = 0;          ///< own messages sent again for a ResendRequest
  std::uint64_t forgotten = 0;         ///< ResendRequests that reached back beyond what is kept of our messages
  std::uint64_t resets = 0;            ///< SequenceReset in reset mode
  std::uint64_t resend_requests = 0;   ///< of the venue
  std::uint64_t messages_in = 0, reports_in = 0, rejects_in = 0;
  std::uint64_t garbled = 0, skipped_bytes = 0;
  std::uint64_t unmatched = 0;         ///< answers about nobody we know
  std::uint64_t implausible = 0;       ///< answers that cannot be: not taken
  std::uint64_t first_cancel_ns = 0, last_ack_ns = 0;  ///< monotonic; 0: none
};
static_assert(sizeof(TakeoverReport) % 8 == 0);

class TakeoverDialogue {
 public:
  /// @param orders_max largest list that begin() takes; about 0.4 kB of memory each
  explicit TakeoverDialogue(std::uint32_t orders_max);
  TakeoverDialogue(const TakeoverDialogue&) = delete;
  TakeoverDialogue& operator=(const TakeoverDialogue&) = delete;

  /// Anything but ok: nothing was begun, nothing may be written.
  TakeoverStart begin(const TakeoverPlan& plan, std::uint64_t now_ns) noexcept;

  // bytes in: recv(MSG_DONTWAIT) into room(), then received(); step() makes room again
  [[nodiscard]] std::span<char> room() noexcept { return reader_.room(); }
  void received(std::size_t bytes) noexcept { reader_.filled(bytes); }
  /// The connection ended (end of stream, reset, a fatal error of send). Call step() before, for what came in until then.
  void connection_ended() noexcept;
  /// Takes in what was received, moves on, fills output().
  void step(std::uint64_t now_ns) noexcept;
  // bytes out: send(MSG_DONTWAIT | MSG_NOSIGNAL), then written() with what the kernel took (0 with EAGAIN)
  [[nodiscard]] std::span<const char> output() const noexcept { return out_.bytes(); }
  void written(std::size_t bytes) noexcept { out_.taken(bytes); }

  [[nodiscard]] TakeoverReport report() const noexcept;
  [[nodiscard]] std::uint32_t size() const noexcept { return orders_.size(); }
  /// Of order i of the plan's list.
  [[nodiscard]] const TakeoverOutcome& outcome(std::uint32_t i) const noexcept { return orders_.outcome(i); }

 private:
  enum class Stage : std::uint8_t { mass, cancels, status };

  // takeover_rounds.cpp: who is asked what, and when
  void begin_asking() noexcept;
  void start_stage(Stage stage) noexcept;
  void ask(std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool ask_one(std::uint32_t order, std::uint64_t now_ns) noexcept;
  void move_on(std::uint64_t now_ns) noexcept;
  void next_question(std::uint64_t now_ns) noexcept;
  void start_over(std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool active() const noexcept {
    return phase_ == TakeoverPhase::asking || phase_ == TakeoverPhase::retrying;
  }
  void judge_end(std::uint64_t now_ns) noexcept;
  void finish(TakeoverEnd end) noexcept;
  void keep_alive(std::uint64_t now_ns) noexcept;
  void ask_for_missing(std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool can(Stage stage) const noexcept;

  // takeover_answers.cpp: what the venue said
  void take(const InboundMessage& message, std::uint64_t now_ns) noexcept;
  void take_session(const InboundMessage& message, std::uint64_t now_ns) noexcept;
  void take_report(const InboundMessage& message, std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool take_figures(const InboundMessage& message, std::uint32_t order) noexcept;
  [[nodiscard]] bool status_lacks_order_id(std::uint32_t order) const noexcept;
  void take_replaced(const InboundMessage& message, std::uint64_t now_ns) noexcept;
  void take_cancel_reject(const InboundMessage& message, std::uint64_t now_ns) noexcept;
  void take_own_cancel_reject(const InboundMessage& message, std::uint64_t now_ns) noexcept;
  void take_foreign_cancel_reject(const InboundMessage& message, std::uint64_t now_ns) noexcept;
  void take_mass_report(const InboundMessage& message, std::uint64_t now_ns) noexcept;
  void take_reject(const InboundMessage& message, std::uint64_t now_ns) noexcept;
  void request_rejected(const SentRequest& request, const InboundMessage& message, std::uint64_t now_ns) noexcept;
  [[nodiscard]] std::uint32_t order_meant(const InboundMessage& message) const noexcept;
  void refuse(std::uint32_t order, const InboundMessage& message, std::uint64_t now_ns) noexcept;
  void end_order(std::uint32_t order, char ord_status, std::uint64_t now_ns) noexcept;
  void end_name(std::uint32_t order, char ord_status, std::uint64_t now_ns) noexcept;
  void acknowledged_since(std::uint64_t changes, std::uint64_t now_ns) noexcept;
  void heard(const SentRequest* request, std::uint64_t now_ns) noexcept;

  TakeoverReader reader_;
  TakeoverOrders orders_;
  TakeoverOutbound out_;
  TakeoverInbound in_;
  TakeoverPlan plan_;
  TakeoverReport counts_;  ///< counters only; report() adds the rest
  TakeoverPhase phase_ = TakeoverPhase::idle;
  TakeoverEnd end_ = TakeoverEnd::none;
  Stage stage_ = Stage::cancels;
  std::uint32_t cancel_rounds_ = 0;
  bool mass_sent_ = false, mass_refused_ = false, status_refused_ = false;
  bool exhausted_ = false;    ///< every question was put
  bool heard_ = false;        ///< an answer to a request of ours, since the begin or the reset
  bool heard_since_ask_ = false;
  bool figures_doubtful_ = false;  ///< a figure that could not be read, or a trade was corrected
  bool test_request_sent_ = false;
  std::uint64_t begun_ns_ = 0;
  std::uint64_t busy_ns_ = 0;     ///< last request, answer, or resend: what quiet is measured from
  std::uint64_t slowest_answer_ns_ = 0;
  std::uint64_t last_in_ns_ = 0;
  std::size_t test_req_id_bytes_ = 0;
  bool test_req_id_waits_ = false;
  std::array<char, TakeoverOutbound::kTestReqIdBytes> test_req_id_{};
};

}  // namespace portcullis
