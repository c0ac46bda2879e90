// SPDX-License-Identifier: Apache-2.0
/// @file The venue's order book: price-time matching at made-up prices. Pure: no FIX, no clock, no I/O.
/// Each symbol has a standing touch, a market maker without identity that quotes bid and ask and refills its
/// size after every incoming order. Orders of sessions at the same price come before it; the incoming order
/// trades at the resting price. What a market or IOC order cannot fill is cancelled by the caller; what a
/// limit order cannot fill rests. Orders are never forgotten: a late cancel must be answered with the state
/// that the order really ended in.
#pragma once
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace portcullis {
namespace venue {

enum class Side : std::uint8_t { buy, sell };     ///< Side (54) 1, 2
enum class Tif : std::uint8_t { day, gtc, ioc };  ///< TimeInForce (59) 0, 1, 3
/// OrdStatus (39), by its FIX character.
enum class OrdStatus : char { fresh = '0', partial = '1', filled = '2', cancelled = '4', rejected = '8' };

/// One order; `owner` is the index of its session.
struct Order {
  std::uint64_t order_id = 0;  ///< OrderID (37)
  unsigned owner = 0;
  std::string cl_ord_id;  ///< ClOrdID (11), the latest one after replaces
  std::string symbol;     ///< Symbol (55)
  Side side = Side::buy;
  Tif tif = Tif::day;
  bool market = false;         ///< OrdType (40) 1; otherwise 2, limit
  std::int64_t px_e8 = 0;      ///< Price (44)
  std::int64_t order_qty = 0;  ///< OrderQty (38)
  std::int64_t cum_qty = 0;    ///< CumQty (14)
  std::int64_t avg_px_e8 = 0;  ///< AvgPx (6), rounded towards zero
  OrdStatus status = OrdStatus::fresh;
  bool resting = false;
  std::list<Order*>::iterator place{};  ///< where it rests; valid while `resting`

  bool open() const { return status == OrdStatus::fresh || status == OrdStatus::partial; }
  std::int64_t leaves_qty() const { return open() ? order_qty - cum_qty : 0; }  ///< LeavesQty (151)
};

/// One execution of one order, as it stood right after it.
struct Fill {
  Order* order;
  std::int64_t last_qty;    ///< LastQty (32)
  std::int64_t last_px_e8;  ///< LastPx (31)
  std::int64_t cum_qty;
  std::int64_t avg_px_e8;
  OrdStatus status;
};

/// The standing quote of one symbol.
struct Touch {
  std::int64_t bid_px_e8 = 0;
  std::int64_t ask_px_e8 = 0;
  std::int64_t size = 0;  ///< quantity that one incoming order can take from each side
  std::int64_t mid_px_e8() const { return (bid_px_e8 + ask_px_e8) / 2; }
};

class Book {
 public:
  /// Sets or replaces the standing quote; resting orders stay where they are. False when bid >= ask or size <
  /// 0.
  bool quote(const std::string& symbol, const Touch& touch);
  /// The standing quote, or nullptr for a symbol that is not traded here.
  const Touch* touch(const std::string& symbol) const;
  /// Takes an order of a known symbol, matches it and rests what is left of a limit order that is not IOC.
  /// The order lives as long as the book; fills of both sides are appended in the order they happened.
  Order& add(const Order& order, std::vector<Fill>& fills);
  /// Takes an open order out; its status becomes cancelled.
  void cancel(Order& order);
  /// New quantity (> cum_qty) and price; keeps its place only when just the quantity gets smaller.
  void replace(Order& order, std::int64_t order_qty, std::int64_t px_e8, std::vector<Fill>& fills);

 private:
  using Level = std::list<Order*>;
  using Levels = std::map<std::int64_t, Level>;
  struct Market {
    Touch touch;
    Levels bids;
    Levels asks;
  };
  Levels& own_side(Order& order);
  void unrest(Order& order);
  void match(Order& order, std::vector<Fill>& fills);
  std::unordered_map<std::string, Market> markets_;
  std::deque<Order> orders_;
};

}  // namespace venue
}  // namespace portcullis
