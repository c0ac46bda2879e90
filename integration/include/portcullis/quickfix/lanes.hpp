// SPDX-License-Identifier: Apache-2.0
/// @file Lanes as a QuickFIX engine uses them. QuickFIX calls back from threads of its own choosing (one
/// initiator thread, or one per connection, new at every reconnect; orders may leave from any of them), while
/// a lane knows one submitter and one responder. So each lane has one small lock here, and a role moves
/// (pc_lane_rebind) only under it. The lock is never held over a write, a callback or QuickFIX's own lock. It
/// costs what an uncontended mutex costs; writing the message costs a hundred times that.
#pragma once
#include <quickfix/SessionID.h>
#include <portcullis/hook.hpp>
#include <portcullis/quickfix/fields.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace portcullis {
namespace quickfix {

class SharedLane {
 public:
  SharedLane(const std::string& name, Lane lane) : name_(name), lane_(lane) {}
  const std::string& name() const { return name_; }

  /// One order at a time: a second thread's order is refused as busy while the first is between gate and
  /// write.
  pc_ticket submit(const pc_order& order, const FIX::SessionID& session) {
    return ask([&](pc_ticket& ticket) { return pc_submit(lane_.raw(), &order, &ticket); }, session);
  }
  pc_ticket replace(const pc_replace_request& request, const FIX::SessionID& session) {
    return ask([&](pc_ticket& ticket) { return pc_replace(lane_.raw(), &request, &ticket); }, session);
  }
  /// Ends the flight of a passed order.
  void settle(pc_order_handle order, bool sent) {
    std::lock_guard<std::mutex> hold(mutex_);
    bind(submitter_);
    static_cast<void>(sent ? pc_sent(lane_.raw(), order) : pc_not_sent(lane_.raw(), order));
    in_flight_ = false;
  }
  void cancel(const std::string& orig_cl_ord_id, const std::string& cl_ord_id) {
    std::lock_guard<std::mutex> hold(mutex_);
    if (in_flight_) return;  // only a count is lost; the cancel itself always goes out
    bind(submitter_);
    lane_.cancel(OrderRef(orig_cl_ord_id), cl_ord_id);
  }
  /// While an order of another thread is being written the answer is the last one.
  Command poll() {
    std::lock_guard<std::mutex> hold(mutex_);
    if (!in_flight_) {
      bind(submitter_);
      last_command_ = lane_.poll();
    }
    return last_command_;
  }
  bool next_cancel(OpenOrder& order) {
    std::lock_guard<std::mutex> hold(mutex_);
    if (in_flight_) return false;
    bind(submitter_);
    return lane_.next_cancel(order);
  }
  /// Runs one call of the responder: `book(lane)`.
  template <typename Book>
  void respond(Book book) {
    std::lock_guard<std::mutex> hold(mutex_);
    bind(responder_);
    book(lane_);
  }
  pc_order_handle find(const std::string& cl_ord_id) const {
    return pc_find(lane_.raw(), Text(cl_ord_id).raw());
  }
  /// The session that carried the last order: where the lane's cancels go. False: none yet.
  bool session(FIX::SessionID& out) const {
    std::lock_guard<std::mutex> hold(mutex_);
    if (has_session_) out = session_;
    return has_session_;
  }

 private:
  template <typename Call>
  pc_ticket ask(Call call, const FIX::SessionID& session) {
    std::lock_guard<std::mutex> hold(mutex_);
    pc_ticket ticket = pc_ticket();
    ticket.size = sizeof ticket;
    ticket.verdict = in_flight_ ? PC_BUSY : PC_CLOSED;
    if (in_flight_ || !lane_) return ticket;
    bind(submitter_);
    ticket.verdict = call(ticket);
    in_flight_ = ticket.verdict == PC_PASS;
    if (in_flight_ && (!has_session_ || !(session_ == session))) session_ = session, has_session_ = true;
    return ticket;
  }
  void bind(std::thread::id& role) {
    const std::thread::id self = std::this_thread::get_id();
    if (role == self) return;
    lane_.rebind();  // also at the first call: the engine may have stated positions from another thread
    role = self;
  }

