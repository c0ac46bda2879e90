// SPDX-License-Identifier: Apache-2.0
#include "watchdog/notify.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace portcullis {
namespace {

/// The number in an environment variable; 0 where it is missing or none.
std::uint64_t number_in(const char* variable) noexcept {
  const char* text = std::getenv(variable);
  if (text == nullptr) return 0;
  const char* end = text + std::strlen(text);
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(text, end, number);
  return error == std::errc() && stop == end ? number : 0;
}

constexpr std::uint64_t kWatchdogUsecMax = 3'600'000'000;  // an hour; more is no watchdog

std::uint64_t read_watchdog_ns() noexcept {
  if (std::getenv("WATCHDOG_PID") != nullptr &&
      number_in("WATCHDOG_PID") != static_cast<std::uint64_t>(getpid()))
    return 0;
  return std::min(number_in("WATCHDOG_USEC"), kWatchdogUsecMax) * 1'000;
}

}  // namespace

const char* notify_error_text(NotifyError error) noexcept {
  switch (error) {
    case NotifyError::ok: return "ok";
    case NotifyError::bad_address:
      return "NOTIFY_SOCKET is neither an absolute path nor an abstract name, or too long";
    case NotifyError::no_socket: return "no socket for the service manager";
    case NotifyError::not_sent: return "the service manager did not take the message";
  }
  return "?";
}

NotifyError Notifier::open() noexcept {
  const char* name = std::getenv("NOTIFY_SOCKET");
  if (name == nullptr || *name == '\0') return NotifyError::ok;
  const std::size_t length = std::strlen(name);
  if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof address_.sun_path)
    return NotifyError::bad_address;
  address_.sun_family = AF_UNIX;
  std::memcpy(address_.sun_path, name, length + 1);
  if (name[0] == '@') address_.sun_path[0] = '\0';
  const std::size_t path_bytes =
      name[0] == '@' ? length : length + 1;  // an abstract name has no end but its length
  address_bytes_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_bytes);
  socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_.valid()) return NotifyError::no_socket;
  watchdog_ns_ = read_watchdog_ns();
  return NotifyError::ok;
}

NotifyError Notifier::send(std::string_view message) noexcept {
  if (!socket_.valid()) return NotifyError::ok;
  ssize_t sent = -1;
  do
    sent = sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                  reinterpret_cast<const sockaddr*>(&address_), address_bytes_);
  while (sent < 0 && errno == EINTR);
  if (sent >= 0) return NotifyError::ok;
  ++lost_;
  return NotifyError::not_sent;
}

NotifyError Notifier::ready() noexcept { return send("READY=1"); }
NotifyError Notifier::watchdog() noexcept { return send("WATCHDOG=1"); }
NotifyError Notifier::stopping() noexcept { return send("STOPPING=1"); }

NotifyError Notifier::status(std::string_view text) noexcept {
  constexpr std::string_view kKey = "STATUS=";
  char message[kMessageBytes];
  std::memcpy(message, kKey.data(), kKey.size());
  const std::size_t length = std::min(text.size(), sizeof message - kKey.size());
  std::transform(
      text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length), message + kKey.size(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 ? ' ' : c; });  // a line break ends a field
  return send({message, kKey.size() + length});
}

}  // namespace portcullis
