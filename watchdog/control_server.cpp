// SPDX-License-Identifier: Apache-2.0
#include "watchdog/control_server.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <nlohmann/json.hpp>

#include "shm/clock.hpp"

namespace portcullis {
namespace {

constexpr int kAcceptsPerDispatch = 8;
constexpr int kBacklog = 64;
constexpr int kUnheardPackets = 1024;                // more than a socket's buffer holds
constexpr std::uint64_t kSpeakNs = 2'000'000'000;    // the CLI sends its request at once
constexpr std::uint64_t kAnswerNs = 70'000'000'000;  // a halt is answered after 60 s at the latest
constexpr std::uint64_t kSweepUs = 500'000;
constexpr std::uint64_t kSweepAccuracyUs = 50'000;
constexpr int kExitInternal = 1;
constexpr int kExitUsage = 2;
constexpr int kExitPermission = 5;
constexpr std::string_view kReceived = R"({"v":1,"received":true})";

/// False with errno; true also for a packet that a vanished peer will never read.
bool send_packet(int fd, std::string_view packet) noexcept {
  ssize_t sent = -1;
  do sent = send(fd, packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

/// Takes what the client still had to say: a connection that is closed with unread packets is reset, and our
/// last answer with it.
void hear_out(int fd) noexcept {
  shutdown(fd, SHUT_RD);
  char packet[1];
  for (int i = 0; i < kUnheardPackets && recv(fd, packet, sizeof packet, MSG_DONTWAIT | MSG_TRUNC) > 0; ++i)
    continue;
}

/// The last word to somebody who gets no place.
void turn_away(int fd, int exit_code, std::string_view sentence) {
  hear_out(fd);
  send_packet(fd, refusal_json(exit_code, sentence));
}

}  // namespace

enum class Stage : std::uint8_t {
  speaking,   ///< its request is owed
  answering,  ///< ours is owed
  flushing,   ///< everything was said; the rest of the queue is on its way
};

struct ControlServer::Client {
  ControlServer* server = nullptr;
  Listener* listener = nullptr;
  ClientId id = 0;  ///< 0: a free place
  UniqueFd socket;
  sd_event_source* source = nullptr;
  Peer peer;
  Stage stage = Stage::speaking;
  std::uint64_t deadline_ns = 0;
  std::deque<std::string> queue;
  std::size_t queued_bytes = 0;
};

struct ControlServer::Listener {
  ControlServer* server = nullptr;
  bool halt = false;
  std::string path;
  UniqueFd socket;
  sd_event_source* source = nullptr;
  std::array<Client, kClientsPerSocket> clients;
  [[nodiscard]] std::int64_t priority() const noexcept { return halt ? kHaltPriority : kControlPriority; }
};

const char* server_error_text(ServerError error) noexcept {
  switch (error) {
    case ServerError::ok: return "ok";
    case ServerError::path_too_long: return "the run folder's path does not fit into a socket address";
    case ServerError::cannot_bind: return "the control sockets cannot be made in the run folder";
    case ServerError::no_descriptor: return "no descriptor is left";
    case ServerError::event_loop: return "the event loop refused the control sockets";
  }
  return "?";
}

std::string refusal_json(int exit_code, std::string_view sentence) {
  const nlohmann::json answer = {
      {"v", 1}, {"done", true}, {"ok", false}, {"exit", exit_code}, {"error", sentence}};
  return answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

ControlServer::ControlServer(const People& people, OnRequest on_request)
    : people_(people), on_request_(std::move(on_request)) {}

ControlServer::~ControlServer() { stop(); }

ServerError ControlServer::start(sd_event* loop, const std::string& run_dir, const std::string& engine) {
  reserve_.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!reserve_.valid()) return ServerError::no_descriptor;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    listeners_[i] = std::make_unique<Listener>();
    Listener& listener = *listeners_[i];
    listener.server = this;
    listener.halt = i == 0;
    for (Client& client : listener.clients) {
      client.server = this;
      client.listener = &listener;
    }
    listener.path = run_dir + "/" + engine + (listener.halt ? ".halt" : ".control");
    if (const ServerError error = listen_at(listener, loop); error != ServerError::ok) {
      stop();
      return error;
    }
  }
  if (sd_event_add_time_relative(loop, &sweep_, CLOCK_MONOTONIC, kSweepUs, kSweepAccuracyUs, &on_sweep,
                                 this) < 0) {
    stop();
    return ServerError::event_loop;
  }
  return ServerError::ok;
}

ServerError ControlServer::listen_at(Listener& listener, sd_event* loop) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path;
  path.swap(listener.path);  // stop() removes only what this call made
  if (path.size() >= sizeof address.sun_path) return ServerError::path_too_long;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  listener.socket.reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.socket.valid()) return ServerError::no_descriptor;
  const int fd = listener.socket.get();
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return ServerError::cannot_bind;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return ServerError::cannot_bind;
  listener.path = std::move(path);
  if (chmod(listener.path.c_str(), 0666) != 0 || listen(fd, kBacklog) != 0) return ServerError::cannot_bind;
  if (sd_event_add_io(loop, &listener.source, fd, EPOLLIN, &on_listener, &listener) < 0 ||
      sd_event_source_set_priority(listener.source, listener.priority()) < 0)
    return ServerError::event_loop;
  return ServerError::ok;
}

