// SPDX-License-Identifier: Apache-2.0
/// @file The cancels that the adapter writes on a halt, and the samples of them that the supervisor keeps. A
/// venue's own wishes (account, firm) are added by the engine's function, to both alike. ClOrdIDs are "PC",
/// the start time in microseconds and a counter: unique over restarts, 23 bytes at most for years.
#pragma once
#include <quickfix/Session.h>
#include <portcullis/quickfix/fields.hpp>
#include <portcullis/quickfix/lanes.hpp>

#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace portcullis {
namespace quickfix {

class Cancels {
 public:
  explicit Cancels(Lanes& lanes) : lanes_(lanes), id_prefix_(make_id_prefix()) {}

  std::function<void(FIX::Message&)> complete;  ///< adds what the venue wants; may be empty
  std::vector<FIX::Message> samples;            ///< further message types for the supervisor
  bool mass_cancel = false;                     ///< the venue has 35=q

  /// Complete messages as this engine's encoder renders them, addressed like its Logon.
  std::vector<std::string> templates(const FIX::Message& logon, const std::string& begin_string) const {
    OpenOrder order;
    std::snprintf(order.cl_ord_id, sizeof order.cl_ord_id, "ORIG");
    std::snprintf(order.order_id, sizeof order.order_id, "ID");  // a sample without 37 would never name the venue's id
    order.side = PC_BUY;
    order.order_qty = 1;
    std::vector<FIX::Message> messages(1, cancel_request(begin_string, "CANCEL", "SYMBOL", order));
    messages.push_back(status_request(begin_string, "SYMBOL", order));
    if (mass_cancel) messages.push_back(mass_cancel_request(begin_string, "CANCEL"));
    if (complete)
      for (FIX::Message& message : messages) complete(message);
    for (FIX::Message sample : samples) {
      sample.getHeader().setField(FIX::BeginString(begin_string));
      messages.push_back(sample);
    }
    std::vector<std::string> texts;
    for (const FIX::Message& message : messages) texts.push_back(render(message, logon));
    return texts;
  }

  /// Forgets that mass cancels were asked: the halt is over.
  void calm() { mass_asked_.clear(); }

  /// Writes the lane's next cancels with `send(message, session)`, as many as its pace allows now.
  /// @param whole_engine every lane is to cancel: only then may 35=q take the session's other orders along
  template <typename Send>
  void cancel_open(SharedLane& lane, bool whole_engine, Send send) {
    FIX::SessionID session_id;
    if (!lane.session(session_id)) return;
    FIX::Session* session = FIX::Session::lookupSession(session_id);
    if (session == nullptr || !session->isLoggedOn()) return;
    const std::string begin_string = session_id.getBeginString().getValue();
    if (mass_cancel && whole_engine && !mass_cancel_over(session_id)) {
      if (mass_asked_.emplace(session_id, Clock::now()).second)
        send(completed(mass_cancel_request(begin_string, next_id())), session_id);
      return;
    }
    OpenOrder order;
    for (int i = 0; i < kCancelsPerPoll && lane.next_cancel(order); ++i)
      send(completed(cancel_request(begin_string, next_id(), lanes_.symbol(order.instrument), order)),
           session_id);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int kCancelsPerPoll = 256;  ///< so that a poll stays short and beats go on

  /// It was asked 1 s ago, and orders are still open.
  bool mass_cancel_over(const FIX::SessionID& session_id) const {
    const auto asked = mass_asked_.find(session_id);
    return asked != mass_asked_.end() && Clock::now() - asked->second >= std::chrono::seconds(1);
  }
  FIX::Message completed(FIX::Message message) const {
    if (complete) complete(message);
    return message;
  }
  static std::string make_id_prefix() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const long long now_us = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    char text[32];
    std::snprintf(text, sizeof text, "PC%llx-", static_cast<unsigned long long>(now_us));
    return text;
  }
  std::string next_id() { return id_prefix_ + std::to_string(++last_id_); }

  Lanes& lanes_;
  std::map<FIX::SessionID, Clock::time_point> mass_asked_;
  const std::string id_prefix_;
  std::uint64_t last_id_ = 0;
};

}  // namespace quickfix
}  // namespace portcullis
