// SPDX-License-Identifier: Apache-2.0
#include "watchdog/people.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

namespace portcullis {
namespace {

bool in_group(const Peer& peer, std::uint32_t gid) noexcept {
  if (gid == kNoPerson) return false;
  const auto* end = peer.groups.data() + std::min<std::size_t>(peer.group_count, kPeerGroupsMax);
  return peer.gid == gid || std::find(peer.groups.data(), end, gid) != end;
}

/// The person whom root's login names; root itself and nobody are no person.
std::uint32_t login_behind(const Peer& peer) noexcept {
  if (peer.login_uid != kNoPerson) return peer.login_uid == 0 ? kNoPerson : peer.login_uid;
  return peer.sudo_uid == 0 ? kNoPerson : peer.sudo_uid;
}

std::optional<std::uint32_t> as_number(const std::string& name) {
  std::uint32_t number = kNoPerson;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data(), end, number);
  if (error != std::errc() || stop != end || number == kNoPerson) return std::nullopt;
  return number;
}

constexpr std::size_t kEntryBytesMax = 1024UL * 1024;  // a group of ten thousand members

/// Calls lookup(buffer, size) with a growing buffer while the name service says ERANGE.
template <typename Lookup>
void with_buffer(Lookup&& lookup) {
  for (std::size_t bytes = 4096; bytes <= kEntryBytesMax; bytes *= 4) {
    std::string buffer(bytes, '\0');
    if (lookup(buffer.data(), buffer.size()) != ERANGE) return;
  }
}

std::optional<std::uint32_t> find_user(const std::string& name) {
  if (const auto number = as_number(name)) return number;
  std::optional<std::uint32_t> uid;
  with_buffer([&](char* buffer, std::size_t size) {
    passwd entry{};
    passwd* found = nullptr;
    const int error = getpwnam_r(name.c_str(), &entry, buffer, size, &found);
    if (error == 0 && found != nullptr) uid = found->pw_uid;
    return error;
  });
  return uid;
}

std::optional<std::uint32_t> find_group(const std::string& name) {
  if (const auto number = as_number(name)) return number;
  std::optional<std::uint32_t> gid;
  with_buffer([&](char* buffer, std::size_t size) {
    group entry{};
    group* found = nullptr;
    const int error = getgrnam_r(name.c_str(), &entry, buffer, size, &found);
    if (error == 0 && found != nullptr) gid = found->gr_gid;
    return error;
  });
  return gid;
}

/// A group that a desk may leave out. False where a name was given and does not exist.
bool resolve_group(const std::string& name, Mode mode, const char* key, std::uint32_t& gid,
                   std::string& why) {
  if (name.empty() && mode == Mode::desk) return true;
  const auto found = name.empty() ? std::nullopt : find_group(name);
  if (!found) {
    why = fmt::format("{}: there is no group \"{}\" on this host", key, name);
    return false;
  }
  gid = *found;
  return true;
}

/// "" or why these users cannot be what the mode says.
std::string contradiction(const People& people) {
  if (people.mode == Mode::desk && people.engine_uid != people.own_uid)
    return fmt::format("mode desk is one user: engine.user is {}, the supervisor runs as {}",
                       people.engine_uid, people.own_uid);
  if (people.mode == Mode::host && people.engine_uid == people.own_uid)
    return fmt::format("mode host is two users: engine.user is {}, and so is the supervisor",
                       people.engine_uid);
  if (people.mode == Mode::host && people.engine_uid == 0) return "engine.user is root, whom nothing stops";
  return {};
}

}  // namespace

bool People::resolve(const Config& config, std::string& why) {
  People found;
  found.mode = config.mode;
  found.own_uid = geteuid();
  if (config.engine_user.empty() && config.mode == Mode::desk) {
    found.engine_uid = found.own_uid;
  } else {
    const auto uid = config.engine_user.empty() ? std::nullopt : find_user(config.engine_user);
    if (!uid) {
      why = fmt::format("engine.user: there is no user \"{}\" on this host", config.engine_user);
      return false;
    }
    found.engine_uid = *uid;
  }
  if (!resolve_group(config.halt_group, config.mode, "people.halt", found.halt_gid, why)) return false;
  if (!resolve_group(config.arm_group, config.mode, "people.arm", found.arm_gid, why)) return false;
  if (std::string wrong = contradiction(found); !wrong.empty()) {
    why = std::move(wrong);
    return false;
  }
  *this = found;
  return true;
}

Permission People::may_arm(const Peer& peer) const noexcept {
  if (peer.uid == kNoPerson) return Permission::stranger;
  if (mode == Mode::desk && peer.uid == own_uid) return Permission::granted;
  if (peer.uid == engine_uid) return Permission::engine_user;
  if (peer.uid != 0) return in_group(peer, arm_gid) ? Permission::granted : Permission::not_in_arm_group;
  const std::uint32_t login = login_behind(peer);
  if (login == kNoPerson) return Permission::root_without_login;
  return login == engine_uid ? Permission::engine_user : Permission::granted;
}

Permission People::may_halt(const Peer& peer) const noexcept {
  if (peer.uid == kNoPerson) return Permission::stranger;
  const bool may =
      peer.uid == 0 || peer.uid == own_uid || in_group(peer, halt_gid) || in_group(peer, arm_gid);
  return may ? Permission::granted : Permission::not_in_halt_group;
}

Permission People::may_attach(const Peer& peer) const noexcept {
  return peer.uid != kNoPerson && peer.uid == engine_uid ? Permission::granted : Permission::not_engine_user;
}

Permission People::may_see_status(const Peer& peer) const noexcept {
  if (peer.uid == kNoPerson) return Permission::stranger;
  const bool may = peer.uid == engine_uid || may_halt(peer) == Permission::granted;
  return may ? Permission::granted : Permission::stranger;
}

Permission People::may(RequestCommand command, const Peer& peer) const noexcept {
  switch (command) {
    case RequestCommand::status: return may_see_status(peer);
    case RequestCommand::halt: return may_halt(peer);
    case RequestCommand::arm:
    case RequestCommand::disarm:
    case RequestCommand::clear:
    case RequestCommand::resolve: return may_arm(peer);
  }
  return Permission::stranger;
}

std::uint32_t person_behind(const Peer& peer) noexcept {
  if (peer.uid != 0) return peer.uid;
  const std::uint32_t login = login_behind(peer);
  return login == kNoPerson ? peer.uid : login;
}

const char* permission_name(Permission permission) noexcept {
  switch (permission) {
    case Permission::granted: return "granted";
    case Permission::not_in_halt_group: return "not_in_halt_group";
    case Permission::not_in_arm_group: return "not_in_arm_group";
    case Permission::engine_user: return "engine_user";
    case Permission::root_without_login: return "root_without_login";
    case Permission::not_engine_user: return "not_engine_user";
    case Permission::stranger: return "stranger";
  }
  return "?";
}

const char* permission_text(Permission permission) noexcept {
  switch (permission) {
    case Permission::granted: return "granted";
    case Permission::not_in_halt_group:
      return "permission refused: only the halt group and the arm group may halt";
    case Permission::not_in_arm_group: return "permission refused: only members of the arm group may do this";
    case Permission::engine_user:
      return "permission refused: the engine's user never gives itself the right to trade";
    case Permission::root_without_login:
      return "permission refused: root without a login uid or SUDO_UID names no person; log in as yourself";
    case Permission::not_engine_user: return "permission refused: only the engine's user may attach";
    case Permission::stranger: return "permission refused: this user has no part in this engine";
  }
  return "?";
}

}  // namespace portcullis