void ControlServer::stop() noexcept {
  sweep_ = sd_event_source_disable_unref(sweep_);
  for (std::unique_ptr<Listener>& listener : listeners_) {
    if (listener == nullptr) continue;
    for (Client& client : listener->clients) drop(client);
    sd_event_source_disable_unref(listener->source);
    if (!listener->path.empty()) unlink(listener->path.c_str());
    listener.reset();
  }
  reserve_.reset();
}

int ControlServer::on_listener(sd_event_source*, int, std::uint32_t, void* listener) noexcept {
  auto& self = *static_cast<Listener*>(listener);
  for (int i = 0; i < kAcceptsPerDispatch && self.server->accept_one(self); ++i) continue;
  return 0;
}

/// False: nobody else is waiting, or nobody can be let in now.
bool ControlServer::accept_one(Listener& listener) {
  UniqueFd socket(accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket.valid()) {
    admit(listener, std::move(socket));
    return true;
  }
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    spend_reserve(listener);
    return false;
  }
  return errno == EINTR || errno == ECONNABORTED;
}

/// Lets one client in for as long as it takes to say "busy". The socket rests until the next sweep, so that a
/// host without descriptors does not turn into a loop that never sleeps.
void ControlServer::spend_reserve(Listener& listener) {
  ++counters_.no_descriptors;
  reserve_.reset();
  {
    const UniqueFd socket(accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.valid()) turn_away(socket.get(), kExitInternal, "busy: the supervisor has no descriptor left");
  }
  reserve_.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
  sd_event_source_set_enabled(listener.source, SD_EVENT_OFF);
}

void ControlServer::admit(Listener& listener, UniqueFd socket) {
  Peer peer;
  Permission permission = Permission::stranger;
  if (peer_of(socket.get(), peer) == PeerError::ok)
    permission = listener.halt ? people_.may_halt(peer) : people_.may_see_status(peer);
  if (permission != Permission::granted) {
    ++counters_.strangers;
    turn_away(socket.get(), kExitPermission, permission_text(permission));
    return;
  }
  Client* client = free_place(listener);
  if (client == nullptr) {
    ++counters_.busy;
    turn_away(socket.get(), kExitInternal, "busy: 16 requests are being answered");
    return;
  }
  client->socket = std::move(socket);
  client->peer = peer;
  client->stage = Stage::speaking;
  client->id = next_id_++;
  client->deadline_ns = monotonic_now_ns() + kSpeakNs;
  if (sd_event_add_io(sd_event_source_get_event(listener.source), &client->source, client->socket.get(),
                      EPOLLIN, &on_client, client) < 0 ||
      sd_event_source_set_priority(client->source, listener.priority()) < 0) {
    drop(*client);
    return;
  }
  read_request(*client);  // it is there already, as a rule
}

/// A free place, or that of the client who has been silent for longest.
ControlServer::Client* ControlServer::free_place(Listener& listener) {
  Client* silent = nullptr;
  for (Client& client : listener.clients) {
    if (client.id == 0) return &client;
    if (client.stage == Stage::speaking && (silent == nullptr || client.id < silent->id)) silent = &client;
  }
  if (silent != nullptr) {
    ++counters_.busy;
    drop(*silent);
  }
  return silent;
}

int ControlServer::on_client(sd_event_source*, int, std::uint32_t events, void* client) noexcept {
  auto& self = *static_cast<Client*>(client);
  ControlServer& server = *self.server;
  if ((events & EPOLLIN) != 0 && self.stage == Stage::speaking) {
    server.read_request(self);
  } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    server.drop(self);
  } else if ((events & EPOLLOUT) != 0) {
    server.flush(self);
  }
  return 0;
}

