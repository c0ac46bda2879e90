// SPDX-License-Identifier: Apache-2.0
/// @file The witness on real sockets: exact counts, undeclared bytes, hang-ups, resets, and a socket that is
/// stuck.
#include "watchdog/witness.hpp"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <thread>

#include "tests/process/child.hpp"
#include "tests/process/tcp_pair.hpp"

namespace portcullis {
namespace {

using test::Child;
using test::eventually;
using test::TcpPair;

constexpr std::uint64_t kSecond = 1'000'000'000;

/// A witness, and the ledger's blocks that it compares with.
struct Watch {
  Watch() {
    options.poll_ns = 200'000;
    options.urgent_poll_ns = 1;  // as often as it can
    REQUIRE(witness.start(options) == ThreadError::ok);
  }
  WitnessResult wait(Ticket ticket) {
    eventually([&] { return witness.result(ticket) != WitnessResult::pending; });
    return witness.result(ticket);
  }
  /// As the hook does: the epoch is stored once the supervisor has answered.
  WitnessResult adopt(std::uint32_t slot, int fd, std::uint64_t epoch = 1) {
    const WitnessResult result = wait(witness.adopt(slot, epoch, blocks[slot], UniqueFd(dup(fd))));
    store(blocks[slot].declared_bytes, 0);
    store(blocks[slot].epoch, epoch);
    return result;
  }
  WitnessSample sample(std::uint32_t slot = 0) {
    WitnessSample now;
    eventually([&] { return witness.sample(slot, now); });
    return now;
  }
  /// A sample that was taken after this call.
  WitnessSample fresh(std::uint32_t slot = 0) {
    const std::uint64_t begin_ns = monotonic_now_ns();
    WitnessSample now;
    eventually([&] { return witness.sample(slot, now) && now.sampled_ns > begin_ns; });
    return now;
  }
  void declare(std::uint64_t bytes, std::uint32_t slot = 0) { add_own(blocks[slot].declared_bytes, bytes); }

