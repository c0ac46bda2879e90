// SPDX-License-Identifier: Apache-2.0
/// @file The answer to `status`: limits and lanes in parts, then everything else.
#include "watchdog/status_json.hpp"

#include <algorithm>
#include <cstring>

#include "shm/clock.hpp"
#include "watchdog/json_packets.hpp"
#include "watchdog/ledger_reader.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kSampleFreshNs = 100'000'000;  // the witness reads every millisecond
constexpr std::int64_t kUsedMost = 1'000'000;          // thousandths: a thousand times the bound
constexpr std::size_t kPositionsPerRow = 200;
constexpr std::size_t kWarningsMost = 50;
constexpr std::size_t kWarningBytesMost = 300;

Json or_null(bool known, std::int64_t value) { return known ? Json(value) : Json(nullptr); }

/// Sums that a hostile ledger cannot wrap.
std::int64_t add(std::int64_t sum, std::uint64_t more) noexcept {
  const std::int64_t term = clamped(more);
  return __builtin_add_overflow(sum, term, &sum) ? INT64_MAX : sum;
}

const char* result_name(Result result) noexcept {
  switch (result) {
    case Result::pass: return "pass";
    case Result::breach: return "breach";
    case Result::stale: return "stale";
    case Result::error: return "error";
  }
  return "?";
}

std::int64_t used_thousandths(std::int64_t value, std::int64_t max) noexcept {
  if (value <= 0) return 0;
  const __int128 used =
      max <= 0 ? (static_cast<__int128>(value) + 1) * 1'000 : static_cast<__int128>(value) * 1'000 / max;
  return static_cast<std::int64_t>(std::min<__int128>(used, kUsedMost));
}

/// How often the hook evaluated a kind of limit in a scope, and how many orders it refused by it.
struct InlineCounts {
  std::int64_t evaluated = 0;
  std::int64_t refused = 0;
};

InlineCounts inline_counts(const StatusView& view, const LimitSetting& row) noexcept {
  InlineCounts counts;
  const auto kind = static_cast<std::size_t>(row.kind);
  for (std::uint16_t lane = 0; lane < view.config.lanes.size(); ++lane) {
    if (row.lane != kEngineScope && row.lane != lane) continue;
    const LaneBlock& block = view.attachment->ledger.lane(lane);
    if ((load(block.pass_mask) >> kind & 1U) != 0)
      counts.evaluated = add(counts.evaluated, load(block.passes));
    counts.evaluated = add(counts.evaluated, load(block.partial_evaluated[kind]));
    counts.refused = add(counts.refused, load(block.refused[kind]));
  }
  return counts;
}

Json limit_row(const StatusView& view, std::size_t index) {
  const LimitSetting& row = view.config.limits[index];
  Json json = {{"name", row.name},
               {"scope", scope_name(view.config, row.lane, row.session)},
               {"unit", limit_unit(row.kind)},
               {"do", action_name(row.action)}};
  if (row.off) {
    json["off"] = row.off_reason;
    return json;
  }
  const RowState& state = view.evaluator.row(index);
  const Result result = state.result.load(std::memory_order_acquire);
  const std::int64_t value = load(state.observed);
  const bool attached = view.attachment != nullptr;
  const bool known = attached && (result == Result::pass || result == Result::breach);
  json["max"] = row.value;
  json["result"] = attached ? result_name(result) : result_name(Result::stale);
  json["value"] = or_null(known, value);
  json["used_thousandths"] = or_null(known, used_thousandths(value, row.value));
  json["evaluated_supervised"] = clamped(load(state.evaluated));
  json["last_ns"] = clamped(load(state.last_ns));
  const InlineCounts counts = attached ? inline_counts(view, row) : InlineCounts{};
  json["evaluated_inline"] = or_null(attached, counts.evaluated);
  json["refused"] = or_null(attached, counts.refused);
  return json;
}

/// What the gate word of a lane says to people.
const char* gate_state_words(std::uint8_t state) noexcept {
  switch (static_cast<GateState>(state)) {
    case GateState::closed: return "locked";
    case GateState::open: return "armed";
    case GateState::reduce_only: return "reduce_only";
    case GateState::paused: return "paused";
    case GateState::halted: return "halted";
  }
  return "closed";
}

/// Why the hook holds the lane shut although its gate word may be open; null where it does not.
Json shut_words(const LaneBlock& block, std::uint64_t gate) {
  const std::uint64_t shut = load(block.shut);
  if (shut == 0 || gate_generation(shut) != gate_generation(gate)) return nullptr;
  switch (static_cast<ShutReason>(shut & 0xFFU)) {
    case ShutReason::none: return nullptr;
    case ShutReason::limit: return "limit";
    case ShutReason::lease: return "lease";
    case ShutReason::integrity: return "integrity";
  }
  return "unknown";
}

