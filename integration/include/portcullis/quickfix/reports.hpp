// SPDX-License-Identifier: Apache-2.0
/// @file What the venue says, booked to the ledger: execution reports (35=8) of FIX 4.0 to 4.4 (150, 39, 20),
/// cancel rejects (35=9), session and business rejects (35=3, j). Called before the engine's own callback, on
/// whatever thread QuickFIX reads with. A fill that cannot be read, or belongs to an instrument that the
/// configuration lacks, is not dropped: it is handed over without an instrument, which the supervisor takes
/// as a breach. Pending states (150=A, 6, E) and stopped, suspended, calculated prove nothing and change
/// nothing.
#pragma once
#include <portcullis/quickfix/connection.hpp>
#include <portcullis/quickfix/lanes.hpp>

#include <mutex>
#include <string>
#include <vector>

namespace portcullis {
namespace quickfix {

/// The executions of late, so that a bust or a correction (19) finds what it takes back. Bounded; newest
/// wins.
class ExecutionMemory {
 public:
  ExecutionMemory() : table_(kRemembered) {}
  void put(const std::string& exec_id, std::int64_t signed_qty) {
    const std::size_t hash = std::hash<std::string>()(exec_id);
    std::lock_guard<std::mutex> hold(mutex_);
    table_[hash % table_.size()] = {hash, signed_qty, true};
  }
  bool get(const std::string& exec_id, std::int64_t& signed_qty) const {
    const std::size_t hash = std::hash<std::string>()(exec_id);
    std::lock_guard<std::mutex> hold(mutex_);
    const Entry& entry = table_[hash % table_.size()];
    if (!entry.used || entry.hash != hash) return false;
    signed_qty = entry.signed_qty;
    return true;
  }

 private:
  struct Entry {
    std::size_t hash = 0;
    std::int64_t signed_qty = 0;
    bool used = false;
  };
  static constexpr std::size_t kRemembered = 1 << 15;
  mutable std::mutex mutex_;
  std::vector<Entry> table_;
};

class Reports {
 public:
  explicit Reports(Lanes& lanes) : lanes_(lanes) {}

  /// @param other the lane of an order that the hook never saw; nullptr = there is no lane at all
  void execution_report(const FIX::Message& message, SharedLane* other) {
    const std::string* id = field(message, FIX::FIELD::ClOrdID);
    const std::string* orig = field(message, FIX::FIELD::OrigClOrdID);
    const std::string none;
    SharedLane* lane =
        lanes_.holding(id != nullptr ? *id : none, orig != nullptr ? lanes_.holding(*orig, other) : other);
    if (lane == nullptr) return;  // no lane was ever opened: nothing was ever sent through the gate
    const char transaction = one_char(message, FIX::FIELD::ExecTransType, '0');
    const char exec_type =
        one_char(message, FIX::FIELD::ExecType, one_char(message, FIX::FIELD::OrdStatus, '?'));
    if (transaction == '1' || exec_type == 'H') return correct(message, *lane, true);
    if (transaction == '2' || exec_type == 'G') return correct(message, *lane, false);
    const bool fill = exec_type == '1' || exec_type == '2' || exec_type == 'F';
    if (fill && transaction != '3') return filled(message, *lane, own_id(*lane, id, orig, false));
    const bool status = transaction == '3' || exec_type == 'I';
    state(status ? one_char(message, FIX::FIELD::OrdStatus, '?') : exec_type, message, *lane, id, orig);
  }

  void cancel_reject(const FIX::Message& message, SharedLane* other) {
    const std::string* id = field(message, FIX::FIELD::ClOrdID);
    const std::string* orig = field(message, FIX::FIELD::OrigClOrdID);
    if (orig == nullptr) return;
    SharedLane* lane = lanes_.holding(*orig, other);
    if (lane == nullptr) return;
    const char ord_status = one_char(message, FIX::FIELD::OrdStatus, '?');
    const bool was_replace = id != nullptr && lane->find(*id) != 0;
    lane->respond([&](Lane& book) {
      if (was_replace) book.rejected(*id);
      book.cancel_rejected(*orig, ord_status);
    });
  }

  /// 35=3 or j for a message that we sent.
  void refused(const SentMessage& sent) {
    SharedLane* lane = lanes_.holding(sent.type == 'F' ? sent.orig_cl_ord_id : sent.cl_ord_id, nullptr);
    if (lane == nullptr) return;
    lane->respond([&](Lane& book) {
      if (sent.type == 'F')
        book.cancel_rejected(sent.orig_cl_ord_id, '0');  // says nothing about the order: not a terminal state
      else
        book.rejected(sent.cl_ord_id);
    });
  }
  /// 35=j that names the order only by its ClOrdID (379).
  void refused(const std::string& cl_ord_id) {
    SharedLane* lane = lanes_.holding(cl_ord_id, nullptr);
    if (lane == nullptr || lane->find(cl_ord_id) == 0) return;
    lane->respond([&](Lane& book) { book.rejected(cl_ord_id); });
  }

