// SPDX-License-Identifier: Apache-2.0
#include "watchdog/exact_close.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace portcullis {

bool ExactClose::begin(const LedgerView& ledger, std::uint32_t lane) noexcept {
  first_ = lane == kAllLanes ? 0 : lane;
  end_ = lane == kAllLanes ? ledger.capacities.lanes : lane + 1;
  barrier_ = syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
  for (std::uint32_t i = first_; i < end_; ++i) at_barrier_[i] = load(ledger.lane(i).in_flight);
  return barrier_;
}

}  // namespace portcullis
