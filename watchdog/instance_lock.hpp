// SPDX-License-Identifier: Apache-2.0
/// @file One supervisor per engine: a lock on RUN_DIR/ENGINE.lock, held for the life of the process. The
/// kernel drops it with the last descriptor, so a crash leaves nothing behind, and a stopped holder still
/// holds it. The file's text is the holder's pid and start time: for the sentence of the refusal, and for
/// --replace, which kills exactly that process (pidfd, start time compared) and waits until it is gone. The
/// file is never removed: a lock on a removed file excludes nobody. Rejected: a pid file; its pid may be
/// anybody's by now.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "shm/unique_fd.hpp"

namespace portcullis {

enum class [[nodiscard]] LockError : std::uint8_t{
    ok = 0,
    cannot_open,  ///< the run folder or the file; or a file that is somebody else's or everybody's to write
    held,         ///< another supervisor lives, perhaps stopped
    holder_unknown,  ///< --replace: the lock is held, but the file names no living process
    cannot_kill,     ///< --replace: no permission
    still_held,      ///< --replace: killed, but the lock was not free within 2 s
    failed,          ///< another error of the kernel
};

/// What happened, for the sentence and the audit.
struct LockOutcome {
  LockError error = LockError::failed;
  pid_t holder = 0;             ///< who held it; 0: nobody, or unknown
  bool holder_stopped = false;  ///< by SIGSTOP or a debugger
  bool replaced = false;        ///< the holder was killed for us
  /// "mm1: already supervised by pid 4123 (stopped); ..." ; "" where ok.
  [[nodiscard]] std::string sentence(const std::string& engine) const;
};

class InstanceLock {
 public:
  /// Waits only for --replace, at most 2 s.
  [[nodiscard]] LockOutcome acquire(const std::string& run_dir, const std::string& engine, bool replace);
  [[nodiscard]] bool held() const noexcept { return fd_.valid(); }

 private:
  UniqueFd fd_;
};

}  // namespace portcullis
