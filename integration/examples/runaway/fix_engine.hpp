// SPDX-License-Identifier: Apache-2.0
/// @file The FIX side of the run-away engine: its QuickFIX application (what the venue says goes to the
/// Server), its messages, and its ways of sending, with and without the gate. `guarded` is the only
/// difference between the two.
#pragma once
#include <quickfix/Application.h>
#include <quickfix/Initiator.h>
#include <quickfix/MessageStore.h>
#include <quickfix/Session.h>

#include <atomic>
#include <memory>
#include <portcullis/quickfix.hpp>
#include <string>

#include "integration/examples/runaway/options.hpp"
#include "integration/examples/runaway/server.hpp"

namespace portcullis {
namespace examples {

/// QuickFIX's callbacks, told to the Server. Knows nothing of Portcullis: this is the engine as it was
/// before.
class FixEngine : public FIX::Application {
 public:
  explicit FixEngine(Server& server) : server_(server) {}
  bool logged_on() const { return logged_on_; }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated"
  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID&) override { logged_on_ = true; }
  void onLogout(const FIX::SessionID&) override { logged_on_ = false; }
  void toAdmin(FIX::Message&, const FIX::SessionID&) override {}
  void toApp(FIX::Message&, const FIX::SessionID&) throw(FIX::DoNotSend) override {}
  void fromAdmin(const FIX::Message&,
                 const FIX::SessionID&) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat,
                                              FIX::IncorrectTagValue, FIX::RejectLogon) override {}
  void fromApp(const FIX::Message& message,
               const FIX::SessionID&) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat,
                                            FIX::IncorrectTagValue, FIX::UnsupportedMessageType) override;
#pragma GCC diagnostic pop

 private:
  Server& server_;
  std::atomic<bool> logged_on_{false};
};

/// The session to the venue: started, and used from the engine's one trading thread.
class VenueLink {
 public:
  /// @param hook nullptr = unguarded
  VenueLink(const Options& options, Server& server, Hook* hook);
  ~VenueLink();
  VenueLink(const VenueLink&) = delete;
  VenueLink& operator=(const VenueLink&) = delete;

  void start();
  /// Logs out and ends the connection.
  void stop();
  bool ready() const { return engine_.logged_on(); }

  /// Hands one child order in; empty = sent, else why not.
  std::string send(const Child& child, std::uint64_t parent_handle);
  void cancel(const Child& order);
  /// The engine's loop with the adapter: beats, and cancels when asked. Command::none when unguarded.
  Command poll();
  /// An order that the gate never sees. False: it did not leave.
  bool send_around(Around how);

 private:
  FIX::Message new_order(const Child& child) const;
  bool send_around_session(const Child& order, bool raw);
  bool send_rogue(const Child& order) const;

  const Options options_;
  Server& server_;
  FixEngine engine_;
  const FIX::SessionID session_id_;
  std::unique_ptr<QuickFixApplication> guarded_;
  std::uint64_t parent_handle_ = 0;  ///< of the order being sent
  std::unique_ptr<FIX::MessageStoreFactory> store_;
  std::unique_ptr<FIX::Initiator> initiator_;
  std::uint64_t last_cancel_ = 0, last_around_ = 0;
};

}  // namespace examples
}  // namespace portcullis
