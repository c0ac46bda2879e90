// SPDX-License-Identifier: Apache-2.0
/// @file The kernel witness: one thread that reads, for every venue session, how many bytes the kernel took,
/// and is the only one that touches an engine's socket. Control queues commands and looks at their tickets;
/// monitor and control read samples. Nobody waits for this thread: when it is stuck (the engine holds a
/// socket's lock) its samples age, and a sample that is old is no sample. Then the engine is killed first and
/// its sockets are reset after. Invariant: accepted <= declared, exact; the ledger's declared bytes are read
/// last; a take-over's own bytes count as declared. Does not see: kernel bypass, bytes of user-space TLS, UDP, sockets that were not handed over.
#pragma once
#include <array>
#include <atomic>

#include "shm/ledger_layout.hpp"
#include "watchdog/published.hpp"
#include "watchdog/takeover_session.hpp"
#include "watchdog/ticket_queue.hpp"
#include "watchdog/witness_rule.hpp"
#include "watchdog/worker_thread.hpp"

namespace portcullis {

enum class [[nodiscard]] WitnessResult : std::uint8_t{
    pending = 0,
    ok,  ///< adopt: watched from offset 0 on; drop: closed; reset: verified and closed; take_over: begun
    not_tcp,        ///< adopt: no TCP socket; it was closed
    not_connected,  ///< adopt: not ESTABLISHED; it was closed
    slot_in_use,    ///< adopt: drop or reset the old connection first; the new duplicate was closed
    bad_slot,       ///< no such slot
    no_session,     ///< drop, reset, take_over: nothing is held in this slot
    not_reset,  ///< reset: refused or not verified. Still held, and set to reset at its last close: kill, ask
                ///< again
    failed,     ///< another error of the kernel
    lost,       ///< no such ticket, or too old: count it as a failure
};
/// "pending", "ok", ...
[[nodiscard]] const char* witness_result_name(WitnessResult result) noexcept;

/// Who a session's socket is, for the run folder's record and the census. Filled by adopt.
struct SessionIdentity {
  std::uint64_t inode = 0;
  TcpAddresses addresses;
};

struct WitnessOptions {
  std::uint64_t poll_ns = 1'000'000;       ///< between two readings of each session
  std::uint64_t urgent_poll_ns = 100'000;  ///< while a ladder runs
  int done_eventfd = -1;  ///< control's: grows when a ticket is finished, or a take-over has ended
};

class Witness {
 public:
  Witness() = default;
  ~Witness();
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  ThreadError start(const WitnessOptions& options) noexcept;

  // control's only; each gives a ticket, kNoTicket where 64 commands are waiting already (treat as stuck)
  /// Takes the duplicate and watches it. `socket` stays the caller's where no ticket was given. `block` must
  /// stay mapped until the session is no longer held(): with a stuck witness that is after the engine's
  /// death, or never.
  [[nodiscard]] Ticket adopt(std::uint32_t slot, std::uint64_t epoch, const SessionBlock& block,
                             UniqueFd&& socket) noexcept;
  /// Closes the duplicate: the connection lives on in the engine, if the engine lives.
  [[nodiscard]] Ticket drop(std::uint32_t slot) noexcept;
  /// Lets no further byte in, takes the last sample, resets, verifies, closes.
  [[nodiscard]] Ticket reset(std::uint32_t slot) noexcept;
  /// Speaks on it, from now until `takeover` has ended or the session is dropped or reset. The engine must be dead or
  /// stopped for good. `takeover` was prepared, and is this thread's until then.
  [[nodiscard]] Ticket take_over(std::uint32_t slot, TakeoverSession& takeover) noexcept;
  WitnessResult result(Ticket ticket) const noexcept { return commands_.result(ticket); }
  /// Valid after the slot's adopt was `ok`, until the next adopt.
  [[nodiscard]] const SessionIdentity& identity(std::uint32_t slot) const noexcept {
    return identities_[slot];
  }

  // any thread
  /// False (out untouched): no such slot, nothing published, or torn. Count that as stale.
  [[nodiscard]] bool sample(std::uint32_t slot, WitnessSample& out) const noexcept;
  /// True while a duplicate is in the witness's hands (also while its adoption is queued).
  [[nodiscard]] bool held(std::uint32_t slot) const noexcept;
  /// Poll faster while true.
  void set_urgent(bool urgent) noexcept;
  /// Start of the thread's last round, monotonic.
  [[nodiscard]] std::uint64_t beat_ns() const noexcept { return load(beat_ns_); }

  /// Closes every duplicate without resetting it and ends the thread. False: stuck; leave the process by
  /// _exit.
  [[nodiscard]] bool stop(std::uint64_t timeout_ns) noexcept;

 private:
  enum class Op : std::uint8_t { adopt, drop, reset, take_over };
  struct Command {
    Op op = Op::drop;
    std::uint32_t slot = 0;
    std::uint64_t epoch = 0;
    const SessionBlock* block = nullptr;
    int fd = -1;
    TakeoverSession* takeover = nullptr;
  };
  struct Session {  // the thread's own
    UniqueFd socket;
    const SessionBlock* block = nullptr;
    TakeoverSession* takeover = nullptr;  ///< not null: this session was taken over
    WitnessSample last;
  };

  [[nodiscard]] Ticket queue(const Command& command) noexcept;
  void run() noexcept;
  void serve_commands() noexcept;
  WitnessResult serve(Command& command) noexcept;
  WitnessResult take(Command& command, UniqueFd socket) noexcept;
  WitnessResult end_by_reset(std::uint32_t slot) noexcept;
  WitnessResult begin_take_over(std::uint32_t slot, TakeoverSession& takeover) noexcept;
  void poll(std::uint32_t slot) noexcept;
  static void renew(Session& session, int tries) noexcept;
  void end(std::uint32_t slot, SessionState state) noexcept;

  WorkerThread thread_;
  WitnessOptions options_;
  TicketQueue<Command, WitnessResult, 64> commands_;
  std::array<Session, kSessionsMax> sessions_;
  std::array<Published<WitnessSample>, kSessionsMax> samples_;
  std::array<SessionIdentity, kSessionsMax> identities_;
  std::array<std::atomic<std::uint32_t>, kSessionsMax> held_{};
  std::atomic<bool> urgent_{false};
  Word beat_ns_{};
};

}  // namespace portcullis
