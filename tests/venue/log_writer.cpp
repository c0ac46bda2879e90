// SPDX-License-Identifier: Apache-2.0
/// @file Buffered files of the venue's log.
#include "tests/venue/log_writer.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace portcullis {
namespace venue {
namespace {

constexpr std::size_t kBufferBytes =
    256 * 1024;  // a write per quarter megabyte keeps the log out of the profile

void append_json_string(std::string& out, const std::string& value) {
  static const char* const kHex = "0123456789abcdef";
  out += '"';
  for (const char c : value) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {  // hostile bytes stay readable, one code point per byte
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

EventLine::EventLine(LogWriter& log, const char* event) : log_(&log) {
  line_.reserve(256);
  line_ = "{\"time_ns\":";
  line_ += std::to_string(monotonic_ns());
  line_ += ",\"event\":\"";
  line_ += event;
  line_ += '"';
}

EventLine::EventLine(EventLine&& other) : log_(other.log_), line_(std::move(other.line_)) {
  other.log_ = nullptr;
}

EventLine::~EventLine() {
  if (log_ == nullptr) return;
  line_ += "}\n";
  log_->append(log_->events_, line_.data(), line_.size());
}

EventLine& EventLine::str(const char* key, const std::string& value) {
  line_ += ",\"";
  line_ += key;
  line_ += "\":";
  append_json_string(line_, value);
  return *this;
}

EventLine& EventLine::num(const char* key, std::int64_t value) {
  line_ += ",\"";
  line_ += key;
  line_ += "\":";
  line_ += std::to_string(value);
  return *this;
}

LogWriter::LogWriter(const std::string& dir) : dir_(dir) { events_ = open_file("events.jsonl"); }

LogWriter::~LogWriter() {
  for (unsigned conn = 0; conn < taps_.size(); ++conn) connection_closed(conn);
  close_file(events_);
}

void LogWriter::bytes(unsigned conn, const char* data, std::size_t size, std::int64_t time_ns) {
  if (conn >= taps_.size()) taps_.resize(conn + 1);
  if (!taps_[conn]) {
    taps_[conn].reset(new Tap);
    const std::string name = "conn-" + std::to_string(conn);
    taps_[conn]->bytes = open_file(name + ".bytes");
    taps_[conn]->index = open_file(name + ".index");
  }
  Tap& tap = *taps_[conn];
  const std::string line =
      std::to_string(tap.offset) + ' ' + std::to_string(size) + ' ' + std::to_string(time_ns) + '\n';
  append(tap.bytes, data, size);
  append(tap.index, line.data(), line.size());
  tap.offset += size;
}

void LogWriter::connection_closed(unsigned conn) {
  if (conn >= taps_.size() || !taps_[conn]) return;
  close_file(taps_[conn]->bytes);
  close_file(taps_[conn]->index);
  taps_[conn].reset();
}

void LogWriter::flush() {
  for (const auto& tap : taps_) {
    if (!tap) continue;
    write_out(tap->bytes);
    write_out(tap->index);
  }
  write_out(events_);
}

LogWriter::File LogWriter::open_file(const std::string& name) {
  File file;
  file.fd = open((dir_ + '/' + name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  ok_ = ok_ && file.fd >= 0;
  return file;
}

void LogWriter::append(File& file, const char* data, std::size_t size) {
  file.pending.append(data, size);
  if (file.pending.size() >= kBufferBytes) write_out(file);
}

void LogWriter::write_out(File& file) {
  std::size_t done = 0;
  while (ok_ && done < file.pending.size()) {
    const ssize_t n = write(file.fd, file.pending.data() + done, file.pending.size() - done);
    if (n < 0 && errno == EINTR) continue;
    ok_ = n > 0;
    if (ok_) done += static_cast<std::size_t>(n);
  }
  file.pending.clear();
}

void LogWriter::close_file(File& file) {
  write_out(file);
  if (file.fd >= 0) close(file.fd);
  file.fd = -1;
}

}  // namespace venue
}  // namespace portcullis
