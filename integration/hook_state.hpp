// SPDX-License-Identifier: Apache-2.0
/// @file The three opaque types of portcullis.h, and the two ways into a call: enter as submitter, enter as
/// responder. Every object is kept until pc_detach; pointers that change while orders flow (attachment, run)
/// are atomic.
#pragma once
#include <mutex>
#include <string>
#include <vector>

#include "integration/include/portcullis/portcullis.h"
#include "integration/lane_run.hpp"
#include "integration/process_mark.hpp"
#include "shm/attach_protocol.hpp"
#include "shm/unique_fd.hpp"

struct pc_lane {
  const portcullis::AliveWord* alive = nullptr;  ///< nullptr: nothing was ever attached
  pc_hook* hook = nullptr;
  std::atomic<portcullis::LaneRun*> run{nullptr};  ///< what the responder uses; stored by the submitter
  std::atomic<std::uint32_t> lost_reports{0};  ///< reports that a wrong thread brought: the ledger is untrue
  std::uint32_t number = 0;                    ///< in the order of opening, not the gate's number
  char name[portcullis::kNameBytes] = {};

  // the submitter's
  alignas(portcullis::kCacheLineBytes) portcullis::Role submitter;
  portcullis::LaneRun* mine = nullptr;
  bool entered = false;  ///< inside a submitter call that changes money words
  std::uint64_t wake_seen = UINT64_MAX;
  std::uint64_t newer_since_ns = 0;     ///< since when a newer attachment waits for this lane
  std::atomic<std::uint64_t> woken{0};  ///< wake_seen + 1 for the other lanes; 0 while this lane never polled

  alignas(portcullis::kCacheLineBytes) portcullis::Role responder;
};

/// A session on one attachment.
struct SessionRun {
  portcullis::Attachment* attachment = nullptr;
  portcullis::SessionBlock* block = nullptr;
  std::uint64_t epoch = 0;
  std::uint64_t base_bytes = 0;  ///< bytes the kernel had taken when the supervisor registered the socket
  std::uint32_t index = 0;
};

struct pc_session {
  const portcullis::AliveWord* alive = nullptr;
  pc_hook* hook = nullptr;
  std::atomic<SessionRun*> run{nullptr};  ///< newest; nullptr once ended
  portcullis::UniqueFd fd;                ///< own duplicate, to register it again; -1 where none was given
  char name[portcullis::kNameBytes] = {};
  std::string templates;  ///< each as 4 bytes length and text, to hand over again
  std::uint64_t handed_out_seq_num = 0;  ///< as the supervisor's answer to its opening said; 0: nothing to adopt
  std::uint64_t handed_in_seq_num = 0;

  // whoever holds the session's write lock
  alignas(portcullis::kCacheLineBytes) SessionRun* mine = nullptr;
  std::uint64_t bytes = 0;  ///< declared since this connection was registered first
  enum class Dialect : std::uint8_t { unknown, fix, other } dialect = Dialect::unknown;
};

struct pc_hook {
  const portcullis::AliveWord* alive = nullptr;
  std::string engine;
  std::string run_dir;
  std::mutex talk;  ///< the attach socket, the lists below, why; never on the order path
  portcullis::UniqueFd socket;
  portcullis::UniqueFd poll_fd;  ///< epoll over the wake descriptor: stays over re-attachments
  std::atomic<portcullis::Attachment*> attachment{nullptr};
  std::vector<std::unique_ptr<portcullis::Attachment>> attachments;
  std::vector<std::unique_ptr<portcullis::LaneRun>> runs;
  std::vector<std::unique_ptr<pc_lane>> lanes;
  std::array<std::atomic<pc_lane*>, portcullis::kLanesMax> lane_at{};  ///< by order of opening
  std::array<std::array<std::atomic<portcullis::LaneRun*>, portcullis::kLanesMax>,
             portcullis::kAttachmentsMax>
      run_at{};  ///< [attachment][order of opening]
  std::vector<std::unique_ptr<pc_session>> sessions;
  std::vector<std::unique_ptr<SessionRun>> session_runs;
  char why[256] = "not attached";

  // re-attachment, under talk
  portcullis::UniqueFd pending;  ///< connected, request sent, reply outstanding
  std::uint64_t pending_until_ns = 0;
  std::size_t pending_session = 0;     ///< next session to register again
  std::atomic<bool> reopening{false};  ///< sessions are being registered again
  bool given_up = false;
  std::atomic<std::uint64_t> next_try_ns{0};
};

namespace portcullis {

/// False in a forked child and on a hook that never attached.
[[nodiscard]] inline bool alive(const AliveWord* word) noexcept {
  return word != nullptr && word->load(std::memory_order_relaxed) == 1;
}

/// The submitter's way in: the lane's run, or nullptr with the reason in status.
[[nodiscard]] inline LaneRun* as_submitter(pc_lane* lane, pc_status& status) noexcept {
  status = PC_ERR_ARGUMENT;
  if (lane == nullptr) return nullptr;
  status = PC_ERR_CLOSED;
  if (!alive(lane->alive)) return nullptr;
  if (!lane->submitter.held_by_caller()) {
    status = PC_ERR_WRONG_THREAD;
    return nullptr;
  }
  if (lane->mine != nullptr) status = PC_OK;
  return lane->mine;
}

/// Reads a struct whose first member is its size, set by the caller.
template <typename T>
[[nodiscard]] bool whole(const T* given) noexcept {
  return given != nullptr && given->size >= sizeof(T);
}

}  // namespace portcullis
