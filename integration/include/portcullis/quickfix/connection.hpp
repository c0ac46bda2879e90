// SPDX-License-Identifier: Apache-2.0
/// @file One FIX session's connection to the venue, as Portcullis sees it: a Responder in front of QuickFIX's
/// own. It declares each message before it writes it, and ends the flight of the order in it. Admin messages
/// (heartbeats, gap fills) pass here too: declared, but no flight. Life: open() at the Logon, before the
/// first byte; end() before the socket closes; a reconnect opens anew. Locks: open, send, disconnect and the
/// around-flight are under the session's own mutex. declare and processed of one session share mutex_ here,
/// which is never held over a write (a venue that does not read would else block reading).
#pragma once
#include <portcullis/hook.hpp>
#include <portcullis/quickfix/lanes.hpp>
#include <portcullis/quickfix/transport.hpp>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

namespace portcullis {
namespace quickfix {

/// An order between the gate and the write.
struct Flight {
  SharedLane* lane = nullptr;
  pc_order_handle order = 0;  ///< 0 = none
  OrderFields fields;         ///< as the gate judged them
  bool written = false;

  explicit operator bool() const { return order != 0; }
  void settle(bool sent) {
    if (order == 0) return;
    written = sent;
    lane->settle(order, sent);
    order = 0;
  }
};

/// The order that this thread is sending through send(), so that toApp and the Responder know it; nullptr =
/// none.
inline Flight*& current_flight() {
  static thread_local Flight* flight = nullptr;
  return flight;
}

/// What went out under a MsgSeqNum: session-level rejects name nothing else (45).
struct SentMessage {
  std::uint64_t seq_num = 0;
  char type = 0;  ///< D, G or F
  std::string cl_ord_id, orig_cl_ord_id;
};

class Connection : public FIX::Responder {
 public:
  Connection() : sent_(kRememberedMessages) {}
  ~Connection() override { end(); }

  /// Takes the place of `inner`. Whether the supervisor witnesses it or not: what is not witnessed carries no
  /// order.
  template <typename Open>
  void open(FIX::Responder& inner, Open open_session) {
    end();
    std::lock_guard<std::mutex> hold(mutex_);
    inner_ = &inner;
    transport_ = transport_of(inner);
    session_ = open_session(transport_.fd);
    last_processed_ = 0;
    for (SentMessage& message : sent_) message.seq_num = 0;
    witnessed_ = static_cast<bool>(session_);
  }
  void add_template(const std::string& message) {
    std::lock_guard<std::mutex> hold(mutex_);
    session_.template_(message);
  }
  bool numbers(std::uint64_t& next_out, std::uint64_t& next_in) const {
    std::lock_guard<std::mutex> hold(mutex_);
    return session_.numbers(next_out, next_in);
  }
  bool is_before(const FIX::Responder* responder) const { return responder == this && inner_ != nullptr; }
  bool witnessed() const { return witnessed_; }
  const Transport& transport() const { return transport_; }

  bool send(const std::string& bytes) override {
    if (inner_ == nullptr) return false;
    Flight* flight = flight_of(bytes);
    const bool declared = declare(bytes);
    if (flight != nullptr && !declared) return flight->settle(false), false;
    const Written written = write(bytes);
    if (flight != nullptr) flight->settle(written != Written::nothing);
    return written == Written::all;
  }
  void disconnect() override {
    FIX::Responder* inner = inner_;
    end();
    if (inner != nullptr) inner->disconnect();
  }
  /// Before the socket closes; harmless when repeated.
  void end() {
    around_.settle(false);
    std::lock_guard<std::mutex> hold(mutex_);
    witnessed_ = false;
    inner_ = nullptr;
    session_.end();
  }

  /// The order that came to toApp without send(); settled by the write that follows, else at the next
  /// message.
  Flight& around() { return around_; }

  void remember(std::uint64_t seq_num, char type, const std::string& cl_ord_id,
                const std::string& orig_cl_ord_id) {
    std::lock_guard<std::mutex> hold(mutex_);
    SentMessage& slot = sent_[seq_num % sent_.size()];
    slot.seq_num = seq_num;
    slot.type = type;
    slot.cl_ord_id = cl_ord_id;
    slot.orig_cl_ord_id = orig_cl_ord_id;
  }
  /// False: not an order, or too long ago.
  bool recall(std::uint64_t seq_num, SentMessage& out) const {
    std::lock_guard<std::mutex> hold(mutex_);
    const SentMessage& slot = sent_[seq_num % sent_.size()];
    if (seq_num == 0 || slot.seq_num != seq_num) return false;
    out = slot;
    return true;
  }
  /// The engine is done with the inbound messages up to that number; repeated (older) ones change nothing.
  void processed(std::uint64_t seq_num) {
    std::lock_guard<std::mutex> hold(mutex_);
    if (!witnessed_ || seq_num <= last_processed_) return;
    last_processed_ = seq_num;
    session_.processed(seq_num);
  }

 private:
  static constexpr std::size_t kRememberedMessages = 8192;

  /// The flight that these bytes end: this thread's, or the one of toApp. A message between them (a gap fill)
  /// ends none.
  Flight* flight_of(const std::string& bytes) {
    Flight* current = current_flight();
    if (current != nullptr && *current && carries(bytes, *current)) return current;
    return around_ && carries(bytes, around_) ? &around_ : nullptr;
  }
  static bool carries(const std::string& bytes, const Flight& flight) {
    return bytes.find("\00111=" + flight.fields.cl_ord_id + '\001') != std::string::npos;
  }
  bool declare(const std::string& bytes) {
    std::lock_guard<std::mutex> hold(mutex_);
    return witnessed_ && session_.declare(bytes) == Status::ok;
  }
  Written write(const std::string& bytes) {
    if (transport_.threaded) return write_all(transport_.fd, bytes);
    return inner_->send(bytes) ? Written::all : Written::nothing;
  }

  mutable std::mutex mutex_;
  FIX::Responder* inner_ = nullptr;  ///< nullptr = not connected
  Transport transport_;
  Session session_;
  std::atomic<bool> witnessed_{false};
  Flight around_;
  std::vector<SentMessage> sent_;  ///< by MsgSeqNum modulo its size
  std::uint64_t last_processed_ = 0;
};

}  // namespace quickfix
}  // namespace portcullis
