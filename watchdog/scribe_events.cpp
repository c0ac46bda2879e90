// SPDX-License-Identifier: Apache-2.0
/// @file The scribe's way from an event to the audit's line and the journal's entry.
#include <array>
#include <cstdio>
#include <utility>

#include "watchdog/scribe.hpp"

namespace portcullis {
namespace {

std::string_view text_of(const ScribeEvent& event, const ScribeEvent::Field& field) noexcept {
  return {event.text.data() + field.text_at, field.text_bytes};
}

AuditField field_at(const ScribeEvent& event, std::size_t i) noexcept {
  if (i >= event.field_count) return {"left_out", event.left_out};
  const ScribeEvent::Field& field = event.fields[i];
  if (field.is_number) return {field.key, field.number};
  return {field.key, text_of(event, field)};
}

/// All fields and, behind them, how many did not fit.
template <std::size_t... I>
std::array<AuditField, sizeof...(I)> all_fields(const ScribeEvent& event,
                                                std::index_sequence<I...>) noexcept {
  return {field_at(event, I)...};
}

/// Text of a bounded buffer, cut where it is full.
class Line {
 public:
  void add(std::string_view text) noexcept {
    for (const char c : text)
      if (used_ < sizeof text_) text_[used_++] = c;
  }
  void add(std::int64_t number) noexcept {
    char digits[24];
    const int size = std::snprintf(digits, sizeof digits, "%lld", static_cast<long long>(number));
    add({digits, static_cast<std::size_t>(size)});
  }
  [[nodiscard]] std::string_view text() const noexcept { return {text_, used_}; }

 private:
  char text_[1024];
  std::size_t used_ = 0;
};

void add_head(JournalEntry& entry, const AuditHead& head) noexcept {
  constexpr char kHex[] = "0123456789abcdef";
  Line line;  // as format_head, which allocates
  line.add(static_cast<std::int64_t>(head.seq));
  line.add(":");
  for (const std::uint8_t byte : head.hash) {
    const char pair[2] = {kHex[byte >> 4U], kHex[byte & 0xFU]};
    line.add({pair, 2});
  }
  entry.add_own("audit_head", line.text());
}

/// "tripped mm1 limit=500 lane=es-quoter: a limit was broken ..."
void add_message(JournalEntry& entry, const ScribeEvent& event, std::string_view engine) noexcept {
  const EventInfo& info = event_info(event.event);
  Line line;
  line.add(info.name);
  line.add(" ");
  line.add(engine);
  for (std::size_t i = 0; i < event.field_count; ++i) {
    const AuditField field = field_at(event, i);
    line.add(" ");
    line.add(field.key);
    line.add("=");
    if (field.is_number)
      line.add(field.number);
    else
      line.add(field.text);
  }
  line.add(": ");
  line.add(info.cause);
  entry.add("MESSAGE", line.text());
}

}  // namespace

ScribeResult Scribe::write_event(const ScribeEvent& event) noexcept {
  ScribeResult result = ScribeResult::ok;
  if (event.audit) {
    const AuditError error = append(event);
    if (error == AuditError::ok) {
      audit_head_.publish(audit_.head());
      report_losses();
    } else {
      store(counters_.last_audit_error, static_cast<std::uint64_t>(error));
      add_own(counters_.audit_failures, 1);
      result = ScribeResult::failed;
    }
  }
  if (event.journal) tell_journal(event);
  return result;
}

AuditError Scribe::append(const ScribeEvent& event) noexcept {
  const auto fields = all_fields(event, std::make_index_sequence<ScribeEvent::kFields + 1>{});
  AuditEvent record;
  record.event = event.event;
  record.when = event.when;
  record.actor_uid = event.uid;
  record.actor_login = event.login;
  record.fields = fields.data();
  record.field_count = event.field_count + (event.left_out > 0 ? 1U : 0U);
  return audit_.append(record);
}

void Scribe::tell_journal(const ScribeEvent& event) noexcept {
  const EventInfo& info = event_info(event.event);
  JournalEntry entry;
  add_message(entry, event, engine_);
  entry.add("MESSAGE_ID", info.message_id);
  entry.add("PRIORITY", static_cast<std::int64_t>(info.priority));
  entry.add("SYSLOG_IDENTIFIER", "portcullisd");
  entry.add_own("engine", engine_);
  entry.add_own("event", info.name);
  if (event.uid != kNoUid) entry.add("PORTCULLIS_UID", static_cast<std::int64_t>(event.uid));
  for (std::size_t i = 0; i < event.field_count; ++i) {
    const AuditField field = field_at(event, i);
    Line number;
    if (field.is_number) number.add(field.number);
    entry.add_own(field.key, field.is_number ? number.text() : field.text);
  }
  add_head(entry, audit_.head());
  switch (journal_.send(entry)) {
    case JournalError::ok:
    case JournalError::absent: return;
    case JournalError::full:
    case JournalError::failed: add_own(counters_.journal_drops, 1);
  }
}

void Scribe::report_losses() noexcept {
  const std::uint64_t overflows = load(counters_.queue_overflows);
  if (overflows != told_overflows_ &&
      audit_.append(Event::queue_overflow, read_stamp(boot_id_), kNoUid, kNoUid,
                    {{"messages_lost", overflows - told_overflows_}}) == AuditError::ok)
    told_overflows_ = overflows;
  const std::uint64_t failures = load(counters_.audit_failures);
  if (failures != told_audit_failures_ &&
      audit_.append(Event::audit_failed, read_stamp(boot_id_), kNoUid, kNoUid,
                    {{"records_lost", failures - told_audit_failures_}}) == AuditError::ok)
    told_audit_failures_ = failures;
  audit_head_.publish(audit_.head());
}

}  // namespace portcullis
