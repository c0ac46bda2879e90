// SPDX-License-Identifier: Apache-2.0
/// @file The smallest engine on the C++ hook: one lane, one FIX session over a plain socket, ten orders,
/// answers booked. Usage: portcullis_minimal_cpp ENGINE LANE SYMBOL PX PORT [SESSION]   (SESSION
/// "ENG1:VENUE"; PX whole currency units) Waits until people arm it, sends, cancels when asked, and ends when
/// every order has its last answer. Exit status: 0 detached in order; 64 usage; 69 no venue; 78 not attached; 1 the
/// detach was refused.
#include <portcullis/hook.hpp>

#include <cstdio>
#include <cstdlib>

#include "integration/examples/fix_wire.hpp"

namespace pc = portcullis;
using portcullis::examples::FixWire;

namespace {

constexpr int kOrders = 10;

std::string cancel_body(const std::string& id, const std::string& orig, const std::string& symbol) {
  return "11=" + id + "\00141=" + orig + "\00155=" + symbol + "\00154=1\00138=1\00160=" + FixWire::now() + '\001';
}

struct Engine {
  FixWire& venue;
  pc::Session& session;
  pc::Lane lane;
  int answered = 0;  ///< orders that are at their end

  /// Declares, then writes. False: the connection is gone.
  bool write(const std::string& bytes) {
    session.declare(bytes);
    return venue.write(bytes);
  }

  void book(const std::string& report) {
    const std::string id = FixWire::field(report, 11), orig = FixWire::field(report, 41);
    const std::string status = FixWire::field(report, 39), type = FixWire::field(report, 35);
    const std::string& own = orig.empty() ? id : orig;
    const long long last_qty = std::atoll(FixWire::field(report, 32).c_str());
    if (type == "9") lane.cancel_rejected(own, status[0]);
    if (type == "8" && status == "0") lane.accepted(id, FixWire::field(report, 37));
    if (type == "8" && last_qty > 0)
      lane.filled(own, last_qty, 0, FixWire::field(report, 17),
                  std::atoll(FixWire::field(report, 14).c_str()));
    if (type == "8" && status == "4") lane.cancelled(own);
    if (type == "8" && status == "8") lane.rejected(id);
    if (status == "2" || status == "4" || status == "8") ++answered;
    session.processed(std::strtoull(FixWire::field(report, 34).c_str(), nullptr, 10));
  }

  bool cancel_open(const char* symbol) {
    pc::OpenOrder order;
    static int number = 0;
    while (lane.next_cancel(order)) {
      const std::string id = "C" + std::to_string(++number);
      lane.cancel(order.handle, id);
      if (!write(venue.message("F", cancel_body(id, order.cl_ord_id, symbol)))) return false;
    }
    return true;
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return std::fprintf(stderr, "usage: %s ENGINE LANE SYMBOL PX PORT [SESSION]\n", argv[0]), 64;
  FixWire venue(static_cast<std::uint16_t>(std::atoi(argv[5])), argc > 6 ? argv[6] : "ENG1:VENUE");
  if (!venue.connected()) return std::fprintf(stderr, "no venue on port %s\n", argv[5]), 69;
  pc::Hook hook(argv[1]);
  if (!hook.attached()) return std::fprintf(stderr, "%s\n", hook.why()), 78;
  pc::Lane lane = hook.lane(argv[2]);
  lane.positions_flat();  // start of day; only while locked
  const std::uint32_t instrument = hook.instrument(argv[3]);
  const std::string sample = venue.sample("F", cancel_body("SAMPLE", "SAMPLE", argv[3]));
  pc::Session session = hook.session("ENG1-VENUE", venue.fd(), sample);
  if (!session) return std::fprintf(stderr, "%s\n", hook.why()), 78;

  Engine engine{venue, session, lane};
  if (!engine.write(venue.logon())) return 69;
  for (int sent = 0; engine.answered < kOrders && venue.connected();) {
    const pc::Command command = lane.poll();
    if (command == pc::Command::cancel && !engine.cancel_open(argv[3]))
      return 69;  // halt, lost lease, pause alike
    for (std::string report = venue.read(10); !report.empty(); report = venue.read(0)) engine.book(report);
    if (command != pc::Command::none || sent == kOrders) continue;
    const std::string id = "M" + std::to_string(sent + 1);
    const std::int64_t px_e8 = std::atoll(argv[4]) * 100000000;
    pc::Ticket ticket = lane.submit({id, instrument, pc::Side::buy, 1, px_e8, pc::Tif::day});
    if (!ticket) {
      std::fprintf(stderr, "%s\n", ticket.why().c_str());  // e.g. "order_rate/10ms 51 > 50"
      continue;
    }
    if (!engine.write(venue.message("D", "11=" + id + "\00121=1\00155=" + argv[3] +
                                             "\00154=1\00138=1\00140=2\00144=" + argv[4] +
                                             "\00159=0\00160=" + FixWire::now() + '\001')))
      return 69;  // the ticket takes the order back
    ticket.sent();
    ++sent;
  }
  session.end();
  const int status = hook.detach(pc::Keep::none);
  return venue.connected() ? status : 69;
}
