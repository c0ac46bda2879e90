// SPDX-License-Identifier: Apache-2.0
/// @file Who may stop, who may start again, and what the kernel says about a peer.
#include "watchdog/people.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "shm/unique_fd.hpp"

namespace portcullis {
namespace {

constexpr std::uint32_t kEngine = 1001, kSupervisor = 1002, kDesk = 2001, kRisk = 2002, kAnybody = 1099;

People host() {
  People people;
  people.mode = Mode::host;
  people.own_uid = kSupervisor;
  people.engine_uid = kEngine;
  people.halt_gid = kDesk;
  people.arm_gid = kRisk;
  return people;
}

Peer peer(std::uint32_t uid, std::initializer_list<std::uint32_t> groups = {}) {
  Peer made;
  made.uid = uid;
  made.gid = uid;
  for (const std::uint32_t gid : groups) made.groups[made.group_count++] = gid;
  return made;
}

Peer root(std::uint32_t login, std::uint32_t sudo = kNoPerson) {
  Peer made = peer(0);
  made.login_uid = login;
  made.sudo_uid = sudo;
  return made;
}

TEST_CASE("everybody in the halt group may stop, and so may those who can start again") {
  CHECK(host().may_halt(peer(kAnybody, {5, kDesk})) == Permission::granted);
  CHECK(host().may_halt(peer(kAnybody, {kRisk})) == Permission::granted);
  CHECK(host().may_halt(peer(0)) == Permission::granted);
  CHECK(host().may_halt(peer(kSupervisor)) == Permission::granted);
  CHECK(host().may_halt(peer(kAnybody, {5, 6})) == Permission::not_in_halt_group);
  CHECK(host().may_halt(peer(kEngine)) == Permission::not_in_halt_group);
  CHECK(host().may_halt(Peer{}) == Permission::stranger);
}

TEST_CASE("a person's primary group counts like the others") {
  Peer person = peer(kAnybody);
  person.gid = kRisk;
  CHECK(host().may_arm(person) == Permission::granted);
}

TEST_CASE("only members of the arm group start again") {
  CHECK(host().may_arm(peer(kAnybody, {kRisk})) == Permission::granted);
  CHECK(host().may_arm(peer(kAnybody, {kDesk})) == Permission::not_in_arm_group);
  CHECK(host().may_arm(peer(kSupervisor)) == Permission::not_in_arm_group);
  CHECK(host().may_arm(Peer{}) == Permission::stranger);
}

TEST_CASE("the engine's user never arms, not even as a member of the arm group or through root") {
  CHECK(host().may_arm(peer(kEngine, {kRisk})) == Permission::engine_user);
  CHECK(host().may_arm(root(kEngine)) == Permission::engine_user);
  CHECK(host().may_arm(root(kNoPerson, kEngine)) == Permission::engine_user);
}

TEST_CASE("root arms only when its login names a person") {
  CHECK(host().may_arm(root(kAnybody)) == Permission::granted);
  CHECK(host().may_arm(root(kNoPerson, kAnybody)) == Permission::granted);
  CHECK(host().may_arm(root(kNoPerson)) == Permission::root_without_login);
  CHECK(host().may_arm(root(0)) == Permission::root_without_login);
  CHECK(host().may_arm(root(kNoPerson, 0)) == Permission::root_without_login);
  CHECK(host().may_arm(root(0, kAnybody)) ==
        Permission::root_without_login);  // the kernel's word before root's
  Peer in_group = peer(0, {kRisk});
  CHECK(host().may_arm(in_group) == Permission::root_without_login);
  CHECK(person_behind(root(kAnybody)) == kAnybody);
  CHECK(person_behind(root(kNoPerson)) == 0);
  CHECK(person_behind(peer(kAnybody)) == kAnybody);
}

TEST_CASE("on a desk the one user may do everything, root too") {
  for (const std::uint32_t user : {kEngine, 0U}) {
    People desk;
    desk.mode = Mode::desk;
    desk.own_uid = desk.engine_uid = user;
    CHECK(desk.may_arm(peer(user)) == Permission::granted);
    CHECK(desk.may_halt(peer(user)) == Permission::granted);
    CHECK(desk.may_attach(peer(user)) == Permission::granted);
    CHECK(desk.may_arm(peer(kAnybody, {kDesk})) == Permission::not_in_arm_group);
    CHECK(desk.may_arm(peer(kAnybody, {kNoPerson})) == Permission::not_in_arm_group);
    CHECK(desk.may_halt(peer(kAnybody, {kNoPerson})) == Permission::not_in_halt_group);
  }
}

TEST_CASE("only the engine's user may attach") {
  CHECK(host().may_attach(peer(kEngine)) == Permission::granted);
  CHECK(host().may_attach(peer(0)) == Permission::not_engine_user);
  CHECK(host().may_attach(peer(kSupervisor)) == Permission::not_engine_user);
  CHECK(People{}.may_attach(Peer{}) == Permission::not_engine_user);
}

TEST_CASE("status is for those who have a part in the engine") {
  for (const Peer& who :
       {peer(kEngine), peer(kSupervisor), peer(0), peer(kAnybody, {kDesk}), peer(kAnybody, {kRisk})})
    CHECK(host().may_see_status(who) == Permission::granted);
  CHECK(host().may_see_status(peer(kAnybody)) == Permission::stranger);
}

TEST_CASE("each command asks for its own permission") {
  const Peer desk = peer(kAnybody, {kDesk});
  const Peer risk = peer(kAnybody, {kRisk});
  CHECK(host().may(RequestCommand::halt, desk) == Permission::granted);
  CHECK(host().may(RequestCommand::status, desk) == Permission::granted);
  for (const auto command :
       {RequestCommand::arm, RequestCommand::disarm, RequestCommand::clear, RequestCommand::resolve}) {
    CHECK(host().may(command, desk) == Permission::not_in_arm_group);
    CHECK(host().may(command, risk) == Permission::granted);
  }
}

TEST_CASE("a hostile group count stays inside the array") {
  Peer hostile = peer(kAnybody);
  hostile.group_count = 4'000'000'000;
  CHECK(host().may_arm(hostile) == Permission::not_in_arm_group);
}

Config named(Mode mode, const std::string& user, const std::string& halt, const std::string& arm) {
  Config config;
  config.mode = mode;
  config.engine_user = user;
  config.halt_group = halt;
  config.arm_group = arm;
  return config;
}

TEST_CASE("a name that this host does not know stops the start with a sentence") {
  std::string why;
  People people = host();
  CHECK_FALSE(people.resolve(named(Mode::host, "no-such-user-here", "0", "0"), why));
  CHECK(why == "engine.user: there is no user \"no-such-user-here\" on this host");
  CHECK_FALSE(people.resolve(named(Mode::host, "54321", "no-such-group", "0"), why));
  CHECK(why == "people.halt: there is no group \"no-such-group\" on this host");
  CHECK_FALSE(people.resolve(named(Mode::host, "54321", "0", ""), why));
  CHECK_FALSE(people.resolve(named(Mode::host, "", "0", "0"), why));
  CHECK_FALSE(people.resolve(named(Mode::host, "4294967295", "0", "0"), why));
  CHECK(people.engine_uid == kEngine);  // untouched
}

TEST_CASE("names and numbers become numbers once") {
  std::string why;
  People people;
  REQUIRE(people.resolve(named(Mode::host, "54321", "root", "12"), why));
  CHECK(people.engine_uid == 54321);
  CHECK(people.halt_gid == 0);
  CHECK(people.arm_gid == 12);
  CHECK(people.own_uid == geteuid());
}

TEST_CASE("a mode that the users contradict is refused") {
  std::string why;
  People people;
  CHECK_FALSE(people.resolve(named(Mode::host, std::to_string(geteuid()), "0", "0"), why));
  CHECK_FALSE(people.resolve(named(Mode::host, "0", "0", "0"), why));
  CHECK_FALSE(people.resolve(named(Mode::desk, "54321", "", ""), why));
  REQUIRE(people.resolve(named(Mode::desk, "", "", ""), why));
  CHECK(people.engine_uid == people.own_uid);
  CHECK(people.arm_gid == kNoPerson);
}

struct Pair {
  UniqueFd ours, theirs;
  Pair() {
    int fds[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
    ours.reset(fds[0]);
    theirs.reset(fds[1]);
  }
};

TEST_CASE("the kernel names the peer and its groups") {
  const Pair pair;
  Peer seen;
  REQUIRE(peer_of(pair.ours.get(), seen) == PeerError::ok);
  CHECK(seen.uid == geteuid());
  CHECK(seen.gid == getegid());
  CHECK(seen.pid == getpid());
  CHECK(seen.group_count == static_cast<std::uint32_t>(getgroups(0, nullptr)));
}

TEST_CASE("a descriptor that is no local socket has no peer") {
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  Peer seen = peer(7);
  CHECK(peer_of(null.get(), seen) == PeerError::no_credentials);
  CHECK(seen.uid == 7);
}

/// Runs in a child so that its groups or environment are its own; the child's socket is judged there, too.
template <typename Body>
int in_child(Body&& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

TEST_CASE("a peer with more groups than we keep is refused, not cut") {
  if (geteuid() != 0) return;  // setgroups
  for (const std::size_t count : {kPeerGroupsMax, kPeerGroupsMax + 1}) {
    const int result = in_child([count] {
      std::array<gid_t, kPeerGroupsMax + 1> groups{};
      for (std::size_t i = 0; i < count; ++i) groups[i] = static_cast<gid_t>(3000 + i);
      if (setgroups(count, groups.data()) != 0) return 200;
      int fds[2];
      if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) != 0) return 201;
      Peer seen;
      const PeerError error = peer_of(fds[0], seen);
      if (error == PeerError::ok && seen.group_count != count) return 202;
      return static_cast<int>(error);
    });
    CHECK(result == static_cast<int>(count <= kPeerGroupsMax ? PeerError::ok : PeerError::too_many_groups));
  }
}

}  // namespace
}  // namespace portcullis
