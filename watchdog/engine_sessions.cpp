// SPDX-License-Identifier: Apache-2.0
/// @file EngineLink's sessions: their sockets go to the witness, the engine's request waits for its word.
#include "shm/clock.hpp"
#include "watchdog/engine_link.hpp"

namespace portcullis {

void EngineLink::open_session(const AttachRequest& request, UniqueFd fd) {
  const std::string_view name(request.name, strnlen(request.name, sizeof request.name));
  std::uint32_t slot = 0;
  while (slot < config_.sessions.size() && config_.sessions[slot].name != name) ++slot;
  if (slot == config_.sessions.size()) return reply(request.op, AttachStatus::unknown_name);
  const bool kernel = config_.sessions[slot].transport == Transport::kernel;
  if (kernel != fd.valid()) return reply(request.op, AttachStatus::not_tcp, slot);  // the file says how it travels
  Session& session = sessions_[slot];
  ++session.epoch;
  session.templates = SessionTemplates{};
  if (!kernel) {
    session.registered = session.opened = true;
    session.witnessed = false;
    reply(request.op, AttachStatus::ok, slot, session.epoch);
    return handler_.session_changed(slot, true);
  }
  pending_ = {AttachOp::session_open, slot, kNoTicket, {}, true};
  if (!witness_.held(slot)) return adopt(slot, std::move(fd));
  pending_.ticket = witness_.drop(slot);  // a reconnect without session_end: the old duplicate goes first
  pending_.socket = std::move(fd);
  if (pending_.ticket == kNoTicket) {
    pending_ = Pending{};
    reply(request.op, AttachStatus::internal, slot);
  }
}

void EngineLink::adopt(std::uint32_t slot, UniqueFd fd) {
  pending_.ticket =
      witness_.adopt(slot, sessions_[slot].epoch, attachment().ledger.session(slot), std::move(fd));
  if (pending_.ticket != kNoTicket) return;
  pending_ = Pending{};
  reply(AttachOp::session_open, AttachStatus::internal, slot);
}

void EngineLink::serve_tickets() noexcept {
  if (!pending_.active) return;
  const WitnessResult result = witness_.result(pending_.ticket);
  if (result == WitnessResult::pending) return;
  const std::uint32_t slot = pending_.slot;
  const AttachOp op = pending_.op;
  if (pending_.socket.valid()) {  // the old duplicate is gone
    UniqueFd socket = std::move(pending_.socket);
    return adopt(slot, std::move(socket));
  }
  pending_ = Pending{};
  if (op == AttachOp::session_end) {
    reply(op, AttachStatus::ok, slot);
    return handler_.session_changed(slot, false);
  }
  const bool ok = result == WitnessResult::ok;
  sessions_[slot].registered = sessions_[slot].witnessed = ok;
  sessions_[slot].opened |= ok;
  const bool no_tcp = result == WitnessResult::not_tcp || result == WitnessResult::not_connected;
  reply(op, ok ? AttachStatus::ok : no_tcp ? AttachStatus::not_tcp : AttachStatus::internal, slot,
        sessions_[slot].epoch);
  if (ok) handler_.session_changed(slot, true);
}

void EngineLink::end_session(const AttachRequest& request) {
  if (request.index >= config_.sessions.size()) return reply(request.op, AttachStatus::unknown_name);
  Session& session = sessions_[request.index];
  if (!session.registered || session.epoch != request.epoch) return reply(request.op, AttachStatus::ok, request.index);
  session.registered = false;
  if (!witness_.held(request.index)) {
    reply(request.op, AttachStatus::ok, request.index);
    return handler_.session_changed(request.index, false);
  }
  pending_ = {AttachOp::session_end, request.index, witness_.drop(request.index), {}, true};
  if (pending_.ticket == kNoTicket) {
    pending_ = Pending{};
    reply(request.op, AttachStatus::internal, request.index);
  }
}

AttachStatus EngineLink::keep_template(const AttachRequest& request, std::size_t bytes) {
  if (request.index >= config_.sessions.size()) return AttachStatus::unknown_name;
  if (request.text_bytes == 0 || request.text_bytes > kTemplateBytes ||
      bytes != kAttachRequestHead + request.text_bytes)
    return AttachStatus::malformed;
  const std::string_view text(request.text, request.text_bytes);
  if (text.substr(0, 6) != "8=FIX.") return AttachStatus::malformed;
  const TemplateError error = sessions_[request.index].templates.keep(text, monotonic_now_ns());
  // a dialect or a type that no take-over speaks is no mistake: status shows the rung as missing, and why
  const bool unspoken = error == TemplateError::version || error == TemplateError::wrong_type;
  return error == TemplateError::ok || unspoken ? AttachStatus::ok : AttachStatus::bad_template;
}

AttachStatus EngineLink::watch_owner(std::uint32_t lane, UniqueFd pidfd) {
  if (lane >= config_.lanes.size()) return AttachStatus::unknown_name;
  if (!pidfd.valid()) return AttachStatus::malformed;
  owner_sources_[lane] = sd_event_source_disable_unref(owner_sources_[lane]);
  owners_[lane] = std::move(pidfd);
  const int r = sd_event_add_io(loop_, &owner_sources_[lane], owners_[lane].get(), EPOLLIN, &EngineLink::on_owner, this);
  return r < 0 ? AttachStatus::malformed : AttachStatus::ok;
}

int EngineLink::on_owner(sd_event_source* source, int, std::uint32_t, void* self_ptr) {
  auto& self = *static_cast<EngineLink*>(self_ptr);
  for (std::uint32_t lane = 0; lane < kLanesMax; ++lane) {
    if (self.owner_sources_[lane] != source) continue;
    self.owner_sources_[lane] = sd_event_source_disable_unref(self.owner_sources_[lane]);
    Word& word = self.board_.owner_dead[lane / 64];
    store(word, load(word) | std::uint64_t{1} << (lane % 64));
    self.handler_.owner_died(lane);
  }
  return 0;
}

void EngineLink::read_sessions(SessionsNow& out) const noexcept {
  for (std::uint32_t slot = 0; slot < kSessionsMax; ++slot) {
    SessionNow& now = out[slot];
    now.registered = sessions_[slot].registered;
    WitnessSample sample;
    // a witness that was descheduled while it published leaves the reading before this one: no news is no alarm here, its
    // age is the monitor's to judge
    if (witness_.sample(slot, sample)) now.sample = sample;
    now.witnessed = sessions_[slot].witnessed && now.sample.polls != 0 && now.sample.epoch == sessions_[slot].epoch;
  }
}

std::uint64_t EngineLink::inode(std::uint32_t slot) const noexcept {
  return sessions_[slot].registered && sessions_[slot].witnessed ? witness_.identity(slot).inode : 0;
}

}  // namespace portcullis
