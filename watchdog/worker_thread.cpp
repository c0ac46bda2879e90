// SPDX-License-Identifier: Apache-2.0
#include "watchdog/worker_thread.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "shm/clock.hpp"

namespace portcullis {
namespace {

#ifdef PORTCULLIS_SANITIZED
constexpr std::size_t kStackUsedBytes = 4 * WorkerThread::kStackBytes;  // their frames are larger
#else
constexpr std::size_t kStackUsedBytes = WorkerThread::kStackBytes;
#endif
constexpr std::size_t kTouchedBytes = WorkerThread::kStackBytes * 3 / 4;
constexpr std::size_t kPageBytes = 4096;
constexpr unsigned long kTimerSlackNs = 1000;  // the default of 50 us is half an urgent poll
constexpr std::uint64_t kLastWaitNs = 1'000'000'000;

/// Makes the stack's pages exist now.
[[gnu::noinline]] void touch_stack() noexcept {
  volatile char pages[kTouchedBytes];
  for (std::size_t i = 0; i < kTouchedBytes; i += kPageBytes) pages[i] = 0;
  static_cast<void>(pages[0]);
}

timespec to_timespec(std::uint64_t ns) noexcept {
  return {static_cast<time_t>(ns / 1'000'000'000ULL), static_cast<long>(ns % 1'000'000'000ULL)};
}

int create_thread(pthread_t& thread, void* (*entry)(void*), void* self) noexcept {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return -1;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the thread: signals are control's
  int error = pthread_attr_setstacksize(&attributes, kStackUsedBytes);
  if (error == 0) error = pthread_create(&thread, &attributes, entry, self);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return error;
}

}  // namespace

const char* thread_error_name(ThreadError error) noexcept {
  switch (error) {
    case ThreadError::ok: return "ok";
    case ThreadError::no_eventfd: return "no_eventfd";
    case ThreadError::no_thread: return "no_thread";
    case ThreadError::running: return "running";
  }
  return "?";
}

WorkerThread::~WorkerThread() {
  if (!stop(kLastWaitNs)) std::abort();
}

ThreadError WorkerThread::start(const char* name, void (*body)(void*), void* context) noexcept {
  if (started_) return ThreadError::running;
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return ThreadError::no_eventfd;
  wake_ = std::move(wake);
  body_ = body;
  context_ = context;
  std::strncpy(name_, name, sizeof name_ - 1);
  stopping_.store(false, std::memory_order_release);
  finished_.store(false, std::memory_order_release);
  if (create_thread(thread_, &WorkerThread::enter, this) != 0) return ThreadError::no_thread;
  started_ = true;
  return ThreadError::ok;
}

void* WorkerThread::enter(void* self) noexcept {
  auto& worker = *static_cast<WorkerThread*>(self);
  pthread_setname_np(pthread_self(), worker.name_);
  prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
  touch_stack();
  worker.body_(worker.context_);
  worker.finished_.store(true, std::memory_order_release);
  return nullptr;
}

void WorkerThread::wake() noexcept { notify_eventfd(wake_.get()); }

void WorkerThread::sleep(std::uint64_t timeout_ns) noexcept {
  pollfd waiting{wake_.get(), POLLIN, 0};
  const timespec timeout = to_timespec(timeout_ns);
  if (ppoll(&waiting, 1, &timeout, nullptr) <= 0) return;
  std::uint64_t count = 0;
  if (read(wake_.get(), &count, sizeof count) < 0) return;  // somebody else's wake: nothing to do either way
}

bool WorkerThread::stop(std::uint64_t timeout_ns) noexcept {
  if (!started_) return true;
  stopping_.store(true, std::memory_order_release);
  wake();
  const std::uint64_t begin_ns = monotonic_now_ns();
  const timespec pause = to_timespec(200'000);
  while (!finished_.load(std::memory_order_acquire)) {
    if (monotonic_now_ns() - begin_ns >= timeout_ns) return false;
    nanosleep(&pause, nullptr);
  }
  pthread_join(thread_, nullptr);
  started_ = false;
  return true;
}

void notify_eventfd(int fd) noexcept {
  if (fd < 0) return;
  const std::uint64_t one = 1;
  if (write(fd, &one, sizeof one) < 0) return;  // EAGAIN: the counter is full, so the reader wakes anyway
}

}  // namespace portcullis
