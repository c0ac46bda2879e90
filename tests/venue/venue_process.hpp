// SPDX-License-Identifier: Apache-2.0
/// @file Runs portcullis_venue for a test or the demonstration: start, wait until it listens, control, stop.
/// The port is the kernel's choice, so any number of venues run side by side. The child dies with its parent.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/venue/venue_log.hpp"

namespace portcullis::venue {

/// How to start a venue.
struct VenueOptions {
  std::string binary;  ///< path of portcullis_venue
  std::string dir;  ///< existing folder for the log and the control socket; short (107 bytes with "/control")
  std::vector<std::string> sessions;  ///< "ENGINE:VENUE[:FIX.4.2|FIX.4.4][:no_cod]"
  std::vector<std::string> symbols;   ///< "SYMBOL:BID:ASK:SIZE"
  std::vector<std::string> faults;    ///< "KIND[=ARGUMENT][@SESSION]"
  std::vector<std::string> more;      ///< further arguments as they are
  int port = 0;                       ///< 0: the kernel's choice
  int ready_timeout_ms = 30000;
};

class VenueProcess {
 public:
  /// Starts it and waits for "listening PORT"; `ok()` says whether that came in time, `why()` what came
  /// instead.
  explicit VenueProcess(const VenueOptions& options);
  /// Stops it.
  ~VenueProcess();
  VenueProcess(const VenueProcess&) = delete;
  VenueProcess& operator=(const VenueProcess&) = delete;

  [[nodiscard]] bool ok() const { return port_ > 0; }
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Sends one control line; the answer, or "error: ..." when there is none within 30 s.
  std::string control(const std::string& line);
  /// Flushes the running venue's log and reads it.
  [[nodiscard]] VenueLog log();
  /// SIGTERM, then SIGKILL after `timeout_ms`. The exit status as of waitpid, -1 when it did not run.
  /// Repeatable.
  int stop(int timeout_ms = 20000);

 private:
  void wait_until_ready(int out_fd, int timeout_ms);
  std::string dir_;
  std::string why_;
  pid_t pid_ = -1;
  int port_ = -1;
  int status_ = -1;
};

}  // namespace portcullis::venue
