// SPDX-License-Identifier: Apache-2.0
/// @file Reads a request without building a document: the first thing that does not belong ends it.
#include "watchdog/request.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

namespace portcullis {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLaneBytesMax = 23;
constexpr std::size_t kClOrdIdBytesMax = 36;
constexpr std::size_t kActorBytesMax = 64;

enum Key : std::size_t {
  key_v,
  key_cmd,
  key_lane,
  key_reason,
  key_cl_ord_id,
  key_as,
  key_actor,
  key_login_uid,
  key_count
};
constexpr std::array<std::string_view, key_count> kKeys{"v",         "cmd", "lane",  "reason",
                                                        "cl_ord_id", "as",  "actor", "login_uid"};

constexpr std::array<RequestCommand, 6> kCommands{RequestCommand::status, RequestCommand::arm,
                                                  RequestCommand::disarm, RequestCommand::halt,
                                                  RequestCommand::clear,  RequestCommand::resolve};

/// No control characters, at most `most` bytes. UTF-8 was checked by the reader.
bool is_text(const std::string& text, std::size_t most) noexcept {
  if (text.size() > most) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7F) return false;
    const bool c1 = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) return false;  // U+0080 to U+009F: terminals act on them
  }
  return true;
}

/// Takes the reader's events. Each returns false to end the reading, with the reason in `error`.
class RequestReader {
 public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  Request request;
  RequestError error = RequestError::not_json;

  bool start_object(std::size_t) { return depth_++ == 0 || fail(RequestError::not_flat); }
  bool end_object() { return true; }
  bool start_array(std::size_t) { return fail(RequestError::not_flat); }
  bool end_array() { return fail(RequestError::not_flat); }
  bool null() { return fail(RequestError::not_flat); }
  bool boolean(bool) { return fail(RequestError::not_flat); }
  bool number_float(number_float_t, const string_t&) { return fail(RequestError::not_flat); }
  bool binary(binary_t&) { return fail(RequestError::not_flat); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) {
    return fail(RequestError::not_json);
  }

  bool key(string_t& name) {
    for (std::size_t i = 0; i < kKeys.size(); ++i) {
      if (kKeys[i] != name) continue;
      if (seen_[i]) return fail(RequestError::repeated_key);
      seen_[i] = true;
      key_ = static_cast<Key>(i);
      return true;
    }
    return fail(RequestError::unknown_key);
  }

  bool number_integer(number_integer_t) {
    return fail(depth_ == 0 ? RequestError::not_flat : RequestError::wrong_value);
  }
  bool number_unsigned(number_unsigned_t number) {
    if (depth_ == 0) return fail(RequestError::not_flat);
    if (key_ == key_v) return number == 1 || fail(RequestError::wrong_version);
    return key_ == key_login_uid || fail(RequestError::wrong_value);
  }

  bool string(string_t& text) {
    if (depth_ == 0) return fail(RequestError::not_flat);
    switch (key_) {
      case key_v: return fail(RequestError::wrong_version);
      case key_cmd: return take_command(text);
      case key_lane: return take(text, kLaneBytesMax, request.lane);
      case key_reason: return take(text, kReasonBytesMax, request.reason);
      case key_cl_ord_id: return take(text, kClOrdIdBytesMax, request.cl_ord_id);
      case key_as: return take_as(text);
      case key_actor: return take(text, kActorBytesMax, request.actor);
      case key_login_uid:
      case key_count: return fail(RequestError::wrong_value);
    }
    return fail(RequestError::wrong_value);
  }

  /// What only the whole object shows.
  [[nodiscard]] RequestError judge() const noexcept {
    if (depth_ == 0) return RequestError::not_flat;
    if (!seen_[key_v]) return RequestError::wrong_version;
    if (!seen_[key_cmd]) return RequestError::unknown_command;
    const bool resolving = request.command == RequestCommand::resolve;
    if (!resolving && (seen_[key_cl_ord_id] || seen_[key_as])) return RequestError::misplaced_key;
    if (resolving && seen_[key_lane]) return RequestError::misplaced_key;
    const bool says_why = request.command == RequestCommand::arm || request.command == RequestCommand::clear;
    if (says_why && request.reason.empty()) return RequestError::missing_key;
    if (resolving && (request.cl_ord_id.empty() || !seen_[key_as])) return RequestError::missing_key;
    return RequestError::ok;
  }

 private:
  bool fail(RequestError why) noexcept {
    error = why;
    return false;
  }
  bool take(string_t& text, std::size_t most, std::string& out) {
    if (!is_text(text, most)) return fail(RequestError::bad_text);
    out = std::move(text);
    return true;
  }
  bool take_command(const string_t& text) {
    for (const RequestCommand command : kCommands) {
      if (text != command_name(command)) continue;
      request.command = command;
      return true;
    }
    return fail(RequestError::unknown_command);
  }
  bool take_as(const string_t& text) {
    for (const ResolveAs as : {ResolveAs::cancelled, ResolveAs::filled, ResolveAs::rejected}) {
      if (text != resolve_as_name(as)) continue;
      request.as = as;
      return true;
    }
    return fail(RequestError::wrong_value);
  }

  std::array<bool, key_count> seen_{};
  Key key_ = key_count;
  int depth_ = 0;
};

}  // namespace

RequestError parse_request(std::string_view packet, Request& out) {
  if (packet.size() > kRequestBytesMax) return RequestError::too_long;
  RequestReader reader;
  if (!Json::sax_parse(packet.begin(), packet.end(), &reader)) return reader.error;
  const RequestError error = reader.judge();
  if (error == RequestError::ok) out = std::move(reader.request);
  return error;
}

const char* command_name(RequestCommand command) noexcept {
  switch (command) {
    case RequestCommand::status: return "status";
    case RequestCommand::arm: return "arm";
    case RequestCommand::disarm: return "disarm";
    case RequestCommand::halt: return "halt";
    case RequestCommand::clear: return "clear";
    case RequestCommand::resolve: return "resolve";
  }
  return "?";
}

const char* resolve_as_name(ResolveAs as) noexcept {
  switch (as) {
    case ResolveAs::none: return "";
    case ResolveAs::cancelled: return "cancelled";
    case ResolveAs::filled: return "filled";
    case ResolveAs::rejected: return "rejected";
  }
  return "?";
}

const char* request_error_text(RequestError error) noexcept {
  switch (error) {
    case RequestError::ok: return "ok";
    case RequestError::too_long: return "request refused: longer than 4096 bytes";
    case RequestError::not_json: return "request refused: not JSON in UTF-8";
    case RequestError::not_flat: return "request refused: not a flat object of texts and whole numbers";
    case RequestError::unknown_key: return "request refused: a key that no request has";
    case RequestError::repeated_key: return "request refused: a key stands there twice";
    case RequestError::wrong_version: return "request refused: \"v\" is not 1";
    case RequestError::unknown_command:
      return "request refused: \"cmd\" is none of status, arm, disarm, halt, clear, resolve";
    case RequestError::bad_text: return "request refused: a text is too long or has control characters";
    case RequestError::wrong_value: return "request refused: a value of the wrong kind";
    case RequestError::missing_key:
      return "request refused: arm and clear need a reason, resolve an order and its fate";
    case RequestError::misplaced_key: return "request refused: a key that does not belong to this command";
  }
  return "?";
}

}  // namespace portcullis
