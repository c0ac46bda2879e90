// SPDX-License-Identifier: Apache-2.0
/// @file An engine for tests/hook_facts: once armed it runs submit, sent, beat, accepted and filled in a loop
/// between two calls of getppid(), so that a trace of its system calls shows what the loop itself makes. No
/// session: only the ledger and the gate. Exit status: 0 every order passed; 1 not; 78 not attached.
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <portcullis/hook.hpp>

namespace {

constexpr int kOrders = 20'000;
constexpr int kArmMs = 20'000;
constexpr std::int64_t kPx_e8 = 100 * 100'000'000LL;

bool armed(portcullis::Hook& hook, const portcullis::Lane& lane) {
  for (int waited_ms = 0; waited_ms < kArmMs; ++waited_ms) {
    if (lane.poll() == portcullis::Command::none) return true;
    pollfd wake{hook.fd(), POLLIN, 0};
    poll(&wake, 1, 1);
  }
  return false;
}

/// One order's life; false when anything of it was refused.
bool one_order(const portcullis::Lane& lane, std::uint32_t instrument, int number) {
  char id[16];
  const auto length = static_cast<std::size_t>(std::snprintf(id, sizeof id, "L%d", number));
  portcullis::Order order;
  order.cl_ord_id = portcullis::Text(id, length);
  order.instrument = instrument;
  order.side = number % 2 == 0 ? portcullis::Side::buy : portcullis::Side::sell;
  order.order_qty = 1;
  order.px_e8 = kPx_e8;
  lane.beat();
  portcullis::Ticket ticket = lane.submit(order);
  const pc_order_handle handle = ticket.order();
  if (!ticket) return std::fprintf(stderr, "order %d: %s\n", number, ticket.why().c_str()), false;
  return ticket.sent() == portcullis::Status::ok && lane.accepted(handle, "1") == portcullis::Status::ok &&
         lane.filled(handle, 1, kPx_e8) == portcullis::Status::ok;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: %s ENGINE\n", argv[0]), 2;
  portcullis::Hook hook(argv[1]);
  if (!hook.attached()) return std::fprintf(stderr, "%s\n", hook.why()), 78;
  const portcullis::Lane lane = hook.lane("loop");
  if (lane.positions_flat() != portcullis::Status::ok) return std::fprintf(stderr, "%s\n", hook.why()), 1;
  const std::uint32_t instrument = hook.instrument("AAA");
  if (!armed(hook, lane) || !one_order(lane, instrument, -1)) return 1;
  bool passed = true;
  static_cast<void>(getppid());
  for (int i = 0; i < kOrders && passed; ++i) passed = one_order(lane, instrument, i);
  static_cast<void>(getppid());
  return passed && hook.detach(portcullis::Keep::none) == 0 ? 0 : 1;
}
