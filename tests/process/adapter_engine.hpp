// SPDX-License-Identifier: Apache-2.0
/// @file A QuickFIX engine behind the adapter, for tests. No QuickFIX header here: those are C++14, the tests
/// are not.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace portcullis {
namespace test {

struct AdapterSetup {
  int port = 0;
  std::string begin_string = "FIX.4.2";
  std::string sender = "ENG1";
  bool threaded = false;
  bool mass_cancel = false;
};

struct TestOrder {
  std::string cl_ord_id = {};
  std::string symbol = "ESZ6";
  std::string side = "1", order_qty = "5", ord_type = "2", price = "100", time_in_force = "0";
  std::string orig_cl_ord_id = {};  ///< set: a replace (35=G)
};

class AdapterEngine {
 public:
  explicit AdapterEngine(const AdapterSetup& setup);
  ~AdapterEngine();
  AdapterEngine(const AdapterEngine&) = delete;
  AdapterEngine& operator=(const AdapterEngine&) = delete;

  void start();
  void stop();
  /// Waits; false: not within 5 s.
  bool logged_on();
  bool logged_off();
  bool witnessed();
  int logons() const;  ///< so far

  /// Through the adapter's send(); empty = sent, else why not.
  std::string send(const TestOrder& order);
  /// Straight to QuickFIX, as code that does not know the adapter.
  bool send_around(const TestOrder& order);
  int poll();

  /// Hands a message of the venue to the adapter, as QuickFIX would; '|' stands for SOH, 8, 9 and 10 are
  /// added.
  void receive(const std::string& fields);
  /// Hands an outbound message to the adapter's toApp; true = it may go, false = DoNotSend.
  bool to_app(const std::string& fields);

  /// Runs in the engine's toApp with the message's ClOrdID; what it returns (if anything) becomes the
  /// quantity.
  std::function<std::string(const std::string&)> change_qty;
  /// Runs in the engine's fromApp and fromAdmin.
  std::function<void()> on_message;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// quickfix::write_all on a descriptor; true = all of it.
bool write_everything(int fd, const std::string& bytes);
/// quickfix::parse_decimal.
bool decimal(const std::string& text, int digits, std::int64_t& out);

}  // namespace test
}  // namespace portcullis
