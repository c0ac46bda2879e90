// SPDX-License-Identifier: Apache-2.0
#include "integration/reattach.hpp"
#include "shm/clock.hpp"

#include <sys/epoll.h>

#include <cstdio>

namespace portcullis {
namespace {

constexpr std::uint64_t kTryEveryNs = 100'000'000;
constexpr std::uint64_t kStepEveryNs = 2'000'000;  ///< while an answer is awaited
constexpr std::uint64_t kAnswerWithinNs = 2'000'000'000;
constexpr std::uint64_t kReopenWithinNs = 500'000'000;

/// The engine keeps instrument numbers: a restarted supervisor must use the same.
bool same_instruments(const Attachment& before, const Attachment& now) noexcept {
  if (now.capacities.instruments < before.capacities.instruments) return false;
  for (std::uint32_t i = 0; i < before.capacities.instruments; ++i)
    if (std::memcmp(before.gate.instrument(i).symbol, now.gate.instrument(i).symbol,
                    sizeof(GateInstrument::symbol)) != 0)
      return false;
  return true;
}

void watch_wake(const pc_hook& hook, const Attachment& now) noexcept {
  if (!hook.attachments.empty())
    static_cast<void>(
        epoll_ctl(hook.poll_fd.get(), EPOLL_CTL_DEL, hook.attachments.back()->wake.get(), nullptr));
  epoll_event event{};
  event.events = EPOLLIN;
  static_cast<void>(epoll_ctl(hook.poll_fd.get(), EPOLL_CTL_ADD, now.wake.get(), &event));
}

pc_status say_attachment_error(pc_hook& hook, AttachmentError error) noexcept {
  switch (error) {
    case AttachmentError::none: return PC_OK;
    case AttachmentError::memory:
      say(hook, "the memories have the wrong size or seals, or cannot be mapped");
      return PC_ERR_VERSION;
    case AttachmentError::kernel: say(hook, "kernel feature missing: MADV_DONTFORK"); return PC_ERR_KERNEL;
    case AttachmentError::layout:
      say(hook, "layout version, fingerprint or capacities differ");
      return PC_ERR_VERSION;
    case AttachmentError::identity: say(hook, "the memories belong to another engine"); return PC_ERR_REFUSED;
    case AttachmentError::limits:
      say(hook, "the gate holds a limit that cannot be judged");
      return PC_ERR_VERSION;
  }
  return PC_ERR_VERSION;
}

void give_up(pc_hook& hook, const char* why) noexcept {
  say(hook, why);
  hook.given_up = true;
  hook.pending.reset();
}

/// Asks without waiting.
void ask_again(pc_hook& hook, std::uint64_t now_ns) noexcept {
  if (hook.attachments.size() >= kAttachmentsMax)
    return give_up(hook, "attached 16 times again: restart the engine");
  UniqueFd socket;
  if (connect_supervisor(hook.run_dir, hook.engine, now_ns, socket) != TalkError::none) return;
  if (send_request(socket.get(), attach_request(hook), -1) != TalkError::none) return;
  hook.pending = std::move(socket);
  hook.pending_until_ns = now_ns + kAnswerWithinNs;
}

/// Looks for the answer to ask_again.
void hear_again(pc_hook& hook, std::uint64_t now_ns) {
  Answer answer;
  const TalkError error = receive_answer(hook.pending.get(), AttachOp::attach, now_ns, answer);
  if (error == TalkError::timeout && now_ns < hook.pending_until_ns) return;
  UniqueFd socket = std::move(hook.pending);
  if (error != TalkError::none || answer.reply.status != AttachStatus::ok) return;
  if (adopt(hook, std::move(socket), answer) != PC_OK) return;
  hook.reopening = true;
  hook.pending_session = 0;
}

/// Registers one session again; waits at most 500 ms in all for its answers (no order passes meanwhile).
void reopen_session(pc_hook& hook, pc_session& session) {
  if (session.run.load(std::memory_order_relaxed) == nullptr) return;  // ended
  const std::uint64_t deadline_ns = monotonic_now_ns() + kReopenWithinNs;
  Answer answer;
  if (send_request(hook.socket.get(), make_request(AttachOp::session_open, session.name), session.fd.get()) !=
          TalkError::none ||
      receive_answer(hook.socket.get(), AttachOp::session_open, deadline_ns, answer) != TalkError::none) {
    hook.socket.reset();  // out of step: start over with a new connection
    hook.reopening = false;
    return;
  }
  if (answer.reply.status != AttachStatus::ok || enter_session(hook, session, answer.reply) != PC_OK)
    return say(hook, "a session could not be registered again: ", session.name);
  for (std::size_t at = 0; at + sizeof(std::uint32_t) <= session.templates.size();) {
    std::uint32_t length = 0;
    std::memcpy(&length, session.templates.data() + at, sizeof length);
    at += sizeof length;
    if (send_template(hook, session, std::string_view(session.templates).substr(at, length), deadline_ns) !=
        PC_OK)
      return;
    at += length;
  }
}

void step(pc_hook& hook, std::uint64_t now_ns) {
  if (hook.reopening) {
    if (hook.pending_session < hook.sessions.size())
      return reopen_session(hook, *hook.sessions[hook.pending_session++]);
    hook.reopening = false;
    return;
  }
  if (hook.pending.valid()) return hear_again(hook, now_ns);
  if (!hook.socket.valid() || hung_up(hook.socket.get())) {
    hook.socket.reset();
    ask_again(hook, now_ns);
  }
}

}  // namespace

void say(pc_hook& hook, const char* sentence, const char* detail) noexcept {
  std::snprintf(hook.why, sizeof hook.why, "%s%s", sentence, detail);
}

pc_status refused_by(pc_hook& hook, const AttachReply& reply) noexcept {
  say(hook, reply.why[0] != '\0' ? reply.why : "the supervisor refused");
  switch (reply.status) {
    case AttachStatus::ok: return PC_OK;
    case AttachStatus::wrong_version: return PC_ERR_VERSION;
    case AttachStatus::no_membarrier: return PC_ERR_KERNEL;
    case AttachStatus::unknown_name: return PC_ERR_UNKNOWN_NAME;
    case AttachStatus::not_tcp: return PC_ERR_NOT_TCP;
    case AttachStatus::full: return PC_ERR_FULL;
    case AttachStatus::bad_template: return PC_ERR_ARGUMENT;
    case AttachStatus::malformed:
    case AttachStatus::wrong_user:
    case AttachStatus::wrong_engine:
    case AttachStatus::already_attached:
    case AttachStatus::no_memory:
    case AttachStatus::not_attached:
    case AttachStatus::open_orders:
    case AttachStatus::internal: return PC_ERR_REFUSED;
  }
  return PC_ERR_REFUSED;
}

pc_status failed_talk(pc_hook& hook, TalkError error) noexcept {
  switch (error) {
    case TalkError::none: return PC_OK;
    case TalkError::absent:
      say(hook, "no supervisor listens in ", hook.run_dir.c_str());
      return PC_ERR_NO_SUPERVISOR;
    case TalkError::timeout: say(hook, "the supervisor did not answer in time"); return PC_ERR_NO_SUPERVISOR;
    case TalkError::broken:
      say(hook, "the supervisor's answer was cut off or makes no sense");
      return PC_ERR_IO;
  }
  return PC_ERR_IO;
}

AttachRequest attach_request(const pc_hook& hook) noexcept {
  AttachRequest request = make_request(AttachOp::attach, hook.engine.c_str());
  request.membarrier_registered = 1;
  return request;
}

pc_status adopt(pc_hook& hook, UniqueFd socket, Answer& answer) {
  if (answer.fd_count != 3) return failed_talk(hook, TalkError::broken);
  const auto number = static_cast<std::uint32_t>(hook.attachments.size());
  std::unique_ptr<Attachment> made;
  const AttachmentError error = make_attachment(answer.fds[0].get(), answer.fds[1].get(),
                                                answer.reply.capacities, hook.engine, number, made);
  if (error != AttachmentError::none) return say_attachment_error(hook, error);
  if (number != 0 && !same_instruments(*hook.attachments.front(), *made)) {
    give_up(hook, "the instruments were numbered anew: restart the engine");
    return PC_ERR_REFUSED;
  }
  store(made->ledger.header().membarrier_registered, 1);
  made->wake = std::move(answer.fds[2]);
  watch_wake(hook, *made);
  hook.socket = std::move(socket);
  Attachment* published = made.get();
  hook.attachments.push_back(std::move(made));
  for (const std::unique_ptr<pc_lane>& lane : hook.lanes) open_lane(hook, *lane);
  hook.attachment.store(published, std::memory_order_release);
  say(hook, "attached");
  return PC_OK;
}

LaneRun* run_on(const pc_hook& hook, const Attachment* attachment, std::uint32_t number) noexcept {
  if (attachment == nullptr) return nullptr;
  return hook.run_at[attachment->number][number].load(std::memory_order_acquire);
}

bool open_lane(pc_hook& hook, pc_lane& lane) {
  Attachment& newest = *hook.attachments.back();
  const std::uint32_t index = newest.find_lane(lane.name);
  if (index == kNoPair) return false;
  std::unique_ptr<LaneRun> run = make_lane_run(newest, index);
  hook.runs.reserve(hook.runs.size() + 1);
  hook.run_at[newest.number][lane.number].store(run.get(), std::memory_order_release);
  hook.runs.push_back(std::move(run));
  return true;
}

pc_status enter_session(pc_hook& hook, pc_session& session, const AttachReply& reply) {
  Attachment& newest = *hook.attachments.back();
  if (reply.index >= newest.capacities.sessions || reply.epoch == 0)
    return failed_talk(hook, TalkError::broken);
  SessionBlock& block = newest.ledger.session(reply.index);
  auto run = std::make_unique<SessionRun>();
  *run = {&newest, &block, reply.epoch, reply.base_bytes, reply.index};
  for (Word* word :
       {&block.declared_bytes, &block.next_out_seq_num, &block.ends_head, &block.unsubmitted_orders,
        &block.declared_ns, &block.new_orders, &block.first_out_seq_num, &block.logon_resets, &block.processed_seq_num})
    store(*word, 0);
  store(block.epoch, reply.epoch);
  SessionRun* published = run.get();
  hook.session_runs.push_back(std::move(run));
  newest.sessions[reply.index].store(&session, std::memory_order_release);
  session.run.store(published, std::memory_order_release);
  return PC_OK;
}

pc_status send_template(pc_hook& hook, const pc_session& session, std::string_view text,
                        std::uint64_t deadline_ns) noexcept {
  const SessionRun* run = session.run.load(std::memory_order_acquire);
  if (run == nullptr) return PC_ERR_CLOSED;
  AttachRequest request = make_request(AttachOp::session_template, session.name);
  request.index = run->index;
  request.epoch = run->epoch;
  request.text_bytes = static_cast<std::uint32_t>(text.size());
  std::memcpy(request.text, text.data(), text.size());
  Answer answer;
  TalkError error = send_request(hook.socket.get(), request, -1);
  if (error == TalkError::none)
    error = receive_answer(hook.socket.get(), AttachOp::session_template, deadline_ns, answer);
  if (error != TalkError::none) return failed_talk(hook, error);
  return answer.reply.status == AttachStatus::ok ? PC_OK : refused_by(hook, answer.reply);
}

void try_reattach(pc_hook& hook, std::uint64_t now_ns) noexcept {
  if (now_ns < hook.next_try_ns.load(std::memory_order_relaxed)) return;
  const std::unique_lock<std::mutex> lock(hook.talk, std::try_to_lock);
  if (!lock.owns_lock() || hook.given_up || hook.attachments.empty()) return;
  try {
    step(hook, now_ns);
  } catch (const std::bad_alloc&) {
    give_up(hook, "no memory to attach again: restart the engine");
  }
  const bool waits = hook.pending.valid() || hook.reopening;
  hook.next_try_ns.store(now_ns + (waits ? kStepEveryNs : kTryEveryNs), std::memory_order_relaxed);
}

}  // namespace portcullis
