// SPDX-License-Identifier: Apache-2.0
/// @file The bare FIX client of the tests.
#include "tests/venue/fix_client.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "tests/venue/fix_scan.hpp"

namespace portcullis::venue {
namespace {

std::string sending_time() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  char text[32];
  const std::size_t size = strftime(text, sizeof text, "%Y%m%d-%H:%M:%S", &utc);
  return std::string(text, size);
}

std::string field(int tag, const std::string& value) { return std::to_string(tag) + '=' + value + '\001'; }

}  // namespace

std::string FixAnswer::get(int tag) const {
  for (const auto& [key, value] : fields)
    if (key == tag) return value;
  return {};
}

FixClient::FixClient(std::string engine, std::string venue, std::string begin_string)
    : engine_(std::move(engine)), venue_(std::move(venue)), begin_string_(std::move(begin_string)) {}

FixClient::~FixClient() { close_fin(); }

bool FixClient::logon(int port, bool reset) {
  close_fin();
  sent_.clear();
  in_.clear();
  in_at_ = 0;
  stepped_over_.clear();
  closed_with_ = -1;
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
  FixFields fields{{98, "0"}, {108, "30"}};
  if (reset) {
    next_seq_num_ = 1;
    fields.emplace_back(141, "Y");
  }
  FixAnswer answer;
  return send("A", fields) && next(answer) && answer.get(35) == "A";
}

std::string FixClient::encode(const std::string& type, const FixFields& fields) {
  return encode_as(next_seq_num_++, type, fields);
}

std::string FixClient::encode_as(int seq_num, const std::string& type, const FixFields& fields,
                                 bool poss_dup) {
  const std::string now = sending_time();
  std::string body = field(35, type) + field(34, std::to_string(seq_num)) + field(49, engine_) +
                     field(52, now) + field(56, venue_);
  if (poss_dup) body += field(43, "Y") + field(122, now);
  for (const auto& [tag, value] : fields) body += field(tag, value);
  const std::string message = field(8, begin_string_) + field(9, std::to_string(body.size())) + body;
  return message + field(10, std::to_string(1000 + checksum(message.data(), message.size())).substr(1));
}

bool FixClient::send(const std::string& type, const FixFields& fields) {
  return send_raw(encode(type, fields));
}

bool FixClient::send_raw(const std::string& bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent_.append(bytes, done, static_cast<std::size_t>(n));
    done += static_cast<std::size_t>(n);
  }
  return true;
}

bool FixClient::order(const std::string& cl_ord_id, char side, std::int64_t qty, const std::string& px,
                      const std::string& symbol, char tif) {
  FixFields fields{{11, cl_ord_id},
                   {21, "1"},
                   {55, symbol},
                   {54, std::string(1, side)},
                   {60, sending_time()},
                   {38, std::to_string(qty)},
                   {40, px.empty() ? "1" : "2"},
                   {59, std::string(1, tif)}};
  if (!px.empty()) fields.emplace_back(44, px);
  return send("D", fields);
}

bool FixClient::cancel(const std::string& cl_ord_id, const std::string& orig_cl_ord_id) {
  return send("F", {{11, cl_ord_id}, {41, orig_cl_ord_id}, {55, "ACME"}, {54, "1"}, {60, sending_time()}});
}

/// The first whole and right message, wherever it begins: a head that promises too much must not hide it.
bool FixClient::take(FixAnswer& out) {
  for (std::size_t at = in_.find("8=FIX", in_at_); at != std::string::npos; at = in_.find("8=FIX", at + 1)) {
    const Frame frame = next_frame(in_.data() + at, in_.size() - at);
    if (frame.kind != Frame::Kind::message || !checksum_ok(in_.data() + at, frame.end)) continue;
    FixAnswer answer;
    const std::size_t message_end = at + frame.end;
    stepped_over_.append(in_, in_at_, at - in_at_);
    for (in_at_ = at; in_at_ < message_end;) {
      const std::size_t equals = in_.find('=', in_at_);
      const std::size_t end = in_.find('\001', in_at_);
      answer.fields.emplace_back(std::atoi(in_.c_str() + in_at_), in_.substr(equals + 1, end - equals - 1));
      in_at_ = end + 1;
    }
    out = std::move(answer);
    return true;
  }
  in_.erase(0, in_at_);
  in_at_ = 0;
  return false;
}

bool FixClient::receive(int timeout_ms) {
  pollfd wait{fd_, POLLIN, 0};
  if (closed_with_ >= 0 || poll(&wait, 1, timeout_ms) <= 0) return false;
  char buffer[65536];
  const ssize_t n = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n > 0) in_.append(buffer, static_cast<std::size_t>(n));
  if (n <= 0) closed_with_ = n == 0 ? 0 : errno;
  return n > 0;
}

bool FixClient::next(FixAnswer& out, int timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    FixAnswer answer;
    while (take(answer)) {
      const std::string type = answer.get(35);
      if (type == "0" || type == "1") continue;
      out = std::move(answer);
      return true;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now())
            .count();
    if (left <= 0 || !receive(static_cast<int>(left))) return false;
  }
}

int FixClient::wait_closed(int timeout_ms) {
  while (receive(timeout_ms)) {
  }
  return closed_with_;
}

void FixClient::close_fin() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void FixClient::close_rst() {
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close_fin();
}

}  // namespace portcullis::venue
