// SPDX-License-Identifier: Apache-2.0
/// @file The router's logic, right and wrong.
#include "integration/examples/runaway/server.hpp"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace portcullis {
namespace examples {
namespace {

constexpr std::int64_t kE8PerE4 = 10000;

/// So that a second run's ClOrdIDs are not the first one's.
std::string start_stamp() {
  timespec now = timespec();
  clock_gettime(CLOCK_REALTIME, &now);
  char text[32];
  std::snprintf(text, sizeof text, "%llx",
                static_cast<unsigned long long>(now.tv_sec * 1000LL + now.tv_nsec / 1000000));
  return text;
}

}  // namespace

Server::Server(const Options& options, std::vector<Quote> quotes)
    : stale_(options.stale),
      child_qty_(options.child_qty),
      rest_per_million_(static_cast<std::uint64_t>(options.rest_share * 1e6)),
      quotes_(std::move(quotes)),
      parents_(make_parents(options, quotes_.size())),
      id_prefix_(options.name + "-" + start_stamp() + "-"),
      random_(options.seed + 1000u + static_cast<std::uint64_t>(options.server)) {}

bool Server::wants_child(const ParentOrder& parent) const { return stale_ || parent.sent_qty < parent.qty; }

bool Server::next_child(Child& out) {
  std::lock_guard<std::mutex> hold(mutex_);
  for (std::size_t tried = 0; tried < parents_.size(); ++tried) {
    const std::size_t number = turn_++ % parents_.size();
    ParentOrder& parent = parents_[number];
    if (!wants_child(parent)) continue;
    const Quote& quote = quotes_[parent.quote];
    const std::int64_t spread_e8 = quote.ask_e8 - quote.bid_e8;
    const bool rests = random_.below(1000000) < rest_per_million_;
    out.cl_ord_id = id_prefix_ + std::to_string(++last_id_);
    out.parent = number;
    out.symbol = quote.symbol;
    out.buy = parent.buy;
    out.qty = stale_ ? child_qty_ : std::min(child_qty_, parent.qty - parent.sent_qty);
    // Marketable: pays the spread. Resting: one spread behind its own side of the touch.
    if (parent.buy)
      out.px_e8 = rests ? quote.bid_e8 - spread_e8 : quote.ask_e8;
    else
      out.px_e8 = rests ? quote.ask_e8 + spread_e8 : quote.bid_e8;
    parent.sent_qty += out.qty;
    open_[out.cl_ord_id] = out;  // before it is sent: the answer may be quicker than we are
    ++counters_.tried;
    return true;
  }
  return false;
}

void Server::sent(const Child& child, std::int64_t now_ns) {
  std::lock_guard<std::mutex> hold(mutex_);
  ++counters_.sent;
  counters_.last_sent_ns = now_ns;
  const ParentOrder& parent = parents_[child.parent];
  if (parent.sent_qty > parent.qty && counters_.first_wrong_child_ns == 0)
    counters_.first_wrong_child_ns = now_ns;
}

void Server::refused(const Child& child, const std::string& why, std::int64_t asked_ns) {
  std::lock_guard<std::mutex> hold(mutex_);
  ++counters_.refused;
  if (counters_.first_refusal.empty()) counters_.first_refusal = why;
  if (counters_.first_refused_ns == 0) counters_.first_refused_ns = asked_ns;
  parents_[child.parent].sent_qty -= child.qty;
  open_.erase(child.cl_ord_id);
}

void Server::accepted() {
  std::lock_guard<std::mutex> hold(mutex_);
  ++counters_.accepted;
}

void Server::filled(const std::string& cl_ord_id, bool buy, std::int64_t qty, std::int64_t px_e8, bool done) {
  std::lock_guard<std::mutex> hold(mutex_);
  ++counters_.executions;
  counters_.shares += qty;
  (buy ? counters_.bought_e8 : counters_.sold_e8) += qty * px_e8;
  const auto found = open_.find(cl_ord_id);
  if (found == open_.end()) return;
  parents_[found->second.parent].filled_qty += qty;
  found->second.qty -= qty;
  if (done) open_.erase(found);
}

void Server::ended(const std::string& cl_ord_id, bool rejected) {
  std::lock_guard<std::mutex> hold(mutex_);
  const auto found = open_.find(cl_ord_id);
  if (found == open_.end()) return;
  ++(rejected ? counters_.rejected : counters_.cancelled);
  parents_[found->second.parent].sent_qty -= found->second.qty;
  open_.erase(found);
}

void Server::cancel_sent() {
  std::lock_guard<std::mutex> hold(mutex_);
  ++counters_.cancels_sent;
}

void Server::went_around() {
  std::lock_guard<std::mutex> hold(mutex_);
  ++counters_.around;
}

std::vector<Child> Server::open_orders() const {
  std::lock_guard<std::mutex> hold(mutex_);
  std::vector<Child> orders;
  for (const auto& entry : open_) orders.push_back(entry.second);
  return orders;
}

std::size_t Server::open_count() const {
  std::lock_guard<std::mutex> hold(mutex_);
  return open_.size();
}

Counters Server::counters() const {
  std::lock_guard<std::mutex> hold(mutex_);
  return counters_;
}

std::string Server::report(const std::string& name) const {
  std::lock_guard<std::mutex> hold(mutex_);
  std::int64_t parents_qty = 0;
  for (const ParentOrder& parent : parents_) parents_qty += parent.qty;
  const Counters& c = counters_;
  return nlohmann::json{{"name", name},
                        {"parents", parents_.size()},
                        {"parents_qty", parents_qty},
                        {"tried", c.tried},
                        {"sent", c.sent},
                        {"refused", c.refused},
                        {"first_refusal", c.first_refusal},
                        {"first_refused_ns", c.first_refused_ns},
                        {"accepted", c.accepted},
                        {"executions", c.executions},
                        {"shares", c.shares},
                        {"bought_e4", c.bought_e8 / kE8PerE4},
                        {"sold_e4", c.sold_e8 / kE8PerE4},
                        {"cancels_sent", c.cancels_sent},
                        {"cancelled", c.cancelled},
                        {"rejected", c.rejected},
                        {"around", c.around},
                        {"open", open_.size()},
                        {"first_wrong_child_ns", c.first_wrong_child_ns},
                        {"last_sent_ns", c.last_sent_ns}}
      .dump();
}

}  // namespace examples
}  // namespace portcullis
