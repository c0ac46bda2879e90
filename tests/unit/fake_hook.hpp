// SPDX-License-Identifier: Apache-2.0
/// @file A scripted stand-in for libportcullis.so: answers as the test says and writes down every call, so
/// that the adapter is judged by what it says to the gate and when. It judges nothing itself.
#pragma once
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace portcullis {
namespace test {

struct FakeHook {
  std::mutex mutex;
  std::vector<std::string> calls;  ///< "submit A1 ESZ6 buy 5 @ 10000000000", "declare D 11=A1", ...
  int verdict = 0;                 ///< pc_verdict of the next submits and replaces
  int command = 0;                 ///< pc_command of poll
  bool refuse_sessions = false;
  bool refuse_declare = false;
  std::uint64_t next_out = 0, next_in = 0;  ///< what a session is told to go on with; 0: nothing
  std::vector<std::string> open;     ///< ClOrdIDs of open orders, as a real ledger would have them
  std::vector<std::string> cancels;  ///< ClOrdIDs that next_cancel still has to hand out

  void note(const std::string& call);
  /// Calls that begin with that text.
  int count(const std::string& prefix);
  /// The first call that begins with that text, empty if none.
  std::string first(const std::string& prefix);
  /// Place of the first call that begins with that text; -1 if none.
  int place(const std::string& prefix);
  void reset();
};

FakeHook& fake_hook();

}  // namespace test
}  // namespace portcullis
