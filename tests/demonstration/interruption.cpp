// SPDX-License-Identifier: Apache-2.0
#include "tests/demonstration/interruption.hpp"

#include <poll.h>

#include <chrono>
#include <csignal>

namespace portcullis::demonstration {
namespace {

constexpr int kPollMs = 5;
volatile std::sig_atomic_t g_interrupted = 0;

void on_signal(int) { g_interrupted = 1; }

}  // namespace

void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
}

bool interrupted() { return g_interrupted != 0; }

bool wait_until(const std::function<bool()>& holds, int timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!interrupted()) {
    if (holds()) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    poll(nullptr, 0, kPollMs);
  }
  return false;
}

}  // namespace portcullis::demonstration
