// SPDX-License-Identifier: Apache-2.0
/// @file Where a stopped engine's stream stands, and how a message that was cut anywhere is closed.
#include "watchdog/takeover_boundary.hpp"

#include <catch2/catch.hpp>
#include <memory>

#include "tests/unit/fix_text.hpp"
#include "watchdog/takeover_reader.hpp"

namespace portcullis {
namespace {

using testing::fix_message;

struct Ring {
  explicit Ring(std::uint32_t n = 8) : capacity(n), ends(std::make_unique<MessageEnd[]>(n)) {}
  void add(std::uint64_t end_byte, std::uint64_t next, std::uint64_t covered) {
    MessageEnd& end = ends[head++ & (capacity - 1)];
    store(end.end_byte, end_byte);
    store(end.next_seq_num, next);
    store(end.covered_seq_num, covered);
  }
  [[nodiscard]] Boundary at(std::uint64_t accepted) const { return find_boundary({ends.get(), capacity, head}, accepted); }
  std::uint32_t capacity;
  std::unique_ptr<MessageEnd[]> ends;
  std::uint64_t head = 0;
};

/// Messages 1 to 5 of 100 bytes each.
Ring five() {
  Ring ring;
  for (std::uint64_t n = 1; n <= 5; ++n) ring.add(n * 100, n + 1, n);
  return ring;
}

TEST_CASE("accepted at a message's end gives the number that is next") {
  const Ring ring = five();
  const Boundary b = ring.at(300);
  CHECK(b.kind == BoundaryKind::at_end);
  CHECK(b.next_seq_num == 4);
  CHECK(b.resend_from == 0);
  CHECK(b.left_bytes() == 300);
  CHECK(ring.at(500).next_seq_num == 6);
}

TEST_CASE("accepted inside a message leaves its number free") {
  const Boundary b = five().at(333);
  CHECK(b.kind == BoundaryKind::inside);
  CHECK(b.begin_byte == 300);
  CHECK(b.end_byte == 400);
  CHECK(b.next_seq_num == 4);
  CHECK(b.left_bytes() == 333);
}

TEST_CASE("a message that lacks its last byte only is counted, and its order left") {
  const Boundary b = five().at(399);
  CHECK(b.kind == BoundaryKind::last_byte_missing);
  CHECK(b.next_seq_num == 5);
  CHECK(b.left_bytes() == 400);
  CHECK(five().at(398).kind == BoundaryKind::inside);
}

TEST_CASE("a resend under way is seen, and where it stopped") {
  Ring ring = five();
  ring.add(600, 6, 2);
  ring.add(700, 6, 3);
  CHECK(ring.at(700).next_seq_num == 6);
  CHECK(ring.at(700).resend_from == 4);
  CHECK(ring.at(650).kind == BoundaryKind::inside);
  CHECK(ring.at(650).resend_from == 3);  // message 3 was cut: it is still to come
  CHECK(ring.at(550).resend_from == 2);  // the first one of the resend was cut
  CHECK(ring.at(699).resend_from == 4);  // completed by its last byte
  ring.add(800, 6, 5);                   // a gap fill to the end
  CHECK(ring.at(800).resend_from == 0);
}

TEST_CASE("what the ring does not say is unknown") {
  const Ring ring = five();
  CHECK(ring.at(0).kind == BoundaryKind::unknown);    // nothing sent yet
  CHECK(ring.at(50).kind == BoundaryKind::unknown);   // inside the first message: nothing says which number it has
  CHECK(ring.at(501).kind == BoundaryKind::unknown);  // beyond what was declared
  CHECK(Ring().at(100).kind == BoundaryKind::unknown);
  CHECK(find_boundary({nullptr, 0, 5}, 100).kind == BoundaryKind::unknown);
  Ring long_ago = five();
  for (std::uint64_t n = 6; n <= 20; ++n) long_ago.add(n * 100, n + 1, n);
  CHECK(long_ago.at(500).kind == BoundaryKind::unknown);
  // 13 lies where the engine may just be writing 21: it is not read
  CHECK(long_ago.at(1300).kind == BoundaryKind::unknown);
  CHECK(long_ago.at(1400).next_seq_num == 15);
}

TEST_CASE("a ring that contradicts itself is unknown") {
  Ring backwards = five();
  backwards.add(450, 7, 6);
  CHECK(backwards.at(300).kind == BoundaryKind::unknown);
  Ring no_number;
  no_number.add(100, 0, 0);
  CHECK(no_number.at(100).kind == BoundaryKind::unknown);
  Ring wild;
  wild.add(100, UINT64_MAX, 3);
  CHECK(wild.at(100).kind == BoundaryKind::unknown);
  Ring covered_too_far;
  covered_too_far.add(100, 5, 9);
  CHECK(covered_too_far.at(100).kind == BoundaryKind::unknown);
  Ring too_long = five();
  too_long.add(1ULL << 40U, 7, 6);
  CHECK(too_long.at(600).kind == BoundaryKind::unknown);
  Ring endless = five();
  endless.head = UINT64_MAX;
  CHECK(endless.at(300).kind == BoundaryKind::unknown);
}

std::string padded(const std::string& body, int width, const std::string& begin) {
  std::string text = fix_message(body, begin);
  const std::size_t at = text.find("\0019=") + 3;
  const std::size_t digits = text.find('\001', at) - at;
  if (digits < static_cast<std::size_t>(width)) text.insert(at, std::string(static_cast<std::size_t>(width) - digits, '0'));
  text.resize(text.size() - 7);
  unsigned sum = 0;
  for (const char c : text) sum += static_cast<unsigned char>(c);
  char trailer[16];
  std::snprintf(trailer, sizeof trailer, "10=%03u\x01", sum % 256U);
  return text + trailer;
}

std::string closed(const std::string& whole, std::size_t sent, const std::string& begin, std::uint32_t width) {
  Boundary b;
  b.begin_byte = 1000;
  b.accepted_bytes = 1000 + sent;
  b.end_byte = 1000 + whole.size();
  b.kind = sent + 1 == whole.size() ? BoundaryKind::last_byte_missing : BoundaryKind::inside;
  std::vector<char> out(whole.size());
  const std::size_t bytes = close_cut_message(b, begin, width, out);
  REQUIRE(bytes == whole.size() - sent);
  return whole.substr(0, sent) + std::string(out.data(), bytes);
}

/// Messages that a reader takes from the bytes.
std::vector<std::string> readable(const std::string& bytes) {
  const auto reader = std::make_unique<TakeoverReader>();
  std::copy(bytes.begin(), bytes.end(), reader->room().begin());
  reader->filled(bytes.size());
  std::vector<std::string> seen;
  for (InboundMessage message; reader->next(message);) seen.emplace_back(message.raw);
  return seen;
}

/// Its BodyLength leads to its end and its trailer has the right form; CheckSum aside.
bool has_its_length(const std::string& text) {
  const std::size_t length = text.find("\0019=") + 3, body = text.find('\001', length) + 1;
  return body + static_cast<std::size_t>(std::stoi(text.substr(length))) + 7 == text.size() &&
         text.substr(text.size() - 8, 4) == "\00110=" && text.back() == '\001';
}

bool has_its_check_sum(const std::string& text) {
  unsigned sum = 0;
  for (const char c : text.substr(0, text.size() - 7)) sum += static_cast<unsigned char>(c);
  char digits[16];
  std::snprintf(digits, sizeof digits, "%03u", sum % 256U);
  return text.substr(text.size() - 4, 3) == digits;
}

TEST_CASE("a message cut at any byte becomes a garbled one of exactly its length, or itself") {
  const std::string next = fix_message("35=F|34=2|");
  std::uint64_t cuts = 0;
  for (const std::string begin : {"FIX.4.2", "FIX.4.4"})
    for (const int width : {0, 3, 5, 6})
      for (std::size_t text_bytes : {0, 30, 60, 61, 62, 63, 900, 976, 977, 978, 979, 9000}) {
        const std::string whole = padded("35=D|34=1|11=A|58=" + std::string(text_bytes, 't') + "|", width, begin);
        for (std::size_t sent = 1; sent < whole.size(); ++sent, ++cuts) {
          if (sent > 100 && sent + 100 < whole.size() && sent % 97 != 0) continue;
          INFO(begin << " width " << width << " text " << text_bytes << " sent " << sent);
          const std::string stream = closed(whole, sent, begin, static_cast<std::uint32_t>(width));
          const bool counted = sent + 1 == whole.size();
          REQUIRE(stream.size() == whole.size());
          REQUIRE(has_its_length(stream));
          REQUIRE(has_its_check_sum(stream) == counted);
          REQUIRE(readable(stream + next) ==
                  (counted ? std::vector<std::string>{whole, next} : std::vector<std::string>{next}));
        }
      }
  CHECK(cuts > 50'000);
}

TEST_CASE("every CheckSum that a cut message can have had is made wrong") {
  const std::string next = fix_message("35=F|34=2|");
  for (int n = 0; n < 1000; ++n) {  // all 256 sums, several times
    const std::string whole = fix_message("35=D|34=1|11=" + std::to_string(n) + "|");
    for (std::size_t missing = 2; missing <= 8; ++missing) {
      INFO(n << " missing " << missing);
      const std::string stream = closed(whole, whole.size() - missing, "FIX.4.2", 0);
      REQUIRE_FALSE(has_its_check_sum(stream));
      REQUIRE(readable(stream + next) == std::vector<std::string>{next});
    }
  }
}

TEST_CASE("what cannot be closed is not touched") {
  std::vector<char> out(64, '#');
  Boundary b;
  b.begin_byte = 1000;
  b.accepted_bytes = 1003;
  b.end_byte = 1060;
  b.kind = BoundaryKind::inside;
  CHECK(close_cut_message(b, "FIX.4.2", 0, std::span<char>(out).first(56)) == 0);  // no room
  b.end_byte = 1122;  // 99 or 100 bytes of body: no unpadded FIX message is that long in all
  std::vector<char> large(256, '#');
  CHECK(close_cut_message(b, "FIX.4.2", 0, large) == 0);
  b.accepted_bytes = 1070;  // its head is out: nobody needs to know it
  CHECK(close_cut_message(b, "FIX.4.2", 0, large) == 52);
  std::fill(large.begin(), large.end(), '#');
  b.end_byte = 1010;  // shorter than any message
  b.accepted_bytes = 1003;
  CHECK(close_cut_message(b, "FIX.4.2", 0, large) == 0);
  b.kind = BoundaryKind::at_end;
  CHECK(close_cut_message(b, "FIX.4.2", 0, large) == 0);
  CHECK(large == std::vector<char>(256, '#'));
  CHECK(out == std::vector<char>(64, '#'));
}

}  // namespace
}  // namespace portcullis
