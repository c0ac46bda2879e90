// SPDX-License-Identifier: Apache-2.0
#include "watchdog/takeover_inbound.hpp"

#include <algorithm>

namespace portcullis {

void TakeoverInbound::begin(std::uint64_t next_in) noexcept {
  *this = {};
  expected_ = highest_ = std::max<std::uint64_t>(next_in, 1);
}

void TakeoverInbound::take(const InboundMessage& m, std::uint64_t now_ns) noexcept {
  const std::uint64_t before = expected_;
  any_ = true;
  if (m.msg_type == "4" && !m.gap_fill) {
    reset_to(m);
  } else {
    const bool fills = m.msg_type == "4" && m.new_seq_num > m.seq_num;
    const std::uint64_t next = fills ? m.new_seq_num : m.seq_num + 1;
    if (m.seq_num <= expected_ && next > expected_)
      expected_ = next;
    else if (m.seq_num < expected_ && !m.poss_dup)
      ++too_low_;
    highest_ = std::max({highest_, expected_, next});
  }
  if (expected_ != before) moved_ns_ = now_ns;
}

/// The venue goes on at 36, whatever it sent before: what lies between is lost.
void TakeoverInbound::reset_to(const InboundMessage& m) noexcept {
  if (m.new_seq_num == 0) return;  // no number in it: nothing can be counted by it
  if (m.new_seq_num > expected_ || hole()) lost_ = true;
  expected_ = highest_ = m.new_seq_num;
}

bool TakeoverInbound::ask_due(std::uint64_t now_ns, std::uint64_t again_ns) const noexcept {
  if (!hole() || give_up_ || asks_ >= kAsksMax) return false;
  return asks_ == 0 || now_ns - moved_ns_ >= again_ns;
}

void TakeoverInbound::asked(std::uint64_t now_ns) noexcept {
  ++asks_;
  moved_ns_ = now_ns;
}

void TakeoverInbound::refused() noexcept {
  give_up_ = true;
  lost_ = lost_ || hole();
}

}  // namespace portcullis
