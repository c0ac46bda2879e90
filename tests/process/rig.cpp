// SPDX-License-Identifier: Apache-2.0
#include "tests/process/rig.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace portcullis::test {
namespace {

using Table = std::map<std::string, std::string>;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_table(std::ostream& out, const std::string& heading, Table table, const Table& changes) {
  for (const auto& [key, value] : changes) table[key] = value;
  out << heading << '\n';
  for (const auto& [key, value] : table)
    if (!value.empty()) out << key << " = " << value << '\n';
}

std::string make_dir() {
  std::string name = "/tmp/pcr-XXXXXX";  // short: socket paths are bounded
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the rig");
  return name;
}

}  // namespace

Process::Process(const std::vector<std::string>& argv, const std::string& output,
                 const std::vector<std::string>& env, int uid)
    : output_(output) {
  std::vector<char*> raw;
  for (const std::string& part : argv) raw.push_back(const_cast<char*>(part.c_str()));
  raw.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ != 0) return;
  for (const std::string& pair : env) putenv(const_cast<char*>(pair.c_str()));
  const int fd = open(output.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
  dup2(fd, 1);
  dup2(fd, 2);
  const auto id = static_cast<uid_t>(uid);
  if (uid != -1 && (setgroups(0, nullptr) != 0 || setresgid(id, id, id) != 0 || setresuid(id, id, id) != 0)) _exit(126);
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a change of user clears it
  execv(raw[0], raw.data());
  dprintf(2, "cannot execute %s\n", raw[0]);
  _exit(127);
}

Process::Process(Process&& other) noexcept { *this = std::move(other); }
Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(status_, other.status_);
  std::swap(output_, other.output_);
  return *this;
}

Process::~Process() {
  if (pid_ <= 0 || status_ != -1) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Process::alive() { return pid_ > 0 && wait(0) == -1; }
void Process::signal(int number) const {
  if (pid_ > 0 && status_ == -1) kill(pid_, number);
}

int Process::wait(int timeout_ms) {
  if (pid_ <= 0 || status_ != -1) return status_;
  const bool ended = eventually(
      [&] {
        int status = 0;
        if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
        status_ = status;
        return true;
      },
      timeout_ms);
  return ended ? status_ : -1;
}

std::string Process::output() const { return read_file(output_); }
std::string Process::read(const std::string& path) { return read_file(path); }

bool eventually(const std::function<bool()>& holds, int timeout_ms) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    if (holds()) return true;
    if (std::chrono::steady_clock::now() >= until) return false;
    poll(nullptr, 0, 2);
  }
}

Rig::Rig(RigOptions given) : options(std::move(given)), dir_(make_dir()) {
  std::filesystem::create_directory(dir_ + "/venue");
  write_config();
  const auto owner = static_cast<uid_t>(options.uid);
  if (options.uid != -1 && chown(dir_.c_str(), owner, owner) != 0) throw std::runtime_error("the folder cannot be given away");
  venue::VenueOptions venue;
  venue.binary = PORTCULLIS_VENUE_BINARY;
  venue.dir = dir_ + "/venue";
  venue.sessions = {"ENG1:VENUE:" + options.begin_string + (options.venue_cod ? "" : ":no_cod")};
  venue.symbols = {"AAA:99.99:100.01:1000000", "BBB:49.99:50.01:1000000"};
  venue.faults = options.venue_faults;
  venue.more = options.venue_more;
  venue_ = std::make_unique<venue::VenueProcess>(venue);
  if (!venue_->ok()) throw std::runtime_error("the venue did not start: " + venue_->why());
}

