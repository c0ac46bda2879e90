// SPDX-License-Identifier: Apache-2.0
/// @file The venue's log, the oracle of every test: each received byte with its stream offset and time, each
/// event. DIR/conn-N.bytes: what connection N received, raw. DIR/conn-N.index: one line per read, "offset
/// length time_ns". DIR/events.jsonl: one JSON object per event, see venue_log.hpp for the fields. Times are
/// CLOCK_MONOTONIC. One thread writes; a line is complete on disk after flush(), which the edge calls when
/// idle and every 50 ms at most. Rejected: parsing messages here. The raw bytes are the evidence, the reader
/// derives messages from them.
#pragma once
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace portcullis {
namespace venue {

/// CLOCK_MONOTONIC in nanoseconds.
std::int64_t monotonic_ns();

class LogWriter;

/// One event under construction; written when it goes out of scope.
class EventLine {
 public:
  EventLine(LogWriter& log, const char* event);
  EventLine(EventLine&& other);
  EventLine(const EventLine&) = delete;
  EventLine& operator=(const EventLine&) = delete;
  ~EventLine();
  EventLine& str(const char* key, const std::string& value);
  EventLine& num(const char* key, std::int64_t value);

 private:
  LogWriter* log_;
  std::string line_;
};

class LogWriter {
 public:
  /// Opens DIR/events.jsonl; `ok()` says whether that worked. The folder must exist and be the venue's alone.
  explicit LogWriter(const std::string& dir);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  /// False once any write failed: an oracle with holes is worse than none, so the venue stops then.
  bool ok() const { return ok_; }
  EventLine event(const char* name) { return EventLine(*this, name); }
  /// Bytes that connection `conn` received, read at `time_ns`.
  void bytes(unsigned conn, const char* data, std::size_t size, std::int64_t time_ns);
  /// Writes out everything and closes the connection's files.
  void connection_closed(unsigned conn);
  void flush();

 private:
  friend class EventLine;
  struct File {
    int fd = -1;
    std::string pending;
  };
  struct Tap {
    File bytes;
    File index;
    std::uint64_t offset = 0;
  };
  File open_file(const std::string& name);
  void append(File& file, const char* data, std::size_t size);
  void write_out(File& file);
  void close_file(File& file);
  std::string dir_;
  bool ok_ = true;
  File events_;
  std::vector<std::unique_ptr<Tap>> taps_;  // by connection number; null once closed
};

}  // namespace venue
}  // namespace portcullis
