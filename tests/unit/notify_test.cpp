// SPDX-License-Identifier: Apache-2.0
/// @file What the service manager hears, and that it is never waited for.
#include "watchdog/notify.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/unit/scratch_folder.hpp"

namespace portcullis {
namespace {

/// A service manager's end: a datagram socket at `name` ("@..." is abstract).
struct Manager {
  UniqueFd fd{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  explicit Manager(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.c_str(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const std::size_t path_bytes = name[0] == '@' ? name.size() : name.size() + 1;
    const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_bytes);
    REQUIRE(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), bytes) == 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }
  [[nodiscard]] std::string take() const {
    char text[1000];
    const ssize_t bytes = recv(fd.get(), text, sizeof text, MSG_DONTWAIT);
    return bytes < 0 ? "(nothing)" : std::string(text, static_cast<std::size_t>(bytes));
  }
};

TEST_CASE("the service manager hears ready, status, watchdog and stopping, by path and by abstract name") {
  const test::ScratchFolder folder;
  for (const std::string& name : {folder.file("notify"), "@portcullis-notify-" + std::to_string(getpid())}) {
    const Manager manager(name);
    Notifier notifier;
    REQUIRE(notifier.open() == NotifyError::ok);
    CHECK(notifier.wanted());
    CHECK(notifier.ready() == NotifyError::ok);
    CHECK(notifier.status("armed\nWATCHDOG=1") == NotifyError::ok);
    CHECK(notifier.watchdog() == NotifyError::ok);
    CHECK(notifier.stopping() == NotifyError::ok);
    CHECK(manager.take() == "READY=1");
    CHECK(manager.take() == "STATUS=armed WATCHDOG=1");  // a line break would be another message
    CHECK(manager.take() == "WATCHDOG=1");
    CHECK(manager.take() == "STOPPING=1");
    CHECK(manager.take() == "(nothing)");
  }
}

TEST_CASE("a long status is cut, not refused") {
  const test::ScratchFolder folder;
  const Manager manager(folder.file("notify"));
  Notifier notifier;
  REQUIRE(notifier.open() == NotifyError::ok);
  CHECK(notifier.status(std::string(5000, 's')) == NotifyError::ok);
  CHECK(manager.take().size() == Notifier::kMessageBytes);
}

TEST_CASE("a manager that does not read is never waited for") {
  const test::ScratchFolder folder;
  const Manager manager(folder.file("notify"));
  Notifier notifier;
  REQUIRE(notifier.open() == NotifyError::ok);
  int lost = 0;
  for (int i = 0; i < 100'000 && lost == 0; ++i) lost += notifier.watchdog() == NotifyError::not_sent ? 1 : 0;
  CHECK(lost == 1);
  CHECK(notifier.lost() == 1);
}

TEST_CASE("without a manager nothing is sent and nothing fails") {
  unsetenv("NOTIFY_SOCKET");
  Notifier notifier;
  CHECK(notifier.open() == NotifyError::ok);
  CHECK_FALSE(notifier.wanted());
  CHECK(notifier.ready() == NotifyError::ok);
  CHECK(notifier.watchdog_ns() == 0);
}

TEST_CASE("an address that is none is an error at start") {
  for (const std::string& name : {std::string("relative"), std::string("/"), "/" + std::string(200, 'x')}) {
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
    Notifier notifier;
    CHECK(notifier.open() == NotifyError::bad_address);
  }
  unsetenv("NOTIFY_SOCKET");
}

TEST_CASE("the watchdog's period is read once, and only when it is meant for this process") {
  const test::ScratchFolder folder;
  const Manager manager(folder.file("notify"));
  const auto period = [] {
    Notifier notifier;
    REQUIRE(notifier.open() == NotifyError::ok);
    return notifier.watchdog_ns();
  };
  CHECK(period() == 0);
  setenv("WATCHDOG_USEC", "3000000", 1);
  CHECK(period() == 3'000'000'000);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  CHECK(period() == 3'000'000'000);
  setenv("WATCHDOG_PID", "1", 1);
  CHECK(period() == 0);
  unsetenv("WATCHDOG_PID");
  setenv("WATCHDOG_USEC", "3s", 1);
  CHECK(period() == 0);
}

}  // namespace
}  // namespace portcullis
