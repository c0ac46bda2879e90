// SPDX-License-Identifier: Apache-2.0
#include "tests/demonstration/market.hpp"

#include <fmt/core.h>

#include <fstream>

namespace portcullis::demonstration {
namespace {

// Any numbers do, as long as they are the same in both runs.
constexpr std::int64_t kLowestBid_e2 = 425;
constexpr std::int64_t kBidRange_e2 = 2500;
constexpr std::int64_t kBidStep_e2 = 1009;        // a prime: the bids spread over the whole range
constexpr std::int64_t kSpreads_e2 = 5;           // spreads of 2, 4, ... 10 cents
constexpr std::int64_t kTouchSize = 100'000'000;  // shares: the made-up market absorbs everything

std::string px_text(std::int64_t px_e2) { return fmt::format("{}.{:02}", px_e2 / 100, px_e2 % 100); }

}  // namespace

Market::Market() {
  for (std::int64_t i = 0; i < kSymbols; ++i) {
    const std::int64_t bid_e2 = kLowestBid_e2 + i * kBidStep_e2 % kBidRange_e2;
    quotes_.push_back({fmt::format("S{:03}", i + 1), bid_e2, bid_e2 + 2 + 2 * (i % kSpreads_e2)});
  }
}

std::int64_t Market::mid_e8(const std::string& symbol) const {
  for (const MadeUpQuote& quote : quotes_)
    if (quote.symbol == symbol) return quote.mid_e8();
  return 0;
}

bool Market::write_book(const std::string& path) const {
  std::ofstream file(path);
  for (const MadeUpQuote& quote : quotes_)
    file << fmt::format("{},{},{},{}\n", quote.symbol, px_text(quote.bid_e2), px_text(quote.ask_e2),
                        kTouchSize);
  file.close();
  return file.good();
}

bool Market::write_instruments(const std::string& path) const {
  std::ofstream file(path);
  file << "symbol,tick_size,multiplier,currency,reference_px\n";
  for (const MadeUpQuote& quote : quotes_)  // spreads are even, so that the middle is a whole cent
    file << fmt::format("{},0.01,1,USD,{}\n", quote.symbol, px_text((quote.bid_e2 + quote.ask_e2) / 2));
  file.close();
  return file.good();
}

}  // namespace portcullis::demonstration
