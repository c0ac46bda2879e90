// SPDX-License-Identifier: Apache-2.0
// `portcullis metrics`: printed, or written whole for the node exporter's textfile collector: a reader sees the file
// before or the file after, never a part. An engine that does not answer has portcullis_up 0 and is no failure.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "watchdog/cli/commands.hpp"
#include "watchdog/cli/host_facts.hpp"
#include "watchdog/cli/metrics.hpp"
#include "watchdog/cli/run_folder.hpp"

namespace portcullis::cli {
namespace {

constexpr std::uint64_t kAskNs = 1'000'000'000;

EngineAnswer ask_for(const Common& common, const std::string& engine) {
  EngineAnswer one;
  one.engine = engine;
  const ClientError error = ask(run_path(common.run_dir, engine, "control"), make_request("status"), kAskNs, one.status);
  one.answered = error == ClientError::ok && one.status.contains("state");
  if (const LatchFacts latch = read_latch_facts(common.state_dir, engine); !one.answered && latch.known) one.latch = latch.json;
  return one;
}

/// 0 or errno.
int write_whole(const std::string& path, const std::string& text) {
  const std::string part = path + ".tmp";  // the collector reads *.prom only
  const UniqueFd file(open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file.valid()) return errno;
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t bytes = write(file.get(), text.data() + done, text.size() - done);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) return bytes < 0 ? errno : EIO;
    done += static_cast<std::size_t>(bytes);
  }
  if (fsync(file.get()) != 0 || rename(part.c_str(), path.c_str()) != 0) return errno;
  return 0;
}

}  // namespace

ExitCode metrics_command(const Common& common, const std::string& engine, const std::string& textfile) {
  std::vector<EngineAnswer> engines;
  for (const std::string& name : engine.empty() ? known_engines_of(common.run_dir, common.config_dir, common.state_dir)
                                                : std::vector<std::string>{engine})
    engines.push_back(ask_for(common, name));
  const std::string text = render_metrics(engines);
  if (textfile.empty()) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return ExitCode::ok;
  }
  const int error = write_whole(textfile, text);
  if (error != 0) fmt::print(stderr, "portcullis: {} cannot be written: {}\n", printable(textfile), std::strerror(error));
  return error == 0 ? ExitCode::ok : ExitCode::internal;
}

}  // namespace portcullis::cli
