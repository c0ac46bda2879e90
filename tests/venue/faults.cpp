// SPDX-License-Identifier: Apache-2.0
/// @file The table of faults, its reader, and which are on.
#include "tests/venue/faults.hpp"

#include <algorithm>
#include <sstream>

namespace portcullis {
namespace venue {

const FaultRow kFaultTable[kFaultKinds] = {
    {FaultKind::silent, "silent", "all|cancels|orders", 0, 0, "swallows requests; heartbeats go on"},
    {FaultKind::mute, "mute", "", 0, 0, "acts upon requests and answers none"},
    {FaultKind::late, "late", "MS", -1, 600000, "answers this much later"},
    {FaultKind::slow_read, "slow_read", "BYTES_PER_S", 0, 1000000000, "reads so slowly; 0: not at all"},
    {FaultKind::drop, "drop", "AFTER_MESSAGES", 0, 1000000000, "closes by FIN, once; 0: now"},
    {FaultKind::reset, "reset", "AFTER_MESSAGES", 0, 1000000000, "closes by RST, once; 0: now"},
    {FaultKind::reject_cancels, "reject_cancels", "CXL_REJ_REASON", 0, 99,
     "35=9 with that 102 and the order's true 39, or 35=r with 531=0"},
    {FaultKind::pending, "pending", "", 0, 0, "39=6 for F and q, and no more"},
    {FaultKind::terse, "terse", "", 0, 0, "a mass cancel is done and reported by 35=r alone"},
    {FaultKind::nonsense, "nonsense", "replace|extra|fields", 0, 0,
     "ClOrdIDs nobody sent in impossible states, instead of or before the truth, or the states alone"},
    {FaultKind::no_cod, "no_cod", "", 0, 0, "no cancel on disconnect"},
    {FaultKind::keep_gtc, "keep_gtc", "", 0, 0, "cancel on disconnect spares GTC orders"},
    {FaultKind::no_mass_cancel, "no_mass_cancel", "j|r", 0, 0, "refuses 35=q by 35=j, or by 35=r with 531=0"},
    {FaultKind::no_status, "no_status", "", 0, 0, "refuses 35=H by 35=j"},
    {FaultKind::wants_37, "wants_37", "", 0, 0,
     "F and G without OrderID (37) get 35=3; it must be the right one"},
    {FaultKind::wants_1028, "wants_1028", "", 0, 0, "F, G and q without 1028=Y or N get 35=3"},
    {FaultKind::id_max, "id_max", "CHARACTERS", 20, 1000, "refuses D, F, G and q whose ClOrdID is longer"},
    {FaultKind::throttle, "throttle", "MESSAGES_PER_S", -1, 1000000, "more in any second: Logout, then FIN"},
    {FaultKind::cut_on_garbled, "cut_on_garbled", "fin|logout", 0, 0,
     "a garbled message ends the connection, with a Logout or without"},
    {FaultKind::lose_in, "lose_in", "MESSAGES", 1, 1000000,
     "the next application messages are lost: a true gap"},
    {FaultKind::ask_before, "ask_before", "BACK", 0, 1000000000,
     "ResendRequest from BACK numbers before the next F or q, before that is acted upon"},
    {FaultKind::ask_after, "ask_after", "BACK", 0, 1000000000, "the same, after it was acted upon"},
    {FaultKind::ask_bounded, "ask_bounded", "", 0, 0, "those end at the cancel's number, not at 0"},
    {FaultKind::shuffle, "shuffle", "MS", -1, 600000, "holds answers so long, then permutes the orders"},
    {FaultKind::fat, "fat", "BYTES", -1, 1000000, "a Text (58) so long in each answer"},
    {FaultKind::lose_out, "lose_out", "ANSWERS", 1, 1000000,
     "the next answers are lost; a resend brings them"},
    {FaultKind::bad_checksum, "bad_checksum", "EACH_NTH", 1, 1000000, "answers with a wrong CheckSum"},
    {FaultKind::bad_length, "bad_length", "EACH_NTH", 1, 1000000, "answers with a wrong BodyLength"},
    {FaultKind::noise, "noise", "EACH_NTH", 1, 1000000, "bytes that are no message before answers"},
};

namespace {

constexpr std::int64_t kMaxLastingMs = 3600000;

bool parse_number(const std::string& text, std::int64_t max, std::int64_t& out) {
  if (text.empty() || text.size() > 10 || text.find_first_not_of("0123456789") != std::string::npos)
    return false;
  out = std::stoll(text);
  return out <= max;
}

/// The place of `word` in "one|two|three".
bool parse_word(const char* words, const std::string& word, std::int64_t& out) {
  std::istringstream all(words);
  out = 0;
  for (std::string each; std::getline(all, each, '|'); ++out)
    if (each == word) return true;
  return false;
}

bool parse_argument(const FaultRow& row, const std::string& text, std::int64_t& out) {
  const std::string form = row.argument;
  if (form.empty()) return false;
  return form.find('|') != std::string::npos ? parse_word(row.argument, text, out)
                                             : parse_number(text, row.max, out);
}

}  // namespace

const char* fault_parse_text(FaultParse result) {
  switch (result) {
    case FaultParse::ok: return "ok";
    case FaultParse::unknown_kind: return "unknown kind of fault";
    case FaultParse::bad_argument: return "argument missing, not wanted or out of range";
    case FaultParse::unknown_session: return "unknown session";
    case FaultParse::bad_time: return "a fault lasts 1 to 3600000 ms";
  }
  return "?";
}

std::string fault_help() {
  std::string text =
      "Faults, KIND[=ARGUMENT][@SESSION][:MS]; without @SESSION for all, with :MS for so long:\n";
  for (const FaultRow& row : kFaultTable) {
    std::string form = row.name;
    if (*row.argument != '\0') form += (row.by_default < 0 ? "=" : "[=") + std::string(row.argument);
    if (*row.argument != '\0' && row.by_default >= 0) form += "]";
    form.resize(std::max<std::size_t>(form.size() + 2, 34), ' ');
    text += "  " + form + row.meaning + '\n';
  }
  return text;
}

Faults::Faults(std::vector<std::string> session_names)
    : names_(std::move(session_names)), state_(names_.size(), std::vector<Setting>(kFaultKinds)) {}

FaultParse Faults::parse(const std::string& text, FaultLine& out) const {
  FaultLine line;
  std::string rest = text;
  const std::size_t colon = rest.find(':');
  if (colon != std::string::npos) {
    if (!parse_number(rest.substr(colon + 1), kMaxLastingMs, line.for_ms) || line.for_ms == 0)
      return FaultParse::bad_time;
    rest.resize(colon);
  }
  const std::size_t at = rest.find('@');
  if (at != std::string::npos) {
    const auto found = std::find(names_.begin(), names_.end(), rest.substr(at + 1));
    if (found == names_.end()) return FaultParse::unknown_session;
    line.session = static_cast<int>(found - names_.begin());
    rest.resize(at);
  }
  const std::size_t equals = rest.find('=');
  const std::string name = rest.substr(0, equals);
  const auto row = std::find_if(std::begin(kFaultTable), std::end(kFaultTable),
                                [&](const FaultRow& r) { return name == r.name; });
  if (row == std::end(kFaultTable)) return FaultParse::unknown_kind;
  line.kind = row->kind;
  line.argument = row->by_default;
  if (equals != std::string::npos && !parse_argument(*row, rest.substr(equals + 1), line.argument))
    return FaultParse::bad_argument;
  if (line.argument < 0) return FaultParse::bad_argument;
  out = line;
  return FaultParse::ok;
}

void Faults::set(const FaultLine& line, std::int64_t now_ns) {
  Setting setting;
  setting.argument = line.argument;
  if (line.for_ms > 0) setting.end_ns = now_ns + line.for_ms * 1000000;
  for (unsigned session = 0; session < state_.size(); ++session)
    if (line.session < 0 || session == static_cast<unsigned>(line.session))
      state_[session][index(line.kind)] = setting;
}

void Faults::clear(const FaultLine& line) {
  FaultLine off = line;
  off.argument = -1;
  off.for_ms = 0;
  set(off, 0);
}

std::vector<std::string> Faults::expire(std::int64_t now_ns) {
  std::vector<std::string> over;
  for (unsigned session = 0; session < state_.size(); ++session)
    for (const FaultRow& row : kFaultTable) {
      Setting& setting = state_[session][index(row.kind)];
      if (setting.end_ns < 0 || setting.end_ns > now_ns) continue;
      setting = Setting();
      over.push_back(std::string(row.name) + '@' + names_[session]);
    }
  return over;
}

std::int64_t Faults::next_end_ns() const {
  std::int64_t next_ns = -1;
  for (const auto& session : state_)
    for (const Setting& setting : session)
      if (setting.end_ns >= 0 && (next_ns < 0 || setting.end_ns < next_ns)) next_ns = setting.end_ns;
  return next_ns;
}

bool Faults::use(FaultKind kind, unsigned session) {
  Setting& setting = state_[session][index(kind)];
  if (setting.argument < 0) return false;
  if (--setting.argument <= 0) setting = Setting();
  return true;
}

bool Faults::swallows(const std::string& type, unsigned session) const {
  if (!on(FaultKind::silent, session)) return false;
  const bool cancel = type == "F" || type == "G" || type == "q";
  switch (static_cast<Silence>(argument(FaultKind::silent, session))) {
    case Silence::all: return true;
    case Silence::cancels: return cancel;
    case Silence::orders: return type == "D";
  }
  return true;
}

}  // namespace venue
}  // namespace portcullis
