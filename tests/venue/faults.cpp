// SPDX-License-Identifier: Apache-2.0
/// @file The table of faults and its reader.
#include "tests/venue/faults.hpp"

#include <algorithm>

namespace portcullis {
namespace venue {

const FaultRow kFaultTable[kFaultKinds] = {
    {FaultKind::silent, "silent", "all|cancels|orders", 0, 2},
    {FaultKind::mute, "mute", "", 0, 0},
    {FaultKind::late, "late", "MS", -1, 600000},
    {FaultKind::slow_read, "slow_read", "BYTES_PER_S", 0, 1000000000},
    {FaultKind::drop, "drop", "AFTER_MESSAGES", 0, 1000000000},
    {FaultKind::reset, "reset", "AFTER_MESSAGES", 0, 1000000000},
    {FaultKind::reject_cancels, "reject_cancels", "CXL_REJ_REASON", 0, 99},
    {FaultKind::pending, "pending", "", 0, 0},
    {FaultKind::terse, "terse", "", 0, 0},
    {FaultKind::nonsense, "nonsense", "", 0, 0},
    {FaultKind::no_cod, "no_cod", "", 0, 0},
    {FaultKind::keep_gtc, "keep_gtc", "", 0, 0},
};

namespace {

bool parse_argument(const FaultRow& row, const std::string& text, std::int64_t& out) {
  if (row.kind == FaultKind::silent) {
    static const char* const kSilence[] = {"all", "cancels", "orders"};
    const auto found = std::find(std::begin(kSilence), std::end(kSilence), text);
    out = found - std::begin(kSilence);
    return found != std::end(kSilence);
  }
  if (*row.argument == '\0' || text.empty() || text.size() > 10) return false;
  if (text.find_first_not_of("0123456789") != std::string::npos) return false;
  out = std::stoll(text);
  return out <= row.max;
}

}  // namespace

const char* fault_parse_text(FaultParse result) {
  switch (result) {
    case FaultParse::ok: return "ok";
    case FaultParse::unknown_kind: return "unknown kind of fault";
    case FaultParse::bad_argument: return "argument missing, not wanted or out of range";
    case FaultParse::unknown_session: return "unknown session";
  }
  return "?";
}

Faults::Faults(std::vector<std::string> session_names)
    : names_(std::move(session_names)),
      state_(names_.size(), std::vector<std::int64_t>(kFaultKinds, std::int64_t{-1})) {}

FaultParse Faults::parse(const std::string& text, FaultLine& out) const {
  FaultLine line;
  const std::size_t at = text.find('@');
  if (at != std::string::npos) {
    const auto found = std::find(names_.begin(), names_.end(), text.substr(at + 1));
    if (found == names_.end()) return FaultParse::unknown_session;
    line.session = static_cast<int>(found - names_.begin());
  }
  const std::string fault = text.substr(0, at);
  const std::size_t equals = fault.find('=');
  const std::string name = fault.substr(0, equals);
  const auto row = std::find_if(std::begin(kFaultTable), std::end(kFaultTable),
                                [&](const FaultRow& r) { return name == r.name; });
  if (row == std::end(kFaultTable)) return FaultParse::unknown_kind;
  line.kind = row->kind;
  line.argument = row->by_default;
  if (equals != std::string::npos && !parse_argument(*row, fault.substr(equals + 1), line.argument))
    return FaultParse::bad_argument;
  if (line.argument < 0) return FaultParse::bad_argument;
  out = line;
  return FaultParse::ok;
}

void Faults::set(const FaultLine& line) {
  for (unsigned session = 0; session < state_.size(); ++session)
    if (line.session < 0 || session == static_cast<unsigned>(line.session))
      state_[session][index(line.kind)] = line.argument;
}

void Faults::clear(const FaultLine& line) {
  FaultLine off = line;
  off.argument = -1;
  set(off);
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
