// SPDX-License-Identifier: Apache-2.0
/// @file For tests that load configurations: a folder of their own with the example's files in it.
#pragma once
#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "watchdog/config.hpp"

namespace portcullis::config_fixture {

inline constexpr std::int64_t kNowNs = 1'795'204'800'000'000'000;  ///< 2026-11-20T20:00:00Z

inline std::string example_path() {
  return std::string(PORTCULLIS_SOURCE_DIR) + "/packaging/examples/mm1.toml";
}
inline std::string example_csv_path() {
  return std::string(PORTCULLIS_SOURCE_DIR) + "/packaging/examples/instruments.csv";
}

inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Replaces the one place where `from` stands; a test whose text is gone must not pass by accident.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  INFO("text to replace: " << from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// Number of the first line that contains the text.
inline unsigned line_of(const std::string& text, const std::string& part) {
  const std::size_t at = text.find(part);
  REQUIRE(at != std::string::npos);
  unsigned line = 1;
  for (std::size_t i = 0; i < at; ++i) line += text[i] == '\n' ? 1 : 0;
  return line;
}

/// All errors, for INFO.
inline std::string all_texts(const std::vector<ConfigError>& errors) {
  std::string text;
  for (const ConfigError& error : errors) text += to_text(error) + "\n";
  return text;
}

/// A scratch folder with the example's instruments, removed at the end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "portcullis-config-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
    write("instruments.csv", read_text(example_csv_path()));
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string toml() const { return path_ + "/mm1.toml"; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream out(path_ + "/" + name, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    REQUIRE(out);
    mode(name, 0644);  // whatever the umask is
  }
  void mode(const std::string& name, mode_t bits) const {
    REQUIRE(chmod((path_ + "/" + name).c_str(), bits) == 0);
  }
  [[nodiscard]] LoadResult load(const std::string& text, std::int64_t now_ns = kNowNs) const {
    write("mm1.toml", text);
    return load_config(toml(), now_ns);
  }

 private:
  std::string path_;
};

}  // namespace portcullis::config_fixture
