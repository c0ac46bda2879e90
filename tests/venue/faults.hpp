// SPDX-License-Identifier: Apache-2.0
/// @file What the venue does wrong on purpose, as one table (kFaultTable; --help prints it). Set at start
/// (--fault) or through the control socket, in any combination:
///   KIND[=ARGUMENT][@SESSION][:MS]     without @SESSION: every session; with :MS it ends by itself after MS
/// A fault says how the venue behaves, never what its log contains: received bytes and booked events are
/// always logged. Who asks: requests in exchange_refusals.cpp and exchange_requests.cpp, connections and
/// sequence numbers in edge_faults.cpp, answers as messages in outbox.cpp, answers as bytes in spoiler.cpp.
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
  reject_cancels,  ///< answers F, G and q with a reject: 35=9 with the order's true status, 35=r with 531=0
  pending,         ///< answers F and q with OrdStatus 6 (pending cancel) and does no more
  terse,           ///< answers q with r alone, without a report for each order (the orders are cancelled)
  nonsense,  ///< answers with ClOrdIDs nobody sent and states that cannot be: instead of the true answer, in
             ///< front of it (together with a plausible one), or under the true ClOrdID
  no_cod,    ///< no cancel on disconnect
  keep_gtc,  ///< cancel on disconnect spares GTC orders
  no_mass_cancel,  ///< does not know q: BusinessMessageReject, or 35=r with 531=0 and 532=0
  no_status,       ///< does not know H: BusinessMessageReject
  wants_37,        ///< F and G without OrderID (37) get a Reject (35=3); a wrong one is an unknown order
  wants_1028,      ///< F, G and q without ManualOrderIndicator (1028) Y or N get a Reject (35=3)
  id_max,          ///< refuses orders and cancels whose ClOrdID is longer
  throttle,        ///< more messages in any second: Logout, then the end of the connection; the message that
                   ///< is too many and what follows it are logged but not acted upon
  cut_on_garbled,  ///< a garbled message, or bytes that are none, end the connection (QuickFIX drops them)
  lose_in,         ///< the next so many application messages are logged but lost: a true gap
  ask_before,   ///< the next cancel (F, q) makes it ask, by ResendRequest, from so many numbers before that
                ///< cancel; the request is written before the cancel is acted upon
  ask_after,    ///< the same, after the cancel was acted upon
  ask_bounded,  ///< those ResendRequests end at the cancel's number (16=e), not at 0
  shuffle,   ///< holds answers for so long and sends them with the orders permuted; the reports of one order
             ///< keep their order, and sequence numbers are right
  fat,       ///< a Text (58) of so many bytes in each answer
  lose_out,  ///< the next so many answers are numbered, stored and not sent: a gap that a resend fills
  bad_checksum,  ///< each N-th answer goes out with a wrong CheckSum; a resend of it is right
  bad_length,    ///< each N-th answer goes out with a wrong BodyLength, too short and too long in turn
  noise,         ///< bytes that are no message in front of each N-th answer, six kinds in turn
};
constexpr std::size_t kFaultKinds = 29;

/// Which requests `silent` swallows.
enum class Silence : std::uint8_t { all, cancels, orders };
/// What `nonsense` does to the true answer.
enum class Nonsense : std::uint8_t { replace, extra, fields };
/// How `cut_on_garbled` ends a connection.
enum class Farewell : std::uint8_t { fin, logout };
/// How `no_mass_cancel` answers.
enum class NoMassCancel : std::uint8_t { business_reject, report };

/// One row of the table of faults.
struct FaultRow {
  FaultKind kind;
  const char* name;
  const char* argument;  ///< shown in --help; words separated by | are the only ones; "" when it takes none
  std::int64_t by_default;  ///< used when no argument is given; -1: one must be given
  std::int64_t max;         ///< largest argument that is a number
  const char* meaning;      ///< shown in --help
};
extern const FaultRow kFaultTable[kFaultKinds];

/// How reading a fault went.
enum class FaultParse : std::uint8_t { ok, unknown_kind, bad_argument, unknown_session, bad_time };
const char* fault_parse_text(FaultParse result);

/// The table as text, a line for each fault.
std::string fault_help();

/// One line "KIND[=ARGUMENT][@SESSION][:MS]" as values.
struct FaultLine {
  FaultKind kind = FaultKind::silent;
  std::int64_t argument = 0;
  int session = -1;         ///< index, or -1 for every session
  std::int64_t for_ms = 0;  ///< how long it lasts; 0: until it is cleared
};

class Faults {
 public:
  explicit Faults(std::vector<std::string> session_names);
  FaultParse parse(const std::string& text, FaultLine& out) const;
  /// Switches it on as of `now_ns`; what was set before for that kind is forgotten.
  void set(const FaultLine& line, std::int64_t now_ns);
  void clear(const FaultLine& line);
  /// Switches off what has lasted its time; returns those as "KIND@SESSION".
  std::vector<std::string> expire(std::int64_t now_ns);
  /// When expire() has something to do next; -1: never.
  std::int64_t next_end_ns() const;

  bool on(FaultKind kind, unsigned session) const { return state_[session][index(kind)].argument >= 0; }
  /// The argument; -1 when the fault is off.
  std::int64_t argument(FaultKind kind, unsigned session) const {
    return state_[session][index(kind)].argument;
  }
  /// Uses up one of a fault that counts; it goes off with the last one. False when it is off.
  bool use(FaultKind kind, unsigned session);
  /// Whether `silent` swallows this message type (35).
  bool swallows(const std::string& type, unsigned session) const;

 private:
  struct Setting {
    std::int64_t argument = -1;  // -1: off
    std::int64_t end_ns = -1;    // -1: until cleared
  };
  static std::size_t index(FaultKind kind) { return static_cast<std::size_t>(kind); }
  std::vector<std::string> names_;
  std::vector<std::vector<Setting>> state_;  // [session][kind]
};

}  // namespace venue
}  // namespace portcullis
