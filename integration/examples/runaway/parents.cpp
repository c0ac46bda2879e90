// SPDX-License-Identifier: Apache-2.0
/// @file Parents and quotes from seed and file.
#include "integration/examples/runaway/parents.hpp"

#include <fstream>

namespace portcullis {
namespace examples {
namespace {

constexpr std::int64_t kOne_e8 = 100000000;
constexpr std::int64_t kLot = 100;      // shares
constexpr std::uint64_t kMaxLots = 20;  // so that a parent is 100 to 2,000 shares: small retail orders

bool parse_quote(const std::string& line, char separator, Quote& out) {
  const std::size_t first = line.find(separator);
  const std::size_t second = first == std::string::npos ? first : line.find(separator, first + 1);
  if (second == std::string::npos) return false;
  const std::size_t third = line.find(separator, second + 1);
  out.symbol = line.substr(0, first);
  return !out.symbol.empty() && parse_px_e8(line.substr(first + 1, second - first - 1), out.bid_e8) &&
         parse_px_e8(line.substr(second + 1, third == std::string::npos ? third : third - second - 1),
                     out.ask_e8) &&
         out.bid_e8 < out.ask_e8;
}

}  // namespace

bool parse_px_e8(const std::string& text, std::int64_t& out) {
  std::int64_t value = 0;
  int fraction = -1;
  if (text.empty() || text.size() > 16) return false;
  for (const char c : text) {
    if (c == '.' && fraction < 0) {
      fraction = 0;
      continue;
    }
    if (c < '0' || c > '9' || fraction >= 8) return false;
    value = value * 10 + (c - '0');
    if (fraction >= 0) ++fraction;
  }
  for (int have = fraction < 0 ? 0 : fraction; have < 8; ++have) value *= 10;
  out = value;
  return value > 0;
}

std::string px_text(std::int64_t px_e8) {
  std::string fraction = std::to_string(kOne_e8 + px_e8 % kOne_e8).substr(1);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return std::to_string(px_e8 / kOne_e8) + (fraction.empty() ? "" : "." + fraction);
}

bool read_quotes(const Options& options, std::vector<Quote>& out) {
  Quote quote;
  for (const std::string& text : options.symbols) {
    if (!parse_quote(text, ':', quote)) return false;
    out.push_back(quote);
  }
  if (!options.book_file.empty()) {
    std::ifstream file(options.book_file);
    if (!file) return false;
    for (std::string line; std::getline(file, line);) {
      if (line.empty() || line[0] == '#') continue;
      if (!parse_quote(line, ',', quote)) return false;
      out.push_back(quote);
    }
  }
  const std::size_t wanted = static_cast<std::size_t>(options.symbol_count);
  if (wanted > 0 && out.size() > wanted) out.resize(wanted);
  return !out.empty();
}

std::vector<ParentOrder> make_parents(const Options& options, std::size_t quotes) {
  std::vector<ParentOrder> mine;
  Random random(options.seed);
  for (int i = 0; i < options.parents; ++i) {
    ParentOrder parent;
    parent.id = "P" + std::to_string(i + 1);
    const std::size_t number = static_cast<std::size_t>(i);
    parent.quote = number < quotes ? number : random.below(quotes);  // every symbol once, then at random
    parent.buy = random.below(2) == 0;
    parent.qty = static_cast<std::int64_t>(1 + random.below(kMaxLots)) * kLot;
    if (i % options.servers == options.server) mine.push_back(parent);
  }
  return mine;
}

}  // namespace examples
}  // namespace portcullis
