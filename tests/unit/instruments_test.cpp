// SPDX-License-Identifier: Apache-2.0
/// @file The instruments file: strict, with the line of every mistake, and exact in money.
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "shm/arithmetic.hpp"
#include "watchdog/config_decimal.hpp"
#include "watchdog/config_parts.hpp"
#include "watchdog/instruments.hpp"

namespace portcullis {
namespace {

const std::string kHeader = "symbol,tick_size,multiplier,currency,reference_px,allow_negative_px\n";
const std::vector<FxRate> kEur = {{{'E', 'U', 'R', 0}, 108'000'000}};

std::vector<Instrument> parse(const std::string& text, ConfigErrors& errors) {
  return parse_instruments(text, "i.csv", "USD", kEur, errors);
}

std::int64_t value_of(const Instrument& it, std::int64_t px_e8, std::int64_t quantity) {
  std::int64_t out = -1;
  return notional_e4(px_e8, quantity, it.value_num, it.value_den, out) ? out : -1;
}

}  // namespace

TEST_CASE("an instrument is read with its exact numbers") {
  ConfigErrors errors;
  const auto list = parse(
      "# a remark\n\n" + kHeader + "ESZ6,0.25,50,USD,6012.25,false\r\nCLZ6,0.01,1000,USD,,true\n", errors);
  REQUIRE(errors.count() == 0);
  REQUIRE(list.size() == 2);
  CHECK(list[0].symbol == "ESZ6");
  CHECK(list[0].tick_e8 == 25'000'000);
  CHECK(list[0].reference_px_e8 == 601'225'000'000);
  CHECK(!list[0].allow_negative);
  CHECK(list[1].reference_px_e8 == 0);
  CHECK(list[1].allow_negative);
}

TEST_CASE("a position is worth price times quantity times multiplier times exchange rate, rounded up") {
  ConfigErrors errors;
  const auto list = parse(
      kHeader + "ESZ6,0.25,50,USD,,false\nFDAX,0.5,12.5,EUR,,false\nTINY,0.00000001,0.0001,EUR,,false\n",
      errors);
  REQUIRE(errors.count() == 0);
  CHECK(value_of(list[0], 601'225'000'000, 2) == 6'012'250'000);    // 601,225.00 USD
  CHECK(value_of(list[1], 1'800'050'000'000, 3) == 7'290'202'500);  // 18000.5 * 3 * 12.5 * 1.08
  CHECK(value_of(list[2], 1, 1) == 1);                              // never nothing
  CHECK(value_of(list[0], -601'225'000'000, 2) == 6'012'250'000);
}

TEST_CASE("any single mistake in a line of the instruments file is refused with its column and line") {
  struct Mistake {
    const char* row;
    const char* key;
  };
  const std::vector<Mistake> mistakes = {
      {",0.25,50,USD,6012.25,false", "symbol"},
      {"ES Z6,0.25,50,USD,6012.25,false", "symbol"},
      {"ESZ6ESZ6ESZ6ESZ6ESZ6ESZ6,0.25,50,USD,6012.25,false", "symbol"},
      {"each,0.25,50,USD,6012.25,false", "symbol"},
      {"NQZ6,0.25,20,USD,21250.50,false", "symbol"},  // twice
      {"ESZ6,0,50,USD,6012.25,false", "tick_size"},
      {"ESZ6,-0.25,50,USD,6012.25,false", "tick_size"},
      {"ESZ6,2.5e-1,50,USD,6012.25,false", "tick_size"},
      {"ESZ6,0.000000001,50,USD,6012.25,false", "tick_size"},
      {"ESZ6,0.25,0,USD,6012.25,false", "multiplier"},
      {"ESZ6,0.25,1000000001,USD,6012.25,false", "multiplier"},
      {"ESZ6,0.25,99999999999999999999,USD,6012.25,false", "multiplier"},
      {"ESZ6,0.25,0.00000001,USD,6012.25,false", ""},  // small, but exact
      {"ESZ6,0.25,50,GBP,6012.25,false", "currency"},
      {"ESZ6,0.25,50,,6012.25,false", "currency"},
      {"ESZ6,0.25,50,USD,0,false", "reference_px"},
      {"ESZ6,0.25,50,USD,-6012.25,false", "reference_px"},
      {"ESZ6,0.25,50,USD,10000000001,false", "reference_px"},
      {"ESZ6,0.25,50,USD,n/a,false", "reference_px"},
      {"ESZ6,0.25,50,USD,6012.25,no", "allow_negative_px"},
      {"ESZ6,0.25,50,USD,6012.25", "columns"},
      {"ESZ6,0.25,50,USD,6012.25,false,", "columns"},
      {"ESZ6,0.25,50,USD,6012.25,false,1,2,3,4,5", "columns"},
  };
  for (const Mistake& mistake : mistakes) {
    ConfigErrors errors;
    const auto list = parse(kHeader + "NQZ6,0.25,20,USD,21250.50,false\n" + mistake.row + "\n", errors);
    INFO(mistake.row);
    if (*mistake.key == '\0') {
      CHECK(errors.count() == 0);
      continue;
    }
    REQUIRE(errors.count() == 1);
    CHECK(errors.list()[0].key == mistake.key);
    CHECK(errors.list()[0].line == 3);
    CHECK(list.size() == 1);
  }
}

TEST_CASE("an instruments file without header, without rows or with too many rows is refused") {
  for (const std::string& text : {std::string(), std::string("ESZ6,0.25,50,USD,6012.25\n"), kHeader,
                                  "symbol;tick_size\nESZ6;0.25\n" + std::string()}) {
    ConfigErrors errors;
    (void)parse(text, errors);
    CHECK(errors.count() >= 1);
  }
  std::string many = kHeader;
  for (int i = 0; i < 10'001; ++i) many += "S" + std::to_string(i) + ",1,1,USD,1,false\n";
  ConfigErrors errors;
  CHECK(parse(many, errors).size() == 10'000);
  REQUIRE(errors.count() == 1);
  CHECK(errors.list()[0].line == 10'002);
}

TEST_CASE("decimals are exact or refused") {
  std::int64_t out = 7;
  CHECK(parse_decimal("92233720368.54775807", 8, out) == DecimalError::ok);
  CHECK(out == INT64_MAX);
  CHECK(parse_decimal("-0.00000001", 8, out) == DecimalError::ok);
  CHECK(out == -1);
  CHECK(parse_decimal("92233720368.54775808", 8, out) == DecimalError::range);
  CHECK(parse_decimal("1.000000000", 8, out) == DecimalError::decimals);
  for (const char* text :
       {"", "-", ".", "1.", ".5", "+1", "1e3", " 1", "1 ", "1,000", "0x10", "--1", "1.2.3", "nan"})
    CHECK(parse_decimal(text, 8, out) == DecimalError::syntax);
  CHECK(out == -1);
}

TEST_CASE("a prefix is read without a resolver and keeps its bytes") {
  AllowedSocket socket;
  REQUIRE(parse_prefix("10.1.0.0/16", socket));
  CHECK(!socket.ipv6);
  CHECK(socket.prefix_bits == 16);
  CHECK(socket.prefix[0] == 10);
  CHECK(socket.prefix[1] == 1);
  REQUIRE(parse_prefix("2001:db8::/32", socket));
  CHECK(socket.ipv6);
  CHECK(socket.prefix[3] == 0xB8);
  CHECK(parse_prefix("0.0.0.0/0", socket));
  for (const char* text : {"10.1.0.0", "10.1.0.0/", "10.1.0.0/+16", "10.1.0.0/016x", "10.1/16", "::1/64",
                           "/8", "host/8", "10.1.0.0/16/1"})
    CHECK(!parse_prefix(text, socket));
}

}  // namespace portcullis
