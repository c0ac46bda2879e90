// SPDX-License-Identifier: Apache-2.0
/// @file Every event that Portcullis reports, as one table: name, journal MESSAGE_ID, priority, cause and
/// what the operator does. Audit, journal, CLI and man page read it; library code never writes free text.
/// Names are written to audits and MESSAGE_IDs are matched by other people's rules: neither is ever changed
/// or used again, new events are appended. The ids are random (systemd-id128 new), without meaning.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace portcullis {

enum class Event : std::uint8_t {
  started = 0,
  ready,
  replaced,
  attached,
  reattached,
  attach_refused,
  detached,
  session_registered,
  session_ended,
  armed,
  arm_refused,
  disarmed,
  manual_halt,
  tripped,
  closed,
  asked,
  contained,
  severed,
  fenced,
  halted,
  cleared,
  resolved,
  lease_lost,
  supervisor_late,
  engine_died,
  latch_unreadable,
  latch_failed,
  audit_failed,
  torn_tail,
  queue_overflow,
  permission_refused,
  taken_over,
  retrying,
  numbers_agreed,
};
inline constexpr std::size_t kEvents = 34;

/// syslog(3) levels, as the journal's PRIORITY= wants them. `critical` wakes somebody: once when it trips and once with
/// the outcome, or where protection itself is in doubt; the steps between are not.
enum class Priority : std::uint8_t { critical = 2, error = 3, warning = 4, notice = 5, info = 6 };

/// One row of the table.
struct EventInfo {
  Event event;
  std::string_view name;        ///< as in audit records; never changed
  std::string_view message_id;  ///< 32 hex digits, MESSAGE_ID=
  Priority priority;
  std::string_view cause;          ///< what happened
  std::string_view operator_does;  ///< what the person in front of it does next
};

