// SPDX-License-Identifier: Apache-2.0
/// @file The parent orders of the demonstration and the quotes they are worked at: made from a seed, the same
/// in every run and on every server, each server taking its share. Pure; knows no FIX and no gate. Source of
/// the proportions: 212 parents in 154 symbols over 8 servers (SEC order 34-70694, paragraphs 1 and 15).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "integration/examples/runaway/options.hpp"

namespace portcullis {
namespace examples {

struct Quote {
  std::string symbol;
  std::int64_t bid_e8 = 0, ask_e8 = 0;
};

struct ParentOrder {
  std::string id;
  std::size_t quote = 0;  ///< index
  bool buy = true;
  std::int64_t qty = 0;
  std::int64_t sent_qty = 0;    ///< of children that went out and were not refused or ended unfilled
  std::int64_t filled_qty = 0;  ///< CumQty of them all: what the stale code does not look at
  std::uint64_t handle = 0;     ///< pc_parent_handle, 0 when unguarded
};

/// A small generator of our own: the standard's distributions differ between libraries. xorshift64*.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Du;
  }
  /// 0 to n - 1.
  std::uint64_t below(std::uint64_t n) { return next() % n; }

 private:
  std::uint64_t state_;
};

/// "12.34" -> 1234000000; false: not a price above 0.
bool parse_px_e8(const std::string& text, std::int64_t& out);
/// 1234000000 -> "12.34".
std::string px_text(std::int64_t px_e8);

/// The quotes of --book and --symbol. False: unreadable, or none.
bool read_quotes(const Options& options, std::vector<Quote>& out);
/// This server's share of the parents.
std::vector<ParentOrder> make_parents(const Options& options, std::size_t quotes);

}  // namespace examples
}  // namespace portcullis
