// SPDX-License-Identifier: Apache-2.0
/// @file What a reading of a session's socket means, with made-up readings.
#include "watchdog/witness_rule.hpp"

#include <catch2/catch.hpp>

namespace portcullis {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

/// A connection that had taken 101 bytes (1 of them the SYN) when it was adopted at 1 ms.
WitnessSample adopted() { return first_sample(7, {101, 0, TcpState::established}, {0, 0}, kMs); }
WitnessSample read(const WitnessSample& last, std::uint64_t acked, std::uint64_t queued,
                   std::uint64_t declared, TcpState state = TcpState::established,
                   std::uint64_t now_ns = 2 * kMs) {
  return next_sample(last, {acked, queued, state}, {7, declared}, now_ns);
}

TEST_CASE("bytes count from the adoption on") {
  const WitnessSample first = adopted();
  CHECK(first.accepted_bytes == 0);
  CHECK(first.state == SessionState::live);
  const WitnessSample next = read(first, 151, 30, 80);
  CHECK(next.accepted_bytes == 80);
  CHECK(next.acked_bytes == 50);
  CHECK(next.undeclared_bytes == 0);
  CHECK(next.unequal_since_ns == 0);
  CHECK(next.sampled_ns == 2 * kMs);
  CHECK(next.polls == 2);
}

TEST_CASE("one byte that nobody declared is seen") {
  const WitnessSample next = read(adopted(), 151, 31, 80);
  CHECK(next.undeclared_bytes == 1);
}

TEST_CASE("a late declaration does not undo undeclared bytes") {
  const WitnessSample caught = read(adopted(), 151, 31, 80);
  const WitnessSample later = read(caught, 182, 0, 81);
  CHECK(later.undeclared_bytes == 0);
  CHECK(later.undeclared_max_bytes == 1);
}

TEST_CASE("what another connection declared does not cover this one's bytes") {
  const WitnessSample next =
      next_sample(adopted(), {151, 30, TcpState::established}, {6, 1'000'000}, 2 * kMs);
  CHECK(next.declared_bytes == 0);
  CHECK(next.undeclared_bytes == 80);
}

TEST_CASE("a queued FIN is no byte, in every state that has one") {
  for (const TcpState state : {TcpState::fin_wait1, TcpState::fin_wait2, TcpState::closing,
                               TcpState::last_ack, TcpState::time_wait}) {
    INFO(tcp_state_name(state));
    const WitnessSample next = read(adopted(), 151, 31, 80, state);
    CHECK(next.accepted_bytes == 80);
    CHECK(next.undeclared_bytes == 0);
    CHECK(next.final_count == 1);
  }
}

TEST_CASE("an acknowledged FIN is no acknowledged byte") {
  const WitnessSample next = read(adopted(), 182, 0, 80, TcpState::fin_wait2);
  CHECK(next.acked_bytes == 80);
}

TEST_CASE("a peer that closed first adds no FIN of ours") {
  const WitnessSample next = read(adopted(), 151, 31, 80, TcpState::close_wait);
  CHECK(next.accepted_bytes == 81);
  CHECK(next.final_count == 0);
}

TEST_CASE("an acknowledgement between the two reads never lowers the count") {
  const WitnessSample full = read(adopted(), 101, 80, 80);
  const WitnessSample torn = read(full, 101, 20, 80);
  CHECK(torn.accepted_bytes == 80);
  CHECK(torn.state == SessionState::live);
}

TEST_CASE("the last count of a connection that the venue reset stands and is final") {
  const WitnessSample gone = read(adopted(), 151, 30, 80, TcpState::close);
  CHECK(gone.state == SessionState::hung_up);
  CHECK(gone.accepted_bytes == 80);
  CHECK(gone.final_count == 1);
}

TEST_CASE("in a closed connection one byte too many may be a FIN, two are a breach") {
  CHECK(read(adopted(), 151, 31, 80, TcpState::close).undeclared_bytes == 0);
  CHECK(read(adopted(), 151, 32, 80, TcpState::close).undeclared_bytes == 2);
}

TEST_CASE("a socket that the engine reset keeps its last count, which is not final") {
  const WitnessSample full = read(adopted(), 151, 30, 80);
  const WitnessSample gone = read(full, 0, 70'658, 80, TcpState::close);
  CHECK(gone.state == SessionState::hung_up);
  CHECK(gone.accepted_bytes == 80);
  CHECK(gone.undeclared_bytes == 0);
  CHECK(gone.final_count == 0);
}

TEST_CASE("a count that was read in motion is never final, not even in a closed connection") {
  const TcpCounts moving{151, 20, TcpState::close, false, false};
  const WitnessSample last = next_sample(adopted(), moving, {7, 80}, 2 * kMs);
  CHECK(last.final_count == 0);
  CHECK(last.state == SessionState::live);  // read once more
  const WitnessSample fin =
      next_sample(adopted(), {151, 20, TcpState::fin_wait1, false, false}, {7, 80}, 2 * kMs);
  CHECK(fin.final_count == 0);
  CHECK(read(fin, 151, 31, 80, TcpState::fin_wait1).final_count == 1);
}

TEST_CASE("a socket that was reset while it was read keeps its last count") {
  const TcpCounts reset{151, 3'000'000, TcpState::close, false, true};
  const WitnessSample gone = next_sample(read(adopted(), 151, 30, 80), reset, {7, 80}, 3 * kMs);
  CHECK(gone.state == SessionState::hung_up);
  CHECK(gone.accepted_bytes == 80);
  CHECK(gone.undeclared_bytes == 0);
  CHECK(gone.final_count == 0);
}

TEST_CASE("a socket that was connected anew is not taken for the old stream") {
  const WitnessSample gone = read(read(adopted(), 151, 30, 80), 1, 500, 80);
  CHECK(gone.state == SessionState::hung_up);
  CHECK(gone.accepted_bytes == 80);
}

TEST_CASE("unequal counts say since when, and end with the first equal one") {
  const WitnessSample open = read(adopted(), 101, 40, 80, TcpState::established, 5 * kMs);
  CHECK(open.unequal_since_ns == 5 * kMs);
  const WitnessSample still = read(open, 141, 0, 80, TcpState::established, 9 * kMs);
  CHECK(still.unequal_since_ns == 5 * kMs);
  CHECK(still.moved_ns == 5 * kMs);
  CHECK(read(still, 181, 0, 80, TcpState::established, 11 * kMs).unequal_since_ns == 0);
}

}  // namespace
}  // namespace portcullis
