// SPDX-License-Identifier: Apache-2.0
#include "watchdog/halt_book.hpp"

#include <algorithm>

namespace portcullis {
namespace {

constexpr std::uint64_t kUnsubmittedListed = 64;  // beyond them the first name and the refusal to call it proven suffice

}  // namespace

HaltBook::HaltBook(const Capacities& capacities) {
  report_.orders.reserve(capacities.open_orders + kUnsubmittedListed * kSessionsMax);
  report_.positions.reserve(capacities.pairs);
}

void HaltBook::begin(const HaltReport& head) noexcept {
  std::vector<HaltOrder> orders = std::move(report_.orders);  // both keep their memory
  std::vector<HaltPosition> positions = std::move(report_.positions);
  orders.clear();
  positions.clear();
  report_ = head;
  report_.orders = std::move(orders);
  report_.positions = std::move(positions);
  report_.active = true;
}

/// Orders that were declared and never submitted: on the wire for all we know, in no table. The first has a name.
void HaltBook::list_unsubmitted(const LedgerView& ledger) noexcept {
  for (std::uint32_t s = 0; s < ledger.capacities.sessions; ++s) {
    const SessionBlock& block = ledger.session(s);
    const std::uint64_t count = std::min(load(block.unsubmitted_orders), kUnsubmittedListed);
    for (std::uint64_t i = 0; i < count && report_.orders.size() < report_.orders.capacity(); ++i) {
      HaltOrder entry;
      if (i == 0) entry.cl_ord_id = block.unsubmitted_id.get();
      entry.generation = UINT64_MAX;  // no slot ever has it
      entry.session = s;
      entry.fate = Fate::unknown;
      report_.orders.push_back(entry);
      ++report_.fates[static_cast<std::size_t>(Fate::unknown)];
      report_.undeclared_seen = true;
    }
  }
}

void HaltBook::snapshot(const LedgerView& ledger, const SessionsNow& sessions, std::uint64_t now_ns) noexcept {
  report_.closed_ns = now_ns - report_.breach_ns;
  report_.orders.clear();
  report_.fates = {};
  for (std::uint32_t slot = 0; slot < ledger.capacities.open_orders; ++slot) {
    const OrderReading order = read_order_again(ledger, slot);
    const bool in_scope = report_.engine_wide || order.lane == report_.lane;
    if ((!order.open && !order.torn) || (!in_scope && !order.torn)) continue;
    if (report_.orders.size() == report_.orders.capacity()) break;  // cannot be: reserved for the whole table
    HaltOrder entry;
    entry.cl_ord_id = order.cl_ord_id;
    entry.generation = order.generation;
    entry.slot = slot;
    if (!order.torn) {  // a torn slot stays on the list, without a session: nobody can vouch for it
      entry.lane = order.lane;
      entry.instrument = order.instrument;
      entry.session = order.session;
      entry.epoch = order.epoch;
      entry.msg_end_byte = order.msg_end_byte;
    }
    entry.side = order.side;
    entry.order_qty = order.order_qty;
    entry.cum_qty = entry.booked_cum_qty = order.cum_qty;
    entry.px_e8 = order.px_e8;
    report_.orders.push_back(entry);
    ++report_.fates[static_cast<std::size_t>(Fate::open)];
  }
  list_unsubmitted(ledger);
  report_.open_at_close = static_cast<std::uint32_t>(report_.orders.size());
  for (std::uint32_t s = 0; s < ledger.capacities.sessions; ++s) {
    HaltSession& session = report_.sessions[s];
    session = {};
    session.watched = sessions[s].registered && sessions[s].witnessed;
    session.epoch = sessions[s].sample.epoch;
    session.closed_offset = load(ledger.session(s).declared_bytes);
  }
}

void HaltBook::set(HaltOrder& order, Fate fate) noexcept {
  --report_.fates[static_cast<std::size_t>(order.fate)];
  order.fate = fate;
  ++report_.fates[static_cast<std::size_t>(fate)];
}

void HaltBook::refresh(const LedgerView& ledger, std::uint64_t now_ns) noexcept {
  for (HaltOrder& order : report_.orders) {
    if (order.fate == Fate::acknowledged || order.fate == Fate::never_left) continue;
    const OrderReading now = read_order(ledger, order.slot);
    if (now.generation != order.generation) continue;  // used again: a gate that is closed cannot do that
    if (terminal(now.answer)) {
      order.booked_cum_qty = now.cum_qty;
      order.cum_qty = std::max(order.cum_qty, now.cum_qty);
      set(order, Fate::acknowledged);
      report_.last_ack_ns = now_ns - report_.breach_ns;
    } else if (now.answer == static_cast<std::uint8_t>(AnswerState::cancel_refused) && order.fate == Fate::open) {
      set(order, Fate::refused_by_venue);
    } else if (now.epoch != 0 && order.epoch == 0 && !now.torn) {  // declared between submit and the close
      order.session = now.session;
      order.epoch = now.epoch;
      order.msg_end_byte = now.msg_end_byte;
    }
  }
}

bool HaltBook::contained(const SessionsNow& sessions, bool engine_at_rest) noexcept {
  bool all = true;
  for (std::uint32_t s = 0; s < sessions.size(); ++s) {
    const SessionNow& now = sessions[s];
    HaltSession& session = report_.sessions[s];
    if (now.witnessed && now.sample.undeclared_max_bytes != 0) report_.undeclared_seen = true;
    if (!now.registered) continue;
    if (!now.witnessed || !session.watched || now.sample.epoch != session.epoch) {
      all = false;  // cannot be read, or a connection that was not there when the gate closed
      continue;
    }
    const WitnessSample& sample = now.sample;
    session.severed = sample.state == SessionState::reset;
    if (sample.final_count != 0 || (engine_at_rest && sample.state == SessionState::live)) {
      session.final_accepted = engine_bytes(sample);
      session.final_known = sample.final_count != 0;
    }
    const bool gone = sample.state == SessionState::reset || sample.state == SessionState::hung_up;
    const bool drained = sample.acked_bytes >= session.closed_offset ||
                         (engine_at_rest && sample.acked_bytes >= engine_bytes(sample));
    if (!gone && !drained) all = false;
  }
  return all;
}

Fate HaltBook::fate_by_count(const HaltOrder& order, const SessionsNow& sessions,
                             bool engine_at_rest) const noexcept {
  if (!engine_at_rest) return Fate::unknown;
  const auto final_count = [&](std::uint32_t s) {
    const SessionNow& now = sessions[s];
    return now.registered && now.witnessed && now.sample.final_count != 0 && report_.sessions[s].watched &&
           now.sample.epoch == report_.sessions[s].epoch;
  };
  if (order.epoch == 0) {  // its bytes were never declared: it stayed here only if no session hides anything
    for (std::uint32_t s = 0; s < sessions.size(); ++s)
      if (sessions[s].registered && (!final_count(s) || sessions[s].sample.undeclared_max_bytes != 0))
        return Fate::unknown;
    return order.generation == 0 ? Fate::unknown : Fate::never_left;
  }
  if (order.session >= sessions.size() || !final_count(order.session)) return Fate::unknown;
  const WitnessSample& sample = sessions[order.session].sample;
  if (sample.epoch != order.epoch || sample.undeclared_max_bytes != 0) return Fate::unknown;
  return order.msg_end_byte > engine_bytes(sample) ? Fate::never_left : Fate::unknown;
}

void HaltBook::settle(const SessionsNow& sessions, bool engine_at_rest) noexcept {
  for (HaltOrder& order : report_.orders)
    if (order.fate == Fate::open) set(order, fate_by_count(order, sessions, engine_at_rest));
}

void HaltBook::learn(std::size_t index, Fate fate, std::int64_t cum_qty, std::uint64_t now_ns) noexcept {
  if (index >= report_.orders.size()) return;
  HaltOrder& order = report_.orders[index];
  order.cum_qty = std::max(order.cum_qty, cum_qty);
  const bool settled = order.fate == Fate::acknowledged || order.fate == Fate::never_left;
  if (fate == Fate::open || fate == order.fate || settled) return;
  set(order, fate);
  if (fate == Fate::acknowledged && now_ns > report_.breach_ns) report_.last_ack_ns = now_ns - report_.breach_ns;
}

void HaltBook::give_up(std::size_t index) noexcept {
  if (index < report_.orders.size() && report_.orders[index].fate == Fate::open) set(report_.orders[index], Fate::unknown);
}

void HaltBook::note_positions(const GateView& gate, const LedgerView& ledger) noexcept {
  report_.positions.clear();
  report_.positions_known = true;
  for (std::uint32_t lane = 0; lane < ledger.capacities.lanes; ++lane) {
    const GateLane& of = gate.lane(lane);
    for (std::uint32_t pair = of.pair_begin; pair < of.pair_begin + of.pair_count; ++pair) {
      CellReading reading;
      const Cell& cell = ledger.cell(pair);
      if (!stable_read(ledger.lane(lane), [&] { reading = read_cell(cell); })) reading = read_cell(cell);
      const Holding& h = reading.holding;
      if (!reading.wrong && h.position == 0 && h.working_buy == 0 && h.working_sell == 0) continue;
      if (report_.positions.size() == report_.positions.capacity()) return;  // cannot be: reserved for every pair
      report_.positions.push_back(
          {lane, gate.pair(pair).instrument, !reading.wrong, h.position, h.working_buy, h.working_sell});
    }
  }
}

std::uint32_t HaltBook::settled() const noexcept {
  return report_.count(Fate::acknowledged) + report_.count(Fate::never_left) + report_.count(Fate::refused_by_venue);
}

}  // namespace portcullis
