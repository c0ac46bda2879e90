// SPDX-License-Identifier: Apache-2.0
/// @file Reads one line of events.jsonl. Only the flat objects of strings and whole numbers that
/// log_writer.cpp writes: a second of orders at full rate is 30,000 lines, and a general JSON reader took seven
/// times as long.
#include <algorithm>
#include <charconv>
#include <iterator>
#include <type_traits>
#include <variant>

#include "tests/venue/venue_log.hpp"

namespace portcullis::venue {
namespace {

using Member = std::variant<std::string VenueEvent::*, std::int64_t VenueEvent::*, int VenueEvent::*,
                            bool VenueEvent::*>;

struct Key {
  std::string_view name;
  Member member;
};

const Key kKeys[] = {
    {"time_ns", &VenueEvent::time_ns},
    {"event", &VenueEvent::event},
    {"conn", &VenueEvent::conn},
    {"session", &VenueEvent::session},
    {"type", &VenueEvent::type},
    {"what", &VenueEvent::what},
    {"how", &VenueEvent::how},
    {"cl_ord_id", &VenueEvent::cl_ord_id},
    {"orig_cl_ord_id", &VenueEvent::orig_cl_ord_id},
    {"ord_status", &VenueEvent::ord_status},
    {"text", &VenueEvent::text},
    {"fault", &VenueEvent::text},
    {"why", &VenueEvent::why},
    {"seq_num", &VenueEvent::seq_num},
    {"ref_seq_num", &VenueEvent::ref_seq_num},
    {"begin_seq_no", &VenueEvent::begin_seq_no},
    {"end_seq_no", &VenueEvent::end_seq_no},
    {"new_seq_no", &VenueEvent::new_seq_no},
    {"expected", &VenueEvent::expected},
    {"reset", &VenueEvent::reset},
    {"order_id", &VenueEvent::order_id},
    {"reason", &VenueEvent::reason},
    {"offset", &VenueEvent::offset},
    {"end", &VenueEvent::end},
    {"last_qty", &VenueEvent::last_qty},
    {"last_px_e8", &VenueEvent::last_px_e8},
    {"cum_qty", &VenueEvent::cum_qty},
    {"affected", &VenueEvent::affected},
    {"received", &VenueEvent::received_bytes},
    {"errno", &VenueEvent::error},
};

/// Takes a JSON string off the front of `rest`; false when it is none.
bool take_string(std::string_view& rest, std::string& out) {
  if (rest.empty() || rest[0] != '"') return false;
  out.clear();
  for (std::size_t at = 1; at < rest.size(); ++at) {
    if (rest[at] == '"') {
      rest.remove_prefix(at + 1);
      return true;
    }
    if (rest[at] != '\\') {
      out += rest[at];
      continue;
    }
    if (++at >= rest.size()) return false;
    if (rest[at] != 'u') {
      out += rest[at];
      continue;
    }
    unsigned byte = 0;  // the writer knows \u00XX only, one byte each
    if (rest.size() - at < 5) return false;
    const char* const digits = rest.data() + at + 1;
    if (std::from_chars(digits, digits + 4, byte, 16).ptr != digits + 4 || byte > 0xff) return false;
    out += static_cast<char>(byte);
    at += 4;
  }
  return false;
}

/// Takes a string, or a number as its digits.
bool take_value(std::string_view& rest, std::string& out) {
  if (!rest.empty() && rest[0] == '"') return take_string(rest, out);
  const std::size_t end = std::min(rest.find_first_not_of("-0123456789"), rest.size());
  out.assign(rest.substr(0, end));
  rest.remove_prefix(end);
  return end > 0;
}

bool take(std::string_view& rest, char wanted) {
  if (rest.empty() || rest[0] != wanted) return false;
  rest.remove_prefix(1);
  return true;
}

/// A number that is none leaves the member as it was.
void set(VenueEvent& event, const Member& member, const std::string& value) {
  std::visit(
      [&](auto place) {
        using Type = std::remove_reference_t<decltype(event.*place)>;
        if constexpr (std::is_same_v<Type, std::string>) {
          event.*place = value;
        } else {
          std::int64_t number = 0;
          const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
          if (error == std::errc{} && end == value.data() + value.size())
            event.*place = static_cast<Type>(number);
        }
      },
      member);
}

}  // namespace

bool parse_event(std::string_view line, VenueEvent& out) {
  VenueEvent event;
  std::string key, value;
  if (!take(line, '{')) return false;
  do {
    if (!take_string(line, key) || !take(line, ':') || !take_value(line, value)) return false;
    const auto found =
        std::find_if(std::begin(kKeys), std::end(kKeys), [&](const Key& k) { return k.name == key; });
    if (found != std::end(kKeys)) set(event, found->member, value);
  } while (take(line, ','));
  if (line != "}") return false;
  out = std::move(event);
  return true;
}

}  // namespace portcullis::venue
