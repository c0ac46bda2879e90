// SPDX-License-Identifier: Apache-2.0
/// @file FIX messages for tests: bars instead of SOH, lengths and checksums filled in.
#pragma once
#include <cstdio>
#include <string>

namespace portcullis::testing {

/// "35=D|11=A1|" with head and trailer around it.
inline std::string fix_message(std::string body, const std::string& begin = "FIX.4.2") {
  for (char& c : body)
    if (c == '|') c = '\x01';
  std::string text = "8=" + begin + '\x01' + "9=" + std::to_string(body.size()) + '\x01' + body;
  unsigned sum = 0;
  for (const char c : text) sum += static_cast<unsigned char>(c);
  char trailer[16];
  std::snprintf(trailer, sizeof trailer, "10=%03u\x01", sum % 256U);
  return text + trailer;
}

}  // namespace portcullis::testing
