// SPDX-License-Identifier: Apache-2.0
/// @file A supervisor small enough to hold in a test: it makes a real gate and ledger, serves one attach
/// socket in a thread, and opens, shuts and renews as the test says. The library under test is the real
/// libportcullis.so. The lease is an hour long: time passes only where a test says so.
#pragma once
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "integration/include/portcullis/portcullis.h"
#include "shm/attach_protocol.hpp"
#include "shm/clock.hpp"
#include "shm/ledger_layout.hpp"
#include "shm/sealed_memory.hpp"

namespace portcullis::testing {

inline constexpr std::uint64_t kHourNs = 3'600'000'000'000ULL;

/// What the gate is filled with: by default three instruments of which every lane may trade all, and no limit
/// at all.
struct GateSetup {
  Capacities capacities{1, 3, 3, 8, 64, 2, 256, 64};
  std::vector<std::string> lanes{"one"};
  std::function<void(GateView&)> limits = [](GateView&) {
  };  ///< changes what is in the gate before it is published
  std::uint64_t incarnation = 7;
};

inline const char* const kSymbols[] = {"AAA", "BBB", "CCC", "DDD"};

inline void set_name(char (&out)[kNameBytes], const std::string& name) { name.copy(out, sizeof out - 1); }

inline void fill_lane(GateLane& lane, std::uint32_t pair_begin, std::uint32_t pairs,
                      const std::string& name) {
  set_name(lane.name, name);
  lane.pair_begin = pair_begin;
  lane.pair_count = pairs;
  lane.order_rates = 0;
  lane.refusals = {static_cast<std::uint64_t>(kNoLimit), 0};
  lane.order_qty = lane.order_notional_e4 = lane.collar_bps = lane.gross_notional_e4 = kNoLimit;
  lane.open_orders = lane.children = lane.child_qty_bps = kNoLimit;
}

/// Prices are worth themselves (multiplier 1); every reference is 100.
inline void fill_gate(const GateSetup& setup, GateView& gate) {
  GateHeader& header = gate.header();
  const Capacities& c = setup.capacities;
  header.magic = kGateMagic;
  header.shared_totals = c.lanes > 1 ? 1 : 0;
  header.fingerprint = layout_fingerprint();
  header.incarnation[0] = header.incarnation[1] = setup.incarnation;
  header.capacities = c;
  set_name(header.engine, "eng");
  EngineLimits& engine = gate.limits();
  engine.gross_notional_e4 = engine.open_orders = engine.backlog_bytes = kNoLimit;
  for (std::uint32_t i = 0; i < c.instruments; ++i) {
    GateInstrument& instrument = gate.instrument(i);
    std::string(kSymbols[i]).copy(instrument.symbol, sizeof instrument.symbol - 1);
    instrument.value_num = 1;
    instrument.value_den = 10'000;
    instrument.reference_px_e8 = 100 * 100'000'000LL;
  }
  for (std::uint32_t i = 0; i < c.lanes; ++i) {
    fill_lane(gate.lane(i), i * c.instruments, c.instruments, setup.lanes[i]);
    for (std::uint32_t k = 0; k < c.instruments; ++k) gate.pair(i * c.instruments + k) = {i, k, kNoLimit, {}};
  }
  for (std::uint32_t i = 0; i < c.sessions; ++i) {
    set_name(gate.session(i).name, i == 0 ? "S0" : "S1");
    gate.session(i).backlog_bytes = kNoLimit;
  }
  store(header.lease_ns, kHourNs);
  setup.limits(gate);
  header.version.store(kLayoutVersion, std::memory_order_release);
}

class TestSupervisor {
 public:
  explicit TestSupervisor(const GateSetup& setup = {}, const std::string& run_dir = "") : setup_(setup) {
    char folder[] = "/tmp/portcullis-test-XXXXXX";
    own_folder_ = run_dir.empty();
    run_dir_ = own_folder_ ? mkdtemp(folder) : run_dir;
    make_memories();
    listen_here();
    thread_ = std::thread([this] { serve(); });
  }
  TestSupervisor(const TestSupervisor&) = delete;
  TestSupervisor& operator=(const TestSupervisor&) = delete;
  ~TestSupervisor() {
    stop_.store(true);
    thread_.join();
    unlink(socket_path().c_str());
    if (own_folder_) rmdir(run_dir_.c_str());
  }

  [[nodiscard]] const std::string& run_dir() const { return run_dir_; }
  [[nodiscard]] GateView& gate() { return gate_; }
  [[nodiscard]] LedgerView& ledger() { return ledger_; }
  [[nodiscard]] LaneBlock& block(std::uint32_t lane = 0) { return ledger_.lane(lane); }
  [[nodiscard]] Cell& cell(std::uint32_t pair = 0) { return ledger_.cell(pair); }
  [[nodiscard]] OrderSlot& slot(pc_order_handle handle) {
    return ledger_.order(static_cast<std::uint32_t>(handle));
  }
  [[nodiscard]] int gate_fd() const { return gate_fd_.get(); }
  [[nodiscard]] std::uint32_t sessions_opened() const { return sessions_opened_.load(); }
  [[nodiscard]] std::uint32_t templates_seen() const { return templates_seen_.load(); }
  /// What the next requests get instead of ok.
  std::atomic<AttachStatus> answer{AttachStatus::ok};
  std::atomic<std::uint64_t> base_bytes{0};
  std::atomic<bool> hang_up_on_attach{false};

