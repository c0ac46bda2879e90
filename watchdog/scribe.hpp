// SPDX-License-Identifier: Apache-2.0
/// @file The scribe: one thread that makes every file and journal call after the start. Control hands it
/// events, latch writes and the run folder's record through bounded queues and never waits; where it must
/// know (arming waits until the audit has its record), it looks at the ticket until its own deadline. A disk
/// that hangs stalls this thread only. Order: the latch before everything else, then events one by one, then
/// the record; each queue keeps its own order. A latch write that failed is tried again every second. Lost
/// records (a full queue, a failed write) are counted, and the first record that can be written again says
/// how many.
#pragma once
#include <string>

#include "shm/unique_fd.hpp"
#include "watchdog/audit.hpp"
#include "watchdog/journal.hpp"
#include "watchdog/latch_file.hpp"
#include "watchdog/published.hpp"
#include "watchdog/scribe_message.hpp"
#include "watchdog/takeover_log.hpp"
#include "watchdog/ticket_queue.hpp"
#include "watchdog/worker_thread.hpp"

namespace portcullis {

enum class [[nodiscard]] ScribeResult : std::uint8_t{
    pending = 0,
    ok,      ///< on the disk: written and synced (the record: written and renamed)
    failed,  ///< not written; a trip or outcome holds in memory and is tried again
    lost,    ///< never queued, or asked too late: count it as a failure
};

/// How opening ended: the parts are told apart, because arming asks for both.
struct ScribeOpened {
  LatchError latch = LatchError::not_open;
  AuditError audit = AuditError::not_open;
  bool run_dir = false;
};

/// Counters, each only grows. `status` shows them.
struct ScribeCounters {
  Word audit_failures{};
  Word latch_failures{};
  Word record_failures{};
  Word takeover_failures{};  ///< pieces of a take-over's log that could not be written
  Word journal_drops{};
  Word queue_overflows{};   ///< messages that found a full queue
  Word last_audit_error{};  ///< AuditError of the last failure
  Word last_latch_error{};  ///< LatchError of the last failure
};

/// What the latch says, as of the scribe's last act on it.
struct LatchStatus {
  LatchView view;
  std::uint8_t pending = 0;  ///< 1: something that closes is held in memory only
  std::uint8_t made_new = 0;
  std::uint8_t reserved[6] = {};
};

class Scribe {
 public:
  static constexpr std::size_t kEventMessages = 1024;
  static constexpr std::size_t kLatchMessages = 16;
  static constexpr std::size_t kRecords = 2;
  enum class Queue : std::uint8_t { none, event, latch, record };
  /// A queued message; Queue::none: it found a full queue.
  struct Receipt {
    Queue queue = Queue::none;
    Ticket ticket = kNoTicket;
  };

  Scribe() = default;
  ~Scribe();
  Scribe(const Scribe&) = delete;
  Scribe& operator=(const Scribe&) = delete;

  /// Opens latch, audit and journal and the run folder, in the caller's thread, before `start`. May block.
  ScribeOpened open(const std::string& state_dir, const std::string& run_dir, std::string_view engine,
                    const Stamp& now);
  /// Before `start`: also appends what a take-over said and heard to STATE_DIR/ENGINE.takeover. False: that file cannot
  /// be opened; the log then only counts.
  [[nodiscard]] bool keep(TakeoverLog& log, const std::string& state_dir);
  /// @param done_eventfd control's: grows when a message is finished; -1: nobody wants to know
  ThreadError start(int done_eventfd) noexcept;

  // control's only; none waits
  [[nodiscard]] Receipt event(const ScribeEvent& event) noexcept;
  [[nodiscard]] Receipt latch(const LatchMessage& message) noexcept;
  /// Writes RUN_DIR/ENGINE.record (empty: removes it). More than 16 KiB is refused.
  [[nodiscard]] Receipt record(std::string_view text) noexcept;
  ScribeResult result(const Receipt& receipt) const noexcept;
  /// The log of a take-over may have grown.
  void wake() noexcept { thread_.wake(); }

  // any thread
  [[nodiscard]] const ScribeCounters& counters() const noexcept { return counters_; }
  /// False: torn; ask again.
  [[nodiscard]] bool latch_status(LatchStatus& out) const noexcept { return latch_status_.try_load(out); }
  [[nodiscard]] bool audit_head(AuditHead& out) const noexcept { return audit_head_.try_load(out); }
  /// Messages that are not written yet, of all queues.
  [[nodiscard]] std::uint64_t waiting() const noexcept;
  /// Start of the thread's last round, monotonic. Old while something is waiting: the disk hangs.
  [[nodiscard]] std::uint64_t beat_ns() const noexcept { return load(beat_ns_); }

  /// Writes what is queued and ends. False: stuck, or not done in time; leave the process by _exit.
  [[nodiscard]] bool stop(std::uint64_t timeout_ns) noexcept;

 private:
  void run() noexcept;
  [[nodiscard]] bool work_once() noexcept;
  void write_latches() noexcept;
  ScribeResult write_latch(const LatchMessage& message) noexcept;
  LatchError act_on_latch(const LatchMessage& message) noexcept;
  void retry_latch() noexcept;
  void publish_latch() noexcept;
  ScribeResult write_event(const ScribeEvent& event) noexcept;
  AuditError append(const ScribeEvent& event) noexcept;
  void tell_journal(const ScribeEvent& event) noexcept;
  void report_losses() noexcept;
  ScribeResult write_record(const RecordMessage& message) noexcept;
  void write_takeover() noexcept;

  LatchFile latch_;
  Audit audit_;
  Journal journal_;
  UniqueFd run_dir_;
  TakeoverLog* takeover_log_ = nullptr;
  UniqueFd takeover_file_;
  std::vector<char> takeover_piece_;
  BootId boot_id_{};
  std::string engine_;
  std::string record_name_;
  std::string record_temp_name_;
  int done_eventfd_ = -1;
  std::uint64_t told_overflows_ = 0;
  std::uint64_t told_audit_failures_ = 0;
  std::uint64_t latch_retry_ns_ = 0;

  TicketQueue<ScribeEvent, ScribeResult, kEventMessages> events_;
  TicketQueue<LatchMessage, ScribeResult, kLatchMessages> latches_;
  TicketQueue<RecordMessage, ScribeResult, kRecords> records_;
  Published<LatchStatus> latch_status_;
  Published<AuditHead> audit_head_;
  ScribeCounters counters_;
  Word beat_ns_{};
  WorkerThread thread_;
};

}  // namespace portcullis
