// SPDX-License-Identifier: Apache-2.0
#include "tests/speed/other_side.hpp"

#include <poll.h>

#include <cstdio>
#include <cstdlib>

namespace portcullis::speed {
namespace {

constexpr int kChangeMs = 5'000;

}  // namespace

OtherSide::OtherSide(int processor, std::vector<Part> parts) : words_(shared_object<Words>()) {
  child_ = Child(processor, [this, parts = std::move(parts)] {
    for (;;) {
      const std::uint64_t wanted = words_.wanted.load();
      if (wanted == 0) {
        words_.playing.store(0);
        poll(nullptr, 0, 1);
        continue;
      }
      words_.playing.store(wanted);
      parts[wanted - 1](words_.stop);
    }
  });
}

OtherSide::~OtherSide() = default;

void OtherSide::wait_until_playing(std::uint64_t what) {
  if (eventually([&] { return words_.playing.load() == what; }, kChangeMs)) return;
  std::fprintf(stderr, "bench: the process on the other processor does not answer\n");
  std::exit(1);
}

void OtherSide::play(std::size_t part) {
  words_.stop.store(false);
  words_.wanted.store(part + 1);
  wait_until_playing(part + 1);
}

void OtherSide::rest() {
  words_.wanted.store(0);
  words_.stop.store(true);
  wait_until_playing(0);
}

}  // namespace portcullis::speed
