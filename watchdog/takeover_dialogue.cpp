// SPDX-License-Identifier: Apache-2.0
/// @file Begin, step, report: the outside of the dialogue.
#include "watchdog/takeover_dialogue.hpp"

namespace portcullis {

const char* takeover_start_name(TakeoverStart start) noexcept {
  switch (start) {
    case TakeoverStart::ok: return "ok";
    case TakeoverStart::no_template: return "no_template";
    case TakeoverStart::boundary_unknown: return "boundary_unknown";
    case TakeoverStart::cut_message: return "cut_message";
    case TakeoverStart::too_many_orders: return "too_many_orders";
  }
  return "?";
}

const char* takeover_phase_name(TakeoverPhase phase) noexcept {
  switch (phase) {
    case TakeoverPhase::idle: return "idle";
    case TakeoverPhase::asking: return "asking";
    case TakeoverPhase::retrying: return "retrying";
    case TakeoverPhase::done: return "done";
  }
  return "?";
}

const char* takeover_end_name(TakeoverEnd end) noexcept {
  switch (end) {
    case TakeoverEnd::none: return "none";
    case TakeoverEnd::all_acknowledged: return "all_acknowledged";
    case TakeoverEnd::refused: return "refused";
    case TakeoverEnd::unanswered: return "unanswered";
    case TakeoverEnd::silent: return "silent";
    case TakeoverEnd::ended_by_venue: return "ended_by_venue";
  }
  return "?";
}

TakeoverDialogue::TakeoverDialogue(std::uint32_t orders_max) : orders_(orders_max), out_(orders_, orders_max) {}

TakeoverStart TakeoverDialogue::begin(const TakeoverPlan& plan, std::uint64_t now_ns) noexcept {
  phase_ = TakeoverPhase::idle;
  end_ = TakeoverEnd::none;
  counts_ = {};
  plan_ = plan;
  plan_.orders = {};  // copied into orders_
  status_refused_ = false;
  if (!can(Stage::mass) && !can(Stage::cancels)) return TakeoverStart::no_template;
  const Boundary& boundary = plan.boundary;
  if (boundary.kind == BoundaryKind::unknown) return TakeoverStart::boundary_unknown;
  if (boundary.kind == BoundaryKind::inside && !plan.switches.poison) return TakeoverStart::cut_message;
  if (!orders_.begin(plan.orders)) return TakeoverStart::too_many_orders;
  out_.begin(plan.templates, boundary.next_seq_num, plan.id_seed, plan.cancel_rate_per_s);
  if (boundary.kind != BoundaryKind::at_end) {
    const SessionHeader& header = out_.header();
    const std::size_t closed = out_.raw([&](std::span<char> out) {
      return close_cut_message(boundary, header.begin_string(), header.body_length_width(), out);
    });
    if (closed == 0) return TakeoverStart::cut_message;
  }
  if (boundary.resend_from != 0) out_.start_resend(boundary.resend_from, boundary.next_seq_num - 1);
  reader_.clear();
  in_.begin(plan.next_in);
  begun_ns_ = busy_ns_ = last_in_ns_ = now_ns;
  slowest_answer_ns_ = 0;
  figures_doubtful_ = test_request_sent_ = test_req_id_waits_ = false;
  phase_ = TakeoverPhase::asking;
  begin_asking();
  return TakeoverStart::ok;
}

void TakeoverDialogue::connection_ended() noexcept {
  if (active()) finish(TakeoverEnd::ended_by_venue);
}

void TakeoverDialogue::step(std::uint64_t now_ns) noexcept {
  const bool stuck = !out_.requests_taken();
  InboundMessage message;
  while (active() && reader_.next(message)) take(message, now_ns);
  out_.last_processed(in_.expected() - 1);
  if (active()) judge_end(now_ns);
  if (active()) keep_alive(now_ns);
  if (!active()) return;
  ask_for_missing(now_ns);
  out_.go_on_resending(now_ns);
  ask(now_ns);
  if (stuck || out_.resending())
    busy_ns_ = now_ns;  // nobody can have answered what he did not get
  else
    move_on(now_ns);
}

TakeoverReport TakeoverDialogue::report() const noexcept {
  TakeoverReport r = counts_;
  r.phase = phase_;
  r.end = end_;
  r.inbound_whole = in_.whole() && !figures_doubtful_;
  r.next_out_seq_num = out_.next_seq_num_taken();
  r.next_in_seq_num = in_.expected();
  r.open = orders_.count(Fate::open);
  r.acknowledged = orders_.count(Fate::acknowledged);
  r.refused = orders_.count(Fate::refused_by_venue);
  r.unknown = orders_.count(Fate::unknown);
  r.changes = orders_.changes();
  r.repeated = out_.repeated();
  r.forgotten = out_.forgotten();
  r.garbled = reader_.garbled();
  r.skipped_bytes = reader_.skipped_bytes();
  return r;
}

}  // namespace portcullis
