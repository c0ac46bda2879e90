// SPDX-License-Identifier: Apache-2.0
// `portcullis config init ENGINE`: the example with every key, as a start for a new engine. Never overwrites.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "shm/unique_fd.hpp"
#include "watchdog/cli/commands.hpp"
#include "watchdog/cli/config_example.hpp"
#include "watchdog/cli/json_value.hpp"

namespace portcullis::cli {
namespace {

/// 0 or errno; EEXIST where there is one.
int write_new(const std::string& path, std::string_view text) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.valid()) return errno;
  if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return errno != 0 ? errno : EIO;
  return fsync(file.get()) == 0 ? 0 : errno;
}

std::string for_engine(std::string text, const std::string& engine) {
  const std::string name = "mm1";
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + engine.size()))
    text.replace(at, name.size(), engine);
  return text;
}

bool fail(const std::string& path, int error) {
  fmt::print(stderr, "portcullis: {}: {}\n", printable(path), std::strerror(error));
  return false;
}

}  // namespace

ExitCode config_init_command(const std::string& engine, const std::string& folder) {
  const std::string config = folder + "/" + engine + ".toml", instruments = folder + "/instruments.csv";
  if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return fail(folder, errno), ExitCode::internal;
  if (const int error = write_new(config, for_engine(kExampleConfig, engine)); error != 0)
    return fail(config, error), error == EEXIST ? ExitCode::refused : ExitCode::internal;
  const int error = write_new(instruments, kExampleInstruments);
  if (error != 0 && error != EEXIST) return fail(instruments, error), ExitCode::internal;
  fmt::print("written: {}\n{}: {}\nEvery key is in it with its unit and default. Set users, groups, sessions and limits, then:\n"
             "  portcullis check {}\n  systemctl enable --now portcullis@{}.service\n",
             config, error == EEXIST ? "kept" : "written", instruments, config, engine);
  return ExitCode::ok;
}

}  // namespace portcullis::cli
