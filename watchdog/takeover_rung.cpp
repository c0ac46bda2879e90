// SPDX-License-Identifier: Apache-2.0
#include "watchdog/takeover_rung.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "shm/clock.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kQuietMs = 250;  // after answers began to come: the next question follows sooner
constexpr std::uint64_t kRetryMs = 5'000;

/// The order that a replace under way would change; an empty id where there is none, or it is answered.
Id replaced_id(const LedgerView& ledger, const OrderSlot& slot) noexcept {
  const std::uint64_t orig = load(slot.orig_slot);
  const auto index = static_cast<std::uint32_t>(orig) - 1;
  if (static_cast<std::uint32_t>(orig) == 0 || index >= ledger.capacities.open_orders) return {};
  const OrderReading before = read_order(ledger, index);
  return before.open && (before.generation & 0xFFFF'FFFFU) == orig >> 32U ? before.cl_ord_id : Id{};
}

TakeoverOrder read_takeover_order(const LedgerView& ledger, const Config& config, const HaltOrder& from) noexcept {
  const OrderSlot& slot = ledger.order(from.slot);
  TakeoverOrder order;
  order.cl_ord_id = from.cl_ord_id;
  order.orig_cl_ord_id = replaced_id(ledger, slot);
  order.order_id = slot.order_id.get();
  if (from.instrument < config.instruments.size()) order.symbol = config.instruments[from.instrument].symbol;
  order.side = static_cast<char>('0' + (from.side <= 9 ? from.side : 0));
  order.order_qty = from.order_qty;
  order.cum_qty = from.booked_cum_qty;
  order.notional_e4 = load(slot.notional_e4);
  order.msg_seq_num = load(slot.msg_seq_num);
  order.msg_end_byte = from.msg_end_byte;
  return order;
}

/// One word for the record: how it ended, or why it could not begin.
const char* end_text(const TakeoverStatus& status) noexcept {
  switch (status.state) {
    case TakeoverState::idle:
    case TakeoverState::settling:
    case TakeoverState::speaking: return "cut_short";
    case TakeoverState::ended: return takeover_end_name(status.report.end);
    case TakeoverState::intruded: return "somebody_else_wrote";
    case TakeoverState::impossible:
      return status.obstacle == TakeoverObstacle::start ? takeover_start_name(status.start)
                                                        : takeover_obstacle_name(status.obstacle);
  }
  return "?";
}

}  // namespace

TakeoverRung::TakeoverRung(const Config& config, Witness& witness, TakeoverLog& log)
    : config_(config), witness_(witness) {
  for (std::uint32_t slot = 0; slot < config.sessions.size(); ++slot) {
    if (config.sessions[slot].transport != Transport::kernel || !config.sessions[slot].take_over) continue;
    slots_[slot].session = std::make_unique<TakeoverSession>(config.capacities.open_orders, log);
    slots_[slot].book_index.reserve(std::min(config.capacities.open_orders, kTakeoverOrdersMax));
  }
}

std::string TakeoverRung::note(std::uint32_t slot, const EngineLink& link) const {
  const SessionConfig& session = config_.sessions[slot];
  if (session.transport != Transport::kernel) return fmt::format("missing: transport {}", transport_name(session.transport));
  if (!session.take_over) return "missing: take_over = false in the configuration";
  if (!link.registered(slot)) return "missing: no connection is registered";
  const SessionTemplates& held = link.templates(slot);
  const TakeoverTemplates use = held.usable();
  if (use.cancel == nullptr && (use.mass_cancel == nullptr || !session.mass_cancel))
    return held.refused == TemplateError::ok
               ? "missing: the engine rendered no cancel (35=F)"
               : fmt::format("missing: the engine's template cannot be used: {}", template_error_name(held.refused));
  std::string types = use.cancel != nullptr ? "F" : "";
  if (use.mass_cancel != nullptr) types += types.empty() ? "q" : ",q";
  if (use.status_request != nullptr) types += ",H";
  return "ready: templates " + types;
}

bool TakeoverRung::possible(std::uint32_t slot, const EngineLink& link, const SessionNow& now) const noexcept {
  if (slots_[slot].session == nullptr || !link.registered(slot) || !now.witnessed || !witness_.held(slot)) return false;
  const TakeoverTemplates use = link.templates(slot).usable();
  const bool can_ask = use.cancel != nullptr || (use.mass_cancel != nullptr && config_.sessions[slot].mass_cancel);
  return can_ask && now.sample.state == SessionState::live && now.sample.undeclared_max_bytes == 0;
}

bool TakeoverRung::possible(const EngineLink& link, const SessionsNow& sessions) const noexcept {
  for (std::uint32_t slot = 0; slot < config_.sessions.size(); ++slot)
    if (possible(slot, link, sessions[slot])) return true;
  return false;
}

