// SPDX-License-Identifier: Apache-2.0
/// @file A thread whose work may hang: what witness and scribe run on. It is woken through an eventfd, gets
/// no signals (control handles them) and has a stack of its own size, touched at start, so that it takes no
/// memory from the system later. It is never joined without a deadline: a thread that is stuck in the kernel
/// must not take its caller along.
#pragma once
#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "shm/unique_fd.hpp"

namespace portcullis {

enum class [[nodiscard]] ThreadError : std::uint8_t{ok = 0, no_eventfd, no_thread, running};
/// "ok", "no_eventfd", ...
[[nodiscard]] const char* thread_error_name(ThreadError error) noexcept;

class WorkerThread {
 public:
  static constexpr std::size_t kStackBytes = 256UL * 1024;

  WorkerThread() = default;
  /// Waits one second for the thread and aborts the process if it is stuck: its memory would vanish under it.
  /// A caller that expects this (exit with a hanging disk) leaves through _exit instead.
  ~WorkerThread();
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  /// Starts body(context). `name` has at most 15 characters.
  ThreadError start(const char* name, void (*body)(void*), void* context) noexcept;
  /// Wakes the thread out of `sleep`. Any thread.
  void wake() noexcept;
  /// The thread's own: until woken or timeout_ns passed.
  void sleep(std::uint64_t timeout_ns) noexcept;
  /// The thread's own: true once somebody asked it to end.
  [[nodiscard]] bool stopping() const noexcept { return stopping_.load(std::memory_order_acquire); }
  /// Asks the thread to end and waits at most timeout_ns. False: it is stuck and still runs.
  [[nodiscard]] bool stop(std::uint64_t timeout_ns) noexcept;
  [[nodiscard]] bool started() const noexcept { return started_; }
  /// For the scheduling class, set by whoever knows the host.
  [[nodiscard]] pthread_t handle() const noexcept { return thread_; }

 private:
  static void* enter(void* self) noexcept;

  UniqueFd wake_;
  pthread_t thread_{};
  void (*body_)(void*) = nullptr;
  void* context_ = nullptr;
  char name_[16] = {};
  bool started_ = false;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> finished_{false};
};

/// Adds one to somebody's eventfd (-1: nobody is waiting). Never blocks.
void notify_eventfd(int fd) noexcept;

}  // namespace portcullis
