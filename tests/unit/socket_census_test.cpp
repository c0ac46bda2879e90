// SPDX-License-Identifier: Apache-2.0
/// @file Lines of /proc/net/tcp and the judgement of a listing, without any socket.
#include "watchdog/socket_census.hpp"

#include <catch2/catch.hpp>
#include <memory>

namespace portcullis {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::string_view kLine =
    "   3: 0100007F:9C41 0A01A8C0:2696 01 00000000:00000000 00:00000000 00000000  1000        0 48213 1 "
    "0000000000000000 20 4 30 10 -1";
constexpr std::string_view kLine6 =
    "   0: 00000000000000000000000001000000:1F90 0000000000000000FFFF00000A01A8C0:2696 08 00000000:00000000 "
    "00:00000000 00000000     0        0 777 1 0000000000000000 100 0 0 10 0";

TcpLine socket_with(std::uint64_t inode, TcpState state) {
  TcpLine line;
  REQUIRE(parse_tcp_line(kLine, false, line));
  line.inode = inode;
  line.state = state;
  return line;
}
AllowedSocket allowed(std::array<std::uint8_t, 4> prefix, std::uint8_t bits, std::uint16_t port) {
  AllowedSocket one;
  std::copy(prefix.begin(), prefix.end(), one.prefix.begin());
  one.prefix_bits = bits;
  one.port = port;
  return one;
}

TEST_CASE("a line of /proc/net/tcp gives inode, state and remote address") {
  TcpLine line;
  REQUIRE(parse_tcp_line(kLine, false, line));
  CHECK(line.inode == 48213);
  CHECK(line.state == TcpState::established);
  CHECK(line.remote_port == 9878);
  CHECK(line.remote[0] == 192);
  CHECK(line.remote[1] == 168);
  CHECK(line.remote[2] == 1);
  CHECK(line.remote[3] == 10);
}

TEST_CASE("a line of /proc/net/tcp6 too, with an IPv4 address inside") {
  TcpLine line;
  REQUIRE(parse_tcp_line(kLine6, true, line));
  CHECK(line.inode == 777);
  CHECK(line.state == TcpState::close_wait);
  CHECK(allows(allowed({192, 168, 1, 10}, 32, 9878), line));
  CHECK_FALSE(allows(allowed({192, 168, 1, 11}, 32, 9878), line));
}

TEST_CASE("headings, cut lines and absurd fields are no sockets") {
  TcpLine line;
  CHECK_FALSE(
      parse_tcp_line("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when", false, line));
  CHECK_FALSE(parse_tcp_line("", false, line));
  CHECK_FALSE(parse_tcp_line(kLine, true, line));
  CHECK_FALSE(parse_tcp_line(kLine6, false, line));
  CHECK_FALSE(parse_tcp_line("   3: 0100007F:9C41 0A01G8C0:2696 01 0:0 0:0 0 1000 0 48213 1", false, line));
  for (std::size_t cut = 0; cut < 85; ++cut) {
    INFO(cut);
    CHECK_FALSE(parse_tcp_line(kLine.substr(0, cut), false, line));
  }
}

TEST_CASE("a prefix matches by its bits, a port by its number or any") {
  const TcpLine line = socket_with(1, TcpState::established);  // 192.168.1.10:9878
  CHECK(allows(allowed({192, 168, 0, 0}, 16, 0), line));
  CHECK(allows(allowed({192, 168, 1, 8}, 29, 9878), line));
  CHECK_FALSE(allows(allowed({192, 168, 1, 0}, 29, 9878), line));
  CHECK_FALSE(allows(allowed({192, 168, 0, 0}, 16, 9879), line));
  CHECK(allows(allowed({0, 0, 0, 0}, 0, 0), line));
  CHECK_FALSE(allows(allowed({192, 168, 1, 10}, 33, 0), line));
}

TEST_CASE("an unregistered connection is a breach once it was there for the confirmation time") {
  const auto memory = std::make_unique<CensusMemory>();
  const CensusRules rules;
  const auto list = [&](std::uint64_t now_ns) {
    CensusReport report;
    report.listed_ns = now_ns;
    memory->begin(now_ns);
    judge(socket_with(9, TcpState::established), rules, *memory, report);
    return report;
  };
  CHECK(list(1000 * kMs).unconfirmed == 1);
  CHECK(list(1099 * kMs).unregistered == 0);
  const CensusReport confirmed = list(1100 * kMs);
  CHECK(confirmed.unregistered == 1);
  CHECK(confirmed.unconfirmed == 0);
  CHECK(confirmed.first.inode == 9);
}

TEST_CASE("a socket that was gone in between starts anew") {
  const auto memory = std::make_unique<CensusMemory>();
  for (const std::uint64_t ms : {1000, 2000, 3000}) {
    CensusReport report;
    report.listed_ns = ms * kMs;
    memory->begin(ms * kMs);
    if (ms != 2000) judge(socket_with(9, TcpState::established), CensusRules{}, *memory, report);
    CHECK(report.unregistered == 0);
  }
}

TEST_CASE("registered, allowed and listening sockets are no breach, whatever their age") {
  const auto memory = std::make_unique<CensusMemory>();
  const std::uint64_t registered[] = {5, 9};
  const AllowedSocket feed = allowed({192, 168, 1, 0}, 24, 0);
  CensusRules rules;
  rules.confirm_ns = 0;
  CensusReport report;
  memory->begin(kMs);
  report.listed_ns = kMs;
  judge(socket_with(11, TcpState::listen), rules, *memory, report);
  CHECK(report.tcp_sockets == 0);
  rules.registered_inodes = registered;
  rules.registered_count = 2;
  judge(socket_with(9, TcpState::established), rules, *memory, report);
  CHECK(report.unregistered == 0);
  judge(socket_with(10, TcpState::established), rules, *memory, report);
  CHECK(report.unregistered == 1);
  rules.allowed = &feed;
  rules.allowed_count = 1;
  judge(socket_with(10, TcpState::established), rules, *memory, report);
  CHECK(report.unregistered == 1);
  CHECK(report.tcp_sockets == 3);
}

TEST_CASE("a connection being made is shown and not judged; one that still drains is judged") {
  const auto memory = std::make_unique<CensusMemory>();
  CensusRules rules;
  rules.confirm_ns = 0;
  CensusReport report;
  memory->begin(kMs);
  report.listed_ns = kMs;
  judge(socket_with(1, TcpState::syn_sent), rules, *memory, report);
  CHECK(report.connecting == 1);
  CHECK(report.unregistered == 0);
  judge(socket_with(2, TcpState::fin_wait1), rules, *memory, report);
  judge(socket_with(3, TcpState::close_wait), rules, *memory, report);
  judge(socket_with(4, TcpState::unknown), rules, *memory, report);
  CHECK(report.unregistered == 3);
}

TEST_CASE("more unregistered sockets than can be remembered are confirmed at once") {
  const auto memory = std::make_unique<CensusMemory>();
  CensusReport report;
  memory->begin(5000 * kMs);
  report.listed_ns = 5000 * kMs;
  for (std::uint64_t inode = 1; inode <= kCensusEntries + 1; ++inode)
    judge(socket_with(inode, TcpState::established), CensusRules{}, *memory, report);
  CHECK(report.unconfirmed == kCensusEntries);
  CHECK(report.unregistered == 1);
}

}  // namespace
}  // namespace portcullis
