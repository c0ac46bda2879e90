// SPDX-License-Identifier: Apache-2.0
/// @file The queue between control and the threads that may hang, and values that are read without waiting.
#include "watchdog/ticket_queue.hpp"

#include <catch2/catch.hpp>
#include <thread>

#include "watchdog/published.hpp"

namespace portcullis {
namespace {

enum class Outcome : std::uint8_t { pending = 0, ok, failed, lost };
using Queue = TicketQueue<int, Outcome, 4>;

Ticket put(Queue& queue, int value) {
  int* place = queue.reserve();
  if (place == nullptr) return kNoTicket;
  *place = value;
  return queue.commit();
}

TEST_CASE("a ticket is pending until its item is finished") {
  Queue queue;
  const Ticket ticket = put(queue, 5);
  CHECK(queue.result(ticket) == Outcome::pending);
  REQUIRE(queue.front() != nullptr);
  CHECK(*queue.front() == 5);
  queue.finish(Outcome::ok);
  CHECK(queue.result(ticket) == Outcome::ok);
  CHECK(queue.front() == nullptr);
}

TEST_CASE("a full queue gives no ticket and loses nothing that it had") {
  Queue queue;
  for (int i = 0; i < 4; ++i) CHECK(put(queue, i) == static_cast<Ticket>(i + 1));
  CHECK(put(queue, 4) == kNoTicket);
  CHECK(queue.waiting() == 4);
  CHECK(*queue.front() == 0);
}

TEST_CASE("a ticket that was never given, or is forgotten, counts as lost") {
  Queue queue;
  CHECK(queue.result(kNoTicket) == Outcome::lost);
  CHECK(queue.result(1) == Outcome::lost);
  const Ticket first = put(queue, 0);
  queue.finish(Outcome::ok);
  for (int i = 0; i < 4; ++i) {
    static_cast<void>(put(queue, i));
    queue.finish(Outcome::failed);
  }
  CHECK(queue.result(first) == Outcome::lost);
  CHECK(queue.result(first + 1) == Outcome::failed);
}

struct Pair {
  std::uint64_t value = 0;
  std::uint64_t inverse = 0;
};

TEST_CASE("nothing is read before something was published") {
  const Published<Pair> published;
  Pair pair;
  CHECK_FALSE(published.try_load(pair));
}

TEST_CASE("a published value is never read half") {
  Published<Pair> published;
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (std::uint64_t i = 1; !stop.load(); ++i) published.publish({i, ~i});
  });
  std::uint64_t read = 0, torn = 0;
  for (int i = 0; i < 200'000 || (read < 1000 && i < 100'000'000); ++i) {
    Pair pair;
    if (!published.try_load(pair)) continue;
    ++read;
    if (pair.inverse != ~pair.value) ++torn;
  }
  stop.store(true);
  writer.join();
  CHECK(torn == 0);
  CHECK(read >= 1000);
}

}  // namespace
}  // namespace portcullis