  std::array<SessionBlock, kSessionsMax> blocks{};
  WitnessOptions options;
  Witness witness;
};

void write_bytes(int fd, std::size_t bytes) {
  const std::string text(bytes, 'x');
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t sent = send(fd, text.data() + done, bytes - done, MSG_NOSIGNAL);
    REQUIRE(sent > 0);
    done += static_cast<std::size_t>(sent);
  }
}

TEST_CASE("declared bytes are equal to accepted bytes once they are written") {
  Watch watch;
  const TcpPair pair;
  write_bytes(pair.engine.get(), 1000);  // before the adoption: not counted
  REQUIRE(watch.adopt(0, pair.engine.get()) == WitnessResult::ok);
  watch.declare(500);
  write_bytes(pair.engine.get(), 500);
  REQUIRE(eventually([&] { return watch.fresh().acked_bytes == 500; }));
  const WitnessSample sample = watch.sample();
  CHECK(sample.accepted_bytes == 500);
  CHECK(sample.undeclared_max_bytes == 0);
  CHECK(sample.unequal_since_ns == 0);
  CHECK(sample.state == SessionState::live);
}

TEST_CASE("acknowledgements that arrive during the adoption do not shift the base") {
  for (int i = 0; i < 40; ++i) {
    Watch watch;
    const TcpPair pair(4096);
    const std::uint64_t before = test::fill(pair.engine.get());
    std::thread venue([&] {
      std::vector<char> block(16'384);
      for (std::uint64_t got = 0; got < before;) {
        const ssize_t size = recv(pair.venue.get(), block.data(), block.size(), 0);
        if (size <= 0) return;
        got += static_cast<std::uint64_t>(size);
      }
    });
    const WitnessResult adopted = watch.adopt(0, pair.engine.get());
    venue.join();
    REQUIRE(adopted == WitnessResult::ok);
    const WitnessSample sample = watch.fresh();
    CHECK(sample.accepted_bytes == 0);
    CHECK(sample.undeclared_max_bytes == 0);
  }
}

TEST_CASE("one byte written without a declaration is seen within a poll") {
  Watch watch;
  const TcpPair pair;
  REQUIRE(watch.adopt(0, pair.engine.get()) == WitnessResult::ok);
  watch.declare(500);
  write_bytes(pair.engine.get(), 501);
  CHECK(watch.fresh().undeclared_bytes == 1);
}

TEST_CASE("bytes of a connection whose epoch the engine never stored are undeclared") {
  Watch watch;
  const TcpPair pair;
  REQUIRE(watch.adopt(0, pair.engine.get()) == WitnessResult::ok);
  watch.declare(500);
  store(watch.blocks[0].epoch, 99);
  write_bytes(pair.engine.get(), 10);
  CHECK(watch.fresh().undeclared_bytes == 10);
}

/// An engine that declares before it writes, against a venue that reads as it likes: no false alarm, ever.
void run_flow(std::uint64_t messages, long venue_pause_us, int venue_buffer_bytes) {
  const unsigned seed = 20120801;
  INFO("seed " << seed);
  Watch watch;
  watch.witness.set_urgent(true);
  const TcpPair pair(venue_buffer_bytes);
  REQUIRE(watch.adopt(0, pair.engine.get()) == WitnessResult::ok);
  std::uint64_t declared = 0;
  std::thread venue([&] {
    std::vector<char> block(8192);
    while (recv(pair.venue.get(), block.data(), block.size(), 0) > 0)
      if (venue_pause_us > 0) usleep(static_cast<useconds_t>(venue_pause_us));
  });
  std::mt19937 random(seed);
  const std::string text(2000, 'm');
  bool sent_all = true;
  for (std::uint64_t i = 0; i < messages && sent_all; ++i) {
    const std::size_t bytes = 50 + random() % 1900;
    watch.declare(bytes);
    declared += bytes;
    sent_all = send(pair.engine.get(), text.data(), bytes, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes);
  }
  CHECK(sent_all);
  const bool drained = eventually([&] { return watch.fresh().acked_bytes == declared; }, 20'000);
  shutdown(pair.engine.get(), SHUT_WR);
  venue.join();
  CHECK(drained);
  const WitnessSample sample = watch.sample();
  CHECK(sample.accepted_bytes == declared);
  CHECK(sample.undeclared_max_bytes == 0);
  CHECK(sample.polls > 10);
}

TEST_CASE("a steady flow gives no false alarm and ends equal") { run_flow(20'000, 0, 0); }
TEST_CASE("a venue that reads slowly gives no false alarm and ends equal") { run_flow(1'500, 500, 8192); }

TEST_CASE("a FIN behind queued bytes is no undeclared byte") {
  Watch watch;
  const TcpPair pair(4096);
  REQUIRE(watch.adopt(0, pair.engine.get()) == WitnessResult::ok);
  watch.declare(1 << 30);
  const std::uint64_t taken = test::fill(pair.engine.get());
  store(watch.blocks[0].declared_bytes, taken);
  shutdown(pair.engine.get(), SHUT_WR);
  REQUIRE(eventually([&] { return watch.fresh().tcp_state == TcpState::fin_wait1; }));
  CHECK(watch.fresh().accepted_bytes == taken);
  CHECK(watch.fresh().final_count == 1);
  CHECK(test::drain(pair.venue.get()).bytes == taken);
  REQUIRE(eventually([&] { return watch.fresh().tcp_state == TcpState::fin_wait2; }));
  const WitnessSample sample = watch.fresh();
  CHECK(sample.accepted_bytes == taken);
  CHECK(sample.acked_bytes == taken);
  CHECK(sample.undeclared_max_bytes == 0);
}

TEST_CASE("a FIN that is queued while the witness reads is no undeclared byte") {
  Watch watch;
  watch.witness.set_urgent(true);
  for (std::uint64_t i = 1; i <= 300; ++i) {
    const TcpPair pair;
    REQUIRE(watch.adopt(0, pair.engine.get(), i) == WitnessResult::ok);
    watch.declare(100);
    write_bytes(pair.engine.get(), 100);
    shutdown(pair.engine.get(), SHUT_WR);
    const bool seen = eventually([&] { return watch.sample().final_count == 1; });
    const WitnessSample sample = watch.sample();
    REQUIRE(watch.wait(watch.witness.drop(0)) == WitnessResult::ok);
    CHECK(seen);
    REQUIRE(sample.accepted_bytes == 100);
    REQUIRE(sample.undeclared_max_bytes == 0);
  }
}

TEST_CASE("a venue that drops the connection ends the session with its last count") {
  Watch watch;
  TcpPair pair(4096);
  REQUIRE(watch.adopt(0, pair.engine.get()) == WitnessResult::ok);
  watch.declare(1 << 30);
  const std::uint64_t taken = test::fill(pair.engine.get());
  const linger at_once{1, 0};
  setsockopt(pair.venue.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  pair.venue.reset();
  REQUIRE(eventually([&] { return watch.sample().state == SessionState::hung_up; }));
  CHECK(watch.sample().accepted_bytes == taken);
  CHECK(watch.sample().final_count == 1);
  CHECK_FALSE(watch.witness.held(0));
  CHECK(watch.wait(watch.witness.reset(0)) == WitnessResult::no_session);
}

TEST_CASE("an engine that resets its own socket ends the session without a false alarm") {
  Watch watch;
  const TcpPair pair(4096);
  REQUIRE(watch.adopt(0, pair.engine.get()) == WitnessResult::ok);
  watch.declare(1 << 30);
  const std::uint64_t taken = test::fill(pair.engine.get());
  store(watch.blocks[0].declared_bytes, taken);
  REQUIRE(eventually([&] { return watch.fresh().accepted_bytes == taken; }));
  sockaddr nobody{};
  REQUIRE(connect(pair.engine.get(), &nobody, sizeof nobody) == 0);
  REQUIRE(eventually([&] { return watch.sample().state == SessionState::hung_up; }));
  CHECK(watch.sample().accepted_bytes == taken);
  CHECK(watch.sample().undeclared_max_bytes == 0);
  CHECK(watch.sample().final_count == 0);
}

TEST_CASE("a descriptor that is no connected TCP socket is not adopted") {
  Watch watch;
  const UniqueFd udp(socket(AF_INET, SOCK_DGRAM, 0)), local(socket(AF_UNIX, SOCK_STREAM, 0));
  const UniqueFd fresh(socket(AF_INET, SOCK_STREAM, 0)), event(eventfd(0, 0));
  const test::Listener listener;
  CHECK(watch.adopt(0, udp.get()) == WitnessResult::not_tcp);
  CHECK(watch.adopt(0, local.get()) == WitnessResult::not_tcp);
  CHECK(watch.adopt(0, event.get()) == WitnessResult::not_tcp);
  CHECK(watch.adopt(0, fresh.get()) == WitnessResult::not_connected);
  CHECK(watch.adopt(0, listener.fd()) == WitnessResult::not_connected);
  TcpPair half;
  half.venue.reset();
  test::pause_ms(10);
  CHECK(watch.adopt(0, half.engine.get()) == WitnessResult::not_connected);
  CHECK(watch.adopt(kSessionsMax - 1, udp.get()) == WitnessResult::not_tcp);
  CHECK(watch.wait(watch.witness.drop(kSessionsMax)) == WitnessResult::bad_slot);
  CHECK_FALSE(watch.witness.held(0));
}

TEST_CASE("a connection whose bytes are counted otherwise (MPTCP) is not adopted") {
  const int listening = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
  const UniqueFd listener(listening), client(socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (listening < 0 || bind(listening, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listening, 1) != 0) {
    WARN("skipped: no MPTCP here");
    return;
  }
  REQUIRE(getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  REQUIRE(connect(client.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  Watch watch;
  CHECK(watch.adopt(0, client.get()) == WitnessResult::not_tcp);
}

TEST_CASE("a slot is adopted again only after its old connection was dropped") {
  Watch watch;
  const TcpPair first, second;
  REQUIRE(watch.adopt(3, first.engine.get(), 1) == WitnessResult::ok);
  CHECK(watch.adopt(3, second.engine.get(), 2) == WitnessResult::slot_in_use);
  CHECK(watch.sample(3).epoch == 1);
  CHECK(watch.wait(watch.witness.drop(3)) == WitnessResult::ok);
  CHECK(watch.sample(3).state == SessionState::dropped);
  CHECK_FALSE(watch.witness.held(3));
  REQUIRE(watch.adopt(3, second.engine.get(), 2) == WitnessResult::ok);
  CHECK(watch.sample(3).epoch == 2);
  struct stat about {};
  REQUIRE(fstat(second.engine.get(), &about) == 0);
  CHECK(watch.witness.identity(3).inode == about.st_ino);
  CHECK(std::string(watch.witness.identity(3).addresses.remote).rfind("127.0.0.1:", 0) == 0);
}

TEST_CASE("adopting changes nothing on the engine's descriptor") {
  Watch watch;
  const TcpPair pair;
  const int before = fcntl(pair.engine.get(), F_GETFL);
  REQUIRE(watch.adopt(0, pair.engine.get()) == WitnessResult::ok);
  static_cast<void>(watch.fresh());
  CHECK(fcntl(pair.engine.get(), F_GETFL) == before);
  CHECK(watch.wait(watch.witness.drop(0)) == WitnessResult::ok);
  write_bytes(pair.engine.get(), 10);  // the connection lives on
  CHECK(test::drain(pair.venue.get()).bytes == 10);
}

TEST_CASE("control is told through its eventfd, and a full command queue gives no ticket") {
  const UniqueFd done(eventfd(0, EFD_NONBLOCK));
  SessionBlock block{};
  Witness witness;
  int tickets = 0;
  while (tickets <= 64 && witness.drop(0) != kNoTicket) ++tickets;  // not started yet: nobody takes them
  CHECK(tickets == 64);
  UniqueFd socket(dup(TcpPair().engine.get()));
  CHECK(witness.adopt(0, 1, block, std::move(socket)) == kNoTicket);
  CHECK(socket.valid());
  CHECK_FALSE(witness.held(0));
  WitnessOptions options;
  options.done_eventfd = done.get();
  REQUIRE(witness.start(options) == ThreadError::ok);
  pollfd waiting{done.get(), POLLIN, 0};
  CHECK(poll(&waiting, 1, 5000) == 1);
}

/// A child that hangs in send() from a page that never arrives, holding the socket's lock.
void send_from_missing_page(int fd) {
  const auto faults = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC));
  uffdio_api api{UFFD_API, 0, 0};
  if (faults < 0 || ioctl(faults, UFFDIO_API, &api) != 0) _exit(77);
  constexpr std::size_t kBytes = 65'536;
  void* page = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uffdio_register missing{{reinterpret_cast<std::uint64_t>(page), kBytes}, UFFDIO_REGISTER_MODE_MISSING, 0};
  if (ioctl(faults, UFFDIO_REGISTER, &missing) != 0) _exit(77);
  send(fd, page, kBytes, MSG_NOSIGNAL);
}

TEST_CASE("a stuck socket stops the witness only; after the engine's death the session is reset") {
  const TcpPair pair;
  int go[2];
  REQUIRE(pipe(go) == 0);
  const UniqueFd go_out(go[0]), go_in(go[1]);
  Child engine([&] {
    char byte = 0;
    if (read(go_out.get(), &byte, 1) == 1) send_from_missing_page(pair.engine.get());
  });
  Watch watch;
  REQUIRE(watch.adopt(0, pair.engine.get()) == WitnessResult::ok);
  CHECK(watch.fresh().errors == 0);
  REQUIRE(write(go_in.get(), "g", 1) == 1);
  test::pause_ms(200);
  if (engine.ended()) {
    WARN("skipped: no userfaultfd here");
    return;
  }
  CHECK(monotonic_now_ns() - watch.sample().sampled_ns > kSecond / 10);  // its age says so
  CHECK(monotonic_now_ns() - watch.witness.beat_ns() > kSecond / 10);
  const std::uint64_t begin_ns = monotonic_now_ns();
  const Ticket reset = watch.witness.reset(0);
  CHECK(monotonic_now_ns() - begin_ns < kSecond / 10);  // control does not hang
  test::pause_ms(50);
  CHECK(watch.witness.result(reset) == WitnessResult::pending);
  engine.end();
  CHECK(watch.wait(reset) == WitnessResult::ok);
  CHECK(watch.sample().state == SessionState::reset);
}

TEST_CASE("a witness that is stuck is not waited for beyond the deadline") {
  const TcpPair pair;
  Child engine([&] { send_from_missing_page(pair.engine.get()); });
  test::pause_ms(100);
  if (engine.ended()) {
    WARN("skipped: no userfaultfd here");
    return;
  }
  Watch watch;
  const Ticket adopted = watch.witness.adopt(0, 1, watch.blocks[0], UniqueFd(dup(pair.engine.get())));
  test::pause_ms(20);
  CHECK_FALSE(watch.witness.stop(kSecond / 20));
  CHECK(watch.witness.result(adopted) == WitnessResult::pending);
  engine.end();
  CHECK(watch.witness.stop(kSecond));
  CHECK_FALSE(watch.witness.held(0));
}

}  // namespace
}  // namespace portcullis
