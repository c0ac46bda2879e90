// SPDX-License-Identifier: Apache-2.0
/// @file Loading: read the two files once, bounded, hash exactly the bytes that are parsed, run the parts.
#include "watchdog/config.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "watchdog/config_parts.hpp"

namespace portcullis {
namespace {

constexpr std::size_t kMaxFileBytes = 4 * 1024 * 1024;  // 10,000 instruments take less than 1 MiB

/// "" or why the file could not be read. Only a regular file: a pipe or a device could block or never end.
std::string read_descriptor(int fd, const std::string& path, SourceFile& info, std::string& out) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return std::strerror(errno);
  if (!S_ISREG(status.st_mode)) return "not a regular file";
  const bool acl = fgetxattr(fd, "system.posix_acl_access", nullptr, 0) >= 0;
  info = {path, status.st_uid, status.st_gid, status.st_mode & 07777U, acl};
  out.resize(kMaxFileBytes + 1);
  std::size_t used = 0;
  while (used < out.size()) {
    const ssize_t n = ::read(fd, out.data() + used, out.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::strerror(errno);
    if (n == 0) break;
    used += static_cast<std::size_t>(n);
  }
  out.resize(used);
  return used > kMaxFileBytes ? "longer than 4 MiB" : "";
}

/// Adds the file's owner to the configuration and refuses one that everybody may write.
bool read_source(Loading& loading, const std::string& path, const char* key, std::string& out) {
  SourceFile info;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  std::string why = fd < 0 ? std::strerror(errno) : read_descriptor(fd, path, info, out);
  if (fd >= 0) ::close(fd);
  if (why.empty() && (info.mode & S_IWOTH) != 0) why = fmt::format("mode {:04o}", info.mode);
  if (!why.empty())
    loading.reading.errors.add(
        {path, 0, key, why, "a readable file, at most 4 MiB, that not everybody may write"});
  loading.config.source_files.push_back(std::move(info));
  return why.empty();
}

/// Adds one file to the hash: its length in 8 bytes, little end first, then its bytes. Without the lengths
/// two pairs of files with the same bytes in a row would have one hash.
void hash_file(crypto_generichash_state& state, const std::string& bytes) {
  std::array<unsigned char, 8> length{};
  for (std::size_t i = 0; i < length.size(); ++i)
    length[i] = static_cast<unsigned char>(bytes.size() >> (8 * i));
  (void)crypto_generichash_update(&state, length.data(), length.size());
  (void)crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::array<std::uint8_t, 32> hash_files(const std::string& toml, const std::string& csv) {
  std::array<std::uint8_t, 32> hash{};
  crypto_generichash_state state;
  (void)crypto_generichash_init(&state, nullptr, 0, hash.size());  // fails only for a bad length
  hash_file(state, toml);
  hash_file(state, csv);
  (void)crypto_generichash_final(&state, hash.data(), hash.size());
  return hash;
}

void read_names(const std::string& path, Loading& loading) {
  const std::size_t slash = path.rfind('/');
  loading.folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  std::string& engine = loading.config.engine;
  engine = path.substr(loading.folder.size());
  constexpr std::string_view kEnding = ".toml";
  const bool toml = engine.size() > kEnding.size() && engine.ends_with(kEnding);
  if (toml) engine.resize(engine.size() - kEnding.size());
  if (!toml || !is_name(engine))
    loading.reading.refuse(0, "(file name)", printable(engine),
                           "ENGINE.toml, ENGINE of 1 to 23 bytes of [A-Za-z0-9._-]");
}

/// Without a currency or with a wrong rate every line would be wrong for that one reason: then the lines are
/// not judged.
void read_instruments(Loading& loading, bool money_known, std::string& csv) {
  Config& config = loading.config;
  if (loading.csv_path.empty() || !read_source(loading, loading.csv_path, "instruments", csv)) return;
  if (!money_known || config.currency[0] == '\0') return;
  const std::size_t errors = loading.reading.errors.count();
  config.instruments =
      parse_instruments(csv, loading.csv_path, config.currency.data(), config.fx, loading.reading.errors);
  loading.symbols_known = loading.reading.errors.count() == errors;
  for (std::size_t i = 0; i < config.instruments.size(); ++i)
    loading.symbols.emplace(config.instruments[i].symbol, static_cast<std::uint32_t>(i));
}

void read_all(const ConfigNode& root, const std::string& toml, Loading& loading) {
  const Section top(root, "", "", loading.reading);
  std::string csv;
  read_identity(top, loading);
  const std::size_t errors = loading.reading.errors.count();
  read_fx(top, loading);
  read_instruments(loading, loading.reading.errors.count() == errors, csv);
  read_engine(top, loading);
  read_people(top, loading);
  read_supervisor(top, loading);
  read_ladder(top, loading);
  read_sessions(top, loading);
  read_lanes(top, loading);
  read_limits(top, loading);
  read_capacities(top, loading);
  loading.config.hash = hash_files(toml, csv);
}

}  // namespace

LoadResult load_config(const std::string& path, std::int64_t wall_now_ns) {
  Loading loading;
  loading.reading.file = path;
  loading.wall_now_ns = wall_now_ns;
  read_names(path, loading);
  std::string toml;
  if (read_source(loading, path, "(file)", toml))
    if (const auto root = parse_toml(toml, path, loading.reading.errors)) read_all(*root, toml, loading);
  LoadResult result;
  result.errors = loading.reading.errors.list();
  result.error_count = loading.reading.errors.count();
  if (result.error_count == 0) result.config = std::move(loading.config);
  return result;
}

LoadResult load_config(const std::string& path) {
  timespec now{};
  (void)clock_gettime(CLOCK_REALTIME, &now);  // cannot fail for this clock
  return load_config(path, std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec);
}

const LimitSetting* find_limit(const Config& config, LimitKind kind, std::uint16_t lane,
                               std::uint32_t instrument) noexcept {
  const LimitSetting* any = nullptr;
  for (const LimitSetting& row : config.limits) {
    if (row.kind != kind || row.lane != lane) continue;
    if (row.instrument == instrument) return &row;
    if (row.instrument == kAnyInstrument && any == nullptr) any = &row;
  }
  return any;
}

std::string short_hash(const std::array<std::uint8_t, 32>& hash) {
  return fmt::format("{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]);
}

const char* transport_name(Transport transport) noexcept {
  switch (transport) {
    case Transport::kernel: return "kernel";
    case Transport::bypass: return "bypass";
    case Transport::tls: return "tls";
    case Transport::none: return "none";
  }
  return "?";
}

const char* cancel_on_disconnect_name(CancelOnDisconnect value) noexcept {
  switch (value) {
    case CancelOnDisconnect::none: return "none";
    case CancelOnDisconnect::day: return "day";
    case CancelOnDisconnect::all: return "all";
  }
  return "?";
}

}  // namespace portcullis
