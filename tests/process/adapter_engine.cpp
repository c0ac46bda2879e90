// SPDX-License-Identifier: Apache-2.0
/// @file The engine of the adapter's tests: does nothing itself but what the test asks.
#include "tests/process/adapter_engine.hpp"

#include <quickfix/MessageStore.h>
#include <quickfix/SessionSettings.h>
#include <quickfix/SocketInitiator.h>
#include <quickfix/ThreadedSocketInitiator.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <portcullis/quickfix.hpp>

namespace portcullis {
namespace test {
namespace {

constexpr int kSecondsPerDay = 86400;

/// Twelve hours from now, so that QuickFIX's daily reset meets no test.
std::string turn_of_day() {
  const time_t then = (time(nullptr) + kSecondsPerDay / 2) % kSecondsPerDay;
  char text[16];
  std::snprintf(text, sizeof text, "%02d:%02d:%02d", static_cast<int>(then / 3600),
                static_cast<int>(then / 60 % 60), static_cast<int>(then % 60));
  return text;
}

FIX::SessionSettings settings_of(const AdapterSetup& setup, const FIX::SessionID& id) {
  FIX::Dictionary all;
  all.setString("ConnectionType", "initiator");
  all.setString("StartTime", turn_of_day());
  all.setString("EndTime", turn_of_day());
  all.setString("UseDataDictionary", "N");
  all.setString("ReconnectInterval", "1");
  all.setString("SocketNodelay", "Y");
  all.setString("HeartBtInt", "30");
  all.setString("SocketConnectHost", "127.0.0.1");
  all.setString("SocketConnectPort", std::to_string(setup.port));
  FIX::SessionSettings settings;
  settings.set(all);
  settings.set(id, all);
  return settings;
}

std::string complete(std::string fields, const std::string& begin_string) {
  std::replace(fields.begin(), fields.end(), '|', '\001');
  std::string text = "8=" + begin_string + "\0019=" + std::to_string(fields.size()) + '\001' + fields;
  unsigned sum = 0;
  for (const char c : text) sum += static_cast<unsigned char>(c);
  char trailer[16];
  std::snprintf(trailer, sizeof trailer, "10=%03u\001", sum % 256);
  return text + trailer;
}

FIX::Message message_of(const TestOrder& order, const std::string& begin_string) {
  FIX::Message message;
  message.getHeader().setField(FIX::BeginString(begin_string));
  message.getHeader().setField(FIX::MsgType(order.orig_cl_ord_id.empty() ? "D" : "G"));
  message.setField(FIX::FIELD::ClOrdID, order.cl_ord_id);
  if (!order.orig_cl_ord_id.empty()) message.setField(FIX::FIELD::OrigClOrdID, order.orig_cl_ord_id);
  message.setField(FIX::FIELD::HandlInst, "1");
  message.setField(FIX::FIELD::Symbol, order.symbol);
  message.setField(FIX::FIELD::Side, order.side);
  message.setField(FIX::FIELD::OrderQty, order.order_qty);
  message.setField(FIX::FIELD::OrdType, order.ord_type);
  if (!order.price.empty()) message.setField(FIX::FIELD::Price, order.price);
  message.setField(FIX::FIELD::TimeInForce, order.time_in_force);
  message.setField(FIX::TransactTime(FIX::UtcTimeStamp(), 3));
  return message;
}

template <typename Condition>
bool within_5_s(Condition condition) {
  for (int waited_ms = 0; waited_ms < 5000; ++waited_ms) {
    if (condition()) return true;
    const timespec nap = {0, 1000000};
    nanosleep(&nap, nullptr);
  }
  return false;
}

class Inner : public FIX::Application {
 public:
  explicit Inner(AdapterEngine& test) : test_(test) {}
  std::atomic<bool> on{false};
  std::atomic<int> logons{0};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated"
  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID&) override { ++logons, on = true; }
  void onLogout(const FIX::SessionID&) override { on = false; }
  void toAdmin(FIX::Message&, const FIX::SessionID&) override {}
  void toApp(FIX::Message& message, const FIX::SessionID&) throw(FIX::DoNotSend) override {
    if (!test_.change_qty || !message.isSetField(FIX::FIELD::ClOrdID)) return;
    const std::string changed = test_.change_qty(message.getField(FIX::FIELD::ClOrdID));
    if (!changed.empty()) message.setField(FIX::FIELD::OrderQty, changed);
  }
  void fromAdmin(const FIX::Message&,
                 const FIX::SessionID&) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat,
                                              FIX::IncorrectTagValue, FIX::RejectLogon) override {
    if (test_.on_message) test_.on_message();
  }
  void fromApp(const FIX::Message&, const FIX::SessionID&) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat,
                                                                 FIX::IncorrectTagValue,
                                                                 FIX::UnsupportedMessageType) override {
    if (test_.on_message) test_.on_message();
  }
#pragma GCC diagnostic pop

