// SPDX-License-Identifier: Apache-2.0
/// @file Who is asked what and when; what silence leads to; when it is over.
///
///   mass --refused--> cancels
///     |  quiet: status (if there is one), else cancels
///   cancels -- quiet --> status -- quiet --> cancels ... three rounds of cancels, then one every cancel_retry_ns
///   no answer to anything: once, a fresh number and everything from the start
#include "watchdog/takeover_dialogue.hpp"

namespace portcullis {
namespace {

constexpr std::uint32_t kCancelRounds = 3;
constexpr std::uint64_t kPatience = 3;  // times answer_ns: longest wait for a venue whose answers took long before

}  // namespace

bool TakeoverDialogue::can(Stage stage) const noexcept {
  const auto has = [](const TakeoverTemplate* text, TemplateKind kind) {
    return text != nullptr && !text->empty() && text->kind() == kind;
  };
  const TakeoverTemplates& t = plan_.templates;
  switch (stage) {
    case Stage::mass: return plan_.switches.mass_cancel && has(t.mass_cancel, TemplateKind::mass_cancel);
    case Stage::cancels: return has(t.cancel, TemplateKind::cancel);
    case Stage::status:
      return plan_.switches.status_request && !status_refused_ && has(t.status_request, TemplateKind::status_request);
  }
  return false;
}

void TakeoverDialogue::begin_asking() noexcept {
  heard_ = mass_refused_ = exhausted_ = false;
  cancel_rounds_ = 0;
  orders_.clear_queue();
  start_stage(can(Stage::mass) ? Stage::mass : Stage::cancels);
}

void TakeoverDialogue::start_stage(Stage stage) noexcept {
  stage_ = stage;
  mass_sent_ = heard_since_ask_ = false;
  if (stage == Stage::cancels) ++cancel_rounds_;
  orders_.queue_unblocked(stage != Stage::mass);  // a mass cancel covers older names too
  if (stage != Stage::mass) orders_.queue_open();
}

void TakeoverDialogue::ask(std::uint64_t now_ns) noexcept {
  if (stage_ == Stage::mass && !mass_sent_) {
    if (!out_.request(TemplateKind::mass_cancel, TakeoverOrders::kNone, now_ns)) return;
    mass_sent_ = true;
    ++counts_.mass_cancels_sent;
    busy_ns_ = now_ns;
    if (counts_.first_cancel_ns == 0) counts_.first_cancel_ns = now_ns;
  }
  orders_.queue_due(now_ns, plan_.times.cancel_retry_ns);
  for (std::uint32_t order = orders_.front(); order != TakeoverOrders::kNone; order = orders_.front()) {
    if (!ask_one(order, now_ns)) return;
    orders_.pop();
  }
}

/// True where the order was asked for, or cannot be.
bool TakeoverDialogue::ask_one(std::uint32_t order, std::uint64_t now_ns) noexcept {
  const bool refused = orders_.outcome(order).fate == Fate::refused_by_venue;
  const bool status = refused ? orders_.lacks_order_id(order) : stage_ == Stage::status;
  if (status && can(Stage::status)) {  // a refused one is asked for the OrderID that its cancel lacked
    if (!out_.request(TemplateKind::status_request, order, now_ns)) return false;
    ++counts_.status_requests_sent;
    if (!refused) busy_ns_ = now_ns;
    return true;
  }
  if (!can(Stage::cancels)) return true;
  if (!out_.request(TemplateKind::cancel, order, now_ns)) return false;
  ++counts_.cancels_sent;
  orders_.asked_without_order_id(order,
                                 plan_.templates.cancel->names_order_id() && orders_.order_id(order).empty());
  if (!refused) busy_ns_ = now_ns;  // tries of refused orders do not hold up the questions about open ones
  if (counts_.first_cancel_ns == 0) counts_.first_cancel_ns = now_ns;
  return true;
}

/// Everything was asked and has left: is it quiet for long enough?
void TakeoverDialogue::move_on(std::uint64_t now_ns) noexcept {
  const bool asking = !orders_.queue_empty() || (stage_ == Stage::mass && !mass_sent_);
  if (phase_ != TakeoverPhase::asking || asking) return;
  if (stage_ == Stage::mass && mass_refused_) return next_question(now_ns);
  const std::uint64_t quiet_ns = now_ns - busy_ns_;
  if (!heard_ && !in_.ever_asked() && quiet_ns >= plan_.times.answer_ns / 2 &&
      out_.resend_request(in_.expected(), now_ns))
    in_.asked(now_ns);  // what the engine had read and not booked may be all that is missing
  const TakeoverTimes& times = plan_.times;
  const std::uint64_t wait_ns = exhausted_         ? times.cancel_retry_ns
                                : heard_since_ask_ ? times.quiet_ns
                                                   : times.answer_ns;
  const std::uint64_t patience_ns = std::min(2 * slowest_answer_ns_, kPatience * times.answer_ns);
  if (quiet_ns >= std::max(wait_ns, patience_ns)) next_question(now_ns);
}

void TakeoverDialogue::next_question(std::uint64_t now_ns) noexcept {
  if (!heard_ && plan_.switches.reset_mode && counts_.resets == 0) return start_over(now_ns);
  const bool answered = stage_ == Stage::mass && heard_ && !mass_refused_;
  if ((answered || stage_ == Stage::cancels) && can(Stage::status) && !exhausted_) return start_stage(Stage::status);
  if (can(Stage::cancels) && (cancel_rounds_ < kCancelRounds || exhausted_)) return start_stage(Stage::cancels);
  exhausted_ = true;
}

/// Silence: the venue may wait for a resend that the engine swallowed. Numbers that may have been spent stay spent.
void TakeoverDialogue::start_over(std::uint64_t now_ns) noexcept {
  if (!out_.reset_numbers(now_ns)) return;
  ++counts_.resets;
  begin_asking();
}

void TakeoverDialogue::ask_for_missing(std::uint64_t now_ns) noexcept {
  if (counts_.first_cancel_ns == 0 || out_.resending() || !out_.bytes().empty()) return;  // the cancel goes first
  if (in_.ask_due(now_ns, plan_.times.answer_ns) && out_.resend_request(in_.expected(), now_ns)) in_.asked(now_ns);
}

void TakeoverDialogue::keep_alive(std::uint64_t now_ns) noexcept {
  if (test_req_id_waits_ && out_.heartbeat({test_req_id_.data(), test_req_id_bytes_}, now_ns))
    test_req_id_waits_ = false;
  const std::uint64_t heartbeat_ns = plan_.times.heartbeat_ns;
  if (heartbeat_ns == 0) return;
  if (now_ns - std::max(out_.last_sent_ns(), begun_ns_) >= heartbeat_ns)
    static_cast<void>(out_.heartbeat({}, now_ns));  // no room: there is enough to be sent
  const std::uint64_t silent_ns = now_ns - last_in_ns_;
  if (silent_ns >= heartbeat_ns * 12 / 5) return finish(TakeoverEnd::silent);
  if (silent_ns >= heartbeat_ns * 6 / 5 && !test_request_sent_) test_request_sent_ = out_.test_request(now_ns);
}

void TakeoverDialogue::judge_end(std::uint64_t now_ns) noexcept {
  const std::uint64_t age_ns = now_ns - begun_ns_;
  if (phase_ == TakeoverPhase::asking) {
    if (orders_.count(Fate::open) != 0 && age_ns < plan_.times.total_ns) return;
    orders_.give_up();
    phase_ = TakeoverPhase::retrying;
  }
  const bool unknown = orders_.count(Fate::unknown) != 0;
  if (orders_.count(Fate::refused_by_venue) == 0)
    return finish(unknown ? TakeoverEnd::unanswered : TakeoverEnd::all_acknowledged);
  if (age_ns >= plan_.times.cancel_retry_total_ns) finish(unknown ? TakeoverEnd::unanswered : TakeoverEnd::refused);
}

void TakeoverDialogue::finish(TakeoverEnd end) noexcept {
  orders_.give_up();
  orders_.clear_queue();
  phase_ = TakeoverPhase::done;
  end_ = end;
}

}  // namespace portcullis
