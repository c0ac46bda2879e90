// SPDX-License-Identifier: Apache-2.0
#include "watchdog/socket_census.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "watchdog/proc_files.hpp"

namespace portcullis {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0,    0,
                                                        0, 0, 0, 0, 0xFF, 0xFF};  // RFC 4291, 2.5.5.2

/// Fields are separated by any number of blanks.
std::string_view take_field(std::string_view& line) noexcept {
  const std::size_t begin = line.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  const std::size_t end = std::min(line.find(' ', begin), line.size());
  const std::string_view field = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return field;
}

bool parse_hex(std::string_view text, std::uint32_t& out) noexcept {
  if (text.empty() || text.size() > 8) return false;
  std::uint32_t value = 0;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return false;
    value = value << 4U | static_cast<std::uint32_t>(digit);
  }
  out = value;
  return true;
}

/// "0100007F:1F90": each word as this machine's number, so that its bytes in memory are in network order.
bool parse_address(std::string_view text, bool ipv6, TcpLine& out) noexcept {
  const std::size_t words = ipv6 ? 4 : 1;
  if (text.size() != words * 8 + 5 || text[words * 8] != ':') return false;
  for (std::size_t i = 0; i < words; ++i) {
    std::uint32_t word = 0;
    if (!parse_hex(text.substr(i * 8, 8), word)) return false;
    std::memcpy(out.remote.data() + i * 4, &word, 4);
  }
  std::uint32_t port = 0;
  if (!parse_hex(text.substr(words * 8 + 1), port)) return false;
  out.remote_port = static_cast<std::uint16_t>(port);
  return true;
}

bool prefix_matches(const std::uint8_t* prefix, const std::uint8_t* address, std::size_t bytes,
                    unsigned bits) noexcept {
  if (bits > bytes * 8) return false;
  const std::size_t whole = bits / 8;
  if (std::memcmp(prefix, address, whole) != 0) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFF00U >> rest);
  return (prefix[whole] & mask) == (address[whole] & mask);
}

}  // namespace

bool parse_tcp_line(std::string_view line, bool ipv6, TcpLine& out) noexcept {
  constexpr int kInodeField =
      9;  // sl local remote state queues timer retransmits uid timeout inode (proc_net_tcp.txt)
  TcpLine parsed;
  parsed.ipv6 = ipv6;
  for (int field = 0; field <= kInodeField; ++field) {
    const std::string_view text = take_field(line);
    std::uint32_t state = 0;
    std::string_view rest;
    if (field == 0 && (text.empty() || text.back() != ':')) return false;
    if (field == 2 && !parse_address(text, ipv6, parsed)) return false;
    if (field == 3) {
      if (!parse_hex(text, state)) return false;
      parsed.state = state <= static_cast<std::uint32_t>(TcpState::closing) ? static_cast<TcpState>(state)
                                                                            : TcpState::unknown;
    }
    if (field == kInodeField && !(take_number(text, parsed.inode, rest) && rest.empty())) return false;
  }
  out = parsed;
  return true;
}

bool allows(const AllowedSocket& allowed, const TcpLine& socket) noexcept {
  if (allowed.port != 0 && allowed.port != socket.remote_port) return false;
  const std::uint8_t* address = socket.remote.data();
  bool ipv6 = socket.ipv6;
  if (ipv6 && !allowed.ipv6 && std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address)) {
    address += kMappedPrefix.size();
    ipv6 = false;
  }
  if (ipv6 != allowed.ipv6) return false;
  return prefix_matches(allowed.prefix.data(), address, ipv6 ? 16 : 4, allowed.prefix_bits);
}

bool can_carry(TcpState state) noexcept {
  switch (state) {
    case TcpState::unknown:  // a state of tomorrow's kernel
    case TcpState::established:
    case TcpState::syn_recv:
    case TcpState::close_wait:
    case TcpState::fin_wait1:
    case TcpState::closing:
    case TcpState::last_ack: return true;
    case TcpState::syn_sent:
    case TcpState::fin_wait2:
    case TcpState::time_wait:
    case TcpState::close:
    case TcpState::listen: return false;
  }
  return true;
}

void CensusMemory::begin(std::uint64_t now_ns) noexcept {
  current_ = 1 - current_;
  counts_[current_] = 0;
  now_ns_ = now_ns;
}

