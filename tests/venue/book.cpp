// SPDX-License-Identifier: Apache-2.0
/// @file Matching: best price first, then time; the standing touch last at its price.
#include "tests/venue/book.hpp"

#include <algorithm>
#include <iterator>

namespace portcullis {
namespace venue {
namespace {

__extension__ typedef __int128
    Wide;  // average times quantity does not fit 64 bits for absurd but legal orders

/// Whether an order may trade at this price.
bool reaches(const Order& order, std::int64_t px_e8) {
  if (order.market) return true;
  return order.side == Side::buy ? px_e8 <= order.px_e8 : px_e8 >= order.px_e8;
}

void book_fill(Order& order, std::int64_t qty, std::int64_t px_e8, std::vector<Fill>& fills) {
  const Wide value = static_cast<Wide>(order.avg_px_e8) * order.cum_qty + static_cast<Wide>(px_e8) * qty;
  order.cum_qty += qty;
  order.avg_px_e8 = static_cast<std::int64_t>(value / order.cum_qty);
  order.status = order.cum_qty == order.order_qty ? OrdStatus::filled : OrdStatus::partial;
  fills.push_back({&order, qty, px_e8, order.cum_qty, order.avg_px_e8, order.status});
}

}  // namespace

bool Book::quote(const std::string& symbol, const Touch& touch) {
  if (symbol.empty() || touch.bid_px_e8 >= touch.ask_px_e8 || touch.size < 0) return false;
  markets_[symbol].touch = touch;
  return true;
}

const Touch* Book::touch(const std::string& symbol) const {
  const auto found = markets_.find(symbol);
  return found == markets_.end() ? nullptr : &found->second.touch;
}

Order& Book::add(const Order& order, std::vector<Fill>& fills) {
  orders_.push_back(order);
  Order& kept = orders_.back();
  kept.order_id = orders_.size();
  match(kept, fills);
  return kept;
}

void Book::cancel(Order& order) {
  unrest(order);
  order.status = OrdStatus::cancelled;
}

void Book::replace(Order& order, std::int64_t order_qty, std::int64_t px_e8, std::vector<Fill>& fills) {
  const bool keeps_place = px_e8 == order.px_e8 && order_qty <= order.order_qty;
  if (!keeps_place) unrest(order);  // before the price changes: the level is found by it
  order.order_qty = order_qty;
  order.px_e8 = px_e8;
  if (!keeps_place) match(order, fills);
}

Book::Levels& Book::own_side(Order& order) {
  Market& market = markets_[order.symbol];
  return order.side == Side::buy ? market.bids : market.asks;
}

void Book::unrest(Order& order) {
  if (!order.resting) return;
  Levels& levels = own_side(order);
  const auto level = levels.find(order.px_e8);
  level->second.erase(order.place);
  if (level->second.empty()) levels.erase(level);
  order.resting = false;
}

void Book::match(Order& order, std::vector<Fill>& fills) {
  Market& market = markets_[order.symbol];
  const bool buy = order.side == Side::buy;
  Levels& against = buy ? market.asks : market.bids;
  const std::int64_t touch_px_e8 = buy ? market.touch.ask_px_e8 : market.touch.bid_px_e8;
  std::int64_t touch_left = market.touch.size;
  while (order.leaves_qty() > 0) {
    const auto best = against.empty() ? against.end() : buy ? against.begin() : std::prev(against.end());
    const bool resting_first =
        best != against.end() &&
        (touch_left == 0 || (buy ? best->first <= touch_px_e8 : best->first >= touch_px_e8));
    if (!resting_first && touch_left == 0) break;
    const std::int64_t px_e8 = resting_first ? best->first : touch_px_e8;
    if (!reaches(order, px_e8)) break;
    if (!resting_first) {
      const std::int64_t qty = std::min(order.leaves_qty(), touch_left);
      touch_left -= qty;
      book_fill(order, qty, px_e8, fills);
      continue;
    }
    Order& other = *best->second.front();
    const std::int64_t qty = std::min(order.leaves_qty(), other.leaves_qty());
    book_fill(order, qty, px_e8, fills);
    book_fill(other, qty, px_e8, fills);
    if (!other.open()) unrest(other);
  }
  if (!order.open() || order.market || order.tif == Tif::ioc) return;
  Level& level = own_side(order)[order.px_e8];
  order.place = level.insert(level.end(), &order);
  order.resting = true;
}

}  // namespace venue
}  // namespace portcullis
