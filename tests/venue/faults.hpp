// SPDX-License-Identifier: Apache-2.0
/// @file What the venue does wrong on purpose, as one table. Set at start (--fault) or through the control
/// socket:
///   KIND[=ARGUMENT][@SESSION]      without @SESSION: every session
/// A fault says how the venue behaves, never what its log contains: received bytes and booked events are
/// always logged. More faults come with later work: add a FaultKind, its row, and the one place that asks
/// `on()`.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace portcullis {
namespace venue {

enum class FaultKind : std::uint8_t {
  silent,          ///< swallows requests: neither acted upon nor answered; the session's heartbeats go on
  mute,            ///< acts upon requests but sends no application message
  late,            ///< sends every application message this much later
  slow_read,       ///< reads the socket at this rate; 0 stops reading
  drop,            ///< closes the connection by FIN
  reset,           ///< closes the connection by RST
  reject_cancels,  ///< answers F, G and q with a reject
  pending,         ///< answers F and q with OrdStatus 6 (pending cancel) and does no more
  terse,           ///< answers q with r alone, without a report for each order (the orders are cancelled)
  nonsense,        ///< answers name ClOrdIDs nobody sent, with states and quantities that cannot be
  no_cod,          ///< no cancel on disconnect
  keep_gtc,        ///< cancel on disconnect spares GTC orders
};
constexpr std::size_t kFaultKinds = 12;

/// Which requests `silent` swallows.
enum class Silence : std::uint8_t { all, cancels, orders };

/// One row of the table of faults.
struct FaultRow {
  FaultKind kind;
  const char* name;
  const char* argument;     ///< shown in --help; "" when it takes none
  std::int64_t by_default;  ///< used when no argument is given; -1: one must be given
  std::int64_t max;         ///< largest argument
};
extern const FaultRow kFaultTable[kFaultKinds];

/// How reading a fault went.
enum class FaultParse : std::uint8_t { ok, unknown_kind, bad_argument, unknown_session };
const char* fault_parse_text(FaultParse result);

/// One line "KIND[=ARGUMENT][@SESSION]" as values.
struct FaultLine {
  FaultKind kind = FaultKind::silent;
  std::int64_t argument = 0;
  int session = -1;  ///< index, or -1 for every session
};

class Faults {
 public:
  explicit Faults(std::vector<std::string> session_names);
  FaultParse parse(const std::string& text, FaultLine& out) const;
  void set(const FaultLine& line);
  void clear(const FaultLine& line);
  bool on(FaultKind kind, unsigned session) const { return state_[session][index(kind)] >= 0; }
  /// The argument; -1 when the fault is off.
  std::int64_t argument(FaultKind kind, unsigned session) const { return state_[session][index(kind)]; }
  /// Whether `silent` swallows this message type (35).
  bool swallows(const std::string& type, unsigned session) const;

 private:
  static std::size_t index(FaultKind kind) { return static_cast<std::size_t>(kind); }
  std::vector<std::string> names_;
  std::vector<std::vector<std::int64_t>> state_;  // [session][kind]; -1: off
};

}  // namespace venue
}  // namespace portcullis
