// SPDX-License-Identifier: Apache-2.0
/// @file What the venue says, as the QuickFIX adapter books it: message by message, FIX 4.2 and 4.4, without
/// a wire. And the adapter's own small parts: decimals, and the writer that stands in for QuickFIX's.
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "tests/process/adapter_engine.hpp"
#include "tests/unit/fake_hook.hpp"

using namespace portcullis;
using test::AdapterEngine;
using test::fake_hook;

namespace {

constexpr const char* kHead = "35=8|34=7|49=VENUE|56=ENG1|52=20260101-00:00:00|";

/// The last call after this report came in while the orders A1 and A2 were open.
std::string booked(const std::string& fields, const char* begin_string = "FIX.4.2",
                   const std::string& head = kHead) {
  AdapterEngine engine({.port = 1, .begin_string = begin_string});
  fake_hook().reset();
  fake_hook().open = {"A1", "A2"};
  engine.receive(head + fields);
  std::string last;
  for (const std::string& call : fake_hook().calls)
    if (call != "rebind") last = call;
  return last;
}

}  // namespace

TEST_CASE("an execution report of FIX 4.2 is booked as what it is") {
  const std::string a1 = "37=V1|11=A1|17=E1|55=ESZ6|54=1|";
  CHECK(booked(a1 + "20=0|150=0|39=0|") == "accepted A1 as V1");
  CHECK(booked(a1 + "20=0|150=1|39=1|32=2|31=100|14=2|") ==
        "filled A1 instrument 7 side 1 qty 2 cum 2 exec E1");
  CHECK(booked(a1 + "20=0|150=2|39=2|32=3|31=100.5|14=5|") ==
        "filled A1 instrument 7 side 1 qty 3 cum 5 exec E1");
  CHECK(booked(a1 + "20=0|150=8|39=8|") == "rejected A1");
  CHECK(booked(a1 + "20=0|150=C|39=C|") == "cancelled A1");
  CHECK(booked(a1 + "20=0|150=3|39=3|") == "cancelled A1");
  CHECK(booked("37=V1|11=C1|41=A1|17=E1|55=ESZ6|54=1|20=0|150=4|39=4|") == "cancelled A1");
  CHECK(booked("37=V1|11=A2|41=A1|17=E1|55=ESZ6|54=1|20=0|150=5|39=5|") == "replaced A2");
}

TEST_CASE("an execution report of FIX 4.4 is booked as what it is") {
  const std::string a1 = "37=V1|11=A1|17=E1|55=ESZ6|54=2|";
  CHECK(booked(a1 + "150=F|39=1|32=2|31=100|14=2|", "FIX.4.4") ==
        "filled A1 instrument 7 side 2 qty 2 cum 2 exec E1");
  CHECK(booked(a1 + "150=I|39=4|", "FIX.4.4") == "cancelled A1");
  CHECK(booked(a1 + "150=I|39=2|14=5|", "FIX.4.4").empty());
}

TEST_CASE("a pending state proves nothing and books nothing") {
  const std::string a1 = "37=V1|11=C1|41=A1|17=E1|55=ESZ6|54=1|";
  for (const char* state :
       {"150=6|39=6|", "150=A|39=A|", "150=E|39=E|", "150=7|39=7|", "150=9|39=9|", "150=?|39=?|"})
    CHECK(booked(a1 + state).empty());
}

TEST_CASE("a fill that cannot be read is handed over as one that cannot be booked") {
  const std::string breach = "filled unreadable instrument 4294967295 side 1 qty 1 cum -1 exec ";
  CHECK(booked("37=V1|11=A1|17=E1|55=ESZ6|54=1|150=F|39=1|31=100|") == breach);
  CHECK(booked("37=V1|11=A1|17=E1|55=ESZ6|54=1|150=F|39=1|32=2.5|31=100|") == breach);
  CHECK(booked("37=V1|17=E1|55=ESZ6|54=1|150=F|39=1|32=2|31=100|") == breach);
  CHECK(booked("37=V1|11=A1|17=E1|55=WHAT|54=1|150=F|39=1|32=2|31=100|") ==
        "filled A1 instrument 4294967295 side 1 qty 2 cum -1 exec E1");
  CHECK(booked("37=V1|11=A1|17=E1|55=ESZ6|54=9|150=F|39=1|32=2|31=100|") ==
        "filled A1 instrument 4294967295 side 1 qty 2 cum -1 exec E1");
  CHECK(booked("37=V1|11=X9|19=E0|17=E1|55=ESZ6|54=1|20=2|150=2|39=2|32=3|31=100|") == breach);
}

