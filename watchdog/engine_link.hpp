// SPDX-License-Identifier: Apache-2.0
/// @file The supervisor's end of the attach socket: checks the peer, makes the memories, hands them over, takes the
/// sessions' sockets and passes them to the witness, and notices the engine's end by its pidfd. Runs in control's
/// thread on its sd-event loop; never waits for an engine or for the witness. What an event means for trading is
/// control's, through EngineLink::Handler.
#pragma once
#include <systemd/sd-event.h>

#include <optional>
#include <string>

#include "shm/attach_protocol.hpp"
#include "watchdog/board.hpp"
#include "watchdog/fence.hpp"
#include "watchdog/halt_book.hpp"
#include "watchdog/memories.hpp"
#include "watchdog/session_templates.hpp"
#include "watchdog/witness.hpp"

namespace portcullis {

/// MsgSeqNums (34) with which a session goes on; 0 each: as the engine's own store has them.
struct NextNumbers {
  std::uint64_t out = 0, in = 0;
};

class EngineLink {
 public:
  /// What control decides and wants to know. All calls come from control's own thread.
  struct Handler {
    virtual ~Handler() = default;
    virtual void engine_attached(bool again) = 0;
    virtual void engine_refused(AttachStatus status, std::uint32_t uid, std::int32_t pid) = 0;
    /// Its connection ended; whether it lives is looked at next. The gate closes now.
    virtual void engine_doubtful() = 0;
    /// dead: the process is gone; else its connection ended while it lives.
    virtual void engine_gone(bool dead) = 0;
    /// ok: a clean end. Anything else is what the engine is told; it then counts as gone.
    [[nodiscard]] virtual AttachStatus engine_detaches(std::uint32_t keep) = 0;
    virtual void session_changed(std::uint32_t slot, bool opened) = 0;
    virtual void owner_died(std::uint32_t lane) = 0;
    /// False while a halt runs: nobody may attach in the middle of it.
    [[nodiscard]] virtual bool may_attach_now() = 0;
  };

  EngineLink(const Config& config, Board& board, Witness& witness, Handler& handler);
  ~EngineLink();
  EngineLink(const EngineLink&) = delete;
  EngineLink& operator=(const EngineLink&) = delete;

  /// Listens on RUN_DIR/ENGINE.attach. Returns 0 or a negative errno.
  [[nodiscard]] int start(sd_event* loop, std::uint32_t engine_uid);
  /// The witness finished something: answers that were waiting for it go out.
  void serve_tickets() noexcept;

  [[nodiscard]] bool attached() const noexcept { return attached_; }
  [[nodiscard]] bool dead() const noexcept { return dead_; }
  [[nodiscard]] const ProcessHandle& process() const noexcept { return process_; }
  [[nodiscard]] std::uint32_t engine_uid() const noexcept { return peer_uid_; }
  [[nodiscard]] const Attachment& attachment() const noexcept { return attachments_[current_]; }
  /// Tells the engine's descriptor that a command waits.
  void wake_engine() const noexcept;
  /// The witness's latest word on each slot.
  void read_sessions(SessionsNow& out) const noexcept;
  [[nodiscard]] bool registered(std::uint32_t slot) const noexcept { return sessions_[slot].registered; }
  /// A connection was taken in this slot since the attach; it may have ended.
  [[nodiscard]] bool opened(std::uint32_t slot) const noexcept { return sessions_[slot].opened; }
  [[nodiscard]] std::uint64_t inode(std::uint32_t slot) const noexcept;
  /// The next opening of this session tells the engine to go on with these.
  void hand_back(std::uint32_t slot, const NextNumbers& numbers) noexcept { handed_[slot] = numbers; }
  [[nodiscard]] const NextNumbers& handed(std::uint32_t slot) const noexcept { return handed_[slot]; }
  /// What the engine rendered for the connection in that slot.
  [[nodiscard]] const SessionTemplates& templates(std::uint32_t slot) const noexcept { return sessions_[slot].templates; }
  /// Ends the attachment on this side (after a death or a clean end): connection closed, sessions dropped.
  void release() noexcept;

 private:
  struct Session {
    bool registered = false;
    bool opened = false;
    bool witnessed = false;
    std::uint64_t epoch = 0;
    SessionTemplates templates;
  };
  struct Pending {  ///< the one request whose answer waits for the witness
    AttachOp op{};
    std::uint32_t slot = 0;
    Ticket ticket = kNoTicket;
    UniqueFd socket;  ///< waits until an older duplicate of the slot is dropped
    bool active = false;
  };

  static int on_listen(sd_event_source*, int fd, std::uint32_t events, void* self);
  static int on_packet(sd_event_source*, int fd, std::uint32_t events, void* self);
  static int on_pidfd(sd_event_source*, int fd, std::uint32_t events, void* self);
  static int on_owner(sd_event_source*, int fd, std::uint32_t events, void* self);

  void serve(const AttachRequest& request, std::size_t bytes, UniqueFd fd);
  void attach(const AttachRequest& request);
  [[nodiscard]] AttachStatus judge_attach(const AttachRequest& request) const noexcept;
  void open_session(const AttachRequest& request, UniqueFd fd);
  void adopt(std::uint32_t slot, UniqueFd fd);
  void end_session(const AttachRequest& request);
  [[nodiscard]] AttachStatus keep_template(const AttachRequest& request, std::size_t bytes);
  [[nodiscard]] AttachStatus watch_owner(std::uint32_t lane, UniqueFd pidfd);
  [[nodiscard]] bool publish(const Attachment* attachment) noexcept;
  void reply(AttachOp op, AttachStatus status, std::uint32_t index = 0, std::uint64_t epoch = 0);
  void send_reply(AttachReply& reply, const int* fds, std::size_t count);
  void lost(bool dead);
  void close_connection() noexcept;

  const Config& config_;
  Board& board_;
  Witness& witness_;
  Handler& handler_;
  sd_event* loop_ = nullptr;
  UniqueFd listen_;
  UniqueFd connection_;
  UniqueFd wake_;
  sd_event_source* listen_source_ = nullptr;
  sd_event_source* connection_source_ = nullptr;
  sd_event_source* pidfd_source_ = nullptr;
  std::array<sd_event_source*, kLanesMax> owner_sources_{};
  std::array<UniqueFd, kLanesMax> owners_;
  std::string path_;
  std::uint32_t expected_uid_ = 0;
  std::uint64_t connected_ns_ = 0;  ///< since when connection_ is there
  bool attached_ = false;
  bool dead_ = false;
  bool was_attached_ = false;
  std::uint32_t peer_uid_ = 0;
  std::int32_t peer_pid_ = 0;
  ProcessHandle process_;
  std::array<Memories, 2> memories_;
  std::array<Attachment, 2> attachments_{};
  std::uint32_t current_ = 0;
  std::array<Session, kSessionsMax> sessions_;
  std::array<NextNumbers, kSessionsMax> handed_{};
  Pending pending_;
};

}  // namespace portcullis
