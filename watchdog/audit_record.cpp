// SPDX-License-Identifier: Apache-2.0
/// @file The text of an audit record (see audit_record.hpp). Nothing here allocates.
#include "watchdog/audit_record.hpp"

#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace portcullis::detail {
namespace {

static_assert(std::tuple_size_v<AuditHash> == crypto_generichash_BYTES);
constexpr std::size_t kHexBytes = 64;
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kHashKey = ",\"hash\":\"";
constexpr std::string_view kTailEnd = "\"}\n";
// What must still fit behind the last field: }, the count of dropped fields, the hash and the line end.
constexpr std::size_t kTailBytes =
    1 + sizeof(",\"dropped\":18446744073709551615") + kHashKey.size() + kHexBytes + 3;

/// Appends to a fixed line; what does not fit sets `full` and leaves the line as it was.
class LineWriter {
 public:
  explicit LineWriter(AuditLine& line) noexcept : line_(line) {}

  void raw(std::string_view text) noexcept {
    if (full_ || text.size() > limit_ - size_) {
      full_ = true;
      return;
    }
    std::copy(text.begin(), text.end(), line_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += text.size();
  }

  template <typename Number>
  void number(Number value) noexcept {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
    raw({digits.data(), static_cast<std::size_t>(end - digits.data())});
  }

  /// A quoted string in ASCII: quotes, backslashes, control and high bytes become \u00XX.
  void quoted(std::string_view text) noexcept {
    raw("\"");
    for (const char letter : text) {
      const auto byte = static_cast<unsigned char>(letter);
      if (byte >= 0x20 && byte < 0x7F && letter != '"' && letter != '\\') {
        raw({&letter, 1});
      } else {
        const std::array<char, 6> escape{'\\', 'u', '0', '0', kHexDigits[byte / 16], kHexDigits[byte % 16]};
        raw({escape.data(), escape.size()});
      }
    }
    raw("\"");
  }

  void uid(std::uint32_t value) noexcept { value == 0xFFFF'FFFF ? raw("null") : number(value); }

  void bytes_hex(const std::uint8_t* bytes, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      const std::array<char, 2> digits{kHexDigits[bytes[i] / 16], kHexDigits[bytes[i] % 16]};
      raw({digits.data(), digits.size()});
    }
  }

  void set_limit(std::size_t limit) noexcept { limit_ = limit; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool full() const noexcept { return full_; }
  void back_to(std::size_t size) noexcept {
    size_ = size;
    full_ = false;
  }
  [[nodiscard]] std::string_view text() const noexcept { return {line_.data(), size_}; }

 private:
  AuditLine& line_;
  std::size_t size_ = 0;
  std::size_t limit_ = kAuditRecordBytes;
  bool full_ = false;
};

void write_key(LineWriter& out, std::string_view key) noexcept {
  out.raw("\"");
  for (const char letter : key) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '_';
    out.raw({plain ? &letter : "_", 1});
  }
  out.raw("\":");
}

void write_front(LineWriter& out, const AuditEvent& event, std::string_view engine,
                 const AuditHead& prev) noexcept {
  out.raw(kRecordStart);
  out.number(prev.seq + 1);
  out.raw(",\"prev\":\"");
  out.bytes_hex(prev.hash.data(), prev.hash.size());
  out.raw("\",\"wall_ns\":");
  out.number(event.when.wall_ns);
  out.raw(",\"sync\":");
  out.quoted(sync_name(event.when.sync));
  out.raw(",\"mono_ns\":");
  out.number(event.when.monotonic_ns);
  out.raw(",\"boot\":\"");
  out.bytes_hex(event.when.boot_id.data(), event.when.boot_id.size());
  const auto number = static_cast<std::size_t>(event.event);
  out.raw("\",\"event\":");
  out.quoted(number < kEvents ? kEventTable[number].name : "?");
  out.raw(",\"uid\":");
  out.uid(event.actor_uid);
  out.raw(",\"login\":");
  out.uid(event.actor_login);
  out.raw(",\"engine\":");
  out.quoted(engine);
}

/// Returns how many fields did not fit. One long field does not cost the short ones behind it.
std::size_t write_fields(LineWriter& out, const AuditEvent& event) noexcept {
  std::size_t dropped = 0;
  bool first = true;
  for (std::size_t i = 0; i < event.field_count; ++i) {
    const AuditField& field = event.fields[i];
    const std::size_t before = out.size();
    if (!first) out.raw(",");
    write_key(out, field.key);
    field.is_number ? out.number(field.number) : out.quoted(field.text);
    if (out.full()) {
      out.back_to(before);
      ++dropped;
    } else {
      first = false;
    }
  }
  return dropped;
}

bool take(std::string_view& text, std::string_view expected) noexcept {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

bool take_hash(std::string_view& text, AuditHash& out) noexcept {
  if (text.size() < kHexBytes || !read_hash(text.substr(0, kHexBytes), out)) return false;
  text.remove_prefix(kHexBytes);
  return true;
}

/// Reads what a torn_tail record says about the bytes it follows.
bool parse_seal(std::string_view body, ParsedRecord& out) noexcept {
  constexpr std::string_view fields = ",\"fields\":{\"torn_bytes\":";
  const std::size_t at = body.find(fields);
  if (at == std::string_view::npos) return false;
  std::string_view rest = body.substr(at + fields.size());
  return take_number(rest, out.torn_bytes) && take(rest, ",\"torn_hash\":\"") &&
         take_hash(rest, out.torn_hash) && rest == "\"}";
}

}  // namespace

std::size_t format_record(const AuditEvent& event, std::string_view engine, const AuditHead& prev,
                          AuditLine& line, AuditHead& next) noexcept {
  LineWriter out(line);
  write_front(out, event, engine, prev);
  out.raw(",\"fields\":{");
  out.set_limit(kAuditRecordBytes - kTailBytes);
  const std::size_t dropped = write_fields(out, event);
  out.set_limit(kAuditRecordBytes);
  out.raw("}");
  if (dropped > 0) {
    out.raw(",\"dropped\":");
    out.number(dropped);
  }
  next.seq = prev.seq + 1;
  next.hash = chain_hash(prev.hash, out.text());
  out.raw(kHashKey);
  out.bytes_hex(next.hash.data(), next.hash.size());
  out.raw(kTailEnd);
  return out.size();
}

bool parse_record(std::string_view line, ParsedRecord& out) noexcept {
  constexpr std::size_t tail = kHashKey.size() + kHexBytes + 2;
  ParsedRecord record;
  std::string_view rest = line;
  if (line.size() + 1 > kAuditRecordBytes || line.size() < tail) return false;
  if (!take(rest, kRecordStart) || !take_number(rest, record.seq)) return false;
  if (!take(rest, ",\"prev\":\"") || !take_hash(rest, record.prev) || rest.size() < tail) return false;
  record.body = line.substr(0, line.size() - tail);
  rest = line.substr(line.size() - tail);
  if (!take(rest, kHashKey) || !take_hash(rest, record.hash) || rest != "\"}") return false;
  record.is_seal = record.body.find(",\"event\":\"torn_tail\",") != std::string_view::npos;
  if (record.is_seal && !parse_seal(record.body, record)) return false;
  out = record;
  return true;
}

AuditHash chain_hash(const AuditHash& prev, std::string_view body) noexcept {
  AuditHash hash{};
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, hash.size());
  crypto_generichash_update(&state, prev.data(), prev.size());
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(body.data()), body.size());
  crypto_generichash_final(&state, hash.data(), hash.size());
  return hash;
}

std::array<char, 64> hash_hex(const AuditHash& hash) noexcept {
  std::array<char, kHexBytes> hex{};
  for (std::size_t i = 0; i < hash.size(); ++i) {
    hex[2 * i] = kHexDigits[hash[i] / 16];
    hex[2 * i + 1] = kHexDigits[hash[i] % 16];
  }
  return hex;
}

bool read_hash(std::string_view hex, AuditHash& out) noexcept {
  if (hex.size() != kHexBytes) return false;
  AuditHash hash{};
  for (std::size_t i = 0; i < hex.size(); ++i) {
    const std::size_t value = kHexDigits.find(hex[i]);
    if (value == std::string_view::npos) return false;
    hash[i / 2] = static_cast<std::uint8_t>(hash[i / 2] * 16 + value);
  }
  out = hash;
  return true;
}

bool take_number(std::string_view& text, std::uint64_t& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace portcullis::detail
