// SPDX-License-Identifier: Apache-2.0
#include "watchdog/scribe_message.hpp"

#include <algorithm>
#include <cstring>

namespace portcullis {

void ScribeEvent::add(const char* key, std::string_view value) noexcept {
  const std::size_t room = kTextBytes - text_used;
  const std::size_t bytes = std::min(value.size(), room);
  if (bytes < value.size()) ++left_out;
  if (field_count >= kFields) {
    ++left_out;
    return;
  }
  std::memcpy(text.data() + text_used, value.data(), bytes);
  fields[field_count++] = {key, 0, static_cast<std::uint16_t>(text_used), static_cast<std::uint16_t>(bytes),
                           false};
  text_used += static_cast<std::uint32_t>(bytes);
}

void ScribeEvent::add_number(const char* key, std::int64_t value) noexcept {
  if (field_count >= kFields) {
    ++left_out;
    return;
  }
  fields[field_count++] = {key, value, 0, 0, true};
}

}  // namespace portcullis
