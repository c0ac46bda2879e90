// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "shm/clock.hpp"
#include "tests/unit/cli_server.hpp"
#include "tests/unit/scratch_folder.hpp"
#include "watchdog/cli/client.hpp"
#include "watchdog/cli/control_answer.hpp"

using namespace portcullis;
using namespace portcullis::cli;
using namespace portcullis::test;

namespace {

constexpr std::uint64_t kMsNs = 1'000'000;

/// The error of one question to a server that does `serve`, and how long it took.
struct Asked {
  ClientError error;
  std::uint64_t took_ns;
  Json answer;
};
Asked ask_server(const std::function<void(int)>& serve, std::uint64_t timeout_ms) {
  const ScratchFolder folder;
  const FakeServer server(folder.file("mm1.control"), serve);
  Json answer = Json::object();
  const std::uint64_t begin = monotonic_now_ns();
  const ClientError error =
      ask(folder.file("mm1.control"), make_request("status"), timeout_ms * kMsNs, answer);
  return {error, monotonic_now_ns() - begin, answer};
}

}  // namespace

TEST_CASE("an answer in parts arrives as one object") {
  const Asked asked = ask_server(
      [](int fd) {
        read_packet(fd);
        send_packet(fd, R"({"v":1,"part":"limits","rows":[{"name":"a"}]})");
        send_packet(fd, R"({"v":1,"part":"halt.orders","rows":[{"cl_ord_id":"1"}]})");
        send_packet(fd, R"({"v":1,"part":"halt.orders","rows":[{"cl_ord_id":"2"}]})");
        send_packet(fd, R"({"v":1,"limits":[{"name":"b"}],"lanes":[1]})");
        send_packet(fd, R"({"v":1,"done":true,"ok":true,"exit":0,"halt":{"unknown":2}})");
      },
      2000);
  REQUIRE(asked.error == ClientError::ok);
  CHECK(asked.answer["limits"].size() == 2);
  CHECK(asked.answer["halt"]["orders"].size() == 2);
  CHECK(asked.answer["halt"]["unknown"] == 2);
  CHECK(asked.answer["lanes"].size() == 1);
}

TEST_CASE("the request names its command and version, and fits one packet") {
  std::string request;
  ask_server(
      [&](int fd) {
        request = read_packet(fd);
        send_packet(fd, R"({"v":1,"done":true,"ok":true,"exit":0})");
      },
      2000);
  const auto object = parse_object(request);
  REQUIRE(object);
  CHECK((*object)["v"] == 1);
  CHECK((*object)["cmd"] == "status");
}

TEST_CASE("a supervisor that accepts and says nothing is given up at the deadline") {
  std::atomic<bool> over{false};
  const Asked asked = ask_server(
      [&](int) {
        while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      },
      (std::thread([&] {
         std::this_thread::sleep_for(std::chrono::milliseconds(700));
         over = true;
       }).detach(),
       200));
  CHECK(asked.error == ClientError::no_answer);
  CHECK(asked.took_ns >= 200 * kMsNs);
  CHECK(asked.took_ns < 600 * kMsNs);
}

TEST_CASE("a stopped supervisor with a full queue of clients is given up at the deadline") {
  const ScratchFolder folder;
  const UniqueFd listener = listen_seqpacket(folder.file("mm1.control"), 0);
  Client first;
  Client second;
  REQUIRE(first.open(folder.file("mm1.control"), monotonic_now_ns()) == ClientError::ok);
  const std::uint64_t begin = monotonic_now_ns();
  CHECK(second.open(folder.file("mm1.control"), begin + 100 * kMsNs) == ClientError::busy);
  CHECK(monotonic_now_ns() - begin < 400 * kMsNs);
}

TEST_CASE("garbage from the supervisor is an error and never an answer") {
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  const std::vector<std::string> packets = {
      "hello",
      "[1]",
      "{}",
      R"({"v":2,"done":true,"ok":true,"exit":0})",
      R"({"v":1,"done":true)",
      R"({"v":"1","done":true})",
      R"({"v":1,"done":true,"x":)" + deep + "}",
      R"({"v":1,"done":true,"x":")" + std::string(kMaxPacketBytes, 'x') + "\"}"};
  for (const std::string& packet : packets) {
    INFO(packet.substr(0, 60));
    const Asked asked = ask_server(
        [&](int fd) {
          read_packet(fd);
          send_packet(fd, packet);
        },
        1000);
    CHECK(asked.error == ClientError::garbage);
    CHECK(asked.answer.empty());
  }
}

TEST_CASE("a supervisor that sends packets without end is cut off") {
  const Asked asked = ask_server(
      [](int fd) {
        read_packet(fd);
        for (std::size_t i = 0; i < kMaxPackets + 10; ++i) send_packet(fd, R"({"v":1})");
      },
      10'000);
  CHECK(asked.error == ClientError::garbage);
}

TEST_CASE("a supervisor that hangs up in the middle has not answered") {
  const Asked asked = ask_server(
      [](int fd) {
        read_packet(fd);
        send_packet(fd, R"({"v":1,"ok":true,"exit":0})");
      },
      1000);
  CHECK(asked.error == ClientError::hung_up);
  CHECK(asked.answer.empty());
}

TEST_CASE("who is turned away before he has spoken still hears why") {
  const ScratchFolder folder;
  const std::string path = folder.file("mm1.control");
  const UniqueFd listener = listen_seqpacket(path);
  Client client;
  REQUIRE(client.open(path, monotonic_now_ns() + 1000 * kMsNs) == ClientError::ok);
  {
    const UniqueFd accepted(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    send_packet(accepted.get(), R"({"v":1,"done":true,"ok":false,"exit":5,"error":"no part"})");
  }
  CHECK(client.send(make_request("status")) == ClientError::ok);
  CHECK(client.receive_all(monotonic_now_ns() + 1000 * kMsNs) == ClientError::ok);
  CHECK(exit_of(client.answer()) == ExitCode::permission);
}

TEST_CASE("a missing socket, a dead supervisor and a path too long are told apart") {
  const ScratchFolder folder;
  Json answer;
  CHECK(ask(folder.file("none.control"), Json::object(), kMsNs, answer) == ClientError::absent);
  listen_seqpacket(folder.file("dead.control")).reset();
  CHECK(ask(folder.file("dead.control"), Json::object(), kMsNs, answer) == ClientError::not_listening);
  CHECK(ask(folder.file(std::string(120, 'x')), Json::object(), kMsNs, answer) == ClientError::bad_path);
}

TEST_CASE("an answer that claims success without being ok is an internal error") {
  CHECK(exit_of(Json{{"ok", true}, {"exit", 0}}) == ExitCode::ok);
  CHECK(exit_of(Json{{"ok", false}, {"exit", 0}}) == ExitCode::internal);
  CHECK(exit_of(Json{{"exit", 0}}) == ExitCode::internal);
  CHECK(exit_of(Json{{"ok", true}}) == ExitCode::internal);
  CHECK(exit_of(Json{{"ok", true}, {"exit", 99}}) == ExitCode::internal);
  CHECK(exit_of(Json{{"ok", true}, {"exit", "0"}}) == ExitCode::internal);
  CHECK(exit_of(Json{{"ok", false}, {"exit", 7}}) == ExitCode::refused);
}
