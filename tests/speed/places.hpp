// SPDX-License-Identifier: Apache-2.0
/// @file Where things run: the engine's side on one processor, whoever watches it on another, each part in a
/// process of its own. Children end with their object, by pid.
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace portcullis::speed {

/// The two processors of this run: the first and the last that we may use.
struct Processors {
  int engine = -1;
  int other = -1;
};
/// False where there are not two of them: nobody can spin on the other one then.
[[nodiscard]] bool find_processors(Processors& out);
/// Pins the calling thread; false where the kernel refused.
bool run_on(int processor);

/// A child process, SIGKILLed and reaped with the object.
class Child {
 public:
  Child() = default;
  /// A program; its output goes to the file.
  Child(const std::vector<std::string>& argv, const std::string& output, const std::vector<std::string>& env);
  /// A function in a fork of this process, pinned.
  Child(int processor, const std::function<void()>& body);
  Child(Child&& other) noexcept { *this = static_cast<Child&&>(other); }
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  [[nodiscard]] int pid() const { return pid_; }
  /// Waits until it ended, at most timeout_ms; its exit code, -1 otherwise.
  int wait(int timeout_ms);
  /// SIGTERM, then wait.
  int stop(int timeout_ms);

 private:
  int pid_ = -1;
};

/// Zeroed memory that forked children share.
[[nodiscard]] void* shared_memory(std::size_t bytes);
/// One object in such memory, for the rest of the run.
template <typename T>
[[nodiscard]] T& shared_object() {
  return *new (shared_memory(sizeof(T))) T;
}

/// Polls every millisecond until holds() or the deadline.
[[nodiscard]] bool eventually(const std::function<bool()>& holds, int timeout_ms);

}  // namespace portcullis::speed
