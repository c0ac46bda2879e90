// SPDX-License-Identifier: Apache-2.0
/// @file Somebody's engine, as far as README.md's QuickFIX program needs one.
#pragma once
#include <iostream>
#include <quickfix/Application.h>

class MyEngine : public FIX::Application {
 public:
  /// False: the day is over. A real one sends with guarded.send(message, session_id).
  bool run_once(int) { return false; }

 private:
  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID&) override {}
  void onLogout(const FIX::SessionID&) override {}
  void toAdmin(FIX::Message&, const FIX::SessionID&) override {}
  void toApp(FIX::Message&, const FIX::SessionID&) throw(FIX::DoNotSend) override {}
  void fromAdmin(const FIX::Message&, const FIX::SessionID&) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat,
                                                                   FIX::IncorrectTagValue, FIX::RejectLogon) override {}
  void fromApp(const FIX::Message&, const FIX::SessionID&) throw(FIX::FieldNotFound, FIX::IncorrectDataFormat,
                                                                 FIX::IncorrectTagValue, FIX::UnsupportedMessageType) override {}
};
