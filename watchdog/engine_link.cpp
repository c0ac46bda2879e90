// SPDX-License-Identifier: Apache-2.0
/// @file Connection and process of the engine; its sessions are in engine_sessions.cpp.
#include "watchdog/engine_link.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>

#include "portcullis/portcullis.h"
#include "shm/clock.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kMonitorAnswersNs = 1'000'000'000;  // it runs every cycle; a second means it does not

constexpr std::uint64_t kSilentNs = 2'000'000'000;  // from connecting to asking, as long as the hook waits for its answer

constexpr int kDyingMs = 20;  // the gate is closed meanwhile; well below any lease

const char* status_sentence(AttachStatus status) noexcept {
  switch (status) {
    case AttachStatus::ok: return "";
    case AttachStatus::malformed: return "request has a wrong size, magic, operation or number of descriptors";
    case AttachStatus::wrong_version: return "library and supervisor differ in interface version or memory layout";
    case AttachStatus::wrong_user: return "this user may not attach to this supervisor";
    case AttachStatus::wrong_engine: return "this supervisor guards an engine of another name";
    case AttachStatus::already_attached: return "a live engine is attached already, or a halt is running";
    case AttachStatus::no_membarrier: return "membarrier(REGISTER_GLOBAL_EXPEDITED) failed: the gate could not be closed exactly";
    case AttachStatus::no_memory: return "the memories could not be made";
    case AttachStatus::unknown_name: return "no session or lane of that name or number is configured";
    case AttachStatus::not_tcp: return "the descriptor is no connected TCP socket";
    case AttachStatus::full: return "no room left";
    case AttachStatus::not_attached: return "attach comes first";
    case AttachStatus::open_orders: return "orders are open: this end counts as a death";
    case AttachStatus::internal: return "the supervisor could not serve this";
    case AttachStatus::bad_template: return "the template is no whole message with the fields that a cancel needs";
  }
  return "?";
}

/// One packet with at most one descriptor; more of them are closed and make it malformed.
ssize_t receive(int fd, AttachRequest& request, UniqueFd& passed, bool& excess) noexcept {
  iovec part{&request, sizeof request};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t bytes = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (bytes < 0) return bytes;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int got = -1;
      std::memcpy(&got, CMSG_DATA(c) + i * sizeof(int), sizeof got);
      if (passed.valid()) excess = true;
      passed.reset(got);
    }
  }
  excess |= (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  return bytes;
}

}  // namespace

EngineLink::EngineLink(const Config& config, Board& board, Witness& witness, Handler& handler)
    : config_(config), board_(board), witness_(witness), handler_(handler) {}

EngineLink::~EngineLink() {
  release();
  sd_event_source_unref(listen_source_);
  if (!path_.empty()) unlink(path_.c_str());
}

int EngineLink::start(sd_event* loop, std::uint32_t engine_uid) {
  loop_ = loop;
  expected_uid_ = engine_uid;
  const std::string path = fmt::format("{}/{}.attach", config_.run_dir, config_.engine);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return -ENAMETOOLONG;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return -errno;
  unlink(path.c_str());  // the instance lock is ours: what is here was left behind
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return -errno;
  path_ = path;
  if (chmod(path.c_str(), 0666) != 0 || listen(fd.get(), 8) != 0) return -errno;  // peers are judged by credentials
  listen_ = std::move(fd);
  return sd_event_add_io(loop_, &listen_source_, listen_.get(), EPOLLIN, &EngineLink::on_listen, this);
}

int EngineLink::on_listen(sd_event_source*, int fd, std::uint32_t, void* self_ptr) {
  auto& self = *static_cast<EngineLink*>(self_ptr);
  UniqueFd peer(accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!peer.valid()) return 0;
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return 0;
  const bool wrong_user = credentials.uid != self.expected_uid_;
  const std::uint64_t now_ns = monotonic_now_ns();
  if (!wrong_user && !self.attached_ && self.connection_.valid() && now_ns - self.connected_ns_ > kSilentNs)
    self.close_connection();  // it connected and never asked to attach
  const bool busy = self.connection_.valid() || self.attached_ || !self.handler_.may_attach_now();
  if (busy || wrong_user) {
    const AttachStatus status = wrong_user ? AttachStatus::wrong_user : AttachStatus::already_attached;
    AttachReply refusal;
    refusal.op = AttachOp::attach;
    refusal.status = status;
    std::snprintf(refusal.why, sizeof refusal.why, "%s", status_sentence(status));
    send(peer.get(), &refusal, sizeof refusal, MSG_DONTWAIT | MSG_NOSIGNAL);
    self.handler_.engine_refused(status, credentials.uid, credentials.pid);
    return 0;
  }
  self.peer_uid_ = credentials.uid;
  self.peer_pid_ = credentials.pid;
  self.connection_ = std::move(peer);
  self.connected_ns_ = now_ns;
  return sd_event_add_io(self.loop_, &self.connection_source_, self.connection_.get(), EPOLLIN,
                         &EngineLink::on_packet, &self);
}

