// SPDX-License-Identifier: Apache-2.0
/// @file See instruments.hpp.
#include "watchdog/instruments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <unordered_set>

#include "shm/capacities.hpp"
#include "watchdog/config_decimal.hpp"
#include "watchdog/config_node.hpp"

namespace portcullis {
namespace {

constexpr std::string_view kHeader = "symbol,tick_size,multiplier,currency,reference_px";
constexpr std::string_view kHeaderNegative =
    "symbol,tick_size,multiplier,currency,reference_px,allow_negative_px";
constexpr std::int64_t kMaxMultiplierE8 = 100'000'000'000'000'000;  // 1,000,000,000 currency units per point

/// Words that mean something else where a symbol stands in [limits.lane.X] position.
constexpr std::array<std::string_view, 3> kReserved = {"do", "each", "off"};

struct Row {
  std::vector<std::string_view> cells;
  std::string_view text;
  unsigned line = 0;
};

class Reader {
 public:
  Reader(const std::string& file, std::string_view currency, const std::vector<FxRate>& fx,
         ConfigErrors& errors)
      : file_(file), currency_(currency), fx_(fx), errors_(errors) {}

  void line(std::string_view text, unsigned number) {
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    if (text.empty() || text.front() == '#') return;
    if (columns_ == 0) {
      header(text, number);
    } else {
      row(split(text, number));
    }
  }

  std::vector<Instrument> finish() {
    if (columns_ == 0)
      errors_.add({file_, 1, "header", "nothing", std::string(kHeader) + "[,allow_negative_px]"});
    if (columns_ != 0 && rows_ == 0)
      errors_.add({file_, 1, "symbol", "no instrument", "1 to 10000 instruments"});
    return std::move(instruments_);
  }

 private:
  void header(std::string_view text, unsigned number) {
    columns_ = text == kHeaderNegative ? 6 : 5;
    if (text != kHeader && text != kHeaderNegative)
      errors_.add({file_, number, "header", printable(text), std::string(kHeader) + "[,allow_negative_px]"});
  }

  static Row split(std::string_view text, unsigned number) {
    Row row{{}, text, number};
    for (std::size_t begin = 0;;) {
      const std::size_t comma = text.find(',', begin);
      row.cells.push_back(text.substr(begin, comma - begin));
      if (comma == std::string_view::npos || row.cells.size() > 6) return row;
      begin = comma + 1;
    }
  }

  /// Adds an error and says false, so that checks read as one chain.
  bool refuse(const Row& row, const char* key, std::string_view value, std::string allowed) {
    errors_.add({file_, row.line, key, fmt::format("\"{}\"", printable(value)), std::move(allowed)});
    return false;
  }

  void row(const Row& row) {
    ++rows_;
    if (rows_ == kInstrumentsMax + 1) refuse(row, "symbol", row.text, "at most 10000 instruments");
    if (rows_ > kInstrumentsMax) return;
    if (row.cells.size() != columns_) {
      refuse(row, "columns", row.text, fmt::format("{} columns", columns_));
      return;
    }
    Instrument it;
    bool good = symbol(row, it);
    good = tick(row, it) && good;
    good = value(row, it) && good;
    good = negative(row, it) && good;
    good = reference(row, it) && good;
    if (good) instruments_.push_back(std::move(it));
  }

  bool symbol(const Row& row, Instrument& it) {
    const std::string_view text = row.cells[0];
    const auto ok = [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
             c == '_' || c == '/' || c == '-';
    };
    if (text.empty() || text.size() > kMaxSymbolBytes || !std::all_of(text.begin(), text.end(), ok) ||
        std::find(kReserved.begin(), kReserved.end(), text) != kReserved.end())
      return refuse(row, "symbol", text, "1 to 23 bytes of [A-Za-z0-9._/-], not \"do\", \"each\" or \"off\"");
    if (!symbols_.emplace(text).second) return refuse(row, "symbol", text, "each symbol once");
    it.symbol = text;
    return true;
  }

