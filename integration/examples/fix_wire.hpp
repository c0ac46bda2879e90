// SPDX-License-Identifier: Apache-2.0
/// @file The smallest FIX 4.2 writer and reader over a plain TCP socket: what the minimal C++ engine trades
/// with, and what the run-away engine's unregistered connection is made of. No resends, no store: an example,
/// not a FIX engine.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>

namespace portcullis {
namespace examples {

class FixWire {
 public:
  /// Connects to 127.0.0.1; session is "SENDER:TARGET".
  FixWire(std::uint16_t port, const std::string& session)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const std::size_t colon = session.find(':');
    sender_ = session.substr(0, colon);
    target_ = colon == std::string::npos ? "VENUE" : session.substr(colon + 1);
    sockaddr_in address = sockaddr_in();
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int one = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  FixWire(const FixWire&) = delete;
  FixWire& operator=(const FixWire&) = delete;
  ~FixWire() { close(fd_); }

  /// False also once a read met the end of the connection.
  bool connected() const { return connected_; }
  int fd() const { return fd_; }

  /// A complete message; body is the fields behind the header, each ended by SOH. Takes the next number.
  std::string message(const char* type, const std::string& body) { return render(type, next_seq_num_++, body); }
  /// What such a message looks like; takes no number.
  std::string sample(const char* type, const std::string& body) const { return render(type, 1, body); }
  std::string logon() { return message("A", "98=0\001108=30\001"); }

  /// Writes all of it. False: the connection is gone.
  bool write(const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t taken = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (taken <= 0) return false;
      done += static_cast<std::size_t>(taken);
    }
    return true;
  }
  /// The next whole message that arrives within that time; empty if none does.
  std::string read(int timeout_ms) {
    for (;;) {
      const std::size_t trailer = buffer_.find("\00110=");
      const std::size_t end = trailer == std::string::npos ? trailer : buffer_.find('\001', trailer + 1);
      if (end != std::string::npos) {
        const std::string text = buffer_.substr(0, end + 1);
        buffer_.erase(0, end + 1);
        return text;
      }
      pollfd readable = {fd_, POLLIN, 0};
      char bytes[4096];
      if (poll(&readable, 1, timeout_ms) != 1) return std::string();
      const ssize_t got = recv(fd_, bytes, sizeof bytes, 0);
      if (got <= 0) {
        connected_ = false;
        return std::string();
      }
      buffer_.append(bytes, static_cast<std::size_t>(got));
    }
  }
  /// The value of a field of a message, empty where it is missing.
  static std::string field(const std::string& message, int tag) {
    const std::string name = '\001' + std::to_string(tag) + '=';
    const std::size_t at = message.find(name);
    if (at == std::string::npos) return std::string();
    const std::size_t begin = at + name.size();
    return message.substr(begin, message.find('\001', begin) - begin);
  }
  static std::string now() {
    const time_t seconds = time(nullptr);
    tm utc = tm();
    gmtime_r(&seconds, &utc);
    char text[24];
    strftime(text, sizeof text, "%Y%m%d-%H:%M:%S", &utc);
    return text;
  }

 private:
  std::string render(const char* type, std::uint64_t seq_num, const std::string& body) const {
    const std::string head = std::string("35=") + type + '\001' + "49=" + sender_ + '\001' + "56=" + target_ +
                             '\001' + "34=" + std::to_string(seq_num) + '\001' + "52=" + now() + '\001' + body;
    std::string text = "8=FIX.4.2\0019=" + std::to_string(head.size()) + '\001' + head;
    unsigned sum = 0;
    for (const char c : text) sum += static_cast<unsigned char>(c);
    char trailer[16];
    std::snprintf(trailer, sizeof trailer, "10=%03u\001", sum % 256);
    return text + trailer;
  }

  int fd_;
  bool connected_ = false;
  std::string sender_, target_, buffer_;
  std::uint64_t next_seq_num_ = 1;
};

}  // namespace examples
}  // namespace portcullis