  /// Gives the right to trade in a new generation.
  void arm(GateState state = GateState::open) {
    renew();
    ++generation_;
    set(state);
  }
  void set(GateState state) {
    for (std::uint32_t i = 0; i < setup_.capacities.lanes; ++i)
      store(gate_.lane(i).word, gate_word(generation_, state));
  }
  void set(std::uint32_t lane, GateState state) {
    store(gate_.lane(lane).word, gate_word(generation_, state));
  }
  void renew() { store(gate_.header().lease_deadline_ns, monotonic_now_ns() + kHourNs); }
  void let_lease_run_out() { store(gate_.header().lease_deadline_ns, monotonic_now_ns()); }
  void request_cancel(std::uint64_t sequence) {
    for (std::uint32_t i = 0; i < setup_.capacities.lanes; ++i) store(gate_.lane(i).cancel_request, sequence);
    store(gate_.header().wake_sequence, load(gate_.header().wake_sequence) + 1);
    const std::uint64_t one = 1;
    static_cast<void>(!write(wake_.get(), &one, sizeof one));
  }

 private:
  [[nodiscard]] std::string socket_path() const { return run_dir_ + "/eng.attach"; }

  void make_memories() {
    const Capacities& c = setup_.capacities;
    if (create_gate(gate_bytes(c), gate_fd_, gate_mapping_) != MemoryError::none) std::abort();
    if (create_ledger(ledger_bytes(c), ledger_fd_, ledger_mapping_) != MemoryError::none) std::abort();
    gate_ = {gate_mapping_.data(), gate_offsets(c)};
    ledger_ = {ledger_mapping_.data(), ledger_offsets(c), c};
    fill_gate(setup_, gate_);
    LedgerHeader& header = ledger_.header();
    header.magic = kLedgerMagic;
    header.fingerprint = layout_fingerprint();
    header.incarnation[0] = header.incarnation[1] = setup_.incarnation;
    header.capacities = c;
    set_name(header.engine, "eng");
    header.version.store(kLayoutVersion, std::memory_order_release);
    wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  }

  void listen_here() {
    listener_.reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path().copy(address.sun_path, sizeof address.sun_path - 1);
    if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    if (listen(listener_.get(), 4) != 0) std::abort();
  }

  void serve() {
    std::vector<UniqueFd> peers;
    while (!stop_.load()) {
      std::vector<pollfd> waited{{listener_.get(), POLLIN, 0}};
      for (const UniqueFd& peer : peers) waited.push_back({peer.get(), POLLIN, 0});
      if (poll(waited.data(), waited.size(), 5) <= 0) continue;
      for (std::size_t i = peers.size(); i > 0; --i)
        if (waited[i].revents != 0 && !hear(peers[i - 1].get()))
          peers.erase(peers.begin() + static_cast<long>(i) - 1);
      if (waited[0].revents != 0)
        peers.emplace_back(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
  }

  bool hear(int peer) {
    AttachRequest request;
    alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
    iovec bytes{&request, sizeof request};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (recvmsg(peer, &message, MSG_CMSG_CLOEXEC) < static_cast<ssize_t>(kAttachRequestHead)) return false;
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c), sizeof fd);
      close(fd);
    }
    if (request.op == AttachOp::attach && hang_up_on_attach.load()) return false;
    AttachReply reply;
    reply.op = request.op;
    reply.status = answer.load();
    if (reply.status != AttachStatus::ok)
      std::string("because the test says so").copy(reply.why, sizeof reply.why - 1);
    if (request.op == AttachOp::session_open) {
      reply.index = request.name[1] == '1' ? 1 : 0;
      reply.epoch = ++sessions_opened_;
      reply.base_bytes = base_bytes.load();
    }
    if (request.op == AttachOp::session_template) ++templates_seen_;
    reply_to(peer, reply);
    return true;
  }

  void reply_to(int peer, AttachReply& reply) {
    const bool memories = reply.op == AttachOp::attach && reply.status == AttachStatus::ok;
    const int fds[3] = {gate_fd_.get(), ledger_fd_.get(), wake_.get()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)] = {};
    iovec bytes{&reply, sizeof reply};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    reply.capacities = setup_.capacities;
    reply.gate_bytes = gate_bytes(setup_.capacities);
    reply.ledger_bytes = ledger_bytes(setup_.capacities);
    if (memories) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* c = CMSG_FIRSTHDR(&message);
      c->cmsg_level = SOL_SOCKET;
      c->cmsg_type = SCM_RIGHTS;
      c->cmsg_len = CMSG_LEN(sizeof fds);
      std::memcpy(CMSG_DATA(c), fds, sizeof fds);
    }
    static_cast<void>(!sendmsg(peer, &message, MSG_NOSIGNAL));
  }

  GateSetup setup_;
  std::string run_dir_;
  bool own_folder_ = false;
  UniqueFd gate_fd_, ledger_fd_, wake_, listener_;
  SharedMapping gate_mapping_, ledger_mapping_;
  GateView gate_;
  LedgerView ledger_;
  std::uint64_t generation_ = 0;
  std::atomic<std::uint32_t> sessions_opened_{0}, templates_seen_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace portcullis::testing
