// SPDX-License-Identifier: Apache-2.0
/// @file The configuration of every figure, and a real portcullisd under it: 1,000 instruments, 4,096 orders,
/// one lane, every limit on and none near. The engine is this process: it attaches, is armed by the CLI, and
/// trades.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "integration/include/portcullis/portcullis.h"
#include "tests/speed/places.hpp"

namespace portcullis::speed {

inline constexpr std::uint32_t kInstruments = 1'000;
inline constexpr std::uint32_t kOpenOrders = 4'096;
inline constexpr std::int64_t kPx_e8 = 100'00000000;  ///< every reference price, and every order's price

/// A folder with the configuration of an engine called bench; removed with the object.
class DeskFolder {
 public:
  DeskFolder(bool spin, int monitor_cpu);
  ~DeskFolder();
  DeskFolder(const DeskFolder&) = delete;
  DeskFolder& operator=(const DeskFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string config() const { return path_ + "/bench.toml"; }
  [[nodiscard]] std::string run_dir() const { return path_ + "/run"; }

 private:
  std::string path_;
};

/// A supervisor and this process as its engine, armed. Ends the run with a sentence where that cannot be had.
class Desk {
 public:
  Desk(bool spin, const Processors& processors);
  ~Desk();
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  [[nodiscard]] pc_lane* lane() const { return lane_; }
  [[nodiscard]] pc_parent_handle parent(std::uint32_t instrument, bool buy) const {
    return parents_[instrument % kParented * 2 + (buy ? 1 : 0)];
  }
  [[nodiscard]] const char* supervisor() const { return spin_ ? "spin" : "tick"; }
  /// Resident memory of the supervisor now, in MiB.
  [[nodiscard]] double resident_mib() const;
  /// Arms again after a pause of this machine cost the lease; false where it was something else.
  [[nodiscard]] bool arm_again();
  [[nodiscard]] int armed() const { return armed_; }  ///< how often

  static constexpr std::uint32_t kParented = 8;  ///< instruments 0 to 7 are traded by orders of a parent

 private:
  void attach();
  void open_session();
  bool arm();
  [[noreturn]] void give_up(const std::string& why) const;

  bool spin_;
  DeskFolder folder_;
  Child supervisor_;
  pc_hook* hook_ = nullptr;
  pc_lane* lane_ = nullptr;
  pc_session* session_ = nullptr;
  std::array<int, 3> sockets_{-1, -1, -1};
  std::array<pc_parent_handle, std::size_t{kParented} * 2> parents_{};
  int armed_ = 0;
};

}  // namespace portcullis::speed
