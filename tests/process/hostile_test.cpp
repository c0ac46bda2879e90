// SPDX-License-Identifier: Apache-2.0
/// @file Bad input at the real supervisor's sockets and in its memory: peers that speak nonsense or are somebody else,
/// floods, descriptors that are no TCP socket, an engine that scribbles over its ledger or lives in another time. Each
/// gets a clear error, and the gate stays closed or closes. The engines here are children that use the hook library.
#include <catch2/catch.hpp>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <fstream>

#include "shm/attach_protocol.hpp"
#include "shm/ledger_layout.hpp"
#include "tests/process/rig.hpp"
#include "tests/process/small_engine.hpp"

using namespace portcullis;
using namespace portcullis::test;

namespace {

UniqueFd connect_to(const std::string& path) {
  UniqueFd made(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  timeval patience{5, 0};
  setsockopt(made.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return made;
}

AttachRequest good_request() {
  AttachRequest request;
  request.op = AttachOp::attach;
  request.abi_version = PC_ABI_VERSION;
  request.layout_version = kLayoutVersion;
  request.fingerprint = layout_fingerprint();
  request.membarrier_registered = 1;
  std::strcpy(request.name, "mm1");
  return request;
}

/// What the supervisor says to these bytes; a silent end is a reply without magic.
AttachReply answer_to(const Rig& rig, const void* bytes, std::size_t length) {
  AttachReply reply;
  reply.magic = 0;
  const UniqueFd peer = connect_to(rig.run_dir() + "/mm1.attach");
  REQUIRE(peer.valid());
  REQUIRE(send(peer.get(), bytes, length, MSG_NOSIGNAL) == static_cast<ssize_t>(length));
  static_cast<void>(!recv(peer.get(), &reply, sizeof reply, 0));
  return reply;
}
AttachReply answer_to(const Rig& rig, const AttachRequest& request) {
  return answer_to(rig, &request, kAttachRequestHead);
}

/// Where the hook has the ledger mapped.
LedgerView find_ledger(const Capacities& capacities) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(" rw-s ") == std::string::npos || line.find("/memfd:") == std::string::npos) continue;
    auto* base = reinterpret_cast<std::byte*>(std::stoull(line.substr(0, line.find('-')), nullptr, 16));
    if (*reinterpret_cast<const std::uint64_t*>(base) == kLedgerMagic) return {base, ledger_offsets(capacities), capacities};
  }
  return {};
}

volatile sig_atomic_t g_now = 0;

