// SPDX-License-Identifier: Apache-2.0
#include "watchdog/instance_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string_view>

#include "shm/clock.hpp"
#include "watchdog/fence.hpp"

namespace portcullis {
namespace {

constexpr std::uint64_t kReplaceNs = 2'000'000'000;
constexpr std::uint64_t kRetryNs = 5'000'000;

/// The holder as the file names it; pid 0: it names none.
struct Holder {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
};

bool is_trustworthy(int fd) noexcept {
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) return false;  // whoever can open it can hold it
  return status.st_uid == geteuid() || status.st_uid == 0;
}

/// 1: ours now, 0: somebody has it, -1: error.
int try_lock(int fd) noexcept {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (fcntl(fd, F_OFD_SETLK, &whole) == 0) return 1;
  return errno == EAGAIN || errno == EACCES ? 0 : -1;
}

Holder read_holder(int fd) noexcept {
  char text[64];
  const ssize_t bytes = pread(fd, text, sizeof text, 0);
  if (bytes <= 0) return {};
  const char* end = text + bytes;
  Holder holder;
  const auto [at, error] = std::from_chars(text, end, holder.pid);
  if (error != std::errc() || at == end || *at != ' ' || holder.pid <= 0) return {};
  const auto [stop, ticks_error] = std::from_chars(at + 1, end, holder.start_ticks);
  if (ticks_error != std::errc() || stop == end || *stop != '\n' || holder.start_ticks == 0) return {};
  return read_start_ticks(holder.pid) == holder.start_ticks ? holder
                                                            : Holder{};  // else somebody else has that pid
}

bool write_holder(int fd) noexcept {
  const std::string text = fmt::format("{} {}\n", getpid(), read_start_ticks(getpid()));
  return ftruncate(fd, 0) == 0 &&
         pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

/// Kills exactly this process and waits until it is gone.
LockError end_holder(const Holder& holder, std::uint64_t deadline_ns) noexcept {
  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, holder.pid, 0)));
  if (!pidfd.valid()) return errno == ESRCH ? LockError::ok : LockError::failed;
  if (read_start_ticks(holder.pid) != holder.start_ticks)
    return LockError::ok;  // it ended, the pid was used again
  if (syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH)
    return errno == EPERM ? LockError::cannot_kill : LockError::failed;
  while (true) {
    const std::uint64_t now_ns = monotonic_now_ns();
    if (now_ns >= deadline_ns) return LockError::still_held;
    pollfd entry{pidfd.get(), POLLIN, 0};
    const auto wait_ms = static_cast<int>((deadline_ns - now_ns + 999'999) / 1'000'000);
    if (poll(&entry, 1, wait_ms) > 0) return LockError::ok;
  }
}

void pause_briefly() noexcept {
  const timespec wait{0, static_cast<long>(kRetryNs)};
  nanosleep(&wait, nullptr);
}

/// Takes the lock away from its holder. The file may name the holder only a moment after it took the lock.
LockError take_over(int fd, std::uint64_t deadline_ns, LockOutcome& outcome) noexcept {
  while (true) {
    if (!outcome.replaced) {
      const Holder holder = read_holder(fd);
      if (holder.pid == getpid()) return LockError::held;
      if (holder.pid != 0) {
        outcome.holder = holder.pid;
        outcome.holder_stopped = all_threads_stopped(holder.pid);
        if (const LockError error = end_holder(holder, deadline_ns); error != LockError::ok) return error;
        outcome.replaced = true;
      }
    }
    const int locked = try_lock(fd);
    if (locked != 0) return locked > 0 ? LockError::ok : LockError::failed;
    if (monotonic_now_ns() >= deadline_ns)
      return outcome.replaced ? LockError::still_held : LockError::holder_unknown;
    pause_briefly();
  }
}

}  // namespace

LockOutcome InstanceLock::acquire(const std::string& run_dir, const std::string& engine, bool replace) {
  LockOutcome outcome;
  const std::string path = run_dir + "/" + engine + ".lock";
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!fd.valid() || !is_trustworthy(fd.get())) {
    outcome.error = LockError::cannot_open;
    return outcome;
  }
  const int locked = try_lock(fd.get());
  if (locked > 0) {
    outcome.error = LockError::ok;
  } else if (locked < 0) {
    outcome.error = LockError::failed;
  } else if (replace) {
    outcome.error = take_over(fd.get(), monotonic_now_ns() + kReplaceNs, outcome);
  } else {
    outcome.error = LockError::held;
    outcome.holder = read_holder(fd.get()).pid;
    outcome.holder_stopped = outcome.holder != 0 && all_threads_stopped(outcome.holder);
  }
  if (outcome.error == LockError::ok && !write_holder(fd.get())) outcome.error = LockError::failed;
  if (outcome.error == LockError::ok) fd_ = std::move(fd);
  return outcome;
}

std::string LockOutcome::sentence(const std::string& engine) const {
  const std::string who = holder == 0 ? std::string("another supervisor")
                                      : fmt::format("pid {}{}", holder, holder_stopped ? " (stopped)" : "");
  switch (error) {
    case LockError::ok: return {};
    case LockError::cannot_open:
      return fmt::format("{}: the lock file cannot be opened, or others than its owner may open it", engine);
    case LockError::held:
      return fmt::format("{}: already supervised by {}; --replace kills it first", engine, who);
    case LockError::holder_unknown:
      return fmt::format("{}: the lock is held, but its file names no living process; nothing was killed",
                         engine);
    case LockError::cannot_kill:
      return fmt::format("{}: no permission to kill {}, which holds the lock", engine, who);
    case LockError::still_held:
      return fmt::format("{}: {} was killed, but the lock was not free within 2 s", engine, who);
    case LockError::failed: return fmt::format("{}: the lock cannot be taken", engine);
  }
  return engine + ": the lock cannot be taken";
}

}  // namespace portcullis
