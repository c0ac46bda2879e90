// SPDX-License-Identifier: Apache-2.0
/// @file What keeps the real supervisor from starting or from arming: a wrong configuration, one that the engine's user
/// can change, a full disk, a latch that cannot be read. And what a full disk does to a supervisor that is armed already:
/// it says so and goes on protecting.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/process/rig.hpp"

using namespace portcullis::test;

namespace {

constexpr int kExitConfig = 78;
constexpr std::uint32_t kTrader = 54'321;  // nobody's number on a build machine

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// A supervisor that ends by itself: its exit status, and what it said.
struct Refusal {
  int exit = -1;
  std::string said;
};
Refusal refusal(const Rig& rig) {
  static int number = 0;
  const std::string output = rig.dir() + "/start." + std::to_string(++number);
  Process supervisor({PORTCULLIS_SUPERVISOR_BINARY, "--config", rig.config()}, output);
  const int status = supervisor.wait(15'000);
  return {status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1, Process::read(output)};
}

/// A mount namespace of this process, with a small disk under the rig's state folder; the host sees none of it.
class SmallDisk {
 public:
  explicit SmallDisk(const Rig& rig) : path_(rig.state_dir()) {
    std::filesystem::create_directory(path_);
    static const bool separate = unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    mounted_ = separate && mount("portcullis-test", path_.c_str(), "tmpfs", 0, "size=512k,mode=0750") == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool mounted() const { return mounted_; }
  /// Not one byte more fits.
  void fill() const {
    const int fd = open((path_ + "/filler").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    const std::string block(4096, 'x');
    while (write(fd, block.data(), block.size()) == static_cast<ssize_t>(block.size())) continue;
    close(fd);
    const std::string audit = path_ + "/mm1.audit.jsonl";  // what is left of its last block is its own
    REQUIRE(std::filesystem::exists(audit));
  }
  void empty() const { std::filesystem::remove(path_ + "/filler"); }

 private:
  std::string path_;
  bool mounted_ = false;
};

bool warned(const Rig& rig, const std::string& text) {
  const nlohmann::json status = rig.status();
  for (const auto& warning : status.value("warnings", nlohmann::json::array()))
    if (warning.get<std::string>().find(text) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("a configuration with one error names file, line, key, value and what is allowed, and nothing starts") {
  Rig rig;
  const std::string good = Process::read(rig.config());
  std::ofstream(rig.config(), std::ios::trunc) << replaced(good, "order_qty = 10000", "order_qty = -1");
  const Refusal refused = refusal(rig);
  INFO(refused.said);
  CHECK(refused.exit == kExitConfig);
  CHECK(refused.said.find(rig.config() + ":") != std::string::npos);
  CHECK(refused.said.find("limits.lane.flow.order_qty: got -1; allowed: an integer from 1 to") != std::string::npos);
  CHECK(refused.said.find("nothing was started") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(rig.run_dir() + "/mm1.control"));
}

TEST_CASE("on a host a configuration that the engine's user can change starts nothing") {
  if (geteuid() != 0) {
    WARN("needs root, to give files to another user");
    return;
  }
  Rig rig;
  std::string text = replaced(Process::read(rig.config()), "mode = \"desk\"", "mode = \"host\"");
  text += "[engine]\nuser = \"" + std::to_string(kTrader) + "\"\n[people]\nhalt = \"0\"\narm = \"0\"\n";
  std::ofstream(rig.config(), std::ios::trunc) << text;
  REQUIRE(chmod(rig.dir().c_str(), 0755) == 0);
  const auto owned_by = [&](const std::string& path, std::uint32_t uid) { return chown(path.c_str(), uid, uid) == 0; };
  for (const std::string& path : {rig.config(), rig.dir() + "/instruments.csv", rig.dir()}) {
    REQUIRE(owned_by(path, kTrader));
    const Refusal refused = refusal(rig);
    INFO(path << "\n" << refused.said);
    CHECK(refused.exit == kExitConfig);
    CHECK(refused.said.find("can be changed by the engine's user (uid 54321)") != std::string::npos);
    REQUIRE(owned_by(path, 0));
  }
  rig.start_supervisor();
  CHECK(rig.state() == "locked");
}

TEST_CASE("a disk that is full refuses to arm, and arms once there is room again") {
  Rig rig;
  const SmallDisk disk(rig);
  if (!disk.mounted()) {
    WARN("needs the right to mount");
    return;
  }
  rig.start_supervisor();
  rig.start_engine();
  REQUIRE(rig.attached());
  disk.fill();
  CliResult arm;
  REQUIRE(eventually([&] {  // the first records still fit into the audit's last block
    arm = rig.cli({"arm", "mm1", "--reason", std::string(180, 'r')});
    if (arm.exit == 0) static_cast<void>(rig.cli({"disarm", "mm1", "--reason", std::string(180, 'd')}));
    return arm.exit == 7;
  }, 60'000));
  INFO(arm.text << rig.logs());
  CHECK(arm.text.find("the audit cannot be written") != std::string::npos);
  CHECK(rig.state() == "locked");
  CHECK(eventually([&] { return warned(rig, "audit"); }));
  disk.empty();
  CHECK(rig.arm());
  CHECK(rig.state() == "armed");
}

TEST_CASE("a disk that gets full under an armed supervisor is said, and a halt is as good as ever") {
  Rig rig;
  const SmallDisk disk(rig);
  if (!disk.mounted()) {
    WARN("needs the right to mount");
    return;
  }
  REQUIRE(rig.up(20));
  disk.fill();
  const CliResult halt = rig.cli({"halt", "mm1", "--json", "--reason", "full disk"});
  INFO(halt.text << rig.logs());
  CHECK(halt.exit == 0);
  CHECK(rig.halted().value("acknowledged", -1) == rig.halted().value("open_at_containment", 0));
  CHECK(rig.venue_open_orders() == 0);
  CHECK(eventually([&] { return rig.status()["latch"].value("latched", false); }));  // its blocks were there before
  rig.supervisor().signal(SIGKILL);
  CHECK(rig.supervisor().wait(5'000) != -1);
  disk.empty();
  rig.start_supervisor();
  CHECK(rig.status().value("locked_reason", "") == "latched");
}

TEST_CASE("a latch that cannot be read counts as latched, and people lead out of it") {
  Rig rig;
  rig.start_supervisor();
  rig.supervisor().signal(SIGTERM);
  REQUIRE(rig.supervisor().wait(10'000) != -1);
  const std::string latch = rig.state_dir() + "/mm1.latch";
  std::string bytes = Process::read(latch);
  REQUIRE_FALSE(bytes.empty());
  for (char& byte : bytes) byte = static_cast<char>(byte ^ 0x55);
  std::fstream(latch, std::ios::binary | std::ios::in | std::ios::out) << bytes;
  rig.start_supervisor();
  rig.start_engine();
  REQUIRE(rig.attached());
  CHECK(rig.status()["latch"].value("unreadable", false));
  const CliResult arm = rig.cli({"arm", "mm1", "--reason", "test"});
  CHECK(arm.exit == 7);
  CHECK(arm.text.find("portcullis clear") != std::string::npos);
  CHECK(rig.cli({"clear", "mm1", "--reason", "looked at"}).exit == 0);
  const CliResult still = rig.cli({"arm", "mm1", "--reason", "test"});  // nobody knows what was open then
  CHECK(still.exit == 7);
  CHECK(still.text.find("portcullis resolve mm1 unlisted --as cancelled") != std::string::npos);
  CHECK(rig.cli({"resolve", "mm1", "unlisted", "--as", "cancelled"}).exit == 0);
  CHECK(rig.arm());
}
