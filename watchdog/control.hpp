// SPDX-License-Identifier: Apache-2.0
/// @file Control: the thread in which decisions become effects. One sd-event loop: the engine's attach socket, the CLI
/// (halt first), the monitor's breaches, pidfds, timers. It closes the gate exactly, climbs the ladder, keeps the latch
/// through the scribe, and alone gives the right to trade, when people ask for it and every condition holds.
/// It never waits for the witness, the scribe, an engine or a client: it looks at tickets and deadlines.
/// Parts: control.cpp (loop and events), control_halt.cpp (a halt from breach to report), control_rungs.cpp (its rungs),
/// control_people.cpp (requests).
#pragma once
#include <optional>

#include "watchdog/control_server.hpp"
#include "watchdog/engine_link.hpp"
#include "watchdog/exact_close.hpp"
#include "watchdog/ladder.hpp"
#include "watchdog/monitor.hpp"
#include "watchdog/notify.hpp"
#include "watchdog/scribe.hpp"
#include "watchdog/socket_census.hpp"
#include "watchdog/status_json.hpp"
#include "watchdog/takeover_rung.hpp"
#include "watchdog/trip.hpp"

namespace portcullis {

/// Exit codes of the supervisor, from sysexits.h.
inline constexpr int kExitOk = 0;
inline constexpr int kExitUnavailable = 69;  ///< something it needs could not be had
inline constexpr int kExitLate = 75;         ///< it found itself late by more than the lease
inline constexpr int kExitConfig = 78;

class Control final : public EngineLink::Handler {
 public:
  struct Parts {
    const Config& config;
    Board& board;
    Witness& witness;
    Scribe& scribe;
    TakeoverLog& takeover_log;
    const People& people;
    const Evaluator& evaluator;
    Notifier& notifier;
    BootId boot_id;
    int wake_fd = -1;  ///< the monitor's breaches
    int done_fd = -1;  ///< finished tickets
    std::vector<std::string> warnings;  ///< what the start could not have; shown by status
  };
  explicit Control(Parts parts);
  ~Control() override;

  /// Binds every socket. "" or why not.
  [[nodiscard]] std::string start();
  /// Runs until told to stop; returns the process's exit code.
  [[nodiscard]] int run();

 private:
  struct ArmJob {
    enum class Phase : std::uint8_t { none, audit, judged } phase = Phase::none;
    ClientId client = 0;
    Peer peer;
    Scribe::Receipt receipt;
    std::uint64_t deadline_ns = 0;
    std::uint64_t generation = 0;
    std::uint64_t cycle = 0;
  };
  struct LatchJob {  ///< clear and resolve: an answer that waits for the latch
    bool active = false;
    bool clears = false;
    ClientId client = 0;
    Scribe::Receipt receipt;
    std::uint64_t deadline_ns = 0;
  };
  struct TakeoverJob {
    bool active = false;
    bool begun = false;  ///< the engine is at rest: the sessions are the witness's
    bool failed = false; ///< it could not be frozen
    std::uint64_t began_ns = 0;
    std::uint64_t next_wake_ns = 0;  ///< of the scribe, for the log
  };
  struct SeverJob {
    bool active = false;
    bool asked = false;
    std::uint64_t began_ns = 0;
    std::array<Ticket, kSessionsMax> tickets{};
  };

  // EngineLink::Handler
  void engine_attached(bool again) override;
  void engine_refused(AttachStatus status, std::uint32_t uid, std::int32_t pid) override;
  void engine_doubtful() override { close_gate(kEngineScope); }
  void engine_gone(bool dead) override;
  [[nodiscard]] AttachStatus engine_detaches(std::uint32_t keep) override;
  void session_changed(std::uint32_t slot, bool opened) override;
  void owner_died(std::uint32_t lane) override;
  [[nodiscard]] bool may_attach_now() override { return !report().active; }

  // loop
  static int on_wake(sd_event_source*, int fd, std::uint32_t, void* self);
  static int on_done(sd_event_source*, int fd, std::uint32_t, void* self);
  static int on_tick(sd_event_source*, std::uint64_t, void* self);
  static int on_signal(sd_event_source*, const signalfd_siginfo*, void* self);
  void tick(std::uint64_t now_ns);
  void schedule(std::uint64_t now_ns);
  void take_census(std::uint64_t now_ns);
  void feed_watchdog(std::uint64_t now_ns);
  void lose_lease();
  void leave(int code);
  void write_record();
  void note(Event event, const Peer* peer = nullptr, std::string_view text = {}, std::uint16_t lane = kEngineScope);
  [[nodiscard]] ScribeEvent make_event(Event event, const Peer* peer) const noexcept;

