// SPDX-License-Identifier: Apache-2.0
/// @file The QuickFIX adapter against a real venue and a scripted gate: what it asks, says and writes, and in
/// which order. The venue's log is the judge of what left.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/process/adapter_engine.hpp"
#include "tests/unit/fake_hook.hpp"
#include "tests/venue/venue_process.hpp"

using namespace portcullis;
using test::AdapterEngine;
using test::fake_hook;
using venue::VenueMessage;

namespace {

constexpr int kClosed = 1;         // PC_CLOSED
constexpr int kCommandCancel = 2;  // PC_COMMAND_CANCEL

/// A venue, a fresh fake, and an engine; everything gone at the end.
struct Scene {
  std::string dir = "/tmp/adapter-XXXXXX";
  std::unique_ptr<venue::VenueProcess> venue;
  std::unique_ptr<AdapterEngine> engine;

  explicit Scene(test::AdapterSetup setup = {}) {
    REQUIRE(mkdtemp(dir.data()) != nullptr);
    fake_hook().reset();
    venue::VenueOptions options;
    options.binary = PORTCULLIS_VENUE_BINARY;
    options.dir = dir;
    options.sessions = {"ENG1:VENUE:" + setup.begin_string};
    options.symbols = {"ESZ6:99.99:100.01:100000"};
    venue = std::make_unique<venue::VenueProcess>(options);
    INFO(venue->why());
    REQUIRE(venue->ok());
    setup.port = venue->port();
    engine = std::make_unique<AdapterEngine>(setup);
  }
  ~Scene() {
    venue.reset();  // first: an engine that is logged off stops at once
    engine.reset();
    std::filesystem::remove_all(dir);
  }
  void log_on() {
    engine->start();
    REQUIRE(engine->logged_on());
  }
  std::vector<VenueMessage> received(const std::string& type) {
    std::vector<VenueMessage> found;
    const venue::VenueLog log = venue->log();
    for (const venue::VenueConnection& connection : log.connections)
      for (const VenueMessage& message : connection.messages)
        if (message.type == type) found.push_back(message);
    return found;
  }
  std::size_t eventually(const std::string& type, std::size_t wanted) {
    for (int i = 0; i < 200 && received(type).size() < wanted; ++i) pause_ms(10);
    return received(type).size();
  }
  static void pause_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }
};

int wait_for(const std::string& call, int wanted = 1) {
  for (int i = 0; i < 500 && fake_hook().count(call) < wanted; ++i) Scene::pause_ms(10);
  return fake_hook().count(call);
}

/// Place of the first declare call of a message with these fields.
int declare_of(const std::string& fields) {
  const std::lock_guard<std::mutex> hold(fake_hook().mutex);
  for (std::size_t i = 0; i < fake_hook().calls.size(); ++i)
    if (fake_hook().calls[i].starts_with("declare ") &&
        fake_hook().calls[i].find(fields) != std::string::npos)
      return static_cast<int>(i);
  return -1;
}

}  // namespace

TEST_CASE("the socket is handed over at the Logon, before its first byte, and templates with it") {
  for (const bool threaded : {false, true}) {
    CAPTURE(threaded);
    Scene scene({.threaded = threaded, .mass_cancel = true});
    scene.log_on();
    CHECK(scene.engine->witnessed());
    CHECK(fake_hook().place("session_open ENG1-VENUE with socket") == 0);
    CHECK(fake_hook().count("template 8=FIX.4.2") == 3);  // F, H and q
    const std::string cancel = fake_hook().first("template");
    CHECK(cancel.find("\00135=F\001") != std::string::npos);
    CHECK(cancel.find("\00149=ENG1\001") != std::string::npos);
    CHECK(cancel.find("\00110=") != std::string::npos);
    CHECK(declare_of("\00135=A\001") > fake_hook().place("template"));
  }
}

TEST_CASE("an order is asked for, declared, written and ended, in that order") {
  for (const bool threaded : {false, true}) {
    CAPTURE(threaded);
    Scene scene({.threaded = threaded});
    scene.log_on();
    CHECK(scene.engine->send({.cl_ord_id = "A1", .price = "98.5"}).empty());
    CHECK(fake_hook().first("submit") ==
          "submit A1 instrument 7 side 1 qty 5 px_e8 9850000000 type 2 tif 0 parent 0");
    CHECK(fake_hook().place("submit A1") < declare_of("\00111=A1\001"));
    CHECK(declare_of("\00111=A1\001") < fake_hook().place("sent 1"));
    CHECK(fake_hook().count("not_sent") == 0);
    CHECK(scene.eventually("D", 1) == 1);
    CHECK(wait_for("accepted A1") == 1);
  }
}