 private:
  static char one_char(const FIX::Message& message, int tag, char missing) {
    const std::string* text = field(message, tag);
    return text == nullptr || text->size() != 1 ? missing : (*text)[0];
  }
  /// Which of 11 and 41 names the order: a cancel's report has the cancel's own id in 11.
  static const std::string* own_id(const SharedLane& lane, const std::string* id, const std::string* orig,
                                   bool cancel) {
    const std::string* first = cancel && orig != nullptr ? orig : id;
    const std::string* second = cancel && orig != nullptr ? id : orig;
    if (first != nullptr && lane.find(*first) != 0) return first;
    if (second != nullptr && lane.find(*second) != 0) return second;
    return first;
  }

  static void state(char status, const FIX::Message& message, SharedLane& lane, const std::string* id,
                    const std::string* orig) {
    const std::string* own = own_id(lane, id, orig, status == '4' || status == 'C' || status == '3');
    if (own == nullptr) return;
    lane.respond([&](Lane& book) {
      switch (status) {
        case '0': {
          const std::string* order_id = field(message, FIX::FIELD::OrderID);
          book.accepted(*own, order_id == nullptr ? Text() : Text(*order_id));
          break;
        }
        case '3':
        case '4':
        case 'C': book.cancelled(*own); break;
        case '5': book.replaced(*own); break;
        case '8': book.rejected(*own); break;
      }
    });
  }

  void filled(const FIX::Message& message, SharedLane& lane, const std::string* own) {
    const std::string* exec_id = field(message, FIX::FIELD::ExecID);
    pc_fill fill = pc_fill();
    fill.size = sizeof fill;
    if (own == nullptr || !read_quantities(message, fill)) return unbookable(lane);
    fill.order = *OrderRef(*own).raw();
    fill.exec_id = text_of(exec_id);
    fill.instrument = instrument_and_side(message, fill.side);
    if (!parse_field(message, FIX::FIELD::LastPx, kPriceDigits, fill.last_px_e8)) fill.last_px_e8 = 0;
    pc_status booked = PC_OK;
    lane.respond([&](Lane& book) { booked = pc_filled(book.raw(), &fill); });
    if (booked == PC_ERR_ARGUMENT) return unbookable(lane);
    if (exec_id != nullptr) executions_.put(*exec_id, signed_qty(fill.side, fill.last_qty));
  }
  static bool read_quantities(const FIX::Message& message, pc_fill& fill) {
    if (!parse_field(message, FIX::FIELD::CumQty, 0, fill.cum_qty)) fill.cum_qty = -1;
    if (!parse_field(message, FIX::FIELD::LastQty, 0, fill.last_qty)) fill.last_qty = fill.cum_qty;
    return fill.last_qty > 0;
  }
  /// PC_NONE also where the side is unreadable: booked on the wrong side would be worse than not at all.
  std::uint32_t instrument_and_side(const FIX::Message& message, std::uint8_t& side) {
    const std::string* symbol = field(message, FIX::FIELD::Symbol);
    side = PC_BUY;
    return symbol != nullptr && parse_side(message, side) ? lanes_.instrument(*symbol) : PC_NONE;
  }
  static std::int64_t signed_qty(std::uint8_t side, std::int64_t qty) { return side == PC_BUY ? qty : -qty; }

  /// A busted (150=H, 20=1) or corrected (150=G, 20=2) trade; the report itself may come twice.
  void correct(const FIX::Message& message, SharedLane& lane, bool bust) {
    const std::string* exec_id = field(message, FIX::FIELD::ExecID);
    const std::string* exec_ref = field(message, FIX::FIELD::ExecRefID);
    std::int64_t before = 0, qty = 0;
    if (exec_id != nullptr && (exec_ref == nullptr || *exec_ref != *exec_id) &&
        executions_.get(*exec_id, before))
      return;
    std::uint8_t side = 0;
    const std::uint32_t instrument = instrument_and_side(message, side);
    const bool readable = parse_field(message, FIX::FIELD::LastQty, 0, qty) && qty > 0;
    const bool known = exec_ref != nullptr && executions_.get(*exec_ref, before);
    if (!known && bust && readable) before = signed_qty(side, qty);
    if (instrument == PC_NONE || (!known && !(bust && readable)) || (!bust && !readable))
      return unbookable(lane);
    const std::int64_t after = bust ? 0 : signed_qty(side, qty);
    lane.respond([&](Lane& book) { book.corrected(instrument, after - before); });
    if (exec_ref != nullptr) executions_.put(*exec_ref, after);
    if (exec_id != nullptr) executions_.put(*exec_id, after);
  }

  /// Says that something was traded which cannot be booked.
  static void unbookable(SharedLane& lane) {
    pc_fill fill = pc_fill();
    fill.size = sizeof fill;
    fill.order = *OrderRef("unreadable").raw();
    fill.instrument = PC_NONE;
    fill.last_qty = 1;
    fill.cum_qty = -1;
    fill.side = PC_BUY;
    lane.respond([&](Lane& book) { pc_filled(book.raw(), &fill); });
  }

  Lanes& lanes_;
  ExecutionMemory executions_;
};

}  // namespace quickfix
}  // namespace portcullis
