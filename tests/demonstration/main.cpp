// SPDX-License-Identifier: Apache-2.0
/// @file portcullis_demonstration: a Knight-style run-away on real FIX sessions, without Portcullis, with it, and with
/// it and an engine that is killed in the middle; the columns side by side. Progress goes to standard error. Exit status: 0 every promise
/// held and the run-away was real; 1 not; 2 wrong command line. Leaves nothing behind: processes, namespaces
/// and files are its own.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>

#include "tests/demonstration/interruption.hpp"
#include "tests/demonstration/verdict.hpp"

namespace portcullis::demonstration {
namespace {

constexpr int kExitBroken = 1;
constexpr int kExitUsage = 2;
constexpr std::size_t kMaxFolderBytes = 50;  // a path of a run folder may have 64

struct Options {
  Plan plan;
  bool json = false;
  bool keep = false;
};

void say(const std::string& text) { fmt::print(stderr, "{}\n", text); }

/// Everything that is written; removed with the object.
class Folder {
 public:
  explicit Folder(bool keep) : keep_(keep) {
    const char* const base = std::getenv("TMPDIR");
    std::string name = std::string(base != nullptr && *base != '\0' ? base : "/tmp") + "/pcd-XXXXXX";
    if (name.size() > kMaxFolderBytes) name = "/tmp/pcd-XXXXXX";
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    if (keep_) say("kept: " + path_);
    if (!keep_ && !path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  const bool keep_;
  std::string path_;
};

/// 0 = go on with `out`; else the exit status.
int parse(int argc, char** argv, Options& out, bool& go_on) {
  CLI::App app("A run-away engine on real FIX sessions, without and with Portcullis. Loopback only.");
  app.add_flag("--json", out.json, "the last line on standard output is the result as JSON");
  app.add_option("--seconds", out.plan.seconds, "that each of the three runs lasts")->check(CLI::Range(4, 20));
  app.add_option("--rate", out.plan.stale_rate_per_s, "children per second of the stale server")
      ->check(CLI::Range(100, 3000));
  app.add_option("--rest-percent", out.plan.rest_percent, "share of its children that rests in the book")
      ->check(CLI::Range(5, 90));
  app.add_option("--seed", out.plan.seed, "of the parents");
  app.add_option("--bin", out.plan.bin_dir, "folder of the programs; default: the one of this program");
  app.add_flag("--keep", out.keep, "keep the folder with all logs and say where it is");
  try {
    app.parse(argc, argv);
    go_on = true;
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
}

std::string missing_program(const std::string& bin_dir) {
  for (const char* name : {"portcullis", "portcullisd", "portcullis_runaway", "portcullis_venue"})
    if (access((bin_dir + '/' + name).c_str(), X_OK) != 0) return bin_dir + '/' + name;
  return {};
}

int demonstrate(Options& options) {
  Plan& plan = options.plan;
  std::error_code error;
  if (plan.bin_dir.empty())
    plan.bin_dir = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
  if (const std::string missing = missing_program(plan.bin_dir); !missing.empty())
    return say("cannot execute " + missing), kExitBroken;
  catch_signals();
  plan.isolation = isolate();
  const Folder folder(options.keep);
  if (folder.path().empty()) return say("cannot make a folder in TMPDIR or /tmp"), kExitBroken;
  plan.dir = folder.path();
  say(std::string("network: ") + isolation_text(plan.isolation));

  const Market market;
  say(fmt::format("1 of 3: without Portcullis, {} s of trading", plan.seconds));
  Servers unguarded(plan, market, "without");
  if (const std::string why = unguarded.run(); !why.empty()) return say("without: " + why), kExitBroken;
  say(fmt::format("2 of 3: with Portcullis, {} s of trading", plan.seconds));
  GuardedServers guarded(plan, market, "with", Ending::tripped);
  if (const std::string why = guarded.run(); !why.empty()) return say("with: " + why), kExitBroken;
  say(fmt::format("3 of 3: with Portcullis, the stale server killed while it sends, {} s of trading", plan.seconds));
  GuardedServers killed(plan, market, "killed", Ending::killed);
  if (const std::string why = killed.run(); !why.empty()) return say("killed: " + why), kExitBroken;

  const Verdict verdict = judge(unguarded, guarded, killed, market);
  fmt::print("{}", as_text(verdict, plan));
  if (options.json) fmt::print("{}\n", as_json(verdict));
  return verdict.broken.empty() ? 0 : kExitBroken;
}

}  // namespace
}  // namespace portcullis::demonstration

int main(int argc, char** argv) {
  portcullis::demonstration::Options options;
  bool go_on = false;
  const int status = portcullis::demonstration::parse(argc, argv, options, go_on);
  return go_on ? portcullis::demonstration::demonstrate(options) : status;
}
