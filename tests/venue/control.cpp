// SPDX-License-Identifier: Apache-2.0
/// @file Commands of the control socket.
#include "tests/venue/control.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "tests/venue/fixed_point.hpp"

namespace portcullis {
namespace venue {

bool parse_quote(const std::string& text, char separator, std::string& symbol, Touch& touch) {
  std::istringstream parts(text);
  std::string name, bid, ask, size, more;
  if (!std::getline(parts, name, separator) || !std::getline(parts, bid, separator) ||
      !std::getline(parts, ask, separator) || !std::getline(parts, size, separator) ||
      std::getline(parts, more, separator))
    return false;
  Touch read;
  if (!parse_px_e8(bid, read.bid_px_e8) || !parse_px_e8(ask, read.ask_px_e8) || !parse_qty(size, read.size))
    return false;
  symbol = name;
  touch = read;
  return true;
}

/// One connected client; blocking writes are fine, an answer fits the socket buffer or the client is a test
/// that reads.
class Control::Client : public Watched {
 public:
  Client(int fd, Control& control) : fd_(fd), control_(control) { control_.loop_.watch(fd_, *this, EPOLLIN); }
  ~Client() override {
    control_.loop_.forget(fd_);
    close(fd_);
  }
  bool gone() const { return gone_; }
  void on_ready(std::uint32_t) override {
    char buffer[4096];
    const ssize_t n = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0 || in_.size() > 65536) {
      gone_ = true;
      control_.loop_.forget(fd_);
      return;
    }
    in_.append(buffer, static_cast<std::size_t>(n));
    for (std::size_t end; (end = in_.find('\n')) != std::string::npos; in_.erase(0, end + 1))
      write_line(control_.answer(in_.substr(0, end)) + '\n');
  }

 private:
  void write_line(const std::string& line) {
    for (std::size_t done = 0; done < line.size();) {
      const ssize_t n = ::send(fd_, line.data() + done, line.size() - done, MSG_NOSIGNAL);
      if (n <= 0) return;
      done += static_cast<std::size_t>(n);
    }
  }
  int fd_;
  Control& control_;
  std::string in_;
  bool gone_ = false;
};

Control::Control(std::vector<Participant>& participants, Book& book, Faults& faults, LogWriter& log,
                 PollLoop& loop, Actions& actions)
    : participants_(participants), book_(book), faults_(faults), log_(log), loop_(loop), actions_(actions) {}

Control::~Control() {
  if (listen_fd_ < 0) return;
  close(listen_fd_);
  unlink(path_.c_str());
}

bool Control::listen_on(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return false;
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  listen_fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listen_fd_ < 0) return false;
  unlink(path.c_str());
  path_ = path;
  return bind(listen_fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
         listen(listen_fd_, 16) == 0 && loop_.watch(listen_fd_, *this, EPOLLIN);
}

void Control::on_ready(std::uint32_t) {
  clients_.erase(std::remove_if(clients_.begin(), clients_.end(),
                                [](const std::unique_ptr<Client>& client) { return client->gone(); }),
                 clients_.end());
  const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) clients_.emplace_back(new Client(fd, *this));
}

std::string Control::set_fault(const std::string& text, bool on) {
  FaultLine line;
  // Clearing needs no argument: one is supplied for kinds that demand it.
  FaultParse result = faults_.parse(text, line);
  if (!on && result == FaultParse::bad_argument) {
    const std::size_t at = std::min(text.find('@'), text.size());
    result = faults_.parse(text.substr(0, at) + "=0" + text.substr(at), line);
  }
  if (result != FaultParse::ok) return std::string("error: ") + fault_parse_text(result);
  log_.event(on ? "fault" : "fault_cleared").str("fault", text);
  const bool closes = line.kind == FaultKind::drop || line.kind == FaultKind::reset;
  if (on && closes && line.argument == 0)
    actions_.close_now(line);
  else if (on)
    faults_.set(line, monotonic_ns());
  else
    faults_.clear(line);
  return "ok";
}

std::string Control::answer(const std::string& line) {
  const std::size_t space = line.find(' ');
  const std::string command = line.substr(0, space);
  const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
  if (command == "fault") return set_fault(rest, true);
  if (command == "clear") return set_fault(rest, false);
  if (line == "stats") return stats_json(participants_);
  if (line == "flush") {
    log_.flush();
    return log_.ok() ? "ok" : "error: the log cannot be written";
  }
  if (command == "ask" || command == "skip") return ask_or_skip(line);
  return command == "quote" ? set_quote(rest) : "error: unknown command";
}

std::string Control::set_quote(const std::string& text) {
  std::string symbol;
  Touch touch;
  if (!parse_quote(text, ' ', symbol, touch) || !book_.quote(symbol, touch)) return "error: bad quote";
  log_.event("quote")
      .str("symbol", symbol)
      .num("bid_px_e8", touch.bid_px_e8)
      .num("ask_px_e8", touch.ask_px_e8);
  return "ok";
}

/// "ask SESSION BEGIN END" or "skip SESSION COUNT".
std::string Control::ask_or_skip(const std::string& line) {
  std::istringstream words(line);
  std::string command, name, more;
  std::int64_t first = 0;
  std::int64_t second = 0;
  const bool ask = line[0] == 'a';
  if (!(words >> command >> name >> first) || (ask && !(words >> second)) || words >> more)
    return ask ? "error: ask SESSION BEGIN END" : "error: skip SESSION COUNT";
  const auto found = std::find_if(participants_.begin(), participants_.end(),
                                  [&](const Participant& each) { return each.spec.engine == name; });
  if (found == participants_.end()) return "error: unknown session";
  if (ask ? first == 0 : first < 1 || first > 1000000) return "error: number out of range";
  const bool done = ask ? actions_.ask(found->index, first, second) : actions_.skip(found->index, first);
  return done ? "ok" : "error: not logged on";
}

}  // namespace venue
}  // namespace portcullis
