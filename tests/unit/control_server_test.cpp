// SPDX-License-Identifier: Apache-2.0
/// @file The CLI's sockets under good clients, bad clients and floods: real sockets, one event loop.
#include "watchdog/control_server.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "tests/unit/scratch_folder.hpp"

namespace portcullis {
namespace {

using nlohmann::json;

constexpr const char* kStatus = R"({"v":1,"cmd":"status"})";
constexpr const char* kHalt = R"({"v":1,"cmd":"halt"})";

UniqueFd connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.valid() && connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fd.reset();
  return fd;
}

/// A server of one desk, whose one user runs this test.
struct Desk {
  test::ScratchFolder folder;
  People people;
  sd_event* loop = nullptr;
  struct Call {
    ClientId client;
    Request request;
    Peer peer;
  };
  std::vector<Call> calls;
  std::optional<ControlServer> server;

  explicit Desk(std::uint32_t own_uid = geteuid()) {
    people.mode = Mode::desk;
    people.own_uid = people.engine_uid = own_uid;
    REQUIRE(sd_event_new(&loop) >= 0);
    server.emplace(people, [this](ClientId client, const Request& request, const Peer& peer) {
      calls.push_back({client, request, peer});
    });
    REQUIRE(server->start(loop, folder.path(), "mm1") == ServerError::ok);
  }
  ~Desk() {
    server.reset();
    sd_event_unref(loop);
  }
  [[nodiscard]] UniqueFd client(const char* socket_name = "control") const {
    return connect_to(folder.file(std::string("mm1.") + socket_name));
  }
  /// Runs the loop until nothing is left to do.
  void pump() {
    for (int i = 0; i < 2000 && sd_event_run(loop, 0) > 0; ++i) continue;
  }
  UniqueFd ask(const std::string& packet, const char* socket_name = "control") {
    UniqueFd fd = client(socket_name);
    REQUIRE(fd.valid());
    REQUIRE(send(fd.get(), packet.data(), packet.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(packet.size()));
    pump();
    return fd;
  }
};

/// The next packet; "" where the server hung up, "(nothing)" where none is there.
std::string take(const UniqueFd& fd) {
  std::string packet(70'000, '\0');
  const ssize_t bytes = recv(fd.get(), packet.data(), packet.size(), MSG_DONTWAIT);
  if (bytes < 0) return errno == EAGAIN ? "(nothing)" : "";
  packet.resize(static_cast<std::size_t>(bytes));
  return packet;
}

json take_json(const UniqueFd& fd) {
  const std::string packet = take(fd);
  INFO("packet: " << packet);
  json answer = json::parse(packet, nullptr, false);
  REQUIRE(answer.is_object());
  return answer;
}

TEST_CASE(
    "a request is handed over with the kernel's word for who asks, and its answer ends the connection") {
  Desk desk;
  const UniqueFd client = desk.ask(R"({"v":1,"cmd":"arm","reason":"open","actor":"somebody else"})");
  REQUIRE(desk.calls.size() == 1);
  CHECK(desk.calls[0].request.command == RequestCommand::arm);
  CHECK(desk.calls[0].request.reason == "open");
  CHECK(desk.calls[0].peer.uid == geteuid());
  CHECK(desk.calls[0].peer.pid == getpid());
  CHECK(take(client) == "(nothing)");
  CHECK(desk.server->connected(desk.calls[0].client));
  desk.server->answer(desk.calls[0].client, R"({"part":1})", false);
  desk.server->answer(desk.calls[0].client, R"({"done":true})", true);
  CHECK(take(client) == R"({"part":1})");
  CHECK(take(client) == R"({"done":true})");
  CHECK(take(client).empty());
  CHECK_FALSE(desk.server->connected(desk.calls[0].client));
}

TEST_CASE("a halt is acknowledged before it is served") {
  Desk desk;
  const UniqueFd client = desk.ask(kHalt, "halt");
  REQUIRE(desk.calls.size() == 1);
  CHECK(desk.calls[0].request.command == RequestCommand::halt);
  CHECK(take(client) == R"({"v":1,"received":true})");
  CHECK(take(client) == "(nothing)");
}

TEST_CASE("a halt whose sender went away at once is served all the same") {
  Desk desk;
  {
    const UniqueFd client = desk.client("halt");
    REQUIRE(send(client.get(), kHalt, std::strlen(kHalt), 0) > 0);
  }
  desk.pump();
  REQUIRE(desk.calls.size() == 1);
  CHECK_FALSE(desk.server->connected(desk.calls[0].client));
  desk.server->answer(desk.calls[0].client, "{}", true);  // no error
}

TEST_CASE("halt is served before everything that came earlier on the other socket") {
  Desk desk;
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(desk.client());
    REQUIRE(send(clients.back().get(), kStatus, std::strlen(kStatus), 0) > 0);
  }
  clients.push_back(desk.client("halt"));
  REQUIRE(send(clients.back().get(), kHalt, std::strlen(kHalt), 0) > 0);
  REQUIRE(sd_event_run(desk.loop, 0) > 0);
  REQUIRE(desk.calls.size() == 1);
  CHECK(desk.calls[0].request.command == RequestCommand::halt);
  desk.pump();
  CHECK(desk.calls.size() == 6);
}

TEST_CASE("each socket takes only its own commands") {
  Desk desk;
  CHECK(take_json(desk.ask(kHalt, "control"))["exit"] == 2);
  CHECK(take_json(desk.ask(kStatus, "halt"))["exit"] == 2);
  CHECK(desk.calls.empty());
}

TEST_CASE("a packet that is no request is answered with an error, closed and counted") {
  Desk desk;
  const std::vector<std::string> packets{"garbage",
                                         std::string(4096, 'x'),
                                         std::string(4097, ' '),
                                         std::string(60'000, '['),
                                         R"({"v":1,"cmd":"status","x":1})",
                                         "\xFF\xFE"};
  for (const std::string& packet : packets) {
    const UniqueFd client = desk.ask(packet);
    const json answer = take_json(client);
    CHECK(answer["ok"] == false);
    CHECK(answer["done"] == true);
    CHECK(answer["exit"] == 2);
    CHECK(answer["error"].get<std::string>().rfind("request refused: ", 0) == 0);
    CHECK(take(client).empty());
  }
  CHECK(desk.server->counters().malformed == packets.size());
  CHECK(desk.calls.empty());
}

TEST_CASE("a second packet of a client changes nothing") {
  Desk desk;
  const UniqueFd client = desk.ask(kStatus);
  REQUIRE(send(client.get(), kStatus, std::strlen(kStatus), MSG_NOSIGNAL) > 0);
  desk.pump();
  CHECK(desk.calls.size() == 1);
}

TEST_CASE("what a client says too much does not take its answer away") {
  Desk desk;
  const UniqueFd client = desk.client();
  for (int i = 0; i < 3; ++i) REQUIRE(send(client.get(), kStatus, std::strlen(kStatus), MSG_NOSIGNAL) > 0);
  desk.pump();
  REQUIRE(desk.calls.size() == 1);
  desk.server->refuse(desk.calls[0].client, 7, "no");
  CHECK(take_json(client)["exit"] == 7);
}

TEST_CASE("descriptors that a client sends along are closed") {
  Desk desk;
  const auto open_descriptors = [] {
    int count = 0;
    for (int fd = 0; fd < 256; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return count;
  };
  const UniqueFd client = desk.client();
  const int before = open_descriptors();
  iovec part{const_cast<char*>(kStatus), std::strlen(kStatus)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int sent = client.get();
  std::memcpy(CMSG_DATA(header), &sent, sizeof sent);
  REQUIRE(sendmsg(client.get(), &message, 0) > 0);
  desk.pump();
  REQUIRE(desk.calls.size() == 1);
  CHECK(open_descriptors() == before + 1);  // the accepted client
}

TEST_CASE("sixteen requests are answered at a time, the seventeenth hears busy") {
  Desk desk;
  std::vector<UniqueFd> clients;
  for (std::size_t i = 0; i < kClientsPerSocket; ++i) clients.push_back(desk.ask(kStatus));
  CHECK(desk.calls.size() == kClientsPerSocket);
  const json answer = take_json(desk.ask(kStatus));
  CHECK(answer["error"].get<std::string>().rfind("busy", 0) == 0);
  CHECK(desk.calls.size() == kClientsPerSocket);
  CHECK(take(desk.ask(kHalt, "halt")) == R"({"v":1,"received":true})");  // its places are its own
  desk.server->refuse(desk.calls[0].client, 7, "no");
  static_cast<void>(desk.ask(kStatus));
  CHECK(desk.calls.size() == kClientsPerSocket + 2);
}

TEST_CASE("a flood of clients that say nothing does not keep out one that speaks") {
  Desk desk;
  std::vector<UniqueFd> flood;
  for (int i = 0; i < 60; ++i) flood.push_back(desk.client());
  desk.pump();
  static_cast<void>(desk.ask(kStatus));
  CHECK(desk.calls.size() == 1);
  CHECK(desk.server->counters().busy >= 44);
}

TEST_CASE("one dispatch lets in a bounded number of clients") {
  Desk desk;
  std::vector<UniqueFd> flood;
  for (int i = 0; i < 40; ++i) {
    flood.push_back(desk.client());
    REQUIRE(send(flood.back().get(), kStatus, std::strlen(kStatus), 0) > 0);
  }
  REQUIRE(sd_event_run(desk.loop, 0) > 0);
  CHECK(desk.calls.size() <= 8);
}

TEST_CASE("a stranger is turned away at the door and holds no place") {
  Desk desk(geteuid() + 77);  // root may halt and look; anybody else is a stranger
  desk.people.own_uid = desk.people.engine_uid = 54321;
  REQUIRE(chmod(desk.folder.path().c_str(), 0755) == 0);
  const int result = [&] {
    const pid_t pid = fork();
    if (pid == 0) {
      if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(12345) != 0 || setuid(12345) != 0))
        _exit(9);
      const UniqueFd client = connect_to(desk.folder.file("mm1.control"));
      const UniqueFd halt = connect_to(desk.folder.file("mm1.halt"));
      if (!client.valid() || !halt.valid()) _exit(8);
      send(client.get(), kStatus, std::strlen(kStatus), MSG_NOSIGNAL);
      send(halt.get(), kHalt, std::strlen(kHalt), MSG_NOSIGNAL);
      fcntl(client.get(), F_SETFL, 0);
      fcntl(halt.get(), F_SETFL, 0);
      char packet[1000];
      for (const int fd : {client.get(), halt.get()}) {
        const ssize_t bytes = recv(fd, packet, sizeof packet, 0);
        if (bytes <= 0 || std::string_view(packet, static_cast<std::size_t>(bytes)).find("\"exit\":5") ==
                              std::string_view::npos)
          _exit(7);
      }
      _exit(0);
    }
    int status = -1;
    for (int i = 0; i < 1000 && waitpid(pid, &status, WNOHANG) == 0; ++i) sd_event_run(desk.loop, 5000);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
  }();
  CHECK(result == 0);
  CHECK(desk.server->counters().strangers == 2);
  CHECK(desk.calls.empty());
}

TEST_CASE("an answer that the client reads slowly waits for it, packet by packet") {
  Desk desk;
  const UniqueFd client = desk.ask(kStatus);
  const std::string packet = "\"" + std::string(kAnswerPacketBytes - 2, 'p') + "\"";
  for (int i = 0; i < 40; ++i) desk.server->answer(desk.calls[0].client, packet, i == 39);
  CHECK(desk.server->connected(desk.calls[0].client));
  int got = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string next = take(client);
    if (next.empty()) break;
    if (next == packet) ++got;
    desk.pump();
  }
  CHECK(got == 40);
  CHECK_FALSE(desk.server->connected(desk.calls[0].client));
}

TEST_CASE("a client that reads nothing costs a bounded amount of memory") {
  Desk desk;
  const UniqueFd client = desk.ask(kStatus);
  const std::string packet(kAnswerPacketBytes, 'p');
  std::size_t sent = 0;
  while (desk.server->connected(desk.calls[0].client) && sent < 2 * kQueuedBytesMax) {
    desk.server->answer(desk.calls[0].client, packet, false);
    sent += packet.size();
  }
  CHECK(sent < kQueuedBytesMax + 1'000'000);
  CHECK(desk.server->counters().slow_readers == 1);
  const UniqueFd other = desk.ask(kStatus);  // the memory is free again
  desk.server->answer(desk.calls[1].client, packet, true);
  CHECK(take(other) == packet);
}

TEST_CASE("without a descriptor left a client hears busy instead of waiting for ever") {
  Desk desk;
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const UniqueFd client = desk.client();
  const UniqueFd later = desk.client();
  REQUIRE(send(later.get(), kStatus, std::strlen(kStatus), 0) > 0);
  const int next = dup(0);
  close(next);
  const rlimit none{static_cast<rlim_t>(next), before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  desk.pump();
  setrlimit(RLIMIT_NOFILE, &before);
  const json answer = take_json(client);
  CHECK(answer["error"].get<std::string>().rfind("busy", 0) == 0);
  CHECK(desk.server->counters().no_descriptors == 1);
  CHECK(desk.calls.empty());
  for (int i = 0; i < 400 && desk.calls.empty(); ++i)
    sd_event_run(desk.loop, 10'000);  // the socket rests a moment
  CHECK(desk.calls.size() == 1);
}

TEST_CASE("a client that says nothing is dropped after two seconds") {
  Desk desk;
  const UniqueFd client = desk.client();
  desk.pump();
  CHECK(take(client) == "(nothing)");
  for (int i = 0; i < 400 && desk.server->counters().silent == 0; ++i) sd_event_run(desk.loop, 10'000);
  CHECK(desk.server->counters().silent == 1);
  CHECK(take(client).empty());
}

TEST_CASE(
    "an old socket file is replaced, a path that is too long is an error, and stopping leaves nothing "
    "behind") {
  Desk desk;
  struct stat status {};
  CHECK(stat(desk.folder.file("mm1.halt").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0666);
  People people = desk.people;
  ControlServer second(people, [](ClientId, const Request&, const Peer&) {});
  CHECK(second.start(desk.loop, desk.folder.path() + std::string(100, '/'), "mm1") ==
        ServerError::path_too_long);
  CHECK(stat(desk.folder.file("mm1.halt").c_str(), &status) == 0);  // not the other one's
  CHECK(second.start(desk.loop, desk.folder.path() + "/missing", "mm1") == ServerError::cannot_bind);
  CHECK(second.start(desk.loop, desk.folder.path(), "mm1") == ServerError::ok);
  second.stop();
  CHECK(stat(desk.folder.file("mm1.halt").c_str(), &status) != 0);
  CHECK(stat(desk.folder.file("mm1.control").c_str(), &status) != 0);
}

}  // namespace
}  // namespace portcullis