TEST_CASE("an order that the gate refuses reaches neither QuickFIX nor the wire") {
  Scene scene;
  scene.log_on();
  fake_hook().verdict = kClosed;
  CHECK(scene.engine->send({.cl_ord_id = "A1"}) == "the test refuses");
  CHECK_FALSE(scene.engine->send_around({.cl_ord_id = "A2"}));
  fake_hook().verdict = 0;
  CHECK(scene.engine->send({.cl_ord_id = "A3"}).empty());
  CHECK(scene.eventually("D", 1) == 1);
  CHECK(scene.received("D").front().cl_ord_id == "A3");
  CHECK(scene.received("D").front().seq_num == 2);  // the refused ones took no number
}

TEST_CASE("an order that comes around send() is asked for in toApp, and its flight ends with the write") {
  Scene scene;
  scene.log_on();
  CHECK(scene.engine->send_around({.cl_ord_id = "A1"}));
  CHECK(fake_hook().place("submit A1") < declare_of("\00111=A1\001"));
  CHECK(declare_of("\00111=A1\001") < fake_hook().place("sent 1"));
  CHECK(fake_hook().count("submit") == 1);
  CHECK(scene.eventually("D", 1) == 1);
}

TEST_CASE("an order whose bytes cannot be declared is not written, and is taken back") {
  Scene scene;
  scene.log_on();
  fake_hook().refuse_declare = true;
  CHECK_FALSE(scene.engine->send({.cl_ord_id = "A1"}).empty());
  CHECK(fake_hook().count("not_sent 1") == 1);
  CHECK(fake_hook().count("sent 1") == 0);
  Scene::pause_ms(100);
  CHECK(scene.received("D").empty());
}

TEST_CASE("a session that the supervisor does not take carries no order") {
  Scene scene;
  fake_hook().refuse_sessions = true;
  scene.log_on();
  CHECK_FALSE(scene.engine->witnessed());
  CHECK_FALSE(scene.engine->send({.cl_ord_id = "A1"}).empty());
  CHECK_FALSE(scene.engine->send_around({.cl_ord_id = "A2"}));
  CHECK(fake_hook().count("sent") == 0);
  Scene::pause_ms(100);
  CHECK(scene.received("D").empty());
}

TEST_CASE("an order handed in while logged off does not leave, now or at the next logon") {
  Scene scene;
  CHECK(scene.engine->send({.cl_ord_id = "A1"}) == "not logged on");
  CHECK_FALSE(scene.engine->send_around({.cl_ord_id = "A2"}));
  scene.log_on();
  CHECK(scene.engine->send({.cl_ord_id = "A3"}).empty());
  CHECK(scene.eventually("D", 1) == 1);
  CHECK(scene.received("D").front().cl_ord_id == "A3");
  CHECK(fake_hook().count("submit") == 1);
}

TEST_CASE("an order between our Logon and the venue's answer does not leave") {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);  // connects, and never says a word
  sockaddr_in address = {};
  socklen_t length = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(listen(listener, 4) == 0);
  REQUIRE(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  fake_hook().reset();
  AdapterEngine engine({.port = ntohs(address.sin_port)});
  engine.start();
  CHECK(wait_for("declare") == 1);
  CHECK(engine.witnessed());
  CHECK_FALSE(engine.send({.cl_ord_id = "A1"}).empty());
  CHECK_FALSE(engine.send_around({.cl_ord_id = "A2"}));
  CHECK(fake_hook().count("submit") == 0);
  close(listener);
}

TEST_CASE("no order and no replace is resent, a cancel is") {
  Scene scene;
  scene.log_on();
  const std::string order =
      "34=2|49=ENG1|56=VENUE|43=Y|52=20260101-00:00:00|11=A1|55=ESZ6|54=1|38=5|40=2|44=100|59=0|";
  CHECK_FALSE(scene.engine->to_app("35=D|" + order));
  CHECK_FALSE(scene.engine->to_app("35=G|41=A0|" + order));
  CHECK(scene.engine->to_app("35=F|41=A0|" + order));
  CHECK(fake_hook().count("submit") == 0);
}

TEST_CASE("orders of a kind that the adapter cannot judge do not leave") {
  Scene scene;
  scene.log_on();
  for (const char* type : {"E", "AB", "AC", "s", "t", "S", "i", "L"})
    CHECK_FALSE(scene.engine->to_app(std::string("35=") + type +
                                     "|34=2|49=ENG1|56=VENUE|52=20260101-00:00:00|11=A1|"));
}