  const std::string name_;
  mutable std::mutex mutex_;
  Lane lane_;
  FIX::SessionID session_;
  std::thread::id submitter_, responder_;
  Command last_command_ = Command::stop;
  bool in_flight_ = false, has_session_ = false;
};

/// The lanes opened so far (256 at most: more names than the library can open get no lane), and the symbols
/// seen.
class Lanes {
 public:
  explicit Lanes(Hook& hook) : hook_(hook), noted_(kNotedOrders) {}

  /// The lane of that name, opened at its first use; nullptr if there is none.
  SharedLane* open(const char* name) {
    std::lock_guard<std::mutex> hold(mutex_);
    for (const std::unique_ptr<SharedLane>& lane : lanes_)
      if (lane->name() == name) return lane.get();
    if (lanes_.size() >= kMaxLanes) return nullptr;
    const Lane opened = hook_.lane(name);
    if (!opened) return nullptr;
    lanes_.emplace_back(new SharedLane(name, opened));
    return lanes_.back().get();
  }
  /// Remembers which lane an order belongs to, beyond its end: late and repeated reports must find it.
  void note(const std::string& cl_ord_id, SharedLane* lane) {
    const std::size_t hash = std::hash<std::string>()(cl_ord_id);
    std::lock_guard<std::mutex> hold(mutex_);
    if (lanes_.size() > 1) noted_[hash % noted_.size()] = {hash, lane};
  }
  /// The lane of that order; `other` where nothing is known of it (an order that the hook never saw).
  SharedLane* holding(const std::string& cl_ord_id, SharedLane* other) {
    const std::size_t hash = std::hash<std::string>()(cl_ord_id);
    std::lock_guard<std::mutex> hold(mutex_);
    if (lanes_.size() == 1) return lanes_.front().get();
    const Noted& noted = noted_[hash % noted_.size()];
    if (noted.lane != nullptr && noted.hash == hash) return noted.lane;
    for (const std::unique_ptr<SharedLane>& lane : lanes_)
      if (lane->find(cl_ord_id) != 0) return lane.get();
    return other;
  }
  /// Lane number i in the order of opening; nullptr behind the last.
  SharedLane* at(std::size_t i) {
    std::lock_guard<std::mutex> hold(mutex_);
    return i < lanes_.size() ? lanes_[i].get() : nullptr;
  }
  /// PC_NONE where the configuration lacks the symbol. Only known symbols are kept, so a venue cannot grow
  /// the table.
  std::uint32_t instrument(const std::string& symbol) {
    std::lock_guard<std::mutex> hold(mutex_);
    const auto found = instruments_.find(symbol);
    if (found != instruments_.end()) return found->second;
    const std::uint32_t number = hook_.instrument(symbol);
    if (number == PC_NONE) return PC_NONE;
    if (number >= symbols_.size()) symbols_.resize(number + std::size_t{1});
    symbols_[number] = symbol;
    instruments_.emplace(symbol, number);
    return number;
  }
  std::string symbol(std::uint32_t instrument) const {
    std::lock_guard<std::mutex> hold(mutex_);
    return instrument < symbols_.size() ? symbols_[instrument] : std::string();
  }

 private:
  struct Noted {
    std::size_t hash = 0;
    SharedLane* lane = nullptr;
  };
  static constexpr std::size_t kMaxLanes = 256;  ///< as the library
  static constexpr std::size_t kNotedOrders =
      1 << 17;  ///< twice the library's open orders; a newer one replaces
  Hook& hook_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<SharedLane>> lanes_;
  std::unordered_map<std::string, std::uint32_t> instruments_;
  std::vector<std::string> symbols_;  ///< by number
  std::vector<Noted> noted_;          ///< by hash of the ClOrdID
};

}  // namespace quickfix
}  // namespace portcullis