TEST_CASE("a bust takes back what was traded, once, and a correction books the difference") {
  AdapterEngine engine({.port = 1, .begin_string = "FIX.4.4"});
  fake_hook().reset();
  const std::string order = std::string(kHead) + "37=V1|11=A1|55=ESZ6|54=2|39=1|31=100|";
  engine.receive(order + "150=F|17=E1|32=5|14=5|");
  engine.receive(order + "150=G|17=E2|19=E1|32=3|14=3|");
  CHECK(fake_hook().first("corrected") == "corrected 7 by 2");
  engine.receive(order + "150=G|17=E2|19=E1|32=3|14=3|");
  CHECK(fake_hook().count("corrected") == 1);
  engine.receive(order + "150=H|17=E3|19=E1|32=3|14=0|");
  CHECK(fake_hook().count("corrected 7 by 3") == 1);
  engine.receive(order + "150=H|17=E3|19=E1|32=3|14=0|");
  CHECK(fake_hook().count("corrected") == 2);
}

TEST_CASE("a cancel reject tells the order's state, and drops the replace that it refuses") {
  const std::string head = "35=9|34=7|49=VENUE|56=ENG1|52=20260101-00:00:00|";
  CHECK(booked("11=C1|41=A1|39=2|", "FIX.4.2", head) == "cancel_rejected A1 2");
  CHECK(fake_hook().count("rejected") == 0);
  CHECK(booked("11=A2|41=A1|39=0|", "FIX.4.2", head) == "cancel_rejected A1 0");
  CHECK(fake_hook().count("rejected A2") == 1);
}

TEST_CASE("processed follows the engine's callback, and a gap fill counts up to its new number") {
  AdapterEngine engine({.port = 1});
  fake_hook().reset();
  int seen_before = -1;
  engine.on_message = [&] { seen_before = fake_hook().count("processed"); };
  engine.receive("35=0|34=7|49=VENUE|56=ENG1|52=20260101-00:00:00|");
  CHECK(seen_before == 0);
  CHECK(fake_hook().count("processed") == 0);  // no connection: nothing to say it of
}

TEST_CASE("a decimal is read exactly or not at all") {
  std::int64_t value = 0;
  CHECK((test::decimal("12.5", 8, value) && value == 1250000000));
  CHECK((test::decimal("-0.00000001", 8, value) && value == -1));
  CHECK((test::decimal("100.000", 0, value) && value == 100));
  CHECK((test::decimal("0099", 0, value) && value == 99));
  for (const char* wrong :
       {"", "-", ".", "1e5", "1.5", " 1", "1 ", "1,000", "0x10", "9999999999999999999", "1.2.3", "+1"})
    CHECK_FALSE(test::decimal(wrong, 0, value));
  CHECK_FALSE(test::decimal("0.000000001", 8, value));
  CHECK_FALSE(test::decimal("99999999999.0", 8, value));
}

TEST_CASE("a write that signals interrupt again and again arrives whole, and once") {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  struct sigaction action = {}, before = {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, &before);  // without SA_RESTART: send comes back early
  const itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
  std::string bytes;
  for (int i = 0; bytes.size() < 2000000; ++i) bytes += std::to_string(i) + ',';
  std::string arrived;
  std::thread reader([&] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    char buffer[5000];
    for (ssize_t got = 0; (got = read(ends[1], buffer, sizeof buffer)) > 0;)
      arrived.append(buffer, static_cast<std::size_t>(got));
  });
  setitimer(ITIMER_REAL, &often, nullptr);
  CHECK(test::write_everything(ends[0], bytes));
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  close(ends[0]);
  reader.join();
  CHECK(arrived.size() == bytes.size());
  CHECK((arrived == bytes));
  close(ends[1]);
}
