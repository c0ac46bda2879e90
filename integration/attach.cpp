// SPDX-License-Identifier: Apache-2.0
/// @file pc_attach to pc_detach: everything that talks to the supervisor, and the hook's own life. Any
/// thread, not on the order path. A failed attach still gives a hook, whose every verdict is PC_CLOSED.
#include <sys/epoll.h>

#include <fcntl.h>

#include <cstdlib>

#include "integration/reattach.hpp"
#include "shm/clock.hpp"

namespace portcullis {
namespace {

constexpr std::uint32_t kTimeoutMs = 2'000;  ///< default, to connect and be answered

bool plain_name(const char* name) noexcept {
  std::size_t length = 0;
  for (const char* p = name; *p != '\0'; ++p, ++length) {
    const bool letter = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');
    if ((!letter && *p != '_' && *p != '-') || length + 1 >= kNameBytes) return false;
  }
  return length != 0;
}

std::uint64_t deadline_after(std::uint32_t ms) noexcept {
  return monotonic_now_ns() + std::uint64_t{ms == 0 ? kTimeoutMs : ms} * 1'000'000;
}

/// The kernel features that the hook stands on.
bool kernel_fits(pc_hook& hook) noexcept {
  hook.alive = alive_word();
  hook.poll_fd.reset(epoll_create1(EPOLL_CLOEXEC));
  if (hook.alive == nullptr) {
    say(hook, "kernel feature missing: MADV_WIPEONFORK");
  } else if (!hook.poll_fd.valid()) {
    say(hook, "no descriptor for epoll");
  } else if (!register_membarrier()) {
    say(hook, "kernel feature missing: membarrier MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED");
  } else {
    return true;
  }
  return false;
}

pc_status attach(pc_hook& hook, const pc_attach_options& options) {
  hook.engine = options.engine;
  const char* folder = options.run_dir != nullptr ? options.run_dir : std::getenv("PORTCULLIS_RUN_DIR");
  hook.run_dir = folder != nullptr && *folder != '\0' ? folder : "/run/portcullis";
  if (!kernel_fits(hook)) return PC_ERR_KERNEL;
  const std::uint64_t deadline_ns = deadline_after(options.timeout_ms);
  UniqueFd socket;
  TalkError error = connect_supervisor(hook.run_dir, hook.engine, deadline_ns, socket);
  if (error == TalkError::none) error = send_request(socket.get(), attach_request(hook), -1);
  Answer answer;
  if (error == TalkError::none) error = receive_answer(socket.get(), AttachOp::attach, deadline_ns, answer);
  if (error != TalkError::none) return failed_talk(hook, error);
  if (answer.reply.status != AttachStatus::ok) return refused_by(hook, answer.reply);
  return adopt(hook, std::move(socket), answer);
}

/// One request on the attach socket and its reply.
pc_status exchange(pc_hook& hook, const AttachRequest& request, int fd, Answer& answer) noexcept {
  if (!hook.socket.valid()) {
    say(hook, "not attached");
    return PC_ERR_NO_SUPERVISOR;
  }
  TalkError error = send_request(hook.socket.get(), request, fd);
  if (error == TalkError::none)
    error = receive_answer(hook.socket.get(), request.op, deadline_after(0), answer);
  if (error != TalkError::none) {
    hook.socket.reset();  // a late answer would be taken for the next one's
    return failed_talk(hook, error);
  }
  return answer.reply.status == AttachStatus::ok ? PC_OK : refused_by(hook, answer.reply);
}

bool same_name(const char* held, const char* name) noexcept { return std::strcmp(held, name) == 0; }

pc_status open_lane_named(pc_hook& hook, const char* name, pc_lane*& out) {
  for (const std::unique_ptr<pc_lane>& lane : hook.lanes)
    if (same_name(lane->name, name)) {
      out = lane.get();
      return PC_OK;
    }
  if (hook.lanes.size() >= kLanesMax) return PC_ERR_FULL;
  auto lane = std::make_unique<pc_lane>();
  lane->alive = hook.alive;
  lane->hook = &hook;
  lane->number = static_cast<std::uint32_t>(hook.lanes.size());
  std::strncpy(lane->name, name, sizeof lane->name - 1);
  if (!hook.attachments.empty() && !open_lane(hook, *lane)) {
    say(hook, "no such lane in the configuration: ", lane->name);
    return PC_ERR_UNKNOWN_NAME;
  }
  hook.lanes.reserve(hook.lanes.size() + 1);
  lane->mine = run_on(hook, hook.attachment.load(std::memory_order_relaxed), lane->number);
  lane->run.store(lane->mine, std::memory_order_release);
  hook.lane_at[lane->number].store(lane.get(), std::memory_order_release);
  out = lane.get();
  hook.lanes.push_back(std::move(lane));
  return hook.attachments.empty() ? PC_ERR_NO_SUPERVISOR : PC_OK;
}

pc_status open_session(pc_hook& hook, const char* name, int fd, pc_session*& out) {
  auto session = std::make_unique<pc_session>();
  session->alive = hook.alive;
  session->hook = &hook;
  std::strncpy(session->name, name, sizeof session->name - 1);
  if (fd >= 0) session->fd.reset(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (fd >= 0 && !session->fd.valid()) return PC_ERR_ARGUMENT;
  Answer answer;
  const AttachRequest request = make_request(AttachOp::session_open, name);
  if (const pc_status status = exchange(hook, request, session->fd.get(), answer); status != PC_OK)
    return status;
  hook.sessions.reserve(hook.sessions.size() + 1);
  if (const pc_status status = enter_session(hook, *session, answer.reply); status != PC_OK) return status;
  session->handed_out_seq_num = answer.reply.next_out_seq_num;
  session->handed_in_seq_num = answer.reply.next_in_seq_num;
  out = session.get();
  hook.sessions.push_back(std::move(session));
  return PC_OK;
}

/// Runs an attachment call that may allocate; no exception crosses the C interface.
template <typename Call>
pc_status guarded(pc_hook& hook, Call&& call) noexcept {
  if (hook.alive != nullptr && !alive(hook.alive))
    return PC_ERR_CLOSED;  // a forked child; the mutex may be held for ever
  const std::lock_guard<std::mutex> lock(hook.talk);
  try {
    return call();
  } catch (...) {
    say(hook, "no memory");
    return PC_ERR_FULL;
  }
}

}  // namespace
}  // namespace portcullis

using namespace portcullis;

pc_status pc_attach(const pc_attach_options* options, pc_hook** hook) {
  if (hook == nullptr) return PC_ERR_ARGUMENT;
  *hook = new (std::nothrow) pc_hook;
  if (*hook == nullptr) return PC_ERR_FULL;
  if (!whole(options) || options->engine == nullptr || !plain_name(options->engine)) {
    say(**hook, "the engine's name is missing, too long, or has other characters than A-Z a-z 0-9 _ -");
    return PC_ERR_ARGUMENT;
  }
  return guarded(**hook, [&] { return attach(**hook, *options); });
}

const char* pc_why(const pc_hook* hook) { return hook == nullptr ? "no hook" : hook->why; }

int pc_fd(const pc_hook* hook) {
  if (hook == nullptr || hook->attachment.load(std::memory_order_acquire) == nullptr) return -1;
  return hook->poll_fd.get();
}

pc_status pc_detach(pc_hook* hook, pc_keep keep) {
  if (hook == nullptr) return PC_ERR_ARGUMENT;
  if (hook->alive != nullptr && !alive(hook->alive))
    return PC_ERR_CLOSED;  // a child leaves everything as it is
  pc_status status = PC_ERR_NO_SUPERVISOR;
  if (!hook->attachments.empty()) {
    store(hook->attachments.back()->ledger.header().detaching, 1 + static_cast<std::uint64_t>(keep));
    status = guarded(*hook, [&] {
      Answer answer;
      AttachRequest request = make_request(AttachOp::detach, hook->engine.c_str());
      request.keep = static_cast<std::uint32_t>(keep);
      return exchange(*hook, request, -1, answer);
    });
  }
  delete hook;
  return status;
}

uint32_t pc_instrument(const pc_hook* hook, const char* symbol) {
  if (hook == nullptr || symbol == nullptr || !alive(hook->alive)) return PC_NONE;
  const Attachment* attachment = hook->attachment.load(std::memory_order_acquire);
  return attachment == nullptr ? PC_NONE : attachment->find_instrument(symbol);
}

pc_status pc_lane_open(pc_hook* hook, const char* name, pc_lane** lane) {
  if (lane == nullptr) return PC_ERR_ARGUMENT;
  *lane = nullptr;
  if (hook == nullptr || name == nullptr || std::strlen(name) >= kNameBytes) return PC_ERR_ARGUMENT;
  return guarded(*hook, [&] { return open_lane_named(*hook, name, *lane); });
}

pc_status pc_lane_owner(pc_lane* lane, int pidfd) {
  if (lane == nullptr || pidfd < 0) return PC_ERR_ARGUMENT;
  const LaneRun* run = lane->run.load(std::memory_order_acquire);
  if (run == nullptr || !alive(lane->alive)) return PC_ERR_CLOSED;
  return guarded(*lane->hook, [&] {
    Answer answer;
    AttachRequest request = make_request(AttachOp::lane_owner, lane->name);
    request.index = run->lane;
    const pc_status status = exchange(*lane->hook, request, pidfd, answer);
    if (status == PC_OK) store(run->block->owner_set, 1);
    return status;
  });
}

pc_status pc_session_open(pc_hook* hook, const char* name, int fd, pc_session** session) {
  if (session == nullptr) return PC_ERR_ARGUMENT;
  *session = nullptr;
  if (hook == nullptr || name == nullptr || *name == '\0' || std::strlen(name) >= kNameBytes)
    return PC_ERR_ARGUMENT;
  if (hook->attachment.load(std::memory_order_acquire) == nullptr) return PC_ERR_NO_SUPERVISOR;
  return guarded(*hook, [&] { return open_session(*hook, name, fd, *session); });
}

pc_status pc_session_template(pc_session* session, pc_text message) {
  if (session == nullptr || message.data == nullptr || message.length == 0 || message.length > kTemplateBytes)
    return PC_ERR_ARGUMENT;
  if (!alive(session->alive)) return PC_ERR_CLOSED;
  pc_hook& hook = *session->hook;
  return guarded(hook, [&] {
    if (!hook.socket.valid()) return PC_ERR_NO_SUPERVISOR;
    const std::uint32_t length = message.length;
    session->templates.reserve(session->templates.size() + sizeof length + length);
    const pc_status status = send_template(hook, *session, {message.data, length}, deadline_after(0));
    if (status != PC_OK) return status;
    session->templates.append(reinterpret_cast<const char*>(&length), sizeof length)
        .append(message.data, length);
    return PC_OK;
  });
}

pc_status pc_session_end(pc_session* session) {
  if (session == nullptr) return PC_ERR_ARGUMENT;
  if (!alive(session->alive)) return PC_ERR_CLOSED;
  pc_hook& hook = *session->hook;
  return guarded(hook, [&] {
    SessionRun* run = session->run.exchange(nullptr, std::memory_order_acq_rel);
    if (run == nullptr) return PC_ERR_CLOSED;
    run->attachment->sessions[run->index].store(nullptr, std::memory_order_release);
    session->fd.reset();
    AttachRequest request = make_request(AttachOp::session_end, session->name);
    request.index = run->index;
    request.epoch = run->epoch;
    Answer answer;
    return exchange(hook, request, -1, answer);
  });
}