/// Attaches, says '+', polls until SIGUSR1, spoils its own ledger, and goes on asking the gate: '!' for an order that
/// passed, '.' once the gate said no.
template <typename Spoil>
[[noreturn]] void engine_that_spoils(const std::string& run_dir, int out, Spoil&& spoil) {
  signal(SIGUSR1, [](int) { g_now = 1; });
  SmallEngine engine(run_dir);
  say(out, engine.lane != nullptr ? '+' : '-');
  while (g_now == 0) {
    static_cast<void>(pc_poll(engine.lane));
    usleep(1'000);
  }
  spoil();
  while (engine.submit() == PC_PASS) usleep(1'000);
  say(out, '.');
  for (;;) {
    static_cast<void>(pc_poll(engine.lane));
    if (engine.submit() == PC_PASS) say(out, '!');
    usleep(1'000);
  }
}

}  // namespace

TEST_CASE("a peer of another version, layout, name or language is told so, and keeps nobody out") {
  Rig rig;
  rig.start_supervisor();
  struct Wrong {
    const char* what;
    void (*spoil)(AttachRequest&);
    AttachStatus status;
  };
  const Wrong wrongs[] = {
      {"interface version", [](AttachRequest& r) { ++r.abi_version; }, AttachStatus::wrong_version},
      {"layout version", [](AttachRequest& r) { ++r.layout_version; }, AttachStatus::wrong_version},
      {"fingerprint", [](AttachRequest& r) { r.fingerprint ^= 1; }, AttachStatus::wrong_version},
      {"engine", [](AttachRequest& r) { std::strcpy(r.name, "mm2"); }, AttachStatus::wrong_engine},
      {"name without an end", [](AttachRequest& r) { std::memset(r.name, 'm', sizeof r.name); }, AttachStatus::wrong_engine},
      {"membarrier", [](AttachRequest& r) { r.membarrier_registered = 0; }, AttachStatus::no_membarrier},
      {"magic", [](AttachRequest& r) { ++r.magic; }, AttachStatus::malformed},
      {"order", [](AttachRequest& r) { r.op = AttachOp::session_open; }, AttachStatus::not_attached},
      {"operation", [](AttachRequest& r) { r.op = static_cast<AttachOp>(99); }, AttachStatus::not_attached}};
  for (const Wrong& wrong : wrongs) {
    AttachRequest request = good_request();
    wrong.spoil(request);
    const AttachReply reply = answer_to(rig, request);
    INFO(wrong.what << ": " << reply.why);
    CHECK(reply.magic == kAttachMagic);
    CHECK(reply.status == wrong.status);
    CHECK(std::strlen(reply.why) > 10);
  }
  const std::string noise(5'000, '\x5A');
  for (const std::size_t length : {std::size_t{1}, kAttachRequestHead - 1, noise.size()}) {
    INFO(length << " bytes of noise");
    CHECK(answer_to(rig, noise.data(), length).status == AttachStatus::malformed);
  }
  CHECK(rig.state() == "locked");
  CHECK_FALSE(rig.status().value("attached", true));
  rig.start_engine();
  REQUIRE(rig.attached());
  CHECK(rig.arm());
}

TEST_CASE("another user may not attach") {
  if (geteuid() != 0) {
    WARN("needs root, to become another user");
    return;
  }
  Rig rig;
  REQUIRE(chmod(rig.dir().c_str(), 0755) == 0);
  rig.start_supervisor();
  Child stranger([&](int out) {
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) _exit(1);
    const SmallEngine engine(rig.run_dir());
    say(out, pc_why(engine.hook));
    say(out, engine.lane == nullptr ? " -" : " +");
  });
  const std::string said = stranger.hear_all();
  INFO(said);
  CHECK(said.find("this user may not attach") != std::string::npos);
  CHECK(said.back() == '-');
  CHECK_FALSE(rig.status().value("attached", true));
  CHECK(Process::read(rig.state_dir() + "/mm1.audit.jsonl").find("attach_refused") != std::string::npos);
}

TEST_CASE("clients that connect and say nothing keep neither the engine nor people out") {
  Rig rig;
  rig.start_supervisor();
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 60; ++i)
    for (const char* name : {"/mm1.attach", "/mm1.control", "/mm1.halt"}) {
      UniqueFd peer(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      (rig.run_dir() + name).copy(address.sun_path, sizeof address.sun_path - 1);
      static_cast<void>(connect(peer.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
      silent.push_back(std::move(peer));
    }
  const bool up = eventually(
      [&] {
        if (!rig.engine().alive()) rig.start_engine();
        return rig.attached(1'000);
      },
      30'000);
  INFO(rig.logs());
  REQUIRE(up);
  CHECK(rig.arm());
  CHECK(rig.trading(20));
  CHECK(rig.cli({"halt", "mm1"}).exit == 0);
}

TEST_CASE("garbage and a flood on every socket of an armed supervisor change nothing") {
  RigOptions options;
  options.engine_args = {"--rate", "100", "--rest-share", "1.0"};
  Rig rig(options);
  REQUIRE(rig.up(5));
  const std::string noise(9'000, '{');
  for (int i = 0; i < 300; ++i)
    for (const char* name : {"/mm1.attach", "/mm1.control", "/mm1.halt"}) {
      const UniqueFd peer = connect_to(rig.run_dir() + name);
      if (peer.valid()) static_cast<void>(!send(peer.get(), noise.data(), 1 + noise.size() * i / 300, MSG_NOSIGNAL | MSG_DONTWAIT));
    }
  INFO(rig.logs());
  CHECK(rig.state() == "armed");
  const int before = rig.venue_open_orders();
  CHECK(rig.trading(before + 5));  // and it goes on trading
  CHECK(rig.cli({"halt", "mm1"}).exit == 0);
}

TEST_CASE("a descriptor that is no connected TCP socket is no session") {
  Rig rig;
  rig.start_supervisor();
  Child engine([&](int out) {
    const SmallEngine small(rig.run_dir());
    int ends[2];
    static_cast<void>(!pipe(ends));
    const int fds[] = {ends[0], socket(AF_UNIX, SOCK_STREAM, 0), socket(AF_INET, SOCK_DGRAM, 0), socket(AF_INET, SOCK_STREAM, 0),
                       open("/dev/null", O_RDWR), -1};
    for (const int fd : fds) {
      pc_session* session = nullptr;
      const pc_status status = pc_session_open(small.hook, "VENUE", fd, &session);
      say(out, status != PC_OK && session == nullptr && std::strstr(pc_why(small.hook), "TCP socket") != nullptr ? 'n' : 'Y');
    }
  });
  CHECK(engine.hear_all() == "nnnnnn");
}

TEST_CASE("an engine that zeroes, punches or scribbles over its ledger finds its gate closed and is stopped") {
  const int how = GENERATE(0, 1, 2);
  Rig rig;
  rig.start_supervisor();
  Capacities capacities{};
  {
    AttachRequest request = good_request();
    const AttachReply reply = answer_to(rig, request);  // an engine that ends at once; its sizes are the next one's
    REQUIRE(reply.status == AttachStatus::ok);
    capacities = reply.capacities;
  }
  REQUIRE(eventually([&] { return !rig.status().value("attached", true); }));
  Child engine([&](int out) {
    engine_that_spoils(rig.run_dir(), out, [&] {
      const LedgerView ledger = find_ledger(capacities);
      if (how == 0) std::memset(static_cast<void*>(ledger.base), 0, sizeof(LedgerHeader));
      if (how == 1) madvise(ledger.base, ledger.at.total, MADV_REMOVE);
      if (how == 2) std::memset(static_cast<void*>(&ledger.cell(0)), 0xA5, sizeof(Cell) * capacities.pairs);
    });
  });
  REQUIRE(engine.hear() == '+');
  INFO("way " << how << rig.logs());
  REQUIRE(rig.arm());
  engine.signal(SIGUSR1);
  const nlohmann::json halt = rig.halted();
  REQUIRE(halt.is_object());
  INFO(halt.dump(1));
  CHECK(halt.value("fenced", false));
  CHECK_FALSE(rig.status().value("state", "") == "armed");
  CHECK(engine.hear_all().find('!') == std::string::npos);
}

TEST_CASE("an engine whose clock is another one than the supervisor's gets no order past the gate") {
  if (geteuid() != 0) {
    WARN("needs root, to make a time namespace");
    return;
  }
  const char* const offset_s = GENERATE(as<const char*>{}, "monotonic 100000 0", "monotonic -3 0");
  Rig rig;
  rig.start_supervisor();
  Child engine([&](int out) {
    const int offsets = unshare(CLONE_NEWTIME) == 0 ? open("/proc/self/timens_offsets", O_WRONLY) : -1;
    if (write(offsets, offset_s, std::strlen(offset_s)) <= 0) return say(out, '-');
    if (fork() != 0) {  // the namespace is the children's
      wait(nullptr);
      return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    SmallEngine small(rig.run_dir());
    say(out, small.lane != nullptr ? '+' : '-');
    for (;;) {
      static_cast<void>(pc_poll(small.lane));
      if (small.submit() == PC_PASS) say(out, '!');
      usleep(1'000);
    }
  });
  REQUIRE(engine.hear() == '+');
  INFO(offset_s << rig.logs());
  static_cast<void>(rig.cli({"arm", "mm1", "--reason", "test"}));  // refused, or tripped soon
  CHECK(eventually([&] { return rig.state() != "armed"; }));
  CHECK_FALSE(eventually([&] { return rig.state() == "armed"; }, 500));
  engine.signal(SIGKILL);
  CHECK(engine.hear_all().find('!') == std::string::npos);
}