TEST_CASE("an order that cannot be read does not leave") {
  Scene scene;
  scene.log_on();
  CHECK_FALSE(scene.engine->send({.cl_ord_id = "A1", .side = "8"}).empty());
  CHECK_FALSE(scene.engine->send({.cl_ord_id = "A2", .order_qty = "5.5"}).empty());
  CHECK_FALSE(scene.engine->send({.cl_ord_id = "A3", .ord_type = "P"}).empty());
  CHECK_FALSE(scene.engine->send({.cl_ord_id = "A4", .price = ""}).empty());
  CHECK_FALSE(scene.engine->send({.cl_ord_id = "A5", .price = "1e9"}).empty());
  CHECK_FALSE(scene.engine->send({.cl_ord_id = "A6", .time_in_force = "Z"}).empty());
  CHECK(fake_hook().count("submit") == 0);
}

TEST_CASE("an order that the engine's own toApp changes after the gate passed it does not leave") {
  Scene scene;
  scene.engine->change_qty = [](const std::string& id) { return id == "A1" ? "5000" : ""; };
  scene.log_on();
  CHECK_FALSE(scene.engine->send({.cl_ord_id = "A1"}).empty());
  CHECK(fake_hook().count("not_sent 1") == 1);
  CHECK(scene.engine->send({.cl_ord_id = "A2"}).empty());
  CHECK(scene.eventually("D", 1) == 1);
  CHECK(scene.received("D").front().cl_ord_id == "A2");
}

TEST_CASE("a replace is asked for with the handle of its order") {
  Scene scene;
  scene.log_on();
  CHECK(scene.engine->send({.cl_ord_id = "A1", .price = "98"}).empty());
  CHECK(scene.engine->send({.cl_ord_id = "A2", .order_qty = "7", .price = "98", .orig_cl_ord_id = "A1"})
            .empty());
  CHECK(fake_hook().first("replace") == "replace A2 of 1 qty 7 px_e8 9800000000");
  CHECK_FALSE(scene.engine->send({.cl_ord_id = "A3", .orig_cl_ord_id = "nobody"}).empty());
  CHECK(scene.eventually("G", 1) == 1);
  CHECK(wait_for("replaced A2") == 1);
}

TEST_CASE("a session is ended before its socket closes, and a reconnect is a new session") {
  for (const bool threaded : {false, true}) {
    CAPTURE(threaded);
    Scene scene({.threaded = threaded});
    scene.log_on();
    CHECK(scene.venue->control("fault drop").starts_with("ok"));
    CHECK(wait_for("session_end before close") == 1);
    CHECK(wait_for("session_open", 2) == 2);
    REQUIRE(scene.engine->logged_on());
    CHECK(scene.engine->send({.cl_ord_id = "A1"}).empty());
    CHECK(scene.eventually("D", 1) == 1);
    scene.engine->stop();
    CHECK(fake_hook().count("session_end before close") == 2);
  }
}

TEST_CASE("on a halt the engine's own session cancels what is open") {
  Scene scene;
  scene.log_on();
  CHECK(scene.engine->send({.cl_ord_id = "A1", .price = "98"}).empty());
  CHECK(wait_for("accepted A1") == 1);
  fake_hook().cancels = {"A1"};
  fake_hook().command = kCommandCancel;
  CHECK(scene.engine->poll() == kCommandCancel);
  CHECK(wait_for("cancelled A1") == 1);
  REQUIRE(scene.received("F").size() == 1);
  CHECK(scene.received("F").front().orig_cl_ord_id == "A1");
  CHECK(fake_hook().count("cancel A1") == 1);
}

TEST_CASE("where the venue has a mass cancel it is asked first, and single cancels follow after a second") {
  Scene scene({.begin_string = "FIX.4.4", .mass_cancel = true});
  scene.log_on();
  CHECK(scene.engine->send({.cl_ord_id = "A1", .price = "98"}).empty());
  CHECK(wait_for("accepted A1") == 1);
  fake_hook().cancels = {"A1"};
  fake_hook().command = kCommandCancel;
  scene.engine->poll();
  scene.engine->poll();
  CHECK(wait_for("cancelled A1") == 1);
  CHECK(scene.received("q").size() == 1);
  CHECK(scene.received("F").empty());
  Scene::pause_ms(1100);
  scene.engine->poll();
  CHECK(scene.eventually("F", 1) == 1);
}
