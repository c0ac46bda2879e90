// SPDX-License-Identifier: Apache-2.0
#include "watchdog/cli/host_facts.hpp"

#include <dirent.h>

#include <ctime>
#include <memory>
#include <set>

#include "watchdog/cli/run_folder.hpp"

namespace portcullis::cli {
namespace {

void add_names(const std::string& folder, std::string_view ending, std::set<std::string>& names) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open_folder(opendir(folder.c_str()), &closedir);
  while (open_folder != nullptr && names.size() < kMaxEngines) {
    const dirent* entry = readdir(open_folder.get());
    if (entry == nullptr) return;
    const std::string_view file = entry->d_name;
    if (file.ends_with(ending) && is_name(file.substr(0, file.size() - ending.size())))
      names.emplace(file.substr(0, file.size() - ending.size()));
  }
}

}  // namespace

std::vector<std::string> known_engines_of(const std::string& run_dir, const std::string& config_dir,
                                          const std::string& state_dir) {
  std::set<std::string> names;
  for (const std::string& name : list_engines(run_dir)) names.insert(name);
  add_names(config_dir, ".toml", names);
  add_names(state_dir, ".latch", names);
  return {names.begin(), names.end()};
}

std::string wall_time(std::int64_t wall_ns) {
  const std::time_t seconds = wall_ns / 1'000'000'000;
  std::tm utc{};
  char text[32];
  if (wall_ns <= 0 || gmtime_r(&seconds, &utc) == nullptr) return "?";
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

std::string count_plain(std::optional<std::int64_t> number) { return number ? std::to_string(*number) : "?"; }

}  // namespace portcullis::cli