/// Null where no beat is owed: never used, or idle with nothing in flight or queued.
Json beat_age(const LaneBlock& block, std::uint64_t now_ns) {
  const std::uint64_t beat_ns = load(block.beat_ns);
  const bool at_rest = (load(block.in_flight) & 1U) == 0 && load(block.work_in) == load(block.work_done);
  if (beat_ns == 0 || (load(block.idle) == 1 && at_rest)) return nullptr;
  constexpr std::uint64_t kReadLaterNs = 1'000'000'000;  // the ledger is read after the view's clock
  const bool newer = beat_ns > now_ns && beat_ns - now_ns < kReadLaterNs;
  return newer ? 0 : clamped(stamp_age_ns(beat_ns, now_ns));
}

/// One lane in one or more rows: a long list of positions goes on in rows marked "continued".
void write_lane(const StatusView& view, std::uint16_t lane, PartWriter& rows) {
  Json json = {{"name", view.config.lanes[lane].name},
               {"state", "locked"},
               {"shut", nullptr},
               {"beat_age_ns", nullptr},
               {"open_orders", nullptr},
               {"positions", Json::array()},
               {"unset_positions", nullptr}};
  std::vector<Json> positions;
  if (view.attachment != nullptr) {
    const LaneBlock& block = view.attachment->ledger.lane(lane);
    const std::uint64_t gate = load(view.attachment->gate.lane(lane).word);
    const std::int64_t open = read_open_orders(block);
    json["state"] = gate_state_words(gate_state(gate));
    json["shut"] = shut_words(block, gate);
    json["beat_age_ns"] = beat_age(block, view.now_ns);
    json["open_orders"] = or_null(open != INT64_MAX, open);
    json["unset_positions"] = lane_positions(view.config, *view.attachment, lane, positions);
  }
  if (!view.lane_states[lane].empty()) json["state"] = view.lane_states[lane];
  std::size_t at = 0;
  do {
    const std::size_t end = std::min(at + kPositionsPerRow, positions.size());
    json["positions"] = Json::array();
    for (; at < end; ++at) json["positions"].push_back(std::move(positions[at]));
    rows.add(json);
    json = {{"name", view.config.lanes[lane].name},
            {"state", json["state"]},
            {"continued", true},
            {"beat_age_ns", nullptr},
            {"open_orders", 0},
            {"unset_positions", 0}};
  } while (at < positions.size());
}

Json rungs_json(const RungNotes& notes) {
  Json json = Json::object();
  for (std::size_t i = 0; i < kRungs; ++i)
    json[rung_name(static_cast<Rung>(i))] = notes[i].empty() ? "missing: not stated" : notes[i];
  return json;
}

Json session_json(const StatusView& view, std::uint16_t index) {
  const SessionConfig& config = view.config.sessions[index];
  const SessionView& session = view.sessions[index];
  const bool witnessed = config.transport == Transport::kernel;
  const bool in_ledger = view.attachment != nullptr && index < view.attachment->ledger.capacities.sessions;
  const SessionBlock* block = in_ledger ? &view.attachment->ledger.session(index) : nullptr;
  const bool declared = block != nullptr && load(block->epoch) != 0;
  const bool fresh = session.sampled && stamp_age_ns(session.sample.sampled_ns,
                                                     view.now_ns + kSampleFreshNs) <= 2 * kSampleFreshNs;
  return {{"name", config.name},
          {"transport", transport_name(config.transport)},
          {"state", session.registered ? "registered"
                    : session.ended    ? "ended"
                                       : "none"},
          {"declared_bytes", or_null(declared, declared ? clamped(load(block->declared_bytes)) : 0)},
          {"accepted_bytes", or_null(session.sampled, clamped(session.sample.accepted_bytes))},
          {"undeclared_bytes", or_null(session.sampled, clamped(session.sample.undeclared_bytes))},
          {"stale", session.registered && witnessed && !fresh},
          {"cancel_on_disconnect", cancel_on_disconnect_name(config.cancel_on_disconnect)},
          {"next_out_seq_num", or_null(session.next_out_seq_num != 0, clamped(session.next_out_seq_num))},
          {"next_in_seq_num", or_null(session.next_out_seq_num != 0, clamped(session.next_in_seq_num))},
          {"rungs", rungs_json(session.rungs)},
          {"contact", config.contact}};
}

Json lease_json(const StatusView& view) {
  const std::uint64_t lease_ns = std::uint64_t{view.config.supervisor.lease_ms} * 1'000'000;
  const std::uint64_t deadline_ns =
      view.attachment == nullptr ? 0 : load(view.attachment->gate.header().lease_deadline_ns);
  const bool holds = deadline_ns != 0 && lease_holds(deadline_ns, lease_ns, view.now_ns);
  return {{"left_ns", holds ? deadline_ns - view.now_ns : 0}, {"lease_ns", lease_ns}};
}

Json person_json(std::uint32_t uid) { return uid == kNoUid ? Json(nullptr) : Json(uid); }

std::string_view text_of(const char* chars, std::size_t most) noexcept {
  return {chars, strnlen(chars, most)};
}

Json counters_json(const StatusView& view) {
  Json json = {{"cycles", load(view.board.cycle)},
               {"late_cycles", load(view.board.late_cycles)},
               {"worst_late_ns", load(view.board.worst_late_ns)},
               {"breaches", load(view.board.breach_count)}};
  for (const auto& [name, count] : view.counters) json[name] = count;
  return json;
}

}  // namespace

