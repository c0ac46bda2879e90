// SPDX-License-Identifier: Apache-2.0
/// @file One question to one supervisor over its SOCK_SEQPACKET socket: one packet out, one or more packets
/// back, the last with "done":true. Nothing here waits beyond the deadline it is given, also when the peer is
/// stopped, its queue of waiting clients is full, or it sends garbage. Packets are merged:
/// {"part":"halt.orders","rows":[...]} appends to that array, otherwise objects merge, arrays of equal key
/// are joined and later values win. Rejected: one blocking connect. A stopped supervisor with a full queue
/// would hold the operator's halt for ever.
#pragma once
#include <cstdint>
#include <string>

#include "shm/unique_fd.hpp"
#include "watchdog/cli/json_value.hpp"

namespace portcullis::cli {

inline constexpr std::size_t kMaxRequestBytes = 4096;
inline constexpr std::size_t kMaxPacketBytes = 60'000;
inline constexpr std::size_t kMaxPackets = 1024;  ///< of one answer: 60 MB, ten times 65,536 orders

/// How a step of the exchange ended.
enum class [[nodiscard]] ClientError : std::uint8_t{
    ok = 0,
    absent,         ///< no such socket: no supervisor ever ran here, or it ended in order
    not_listening,  ///< the socket is there, nobody listens: the supervisor is dead
    no_permission,  ///< the socket may not be used by this user
    bad_path,       ///< the path does not fit into a socket address
    busy,           ///< the queue of waiting clients stayed full until the deadline
    no_answer,      ///< nothing came before the deadline
    hung_up,        ///< the peer closed before "done"
    garbage,        ///< a packet that is no JSON object of this protocol, or too long, or too many of them
    system,         ///< the kernel said no for another reason
};

/// A sentence for people.
[[nodiscard]] const char* client_error_text(ClientError error) noexcept;

/// One connection, one request, one answer.
class Client {
 public:
  /// Connects; waits (in 5 ms steps) only while the queue of clients is full.
  ClientError open(const std::string& path, std::uint64_t deadline_ns);
  /// Sends the request. Never waits: a fresh connection's buffer takes a packet.
  ClientError send(const Json& request);
  /// Takes one packet and merges it. `garbage` leaves the answer as it was; the next call may still succeed.
  ClientError receive(std::uint64_t deadline_ns);
  /// receive() until done(); garbage ends it.
  ClientError receive_all(std::uint64_t deadline_ns);

  /// Any valid packet came: the supervisor lives. The halt socket sends {"received":true} first.
  [[nodiscard]] bool received() const noexcept { return received_; }
  /// The last packet came.
  [[nodiscard]] bool done() const noexcept { return done_; }
  [[nodiscard]] const Json& answer() const noexcept { return answer_; }

 private:
  ClientError take(std::string_view packet);

  UniqueFd socket_;
  Json answer_ = Json::object();
  std::size_t packets_ = 0;
  bool received_ = false;
  bool done_ = false;
};

/// Adds one packet to what came before.
void merge_packet(Json& answer, const Json& packet);

/// open, send and receive_all. `answer` is set only with `ok`.
ClientError ask(const std::string& path, const Json& request, std::uint64_t timeout_ns, Json& answer);

/// {"v":1,"cmd":..,"actor":..,"login_uid":..}. The actor is what the environment says, without a name
/// service, and only informational: the supervisor judges the kernel's credentials.
[[nodiscard]] Json make_request(const std::string& command);

}  // namespace portcullis::cli
