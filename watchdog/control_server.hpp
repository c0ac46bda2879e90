// SPDX-License-Identifier: Apache-2.0
/// @file Where the CLI asks: RUN_DIR/ENGINE.control and RUN_DIR/ENGINE.halt (SOCK_SEQPACKET), on control's
/// sd-event loop. One connection, one request, one answer of one or more packets. Nothing here waits: a
/// client that does not read has its packets queued up to a bound, one that does not speak is dropped, and
/// halt is dispatched before control. Both sockets are open to all users; who connects is judged at once by
/// the kernel's credentials, so that strangers never hold one of the 16 places. With no descriptor left a
/// reserved one is spent on saying "busy". Rejected: socket modes instead of credentials; they need the
/// groups' names and cannot tell the engine's user apart.
#pragma once
#include <systemd/sd-event.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shm/unique_fd.hpp"
#include "watchdog/people.hpp"
#include "watchdog/request.hpp"

namespace portcullis {

inline constexpr std::size_t kClientsPerSocket = 16;
inline constexpr std::size_t kQueuedBytesMax =
    8UL * 1024 * 1024;                                     ///< answers nobody has read yet, of all clients
inline constexpr std::size_t kAnswerPacketBytes = 60'000;  ///< largest packet of an answer
inline constexpr std::int64_t kHaltPriority = -50;         ///< sd-event priorities; timers of the ladder: 0
inline constexpr std::int64_t kControlPriority = 50;

enum class [[nodiscard]] ServerError : std::uint8_t{ok = 0, path_too_long, cannot_bind, no_descriptor,
                                                    event_loop};
/// A sentence for people.
[[nodiscard]] const char* server_error_text(ServerError error) noexcept;

/// Names one connection for as long as it lives; never used again for another one.
using ClientId = std::uint64_t;

/// Each only grows; shown by status.
struct ServerCounters {
  std::uint64_t requests = 0;
  std::uint64_t malformed = 0;       ///< packets that were no request
  std::uint64_t strangers = 0;       ///< connections of people without any part here
  std::uint64_t busy = 0;            ///< turned away or put out because every place was taken
  std::uint64_t silent = 0;          ///< dropped: said nothing in time, or waited longer than 70 s
  std::uint64_t slow_readers = 0;    ///< dropped: too much queued for them
  std::uint64_t no_descriptors = 0;  ///< times the reserved descriptor was spent
};

class ControlServer {
 public:
  /// `request` was read and understood, but nobody judged yet whether this peer may do it: People::may.
  /// Exactly one answer with last = true is owed, now or within 70 s.
  using OnRequest = std::function<void(ClientId, const Request&, const Peer&)>;

  /// `people` must outlive the server.
  ControlServer(const People& people, OnRequest on_request);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Binds both sockets. Only the holder of the instance lock may call this: an old socket file is replaced.
  ServerError start(sd_event* loop, const std::string& run_dir, const std::string& engine);
  /// Sends one packet to a client, or queues it; after the last one the connection is closed once it is sent.
  /// A client that went away is no error. Never waits.
  void answer(ClientId client, std::string_view json, bool last);
  /// All packets of one answer; the last ends it.
  void answer(ClientId client, const std::vector<std::string>& packets);
  /// A refusal: {"v":1,"done":true,"ok":false,"exit":..,"error":..}.
  void refuse(ClientId client, int exit_code, std::string_view sentence);
  [[nodiscard]] bool connected(ClientId client) const noexcept;
  [[nodiscard]] const ServerCounters& counters() const noexcept { return counters_; }
  /// Closes everything and removes both socket files.
  void stop() noexcept;

 private:
  struct Listener;
  struct Client;
  static int on_listener(sd_event_source* source, int fd, std::uint32_t events, void* listener) noexcept;
  static int on_client(sd_event_source* source, int fd, std::uint32_t events, void* client) noexcept;
  static int on_sweep(sd_event_source* source, std::uint64_t usec, void* server) noexcept;

  ServerError listen_at(Listener& listener, sd_event* loop);
  [[nodiscard]] bool accept_one(Listener& listener);
  void spend_reserve(Listener& listener);
  void admit(Listener& listener, UniqueFd socket);
  [[nodiscard]] Client* free_place(Listener& listener);
  void read_request(Client& client);
  void misunderstood(Client& client, std::string_view sentence);
  void flush(Client& client);
  void drop(Client& client) noexcept;
  void sweep(std::uint64_t now_ns);
  [[nodiscard]] Client* find(ClientId id) const noexcept;

  const People& people_;
  OnRequest on_request_;
  std::array<std::unique_ptr<Listener>, 2> listeners_;  ///< halt, control
  sd_event_source* sweep_ = nullptr;
  UniqueFd reserve_;
  ServerCounters counters_;
  std::size_t queued_bytes_ = 0;
  ClientId next_id_ = 1;
};

/// The refusal's text, also for answers that others send.
[[nodiscard]] std::string refusal_json(int exit_code, std::string_view sentence);

}  // namespace portcullis
