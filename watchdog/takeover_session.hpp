// SPDX-License-Identifier: Apache-2.0
/// @file One session's take-over: the dialogue (takeover_dialogue.hpp) put on the engine's own socket.
///
///   control: prepare(list of orders) -> ticket -> witness: settle -> begin -> rounds (recv, step, send) -> ended
///   control: report(), fate(i) at any time
///
/// Control fills the list before the ticket and does not touch it until the session is at_rest(); the witness thread
/// makes every call on the socket. Before the first byte the kernel's count must stand still for a moment, and in every
/// round it must equal what the engine left plus what we wrote: anybody else who writes (io_uring, a second process)
/// ends the take-over at once. Rounds come with the witness's readings, every 100 us. Rejected: waking for each answer;
/// it takes the venue a wake-up for each of its writes (measured on one host: 21 us an order instead of 7). Nothing is
/// allocated after construction.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "watchdog/published.hpp"
#include "watchdog/takeover_dialogue.hpp"
#include "watchdog/takeover_log.hpp"
#include "watchdog/witness_rule.hpp"

namespace portcullis {

/// More open orders of one session than this are not taken over: its session is reset instead.
inline constexpr std::uint32_t kTakeoverOrdersMax = 16'384;

enum class TakeoverState : std::uint8_t {
  idle,       ///< nothing was asked
  settling,   ///< waits for the kernel's count to stand still
  speaking,   ///< the dialogue runs
  ended,      ///< see report().end; the socket is still held
  impossible, ///< nothing was written; why() says why
  intruded,   ///< somebody else wrote into the stream: no further byte of ours
};
enum class TakeoverObstacle : std::uint8_t {
  none,
  no_session,        ///< no live connection in this slot
  not_established,   ///< the connection is ending
  undeclared_bytes,  ///< the stream holds bytes that nobody declared: no boundary is known
  still_moving,      ///< the kernel's count grows after the freeze
  backlog,           ///< more unsent bytes than take_over_backlog_bytes
  unreadable,        ///< the kernel's count cannot be read
  start,             ///< start() says why the dialogue did not begin
};
[[nodiscard]] const char* takeover_obstacle_name(TakeoverObstacle obstacle) noexcept;

/// What the witness tells control; plain values.
struct TakeoverStatus {
  TakeoverState state = TakeoverState::idle;
  TakeoverObstacle obstacle = TakeoverObstacle::none;
  TakeoverStart start = TakeoverStart::ok;
  BoundaryKind boundary = BoundaryKind::unknown;
  std::uint8_t reserved[4] = {};
  std::uint64_t engine_bytes = 0;  ///< stream offset where the engine's part ends, a cut message's rest not counted
  std::uint64_t own_bytes = 0;     ///< written by us
  TakeoverReport report;
};

class TakeoverSession {
 public:
  /// @param orders_max open orders of the engine; at most kTakeoverOrdersMax are taken over
  TakeoverSession(std::uint32_t orders_max, TakeoverLog& log);

  // control, while at_rest()
  /// Empties the list; `plan` without boundary and orders.
  void prepare(const TakeoverPlan& plan, const MessageEndRing& ring, std::uint64_t epoch, std::uint64_t backlog_bytes) noexcept;
  /// Adds an order that is open on this session; `this_epoch` false: it left on an earlier connection of it.
  /// False: no room (the take-over will then not begin).
  [[nodiscard]] bool add(const TakeoverOrder& order, bool this_epoch) noexcept;

  // any thread
  [[nodiscard]] bool status(TakeoverStatus& out) const noexcept { return status_.try_load(out); }
  /// Fate of the order that was added as number i; Fate::open while nothing is known.
  [[nodiscard]] Fate fate(std::uint32_t i) const noexcept;
  /// Cumulated quantity (14) of it by now; meaningful once its fate or fill was seen.
  [[nodiscard]] std::int64_t cum_qty(std::uint32_t i) const noexcept;
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(orders_.size()); }

  // the witness thread
  /// The command has come: nothing is written yet.
  void start(std::uint32_t slot, const WitnessSample& sample, std::uint64_t now_ns) noexcept;
  /// One round: hears, thinks, speaks. `sample` is a fresh reading of the socket.
  void round(int fd, const WitnessSample& sample, std::uint64_t now_ns) noexcept;
  /// The connection is gone.
  void lost(std::uint64_t now_ns) noexcept;
  /// Bytes of ours in the stream: declared, as far as the witness is concerned.
  [[nodiscard]] std::uint64_t own_bytes() const noexcept { return own_bytes_; }
  [[nodiscard]] bool running() const noexcept {
    return state_ == TakeoverState::settling || state_ == TakeoverState::speaking;
  }

 private:
  struct Outcome {
    std::atomic<std::uint8_t> fate{0};
    std::atomic<std::int64_t> cum_qty{0};
  };

  void begin(const WitnessSample& sample, std::uint64_t now_ns) noexcept;
  void choose_orders(std::uint64_t left_bytes) noexcept;
  [[nodiscard]] bool listen(int fd, std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool speak(int fd, std::uint64_t now_ns) noexcept;
  void obstacle(TakeoverObstacle what) noexcept;
  void publish(bool fates) noexcept;

  TakeoverDialogue dialogue_;
  TakeoverLog& log_;
  // control's until the ticket, then the witness's
  TakeoverPlan plan_;
  MessageEndRing ring_;
  std::uint64_t epoch_ = 0;
  std::uint64_t backlog_bytes_ = 0;
  std::vector<TakeoverOrder> orders_;       ///< as added
  std::vector<std::uint8_t> this_epoch_;    ///< beside orders_
  bool full_ = false;
  // the witness's
  std::vector<TakeoverOrder> left_;         ///< those whose message left: what the dialogue speaks of
  std::vector<std::uint32_t> left_index_;   ///< their numbers in orders_
  std::unique_ptr<Outcome[]> outcomes_;
  std::uint32_t slot_ = 0;
  TakeoverState state_ = TakeoverState::idle;
  TakeoverObstacle obstacle_ = TakeoverObstacle::none;
  TakeoverStart start_ = TakeoverStart::ok;
  std::uint64_t settle_until_ns_ = 0;
  std::uint64_t engine_bytes_ = 0;
  std::uint64_t own_bytes_ = 0;
  std::uint64_t changes_seen_ = 0;
  Published<TakeoverStatus> status_;
};

}  // namespace portcullis
