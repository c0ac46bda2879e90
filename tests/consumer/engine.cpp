// SPDX-License-Identifier: Apache-2.0
// usage: consumer_cpp ENGINE LANE SYMBOL: attaches, asks for one order while locked, and must be told no. Exit status 0.
#include <portcullis/hook.hpp>

#include <cstdio>

namespace pc = portcullis;

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  pc::Hook hook(argv[1]);
  if (!hook.attached()) return std::printf("%s\n", hook.why()), 78;
  pc::Lane lane = hook.lane(argv[2]);
  lane.positions_flat();
  const pc::Ticket ticket = lane.submit({"C1", hook.instrument(argv[3]), pc::Side::buy, 1, 100 * 100000000LL});
  std::printf("locked: %s\n", ticket.why().c_str());
  const bool refused = !ticket;
  const int detached = hook.detach(pc::Keep::none);
  return refused ? detached : 1;
}
