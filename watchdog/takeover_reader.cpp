// SPDX-License-Identifier: Apache-2.0
#include "watchdog/takeover_reader.hpp"

#include <algorithm>

namespace portcullis {
namespace {

constexpr std::string_view kStart = "8=FIX";
constexpr std::size_t kTrailerBytes = 7;

/// The CheckSum (10) of a message that is whole by its length.
bool sum_fits(std::string_view bytes, const FixMessage& m) noexcept {
  std::uint32_t sum = 0;
  for (const char c : bytes.substr(m.begin, m.body_end - m.begin)) sum += static_cast<unsigned char>(c);
  std::uint64_t claimed = 0;
  return fix::number(bytes.substr(m.body_end + 3, 3), claimed) && claimed == sum % 256;
}

/// The bytes at `at`, as many as there are, may be a BeginString: text in front of 8=FIX must not become part of one.
bool begin_string_at(std::string_view bytes, std::size_t at) noexcept {
  const auto fits = [text = bytes.substr(at)](std::string_view pattern) {
    for (std::size_t i = 0; i < pattern.size() && i < text.size(); ++i)
      if (pattern[i] == '#' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i]) return false;
    return true;
  };
  return fits("8=FIX.#.#\001") || fits("8=FIXT.#.#\001");
}

/// Whether the message at `at` says that it is longer than we take.
bool too_long(std::string_view bytes, std::size_t at) noexcept {
  std::size_t p = at;
  if (fix::next_field(bytes, p, bytes.size()).tag != 8) return false;
  const FixField length = fix::next_field(bytes, p, bytes.size());
  std::uint64_t body = 0;
  return length.tag == 9 && fix::number(length.value, body) && body > kInboundMessageBytes - kTrailerBytes - (p - at);
}

}  // namespace

void TakeoverReader::clear() noexcept {
  begin_ = end_ = 0;
  skipped_bytes_ = garbled_ = 0;
}

std::span<char> TakeoverReader::room() noexcept {
  std::copy(buffer_.begin() + begin_, buffer_.begin() + end_, buffer_.begin());
  end_ -= begin_;
  begin_ = 0;
  return std::span<char>(buffer_).subspan(end_);
}

void TakeoverReader::filled(std::size_t bytes) noexcept { end_ += std::min(bytes, buffer_.size() - end_); }

bool TakeoverReader::next(InboundMessage& out) noexcept {
  while (begin_ < end_) {
    FixMessage found;
    switch (look(begin_, found)) {
      case Looked::message: {
        const bool parsed = parse_inbound({buffer_.data(), end_}, found, out);
        begin_ = found.end;
        if (parsed) return true;
        ++garbled_;
        break;
      }
      case Looked::garbled:
        ++garbled_;
        skip_to(begin_ + 1);
        break;
      case Looked::garbage: skip_to(begin_ + 1); break;
      case Looked::incomplete:
        if (!length_lies(begin_)) return false;
        ++garbled_;
        skip_to(begin_ + 1);
        break;
    }
  }
  return false;
}

TakeoverReader::Looked TakeoverReader::look(std::size_t at, FixMessage& out) const noexcept {
  const std::string_view bytes(buffer_.data(), end_);
  if (!begin_string_at(bytes, at)) return Looked::garbage;
  switch (find_fix_message(bytes, at, out)) {
    case FixFound::garbage: return Looked::garbage;
    case FixFound::incomplete: return too_long(bytes, at) ? Looked::garbage : Looked::incomplete;
    case FixFound::message: break;
  }
  if (too_long(bytes, at)) return Looked::garbage;
  return sum_fits(bytes, out) ? Looked::message : Looked::garbled;
}

/// A whole message inside the body that is still awaited, unless it is a field's value (a message as data).
bool TakeoverReader::length_lies(std::size_t at) const noexcept {
  const std::string_view bytes(buffer_.data(), end_);
  FixMessage inside;
  for (std::size_t p = bytes.find(kStart, at + 1); p != std::string_view::npos; p = bytes.find(kStart, p + 1))
    if (bytes[p - 1] != '=' && look(p, inside) == Looked::message) return true;
  return false;
}

void TakeoverReader::skip_to(std::size_t at) noexcept {
  const std::string_view bytes(buffer_.data(), end_);
  const std::size_t start = bytes.find(kStart, at);
  const std::size_t tail = end_ > kStart.size() - 1 ? end_ - (kStart.size() - 1) : 0;  // may be a start's first bytes
  const std::size_t to = start != std::string_view::npos ? start : std::max(at, tail);
  skipped_bytes_ += to - begin_;
  begin_ = to;
}

}  // namespace portcullis
