// SPDX-License-Identifier: Apache-2.0
/// @file The limits' arithmetic on both sides of every boundary, at the edges of 64 bits, and against a plain
/// count.
#include "shm/arithmetic.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <random>

#include "shm/clock.hpp"

using namespace portcullis;

TEST_CASE("a lease holds from one lease before its deadline up to the deadline, and not a moment longer") {
  CHECK(lease_holds(1'000, 100, 999));
  CHECK_FALSE(lease_holds(1'000, 100, 1'000));
  CHECK_FALSE(lease_holds(1'000, 100, 1'001));
  CHECK(lease_holds(1'000, 100, 900));
  CHECK_FALSE(
      lease_holds(1'000, 100, 899));  // further away than one lease: a clock jumped, or a word was scribbled
  CHECK_FALSE(lease_holds(0, 100, 5));
  CHECK_FALSE(lease_holds(UINT64_MAX, 100, 5));
  CHECK_FALSE(lease_holds(1'000, 0, 999));
}

TEST_CASE("a stamp from the future is as old as can be") {
  CHECK(stamp_age_ns(5, 8) == 3);
  CHECK(stamp_age_ns(9, 8) == UINT64_MAX);
}

TEST_CASE("a value is rounded up, absolute, and says when it does not fit") {
  std::int64_t out = -1;
  CHECK(notional_e4(100'000'000, 3, 1, 10'000, out));
  CHECK(out == 30'000);
  CHECK(notional_e4(1, 1, 1, 10'000, out));
  CHECK(out == 1);
  CHECK(notional_e4(-100'000'000, 3, 1, 10'000, out));
  CHECK(out == 30'000);
  CHECK(notional_e4(0, 3, 1, 10'000, out));
  CHECK(out == 0);
  CHECK(notional_e4(INT64_MAX, 1, 1, 1, out));
  CHECK(out == INT64_MAX);
  out = 7;
  CHECK_FALSE(notional_e4(INT64_MAX, 2, 1, 1, out));
  CHECK_FALSE(notional_e4(INT64_MAX, INT64_MAX, UINT64_MAX, 1, out));
  CHECK_FALSE(notional_e4(INT64_MIN, 1, 1, 1, out));
  CHECK_FALSE(notional_e4(1, -1, 1, 1, out));
  CHECK_FALSE(notional_e4(1, 1, 1, 0, out));
  CHECK(out == 7);
  CHECK(
      notional_e4(INT64_MAX, 1'000'000, 1, 1'000'000, out));  // more than 64 bits on the way, fits in the end
  CHECK(out == INT64_MAX);
}

TEST_CASE("the short and the long way of a value agree") {
  std::mt19937_64 random(4);
  for (int i = 0; i < 20'000; ++i) {
    const auto px = static_cast<std::int64_t>(random() >> (random() % 60));
    const auto qty = static_cast<std::int64_t>(random() >> (20 + random() % 44));
    const std::uint64_t num = 1 + (random() >> (30 + random() % 34));
    const std::uint64_t den = 1 + (random() >> (30 + random() % 34));
    if (px < 0) continue;
    const unsigned __int128 product = static_cast<unsigned __int128>(px) * static_cast<std::uint64_t>(qty);
    if (num != 0 && product > (~static_cast<unsigned __int128>(0)) / num) continue;
    const unsigned __int128 exact = (product * num + den - 1) / den;
    std::int64_t out = 0;
    const bool fits = notional_e4(px, qty, num, den, out);
    REQUIRE(fits == (exact <= static_cast<unsigned __int128>(INT64_MAX)));
    if (fits) REQUIRE(static_cast<unsigned __int128>(out) == exact);
  }
}

TEST_CASE("the collar reaches as far up as down, in basis points of the reference") {
  CHECK_FALSE(beyond_collar(10'050, 10'000, 50));
  CHECK(beyond_collar(10'051, 10'000, 50));
  CHECK_FALSE(beyond_collar(9'950, 10'000, 50));
  CHECK(beyond_collar(9'949, 10'000, 50));
  CHECK(beyond_collar(1, 0, 50));
  CHECK_FALSE(beyond_collar(-10'050, -10'000, 50));
  CHECK(beyond_collar(10'000, -10'000, 50));
  CHECK(beyond_collar(INT64_MAX, INT64_MIN, 50));
  CHECK_FALSE(beyond_collar(INT64_MAX, 1, kNoLimit));
  CHECK(collar_bps(10'051, 10'000) == 51);
  CHECK(collar_bps(10'050, 10'000) == 50);
  CHECK(collar_bps(5, 0) == INT64_MAX);
  std::int64_t px = 0;
  CHECK(collared_px_e8(10'000, 50, px));
  CHECK(px == 10'050);
  CHECK(collared_px_e8(-10'000, 50, px));
  CHECK(px == 10'050);
  CHECK(collared_px_e8(10'001, 50, px));
  CHECK(px == 10'052);  // 50.005 rounded up
  CHECK(collared_px_e8(10'000, kNoLimit, px));
  CHECK(px == 10'000);
  CHECK_FALSE(collared_px_e8(INT64_MAX, 50, px));
}

TEST_CASE("the worst case is the position with every working order of one side filled") {
  CHECK(worst_case_position({5, 10, 0}) == 15);
  CHECK(worst_case_position({5, 0, 10}) == 5);
  CHECK(worst_case_position({5, 0, 25}) == 20);
  CHECK(worst_case_position({-5, 3, 4}) == 9);
  CHECK(worst_case_position({INT64_MAX, 1, 0}) == INT64_MAX);
  CHECK(worst_case_position({INT64_MIN, 0, 0}) == INT64_MAX);
  CHECK(worst_case_after({5, 10, 0}, true, 1) == 16);
  CHECK(worst_case_after({5, 10, 3}, false, 4) == 2);
  CHECK(worst_case_after({5, 0, 0}, false, 3) == -2);
  CHECK(worst_case_after({INT64_MAX, 0, 0}, true, 1) == INT64_MAX);
  CHECK(worst_case_after({INT64_MIN, 0, 0}, false, 1) == INT64_MAX);
}

TEST_CASE("an order truly reduces if with its side's working orders it cannot cross zero") {
  CHECK(truly_reduces({10, 0, 0}, false, 10));
  CHECK_FALSE(truly_reduces({10, 0, 0}, false, 11));
  CHECK_FALSE(truly_reduces({10, 0, 1}, false, 10));
  CHECK_FALSE(truly_reduces({10, 0, 0}, true, 1));
  CHECK(truly_reduces({-10, 0, 0}, true, 10));
  CHECK_FALSE(truly_reduces({-10, 1, 0}, true, 10));
  CHECK_FALSE(truly_reduces({0, 0, 0}, true, 1));
  CHECK_FALSE(truly_reduces({-10, INT64_MAX, 0}, true, 1));
}

TEST_CASE("a window lets through exactly what a plain count would") {
  std::mt19937 random(3);
  for (const std::uint64_t max : {1U, 2U, 7U, 50U}) {
    const RateWindow window{max, 1'000};
    std::vector<std::uint64_t> events;
    std::uint64_t now_ns = 1'000'000;
    for (int i = 0; i < 5'000; ++i) {
      now_ns += random() % (2'000 / max + 1);
      const auto inside =
          std::count_if(events.begin(), events.end(), [&](std::uint64_t e) { return now_ns - e < 1'000; });
      const std::uint64_t nth = events.size() >= max ? events[events.size() - max] : 0;
      const bool passes = rate_passes(window, events.size(), nth, now_ns);
      REQUIRE(passes == (static_cast<std::uint64_t>(inside) < max));
      if (passes) events.push_back(now_ns);
    }
    CHECK(events.size() > 100);
  }
}

TEST_CASE("a window of none lets nothing through, and a stamp from the future counts as now") {
  CHECK_FALSE(rate_passes({0, 1'000}, 0, 0, 5));
  CHECK_FALSE(rate_passes({1, 1'000}, 1, 6, 5));
}

TEST_CASE("children may work and fill up to their share of the parent") {
  CHECK_FALSE(beyond_parent(100, 100, 10'000));
  CHECK(beyond_parent(101, 100, 10'000));
  CHECK_FALSE(beyond_parent(101, 100, 10'100));
  CHECK(beyond_parent(INT64_MAX, 1, 10'000));
  CHECK_FALSE(beyond_parent(INT64_MAX, 1, kNoLimit));
}