  // halt
  void begin_halt(Cause cause, const Breach* breach, std::uint16_t lane, const Peer* peer, bool planned);
  void widen_halt();
  void close_gate(std::uint16_t lane) noexcept;
  void step_ladder(std::uint64_t now_ns);
  void act(LadderAction action, std::uint64_t now_ns);
  void note_closed(std::uint64_t now_ns);
  void begin_ask(std::uint64_t now_ns);
  void begin_take_over(std::uint64_t now_ns);
  void step_take_over(std::uint64_t now_ns);
  void kill_taken_over(std::uint64_t now_ns);
  void freeze_engine() noexcept;
  void look_for_stop(std::uint64_t now_ns) noexcept;
  void note_retries(bool retries, std::uint64_t now_ns);
  void hand_back_numbers() noexcept;
  void settle_numbers();
  void begin_sever(std::uint64_t now_ns);
  void step_sever(std::uint64_t now_ns);
  [[nodiscard]] bool severed() const noexcept;
  void begin_fence(std::uint64_t now_ns);
  void finish_halt(std::uint64_t now_ns);
  void end_rung(Rung rung, RungResult result, std::uint64_t now_ns) noexcept;
  void latch_trip(const Peer* peer);
  void latch_outcome();
  [[nodiscard]] bool engine_at_rest() const noexcept;
  [[nodiscard]] std::uint64_t open_orders() const noexcept;
  [[nodiscard]] LadderView ladder_view();
  [[nodiscard]] LadderTimes ladder_times() const noexcept;
  [[nodiscard]] HaltReport& report() noexcept { return book_.report(); }

  // people
  void serve(ClientId client, const Request& request, const Peer& peer);
  void serve_status(ClientId client);
  void serve_halt(ClientId client, const Request& request, const Peer& peer);
  void serve_arm(ClientId client, const Request& request, const Peer& peer);
  void serve_disarm(ClientId client, const Request& request, const Peer& peer);
  void serve_latch(ClientId client, const Request& request, const Peer& peer);
  void step_arm(std::uint64_t now_ns);
  void step_latch(std::uint64_t now_ns);
  void fail_arm(std::string_view why);
  void open_gate();
  void unlock_lanes() noexcept;
  void answer_waiters(bool finished);
  [[nodiscard]] std::string arm_refusal() const;
  [[nodiscard]] RungNotes rung_notes(std::uint32_t slot) const;
  [[nodiscard]] std::uint16_t lane_of(const std::string& name) const noexcept;

  Parts p_;
  sd_event* loop_ = nullptr;
  sd_event_source* tick_source_ = nullptr;
  ControlServer server_;
  EngineLink link_;
  SocketCensus census_;
  CensusReport last_census_;
  HaltBook book_;
  ExactClose close_;
  LadderState ladder_;
  SessionsNow sessions_{};
  TakeoverRung takeover_rung_;
  TakeoverJob takeover_;
  SeverJob sever_;
  ArmJob arm_;
  LatchJob latch_;
  struct Waiter { ClientId client = 0; std::uint64_t deadline_ns = 0; };
  std::vector<Waiter> waiters_;

  State state_ = State::locked;
  LockedReason locked_reason_ = LockedReason::fresh;
  std::uint64_t state_since_ns_ = 0;
  std::uint64_t generation_ = 0;
  std::uint64_t cancel_sequence_ = 0;
  std::uint64_t next_census_ns_ = 0;
  std::uint64_t next_watchdog_ns_ = 0;
  std::uint64_t watchdog_cycle_ = 0;
  std::string_view halt_reason_;  ///< of the request that is being served; empty otherwise
  bool closed_noted_ = false;
  bool frozen_ = false;
  bool retries_over_ = false;    ///< people ended the asking for refused cancels
  bool engine_stopped_ = false;  ///< by somebody else, as last looked at
  std::uint64_t next_stop_look_ns_ = 0;
  bool kill_sent_ = false;
  bool have_report_ = false;
};

}  // namespace portcullis
