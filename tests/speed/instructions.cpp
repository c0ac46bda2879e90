// SPDX-License-Identifier: Apache-2.0
/// @file What callgrind counts: one accepted order, after enough others that every table is warm and every
/// rate window is full. The counted function is entered once.
#include "tests/speed/quiet_gate.hpp"

namespace {

constexpr int kWarmOrders = 5'000;  // more than the longest window holds

}  // namespace

extern "C" __attribute__((noinline)) void one_accepted_order(portcullis::speed::QuietGate& gate) {
  gate.submit_and_sent();
}

int main() {
  portcullis::speed::QuietGate gate;
  for (int i = 0; i < kWarmOrders; ++i) gate.lifecycle();
  gate.prepare(gate.order());
  one_accepted_order(gate);
  gate.answer();
  return 0;
}
