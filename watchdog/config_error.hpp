// SPDX-License-Identifier: Apache-2.0
/// @file One thing that is wrong in a configuration, and the bounded list of them.
/// All errors of a file are collected, not only the first: whoever edits limits at 07:55 gets one list, not
/// one surprise per attempt. The list is bounded, and says when it is cut.
#pragma once
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace portcullis {

/// @see to_text
struct ConfigError {
  std::string file;
  unsigned line = 0;    ///< from 1; 0 = the file as a whole
  std::string key;      ///< with its section, e.g. "limits.lane.es-quoter.order_qty"
  std::string value;    ///< as found; "nothing" when the key is missing
  std::string allowed;  ///< what would have been accepted
};

/// "FILE:LINE: KEY: got VALUE; allowed: ..."
[[nodiscard]] std::string to_text(const ConfigError& error);

/// Keeps the first kMaxConfigErrors errors and counts the rest.
inline constexpr std::size_t kMaxConfigErrors = 32;

class ConfigErrors {
 public:
  void add(ConfigError error) {
    ++count_;
    if (errors_.size() < kMaxConfigErrors) errors_.push_back(std::move(error));
  }
  /// How many errors there were, also those that were not kept.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] const std::vector<ConfigError>& list() const noexcept { return errors_; }

 private:
  std::vector<ConfigError> errors_;
  std::size_t count_ = 0;
};

}  // namespace portcullis
