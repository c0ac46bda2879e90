// SPDX-License-Identifier: Apache-2.0
/// @file The wall: whoever holds the gate's descriptor, in whatever process and as whatever user, can read it
/// and nothing else. Each attempt is made by a forked process that says which one worked.
#include "shm/sealed_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>
#include <string>

using namespace portcullis;

namespace {

constexpr std::uint64_t kBytes = 8'192;
constexpr uid_t kNobody = 65'534;

/// Bits of what an intruder managed to do with the descriptor; 0 is what we want.
enum Breach : int {
  kMappedWritable = 1,
  kMadeWritable = 2,
  kWrote = 4,
  kTruncated = 8,
  kPunched = 16,
  kReopenedWritable = 32,
  kUnsealed = 64,
  kCouldNotRead = 128,
};

int try_reopened(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int again = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (again < 0) return 0;
  int breach = 0;
  if (mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0) != MAP_FAILED)
    breach |= kReopenedWritable;
  if (pwrite(again, "x", 1, 0) > 0 || ftruncate(again, 0) == 0) breach |= kReopenedWritable;
  close(again);
  return breach;
}

int intrude_gate(int fd) {
  int breach = 0;
  if (mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED)
    breach |= kMappedWritable;
  void* seen = mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, fd, 0);
  if (seen == MAP_FAILED || std::memcmp(seen, "gate", 4) != 0) breach |= kCouldNotRead;
  if (seen != MAP_FAILED && mprotect(seen, kBytes, PROT_READ | PROT_WRITE) == 0) breach |= kMadeWritable;
  if (pwrite(fd, "x", 1, 0) > 0 || write(fd, "x", 1) > 0) breach |= kWrote;
  if (ftruncate(fd, 0) == 0 || ftruncate(fd, 2 * kBytes) == 0) breach |= kTruncated;
  if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4'096) == 0) breach |= kPunched;
  if (seen != MAP_FAILED && madvise(seen, 4'096, MADV_REMOVE) == 0) breach |= kPunched;
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0) breach |= kUnsealed;
  return breach | try_reopened(fd);
}

int intrude_ledger(int fd) {
  int breach = 0;
  if (ftruncate(fd, 0) == 0 || ftruncate(fd, 2 * kBytes) == 0) breach |= kTruncated;
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0) breach |= kUnsealed;
  return breach;
}

/// Runs the attempts in another process, as another user where we may change it.
int in_another_process(int (*attempts)(int), int fd, uid_t user) {
  const pid_t child = fork();
  if (child == 0) {
    if (user != 0 && (setgid(user) != 0 || setuid(user) != 0))
      _exit(0);  // not root: the same user's run said it all
    _exit(attempts(fd));
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("nobody who holds the gate's descriptor can write, truncate, punch or unseal it") {
  UniqueFd fd;
  SharedMapping ours;
  REQUIRE(create_gate(kBytes, fd, ours) == MemoryError::none);
  std::memcpy(ours.data(), "gate", 4);  // our own mapping was there before the seal
  for (const uid_t user : {0U, kNobody}) {
    INFO("user " << user);
    CHECK(in_another_process(intrude_gate, fd.get(), user) == 0);
  }
  CHECK(std::memcmp(ours.data(), "gate", 4) == 0);
  std::memcpy(ours.data(), "open", 4);
  SharedMapping reader;
  REQUIRE(reader.map(fd.get(), kBytes, Access::read_only) == MemoryError::none);
  CHECK(std::memcmp(reader.data(), "open", 4) == 0);  // a read-only map sees every store
  SharedMapping writer;
  CHECK(writer.map(fd.get(), kBytes, Access::read_write) == MemoryError::map);
}

TEST_CASE("nobody can truncate the ledger under its reader") {
  UniqueFd fd;
  SharedMapping ours;
  REQUIRE(create_ledger(kBytes, fd, ours) == MemoryError::none);
  for (const uid_t user : {0U, kNobody}) CHECK(in_another_process(intrude_ledger, fd.get(), user) == 0);
  SharedMapping theirs;
  REQUIRE(theirs.map(fd.get(), kBytes, Access::read_write) == MemoryError::none);
  std::memcpy(theirs.data(), "fill", 4);
  CHECK(std::memcmp(ours.data(), "fill", 4) == 0);
}

TEST_CASE("a descriptor of another size or without the seals is refused before it is mapped") {
  UniqueFd gate;
  UniqueFd ledger;
  SharedMapping mapping;
  REQUIRE(create_gate(kBytes, gate, mapping) == MemoryError::none);
  REQUIRE(create_ledger(kBytes, ledger, mapping) == MemoryError::none);
  CHECK(check_gate(gate.get(), kBytes) == MemoryError::none);
  CHECK(check_ledger(ledger.get(), kBytes) == MemoryError::none);
  CHECK(check_gate(gate.get(), kBytes + 4'096) == MemoryError::wrong_size);
  CHECK(check_gate(ledger.get(), kBytes) == MemoryError::wrong_seals);  // a ledger can be written: no gate
  CHECK(check_ledger(-1, kBytes) == MemoryError::wrong_size);
  UniqueFd plain(memfd_create("plain", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(ftruncate(plain.get(), kBytes) == 0);
  CHECK(check_ledger(plain.get(), kBytes) == MemoryError::wrong_seals);
  UniqueFd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  struct stat info {};
  REQUIRE(fstat(file.get(), &info) == 0);
  CHECK(check_ledger(file.get(), static_cast<std::uint64_t>(info.st_size)) == MemoryError::wrong_seals);
}

TEST_CASE("memory that cannot be backed is an error at once, not a SIGBUS later") {
  const pid_t child = fork();
  if (child ==
      0) {  // a limit on file sizes stands in for a full tmpfs: filling the machine's memory would be no test
    const rlimit small{kBytes / 2, kBytes / 2};
    std::signal(SIGXFSZ, SIG_IGN);
    UniqueFd fd;
    SharedMapping mapping;
    if (setrlimit(RLIMIT_FSIZE, &small) != 0) _exit(1);
    if (create_ledger(kBytes, fd, mapping) != MemoryError::no_space) _exit(2);
    _exit(fd.valid() || mapping.mapped() ? 3 : 0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a forked child does not have a memory that is kept from children") {
  UniqueFd fd;
  SharedMapping mapping;
  REQUIRE(create_ledger(kBytes, fd, mapping) == MemoryError::none);
  REQUIRE(mapping.keep_from_children());
  const pid_t child = fork();
  if (child == 0) {
    unsigned char present = 0;
    const long page = reinterpret_cast<long>(mapping.data());
    _exit(mincore(reinterpret_cast<void*>(page), 4'096, &present) == 0
              ? 1
              : 0);  // ENOMEM: nothing is mapped there
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
}
