// SPDX-License-Identifier: Apache-2.0
/// @file What the venue's own tests share: a venue in a folder of its own, and short forms for what a report
/// must say.
#pragma once
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/venue/fix_client.hpp"
#include "tests/venue/venue_process.hpp"

namespace portcullis::venue {

/// A folder that is removed at the end.
class VenueFolder {
 public:
  VenueFolder() {
    char name[] = "/tmp/venue-XXXXXX";
    path_ = mkdtemp(name) == nullptr ? "" : name;
  }
  ~VenueFolder() { std::filesystem::remove_all(path_); }
  VenueFolder(const VenueFolder&) = delete;
  VenueFolder& operator=(const VenueFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A venue with sessions E42 (FIX 4.2), E44 and F44 (FIX 4.4); ACME quoted 10.00 to 10.02 with 100 on each
/// side.
class VenueFixture {
 public:
  explicit VenueFixture(const std::vector<std::string>& more = {}) : venue(options(folder.path(), more)) {
    INFO(venue.why());
    REQUIRE(venue.ok());
  }
  /// A client that is logged on.
  void logon(FixClient& client, bool reset = true) { REQUIRE(client.logon(venue.port(), reset)); }
  void fault(const std::string& text) { REQUIRE(venue.control("fault " + text) == "ok"); }

  VenueFolder folder;
  VenueProcess venue;
  FixClient e42{"E42", "VENUE"};
  FixClient e44{"E44", "VENUE", "FIX.4.4"};
  FixClient f44{"F44", "VENUE", "FIX.4.4"};

 private:
  static VenueOptions options(const std::string& dir, const std::vector<std::string>& more) {
    VenueOptions options;
    options.binary = PORTCULLIS_VENUE_BINARY;
    options.dir = dir;
    options.sessions = {"E42:VENUE", "E44:VENUE:FIX.4.4", "F44:VENUE:FIX.4.4"};
    options.symbols = {"ACME:10.00:10.02:100", "BOND:99.5:100.5:1000000"};
    options.more = more;
    return options;
  }
};

/// "11/39/150/32/31/14/151" of the next message, "-" for what it lacks; the type instead when it is no 8.
inline std::string next_report(FixClient& client, int timeout_ms = 20000) {
  FixAnswer answer;
  if (!client.next(answer, timeout_ms)) return "nothing";
  const auto part = [&](int tag) { return answer.get(tag).empty() ? std::string("-") : answer.get(tag); };
  if (answer.get(35) == "9") return "reject " + part(11) + '/' + part(41) + '/' + part(39) + '/' + part(102);
  if (answer.get(35) == "r") return "mass " + part(11) + '/' + part(531) + '/' + part(533);
  if (answer.get(35) != "8") return "type " + answer.get(35);
  std::string text = part(11);
  for (const int tag : {39, 150, 32, 31, 14, 151}) text += '/' + part(tag);
  return text;
}

/// Rests one order at 9.50, far from the touch, and takes its report.
inline void rest_order(FixClient& client, const std::string& cl_ord_id, char tif = '0') {
  REQUIRE(client.order(cl_ord_id, '1', 10, "9.50", "ACME", tif));
  REQUIRE(next_report(client) == cl_ord_id + "/0/0/-/-/0/10");
}

}  // namespace portcullis::venue