std::uint64_t CensusMemory::seen_since(std::uint64_t inode) noexcept {
  const auto& before = lists_[1 - current_];
  const auto* end = before.data() + counts_[1 - current_];
  const auto* known =
      std::find_if(before.data(), end, [inode](const Seen& seen) { return seen.inode == inode; });
  const std::uint64_t since_ns = known != end ? known->since_ns : now_ns_;
  if (counts_[current_] == kCensusEntries) return 0;
  lists_[current_][counts_[current_]++] = {inode, since_ns};
  return since_ns;
}

void judge(const TcpLine& socket, const CensusRules& rules, CensusMemory& memory,
           CensusReport& report) noexcept {
  if (socket.state == TcpState::listen) return;
  ++report.tcp_sockets;
  const auto* inodes = rules.registered_inodes;
  if (std::find(inodes, inodes + rules.registered_count, socket.inode) != inodes + rules.registered_count)
    return;
  const auto* allowed_end = rules.allowed + rules.allowed_count;
  if (std::any_of(rules.allowed, allowed_end, [&](const AllowedSocket& one) { return allows(one, socket); }))
    return;
  if (socket.state == TcpState::syn_sent) ++report.connecting;
  if (!can_carry(socket.state)) return;
  const std::uint64_t since_ns = memory.seen_since(socket.inode);
  const bool confirmed = report.listed_ns - since_ns >= rules.confirm_ns;
  if (confirmed ? report.unregistered == 0 : report.unregistered + report.unconfirmed == 0)
    report.first = socket;
  ++(confirmed ? report.unregistered : report.unconfirmed);
}

CensusReport SocketCensus::take(pid_t pid, const CensusRules& rules, std::uint64_t now_ns) noexcept {
  CensusReport report;
  report.listed_ns = now_ns;
  if (find_sockets(pid, sockets_) != FenceError::ok) return report;
  std::sort(sockets_.list.begin(), sockets_.list.begin() + static_cast<std::ptrdiff_t>(sockets_.count),
            [](const OpenSocket& a, const OpenSocket& b) { return a.inode < b.inode; });
  memory_.begin(now_ns);
  const Read v4 = read_table(pid, false, rules, report);
  const Read v6 = read_table(pid, true, rules, report);  // absent where the kernel has no IPv6
  if (v4 == Read::failed || v4 == Read::absent || v6 == Read::failed) return report;
  const bool too_many = sockets_.more || v4 == Read::too_many || v6 == Read::too_many;
  report.state = too_many ? CensusState::too_many : CensusState::counted;
  return report;
}

SocketCensus::Read SocketCensus::read_table(pid_t pid, bool ipv6, const CensusRules& rules,
                                            CensusReport& report) noexcept {
  const UniqueFd file(open(ProcPath(pid, ipv6 ? "net/tcp6" : "net/tcp").c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return errno == ENOENT ? Read::absent : Read::failed;
  std::size_t filled = 0, lines = 0;
  for (;;) {
    const ssize_t got = read(file.get(), buffer_.data() + filled, buffer_.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Read::failed;
    if (got == 0) return filled == 0 ? Read::ok : Read::failed;
    filled += static_cast<std::size_t>(got);
    std::string_view rest(buffer_.data(), filled);
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      if (++lines > kCensusLinesMax) return Read::too_many;
      const bool heading = lines == 1;
      if (!heading && !take_line(rest.substr(0, end), ipv6, rules, report)) return Read::failed;
      rest.remove_prefix(end + 1);
    }
    if (rest.size() == buffer_.size()) return Read::failed;  // one line that fills it: no such file
    std::memmove(buffer_.data(), rest.data(), rest.size());
    filled = rest.size();
  }
}

bool SocketCensus::take_line(std::string_view line, bool ipv6, const CensusRules& rules,
                             CensusReport& report) noexcept {
  TcpLine socket;
  if (!parse_tcp_line(line, ipv6, socket)) return false;
  const OpenSocket* end = sockets_.list.data() + sockets_.count;
  const OpenSocket* place =
      std::lower_bound(static_cast<const OpenSocket*>(sockets_.list.data()), end, socket.inode,
                       [](const OpenSocket& a, std::uint64_t inode) { return a.inode < inode; });
  if (place != end && place->inode == socket.inode) judge(socket, rules, memory_, report);
  return true;
}

}  // namespace portcullis
