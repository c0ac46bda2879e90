// SPDX-License-Identifier: Apache-2.0
/// @file The C++ interface of the hook: C++14 and up, header-only over portcullis.h, nothing of it in the
/// library. Flow: Hook -> Lane, Session (while locked) -> per order: Ticket t = lane.submit(...); if (t) {
/// session.declare(bytes); write; t.sent(); } else look at t.why(). A ticket that is dropped without sent()
/// takes its order back. Lane and Parent are plain values that point into the hook; they and every Ticket are
/// dead after Hook::detach. Sessions may outlive it. Threads: the roles of portcullis.h hold; nothing here
/// adds a lock. The order path (submit, sent, declare, accepted, ...) is inline and allocates nothing;
/// attach, lane and session do. Does not protect against: orders written without submit (the supervisor sees
/// those, after the fact), and a copied Lane that outlives its hook.
#pragma once
#include <portcullis/portcullis.h>
#include <portcullis/hook_types.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace portcullis {
inline namespace hook_v1 {

/// The gate's answer to one order. Move-only; dropped without sent() it takes the order back.
class Ticket {
 public:
  Ticket() noexcept : lane_(nullptr), ticket_() {
    ticket_.size = sizeof ticket_, ticket_.verdict = PC_CLOSED;
  }
  Ticket(pc_lane* lane, const pc_ticket& ticket) noexcept : lane_(lane), ticket_(ticket) {}
  Ticket(Ticket&& other) noexcept : lane_(other.lane_), ticket_(other.ticket_) { other.lane_ = nullptr; }
  Ticket& operator=(Ticket&& other) noexcept {
    if (this != &other) {
      not_sent();
      lane_ = other.lane_, ticket_ = other.ticket_;
      other.lane_ = nullptr;
    }
    return *this;
  }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() { not_sent(); }

  /// True: send it, then say sent(). False: do not.
  explicit operator bool() const noexcept { return ticket_.verdict == PC_PASS; }
  pc_verdict verdict() const noexcept { return static_cast<pc_verdict>(ticket_.verdict); }
  pc_order_handle order() const noexcept { return ticket_.order; }
  Reason why() const noexcept { return Reason(ticket_); }
  /// The bytes were handed to the kernel, or to a queue whose bytes were declared.
  Status sent() noexcept {
    return open() ? to_status(pc_sent(std::exchange(lane_, nullptr), ticket_.order)) : Status::unknown_order;
  }
  /// Nothing of it was written. Harmless when repeated, after sent(), and on a refusal.
  Status not_sent() noexcept {
    return open() ? to_status(pc_not_sent(std::exchange(lane_, nullptr), ticket_.order)) : Status::ok;
  }

 private:
  bool open() const noexcept { return lane_ != nullptr && ticket_.verdict == PC_PASS; }
  pc_lane* lane_;  ///< nullptr once settled
  pc_ticket ticket_;
};

/// One flow of orders; a plain value. The submitter's and the responder's half are two threads at most.
class Lane {
 public:
  Lane() noexcept : lane_(nullptr) {}
  explicit Lane(pc_lane* lane) noexcept : lane_(lane) {}
  explicit operator bool() const noexcept { return lane_ != nullptr; }
  pc_lane* raw() const noexcept { return lane_; }

  // ---- submitter
  [[gnu::warn_unused_result]] Ticket submit(const Order& order) const noexcept {
    const pc_order raw_order = order.raw();
    return submit(raw_order);
  }
  [[gnu::warn_unused_result]] Ticket submit(const pc_order& order) const noexcept {
    pc_ticket ticket = empty_ticket();
    if (lane_ != nullptr) settle(ticket, pc_submit(lane_, &order, &ticket));
    return Ticket(lane_, ticket);
  }
  /// Asks for n orders (64 at most) that are written together; tickets[i] answers orders[i]. Returns how many
  /// passed.
  std::uint32_t submit_batch(const Order* orders, std::uint32_t n, Ticket* tickets) const noexcept {
    pc_order raw_orders[kMaxBatch];
    pc_ticket answers[kMaxBatch];
    if (lane_ == nullptr || n > kMaxBatch) return 0;
    for (std::uint32_t i = 0; i < n; ++i) raw_orders[i] = orders[i].raw(), answers[i] = empty_ticket();
    const std::uint32_t passed = pc_submit_batch(lane_, raw_orders, n, answers);
    for (std::uint32_t i = 0; i < n; ++i) tickets[i] = Ticket(lane_, answers[i]);
    return passed;
  }
  /// Asks for the replacement of an order; order_qty (38) is the new total, filled part included.
  [[gnu::warn_unused_result]] Ticket replace(pc_order_handle order, Text cl_ord_id, std::int64_t order_qty,
                                             std::int64_t px_e8) const noexcept {
    pc_replace_request request = pc_replace_request();
    request.size = sizeof request;
    request.order = order;
    request.cl_ord_id = cl_ord_id.raw();
    request.order_qty = order_qty;
    request.px_e8 = px_e8;
    pc_ticket ticket = empty_ticket();
    if (lane_ != nullptr) settle(ticket, pc_replace(lane_, &request, &ticket));
    return Ticket(lane_, ticket);
  }
  /// Says that a cancel with that ClOrdID follows; always passes.
  Status cancel(const OrderRef& order, Text cl_ord_id) const noexcept {
    return to_status(pc_cancel(lane_, order.raw(), cl_ord_id.raw()));
  }
  /// Opens a parent order; false in the answer means it was refused.
  Parent parent(Text id, std::uint32_t instrument, Side side, std::int64_t qty) const noexcept {
    Parent opened;
    if (pc_parent_open(lane_, id.raw(), instrument, static_cast<pc_side>(side), qty, &opened.handle) != PC_OK)
      opened.handle = 0;
    return opened;
  }
  Status close(Parent parent) const noexcept { return to_status(pc_parent_close(lane_, parent.handle)); }
  Status mark(std::uint32_t instrument, std::int64_t px_e8) const noexcept {
    return to_status(pc_mark(lane_, instrument, px_e8));
  }
  void beat() const noexcept { pc_beat(lane_); }
  void idle() const noexcept { pc_idle(lane_); }
  void work_in(std::uint64_t items = 1) const noexcept { pc_work_in(lane_, items); }
  void work_done(std::uint64_t items = 1) const noexcept { pc_work_done(lane_, items); }
  /// Beat, then the command of the moment.
  Command poll() const noexcept {
    return lane_ == nullptr ? Command::stop : static_cast<Command>(pc_poll(lane_));
  }
  /// The next open order to cancel, at the session's pace; false = none now.
  bool next_cancel(OpenOrder& order) const noexcept {
    return lane_ != nullptr && pc_next_cancel(lane_, &order) == 1;
  }

  // ---- responder
  Status accepted(const OrderRef& order, Text order_id) const noexcept {
    return to_status(pc_accepted(lane_, order.raw(), order_id.raw()));
  }
  Status filled(const Fill& fill) const noexcept {
    pc_fill raw_fill = pc_fill();
    raw_fill.size = sizeof raw_fill;
    raw_fill.instrument = fill.instrument;
    raw_fill.order = *fill.order.raw();
    raw_fill.exec_id = fill.exec_id.raw();
    raw_fill.last_qty = fill.last_qty;
    raw_fill.last_px_e8 = fill.last_px_e8;
    raw_fill.cum_qty = fill.cum_qty;
    raw_fill.side = static_cast<std::uint8_t>(fill.side);
    return to_status(pc_filled(lane_, &raw_fill));
  }
  /// A fill of an order of this hook (a foreign one needs the longer form, or it cannot be booked).
  Status filled(const OrderRef& order, std::int64_t last_qty, std::int64_t last_px_e8, Text exec_id = Text(),
                std::int64_t cum_qty = -1) const noexcept {
    return filled(Fill{order, last_qty, last_px_e8, exec_id, cum_qty});
  }
  Status cancelled(const OrderRef& order) const noexcept {
    return to_status(pc_cancelled(lane_, order.raw()));
  }
  Status rejected(const OrderRef& order) const noexcept { return to_status(pc_rejected(lane_, order.raw())); }
  Status replaced(const OrderRef& new_order) const noexcept {
    return to_status(pc_replaced(lane_, new_order.raw()));
  }
  /// 35=9; ord_status is its tag 39.
  Status cancel_rejected(const OrderRef& order, char ord_status) const noexcept {
    return to_status(pc_cancel_rejected(lane_, order.raw(), ord_status));
  }
  /// A busted or corrected trade: the signed difference (a busted buy of 5: -5).
  Status corrected(std::uint32_t instrument, std::int64_t position_delta) const noexcept {
    pc_correction correction = pc_correction();
    correction.size = sizeof correction;
    correction.instrument = instrument;
    correction.position_delta = position_delta;
    return to_status(pc_corrected(lane_, &correction));
  }

  // ---- while locked, or rarely
  /// The process behind this lane: its death halts the lane. The pidfd stays the caller's.
  Status owner(int pidfd) const noexcept { return to_status(pc_lane_owner(lane_, pidfd)); }
  /// Lets other threads take the roles; the caller orders them.
  Status rebind() const noexcept { return to_status(pc_lane_rebind(lane_)); }
  Status position(std::uint32_t instrument, std::int64_t position) const noexcept {
    return to_status(pc_position(lane_, instrument, position));
  }
  /// Position 0 for every instrument of the lane that was not stated.
  Status positions_flat() const noexcept { return to_status(pc_positions_flat(lane_)); }

  static constexpr std::uint32_t kMaxBatch = 64;  ///< as pc_submit_batch

 private:
  static pc_ticket empty_ticket() noexcept {
    pc_ticket ticket = pc_ticket();
    ticket.size = sizeof ticket;
    ticket.verdict = PC_CLOSED;
    return ticket;
  }
  /// The returned verdict counts, whatever the struct says.
  static void settle(pc_ticket& ticket, pc_verdict verdict) noexcept { ticket.verdict = verdict; }
  pc_lane* lane_;
};

/// One venue connection; move-only. Ends itself when dropped, unless the hook went first.
class Session {
 public:
  Session() noexcept : session_(nullptr), status_(Status::closed) {}
  Session(Session&& other) noexcept
      : session_(std::exchange(other.session_, nullptr)),
        status_(other.status_),
        alive_(std::move(other.alive_)) {}
  Session& operator=(Session&& other) noexcept {
    if (this != &other) {
      end();
      session_ = std::exchange(other.session_, nullptr);
      status_ = other.status_;
      alive_ = std::move(other.alive_);
    }
    return *this;
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { end(); }

  explicit operator bool() const noexcept { return session_ != nullptr; }
  /// Of opening it, or the first template that was not taken.
  Status status() const noexcept { return status_; }
  /// These whole messages are written (or queued) next; say it before the write.
  Status declare(const void* bytes, std::size_t length) noexcept {
    return to_status(pc_declare(session_, bytes, length));
  }
  Status declare(Text bytes) noexcept { return declare(bytes.data(), bytes.size()); }
  /// True: the supervisor spoke on this session; the store has to go on with these numbers (see pc_session_numbers).
  bool numbers(std::uint64_t& next_out, std::uint64_t& next_in) const noexcept {
    uint64_t out = 0, in = 0;
    if (session_ == nullptr || pc_session_numbers(session_, &out, &in) == 0) return false;
    next_out = out;
    next_in = in;
    return true;
  }
  /// The engine finished with the inbound message of that MsgSeqNum (34).
  void processed(std::uint64_t seq_num) noexcept {
    if (session_ != nullptr) pc_processed(session_, seq_num);
  }
  /// A complete message (8= to 10=) of this engine's encoder, for speaking on its behalf.
  Status template_(Text message) noexcept { return to_status(pc_session_template(session_, message.raw())); }
  /// Before close(): the supervisor drops its duplicate.
  Status end() noexcept {
    pc_session* session = std::exchange(session_, nullptr);
    if (session == nullptr || alive_ == nullptr || !alive_->load()) return Status::closed;
    return to_status(pc_session_end(session));
  }

 private:
  friend class Hook;
  Session(pc_session* session, Status status, std::shared_ptr<std::atomic<bool>> alive) noexcept
      : session_(session), status_(status), alive_(std::move(alive)) {}
  pc_session* session_;
  Status status_;
  std::shared_ptr<std::atomic<bool>> alive_;  ///< false once the hook is gone and session_ with it
};

/// One engine's attachment. Starts locked: every order is refused until people arm.
class Hook {
 public:
  /// @param engine names the configuration; @param run_dir nullptr = $PORTCULLIS_RUN_DIR, else
  /// /run/portcullis
  explicit Hook(const char* engine, const char* run_dir = nullptr, std::uint32_t timeout_ms = 0)
      : hook_(nullptr), status_(Status::io), alive_(std::make_shared<std::atomic<bool>>(true)) {
    pc_attach_options options = pc_attach_options();
    options.size = sizeof options;
    options.timeout_ms = timeout_ms;
    options.engine = engine;
    options.run_dir = run_dir;
    status_ = to_status(pc_attach(&options, &hook_));
  }
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;
  ~Hook() { static_cast<void>(detach(Keep::none)); }

  bool attached() const noexcept { return hook_ != nullptr && status_ == Status::ok; }
  Status status() const noexcept { return status_; }
  /// A sentence about the last call that failed, never nullptr.
  const char* why() const noexcept {
    return hook_ == nullptr ? "no memory for a hook, or already detached" : pc_why(hook_);
  }
  /// Readable when a command waits; for epoll and poll. -1 when not attached.
  int fd() const noexcept { return hook_ == nullptr ? -1 : pc_fd(hook_); }
  /// Number of an instrument, PC_NONE if the configuration lacks it.
  std::uint32_t instrument(const char* symbol) const noexcept {
    return hook_ == nullptr ? PC_NONE : pc_instrument(hook_, symbol);
  }
  std::uint32_t instrument(const std::string& symbol) const noexcept { return instrument(symbol.c_str()); }
  /// The lane of that name; false when the configuration lacks it (every submit is then refused).
  Lane lane(const char* name) noexcept {
    pc_lane* opened = nullptr;
    if (hook_ == nullptr || pc_lane_open(hook_, name, &opened) != PC_OK) opened = nullptr;
    return Lane(opened);
  }
  Lane lane(const std::string& name) noexcept { return lane(name.c_str()); }
  /// Start-of-day position of one lane; only while locked.
  Status position(const char* lane_name, const char* symbol, std::int64_t position) noexcept {
    const Lane stated = lane(lane_name);
    return stated ? stated.position(instrument(symbol), position) : Status::unknown_name;
  }
  /// Registers a connected socket before its first byte, with sample messages of the engine's own encoder
  /// (one per type that may be sent on its behalf: 35=F, and q, H where the venue has them). fd -1 = not a
  /// kernel transport.
  template <typename... Templates>
  Session session(const char* name, int fd, const Templates&... templates) {
    pc_session* opened = nullptr;
    Status status = hook_ == nullptr ? Status::closed : to_status(pc_session_open(hook_, name, fd, &opened));
    if (status != Status::ok) opened = nullptr;
    Session session(opened, status, alive_);
    const Status results[] = {Status::ok, (session ? session.template_(Text(templates)) : Status::ok)...};
    for (const Status result : results)
      if (session.status_ == Status::ok) session.status_ = result;
    return session;
  }
  /// The planned end; 0 = done, 1 = not (why() is gone by then: the audit has it). Meant as main's return
  /// value.
  int detach(Keep keep) noexcept {
    if (hook_ == nullptr) return 1;
    alive_->store(false);
    return pc_detach(std::exchange(hook_, nullptr), static_cast<pc_keep>(keep)) == PC_OK ? 0 : 1;
  }
  pc_hook* raw() const noexcept { return hook_; }

 private:
  pc_hook* hook_;
  Status status_;
  std::shared_ptr<std::atomic<bool>> alive_;
};

}  // namespace hook_v1
}  // namespace portcullis
