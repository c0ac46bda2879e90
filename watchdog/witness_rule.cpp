// SPDX-License-Identifier: Apache-2.0
#include "watchdog/witness_rule.hpp"

#include <algorithm>

namespace portcullis {
namespace {

/// Declared bytes of this connection: another epoch's are not ours.
std::uint64_t declared_of(std::uint64_t epoch, const Declared& declared) noexcept {
  return declared.epoch == epoch ? declared.bytes : 0;
}

/// True if these counts cannot belong to the stream that was adopted: somebody reset the socket, or connected
/// it anew. In CLOSE a count of nothing acknowledged proves nothing, because a reset leaves the queue's count
/// absurd.
bool another_stream(const WitnessSample& last, const TcpCounts& counts) noexcept {
  if (counts.went_back || counts.acked_bytes < last.raw_acked_bytes) return true;
  return counts.state == TcpState::close && counts.acked_bytes == 0;
}

/// Bytes that the kernel took since the adoption, at least.
std::uint64_t accepted_by(const WitnessSample& last, const TcpCounts& counts,
                          std::uint64_t declared) noexcept {
  const std::uint64_t sum = counts.acked_bytes + counts.queued_bytes;
  const std::uint64_t taken = sum > last.base_bytes ? sum - last.base_bytes : 0;
  if (fin_in_stream(counts.state)) return taken > 0 ? taken - 1 : 0;
  if (counts.state == TcpState::close && taken == declared + 1) return declared;  // perhaps a FIN
  return taken;
}

void compare(WitnessSample& sample, const WitnessSample& last) noexcept {
  sample.undeclared_bytes =
      sample.accepted_bytes > sample.declared_bytes ? sample.accepted_bytes - sample.declared_bytes : 0;
  sample.undeclared_max_bytes = std::max(last.undeclared_max_bytes, sample.undeclared_bytes);
  if (sample.accepted_bytes == sample.declared_bytes)
    sample.unequal_since_ns = 0;
  else if (last.unequal_since_ns == 0)
    sample.unequal_since_ns = sample.sampled_ns;
  if (sample.accepted_bytes != last.accepted_bytes || sample.declared_bytes != last.declared_bytes)
    sample.moved_ns = sample.sampled_ns;
}

}  // namespace

WitnessSample first_sample(std::uint64_t epoch, const TcpCounts& counts, const Declared& declared,
                           std::uint64_t now_ns) noexcept {
  WitnessSample sample;
  sample.epoch = epoch;
  sample.sampled_ns = now_ns;
  sample.moved_ns = now_ns;
  sample.polls = 1;
  sample.base_bytes = counts.acked_bytes + counts.queued_bytes;
  sample.raw_acked_bytes = counts.acked_bytes;
  sample.declared_bytes = declared_of(epoch, declared);
  sample.state = SessionState::live;
  sample.tcp_state = counts.state;
  compare(sample, sample);
  return sample;
}

WitnessSample next_sample(const WitnessSample& last, const TcpCounts& counts, const Declared& declared,
                          std::uint64_t now_ns) noexcept {
  WitnessSample sample = last;
  sample.sampled_ns = now_ns;
  sample.polls = last.polls + 1;
  sample.declared_bytes = declared_of(last.epoch, declared);
  sample.tcp_state = counts.state;
  if (another_stream(last, counts)) {
    sample.state = SessionState::hung_up;  // the last count stands, and is not final
  } else {
    // every reading is a lower bound of a number that only grows
    sample.accepted_bytes = std::max(last.accepted_bytes, accepted_by(last, counts, sample.declared_bytes));
    sample.raw_acked_bytes = counts.acked_bytes;
    const std::uint64_t acked =
        counts.acked_bytes > last.base_bytes ? counts.acked_bytes - last.base_bytes : 0;
    sample.acked_bytes = std::min(std::max(last.acked_bytes, acked), sample.accepted_bytes);
    // what was read in motion may be short of the last bytes: an order must not count as held back by that
    const bool closed = counts.state == TcpState::close;
    sample.final_count = counts.at_rest && (closed || fin_in_stream(counts.state)) ? 1 : last.final_count;
    if (closed && counts.at_rest) sample.state = SessionState::hung_up;
  }
  compare(sample, last);
  return sample;
}

}  // namespace portcullis
