// SPDX-License-Identifier: Apache-2.0
/// @file A disk that is full from one byte on, while the object lives: RLIMIT_FSIZE with SIGXFSZ ignored, so
/// that write() ends short at the limit and then fails, as it does on a full file system.
#pragma once
#include <signal.h>
#include <sys/resource.h>

namespace portcullis::test {

class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = signal(SIGXFSZ, SIG_IGN);
    const rlimit limited{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = SIG_DFL;
};

}  // namespace portcullis::test
