// SPDX-License-Identifier: Apache-2.0
/// @file The dialogue and the scripted venue on one thread, with time as data.
#pragma once
#include <catch2/catch.hpp>
#include <algorithm>
#include <cstring>
#include <memory>

#include "tests/unit/fix_text.hpp"
#include "tests/unit/takeover_venue.hpp"
#include "watchdog/takeover_dialogue.hpp"

namespace portcullis::testing {

inline constexpr std::uint64_t kMs = 1'000'000;
inline constexpr std::uint64_t kSecond = 1'000 * kMs;

struct TakeoverRig {
  explicit TakeoverRig(bool fix44 = false, std::uint32_t orders_max = 64, bool names_order_id = false)
      : dialogue(std::make_unique<TakeoverDialogue>(orders_max)) {
    venue.habits.fix44 = fix44;
    venue.next_out = 2;  // its Logon went before
    const std::string head = "|34=1|49=FIRM|52=20261123-14:30:05.123|56=CME|11=X|";
    const std::string begin = fix44 ? "FIX.4.4" : "FIX.4.2";
    const std::string id = names_order_id ? "37=Y|" : "";
    REQUIRE(cancel.compile(fix_message("35=F" + head + id + "38=1|41=Z|54=1|55=ES|60=20261123-14:30:05|1028=N|", begin),
                           now) == TemplateError::ok);
    REQUIRE(mass.compile(fix_message("35=q" + head + "530=7|60=20261123-14:30:05|", begin), now) == TemplateError::ok);
    REQUIRE(status.compile(fix_message("35=H" + head + id + "54=1|55=ES|790=S|", begin), now) == TemplateError::ok);
    plan.templates = {&cancel, &mass, &status};
    plan.cancel_rate_per_s = 10'000;
    plan.id_seed = takeover_id_seed(1'795'000'000 * kSecond, 1);
    plan.next_in = 2;
    plan.boundary.kind = BoundaryKind::at_end;
    plan.boundary.accepted_bytes = 100'000;
  }

  /// An order that left and lives at the venue; number 2 for the first.
  TakeoverOrder& order(const std::string& id, long qty = 5, char side = '1', std::int64_t notional_e4 = 0) {
    TakeoverOrder& entry = listed(id, qty, side, notional_e4);
    VenueOrder& at_venue = venue.orders[id];
    at_venue.order_id = "V" + id;
    at_venue.name = id;
    at_venue.names = {id};
    at_venue.side = side;
    at_venue.qty = qty;
    return entry;
  }
  /// An order in our list that the venue never took up.
  TakeoverOrder& listed(const std::string& id, long qty = 5, char side = '1', std::int64_t notional_e4 = 0) {
    TakeoverOrder entry;
    REQUIRE(entry.cl_ord_id.assign(id.data(), static_cast<std::uint32_t>(id.size())));
    entry.symbol = "ES";
    entry.side = side;
    entry.order_qty = qty;
    entry.notional_e4 = notional_e4;
    entry.msg_seq_num = orders.size() + 2;
    entry.msg_end_byte = (orders.size() + 1) * 100;
    orders.push_back(entry);
    return orders.back();
  }
  /// A replace of `orig`; taken: the venue did it.
  TakeoverOrder& replace(const std::string& orig, const std::string& id, bool taken, long qty = 5) {
    TakeoverOrder& entry = listed(id, qty);
    REQUIRE(entry.orig_cl_ord_id.assign(orig.data(), static_cast<std::uint32_t>(orig.size())));
    if (VenueOrder* order = taken ? venue.find(orig) : nullptr) {
      order->names.push_back(id);
      order->name = id;
      order->qty = qty;
    }
    return entry;
  }
  void id_of(TakeoverOrder& entry, const std::string& id) {
    REQUIRE(entry.order_id.assign(id.data(), static_cast<std::uint32_t>(id.size())));
  }
  [[nodiscard]] std::uint64_t next_number() const { return orders.size() + 2; }

  TakeoverStart begin() {
    if (plan.boundary.next_seq_num == 0) plan.boundary.next_seq_num = next_number();
    if (venue.expected == 1) venue.expected = plan.boundary.next_seq_num;
    plan.orders = orders;
    return dialogue->begin(plan, now);
  }
  /// One round of everybody.
  void turn() {
    dialogue->step(now);
    while (!dialogue->output().empty()) {
      const std::span<const char> out = dialogue->output();
      const std::size_t n = std::min(write_piece, out.size());
      venue.receive({out.data(), n}, now);
      dialogue->written(n);
      if (write_piece < 64) break;  // a peer that reads slowly
    }
    std::string in = venue.take(now);
    while (!in.empty()) {
      const std::span<char> room = dialogue->room();
      const std::size_t n = std::min({read_piece, in.size(), room.size()});
      std::memcpy(room.data(), in.data(), n);
      dialogue->received(n);
      in.erase(0, n);
      dialogue->step(now);
    }
    if (venue.disconnected) dialogue->connection_ended();
  }
  void run(std::uint64_t for_ns, std::uint64_t step_ns = kMs) {
    for (const std::uint64_t end = now + for_ns; now < end && !done(); now += step_ns) turn();
    turn();
  }
  [[nodiscard]] bool done() const { return dialogue->report().phase == TakeoverPhase::done; }
  [[nodiscard]] TakeoverReport report() const { return dialogue->report(); }
  [[nodiscard]] Fate fate(std::uint32_t i) const { return dialogue->outcome(i).fate; }
  /// Begins, runs, and finds nothing that FIX forbids.
  TakeoverReport play(std::uint64_t for_ns = 20 * kSecond) {
    REQUIRE(begin() == TakeoverStart::ok);
    run(for_ns);
    clean();
    return report();
  }
  void clean() const {
    INFO((venue.violations.empty() ? std::string() : venue.violations.front()));
    CHECK(venue.violations.empty());
  }
  /// The types of what we sent, in order: "q F F H".
  [[nodiscard]] std::string sent() const {
    std::string text;
    for (const Heard& m : venue.heard) text += (text.empty() ? "" : " ") + m.type;
    return text;
  }

  std::uint64_t now = 100 * kSecond;
  TakeoverTemplate cancel, mass, status;
  ScriptedVenue venue;
  std::vector<TakeoverOrder> orders;
  TakeoverPlan plan;
  std::unique_ptr<TakeoverDialogue> dialogue;
  std::size_t write_piece = 1 << 20, read_piece = 1 << 20;
};

}  // namespace portcullis::testing
