// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/takeover_venue.hpp"

#include <algorithm>

#include "tests/unit/fix_text.hpp"

namespace portcullis::testing {
namespace {

std::uint64_t to_number(const std::string& text) { return text.empty() ? 0 : std::stoull(text); }

/// Length of the message at the front of `in` by its BodyLength; 0: not whole yet; npos: no message.
std::size_t message_length(const std::string& in) {
  const std::size_t head = std::min<std::size_t>(in.size(), 12);
  if (in.compare(0, head, std::string("8=FIX.4.2\0019=").substr(0, head)) != 0 &&
      in.compare(0, head, std::string("8=FIX.4.4\0019=").substr(0, head)) != 0)
    return std::string::npos;
  const std::size_t soh = in.find('\001', 12);
  if (soh == std::string::npos) return in.size() > 24 ? std::string::npos : 0;
  const std::string digits = in.substr(12, soh - 12);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return std::string::npos;
  const std::size_t total = soh + 1 + std::stoul(digits) + 7;
  return in.size() < total ? 0 : total;
}

bool sum_fits(const std::string& text) {
  unsigned sum = 0;
  for (const char c : text.substr(0, text.size() - 7)) sum += static_cast<unsigned char>(c);
  char trailer[16];
  std::snprintf(trailer, sizeof trailer, "10=%03u\001", sum % 256U);
  return text.substr(text.size() - 7) == trailer;
}

}  // namespace

std::string Heard::get(int tag) const {
  for (const auto& [t, value] : fields)
    if (t == tag) return value;
  return {};
}

bool Heard::has(int tag) const {
  return std::any_of(fields.begin(), fields.end(), [tag](const auto& field) { return field.first == tag; });
}

std::size_t ScriptedVenue::count(const std::string& type) const {
  return static_cast<std::size_t>(
      std::count_if(heard.begin(), heard.end(), [&](const Heard& m) { return m.type == type; }));
}

// ---- what we send it -------------------------------------------------------------------------------------------------

void ScriptedVenue::receive(const std::string& bytes, std::uint64_t now_ns) {
  now_ns_ = now_ns;
  if (disconnected) return;
  in_ += bytes;
  while (!in_.empty()) {
    const std::size_t length = message_length(in_);
    if (length == 0) return;
    if (length == std::string::npos) {
      wrong("no message: " + in_.substr(0, 40));
      in_.clear();
      return;
    }
    const std::string text = in_.substr(0, length);
    in_.erase(0, length);
    if (sum_fits(text))
      read(text);
    else
      ++garbled;
  }
}

void ScriptedVenue::read(const std::string& text) {
  Heard m;
  m.at_ns = now_ns_;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t equal = text.find('=', at), soh = text.find('\001', at);
    if (equal == std::string::npos || equal > soh) return wrong("malformed: " + text);
    m.fields.emplace_back(std::stoi(text.substr(at, equal - at)), text.substr(equal + 1, soh - equal - 1));
    at = soh + 1;
  }
  m.type = m.get(35);
  m.seq_num = to_number(m.get(34));
  if (text.substr(6, 3) != (habits.fix44 ? "4.4" : "4.2")) wrong("version");
  if (m.fields[2].first != 35 || m.get(49) != "FIRM" || m.get(56) != "CME" || !m.has(52) || m.seq_num == 0)
    wrong("header: " + text);
  if (m.get(43) == "Y" && !m.has(122)) wrong("PossDup without OrigSendingTime");
  heard.push_back(m);
  if (habits.throttle_per_s != 0 && (m.type == "F" || m.type == "q" || m.type == "H")) throttle();
  sequence(m);
}

