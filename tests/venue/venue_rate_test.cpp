// SPDX-License-Identifier: Apache-2.0
/// @file How many orders a second the venue takes, over eight sessions and over one, and how fast one mass
/// cancel ends a thousand orders. Hidden ([.rate]): they print, and assert only that nothing was lost. An
/// order is answered by two reports where it is filled, by one where it rests.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/venue/venue_fixture.hpp"

namespace portcullis::venue {
namespace {

constexpr int kSessions = 8;
constexpr int kOrders = 20000;  // of each session

/// Writes all orders in blocks while another thread takes the answers; how many bytes came back is not
/// checked here.
void run_session(FixClient& client, const std::string& orders) {
  std::thread reader([&] {
    FixAnswer answer;
    for (int reports = 0; reports < 2 * kOrders && client.next(answer, 20000); ++reports) {
    }
  });
  (void)client.send_raw(orders);
  reader.join();
}

TEST_CASE("the venue sustains 15,000 orders a second over eight sessions", "[.rate]") {
  std::vector<std::string> more;
  for (int i = 0; i < kSessions; ++i)
    more.insert(more.end(), {"--session", "X" + std::to_string(i) + ":VENUE"});
  VenueFixture at(more);
  std::vector<std::unique_ptr<FixClient>> clients;
  std::vector<std::string> orders(kSessions);
  for (int i = 0; i < kSessions; ++i) {
    clients.push_back(std::make_unique<FixClient>("X" + std::to_string(i), "VENUE"));
    at.logon(*clients.back());
    for (int n = 0; n < kOrders; ++n)
      orders[static_cast<std::size_t>(i)] += clients.back()->encode(
          "D", {{11, std::to_string(n)}, {55, "BOND"}, {54, n % 2 == 0 ? "1" : "2"}, {38, "10"}, {40, "1"}});
  }
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kSessions; ++i)
    threads.emplace_back([&, i] { run_session(*clients[i], orders[i]); });
  for (std::thread& thread : threads) thread.join();
  const double took_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%d orders over %d sessions in %.2f s: %.0f orders/s\n", kSessions * kOrders, kSessions, took_s,
              kSessions * kOrders / took_s);
  CHECK(nlohmann::json::parse(at.venue.control("stats"))["executions"] == kSessions * kOrders);
}

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// CPU time that a process has used so far, s.
double cpu_s(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string word;
  double ticks = 0;
  for (int i = 1; i <= 15 && file >> word; ++i)
    if (i >= 14) ticks += std::stod(word);  // utime, stime
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// Counts messages without reading them: a client that costs little, so that the venue is what is measured.
int count_messages(int fd, int wanted, int timeout_ms) {
  std::string kept;
  int seen = 0;
  std::vector<char> buffer(1 << 18);
  for (pollfd wait{fd, POLLIN, 0}; seen < wanted && poll(&wait, 1, timeout_ms) > 0;) {
    const ssize_t n = recv(fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) break;
    kept.append(buffer.data(), static_cast<std::size_t>(n));
    std::size_t at = 0;
    for (std::size_t found; (found = kept.find("\00110=", at)) != std::string::npos; at = found + 4) ++seen;
    kept.erase(0, std::max(at, kept.size() - std::min<std::size_t>(kept.size(), 3)));
  }
  return seen;
}

TEST_CASE("the venue sustains 15,000 orders a second from one client", "[.rate]") {
  constexpr int kPerS = 15'000;
  constexpr int kBatch = kPerS / 1000;  // one each millisecond
  constexpr int kSeconds = 6;
  VenueFixture at;
  at.logon(at.e44);
  std::vector<std::string> batches;
  for (int i = 0; i < kPerS * kSeconds / kBatch; ++i) {
    std::string batch;
    for (int n = 0; n < kBatch; ++n)
      batch += at.e44.encode("D", {{11, "order-" + std::to_string(i * kBatch + n)},
                                   {55, "ACME"},
                                   {54, "1"},
                                   {38, "10"},
                                   {40, "2"},
                                   {44, "9.50"}});
    batches.push_back(std::move(batch));
  }
  const double cpu_before_s = cpu_s(at.venue.pid());
  int seen = 0;
  Clock::time_point last_seen;
  std::thread reader([&] {
    seen = count_messages(at.e44.fd(), kPerS * kSeconds, 20'000);
    last_seen = Clock::now();
  });
  const auto begin = Clock::now();
  double late_s = 0;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const auto due = begin + std::chrono::milliseconds(i);
    std::this_thread::sleep_until(due);
    late_s = std::max(late_s, seconds_since(due));
    REQUIRE(at.e44.send_raw(batches[i]));
  }
  const auto sent = Clock::now();
  reader.join();
  const double cpu_us = (cpu_s(at.venue.pid()) - cpu_before_s) * 1e6 / (kPerS * kSeconds);
  std::printf(
      "%d orders at %d/s: sent in %.2f s (worst batch %.1f ms late), last answer %.1f ms after the last "
      "order, "
      "venue's CPU %.1f us an order\n",
      kPerS * kSeconds, kPerS, std::chrono::duration<double>(sent - begin).count(), late_s * 1e3,
      std::chrono::duration<double>(last_seen - sent).count() * 1e3, cpu_us);
  CHECK(seen == kPerS * kSeconds);
  CHECK(at.venue.log().all("request", "E44").size() == kPerS * kSeconds);
}

TEST_CASE("one mass cancel ends a thousand orders and reports each", "[.rate]") {
  constexpr int kResting = 1000;
  VenueFixture at;
  at.logon(at.e44);
  std::vector<double> took_ms;
  for (int round = 0; round < 20; ++round) {
    std::string orders;
    for (int i = 0; i < kResting; ++i)
      orders += at.e44.encode("D", {{11, std::to_string(round * kResting + i)},
                                    {55, "ACME"},
                                    {54, "1"},
                                    {38, "10"},
                                    {40, "2"},
                                    {44, "9.50"}});
    REQUIRE(at.e44.send_raw(orders));
    REQUIRE(count_messages(at.e44.fd(), kResting, 20'000) == kResting);
    const auto begin = Clock::now();
    REQUIRE(at.e44.send("q", {{11, "m" + std::to_string(round)}, {530, "7"}}));
    REQUIRE(count_messages(at.e44.fd(), kResting + 1, 20'000) == kResting + 1);
    took_ms.push_back(seconds_since(begin) * 1e3);
  }
  std::sort(took_ms.begin(), took_ms.end());
  std::printf("mass cancel of %d orders to the last of %d answers: median %.2f ms, worst %.2f ms\n", kResting,
              kResting + 1, took_ms[took_ms.size() / 2], took_ms.back());
}

}  // namespace
}  // namespace portcullis::venue
