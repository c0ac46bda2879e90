// SPDX-License-Identifier: Apache-2.0
/// @file One engine's loop that touches everything of hook.hpp; included by the compile checks of each
/// standard.
#pragma once
#include <portcullis/hook.hpp>
#include <type_traits>

namespace {

static_assert(!std::is_copy_constructible<portcullis::Ticket>::value, "a ticket is settled once");
static_assert(!std::is_convertible<portcullis::Ticket, bool>::value, "a ticket is asked, not converted");
static_assert(std::is_trivially_copyable<portcullis::Lane>::value, "a lane is a plain value");

inline void answers(const portcullis::Lane& lane, portcullis::Session& session) {
  lane.accepted("A1", "V1");
  lane.filled("A1", 5, 100, "E1", 5);
  lane.filled({"X9", 5, 100, "E2", 5, 3, portcullis::Side::sell});
  lane.cancelled(pc_order_handle{7});
  lane.rejected("A2");
  lane.replaced("A3");
  lane.cancel_rejected("A1", '2');
  lane.corrected(3, -5);
  session.processed(12);
}

inline int engine(int fd, const std::string& bytes) {
  portcullis::Hook hook("mm1", "/tmp");
  if (!hook.attached()) return hook.why()[0];
  hook.position("es-quoter", "ESZ6", 0);
  portcullis::Session session = hook.session("CME-A", fd, bytes, "8=FIX.4.2\0019=0\001");
  portcullis::Lane lane = hook.lane("es-quoter");
  lane.positions_flat();
  lane.owner(-1);
  const portcullis::Parent parent = lane.parent("P1", 0, portcullis::Side::buy, 100);
  portcullis::OpenOrder open;
  if (lane.poll() == portcullis::Command::cancel)
    while (lane.next_cancel(open)) lane.cancel(open.handle, "C1");
  portcullis::Ticket ticket = lane.submit({bytes, 0, portcullis::Side::buy, 1, 100, portcullis::Tif::day});
  ticket = lane.submit(
      {bytes, 0, portcullis::Side::buy, 1, 0, portcullis::Tif::ioc, portcullis::OrdType::market, parent});
  if (!ticket) return ticket.why().c_str()[0];
  session.declare(bytes);
  ticket.sent();
  portcullis::Order orders[2] = {{"B1", 0, portcullis::Side::buy, 1, 100},
                                 {"B2", 0, portcullis::Side::sell, 1, 100}};
  portcullis::Ticket tickets[2];
  lane.submit_batch(orders, 2, tickets);
  portcullis::Ticket replaced = lane.replace(ticket.order(), "A4", 2, 100);
  replaced.not_sent();
  lane.mark(0, 100), lane.beat(), lane.idle(), lane.work_in(), lane.work_done();
  answers(lane, session);
  lane.close(parent), lane.rebind(), session.end();
  return hook.detach(portcullis::Keep::none);
}

/// Keeps the loop above alive without a warning, in a translation unit that calls nothing.
using EngineLoop = int (*)(int, const std::string&);
extern const EngineLoop kEngineLoop;
const EngineLoop kEngineLoop = &engine;

}  // namespace