void ScriptedVenue::throttle() {
  stamps_.push_back(now_ns_);
  while (now_ns_ - stamps_.front() >= 1'000'000'000) stamps_.pop_front();
  if (stamps_.size() <= habits.throttle_per_s) return;
  wrong("too fast");
  disconnected = true;
}

void ScriptedVenue::sequence(const Heard& m) {
  if (m.type == "4" && m.get(123) != "Y") return sequence_reset(m);
  if (m.type == "2") return handle(m);  // answered whatever its number, as QuickFIX does
  if (m.seq_num > expected) {
    queue_[m.seq_num] = m;
    if (!habits.asks_again || resend_asked_ == expected) return;
    resend_asked_ = expected;
    send("2", "7=" + std::to_string(expected) + "|16=0|");
    return;
  }
  if (m.seq_num < expected) {
    if (m.get(43) != "Y") wrong("number used twice: " + std::to_string(m.seq_num) + " " + m.type);
    return;
  }
  handle(m);
  for (auto next = queue_.find(expected); next != queue_.end(); next = queue_.find(expected)) {
    const Heard queued = next->second;
    queue_.erase(next);
    handle(queued);
  }
}

void ScriptedVenue::sequence_reset(const Heard& m) {
  const std::uint64_t fresh = to_number(m.get(36));
  if (fresh < expected) return wrong("reset to a lower number");
  for (const auto& [number, queued] : queue_)
    if (number >= fresh) wrong("reset to a number that was used");
  for (const Heard& earlier : heard)
    if (earlier.seq_num >= fresh) wrong("reset to a number that was used");
  expected = fresh;
  queue_.clear();
}

void ScriptedVenue::handle(const Heard& m) {
  if (m.seq_num == expected) expected = m.type == "4" ? to_number(m.get(36)) : expected + 1;
  handled.push_back(m);
  if (m.type == "4" && to_number(m.get(36)) <= m.seq_num) wrong("gap fill that fills nothing");
  if (first_look && first_look(m)) return;
  if (m.type == "1") return send("0", "112=" + m.get(112) + "|");
  if (m.type == "2") return resend(to_number(m.get(7)), to_number(m.get(16)));
  if (m.type == "F" || m.type == "q" || m.type == "H") return application(m);
  if (m.type != "0" && m.type != "4") wrong("type " + m.type);
}

void ScriptedVenue::application(const Heard& m) {
  if (habits.deaf) return;
  if (m.type == "F") cancel(m);
  if (m.type == "q") mass_cancel(m);
  if (m.type == "H") status(m);
}

void ScriptedVenue::fresh_id(const Heard& m) {
  const std::string id = m.get(11);
  if (id.size() > 12 || id.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos)
    wrong("ClOrdID " + id);
  if (!ids_.insert(id).second) wrong("ClOrdID twice: " + id);
}

// ---- its answers -----------------------------------------------------------------------------------------------------

VenueOrder* ScriptedVenue::find(const std::string& name) {
  for (auto& [first, order] : orders)
    if (std::find(order.names.begin(), order.names.end(), name) != order.names.end()) return &order;
  return nullptr;
}

void ScriptedVenue::report(const VenueOrder& order, char ord_status, const std::string& cl_ord_id,
                           const std::string& orig, char exec_type) {
  std::string text = "37=" + order.order_id + "|11=" + cl_ord_id + "|";
  if (!orig.empty()) text += "41=" + orig + "|";
  text += "17=E" + std::to_string(++exec_) + "|";
  if (!habits.fix44) text += exec_type == 'I' ? "20=3|" : "20=0|";
  text += std::string("150=") + (exec_type == 'I' && !habits.fix44 ? ord_status : exec_type) + "|39=" + ord_status;
  send("8", text + "|55=" + order.symbol + "|54=" + order.side + "|38=" + std::to_string(order.qty) +
                "|14=" + std::to_string(order.cum) + "|6=0|");
}

void ScriptedVenue::fill(const std::string& first_name, long qty) {
  VenueOrder& order = orders.at(first_name);
  order.cum += qty;
  order.status = order.cum == order.qty ? '2' : '1';
  report(order, order.status, order.name, "", habits.fix44 ? 'F' : order.status);
}

void ScriptedVenue::cancel_reject(const Heard& m, const VenueOrder* order, char ord_status, const std::string& reason) {
  send("9", "37=" + (order != nullptr ? order->order_id : "NONE") + "|11=" + m.get(11) + "|41=" + m.get(41) + "|39=" +
                ord_status + "|434=1|102=" + reason + "|");
}

void ScriptedVenue::cancel(const Heard& m) {
  fresh_id(m);
  VenueOrder* order = find(m.get(41));
  if (habits.needs_order_id && !m.has(37)) return send("3", "45=" + std::to_string(m.seq_num) + "|371=37|372=F|373=1|");
  if (order == nullptr || order->name != m.get(41)) return cancel_reject(m, order, '8', "1");
  if (m.has(37) && m.get(37) != order->order_id) wrong("OrderID of another order");
  if (m.get(54) != std::string(1, order->side) || m.get(55) != order->symbol || m.get(38) != std::to_string(order->qty))
    wrong("cancel of another order");
  if (!order->open()) return cancel_reject(m, order, order->status, "0");
  if (refused_[order->name]++ < habits.refuse_cancels) return cancel_reject(m, order, order->status, "2");
  if (pended_[order->name]++ < habits.pending_cancels) return report(*order, '6', m.get(11), m.get(41), '6');
  order->status = '4';
  report(*order, '4', m.get(11), m.get(41), '4');
}

void ScriptedVenue::mass_cancel(const Heard& m) {
  fresh_id(m);
  const std::string ref = "45=" + std::to_string(m.seq_num) + "|372=q|";
  const std::string head = "11=" + m.get(11) + "|37=M|530=7|531=";
  switch (habits.mass) {
    case MassAnswer::silent: return;
    case MassAnswer::refused: return send("r", head + "0|532=0|");
    case MassAnswer::reject: return send("3", ref + "373=11|");
    case MassAnswer::business_reject: return send("j", ref + "380=3|");
    case MassAnswer::reports:
    case MassAnswer::terse: break;
  }
  send("r", head + "7|");
  for (auto& [first, order] : orders) {
    if (!order.open()) continue;
    order.status = '4';
    if (habits.mass == MassAnswer::reports) report(order, '4', order.name, "", '4');
  }
}

void ScriptedVenue::status(const Heard& m) {
  if (!habits.status) return send("j", "45=" + std::to_string(m.seq_num) + "|372=H|380=3|");
  VenueOrder* order = find(m.get(11));
  VenueOrder unknown;
  unknown.order_id = "NONE";
  const bool named = order != nullptr && order->name == m.get(11);
  if (order == nullptr) order = &unknown;
  report(*order, named ? order->status : '8', m.get(11), "", 'I');
}

// ---- its session -----------------------------------------------------------------------------------------------------

std::string ScriptedVenue::message(const std::string& type, std::uint64_t seq_num, const std::string& fields,
                                   bool again) const {
  std::string body = "35=" + type + "|49=CME|56=FIRM|34=" + std::to_string(seq_num) + "|52=20261123-14:30:06|";
  if (again) body += "43=Y|122=20261123-14:30:06|";
  return fix_message(body + fields, habits.fix44 ? "FIX.4.4" : "FIX.4.2");
}

void ScriptedVenue::lose(const std::string& type, const std::string& fields) {
  sent_.push_back({next_out++, type, fields});
}

void ScriptedVenue::send(const std::string& type, const std::string& fields) {
  lose(type, fields);
  const bool application = type == "8" || type == "9" || type == "r" || type == "3" || type == "j";
  if (!(habits.mute && application)) raw(message(type, sent_.back().seq_num, fields));
}

/// Application messages again, gap fills over the others, as FIX wants it.
void ScriptedVenue::resend(std::uint64_t begin, std::uint64_t end) {
  if (begin == 0) wrong("resend from 0");
  if (end == 0 || end >= next_out) end = next_out - 1;
  const auto fill = [this](std::uint64_t from, std::uint64_t to) {
    if (from < to) raw(message("4", from, "123=Y|36=" + std::to_string(to) + "|", true));
  };
  std::uint64_t next = begin;
  for (const Sent& s : sent_) {
    const bool session = s.type == "0" || s.type == "1" || s.type == "2" || s.type == "4" || s.type == "A";
    if (s.seq_num < begin || s.seq_num > end || session) continue;
    fill(next, s.seq_num);
    raw(message(s.type, s.seq_num, s.fields, true));
    next = s.seq_num + 1;
  }
  fill(next, end + 1);
}

std::string ScriptedVenue::take(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  std::string bytes;
  for (; !out_.empty() && out_.front().at_ns <= now_ns; out_.pop_front()) bytes += out_.front().bytes;
  return bytes;
}

}  // namespace portcullis::testing