int EngineLink::on_packet(sd_event_source*, int fd, std::uint32_t, void* self_ptr) {
  auto& self = *static_cast<EngineLink*>(self_ptr);
  AttachRequest request{};
  UniqueFd passed;
  bool excess = false;
  const ssize_t bytes = receive(fd, request, passed, excess);
  if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (bytes <= 0) {
    if (self.attached_) {
      self.handler_.engine_doubtful();
      pollfd end{self.process_.pidfd.get(), POLLIN, 0};
      poll(&end, 1, kDyingMs);  // a dying process closes its descriptors a moment before it is gone
      self.lost(is_gone(self.process_));
    } else {
      self.close_connection();
    }
    return 0;
  }
  if (excess || static_cast<std::size_t>(bytes) < kAttachRequestHead || request.magic != kAttachMagic) {
    self.reply(request.op, AttachStatus::malformed);
    if (self.attached_) {
      self.lost(false);  // an engine that speaks nonsense is not one to trust
    } else {
      self.close_connection();
    }
    return 0;
  }
  self.serve(request, static_cast<std::size_t>(bytes), std::move(passed));
  return 0;
}

int EngineLink::on_pidfd(sd_event_source*, int, std::uint32_t, void* self_ptr) {
  auto& self = *static_cast<EngineLink*>(self_ptr);
  if (is_gone(self.process_)) self.lost(true);
  return 0;
}

void EngineLink::serve(const AttachRequest& request, std::size_t bytes, UniqueFd fd) {
  if (!attached_ && request.op != AttachOp::attach) return reply(request.op, AttachStatus::not_attached);
  if (pending_.active) return reply(request.op, AttachStatus::malformed);  // one request at a time
  switch (request.op) {
    case AttachOp::attach: return attach(request);
    case AttachOp::session_open: return open_session(request, std::move(fd));
    case AttachOp::session_template: return reply(request.op, keep_template(request, bytes), request.index);
    case AttachOp::session_end: return end_session(request);
    case AttachOp::lane_owner: return reply(request.op, watch_owner(request.index, std::move(fd)), request.index);
    case AttachOp::detach: {
      const AttachStatus status = handler_.engine_detaches(request.keep);
      reply(request.op, status);
      if (status == AttachStatus::ok) {
        release();
      } else {
        lost(false);
      }
      return;
    }
  }
  reply(request.op, AttachStatus::malformed);
}

AttachStatus EngineLink::judge_attach(const AttachRequest& request) const noexcept {
  if (attached_) return AttachStatus::already_attached;
  if (request.abi_version != PC_ABI_VERSION || request.layout_version != kLayoutVersion ||
      request.fingerprint != layout_fingerprint())
    return AttachStatus::wrong_version;
  if (std::string_view(request.name, strnlen(request.name, sizeof request.name)) != config_.engine)
    return AttachStatus::wrong_engine;
  if (request.membarrier_registered != 1) return AttachStatus::no_membarrier;
  return AttachStatus::ok;
}

bool EngineLink::publish(const Attachment* attachment) noexcept {
  board_.attachment = attachment;
  add_own(board_.attachment_sequence, 1);
  const std::uint64_t deadline_ns = monotonic_now_ns() + kMonitorAnswersNs;
  while (load(board_.attachment_seen) != load(board_.attachment_sequence)) {
    if (monotonic_now_ns() > deadline_ns || load(board_.supervisor_late) != 0) return false;
    poll(nullptr, 0, 1);
  }
  return true;
}

