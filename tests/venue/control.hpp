// SPDX-License-Identifier: Apache-2.0
/// @file The venue's control socket (Unix stream): one line in, one line out.
///   fault KIND[=ARGUMENT][@SESSION][:MS]   ok (faults.hpp)
///   clear KIND[@SESSION]                   ok
///   quote SYMBOL BID ASK SIZE              ok
///   ask SESSION BEGIN END                  ok, a ResendRequest went out; a negative number counts back from
///                                          the next one expected, END 0 leaves it open
///   skip SESSION COUNT                     ok, so many outbound sequence numbers will never be used
///   flush                                  ok, everything logged so far is on disk
///   stats                                  one line of JSON (participant.hpp)
/// Anything else, or a bad argument: "error: ..." and nothing is changed. `drop` and `reset` without a count
/// act at once.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tests/venue/book.hpp"
#include "tests/venue/faults.hpp"
#include "tests/venue/log_writer.hpp"
#include "tests/venue/participant.hpp"
#include "tests/venue/poll_loop.hpp"

namespace portcullis {
namespace venue {

/// Reads "SYMBOL<sep>BID<sep>ASK<sep>SIZE".
bool parse_quote(const std::string& text, char separator, std::string& symbol, Touch& touch);

/// What the control socket asks of the connections. Sessions by index.
class Actions {
 public:
  virtual ~Actions() {}
  /// Carries out `drop` and `reset` for each session concerned that is connected.
  virtual void close_now(const FaultLine& line) = 0;
  /// Sends a ResendRequest; false when the session is not logged on. Numbers as in the command.
  virtual bool ask(unsigned session, std::int64_t begin, std::int64_t end) = 0;
  /// Leaves out so many outbound sequence numbers; false when the session is not logged on.
  virtual bool skip(unsigned session, std::int64_t count) = 0;
};

class Control : public Watched {
 public:
  Control(std::vector<Participant>& participants, Book& book, Faults& faults, LogWriter& log, PollLoop& loop,
          Actions& actions);
  ~Control() override;
  /// Listens at `path` (at most 107 bytes), replacing a stale socket. False with errno set.
  bool listen_on(const std::string& path);
  /// The answer to one line, without its line end.
  std::string answer(const std::string& line);
  /// A new client.
  void on_ready(std::uint32_t events) override;

 private:
  class Client;
  std::string set_fault(const std::string& text, bool on);
  std::string set_quote(const std::string& text);
  std::string ask_or_skip(const std::string& line);
  std::vector<Participant>& participants_;
  Book& book_;
  Faults& faults_;
  LogWriter& log_;
  PollLoop& loop_;
  Actions& actions_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::string path_;
  int listen_fd_ = -1;
};

}  // namespace venue
}  // namespace portcullis