// clang-format off
inline constexpr std::array<EventInfo, kEvents> kEventTable{{
  {Event::started, "started", "f64406474f334b048adc310dc53f6f4c", Priority::info,
   "the supervisor process started",
   "nothing; expect `ready` next"},
  {Event::ready, "ready", "061b2ead89b840c2933742e74e63b6ae", Priority::info,
   "configuration, memories and latch are in place",
   "arm when the engine is attached"},
  {Event::replaced, "replaced", "50272213f26e47db886c5120a286bdd4", Priority::warning,
   "a supervisor took the place of another one by --replace",
   "check who replaced it and why; the engine must attach and be armed again"},
  {Event::attached, "attached", "5fd0a1fa79f3444596d2d51adf0cdee3", Priority::notice,
   "an engine attached; it is locked",
   "state positions, then arm"},
  {Event::reattached, "reattached", "4db8329acfc74a8697bb007777ab89b7", Priority::notice,
   "an engine attached again after a restart of the supervisor; it is locked",
   "state positions again, then arm"},
  {Event::attach_refused, "attach_refused", "e6e89592ef4f439eb0aa9a2bbd539ffa", Priority::warning,
   "a process asked to attach and was refused",
   "read the reason: wrong version, wrong user or a second engine"},
  {Event::detached, "detached", "81e88a35271b4a53b1f2b230f3016f56", Priority::notice,
   "the engine ended in order",
   "nothing, if it was planned"},
  {Event::session_registered, "session_registered", "e3a67c3563d54edc845a0b5852ed1740", Priority::info,
   "the engine handed over a venue session",
   "nothing; `status` shows its rungs"},
  {Event::session_ended, "session_ended", "e2de39eb18314077ad229bb723f5292d", Priority::info,
   "a venue session ended in order or was dropped",
   "nothing, if it was planned"},
  {Event::armed, "armed", "f522bfaec82948bdb4d737c3ee26c8cf", Priority::notice,
   "a person gave the right to trade",
   "nothing"},
  {Event::arm_refused, "arm_refused", "d9aa1dedeb52479fa4a8426217071f84", Priority::warning,
   "arming was asked for and refused",
   "remove the reason that is named, then arm again"},
  {Event::disarmed, "disarmed", "96dd044e57944ef0ab6267b0decd87d4", Priority::notice,
   "a person ended trading as planned; no latch",
   "arm when trading resumes"},
  {Event::manual_halt, "manual_halt", "dc0f9dfef1c74232bd32eda56ba289b9", Priority::critical,
   "a person halted the engine or a lane",
   "follow the ladder; clear and arm only when the reason is gone"},
  {Event::tripped, "tripped", "6d28260a41aa43c88d83e41c6c8a5b97", Priority::critical,
   "a limit was broken or a sign of life is missing",
   "follow the ladder; read first cause, value and limit"},
  {Event::closed, "closed", "69d73267490f4e7ab36ab235553e6ffa", Priority::notice,
   "no new order enters",
   "wait for `contained`"},
  {Event::asked, "asked", "d8e08312ccc1462c92a1dafc5e07df0f", Priority::notice,
   "the engine was asked to cancel its open orders",
   "wait for the outcome"},
  {Event::contained, "contained", "2c10e60b229d44dca68a6df70248d17f", Priority::notice,
   "no order is left in any queue of this host",
   "wait for `halted`"},
  {Event::severed, "severed", "8adaa99d2cf6425eaedd762214b37f05", Priority::warning,
   "sessions were reset; their queues are purged",
   "confirm open orders with the venue if it does not cancel on disconnect"},
  {Event::fenced, "fenced", "eeded89a16a446ddbc653e259194d2d3", Priority::error,
   "the engine was killed and verified gone",
   "confirm unknown orders with the venue, then restart the engine"},
  {Event::halted, "halted", "364987aaa4b34e22b14b6f4ccb7c2a75", Priority::critical,
   "the ladder is finished; the engine or lane is latched",
   "read the outcome: unknown and refused orders need a call to the venue"},
  {Event::cleared, "cleared", "d5a74c22ce9248d3948382109e8700cd", Priority::notice,
   "a person cleared the latch; nothing is armed by it",
   "resolve what is unknown, then arm"},
  {Event::resolved, "resolved", "0771b21661714927ab3f6c78a761d6d5", Priority::notice,
   "a person confirmed the fate of an order with the venue",
   "resolve the rest, then arm"},
  {Event::lease_lost, "lease_lost", "c2ad9b072f084b329f34ad965e755047", Priority::critical,
   "the lease ran out: orders were refused until people arm again",
   "find out why the supervisor was late or the engine did not see it"},
  {Event::supervisor_late, "supervisor_late", "13ebdc0181a44b2aaea56ffa2a05fab9", Priority::critical,
   "the supervisor found itself late by more than the lease",
   "look for a stopped or starved supervisor; then restart and arm"},
  {Event::engine_died, "engine_died", "94683470d3e84746951754837945d5ee", Priority::critical,
   "the engine's process is gone without a detach",
   "confirm its open orders with the venue, then restart it"},
  {Event::latch_unreadable, "latch_unreadable", "f00838f8e486460aa2c2098da584aa75", Priority::critical,
   "a latch slot is torn, foreign or cannot be read: this counts as latched",
   "confirm with the venue that nothing is open, then clear"},
  {Event::latch_failed, "latch_failed", "6adf146bf0f841838d0ad0bfcf2172ee", Priority::critical,
   "the latch could not be written: it holds in memory only",
   "free or replace the disk; do not restart the supervisor before that"},
  {Event::audit_failed, "audit_failed", "bfdddab3cfb4445184ae059d7fbdb7b1", Priority::error,
   "an audit record could not be written: arming is refused, protection goes on",
   "free or replace the disk"},
  {Event::torn_tail, "torn_tail", "6b6641c5f7d84bad8888e23698e38bf5", Priority::warning,
   "a crash cut the last audit record; its bytes stay and are sealed by this record",
   "look for the crash that caused it"},
  {Event::queue_overflow, "queue_overflow", "8056828b5e8b4103afe811b304b0fc0b", Priority::error,
   "the record queue was full and records were lost",
   "look for a hanging disk"},
  {Event::permission_refused, "permission_refused", "03713d5e9ad349a3871106803f35ff21", Priority::warning,
   "somebody asked for what his groups do not allow",
   "check who it was"},
  {Event::taken_over, "taken_over", "c532a503fe8c4982910e518fd201af7d", Priority::critical,
   "the engine was frozen and the supervisor cancels over its sessions",
   "wait for `halted`; the engine is killed, its next start takes the numbers from the record"},
  {Event::retrying, "retrying", "3a3dcaac6618499f9a90938903f9aa33", Priority::critical,
   "the venue refused to cancel some orders; they are asked for again, the sessions kept",
   "call the venue about the orders that `status` lists as refused"},
  {Event::numbers_agreed, "numbers_agreed", "ca40f77bfed7474b9e8a575326e3b698", Priority::info,
   "after a take-over the engine logged on with the numbers of the record, or with a reset",
   "nothing"},
}};
// clang-format on

namespace detail {
/// Rows stand at their own number, and no name or id is used twice.
constexpr bool event_table_holds() {
  for (std::size_t i = 0; i < kEvents; ++i) {
    if (static_cast<std::size_t>(kEventTable[i].event) != i || kEventTable[i].message_id.size() != 32)
      return false;
    for (std::size_t j = 0; j < i; ++j)
      if (kEventTable[i].name == kEventTable[j].name ||
          kEventTable[i].message_id == kEventTable[j].message_id)
        return false;
  }
  return true;
}
}  // namespace detail
static_assert(detail::event_table_holds(), "an event is out of its place, doubled or has no MESSAGE_ID");
static_assert(static_cast<std::size_t>(Event::numbers_agreed) + 1 == kEvents);

/// The row of an event. An event number from outside must be checked against kEvents first.
constexpr const EventInfo& event_info(Event event) noexcept {
  return kEventTable[static_cast<std::size_t>(event)];
}

/// The event with this name; nullptr if there is none.
constexpr const EventInfo* find_event(std::string_view name) noexcept {
  for (const EventInfo& info : kEventTable)
    if (info.name == name) return &info;
  return nullptr;
}

}  // namespace portcullis