void EngineLink::attach(const AttachRequest& request) {
  AttachStatus status = judge_attach(request);
  for (std::uint32_t slot = 0; slot < kSessionsMax && status == AttachStatus::ok; ++slot)
    if (witness_.held(slot)) status = AttachStatus::internal;  // a socket of the engine before is not let go yet
  ProcessHandle process;
  if (status == AttachStatus::ok && open_process(peer_pid_, 0, process) != FenceError::ok)
    status = AttachStatus::internal;
  const std::uint32_t next = 1 - current_;
  Memories made;
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (status == AttachStatus::ok &&
      (!wake.valid() || create_memories(config_, static_cast<std::uint64_t>(peer_pid_), made) != MemoryError::none))
    status = AttachStatus::no_memory;
  if (status == AttachStatus::ok) {
    store(made.ledger.header().membarrier_registered, 1);
    for (Word& word : board_.owner_dead) store(word, 0);
    store(board_.engine_dead, 0);
    memories_[next] = std::move(made);
    attachments_[next] = {memories_[next].gate, memories_[next].ledger};
    if (!publish(&attachments_[next])) status = AttachStatus::internal;
  }
  if (status != AttachStatus::ok) {
    reply(AttachOp::attach, status);
    handler_.engine_refused(status, peer_uid_, peer_pid_);
    return close_connection();
  }
  memories_[current_] = {};  // the monitor has left the old ones
  current_ = next;
  process_ = std::move(process);
  wake_ = std::move(wake);
  dead_ = false;
  attached_ = true;
  for (Session& session : sessions_) session = Session{};
  sd_event_add_io(loop_, &pidfd_source_, process_.pidfd.get(), EPOLLIN, &EngineLink::on_pidfd, this);
  AttachReply answer;
  answer.op = AttachOp::attach;
  answer.capacities = config_.capacities;
  answer.gate_bytes = memories_[current_].gate_mapping.size();
  answer.ledger_bytes = memories_[current_].ledger_mapping.size();
  const int fds[] = {memories_[current_].gate_fd.get(), memories_[current_].ledger_fd.get(), wake_.get()};
  send_reply(answer, fds, 3);
  handler_.engine_attached(std::exchange(was_attached_, true));
}

void EngineLink::reply(AttachOp op, AttachStatus status, std::uint32_t index, std::uint64_t epoch) {
  AttachReply answer;
  answer.op = op;
  answer.status = status;
  answer.index = index;
  answer.epoch = epoch;
  if (op == AttachOp::session_open && status == AttachStatus::ok) {
    answer.next_out_seq_num = handed_[index].out;
    answer.next_in_seq_num = handed_[index].in;
  }
  std::snprintf(answer.why, sizeof answer.why, "%s", status_sentence(status));
  send_reply(answer, nullptr, 0);
}

void EngineLink::send_reply(AttachReply& reply, const int* fds, std::size_t count) {
  iovec part{&reply, sizeof reply};
  alignas(cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (count != 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(c), fds, count * sizeof(int));
  }
  sendmsg(connection_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);  // an engine that does not read notices by itself
}

void EngineLink::wake_engine() const noexcept {
  if (wake_.valid()) notify_eventfd(wake_.get());
}

void EngineLink::lost(bool dead) {
  const bool news = attached_ && !(dead_ && dead);
  dead_ = dead_ || dead;
  close_connection();
  if (dead) pidfd_source_ = sd_event_source_disable_unref(pidfd_source_);
  if (news) handler_.engine_gone(dead);
}

void EngineLink::close_connection() noexcept {
  connection_source_ = sd_event_source_disable_unref(connection_source_);
  connection_.reset();
  pending_ = Pending{};
}

void EngineLink::release() noexcept {
  close_connection();
  pidfd_source_ = sd_event_source_disable_unref(pidfd_source_);
  for (std::uint32_t lane = 0; lane < kLanesMax; ++lane) {
    owner_sources_[lane] = sd_event_source_disable_unref(owner_sources_[lane]);
    owners_[lane].reset();
  }
  if (!attached_) return;
  attached_ = false;
  static_cast<void>(publish(nullptr));  // a monitor that does not answer keeps the old memories: they stay mapped
  for (std::uint32_t slot = 0; slot < kSessionsMax; ++slot) {
    if (witness_.held(slot)) static_cast<void>(witness_.drop(slot));
    sessions_[slot].registered = false;
  }
  process_ = ProcessHandle{};
  wake_.reset();
}

}  // namespace portcullis
