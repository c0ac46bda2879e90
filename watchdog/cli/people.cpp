// SPDX-License-Identifier: Apache-2.0
#include "watchdog/cli/people.hpp"

#include <fmt/format.h>
#include <pwd.h>

#include <cstdio>
#include <memory>

namespace portcullis::cli {
namespace {

constexpr std::int64_t kNobody = 0xFFFF'FFFF;

std::string local_name(std::uint32_t uid) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/etc/passwd", "re"), &std::fclose);
  passwd entry{};
  passwd* found = nullptr;
  char buffer[4096];
  while (file != nullptr && fgetpwent_r(file.get(), &entry, buffer, sizeof buffer, &found) == 0)
    if (found->pw_uid == uid) return found->pw_name;
  return {};
}

std::string service_name(std::uint32_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  char buffer[4096];
  if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr) return {};
  return found->pw_name;
}

}  // namespace

std::string person(std::uint32_t uid, NameSource source) {
  std::string name = local_name(uid);
  if (name.empty() && source == NameSource::name_service) name = service_name(uid);
  return name.empty() ? fmt::format("uid {}", uid) : fmt::format("{}({})", printable(name), uid);
}

std::string person_of(const Json& object, const char* key, NameSource source) {
  const auto uid = number_of(object, key);
  if (!uid) return text_of(object, key);
  if (*uid < 0 || *uid >= kNobody) return {};
  return person(static_cast<std::uint32_t>(*uid), source);
}

}  // namespace portcullis::cli
