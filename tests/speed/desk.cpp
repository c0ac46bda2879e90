// SPDX-License-Identifier: Apache-2.0
#include "tests/speed/desk.hpp"

#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace portcullis::speed {
namespace {

constexpr std::int64_t kParentQty = 100'000'000;
constexpr int kStartMs = 20'000;

std::string make_folder() {
  std::string name = "/tmp/pcb-XXXXXX";  // short: socket paths are bounded
  if (mkdtemp(name.data()) == nullptr) std::exit((std::perror("folder"), 1));
  return name;
}

/// Every limit of the order path and of the supervisor. Bounds are far off, windows are full of real orders.
constexpr const char* kLimits = R"(
[limits.engine]
order_rate = [{ max = 8000, per_ms = 10 }, { max = 30000, per_ms = 100 }]
gross_notional = 2_000_000_000
open_orders = 4096
refusals = { max = 20, per_ms = 1000 }
foreign_orders = 0
unsubmitted_orders = 0
unregistered_sockets = 0
[limits.lane.flow]
order_rate = [{ max = 8000, per_ms = 10 }, { max = 30000, per_ms = 100 }]
order_qty = 1000
order_notional = 1_000_000
price_collar = { bps = 500 }
position = { each = 10_000_000 }
gross_notional = 2_000_000_000
open_orders = 4096
children = { max = 1_000_000, do = "halt_lane" }
child_qty = { bps_of_parent = 10000 }
orders_without_parent = true
)";

void write_config(const std::string& folder, bool spin, int monitor_cpu) {
  std::ofstream instruments(folder + "/instruments.csv");
  instruments << "symbol,tick_size,multiplier,currency,reference_px\n";
  for (std::uint32_t i = 0; i < kInstruments; ++i)
    instruments << fmt::format("S{:03},0.01,1,USD,100.00\n", i);
  std::ofstream out(folder + "/bench.toml");
  out << "version = 1\nenvironment = \"bench\"\ncurrency = \"USD\"\ninstruments = \"instruments.csv\"\n"
         "mode = \"desk\"\n[[engine.allowed_socket]]\nprefix = \"127.0.0.0/8\"\nport = 0\n";
  out << fmt::format("[paths]\nrun_dir = \"{0}/run\"\nstate_dir = \"{0}/state\"\n", folder);
  out << fmt::format(
      "[supervisor]\ncycle_us = 1000\nspin = {}\nlease_ms = 2000\nbeat_age_ms = 60000\nprogress_ms = 60000\n"
      "unreadable_ms = 5000\nmonitor_cpu = {}\n",
      spin, monitor_cpu);
  out << fmt::format("[capacity]\nopen_orders = {}\nparents = 64\nrate_entries = 32768\n", kOpenOrders);
  out << "[[session]]\nname = \"VENUE\"\ntransport = \"kernel\"\nundeclared_bytes = 0\ncancel_rate_per_s = "
         "1000\n"
         "[[lane]]\nname = \"flow\"\nsession = \"VENUE\"\n";
  out << kLimits;
}

/// A listener, and both ends of one connection over loopback.
bool connect_loopback(std::array<int, 3>& out) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  out[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  out[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(out[0], plain, length) != 0 || listen(out[0], 1) != 0) return false;
  if (getsockname(out[0], plain, &length) != 0 || connect(out[1], plain, length) != 0) return false;
  out[2] = accept4(out[0], nullptr, nullptr, SOCK_CLOEXEC);
  return out[2] >= 0;
}

std::string text_of_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

DeskFolder::DeskFolder(bool spin, int monitor_cpu) : path_(make_folder()) {
  write_config(path_, spin, monitor_cpu);
}
DeskFolder::~DeskFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Desk::Desk(bool spin, const Processors& processors) : spin_(spin), folder_(spin, processors.other) {
  supervisor_ = Child({PORTCULLIS_SUPERVISOR_BINARY, "--config", folder_.config()},
                      folder_.path() + "/supervisor.out", {});
  attach();
  open_session();
  for (std::uint32_t i = 0; i < kParented * 2; ++i) {
    const std::string id = fmt::format("PARENT-{}", i);
    const pc_text text{id.data(), static_cast<std::uint32_t>(id.size()), 0};
    const pc_side side = i % 2 == 1 ? PC_BUY : PC_SELL;
    if (pc_parent_open(lane_, text, i / 2, side, kParentQty, &parents_[i]) != PC_OK)
      give_up("no parent order");
  }
  if (!arm()) give_up("it could not be armed: " + text_of_file(folder_.path() + "/arm.out"));
}

void Desk::attach() {
  const std::string run_dir = folder_.run_dir();
  const pc_attach_options options{sizeof(pc_attach_options), 2'000, "bench", run_dir.c_str()};
  const bool attached = eventually(
      [&] {
        if (pc_attach(&options, &hook_) == PC_OK) return true;
        if (hook_ != nullptr) pc_detach(hook_, PC_KEEP_NONE);
        hook_ = nullptr;
        return false;
      },
      kStartMs);
  if (!attached) give_up("nothing to attach to");
  if (pc_lane_open(hook_, "flow", &lane_) != PC_OK || pc_positions_flat(lane_) != PC_OK)
    give_up(pc_why(hook_));
}

void Desk::open_session() {
  if (!connect_loopback(sockets_)) give_up("no connection over loopback");
  if (pc_session_open(hook_, "VENUE", sockets_[1], &session_) != PC_OK) give_up(pc_why(hook_));
}

bool Desk::arm() {
  return eventually(
      [&] {
        pc_beat(lane_);
        Child cli({PORTCULLIS_CLI_BINARY, "arm", "bench", "--reason", "benchmark"},
                  folder_.path() + "/arm.out", {"PORTCULLIS_RUN_DIR=" + folder_.run_dir()});
        if (cli.wait(kStartMs) != 0) return false;
        ++armed_;
        return pc_poll(lane_) == PC_COMMAND_NONE;
      },
      kStartMs);
}

bool Desk::arm_again() { return arm(); }

double Desk::resident_mib() const {
  std::ifstream status(fmt::format("/proc/{}/status", supervisor_.pid()));
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmRSS:", 0) == 0) return std::atof(line.c_str() + 6) / 1'024;
  give_up("its /proc entry cannot be read");
}

void Desk::give_up(const std::string& why) const {
  fmt::print(stderr, "bench: the supervisor: {}\n{}", why, text_of_file(folder_.path() + "/supervisor.out"));
  std::error_code ignored;
  std::filesystem::remove_all(folder_.path(), ignored);
  std::exit(1);
}

Desk::~Desk() {
  if (session_ != nullptr) pc_session_end(session_);
  pc_detach(hook_, PC_KEEP_NONE);
  for (const int fd : sockets_) close(fd);
  static_cast<void>(supervisor_.stop(5'000));
}

}  // namespace portcullis::speed
