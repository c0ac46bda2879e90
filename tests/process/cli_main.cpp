// SPDX-License-Identifier: Apache-2.0
// Main of the CLI's tests. Called as `... --config FILE`, as `portcullis run` calls a supervisor, it plays
// one: ready, attached as soon as it is asked, willing to arm at the second request.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <signal.h>

#include <cstdlib>

#include "tests/unit/cli_server.hpp"

namespace {

volatile sig_atomic_t g_ended = 0;

void say_ready() {
  const char* name = std::getenv("NOTIFY_SOCKET");
  if (name == nullptr) _exit(3);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t bytes = std::strlen(name);
  std::memcpy(address.sun_path, name, bytes);
  if (name[0] == '@') address.sun_path[0] = '\0';
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const char text[] = "STATUS=here\nREADY=1";
  sendto(fd, text, sizeof text - 1, MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
         static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + bytes));
  close(fd);
}

/// The answer to one request.
std::string answer_to(const std::string& request, int& arm_requests) {
  if (request.find("\"arm\"") == std::string::npos)
    return R"({"v":1,"done":true,"ok":true,"exit":0,"state":"locked","attached":true,"halt":null})";
  if (++arm_requests < 2) return R"({"v":1,"done":true,"ok":false,"exit":7,"error":"positions are not set"})";
  return R"({"v":1,"done":true,"ok":true,"exit":0,"config_hash":"9f31c2a0"})";
}

int play_supervisor() {
  using namespace portcullis;
  const char* socket_path = std::getenv("FAKE_CONTROL_SOCKET");
  if (socket_path == nullptr) return 78;
  // ^C at the terminal must not reach it: it has a session of its own
  if (getsid(0) != getpid()) return 79;
  signal(SIGTERM, [](int) { g_ended = 1; });
  const UniqueFd listener = test::listen_seqpacket(socket_path);
  say_ready();
  int arm_requests = 0;
  while (g_ended == 0) {
    pollfd entry{listener.get(), POLLIN, 0};
    if (poll(&entry, 1, 20) <= 0) continue;
    const UniqueFd client(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    test::send_packet(client.get(), answer_to(test::read_packet(client.get()), arm_requests));
  }
  unlink(socket_path);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--config") return play_supervisor();
  return Catch::Session().run(argc, argv);
}