  bool tick(const Row& row, Instrument& it) {
    if (parse_decimal(row.cells[1], 8, it.tick_e8) == DecimalError::ok && it.tick_e8 > 0 &&
        it.tick_e8 <= kMaxPriceE8)
      return true;
    return refuse(row, "tick_size", row.cells[1], "a decimal above 0 with at most 8 decimals");
  }

  bool value(const Row& row, Instrument& it) {
    std::int64_t multiplier_e8 = 0;
    if (parse_decimal(row.cells[2], 8, multiplier_e8) != DecimalError::ok || multiplier_e8 <= 0 ||
        multiplier_e8 > kMaxMultiplierE8)
      return refuse(row, "multiplier", row.cells[2],
                    "a decimal above 0, at most 1000000000, with at most 8 decimals");
    const std::int64_t fx_e8 = rate_of(row.cells[3]);
    if (fx_e8 == 0)
      return refuse(row, "currency", row.cells[3],
                    fmt::format("{} or a currency with a rate in fx", currency_));
    std::copy(row.cells[3].begin(), row.cells[3].end(), it.currency.begin());
    if (reduce(multiplier_e8, fx_e8, it)) return true;
    return refuse(row, "multiplier", row.cells[2],
                  "a multiplier whose product with the exchange rate has fewer digits");
  }

  /// 0 = no such rate. Only rates from the checked fx table have a length of three.
  [[nodiscard]] std::int64_t rate_of(std::string_view currency) const {
    if (currency == currency_) return 100'000'000;
    for (const FxRate& rate : fx_)
      if (currency == rate.currency.data()) return rate.rate_e8;
    return 0;
  }

  /// value_num / value_den = multiplier * fx / 1e4 with px in 1e-8: (m_e8 * fx_e8) / (1e8 * 1e8 * 1e4).
  static bool reduce(std::int64_t multiplier_e8, std::int64_t fx_e8, Instrument& it) {
    using Wide = unsigned __int128;
    Wide num = static_cast<Wide>(multiplier_e8) * static_cast<Wide>(fx_e8);
    Wide den = static_cast<Wide>(10'000'000'000'000'000) * 10'000;
    Wide a = num;
    Wide b = den;
    while (b != 0) {
      const Wide rest = a % b;
      a = b;
      b = rest;
    }
    num /= a;
    den /= a;
    if (num > UINT64_MAX || den > UINT64_MAX) return false;
    it.value_num = static_cast<std::uint64_t>(num);
    it.value_den = static_cast<std::uint64_t>(den);
    return true;
  }

  bool negative(const Row& row, Instrument& it) {
    if (columns_ < 6) return true;
    it.allow_negative = row.cells[5] == "true";
    return it.allow_negative || row.cells[5] == "false" ||
           refuse(row, "allow_negative_px", row.cells[5], "true or false");
  }

  bool reference(const Row& row, Instrument& it) {
    const std::string_view text = row.cells[4];
    if (text.empty()) return true;
    std::int64_t px = 0;
    if (parse_decimal(text, 8, px) == DecimalError::ok && px != 0 && px <= kMaxPriceE8 &&
        px >= -kMaxPriceE8 && (px > 0 || it.allow_negative)) {
      it.reference_px_e8 = px;
      return true;
    }
    return refuse(
        row, "reference_px", text,
        "empty for none, or a decimal with at most 8 decimals, not 0, above 0 unless allow_negative_px");
  }

  const std::string& file_;
  std::string_view currency_;
  const std::vector<FxRate>& fx_;
  ConfigErrors& errors_;
  std::size_t columns_ = 0;
  std::size_t rows_ = 0;
  std::vector<Instrument> instruments_;
  std::unordered_set<std::string> symbols_;
};

}  // namespace

std::vector<Instrument> parse_instruments(std::string_view text, const std::string& file,
                                          std::string_view currency, const std::vector<FxRate>& fx,
                                          ConfigErrors& errors) {
  Reader reader(file, currency, fx, errors);
  unsigned number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    reader.line(text.substr(begin, end - begin), ++number);
    begin = end + 1;
  }
  return reader.finish();
}

}  // namespace portcullis
