// SPDX-License-Identifier: Apache-2.0
#include "watchdog/cli/client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "shm/clock.hpp"

namespace portcullis::cli {
namespace {

constexpr int kProtocolVersion = 1;
constexpr std::size_t kMaxActorBytes = 64;
constexpr std::uint64_t kRetryNs = 5'000'000;
constexpr std::uint32_t kNoLoginUid = 0xFFFF'FFFF;

/// Milliseconds until the deadline, rounded up; 0 once it has passed.
int milliseconds_left(std::uint64_t deadline_ns) {
  const std::uint64_t now = monotonic_now_ns();
  if (now >= deadline_ns) return 0;
  return static_cast<int>(std::min<std::uint64_t>((deadline_ns - now + 999'999) / 1'000'000, 3'600'000));
}

void sleep_ns(std::uint64_t duration_ns) {
  const timespec wait{0, static_cast<long>(duration_ns)};
  nanosleep(&wait, nullptr);
}

ClientError connect_error(int error) {
  if (error == ENOENT || error == ENOTDIR) return ClientError::absent;
  if (error == ECONNREFUSED) return ClientError::not_listening;
  if (error == EACCES || error == EPERM) return ClientError::no_permission;
  return ClientError::system;
}

/// Waits until readable. False at the deadline.
bool wait_readable(int fd, std::uint64_t deadline_ns) {
  while (true) {
    pollfd entry{fd, POLLIN, 0};
    const int ready = poll(&entry, 1, milliseconds_left(deadline_ns));
    if (ready > 0) return true;
    if (ready == 0) {
      if (monotonic_now_ns() >= deadline_ns) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
}

/// The login uid of this process; nullopt when there is none.
std::optional<std::uint32_t> login_uid() {
  const UniqueFd file(open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC));
  char text[16];
  const ssize_t bytes = file.valid() ? read(file.get(), text, sizeof text) : -1;
  std::uint32_t uid = kNoLoginUid;
  if (bytes <= 0 || std::from_chars(text, text + bytes, uid).ec != std::errc()) return std::nullopt;
  if (uid == kNoLoginUid) return std::nullopt;
  return uid;
}

void merge_value(Json& into, const Json& from) {
  if (into.is_object() && from.is_object()) {
    for (const auto& [key, value] : from.items()) merge_value(into[key], value);
  } else if (into.is_array() && from.is_array()) {
    into.insert(into.end(), from.begin(), from.end());
  } else {
    into = from;
  }
}

/// {"halt":{"orders":rows}} from "halt.orders".
Json nested(std::string_view path, const Json& rows) {
  const std::size_t dot = path.rfind('.');
  Json inner = Json::object();
  inner[std::string(path.substr(dot == std::string_view::npos ? 0 : dot + 1))] = rows;
  return dot == std::string_view::npos ? inner : nested(path.substr(0, dot), inner);
}

}  // namespace

const char* client_error_text(ClientError error) noexcept {
  switch (error) {
    case ClientError::ok: return "ok";
    case ClientError::absent: return "no supervisor runs: its socket does not exist";
    case ClientError::not_listening: return "the supervisor is dead: nobody listens on its socket";
    case ClientError::no_permission:
      return "permission refused: this user may not use the supervisor's socket";
    case ClientError::bad_path: return "the run folder's path is too long for a socket address";
    case ClientError::busy: return "the supervisor takes no clients: its queue stayed full";
    case ClientError::no_answer: return "the supervisor does not answer";
    case ClientError::hung_up: return "the supervisor closed the connection before it had answered";
    case ClientError::garbage: return "the supervisor's answer is not understood";
    case ClientError::system: return "the supervisor's socket cannot be used";
  }
  return "?";
}

ClientError Client::open(const std::string& path, std::uint64_t deadline_ns) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return ClientError::bad_path;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  while (true) {
    socket_.reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_.valid()) return ClientError::system;
    if (connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      return ClientError::ok;
    if (errno != EAGAIN && errno != EINTR) return connect_error(errno);
    if (monotonic_now_ns() + kRetryNs >= deadline_ns) return ClientError::busy;
    sleep_ns(kRetryNs);
  }
}

ClientError Client::send(const Json& request) {
  const std::string text = dump(request);
  if (text.size() > kMaxRequestBytes) return ClientError::garbage;
  while (true) {
    const ssize_t sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == static_cast<ssize_t>(text.size())) return ClientError::ok;
    if (sent >= 0 || errno != EINTR) break;
  }
  if (errno != EPIPE && errno != ECONNRESET) return ClientError::system;
  // whoever has no part here is turned away before he has spoken: the reason waits for him
  return receive(monotonic_now_ns()) == ClientError::ok ? ClientError::ok : ClientError::hung_up;
}

ClientError Client::receive(std::uint64_t deadline_ns) {
  if (packets_ >= kMaxPackets) return ClientError::garbage;
  if (!wait_readable(socket_.get(), deadline_ns)) return ClientError::no_answer;
  std::vector<char> buffer(kMaxPacketBytes + 1);
  const ssize_t bytes = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (bytes == 0) return ClientError::hung_up;
  if (bytes < 0) {
    if (errno == EAGAIN || errno == EINTR) return ClientError::no_answer;
    return errno == ECONNRESET ? ClientError::hung_up : ClientError::system;
  }
  ++packets_;
  if (static_cast<std::size_t>(bytes) > kMaxPacketBytes) return ClientError::garbage;
  return take({buffer.data(), static_cast<std::size_t>(bytes)});
}

ClientError Client::take(std::string_view packet) {
  const std::optional<Json> object = parse_object(packet);
  if (!object || number_of(*object, "v") != kProtocolVersion) return ClientError::garbage;
  received_ = true;
  merge_packet(answer_, *object);
  done_ = flag_of(*object, "done");
  return ClientError::ok;
}

ClientError Client::receive_all(std::uint64_t deadline_ns) {
  while (!done_)
    if (const ClientError error = receive(deadline_ns); error != ClientError::ok) return error;
  return ClientError::ok;
}

void merge_packet(Json& answer, const Json& packet) {
  const std::string part = text_of(packet, "part");
  if (!part.empty() && packet.contains("rows") && packet["rows"].is_array()) {
    if (std::count(part.begin(), part.end(), '.') < kMaxJsonDepth / 2)
      merge_value(answer, nested(part, packet["rows"]));
    return;
  }
  merge_value(answer, packet);
}

ClientError ask(const std::string& path, const Json& request, std::uint64_t timeout_ns, Json& answer) {
  const std::uint64_t deadline_ns = monotonic_now_ns() + timeout_ns;
  Client client;
  ClientError error = client.open(path, deadline_ns);
  if (error == ClientError::ok) error = client.send(request);
  if (error == ClientError::ok) error = client.receive_all(deadline_ns);
  if (error == ClientError::ok) answer = client.answer();
  return error;
}

Json make_request(const std::string& command) {
  Json request = {{"v", kProtocolVersion}, {"cmd", command}};
  for (const char* name : {"SUDO_USER", "LOGNAME", "USER"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    request["actor"] = cut(printable(value), kMaxActorBytes);
    break;
  }
  if (const auto uid = login_uid()) request["login_uid"] = *uid;
  return request;
}

}  // namespace portcullis::cli
