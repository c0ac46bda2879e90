// SPDX-License-Identifier: Apache-2.0
/// @file An engine's rendered message as a template: what is kept, what is filled in, what is refused.
#include "watchdog/takeover_template.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/fix_text.hpp"
#include "shm/fix_scan.hpp"
#include "watchdog/takeover_ids.hpp"
#include "watchdog/takeover_pace.hpp"

namespace portcullis {
namespace {

using testing::fix_message;

constexpr std::uint64_t kSecond = 1'000'000'000;
const std::string kHead = "35=F|34=7|49=FIRM|50=DESK|52=20261123-14:30:05.250|56=CME|";
const std::string kBody = "1=ACC|11=X|37=OID|38=5|41=Z|54=1|55=ES|60=20261123-14:30:05|453=1|448=P|447=D|452=1|1028=N|";

std::string bars(std::string text) {
  for (char& c : text)
    if (c == kSoh) c = '|';
  return text;
}

MessageValues values() {
  MessageValues v;
  v.seq_num = 1234;
  v.last_processed = 99;
  v.cl_ord_id = "00ABCDEF0001";
  v.orig_cl_ord_id = "Q7-18231";
  v.order_id = "8812";
  v.symbol = "NQZ6";
  v.side = '2';
  v.order_qty = 250;
  return v;
}

std::string render(const TakeoverTemplate& text, MessageValues v, std::uint64_t now_ns) {
  v.sending_utc_ns = v.transact_utc_ns = text.header().utc_at(now_ns);
  char out[kTakeoverMessageBytes];
  const std::size_t bytes = text.render(v, out);
  return {out, bytes};
}

TemplateError compile(TakeoverTemplate& out, const std::string& body, const std::string& begin = "FIX.4.2") {
  return out.compile(fix_message(body, begin), kSecond);
}

TEST_CASE("a cancel is the engine's own message with its holes filled, and nothing else changed") {
  for (const std::string begin : {"FIX.4.2", "FIX.4.4"}) {
    TakeoverTemplate text;
    REQUIRE(compile(text, kHead + kBody, begin) == TemplateError::ok);
    CHECK(text.kind() == TemplateKind::cancel);
    CHECK(text.names_order_id());
    CHECK(text.header().begin_string() == begin);
    CHECK(render(text, values(), 3 * kSecond + 7'000'000) ==
          fix_message("35=F|34=1234|49=FIRM|50=DESK|52=20261123-14:30:07.257|56=CME|1=ACC|11=00ABCDEF0001|37=8812|"
                      "38=250|41=Q7-18231|54=2|55=NQZ6|60=20261123-14:30:07|453=1|448=P|447=D|452=1|1028=N|",
                      begin));
  }
}

TEST_CASE("an OrderID that is not known is left out, tag and all") {
  TakeoverTemplate text;
  REQUIRE(compile(text, kHead + kBody) == TemplateError::ok);
  MessageValues v = values();
  v.order_id = {};
  const std::string message = bars(render(text, v, kSecond));
  CHECK(message.find("|11=00ABCDEF0001|38=250|") != std::string::npos);
  CHECK(message.find("|37=") == std::string::npos);
}

TEST_CASE("a repetition says so behind its SendingTime, and keeps its TransactTime") {
  TakeoverTemplate text;
  REQUIRE(compile(text, kHead + "43=N|97=N|122=20200101-00:00:00|369=12|" + kBody) == TemplateError::ok);
  MessageValues v = values();
  const std::uint64_t first = text.header().utc_at(kSecond);
  v.sending_utc_ns = text.header().utc_at(2 * kSecond);
  v.orig_sending_utc_ns = v.transact_utc_ns = first;
  char out[kTakeoverMessageBytes];
  const std::string message = bars({out, text.render(v, out)});
  CHECK(message.find("|52=20261123-14:30:06.250|43=Y|122=20261123-14:30:05.250|56=CME|369=99|1=ACC|") !=
        std::string::npos);
  CHECK(message.find("|60=20261123-14:30:05|") != std::string::npos);
  CHECK(message.find("97=") == std::string::npos);
}

TEST_CASE("each time stamp keeps the precision that the engine gave it") {
  for (const std::string fraction : {"", ".123", ".123456", ".123456789"}) {
    TakeoverTemplate text;
    REQUIRE(compile(text, "35=F|34=1|49=A|56=B|52=20261231-23:59:59" + fraction + "|11=X|41=Y|60=20261231-23:59:59" +
                              fraction + "|") == TemplateError::ok);
    const std::string message = bars(render(text, values(), 2 * kSecond));  // one second later: a new year
    INFO(message);
    CHECK(message.find("|52=20270101-00:00:00" + fraction + "|") != std::string::npos);
    CHECK(message.find("|60=20270101-00:00:00" + fraction + "|") != std::string::npos);
  }
}

TEST_CASE("leap days count, impossible dates do not") {
  UtcStamp stamp;
  char out[kUtcBytesMax];
  const auto next_second = [&](std::string_view text) {
    REQUIRE(parse_utc(text, stamp));
    return std::string(out, write_utc({stamp.utc_ns + kSecond, stamp.decimals}, out));
  };
  CHECK(next_second("20280228-23:59:59") == "20280229-00:00:00");
  CHECK(next_second("20270228-23:59:59") == "20270301-00:00:00");
  CHECK(next_second("19700101-00:00:00.001") == "19700101-00:00:01.001");
  CHECK(next_second("20161231-23:59:60") == "20170101-00:00:01");  // a leap second reads as the next one
  for (const char* bad : {"20270229-00:00:00", "20271301-00:00:00", "20271132-00:00:00", "20271123-24:00:00",
                          "20271123-00:60:00", "20271123-00:00:61", "20271123 00:00:00", "20271123-00:00:00.1",
                          "20271123-00:00:00.", "20271123-00:00", "", "99991123-00:00:00", "2027112x-00:00:00"}) {
    INFO(bad);
    CHECK_FALSE(parse_utc(bad, stamp));
  }
}

TEST_CASE("BodyLength is padded with zeros where the engine pads it") {
  const std::string plain = fix_message(kHead + kBody);
  const std::size_t at = plain.find("9=") + 2;
  std::string padded = plain.substr(0, at) + "00" + plain.substr(at);
  padded.resize(padded.size() - 7);
  unsigned sum = 0;
  for (const char c : padded) sum += static_cast<unsigned char>(c);
  char trailer[16];
  std::snprintf(trailer, sizeof trailer, "10=%03u\x01", sum % 256);
  TakeoverTemplate text;
  REQUIRE(text.compile(padded + trailer, 0) == TemplateError::ok);
  CHECK(text.header().body_length_width() == 5);
  const std::string message = render(text, values(), 0);
  CHECK(message.substr(10, 4) == "9=00");
  FixMessage found;
  CHECK(find_fix_message(message, 0, found) == FixFound::message);
}

TEST_CASE("session messages carry the engine's address and nothing of the cancel") {
  TakeoverTemplate text;
  REQUIRE(compile(text, "35=F|34=7|49=FIRM|52=20261123-14:30:05|56=CME|57=G|115=C|128=X|142=NY|143=CH|50=D|369=4|11=X|"
                        "41=Y|1=ACC|") == TemplateError::ok);
  MessageValues v;
  v.seq_num = 8;
  v.last_processed = 77;
  v.sending_utc_ns = text.header().utc_at(kSecond);
  char out[256];
  const std::size_t bytes = text.header().render("0", v, "112=T\001", out);
  CHECK(std::string(out, bytes) ==
        fix_message("35=0|49=FIRM|56=CME|57=G|115=C|128=X|142=NY|143=CH|50=D|34=8|52=20261123-14:30:05|369=77|112=T|"));
}

TEST_CASE("a mass cancel must be for everything") {
  const std::string head = "35=q|34=7|49=FIRM|52=20261123-14:30:05|56=CME|11=X|60=20261123-14:30:05|";
  TakeoverTemplate text;
  CHECK(compile(text, head + "530=7|") == TemplateError::ok);
  CHECK(text.kind() == TemplateKind::mass_cancel);
  CHECK(compile(text, head + "530=1|55=ES|") == TemplateError::not_all_orders);
  CHECK(compile(text, head + "530=7|54=1|") == TemplateError::not_all_orders);
  CHECK(compile(text, head) == TemplateError::missing_field);
  CHECK(text.empty());
}

TEST_CASE("a status request names the order, and itself where the engine does") {
  TakeoverTemplate text;
  REQUIRE(compile(text, "35=H|34=7|49=F|52=20261123-14:30:05|56=C|11=X|54=1|55=ES|790=R|") == TemplateError::ok);
  MessageValues v = values();
  v.request_id = "S1";
  CHECK(bars(render(text, v, kSecond)).find("|11=00ABCDEF0001|54=2|55=NQZ6|790=S1|10=") != std::string::npos);
}

TEST_CASE("a text that is no usable message is refused, and says why") {
  TakeoverTemplate text;
  CHECK(compile(text, "35=D|34=7|49=F|52=20261123-14:30:05|56=C|11=X|41=Y|") == TemplateError::wrong_type);
  CHECK(compile(text, kHead + kBody, "FIX.4.1") == TemplateError::version);
  CHECK(compile(text, kHead + kBody + "11=AGAIN|") == TemplateError::field_twice);
  CHECK(compile(text, "35=F|34=7|49=F|52=yesterday|56=C|11=X|41=Y|") == TemplateError::bad_time);
  CHECK(compile(text, "35=F|34=7|49=F|52=20261123-14:30:05|56=C|11=X|") == TemplateError::missing_field);
  CHECK(compile(text, "35=F|34=7|52=20261123-14:30:05|56=C|11=X|41=Y|") == TemplateError::missing_field);
  CHECK(compile(text, "34=7|35=F|49=F|52=20261123-14:30:05|56=C|11=X|41=Y|") == TemplateError::malformed);
  CHECK(compile(text, kHead + kBody + "nothing|") == TemplateError::malformed);
  CHECK(compile(text, kHead + kBody + "58=" + std::string(4096, 'x') + "|") == TemplateError::too_long);
  std::string wrong_sum = fix_message(kHead + kBody);
  wrong_sum[wrong_sum.size() - 2] = wrong_sum[wrong_sum.size() - 2] == '9' ? '8' : '9';
  CHECK(text.compile(wrong_sum, 0) == TemplateError::not_whole);
  CHECK(text.compile(fix_message(kHead + kBody) + "x", 0) == TemplateError::not_whole);
  CHECK(text.compile("", 0) == TemplateError::not_whole);
  CHECK(text.empty());
}

TEST_CASE("a buffer that is too small gets nothing") {
  TakeoverTemplate text;
  REQUIRE(compile(text, kHead + kBody) == TemplateError::ok);
  const std::size_t whole = render(text, values(), 0).size();
  MessageValues v = values();
  v.sending_utc_ns = v.transact_utc_ns = text.header().utc_at(0);
  std::vector<char> out(whole + 16);
  for (std::size_t room = 0; room < whole; ++room) {
    std::fill(out.begin(), out.end(), '#');
    CHECK(text.render(v, std::span<char>(out).first(room)) == 0);
    CHECK(out[room] == '#');
  }
}

TEST_CASE("our ClOrdIDs are short, of capitals and digits, and know themselves again") {
  TakeoverIds ids;
  ids.begin(takeover_id_seed(1'764'000'000ULL * kSecond, 3));
  const TakeoverIdText first = ids.text(0), last = ids.text(kTakeoverIdsMax - 1);
  CHECK(first != last);
  for (const char c : last) CHECK((c <= 'Z' && (c >= 'A' || (c >= '0' && c <= '9'))));
  std::uint32_t n = 7;
  CHECK(ids.parse({last.data(), last.size()}, n));
  CHECK(n == kTakeoverIdsMax - 1);
  CHECK_FALSE(ids.parse("Q7-00018231", n));
  CHECK_FALSE(ids.parse({last.data(), last.size() - 1}, n));
  TakeoverIds later, other;
  later.begin(takeover_id_seed(1'764'000'000ULL * kSecond + 100'000'000, 3));
  other.begin(takeover_id_seed(1'764'000'000ULL * kSecond, 4));
  CHECK(later.text(0) != first);
  CHECK(other.text(0) != first);
  CHECK_FALSE(later.parse({first.data(), first.size()}, n));
}

TEST_CASE("no second ever holds more messages than the rate allows") {
  for (const std::uint32_t rate : {1U, 80U, 2'000U, 15'000U}) {
    TakeoverPace pace;
    pace.begin(rate);
    std::vector<std::uint64_t> sent;
    for (std::uint64_t now = kSecond; now < 4 * kSecond; now += 100'000) {  // a caller that comes by every 100 us
      if (now == 2 * kSecond) now += 300'000'000;                           // and was away for a while
      for (; pace.ready(now); pace.spend(now)) sent.push_back(now);
    }
    std::size_t most = 0;
    for (std::size_t i = 0, j = 0; j < sent.size(); ++j) {
      while (sent[j] - sent[i] >= kSecond) ++i;
      most = std::max(most, j - i + 1);
    }
    INFO(rate);
    CHECK(most <= rate);
    CHECK(sent.size() >= rate * 5 / 2);
  }
}

}  // namespace
}  // namespace portcullis
