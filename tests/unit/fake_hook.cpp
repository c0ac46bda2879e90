// SPDX-License-Identifier: Apache-2.0
/// @file The C interface, scripted.
#include "tests/unit/fake_hook.hpp"

#include <fcntl.h>
#include <portcullis/portcullis.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

struct pc_hook {
  char why[64];
};
struct pc_lane {
  char name[32];
};
struct pc_session {
  int fd;
};

namespace portcullis {
namespace test {
namespace {

pc_hook g_hook = {"the test says no"};
pc_lane g_lane = {"main"};
pc_session g_session = {-1};
constexpr int kFirstFd = 3;

std::string text(pc_text value) { return std::string(value.data == nullptr ? "" : value.data, value.length); }

std::string name_of(const pc_order_ref* order) {
  if (order->handle == 0) return text(order->cl_ord_id);
  const std::size_t number = static_cast<std::size_t>(order->handle) - 1;
  const FakeHook& fake = fake_hook();
  return number < fake.open.size() ? fake.open[number] : "?";
}

pc_verdict answer(const char* what, const std::string& id, const std::string& more, pc_ticket* ticket) {
  FakeHook& fake = fake_hook();
  fake.note(std::string(what) + ' ' + id + more);
  const std::lock_guard<std::mutex> hold(fake.mutex);
  ticket->verdict = fake.verdict;
  if (fake.verdict != PC_PASS) return static_cast<pc_verdict>(fake.verdict);
  fake.open.push_back(id);
  ticket->order = fake.open.size();
  return PC_PASS;
}

pc_status reported(const char* what, const pc_order_ref* order, const std::string& more = "") {
  fake_hook().note(std::string(what) + ' ' + name_of(order) + more);
  return PC_OK;
}

}  // namespace

FakeHook& fake_hook() {
  static FakeHook fake;
  return fake;
}

void FakeHook::note(const std::string& call) {
  const std::lock_guard<std::mutex> hold(mutex);
  calls.push_back(call);
}

int FakeHook::place(const std::string& prefix) {
  const std::lock_guard<std::mutex> hold(mutex);
  for (std::size_t i = 0; i < calls.size(); ++i)
    if (calls[i].compare(0, prefix.size(), prefix) == 0) return static_cast<int>(i);
  return -1;
}

std::string FakeHook::first(const std::string& prefix) {
  const int found = place(prefix);
  const std::lock_guard<std::mutex> hold(mutex);
  return found < 0 ? std::string() : calls[static_cast<std::size_t>(found)];
}

int FakeHook::count(const std::string& prefix) {
  const std::lock_guard<std::mutex> hold(mutex);
  return static_cast<int>(std::count_if(calls.begin(), calls.end(), [&](const std::string& call) {
    return call.compare(0, prefix.size(), prefix) == 0;
  }));
}

void FakeHook::reset() {
  const std::lock_guard<std::mutex> hold(mutex);
  calls.clear();
  open.clear();
  cancels.clear();
  verdict = PC_PASS;
  command = PC_COMMAND_NONE;
  refuse_sessions = refuse_declare = false;
}

}  // namespace test
}  // namespace portcullis

using portcullis::test::answer;
using portcullis::test::fake_hook;
using portcullis::test::FakeHook;
using portcullis::test::reported;
using portcullis::test::text;

