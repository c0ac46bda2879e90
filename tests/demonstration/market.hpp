// SPDX-License-Identifier: Apache-2.0
/// @file The made-up market of the demonstration: 154 symbols with a standing bid and ask. The order about
/// Knight lists no prices; these are spread around 16.75, which is what its gross position comes to per share
/// (6.65 bn over 397 million, paragraphs 1 and 17 of SEC order 34-70694). Nothing else is claimed for them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace portcullis::demonstration {

inline constexpr int kSymbols = 154;

struct MadeUpQuote {
  std::string symbol;
  std::int64_t bid_e2 = 0;
  std::int64_t ask_e2 = 0;
  [[nodiscard]] std::int64_t mid_e8() const { return (bid_e2 + ask_e2) * 500'000; }
};

class Market {
 public:
  Market();
  [[nodiscard]] const std::vector<MadeUpQuote>& quotes() const { return quotes_; }
  /// Half way between bid and ask; 0 for a symbol that is not ours.
  [[nodiscard]] std::int64_t mid_e8(const std::string& symbol) const;
  /// SYMBOL,BID,ASK,SIZE for the venue and the engines. False: not written.
  [[nodiscard]] bool write_book(const std::string& path) const;
  /// The instruments file of the supervisors.
  [[nodiscard]] bool write_instruments(const std::string& path) const;

 private:
  std::vector<MadeUpQuote> quotes_;
};

}  // namespace portcullis::demonstration
