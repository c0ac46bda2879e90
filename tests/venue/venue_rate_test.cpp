// SPDX-License-Identifier: Apache-2.0
/// @file How many orders a second the venue takes over eight sessions. Hidden ([.rate]): it prints, and
/// asserts only that nothing was lost. Each order is answered by two reports (taken, filled), so a third of
/// the messages are orders.
#include <chrono>
#include <cstdio>
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

}  // namespace
}  // namespace portcullis::venue
