// SPDX-License-Identifier: Apache-2.0
/// @file An engine of a test's own: a child process that uses the hook library directly, for what the example engines
/// would never do. It tells the test what happened through a pipe, byte by byte.
#pragma once
#include <fcntl.h>
#include <poll.h>
#include <portcullis/portcullis.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <string>

#include "shm/unique_fd.hpp"

namespace portcullis::test {

/// A child that does not return from `work`, killed with the object. What it says goes through a pipe, byte by byte.
class Child {
 public:
  template <typename Work>
  explicit Child(Work&& work) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    said_.reset(ends[0]);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      work(ends[1]);
      _exit(0);
    }
    close(ends[1]);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const { kill(pid_, number); }
  /// The next byte it said; 0 where it ended, or said nothing for 20 s.
  char hear() {
    char byte = 0;
    pollfd waited{said_.get(), POLLIN, 0};
    if (poll(&waited, 1, 20'000) != 1) return '\0';
    return read(said_.get(), &byte, 1) == 1 ? byte : '\0';
  }
  /// Everything it says until it ends.
  std::string hear_all() {
    std::string text;
    while (const char byte = hear()) text += byte;
    return text;
  }

 private:
  pid_t pid_ = -1;
  UniqueFd said_;
};

inline void say(int out, char byte) { static_cast<void>(!write(out, &byte, 1)); }
inline void say(int out, const char* text) { static_cast<void>(!write(out, text, std::strlen(text))); }

/// The hook attached, and its first lane, flat. lane is nullptr where that failed.
struct SmallEngine {
  pc_hook* hook = nullptr;
  pc_lane* lane = nullptr;
  explicit SmallEngine(const std::string& run_dir) {
    pc_attach_options options{};
    options.size = sizeof options;
    options.engine = "mm1";
    options.run_dir = run_dir.c_str();
    if (pc_attach(&options, &hook) == PC_OK) static_cast<void>(pc_lane_open(hook, "flow", &lane));
    if (lane != nullptr) static_cast<void>(pc_positions_flat(lane));
  }
  /// Another lane of the configuration, flat.
  [[nodiscard]] pc_lane* open(const char* name) const {
    pc_lane* opened = nullptr;
    if (pc_lane_open(hook, name, &opened) == PC_OK) static_cast<void>(pc_positions_flat(opened));
    return opened;
  }
  /// Asks for one order, and takes it back where it passed: nothing is sent.
  [[nodiscard]] pc_verdict submit(pc_lane* on) const {
    static int number = 0;
    const std::string id = "H" + std::to_string(++number);
    pc_order order{};
    order.size = sizeof order;
    order.instrument = pc_instrument(hook, "AAA");
    order.cl_ord_id = {id.data(), static_cast<std::uint32_t>(id.size()), 0};
    order.order_qty = 1;
    order.px_e8 = 99'00000000;
    order.side = PC_BUY;
    order.ord_type = PC_LIMIT;
    pc_ticket ticket{};
    ticket.size = sizeof ticket;
    const pc_verdict verdict = pc_submit(on, &order, &ticket);
    if (verdict == PC_PASS) static_cast<void>(pc_not_sent(on, ticket.order));
    return verdict;
  }
  [[nodiscard]] pc_verdict submit() const { return submit(lane); }
};

}  // namespace portcullis::test
