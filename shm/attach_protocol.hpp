// SPDX-License-Identifier: Apache-2.0
/// @file What hook and supervisor say over the attach socket (SOCK_SEQPACKET, RUN_DIR/ENGINE.attach): one request, one
/// reply, in order. The connection lives as long as the attachment; its end without `detach` is the engine's death or a
/// fault, never a good-bye. Descriptors travel as SCM_RIGHTS.
///
///   attach           -> reply + gate, ledger, wake eventfd (in this order)
///   session_open     (+ a connected TCP socket, none where the transport is not `kernel`) -> index, epoch, base bytes
///   session_template (text)          -> reply
///   session_end      -> reply after the duplicate was dropped
///   lane_owner       (+ a pidfd)     -> reply
///   detach           -> reply, then both close
#pragma once
#include <cstdint>

#include "shm/capacities.hpp"
#include "shm/gate_layout.hpp"

namespace portcullis {

inline constexpr std::uint64_t kAttachMagic = 0x3148435441435450ULL;  // "PTCATCH1"
inline constexpr std::uint32_t kTemplateBytes = 4096;                 ///< longest template

enum class AttachOp : std::uint32_t {
  attach = 1, session_open = 2, session_template = 3, session_end = 4, lane_owner = 5, detach = 6
};

enum class AttachStatus : std::uint32_t {
  ok = 0,
  malformed,        ///< wrong magic, size, operation or descriptor count
  wrong_version,    ///< C ABI or layout version, or fingerprint
  wrong_user,       ///< the peer's uid is not the engine's user
  wrong_engine,     ///< another engine's supervisor
  already_attached, ///< a live engine is attached
  no_membarrier,    ///< the hook could not register
  no_memory,        ///< the memories cannot be made
  unknown_name,     ///< no such session or lane configured
  not_tcp,          ///< the descriptor is no connected TCP socket
  full,             ///< no session slot left
  not_attached,     ///< attach comes first
  open_orders,      ///< detach refused to count as clean: orders are open
  internal,
  bad_template,     ///< no whole message, or a field that a take-over needs is missing or there twice
};

struct AttachRequest {
  std::uint64_t magic = kAttachMagic;
  AttachOp op{};
  std::uint32_t abi_version = 0;
  std::uint32_t layout_version = 0;
  std::uint32_t index = 0;        ///< session or lane
  std::uint64_t fingerprint = 0;
  std::uint64_t epoch = 0;        ///< of the session
  std::uint32_t membarrier_registered = 0;
  std::uint32_t keep = 0;         ///< pc_keep, at detach
  char name[kNameBytes] = {};     ///< engine (attach) or session (session_open), NUL-terminated
  std::uint32_t text_bytes = 0;   ///< of the template
  std::uint32_t reserved = 0;
  char text[kTemplateBytes] = {}; ///< only the used part is sent
};
inline constexpr std::size_t kAttachRequestHead = sizeof(AttachRequest) - kTemplateBytes;

struct AttachReply {
  std::uint64_t magic = kAttachMagic;
  AttachOp op{};
  AttachStatus status{};
  Capacities capacities{};        ///< attach
  std::uint64_t gate_bytes = 0;
  std::uint64_t ledger_bytes = 0;
  std::uint32_t index = 0;        ///< session_open
  std::uint32_t reserved = 0;
  std::uint64_t epoch = 0;        ///< session_open: what the hook stores into SessionBlock::epoch
  std::uint64_t base_bytes = 0;   ///< session_open: bytes the kernel had taken from this socket when it was registered
  std::uint64_t next_out_seq_num = 0;  ///< session_open: the supervisor spoke on this session since the engine did; the
  std::uint64_t next_in_seq_num = 0;   ///< engine's store has to go on with these MsgSeqNums. 0: it did not
  char why[160] = {};             ///< a sentence where status is not ok
};

}  // namespace portcullis