 private:
  AdapterEngine& test_;
};

}  // namespace

struct AdapterEngine::Parts {
  Parts(AdapterEngine& test, const AdapterSetup& wanted)
      : setup(wanted),
        id(FIX::BeginString(setup.begin_string), FIX::SenderCompID(setup.sender), FIX::TargetCompID("VENUE")),
        inner(test),
        hook("engine"),
        guarded(inner, hook) {
    guarded.lane("main");
    guarded.mass_cancel(setup.mass_cancel);
    const FIX::SessionSettings settings = settings_of(setup, id);
    if (setup.threaded)
      initiator.reset(new FIX::ThreadedSocketInitiator(guarded, store, settings));
    else
      initiator.reset(new FIX::SocketInitiator(guarded, store, settings));
  }
  const AdapterSetup setup;
  const FIX::SessionID id;
  Inner inner;
  Hook hook;
  QuickFixApplication guarded;
  FIX::MemoryStoreFactory store;
  std::unique_ptr<FIX::Initiator> initiator;
};

AdapterEngine::AdapterEngine(const AdapterSetup& setup) : parts_(new Parts(*this, setup)) {}
AdapterEngine::~AdapterEngine() { stop(); }

void AdapterEngine::start() { parts_->initiator->start(); }
void AdapterEngine::stop() { parts_->initiator->stop(); }
bool AdapterEngine::logged_on() {
  return within_5_s([this] { return parts_->inner.on.load(); });
}
bool AdapterEngine::logged_off() {
  return within_5_s([this] { return !parts_->inner.on.load(); });
}
bool AdapterEngine::witnessed() { return parts_->guarded.witnessed(parts_->id); }
int AdapterEngine::logons() const { return parts_->inner.logons; }

std::string AdapterEngine::send(const TestOrder& order) {
  FIX::Message message = message_of(order, parts_->setup.begin_string);
  return parts_->guarded.send(message, parts_->id).why();
}
bool AdapterEngine::send_around(const TestOrder& order) {
  FIX::Message message = message_of(order, parts_->setup.begin_string);
  return FIX::Session::sendToTarget(message, parts_->id);
}
int AdapterEngine::poll() { return static_cast<int>(parts_->guarded.poll()); }

void AdapterEngine::receive(const std::string& fields) {
  const FIX::Message message(complete(fields, parts_->setup.begin_string), false);
  if (message.isAdmin())
    parts_->guarded.fromAdmin(message, parts_->id);
  else
    parts_->guarded.fromApp(message, parts_->id);
}

bool AdapterEngine::to_app(const std::string& fields) {
  FIX::Message message(complete(fields, parts_->setup.begin_string), false);
  try {
    parts_->guarded.toApp(message, parts_->id);
    return true;
  } catch (const FIX::DoNotSend&) {
    return false;
  }
}

bool write_everything(int fd, const std::string& bytes) {
  return quickfix::write_all(fd, bytes) == quickfix::Written::all;
}
bool decimal(const std::string& text, int digits, std::int64_t& out) {
  return quickfix::parse_decimal(text, digits, out);
}

}  // namespace test
}  // namespace portcullis
