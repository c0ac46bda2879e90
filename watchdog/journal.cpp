// SPDX-License-Identifier: Apache-2.0
#include "watchdog/journal.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace portcullis {
namespace {

char* put(char* to, std::string_view text) noexcept {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

}  // namespace

void JournalEntry::add(std::string_view key, std::string_view value) noexcept {
  const bool binary = value.find('\n') != std::string_view::npos;
  const std::size_t need = key.size() + 1 + (binary ? sizeof(std::uint64_t) : 0) + value.size() + 1;
  if (need > sizeof bytes_ - used_) return;
  char* to = put(bytes_ + used_, key);
  *to++ = binary ? '\n' : '=';
  if (binary) {
    const std::uint64_t size = value.size();  // little-endian, as this machine is
    std::memcpy(to, &size, sizeof size);
    to += sizeof size;
  }
  to = put(to, value);
  *to++ = '\n';
  used_ = static_cast<std::size_t>(to - bytes_);
}

void JournalEntry::add(std::string_view key, std::int64_t value) noexcept {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  add(key, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

void JournalEntry::add_own(std::string_view key, std::string_view value) noexcept {
  constexpr std::string_view kPrefix = "PORTCULLIS_";
  char name[64];  // the journal's longest field name
  if (key.size() > sizeof name - kPrefix.size()) return;
  char* to = put(name, kPrefix);
  for (const char c : key) *to++ = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  add(std::string_view(name, static_cast<std::size_t>(to - name)), value);
}

JournalError Journal::open(const char* path) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) return JournalError::failed;
  std::strcpy(address.sun_path, path);
  UniqueFd made(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.valid()) return JournalError::failed;
  if (connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return JournalError::absent;
    return JournalError::failed;
  }
  socket_ = std::move(made);
  return JournalError::ok;
}

JournalError Journal::send(const JournalEntry& entry) noexcept {
  if (!socket_.valid()) return JournalError::absent;
  const std::string_view bytes = entry.bytes();
  if (::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
    return JournalError::ok;
  return errno == EAGAIN || errno == ENOBUFS ? JournalError::full : JournalError::failed;
}

}  // namespace portcullis
