// SPDX-License-Identifier: Apache-2.0
/// @file The C interface as engines were built against it: symbols, sizes, offsets and numbers, copied by hand from
/// version 1. A change here breaks every engine that is installed. What may grow: new functions, new values, new
/// members behind the last one (`size` tells old from new). For anything else PC_ABI_VERSION, SOVERSION and the
/// package's name change together.
#include <catch2/catch.hpp>
#include <cstdio>
#include <memory>
#include <set>
#include <string>

#include "portcullis/portcullis.h"

namespace {

const std::set<std::string> kVersion1{
    "pc_abi_version", "pc_accepted", "pc_attach", "pc_beat", "pc_cancel", "pc_cancel_rejected", "pc_cancelled",
    "pc_corrected", "pc_declare", "pc_detach", "pc_fd", "pc_filled", "pc_find", "pc_idle", "pc_instrument",
    "pc_lane_open", "pc_lane_owner", "pc_lane_rebind", "pc_mark", "pc_next_cancel", "pc_not_sent", "pc_parent_close",
    "pc_parent_open", "pc_poll", "pc_position", "pc_positions_flat", "pc_processed", "pc_rejected", "pc_replace",
    "pc_replaced", "pc_sent", "pc_session_end", "pc_session_numbers", "pc_session_open", "pc_session_template", "pc_status_name", "pc_submit",
    "pc_submit_batch", "pc_ticket_text", "pc_verdict_name", "pc_why", "pc_work_done", "pc_work_in"};

/// "pc_submit@@PORTCULLIS_1", as the dynamic linker has them.
std::set<std::string> exported() {
  const std::string command = "nm -D --defined-only --with-symbol-versions '" PORTCULLIS_HOOK_LIBRARY "'";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(popen(command.c_str(), "r"), &pclose);
  std::set<std::string> symbols;
  char line[512], name[256];
  while (out != nullptr && std::fgets(line, sizeof line, out.get()) != nullptr)
    if (std::sscanf(line, "%*s T %255s", name) == 1) symbols.insert(name);
  return symbols;
}

}  // namespace

TEST_CASE("every function of version 1 is still exported under the version that engines were linked with") {
  const std::set<std::string> symbols = exported();
  for (const std::string& name : kVersion1) {
    INFO(name);
    CHECK(symbols.count(name + "@@PORTCULLIS_1") == 1);
  }
  CHECK(PC_ABI_VERSION == 1);
}

#define SIZE(type, bytes) CHECK(sizeof(type) == (bytes))
#define AT(type, member, offset) CHECK(offsetof(type, member) == (offset))

TEST_CASE("the structs of version 1 are where engines put them") {
  SIZE(pc_text, 16);
  AT(pc_text, data, 0);
  AT(pc_text, length, 8);
  SIZE(pc_attach_options, 24);
  AT(pc_attach_options, size, 0);
  AT(pc_attach_options, timeout_ms, 4);
  AT(pc_attach_options, engine, 8);
  AT(pc_attach_options, run_dir, 16);
  SIZE(pc_order, 64);
  AT(pc_order, size, 0);
  AT(pc_order, instrument, 4);
  AT(pc_order, cl_ord_id, 8);
  AT(pc_order, order_qty, 24);
  AT(pc_order, px_e8, 32);
  AT(pc_order, stop_px_e8, 40);
  AT(pc_order, parent, 48);
  AT(pc_order, side, 56);
  AT(pc_order, ord_type, 57);
  AT(pc_order, tif, 58);
  SIZE(pc_ticket, 40);
  AT(pc_ticket, verdict, 4);
  AT(pc_ticket, order, 8);
  AT(pc_ticket, observed, 16);
  AT(pc_ticket, limit, 24);
  AT(pc_ticket, window_ms, 32);
  SIZE(pc_replace_request, 48);
  AT(pc_replace_request, order, 8);
  AT(pc_replace_request, cl_ord_id, 16);
  AT(pc_replace_request, order_qty, 32);
  AT(pc_replace_request, px_e8, 40);
  SIZE(pc_order_ref, 32);
  AT(pc_order_ref, handle, 8);
  AT(pc_order_ref, cl_ord_id, 16);
}

TEST_CASE("the structs of version 1 that come back from the venue are where engines put them") {
  SIZE(pc_fill, 88);
  AT(pc_fill, instrument, 4);
  AT(pc_fill, order, 8);
  AT(pc_fill, exec_id, 40);
  AT(pc_fill, last_qty, 56);
  AT(pc_fill, last_px_e8, 64);
  AT(pc_fill, cum_qty, 72);
  AT(pc_fill, side, 80);
  SIZE(pc_correction, 16);
  AT(pc_correction, instrument, 4);
  AT(pc_correction, position_delta, 8);
  SIZE(pc_open_order, 128);
  AT(pc_open_order, instrument, 4);
  AT(pc_open_order, handle, 8);
  AT(pc_open_order, cl_ord_id, 16);
  AT(pc_open_order, order_id, 56);
  AT(pc_open_order, order_qty, 96);
  AT(pc_open_order, cum_qty, 104);
  AT(pc_open_order, px_e8, 112);
  AT(pc_open_order, side, 120);
  AT(pc_open_order, ord_type, 121);
  AT(pc_open_order, tif, 122);
}

TEST_CASE("the numbers of version 1 mean what engines compare them with") {
  CHECK(sizeof(pc_verdict) == 4);
  CHECK(PC_PASS == 0);
  CHECK(PC_CLOSED == 1);
  CHECK(PC_LEASE_LOST == 2);
  CHECK(PC_PAUSED == 3);
  CHECK(PC_BUSY == 4);
  CHECK(PC_WRONG_THREAD == 5);
  CHECK(PC_BAD_ARGUMENT == 6);
  CHECK(PC_NOT_ALLOWED == 7);
  CHECK(PC_POSITION_UNSET == 8);
  CHECK(PC_NO_REFERENCE == 9);
  CHECK(PC_OVERFLOW == 10);
  CHECK(PC_DUPLICATE_ID == 11);
  CHECK(PC_TABLE_FULL == 12);
  CHECK(PC_CONTENDED == 13);
  CHECK(PC_UNKNOWN_ORDER == 14);
  CHECK(PC_BACKLOG == 15);
  CHECK(PC_ORDER_RATE == 32);
  CHECK(PC_OPEN_ORDERS == 40);
  CHECK(PC_OK == 0);
  CHECK(PC_ERR_ARGUMENT == 1);
  CHECK(PC_ERR_NO_SUPERVISOR == 2);
  CHECK(PC_ERR_REFUSED == 3);
  CHECK(PC_ERR_VERSION == 4);
  CHECK(PC_ERR_CLOSED == 13);
  CHECK(PC_ERR_IO == 15);
  CHECK(PC_COMMAND_NONE == 0);
  CHECK(PC_COMMAND_STOP == 1);
  CHECK(PC_COMMAND_CANCEL == 2);
  CHECK(PC_BUY == 1);
  CHECK(PC_SELL == 2);
  CHECK(PC_SELL_SHORT == 5);
  CHECK(PC_MARKET == 1);
  CHECK(PC_STOP_LIMIT == 4);
  CHECK(PC_GTD == 6);
  CHECK(PC_NONE == 0xFFFFFFFFu);
  CHECK(PC_ID_BYTES == 36);
}
