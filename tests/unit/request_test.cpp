// SPDX-License-Identifier: Apache-2.0
/// @file Requests are read strictly: what is not understood is refused, never guessed.
#include "watchdog/request.hpp"

#include <catch2/catch.hpp>
#include <random>

namespace portcullis {
namespace {

RequestError error_of(std::string_view text) {
  Request ignored;
  return parse_request(text, ignored);
}

TEST_CASE("a request is understood with all its keys") {
  Request request;
  REQUIRE(
      parse_request(
          R"({"v":1,"cmd":"resolve","cl_ord_id":"Q7-1","as":"filled","reason":"phone","actor":"ann","login_uid":7})",
          request) == RequestError::ok);
  CHECK(request.command == RequestCommand::resolve);
  CHECK(request.cl_ord_id == "Q7-1");
  CHECK(request.as == ResolveAs::filled);
  CHECK(request.reason == "phone");
  CHECK(request.actor == "ann");
  REQUIRE(parse_request(R"({"v":1,"cmd":"halt","lane":"es-quoter"})", request) == RequestError::ok);
  CHECK(request.command == RequestCommand::halt);
  CHECK(request.lane == "es-quoter");
  CHECK(request.cl_ord_id.empty());
}

TEST_CASE("every command has its name") {
  for (const char* name : {"status", "disarm", "halt"})
    CHECK(error_of(std::string(R"({"v":1,"cmd":")") + name + "\"}") == RequestError::ok);
  for (const char* name : {"arm", "clear"}) {
    CHECK(error_of(std::string(R"({"v":1,"cmd":")") + name + R"(","reason":"r"})") == RequestError::ok);
    CHECK(error_of(std::string(R"({"v":1,"cmd":")") + name + "\"}") == RequestError::missing_key);
    CHECK(error_of(std::string(R"({"v":1,"cmd":")") + name + R"(","reason":""})") ==
          RequestError::missing_key);
  }
  CHECK(error_of(R"({"v":1,"cmd":"resolve","cl_ord_id":"a","as":"cancelled"})") == RequestError::ok);
}

TEST_CASE("garbage is refused with its reason") {
  CHECK(error_of("") == RequestError::not_json);
  CHECK(error_of("hello") == RequestError::not_json);
  CHECK(error_of(std::string("\0\0\0", 3)) == RequestError::not_json);
  CHECK(error_of(R"({"v":1,"cmd":"status"} x)") == RequestError::not_json);
  CHECK(error_of("{\"v\":1,\"cmd\":\"status\",\"lane\":\"\xC3\x28\"}") == RequestError::not_json);
  CHECK(error_of(R"([1])") == RequestError::not_flat);
  CHECK(error_of("1") == RequestError::not_flat);
  CHECK(error_of("-1") == RequestError::not_flat);
  CHECK(error_of("\"status\"") == RequestError::not_flat);
  CHECK(error_of("null") == RequestError::not_flat);
  CHECK(error_of(R"({"v":1,"cmd":{"a":1}})") == RequestError::not_flat);
  CHECK(error_of(R"({"v":1,"cmd":["halt"]})") == RequestError::not_flat);
  CHECK(error_of(R"({"v":1,"cmd":true})") == RequestError::not_flat);
  CHECK(error_of(R"({"v":1.0,"cmd":"halt"})") == RequestError::not_flat);
  CHECK(error_of(R"({"v":1,"cmd":"halt","login_uid":1e999})") != RequestError::ok);
  CHECK(error_of(R"({"v":1,"cmd":"halt","force":1})") == RequestError::unknown_key);
  CHECK(error_of(R"({"v":1,"cmd":"status","cmd":"halt"})") == RequestError::repeated_key);
  CHECK(error_of(R"({"cmd":"halt"})") == RequestError::wrong_version);
  CHECK(error_of(R"({"v":2,"cmd":"halt"})") == RequestError::wrong_version);
  CHECK(error_of(R"({"v":"1","cmd":"halt"})") == RequestError::wrong_version);
  CHECK(error_of(R"({"v":1})") == RequestError::unknown_command);
  CHECK(error_of(R"({"v":1,"cmd":"HALT"})") == RequestError::unknown_command);
  CHECK(error_of(R"({"v":1,"cmd":"halt","lane":7})") == RequestError::wrong_value);
  CHECK(error_of(R"({"v":1,"cmd":"halt","lane":-7})") == RequestError::wrong_value);
  CHECK(error_of(R"({"v":1,"cmd":"halt","login_uid":"7"})") == RequestError::wrong_value);
  CHECK(error_of(R"({"v":1,"cmd":"resolve","cl_ord_id":"a","as":"gone"})") == RequestError::wrong_value);
}

TEST_CASE("a key that belongs to another command is refused") {
  CHECK(error_of(R"({"v":1,"cmd":"halt","cl_ord_id":"a"})") == RequestError::misplaced_key);
  CHECK(error_of(R"({"v":1,"cmd":"clear","reason":"r","as":"filled"})") == RequestError::misplaced_key);
  CHECK(error_of(R"({"v":1,"cmd":"resolve","cl_ord_id":"a","as":"filled","lane":"l"})") ==
        RequestError::misplaced_key);
  CHECK(error_of(R"({"v":1,"cmd":"resolve","cl_ord_id":"a"})") == RequestError::missing_key);
  CHECK(error_of(R"({"v":1,"cmd":"resolve","as":"filled"})") == RequestError::missing_key);
  CHECK(error_of(R"({"v":1,"cmd":"resolve","cl_ord_id":"","as":"filled"})") == RequestError::missing_key);
}

TEST_CASE("texts have their longest length and no control characters") {
  const auto reason = [](const std::string& text) {
    return error_of(R"({"v":1,"cmd":"clear","reason":")" + text + "\"}");
  };
  CHECK(reason(std::string(200, 'r')) == RequestError::ok);
  CHECK(reason(std::string(201, 'r')) == RequestError::bad_text);
  CHECK(reason("caf\xC3\xA9") == RequestError::ok);
  CHECK(reason("a\\nb") == RequestError::bad_text);
  CHECK(reason("a\\u001b[2J") == RequestError::bad_text);
  CHECK(reason("a\\u0000b") == RequestError::bad_text);
  CHECK(reason("a\\u009bb") == RequestError::bad_text);
  CHECK(error_of(R"({"v":1,"cmd":"halt","lane":")" + std::string(24, 'l') + "\"}") == RequestError::bad_text);
  CHECK(error_of(R"({"v":1,"cmd":"resolve","as":"filled","cl_ord_id":")" + std::string(37, 'c') + "\"}") ==
        RequestError::bad_text);
}

TEST_CASE("a packet is read up to 4096 bytes and not beyond") {
  const std::string request = R"({"v":1,"cmd":"status"})";
  CHECK(error_of(request + std::string(kRequestBytesMax - request.size(), ' ')) == RequestError::ok);
  CHECK(error_of(request + std::string(kRequestBytesMax - request.size() + 1, ' ')) ==
        RequestError::too_long);
  CHECK(error_of(std::string(kRequestBytesMax, '[')) == RequestError::not_flat);
  CHECK(error_of(std::string(kRequestBytesMax, '{')) != RequestError::ok);
}

TEST_CASE("a refused request leaves the caller's untouched") {
  Request request;
  request.lane = "before";
  CHECK(parse_request(R"({"v":1,"cmd":"halt","lane":"after","x":1})", request) != RequestError::ok);
  CHECK(request.lane == "before");
}

TEST_CASE("no scribble is taken for a request") {
  std::mt19937 random(20261120);
  const std::string good = R"({"v":1,"cmd":"resolve","cl_ord_id":"Q7-1","as":"filled"})";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = good;
    for (unsigned i = 0; i <= random() % 3; ++i) text[random() % text.size()] = static_cast<char>(random());
    Request request;
    if (parse_request(text, request) != RequestError::ok) continue;
    CHECK(request.command == RequestCommand::resolve);  // only the id's own letters may have changed
    CHECK(request.cl_ord_id.size() <= 4);
  }
}

}  // namespace
}  // namespace portcullis