std::vector<std::string> render_status(const StatusView& view) {
  std::vector<std::string> packets;
  PartWriter limits(packets, "limits");
  for (std::size_t i = 0; i < view.config.limits.size(); ++i) limits.add(limit_row(view, i));
  limits.end();
  PartWriter lanes(packets, "lanes");
  for (std::uint16_t lane = 0; lane < view.config.lanes.size(); ++lane) write_lane(view, lane, lanes);
  lanes.end();

  Json json = answer_head(0);
  json["engine"] = view.config.engine;
  json["environment"] = view.config.environment;
  json["config_hash"] = hex(view.config.hash);
  json["state"] = view.state;
  json["locked_reason"] = view.locked_reason.empty() ? Json(nullptr) : Json(view.locked_reason);
  json["state_since_ns"] = view.state_since_ns;
  json["now_ns"] = view.now_ns;
  json["pid"] = view.engine_pid;
  json["attached"] = view.attachment != nullptr;
  json["separated"] = view.separated;
  json["separation_note"] = view.separation_note;
  json["arm_refusal"] = view.arm_refusal;
  json["lease"] = lease_json(view);
  json["rungs"] = rungs_json(view.rungs);
  json["sessions"] = Json::array();
  for (std::uint16_t i = 0; i < std::min<std::size_t>(view.config.sessions.size(), kSessionsMax); ++i)
    json["sessions"].push_back(session_json(view, i));
  json["latch"] = latch_json(view.latch);
  json["halt"] =
      view.halt == nullptr ? Json(nullptr) : halt_json(*view.halt, view.config, view.attachment, packets);
  json["warnings"] = Json::array();
  for (std::size_t i = 0; i < std::min(view.warnings.size(), kWarningsMost); ++i)
    json["warnings"].push_back(view.warnings[i].substr(0, kWarningBytesMost));
  json["counters"] = counters_json(view);
  packets.push_back(packet_text(json));
  return packets;
}

Json latch_json(const LatchView* view) {
  if (view == nullptr)
    return {{"latched", true}, {"unreadable", true}, {"cause", cause_name(Cause::latch_unreadable)}};
  const LatchRecord& record = view->record;
  const bool latched = view->state != LatchState::clear;
  Json json = {{"latched", latched},
               {"unreadable", view->unreadable},
               {"cause", latched ? Json(cause_name(record.cause)) : Json(nullptr)},
               {"wall_ns", record.wall_ns},
               {"actor", person_json(record.actor_uid)},
               {"login", person_json(record.actor_login)},
               {"config_hash", hex(record.config_hash)},
               {"unlisted", record.unlisted},
               {"unresolved", Json::array()}};
  if (latched) {
    const std::string_view lane = text_of(record.lane_name.data(), record.lane_name.size());
    json["scope"] =
        record.engine_wide != 0 || lane.empty() ? std::string("engine") : "lane:" + std::string(lane);
    if (is_limit(record.cause)) {
      std::string name = cause_name(record.cause);
      if (record.per_ms != 0) name += "/" + std::to_string(record.per_ms) + "ms";
      if (record.symbol[0] != '\0')
        name += "/" + std::string(text_of(record.symbol.data(), record.symbol.size()));
      json["limit_name"] = name;
      json["observed"] = record.observed_value;
      json["limit"] = record.limit_value;
    }
  }
  const std::size_t count = std::min<std::size_t>(record.unresolved_count, record.unresolved.size());
  for (std::size_t i = 0; i < count; ++i)
    json["unresolved"].push_back(
        {{"cl_ord_id", record.unresolved[i].id()}, {"fate", fate_name(record.unresolved[i].fate)}});
  return json;
}

std::string scope_name(const Config& config, std::uint16_t lane, std::uint16_t session) {
  if (session != kNoSession)
    return session < config.sessions.size() ? "session:" + config.sessions[session].name : "session:?";
  if (lane == kEngineScope) return "engine";
  return lane < config.lanes.size() ? "lane:" + config.lanes[lane].name : "lane:?";
}

const char* limit_unit(LimitKind kind) noexcept {
  switch (kind) {
    case LimitKind::order_rate:
    case LimitKind::children:
    case LimitKind::open_orders:
    case LimitKind::foreign_orders:
    case LimitKind::unsubmitted_orders: return "orders";
    case LimitKind::order_qty:
    case LimitKind::position: return "quantity";
    case LimitKind::order_notional:
    case LimitKind::gross_notional: return "money_e4";
    case LimitKind::price_collar:
    case LimitKind::child_qty: return "bps";
    case LimitKind::refusals: return "refusals";
    case LimitKind::beat_age:
    case LimitKind::progress:
    case LimitKind::ledger_integrity: return "ns";
    case LimitKind::death:
    case LimitKind::lease: return "events";
    case LimitKind::undeclared_bytes: return "bytes";
    case LimitKind::unregistered_sockets: return "sockets";
  }
  return "?";
}

}  // namespace portcullis