TakeoverPlan TakeoverRung::plan(std::uint32_t slot, const EngineLink& link, std::uint64_t orders,
                                std::uint64_t wall_ns) const noexcept {
  const SessionConfig& session = config_.sessions[slot];
  TakeoverPlan plan;
  plan.templates = link.templates(slot).usable();
  plan.switches = {session.mass_cancel, session.poison, session.reset_mode, session.status_request};
  plan.times.answer_ns = config_.ladder.answer_ms * kNsPerMs;
  plan.times.quiet_ns = std::min<std::uint64_t>(config_.ladder.answer_ms, kQuietMs) * kNsPerMs;
  plan.times.total_ns =
      config_.ladder.take_over_ms * kNsPerMs + orders * 1'000 * kNsPerMs / session.cancel_rate_per_s;
  plan.times.cancel_retry_ns = kRetryMs * kNsPerMs;
  plan.times.cancel_retry_total_ns = config_.ladder.cancel_retry_s * 1'000 * kNsPerMs;
  plan.times.heartbeat_ns = session.heartbeat_s * 1'000 * kNsPerMs;
  plan.cancel_rate_per_s = session.cancel_rate_per_s;
  plan.next_in = load(link.attachment().ledger.session(slot).processed_seq_num) + 1;
  plan.id_seed = takeover_id_seed(wall_ns, slot);
  return plan;
}

void TakeoverRung::begin(const EngineLink& link, HaltBook& book, const SessionsNow& sessions,
                         std::uint64_t wall_ns) noexcept {
  for (std::uint32_t slot = 0; slot < config_.sessions.size(); ++slot) {
    slots_[slot].begun = false;
    if (possible(slot, link, sessions[slot])) begin_one(slot, link, book, wall_ns);
  }
}

void TakeoverRung::begin_one(std::uint32_t slot, const EngineLink& link, HaltBook& book, std::uint64_t wall_ns) noexcept {
  Slot& to = slots_[slot];
  const LedgerView& ledger = link.attachment().ledger;
  const HaltReport& report = book.report();
  const std::uint64_t epoch = report.sessions[slot].epoch;
  to.session->prepare(plan(slot, link, report.orders.size(), wall_ns), message_ends_of(ledger, slot), epoch,
                      static_cast<std::uint64_t>(config_.sessions[slot].backlog_bytes));
  to.book_index.clear();
  for (std::uint32_t i = 0; i < report.orders.size(); ++i) {
    const HaltOrder& order = report.orders[i];
    const bool ours = order.session == slot && order.epoch != 0 && order.slot < ledger.capacities.open_orders;
    if (!ours || (order.fate != Fate::open && order.fate != Fate::refused_by_venue)) continue;
    const bool this_epoch = order.epoch == (epoch & 0xFFFF'FFFFU);
    if (!to.session->add(read_takeover_order(ledger, config_, order), this_epoch)) break;
    to.book_index.push_back(i);
  }
  to.ticket = witness_.take_over(slot, *to.session);
  to.begun = to.ticket != kNoTicket;
  to.over = false;
  to.changes_seen = UINT64_MAX;
  book.report().sessions[slot].taken_over = to.begun;
}

void TakeoverRung::learn(Slot& slot, HaltBook& book, HaltSession& session, const TakeoverStatus& status) noexcept {
  if (status.state == TakeoverState::impossible) session.taken_over = false;  // not a byte was written
  session.inbound_whole = status.report.inbound_whole;
  session.next_out_seq_num = status.report.next_out_seq_num;
  session.next_in_seq_num = status.report.next_in_seq_num;
  session.take_over_end = end_text(status);
  if (status.report.changes == slot.changes_seen) return;
  slot.changes_seen = status.report.changes;
  const std::uint64_t ack_ns = status.report.last_ack_ns != 0 ? status.report.last_ack_ns : monotonic_now_ns();
  for (std::uint32_t i = 0; i < slot.book_index.size(); ++i)
    book.learn(slot.book_index[i], slot.session->fate(i), slot.session->cum_qty(i), ack_ns);
}

void TakeoverRung::step(HaltBook& book) noexcept {
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (!slot.begun) continue;
    const WitnessResult result = witness_.result(slot.ticket);
    if (result == WitnessResult::pending) continue;
    TakeoverStatus status;
    if (!slot.session->status(status)) continue;
    learn(slot, book, book.report().sessions[i], status);
    const bool refused = result != WitnessResult::ok;
    slot.over = refused || status.state == TakeoverState::ended || status.state == TakeoverState::impossible ||
                status.state == TakeoverState::intruded;
  }
}

bool TakeoverRung::over() const noexcept {
  return std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return !slot.begun || slot.over; });
}

void TakeoverRung::give_up(HaltBook& book) noexcept {
  step(book);
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (!slots_[i].begun || !book.report().sessions[i].taken_over) continue;
    for (const std::uint32_t index : slots_[i].book_index) book.give_up(index);
  }
}

}  // namespace portcullis
