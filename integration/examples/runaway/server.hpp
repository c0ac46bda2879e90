// SPDX-License-Identifier: Apache-2.0
/// @file One server of the order router: works parent orders by sending children, and counts what comes of
/// it. The correct code stops a parent when its children (filled or still working) make up its quantity. The
/// stale code (Power Peg, whose count of cumulative fills had been moved away) never looks at that and sends
/// children for ever. Knows no FIX and no gate: it says which child is next, and is told what happened. One
/// lock: QuickFIX reports on its initiator's thread.
#pragma once
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "integration/examples/runaway/parents.hpp"

namespace portcullis {
namespace examples {

struct Child {
  std::string cl_ord_id;
  std::size_t parent = 0;
  std::string symbol;
  bool buy = true;
  std::int64_t qty = 0, px_e8 = 0;
};

/// Everything counted by this engine itself, in this run.
struct Counters {
  std::int64_t tried = 0, sent = 0, refused = 0, accepted = 0, executions = 0, shares = 0, cancelled = 0,
               rejected = 0;
  std::int64_t cancels_sent = 0, around = 0;
  std::int64_t bought_e8 = 0, sold_e8 = 0;  ///< money paid and got, 1e-8 currency units: to 9.2e10
  std::int64_t first_wrong_child_ns = 0, last_sent_ns = 0;  ///< CLOCK_MONOTONIC; 0 = none
  std::int64_t first_refused_ns = 0;  ///< before the gate was asked for the order that it first refused
  std::string first_refusal;
};

class Server {
 public:
  Server(const Options& options, std::vector<Quote> quotes);

  /// The next child to send. False: nothing to do (only the correct code ever says that).
  bool next_child(Child& out);
  /// It was written / it was not (why). Every next_child is answered by one of the two.
  void sent(const Child& child, std::int64_t now_ns);
  void refused(const Child& child, const std::string& why, std::int64_t asked_ns);

  void accepted();
  void filled(const std::string& cl_ord_id, bool buy, std::int64_t qty, std::int64_t px_e8, bool done);
  /// It ended without (further) fills: cancelled or rejected.
  void ended(const std::string& cl_ord_id, bool rejected);
  void cancel_sent();
  void went_around();

  /// Orders that went out and did not end: the engine's own view.
  std::vector<Child> open_orders() const;
  std::size_t open_count() const;
  Counters counters() const;
  const std::vector<Quote>& quotes() const { return quotes_; }
  std::vector<ParentOrder>& parents() { return parents_; }
  /// One line of JSON.
  std::string report(const std::string& name) const;

 private:
  bool wants_child(const ParentOrder& parent) const;

  const bool stale_;
  const std::int64_t child_qty_;
  const std::uint64_t rest_per_million_;
  const std::vector<Quote> quotes_;
  std::vector<ParentOrder> parents_;
  const std::string id_prefix_;
  Random random_;
  std::size_t turn_ = 0;
  std::uint64_t last_id_ = 0;

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Child> open_;
  Counters counters_;
};

}  // namespace examples
}  // namespace portcullis
