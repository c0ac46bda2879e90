// SPDX-License-Identifier: Apache-2.0
#include "tests/process/disk_fault.hpp"

#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace portcullis::test {

std::atomic<bool> DiskFault::hangs{false};
std::atomic<bool> DiskFault::fails{false};
std::atomic<long> DiskFault::delay_us{0};
std::atomic<int> DiskFault::syncs{0};

void DiskFault::heal() noexcept {
  fails = false;
  delay_us = 0;
  hangs = false;
}

}  // namespace portcullis::test

/// Takes the place of libc's. A sound disk here is a fast one: no test of this binary survives a power cut.
extern "C" int fdatasync(int fd) {
  using portcullis::test::DiskFault;
  ++DiskFault::syncs;
  const timespec delay{0, DiskFault::delay_us * 1000 + 1000};
  do nanosleep(&delay, nullptr);
  while (DiskFault::hangs);
  if (DiskFault::fails) {
    errno = EIO;
    return -1;
  }
  return fd >= 0 ? 0 : -1;
}
