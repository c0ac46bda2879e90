// SPDX-License-Identifier: Apache-2.0
/// @file Limits that the watched user can edit are no limits.
#include "watchdog/config_guard.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include "tests/unit/config_fixture.hpp"

namespace portcullis {
namespace {

using config_fixture::Folder;
using config_fixture::read_text;

constexpr std::uint32_t kTrader = 54'321;  // nobody's number on a build machine
constexpr std::uint32_t kTraders = 54'322;
constexpr std::uint32_t kOther = 54'323;
const Account kAccount{kTrader, {kTraders}};

TEST_CASE("a file can be changed by its owner, also a read-only one, and by whom its bits let write") {
  CHECK_FALSE(may_change({0, 0, 0644}, kAccount));
  CHECK(may_change({kTrader, 0, 0644}, kAccount));
  CHECK(may_change({kTrader, 0, 0444}, kAccount));  // he may chmod it
  CHECK(may_change({0, kTraders, 0664}, kAccount));
  CHECK_FALSE(may_change({0, kTraders, 0644}, kAccount));
  CHECK_FALSE(may_change({0, kOther, 0664}, kAccount));
  CHECK(may_change({0, kOther, 0646}, kAccount));
  CHECK_FALSE(may_change({0, kTraders, 0606}, kAccount));  // the group's bits come first
}

TEST_CASE("with an access control list the group's bits stand for anybody") {
  CHECK(may_change({0, kOther, 0664, true}, kAccount));
  CHECK_FALSE(may_change({0, kOther, 0644, true}, kAccount));
}

TEST_CASE("whoever may write a folder may replace what is in it, in a sticky one only his own") {
  const Ownership entry{0, 0, 0644};
  CHECK_FALSE(may_replace({0, 0, 0755}, entry, kAccount));
  CHECK(may_replace({0, 0, 0777}, entry, kAccount));
  CHECK(may_replace({0, kTraders, 0775}, entry, kAccount));
  CHECK_FALSE(may_replace({0, 0, 01777}, entry, kAccount));
  CHECK(may_replace({0, 0, 01777}, {kTrader, 0, 0644}, kAccount));
  CHECK(may_replace({kTrader, 0, 0500}, entry, kAccount));
}

/// The example's configuration in a folder of its own, with state and run folders beside it.
struct Host {
  Folder folder;
  Config config;
  Host() {
    const LoadResult loaded = folder.load(read_text(config_fixture::example_path()));
    REQUIRE(loaded.config);
    config = *loaded.config;
    for (std::string* path : {&config.state_dir, &config.run_dir}) {
      *path = folder.path() + (path == &config.state_dir ? "/state" : "/run");
      std::filesystem::create_directory(*path);
    }
  }
  void own(const std::string& name, std::uint32_t uid) const {
    REQUIRE(chown((folder.path() + name).c_str(), uid, static_cast<gid_t>(-1)) == 0);
  }
  [[nodiscard]] std::string found() {
    const LoadResult loaded = load_config(folder.toml(), config_fixture::kNowNs);
    REQUIRE(loaded.config);
    config.source_files = loaded.config->source_files;
    return changeable_by(config, kAccount);
  }
};

TEST_CASE("a configuration that the engine's user can change, or put another one in place of, is found") {
  if (geteuid() != 0) {
    WARN("needs root, to give files to another user");
    return;
  }
  Host host;
  CHECK(host.found().empty());
  for (const std::string name : {"/mm1.toml", "/instruments.csv", "/state", "/run", ""}) {
    INFO("owned by the engine's user: " << (name.empty() ? "the folder itself" : name));
    host.own(name, kTrader);
    const std::string why = host.found();
    CHECK(why.find("can be changed by the engine's user (uid 54321)") != std::string::npos);
    CHECK(why.find(host.folder.path() + name) != std::string::npos);
    host.own(name, 0);
    CHECK(host.found().empty());
  }
}

TEST_CASE("a link that the engine's user can turn is found, and so is a folder behind a link") {
  if (geteuid() != 0) {
    WARN("needs root, to give files to another user");
    return;
  }
  Host host;
  const std::string mine = host.folder.path() + "/mine";
  std::filesystem::create_directory(mine);
  std::filesystem::create_directory_symlink(host.folder.path() + "/state", mine + "/state");
  host.config.state_dir = mine + "/state";
  CHECK(host.found().empty());
  host.own("/mine", kTrader);
  CHECK(host.found().find(mine) != std::string::npos);
  host.own("/mine", 0);
  host.own("/state", kTrader);
  CHECK(host.found().find(mine + "/state") != std::string::npos);
}

TEST_CASE("folders that are not there yet are the supervisor's to make") {
  Host host;
  host.config.state_dir = host.folder.path() + "/later/state";
  CHECK(host.found().empty());
}

TEST_CASE("an account has the groups of its name, a number without a name none") {
  CHECK(account_of(kTrader).groups.empty());
  CHECK(account_of(kTrader).uid == kTrader);
  CHECK_FALSE(account_of(0).groups.empty());
}

}  // namespace
}  // namespace portcullis
