// SPDX-License-Identifier: Apache-2.0
/// @file The venue's control socket (Unix stream): one line in, one line out.
///   fault KIND[=ARGUMENT][@SESSION][:MS]   ok (faults.hpp)
///   clear KIND[@SESSION]                   ok
///   quote SYMBOL BID ASK SIZE              ok
///   flush                                  ok, everything logged so far is on disk
///   stats                                  one line of JSON (participant.hpp)
/// Anything else, or a bad argument: "error: ..." and nothing is changed. `drop` and `reset` without a count
/// act at once.
#pragma once
#include <functional>
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

class Control : public Watched {
 public:
  Control(std::vector<Participant>& participants, Book& book, Faults& faults, LogWriter& log, PollLoop& loop,
          std::function<void(const FaultLine&)> close_now);
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
  std::vector<Participant>& participants_;
  Book& book_;
  Faults& faults_;
  LogWriter& log_;
  PollLoop& loop_;
  std::function<void(const FaultLine&)> close_now_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::string path_;
  int listen_fd_ = -1;
};

}  // namespace venue
}  // namespace portcullis
