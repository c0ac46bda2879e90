// SPDX-License-Identifier: Apache-2.0
/// @file portcullis_venue: the exchange that cannot run here, for tests and the demonstration. Loopback only.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "tests/venue/control.hpp"
#include "tests/venue/edge.hpp"
#include "tests/venue/message_store.hpp"

namespace portcullis {
namespace venue {
namespace {

constexpr int kExitUsage = 64;
constexpr int kExitRuntime = 70;

struct Options {
  int port = 0;
  int heartbeat_s = 30;
  int receive_buffer_bytes = 0;
  std::uint32_t seed = 1;
  bool reset_on_logon = false;
  std::string port_file, log_dir, control_path, book_file;
  std::vector<std::string> sessions, symbols, faults;
};

/// SIGTERM and SIGINT end the loop.
class StopSignal : public Watched {
 public:
  StopSignal(PollLoop& loop, Edge& edge) : edge_(edge) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    fd_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    loop.watch(fd_, *this, EPOLLIN);
  }
  ~StopSignal() override { close(fd_); }
  void on_ready(std::uint32_t) override { edge_.request_stop(); }

 private:
  Edge& edge_;
  int fd_;
};

/// QuickFIX resets a session at its StartTime (UTC): twelve hours from now, so that no test meets it.
std::string start_time() {
  const time_t then = time(nullptr) + 12 * 3600;
  tm utc{};
  gmtime_r(&then, &utc);
  char text[16];
  strftime(text, sizeof text, "%H:%M:%S", &utc);
  return text;
}

FIX::SessionSettings fix_settings(const std::vector<Participant>& participants, const Options& options) {
  FIX::Dictionary common;
  const std::string turn = start_time();
  common.setString(FIX::CONNECTION_TYPE, "acceptor");
  common.setString(FIX::START_TIME, turn);
  common.setString(FIX::END_TIME, turn);
  common.setString(FIX::USE_DATA_DICTIONARY, "N");
  common.setString(FIX::CHECK_LATENCY, "N");
  common.setString(FIX::RESET_ON_LOGON, options.reset_on_logon ? "Y" : "N");
  common.setString(FIX::HEARTBTINT, std::to_string(options.heartbeat_s));
  FIX::SessionSettings settings;
  settings.set(common);
  for (const Participant& participant : participants) settings.set(session_id(participant), common);
  return settings;
}

int usage(const std::string& what) {
  std::fprintf(stderr, "portcullis_venue: %s\n", what.c_str());
  return kExitUsage;
}

bool read_sessions(const Options& options, std::vector<Participant>& out) {
  for (const std::string& text : options.sessions) {
    Participant participant;
    if (!parse_session(text, participant.spec)) return false;
    for (const Participant& other : out)
      if (other.spec.engine == participant.spec.engine) return false;
    participant.index = static_cast<unsigned>(out.size());
    out.push_back(participant);
  }
  return !out.empty();
}

bool read_book(const Options& options, Book& book) {
  std::string symbol;
  Touch touch;
  for (const std::string& text : options.symbols)
    if (!parse_quote(text, ':', symbol, touch) || !book.quote(symbol, touch)) return false;
  if (options.book_file.empty()) return true;
  std::ifstream file(options.book_file);
  if (!file) return false;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (!parse_quote(line, ',', symbol, touch) || !book.quote(symbol, touch)) return false;
  }
  return true;
}

bool read_faults(const Options& options, Faults& faults) {
  for (const std::string& text : options.faults) {
    FaultLine line;
    if (faults.parse(text, line) != FaultParse::ok) return false;
    faults.set(line, monotonic_ns());
  }
  return true;
}

bool announce(const Options& options, int port) {
  if (!options.port_file.empty()) {
    std::ofstream file(options.port_file + ".new");
    file << port << '\n';
    file.close();
    if (!file || rename((options.port_file + ".new").c_str(), options.port_file.c_str()) != 0) return false;
  }
  std::printf("listening %d\n", port);
  return std::fflush(stdout) == 0;
}

int serve(const Options& options) {
  std::vector<Participant> participants;
  if (!read_sessions(options, participants))
    return usage("--session wants ENGINE:VENUE[:FIX.4.2|FIX.4.4][:no_cod], each ENGINE once");
  Book book;
  if (!read_book(options, book))
    return usage("--symbol wants SYMBOL:BID:ASK:SIZE, --book a file of SYMBOL,BID,ASK,SIZE; BID < ASK");
  std::vector<std::string> names;
  for (const Participant& participant : participants) names.push_back(participant.spec.engine);
  Faults faults(names);
  if (!read_faults(options, faults)) return usage("--fault wants KIND[=ARGUMENT][@SESSION][:MS], see --help");
  LogWriter log(options.log_dir);
  PollLoop loop;
  if (!log.ok() || !loop.ok()) return usage("cannot write the log in " + options.log_dir);
  Exchange exchange(participants, book, faults, log, options.seed);
  BoundedStoreFactory stores;
  Edge edge(exchange, stores, fix_settings(participants, options), participants, faults, loop, log,
            options.seed);
  Control control(participants, book, faults, log, loop, edge);
  StopSignal stop(loop, edge);
  const int port = edge.listen_on(options.port, options.receive_buffer_bytes);
  if (port < 0) return usage("port " + std::to_string(options.port) + ": " + std::strerror(errno));
  if (!options.control_path.empty() && !control.listen_on(options.control_path))
    return usage(options.control_path + ": " + std::strerror(errno));
  if (!announce(options, port)) return usage("cannot announce the port");
  edge.block();
  return log.ok() ? 0 : kExitRuntime;
}

}  // namespace

int run(int argc, char** argv) {
  Options options;
  CLI::App app(
      "A FIX exchange on loopback for tests: fills at made-up prices, logs every byte, fails on demand.");
  app.add_option("--port", options.port, "port on 127.0.0.1; 0 takes any")->check(CLI::Range(0, 65535));
  app.add_option("--port-file", options.port_file, "file that gets the port once it listens");
  app.add_option("--session", options.sessions, "ENGINE:VENUE[:FIX.4.2|FIX.4.4][:no_cod], repeatable")
      ->required();
  app.add_option("--symbol", options.symbols, "SYMBOL:BID:ASK:SIZE, a standing quote, repeatable");
  app.add_option("--book", options.book_file, "file of SYMBOL,BID,ASK,SIZE lines");
  app.add_option("--log", options.log_dir, "existing folder for the log")->required();
  app.add_option("--fault", options.faults, "KIND[=ARGUMENT][@SESSION][:MS], repeatable; see below");
  app.footer(fault_help());
  app.add_option("--heartbeat", options.heartbeat_s, "HeartBtInt where the engine gives none, s")
      ->check(CLI::Range(1, 3600));
  app.add_option("--control", options.control_path, "Unix socket for control lines");
  app.add_option("--rcvbuf", options.receive_buffer_bytes, "SO_RCVBUF of each connection, bytes")
      ->check(CLI::Range(0, 1 << 26));
  app.add_option("--seed", options.seed, "decides what shuffle and noise draw (default 1)");
  app.add_flag("--reset-on-logon", options.reset_on_logon, "sequence numbers begin at 1 at each logon");
  CLI11_PARSE(app, argc, argv);
  try {
    return serve(options);
  } catch (const std::exception& error) {  // QuickFIX reports a wrong session table this way
    std::fprintf(stderr, "portcullis_venue: %s\n", error.what());
    return kExitRuntime;
  }
}

}  // namespace venue
}  // namespace portcullis

int main(int argc, char** argv) { return portcullis::venue::run(argc, argv); }