Rig::~Rig() {
  engine_ = Process();
  supervisor_ = Process();
  venue_.reset();
  if (std::getenv("PORTCULLIS_KEEP") != nullptr) return;
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

void Rig::write_config() const {
  std::ofstream(dir_ + "/instruments.csv") << "symbol,tick_size,multiplier,currency,reference_px\n"
                                              "AAA,0.01,1,USD,100.00\nBBB,0.01,1,USD,50.00\n";
  std::ofstream out(config());
  out << "version = 1\nenvironment = \"test\"\ncurrency = \"USD\"\ninstruments = \"instruments.csv\"\nmode = "
         "\"desk\"\n";
  out << "[paths]\nrun_dir = \"" << run_dir() << "\"\nstate_dir = \"" << state_dir() << "\"\n";
  if (!options.engine.empty()) write_table(out, "[engine]", {}, options.engine);
  write_table(out, "[supervisor]",
              {{"cycle_us", "1000"},
               {"lease_ms", "500"},
               {"beat_age_ms", "3000"},
               {"progress_ms", "3000"},
               {"unreadable_ms", "1000"}},
              options.supervisor);
  write_table(out, "[ladder]", {{"ask_ms", "1500"}, {"sever_ms", "1000"}, {"fence_ms", "3000"}},
              options.ladder);
  write_table(out, "[capacity]", {{"open_orders", "2048"}, {"parents", "64"}, {"rate_entries", "8192"}}, {});
  write_table(out, "[[session]]",
              {{"name", '"' + options.session_name + '"'},
               {"transport", "\"kernel\""},
               {"undeclared_bytes", "0"},
               {"cancel_rate_per_s", "2000"},
               {"cancel_on_disconnect", "\"all\""},
               {"contact", "\"desk of the test venue\""}},
              options.session);
  write_table(out, "[[lane]]", {{"name", "\"flow\""}, {"session", '"' + options.session_name + '"'}}, {});
  write_table(out, "[limits.engine]",
              {{"order_rate", "[{ max = 4000, per_ms = 1000 }]"},
               {"gross_notional", "1_000_000_000"},
               {"open_orders", "2000"},
               {"refusals", "{ max = 50, per_ms = 1000 }"},
               {"foreign_orders", "0"},
               {"unsubmitted_orders", "0"},
               {"unregistered_sockets", "0"}},
              options.engine_limits);
  write_table(out, "[limits.lane.flow]",
              {{"order_rate", "[{ max = 4000, per_ms = 1000 }]"},
               {"order_qty", "10000"},
               {"order_notional", "10_000_000"},
               {"price_collar", "{ bps = 2000 }"},
               {"position", "{ each = 1_000_000 }"},
               {"gross_notional", "1_000_000_000"},
               {"open_orders", "2000"},
               {"children", "{ off = \"no parents in this test\" }"},
               {"child_qty", "{ off = \"no parents in this test\" }"}},
              options.lane_limits);
}

void Rig::start_supervisor(const std::vector<std::string>& more) {
  std::vector<std::string> argv = {PORTCULLIS_SUPERVISOR_BINARY, "--config", config()};
  argv.insert(argv.end(), more.begin(), more.end());
  supervisor_ = Process(argv, dir_ + "/supervisor.out", {}, options.uid);
  if (!eventually([&] { return state() != "?" || !supervisor_.alive(); }, 20'000) || !supervisor_.alive())
    throw std::runtime_error("the supervisor did not start: " + supervisor_.output());
}

void Rig::start_engine() {
  std::vector<std::string> argv = {PORTCULLIS_RUNAWAY_BINARY,
                                   "--name",
                                   "mm1",
                                   "--guarded",
                                   "--run-dir",
                                   run_dir(),
                                   "--session",
                                   "ENG1:VENUE",
                                   "--port",
                                   std::to_string(venue_->port()),
                                   "--session-name",
                                   options.session_name,
                                   "--lane",
                                   "flow",
                                   "--begin-string",
                                   options.begin_string,
                                   "--symbol",
                                   "AAA:99.99:100.01:1000000",
                                   "--symbol",
                                   "BBB:49.99:50.01:1000000",
                                   "--store",
                                   dir_ + "/store"};
  if (!options.parents) argv.emplace_back("--no-parent");
  argv.insert(argv.end(), options.engine_args.begin(), options.engine_args.end());
  engine_ = Process(argv, dir_ + "/engine.out", {}, options.uid);
}

void Rig::start_engine(const std::vector<std::string>& argv) {
  engine_ = Process(argv, dir_ + "/engine.out", {"PORTCULLIS_RUN_DIR=" + run_dir()}, options.uid);
}

CliResult Rig::cli(const std::vector<std::string>& args, int timeout_ms) const {
  static int calls = 0;
  std::vector<std::string> argv = {PORTCULLIS_CLI_BINARY};
  argv.insert(argv.end(), args.begin(), args.end());
  const std::string output = dir_ + "/cli." + std::to_string(++calls);
  Process process(argv, output, {"PORTCULLIS_RUN_DIR=" + run_dir(), "PORTCULLIS_STATE_DIR=" + state_dir()}, options.uid);
  const int status = process.wait(timeout_ms);
  CliResult result;
  result.exit = status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  result.text = process.output();
  const std::size_t end = result.text.find_last_not_of('\n');
  const std::size_t begin = end == std::string::npos ? 0 : result.text.rfind('\n', end) + 1;
  result.json = nlohmann::json::parse(result.text.substr(begin), nullptr, false);
  return result;
}

nlohmann::json Rig::status() const { return cli({"status", "mm1", "--json"}).json; }

std::string Rig::state() const {
  const nlohmann::json now = status();
  return now.is_object() ? now.value("state", "?") : "?";
}

bool Rig::attached(int timeout_ms) {
  return eventually(
      [&] {
        const nlohmann::json now = status();
        if (!now.is_object() || !now.value("attached", false) || !now.contains("sessions")) return false;
        for (const nlohmann::json& session : now["sessions"])
          if (session.value("state", "") != "registered") return false;
        return true;
      },
      timeout_ms);
}

bool Rig::arm() {
  return eventually([&] { return cli({"arm", "mm1", "--reason", "test"}).exit == 0; }, 10'000);
}

bool Rig::trading(int open_orders, int timeout_ms) {
  return eventually([&] { return venue_open_orders() >= open_orders; }, timeout_ms);
}

bool Rig::up(int open_orders) {
  start_supervisor();
  start_engine();
  const bool all = attached() && arm() && trading(open_orders);
  if (!all) std::fprintf(stderr, "%s\n", logs().c_str());
  return all;
}

nlohmann::json Rig::halted(int timeout_ms) {
  nlohmann::json halt;
  const bool done = eventually(
      [&] {
        const nlohmann::json now = status();
        if (!now.is_object() || !now.contains("halt") || !now["halt"].is_object()) return false;
        halt = now["halt"];
        return halt.value("finished", false);
      },
      timeout_ms);
  return done ? halt : nlohmann::json();
}

int Rig::venue_open_orders() {
  const nlohmann::json stats = nlohmann::json::parse(venue_->control("stats"), nullptr, false);
  if (!stats.is_object() || !stats.contains("sessions")) return -1;
  return static_cast<int>(stats["sessions"]["ENG1"]["open"].size());
}

int Rig::orders_after_close(const nlohmann::json& halt) {
  const venue::VenueLog log = venue_->log();
  const auto connections = log.of_session("ENG1");
  if (connections.empty() || !halt.contains("sessions") || halt["sessions"].empty()) return -1;
  const nlohmann::json& noted = halt["sessions"].at(0)["closed_offset"];
  if (!noted.is_number_unsigned()) return -1;  // that connection is gone, and its offsets with it
  const auto offset = noted.get<std::uint64_t>();
  int orders = 0;
  for (const venue::VenueMessage& message : connections.back()->messages)
    if ((message.type == "D" || message.type == "G") && message.offset >= offset) ++orders;
  return orders;
}

std::string Rig::logs() const {
  return "supervisor:\n" + supervisor_.output() + "\nengine:\n" + engine_.output() + "\nstatus:\n" +
         cli({"status", "mm1"}, 5'000).text;
}

}  // namespace portcullis::test