void ControlServer::read_request(Client& client) {
  char packet[kRequestBytesMax + 1];
  const ssize_t bytes = recv(client.socket.get(), packet, sizeof packet, MSG_DONTWAIT | MSG_TRUNC);
  if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (bytes <= 0) return drop(client);
  if (static_cast<std::size_t>(bytes) > kRequestBytesMax)
    return misunderstood(client, request_error_text(RequestError::too_long));
  Request request;
  const RequestError error = parse_request({packet, static_cast<std::size_t>(bytes)}, request);
  if (error != RequestError::ok) return misunderstood(client, request_error_text(error));
  if ((request.command == RequestCommand::halt) != client.listener->halt)
    return misunderstood(client, "request refused: halt, and only halt, goes to the halt socket");
  ++counters_.requests;
  client.stage = Stage::answering;
  client.deadline_ns = monotonic_now_ns() + kAnswerNs;
  sd_event_source_set_io_events(client.source, 0);  // only its going away is of interest now
  const ClientId id = client.id;
  const Peer peer = client.peer;  // the client may be gone when it is judged; its halt counts all the same
  if (client.listener->halt) answer(id, kReceived, false);
  on_request_(id, request, peer);
}

void ControlServer::misunderstood(Client& client, std::string_view sentence) {
  ++counters_.malformed;
  client.stage = Stage::answering;
  refuse(client.id, kExitUsage, sentence);
}

void ControlServer::refuse(ClientId client, int exit_code, std::string_view sentence) {
  answer(client, refusal_json(exit_code, sentence), true);
}

void ControlServer::answer(ClientId client, const std::vector<std::string>& packets) {
  for (std::size_t i = 0; i < packets.size(); ++i) answer(client, packets[i], i + 1 == packets.size());
}

void ControlServer::answer(ClientId id, std::string_view json, bool last) {
  Client* client = find(id);
  if (client == nullptr || client->stage != Stage::answering) return;
  if (client->queued_bytes != 0 || !send_packet(client->socket.get(), json)) {
    if (client->queued_bytes == 0 && errno != EAGAIN && errno != ENOBUFS) return drop(*client);
    if (queued_bytes_ + json.size() > kQueuedBytesMax) {
      ++counters_.slow_readers;
      return drop(*client);
    }
    client->queue.emplace_back(json);
    client->queued_bytes += json.size();
    queued_bytes_ += json.size();
    sd_event_source_set_io_events(client->source, EPOLLOUT);
  }
  if (!last) return;
  client->stage = Stage::flushing;
  if (client->queued_bytes == 0) drop(*client);
}

void ControlServer::flush(Client& client) {
  while (!client.queue.empty()) {
    const std::string& packet = client.queue.front();
    if (!send_packet(client.socket.get(), packet)) {
      if (errno != EAGAIN && errno != ENOBUFS) drop(client);
      return;
    }
    client.queued_bytes -= packet.size();
    queued_bytes_ -= packet.size();
    client.queue.pop_front();
  }
  if (client.stage == Stage::flushing) return drop(client);
  sd_event_source_set_io_events(client.source, 0);
}

void ControlServer::drop(Client& client) noexcept {
  client.source = sd_event_source_disable_unref(client.source);
  if (client.socket.valid()) hear_out(client.socket.get());
  client.socket.reset();
  client.queue.clear();
  queued_bytes_ -= client.queued_bytes;
  client.queued_bytes = 0;
  client.id = 0;
}

int ControlServer::on_sweep(sd_event_source* source, std::uint64_t, void* server) noexcept {
  static_cast<ControlServer*>(server)->sweep(monotonic_now_ns());
  sd_event_source_set_time_relative(source, kSweepUs);
  sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
  return 0;
}

void ControlServer::sweep(std::uint64_t now_ns) {
  if (!reserve_.valid()) reserve_.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
  for (const std::unique_ptr<Listener>& listener : listeners_) {
    sd_event_source_set_enabled(listener->source, SD_EVENT_ON);
    for (Client& client : listener->clients) {
      if (client.id == 0 || now_ns < client.deadline_ns) continue;
      ++counters_.silent;
      if (client.stage == Stage::answering)
        refuse(client.id, kExitInternal, "no answer was ready within 70 s");
      drop(client);
    }
  }
}

ControlServer::Client* ControlServer::find(ClientId id) const noexcept {
  for (const std::unique_ptr<Listener>& listener : listeners_) {
    if (listener == nullptr || id == 0) continue;
    for (Client& client : listener->clients)
      if (client.id == id) return &client;
  }
  return nullptr;
}

bool ControlServer::connected(ClientId client) const noexcept { return find(client) != nullptr; }

}  // namespace portcullis
