// SPDX-License-Identifier: Apache-2.0
/// @file Names and sentences of the C interface. No allocation.
#include <cinttypes>
#include <cstdio>

#include "integration/hook_state.hpp"
#include "shm/limit_kind.hpp"

namespace portcullis {
namespace {

/// The limit that a verdict is about; false where it is about none.
bool kind_of(pc_verdict verdict, LimitKind& kind) noexcept {
  switch (verdict) {
    case PC_ORDER_RATE: kind = LimitKind::order_rate; return true;
    case PC_ORDER_QTY: kind = LimitKind::order_qty; return true;
    case PC_ORDER_NOTIONAL: kind = LimitKind::order_notional; return true;
    case PC_PRICE_COLLAR: kind = LimitKind::price_collar; return true;
    case PC_POSITION: kind = LimitKind::position; return true;
    case PC_GROSS_NOTIONAL: kind = LimitKind::gross_notional; return true;
    case PC_CHILDREN: kind = LimitKind::children; return true;
    case PC_CHILD_QTY: kind = LimitKind::child_qty; return true;
    case PC_OPEN_ORDERS: kind = LimitKind::open_orders; return true;
    case PC_PASS:
    case PC_CLOSED:
    case PC_LEASE_LOST:
    case PC_PAUSED:
    case PC_BUSY:
    case PC_WRONG_THREAD:
    case PC_BAD_ARGUMENT:
    case PC_NOT_ALLOWED:
    case PC_POSITION_UNSET:
    case PC_NO_REFERENCE:
    case PC_OVERFLOW:
    case PC_DUPLICATE_ID:
    case PC_TABLE_FULL:
    case PC_CONTENDED:
    case PC_UNKNOWN_ORDER:
    case PC_BACKLOG: return false;
  }
  return false;
}

/// money_e4 as people read it: at most four decimals, none where they are 0.
void money_text(std::int64_t money_e4, char (&out)[32]) noexcept {
  const std::int64_t part = money_e4 % 10'000;
  if (part == 0) {
    std::snprintf(out, sizeof out, "%" PRId64, money_e4 / 10'000);
  } else {
    std::snprintf(out, sizeof out, "%s%" PRId64 ".%04" PRId64, money_e4 < 0 && money_e4 > -10'000 ? "-" : "",
                  money_e4 / 10'000, part < 0 ? -part : part);
  }
}

void value_text(LimitKind kind, std::int64_t value, char (&out)[32]) noexcept {
  if (kind == LimitKind::order_notional || kind == LimitKind::gross_notional) return money_text(value, out);
  std::snprintf(out, sizeof out, "%" PRId64, value);
}

}  // namespace
}  // namespace portcullis

using namespace portcullis;

size_t pc_ticket_text(const pc_ticket* ticket, char* out, size_t length) {
  if (out == nullptr) length = 0;
  if (!whole(ticket)) return static_cast<size_t>(std::snprintf(out, length, "no ticket"));
  if (ticket->verdict < PC_PASS || ticket->verdict > PC_OPEN_ORDERS)
    return static_cast<size_t>(std::snprintf(out, length, "?"));
  const auto verdict = static_cast<pc_verdict>(ticket->verdict);
  LimitKind kind{};
  if (!kind_of(verdict, kind))
    return static_cast<size_t>(std::snprintf(out, length, "%s", pc_verdict_name(verdict)));
  char observed[32];
  char limit[32];
  char window[24] = "";
  value_text(kind, ticket->observed, observed);
  value_text(kind, ticket->limit, limit);
  if (ticket->window_ms != 0) std::snprintf(window, sizeof window, "/%" PRIu32 "ms", ticket->window_ms);
  return static_cast<size_t>(
      std::snprintf(out, length, "%s%s %s > %s", limit_name(kind), window, observed, limit));
}

const char* pc_verdict_name(pc_verdict verdict) {
  switch (verdict) {
    case PC_PASS: return "pass";
    case PC_CLOSED: return "closed";
    case PC_LEASE_LOST: return "lease lost";
    case PC_PAUSED: return "paused: only orders that reduce";
    case PC_BUSY: return "busy: an earlier order is neither sent nor not_sent";
    case PC_WRONG_THREAD: return "wrong thread";
    case PC_BAD_ARGUMENT: return "bad argument";
    case PC_NOT_ALLOWED: return "not allowed on this lane";
    case PC_POSITION_UNSET: return "start-of-day position not stated";
    case PC_NO_REFERENCE: return "no reference price";
    case PC_OVERFLOW: return "overflow";
    case PC_DUPLICATE_ID: return "duplicate ClOrdID";
    case PC_TABLE_FULL: return "table full";
    case PC_CONTENDED: return "contended";
    case PC_UNKNOWN_ORDER: return "unknown order";
    case PC_BACKLOG: return "backlog";
    case PC_ORDER_RATE: return "order_rate";
    case PC_ORDER_QTY: return "order_qty";
    case PC_ORDER_NOTIONAL: return "order_notional";
    case PC_PRICE_COLLAR: return "price_collar";
    case PC_POSITION: return "position";
    case PC_GROSS_NOTIONAL: return "gross_notional";
    case PC_CHILDREN: return "children";
    case PC_CHILD_QTY: return "child_qty";
    case PC_OPEN_ORDERS: return "open_orders";
  }
  return "?";
}

const char* pc_status_name(pc_status status) {
  switch (status) {
    case PC_OK: return "ok";
    case PC_ERR_ARGUMENT: return "bad argument";
    case PC_ERR_NO_SUPERVISOR: return "no supervisor";
    case PC_ERR_REFUSED: return "refused by the supervisor";
    case PC_ERR_VERSION: return "versions differ";
    case PC_ERR_KERNEL: return "kernel feature missing";
    case PC_ERR_UNKNOWN_NAME: return "unknown name";
    case PC_ERR_NOT_LOCKED: return "only while locked";
    case PC_ERR_NOT_TCP: return "not a connected TCP socket";
    case PC_ERR_FULL: return "full";
    case PC_ERR_UNKNOWN_ORDER: return "unknown order";
    case PC_ERR_REPEATED: return "repeated";
    case PC_ERR_WRONG_THREAD: return "wrong thread";
    case PC_ERR_CLOSED: return "closed";
    case PC_ERR_BUSY: return "busy";
    case PC_ERR_IO: return "input/output error";
  }
  return "?";
}

uint32_t pc_abi_version(void) { return PC_ABI_VERSION; }