extern "C" {

pc_status pc_attach(const pc_attach_options*, pc_hook** hook) {
  return *hook = &portcullis::test::g_hook, PC_OK;
}
const char* pc_why(const pc_hook* hook) { return hook->why; }
pc_status pc_detach(pc_hook*, pc_keep) { return PC_OK; }
int pc_fd(const pc_hook*) { return -1; }
uint32_t pc_instrument(const pc_hook*, const char* symbol) {
  return std::strcmp(symbol, "ESZ6") == 0 ? 7u : std::strcmp(symbol, "NQZ6") == 0 ? 8u : PC_NONE;
}
pc_status pc_lane_open(pc_hook*, const char* name, pc_lane** lane) {
  if (std::strcmp(name, "main") != 0) return PC_ERR_UNKNOWN_NAME;
  return *lane = &portcullis::test::g_lane, PC_OK;
}
pc_status pc_lane_owner(pc_lane*, int) { return PC_OK; }
pc_status pc_lane_rebind(pc_lane*) { return fake_hook().note("rebind"), PC_OK; }
pc_status pc_position(pc_lane*, uint32_t, int64_t) { return PC_OK; }
pc_status pc_positions_flat(pc_lane*) { return PC_OK; }

pc_order_handle pc_find(const pc_lane*, pc_text cl_ord_id) {
  FakeHook& fake = fake_hook();
  const std::lock_guard<std::mutex> hold(fake.mutex);
  for (std::size_t i = 0; i < fake.open.size(); ++i)
    if (fake.open[i] == text(cl_ord_id)) return i + 1;
  return 0;
}

pc_verdict pc_submit(pc_lane*, const pc_order* order, pc_ticket* ticket) {
  const std::string more = " instrument " + std::to_string(order->instrument) + " side " +
                           std::to_string(order->side) + " qty " + std::to_string(order->order_qty) +
                           " px_e8 " + std::to_string(order->px_e8) + " type " +
                           std::to_string(order->ord_type) + " tif " + std::to_string(order->tif) +
                           " parent " + std::to_string(order->parent);
  return answer("submit", text(order->cl_ord_id), more, ticket);
}
uint32_t pc_submit_batch(pc_lane*, const pc_order*, uint32_t, pc_ticket*) { return 0; }
pc_status pc_sent(pc_lane*, pc_order_handle order) {
  return fake_hook().note("sent " + std::to_string(order)), PC_OK;
}
pc_status pc_not_sent(pc_lane*, pc_order_handle order) {
  return fake_hook().note("not_sent " + std::to_string(order)), PC_OK;
}
pc_verdict pc_replace(pc_lane*, const pc_replace_request* request, pc_ticket* ticket) {
  const std::string more = " of " + std::to_string(request->order) + " qty " +
                           std::to_string(request->order_qty) + " px_e8 " + std::to_string(request->px_e8);
  return answer("replace", text(request->cl_ord_id), more, ticket);
}
pc_status pc_cancel(pc_lane*, const pc_order_ref* order, pc_text) { return reported("cancel", order); }
pc_status pc_parent_open(pc_lane*, pc_text, uint32_t, pc_side, int64_t, pc_parent_handle* parent) {
  return *parent = 1, PC_OK;
}
pc_status pc_parent_close(pc_lane*, pc_parent_handle) { return PC_OK; }
pc_status pc_mark(pc_lane*, uint32_t, int64_t) { return PC_OK; }
void pc_beat(pc_lane*) {}
void pc_idle(pc_lane*) {}
void pc_work_in(pc_lane*, uint64_t) {}
void pc_work_done(pc_lane*, uint64_t) {}
pc_command pc_poll(pc_lane*) { return static_cast<pc_command>(fake_hook().command); }
int pc_next_cancel(pc_lane*, pc_open_order* order) {
  FakeHook& fake = fake_hook();
  const std::lock_guard<std::mutex> hold(fake.mutex);
  if (fake.cancels.empty()) return 0;
  std::snprintf(order->cl_ord_id, sizeof order->cl_ord_id, "%s", fake.cancels.back().c_str());
  order->instrument = 7;
  order->side = PC_BUY;
  order->order_qty = 5;
  fake.cancels.pop_back();
  return 1;
}

pc_status pc_accepted(pc_lane*, const pc_order_ref* order, pc_text id) {
  return reported("accepted", order, " as " + text(id));
}
pc_status pc_filled(pc_lane*, const pc_fill* fill) {
  return reported("filled", &fill->order,
                  " instrument " + std::to_string(fill->instrument) + " side " + std::to_string(fill->side) +
                      " qty " + std::to_string(fill->last_qty) + " cum " + std::to_string(fill->cum_qty) +
                      " exec " + text(fill->exec_id));
}
pc_status pc_cancelled(pc_lane*, const pc_order_ref* order) { return reported("cancelled", order); }
pc_status pc_rejected(pc_lane*, const pc_order_ref* order) { return reported("rejected", order); }
pc_status pc_replaced(pc_lane*, const pc_order_ref* order) { return reported("replaced", order); }
pc_status pc_cancel_rejected(pc_lane*, const pc_order_ref* order, char status) {
  return reported("cancel_rejected", order, std::string(" ") + status);
}
pc_status pc_corrected(pc_lane*, const pc_correction* correction) {
  fake_hook().note("corrected " + std::to_string(correction->instrument) + " by " +
                   std::to_string(correction->position_delta));
  return PC_OK;
}

pc_status pc_session_open(pc_hook*, const char* name, int fd, pc_session** session) {
  fake_hook().note(std::string("session_open ") + name +
                   (fd >= portcullis::test::kFirstFd ? " with socket" : " without"));
  if (fake_hook().refuse_sessions) return PC_ERR_REFUSED;
  portcullis::test::g_session.fd = fd;
  return *session = &portcullis::test::g_session, PC_OK;
}
int pc_session_numbers(const pc_session*, uint64_t* next_out, uint64_t* next_in) {
  *next_out = fake_hook().next_out;
  *next_in = fake_hook().next_in;
  return *next_out != 0 ? 1 : 0;
}
pc_status pc_session_template(pc_session*, pc_text message) {
  return fake_hook().note("template " + text(message)), PC_OK;
}
pc_status pc_declare(pc_session*, const void* bytes, size_t length) {
  if (fake_hook().refuse_declare) return PC_ERR_FULL;
  return fake_hook().note("declare " + std::string(static_cast<const char*>(bytes), length)), PC_OK;
}
void pc_processed(pc_session*, uint64_t seq_num) { fake_hook().note("processed " + std::to_string(seq_num)); }
pc_status pc_session_end(pc_session*) {
  const bool open = fcntl(portcullis::test::g_session.fd, F_GETFD) >= 0;
  return fake_hook().note(open ? "session_end before close" : "session_end after close"), PC_OK;
}

size_t pc_ticket_text(const pc_ticket*, char* out, size_t length) {
  return static_cast<size_t>(std::snprintf(out, length, "the test refuses"));
}
const char* pc_verdict_name(pc_verdict) { return "verdict"; }
const char* pc_status_name(pc_status) { return "status"; }
uint32_t pc_abi_version(void) { return PC_ABI_VERSION; }
}
