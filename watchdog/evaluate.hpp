// SPDX-License-Identifier: Apache-2.0
/// @file One cycle's judgement: the ledger, the witness and the facts of other threads against every configured limit.
/// Runs in the monitor thread, makes no system call, allocates nothing after construction. Four-valued: a limit passes,
/// is broken, is stale (nothing consistent or fresh to judge by) or in error; stale and error that last longer than
/// `unreadable` are a breach themselves. Large tables (orders, parents) are walked a slice per cycle.
/// Not judged here: what the ledger does not show. Bytes that were never declared are the witness's, see witness.hpp.
#pragma once
#include <array>
#include <bitset>
#include <vector>

#include "watchdog/config.hpp"
#include "shm/clock.hpp"
#include "watchdog/ledger_reader.hpp"

namespace portcullis {

/// A stamp that nobody can have taken yet. now_ns was read before the ledger, so a later stamp is compared once more
/// with a fresh clock.
[[nodiscard]] inline bool from_the_future(std::uint64_t stamp_ns, std::uint64_t now_ns) noexcept {
  return stamp_ns > now_ns && stamp_ns > monotonic_now_ns();
}

enum class Result : std::uint8_t { pass, breach, stale, error };

inline constexpr std::uint32_t kNoRow = 0xFFFF'FFFF;

/// A limit that is broken now.
struct Breach {
  Action action = Action::warn;
  LimitKind kind = LimitKind::ledger_integrity;
  Result result = Result::pass;      ///< breach, or what it was before it lasted too long (stale, error)
  std::uint16_t lane = kEngineScope;
  std::uint16_t session = kNoSession;
  std::uint32_t row = kNoRow;        ///< index into Config::limits
  std::uint32_t per_ms = 0;
  std::int64_t observed = 0;
  std::int64_t limit = 0;
  std::uint64_t found_ns = 0;
  [[nodiscard]] bool found() const noexcept { return action != Action::warn || result != Result::pass; }
};

/// What other threads know, copied by the monitor at the start of a cycle.
struct Facts {
  struct Session {
    bool witnessed = false;             ///< registered with transport kernel
    std::uint64_t undeclared_bytes = 0;
    std::uint64_t sampled_ns = 0;       ///< 0: no reading yet
    std::uint64_t epoch = 0;            ///< of the counts below; 0: there are none
    std::uint64_t accepted_bytes = 0;
    std::uint64_t acked_bytes = 0;
    std::uint64_t declared_bytes = 0;   ///< read after the other two
  };
  bool armed = false;
  bool engine_dead = false;
  std::uint64_t armed_ns = 0;
  std::uint64_t late_ns = 0;            ///< by how much this cycle came too late
  std::uint64_t census_ns = 0;          ///< last socket census; 0 none yet
  bool census_failed = false;
  std::uint32_t unregistered_sockets = 0;
  std::bitset<kLanesMax> owner_dead;
  std::bitset<kLanesMax> halted;        ///< lanes that are closed already: their own limits trip no more
  std::array<Session, kSessionsMax> sessions{};
};

/// How one configured limit stands: written by the monitor, read by anybody.
struct RowState {
  std::atomic<Result> result{Result::stale};
  SignedWord observed{0};
  Word evaluated{0};     ///< cycles that ended in pass or breach
  Word last_ns{0};
  Word bad_since_ns{0};  ///< stale or error since; 0 otherwise
};

/// Orders on the wire and a ledger that lies are a breach also while nobody has given the right to trade, and once
/// more after a halt.
[[nodiscard]] constexpr bool trips_while_locked(LimitKind kind) noexcept {
  return kind == LimitKind::undeclared_bytes || kind == LimitKind::unsubmitted_orders ||
         kind == LimitKind::ledger_integrity;
}

class Evaluator {
 public:
  /// Sizes everything by the configuration, which must outlive the evaluator.
  explicit Evaluator(const Config& config);

  /// A fresh attachment: forgets every reading.
  void attach(const GateView& gate, const LedgerView& ledger) noexcept;
  /// A fresh arming: rates and liveness start anew.
  void arm(std::uint64_t now_ns) noexcept;

  /// Judges everything once; the worst breach wins, among equals the first row. now_ns is read before the ledger.
  [[nodiscard]] Breach cycle(const Facts& facts, std::uint64_t now_ns) noexcept;

  /// True when the last cycle judged every configured limit (none stale, none in error).
  [[nodiscard]] bool all_evaluated() const noexcept { return all_evaluated_; }
  /// A limit that the last cycle found broken, tripping or not (before arming most only stand in the way); kNoRow none.
  [[nodiscard]] std::uint32_t standing_row() const noexcept { return standing_row_; }
  [[nodiscard]] const RowState& row(std::size_t index) const noexcept { return rows_[index]; }
  /// Lanes whose hook saw the lease run out in the generation of their gate word.
  [[nodiscard]] const std::bitset<kLanesMax>& lease_lost() const noexcept { return lease_lost_; }

 private:
  struct LaneState {
    std::uint64_t rate_from = 0;  ///< first event of the lane's ring that this cycle has to judge
    std::uint64_t rate_head = 0;
    std::uint64_t refusals = 0;
    std::uint64_t passes = 0;
    std::uint64_t work_done = 0;
    std::uint64_t work_done_changed_ns = 0;
    std::int64_t gross_e4 = 0;
    bool wrong = false;     ///< words contradict each other, also when read at rest
    bool unstable = false;  ///< something looked wrong or broken and no moment at rest was found
  };
  struct CellState {
    std::int64_t position = 0;
    std::int64_t reference_px_e8 = 0;
    std::int64_t value_e4 = 0;
    std::int64_t worst_case = 0;
    bool own_row = false;  ///< the configuration names this pair's instrument itself
  };
  /// Worst values of one lane over the sliced walks: `now` of the running pass, `last` of the pass before.
  struct SliceState {
    std::array<std::int64_t, 5> now{};
    std::array<std::int64_t, 5> last{};
  };
  /// A session's stream as of the last cycle in which anything about it moved.
  struct StreamState {
    std::uint64_t epoch = 0;
    std::uint64_t accepted_bytes = 0;
    std::uint64_t acked_bytes = 0;
    std::uint64_t declared_bytes = 0;
    std::uint64_t moved_ns = 0;
    bool operator==(const StreamState&) const = default;
  };
  struct Judged {
    Result result = Result::pass;
    std::int64_t observed = 0;
    std::uint16_t lane = kEngineScope;  ///< the lane that broke it, for rows of engine scope
  };

  [[nodiscard]] Judged judge(const LimitSetting& row, const Facts& facts, std::uint64_t now_ns) noexcept;
  [[nodiscard]] Judged judge_rate(const LimitSetting& row, std::uint64_t now_ns) const noexcept;
  [[nodiscard]] Judged judge_refusals(const LimitSetting& row) const noexcept;
  [[nodiscard]] Judged judge_position(const LimitSetting& row) const noexcept;
  [[nodiscard]] Judged judge_gross(const LimitSetting& row) noexcept;
  [[nodiscard]] Judged sum_gross(const LimitSetting& row) const noexcept;
  [[nodiscard]] Judged sum_open_orders(const LimitSetting& row) noexcept;
  template <typename Sum>
  [[nodiscard]] Judged judge_sum(const LimitSetting& row, Sum&& sum) noexcept;
  [[nodiscard]] bool seen_at_rest(const std::array<std::uint64_t, kLanesMax>& flights) const noexcept;
  [[nodiscard]] Judged judge_open_orders(const LimitSetting& row) noexcept;
  [[nodiscard]] Judged judge_slice(const LimitSetting& row) const noexcept;
  [[nodiscard]] Judged judge_beat(const LimitSetting& row, const Facts& facts, std::uint64_t now_ns) const noexcept;
  [[nodiscard]] Judged judge_progress(const LimitSetting& row, const Facts& facts, std::uint64_t now_ns) noexcept;
  [[nodiscard]] Judged judge_integrity() const noexcept;
  [[nodiscard]] Judged judge_undeclared(const LimitSetting& row, const Facts& facts, std::uint64_t now_ns) const noexcept;
  [[nodiscard]] bool shut_by(const LimitSetting& row, std::uint32_t lane, Judged& judged) noexcept;
  [[nodiscard]] bool read_lane_cells(std::uint32_t lane) noexcept;
  void read_lane(std::uint32_t lane, std::uint64_t now_ns) noexcept;
  void note_refusals(std::uint32_t lane, std::uint64_t from, std::uint64_t to, std::uint64_t now_ns) noexcept;
  void read_shared_ring() noexcept;
  void read_streams(const Facts& facts, std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool slack(std::uint16_t session, std::uint64_t now_ns) const noexcept;
  void walk_orders() noexcept;
  void walk_parents() noexcept;
  [[nodiscard]] std::int64_t value_e4(std::uint32_t instrument, std::int64_t position,
                                      std::int64_t mark_px_e8) const noexcept;
  void keep(Breach& worst, std::uint32_t index, const Judged& judged, const Facts& facts,
            std::uint64_t now_ns) const noexcept;

  const Config& config_;
  std::vector<RowState> rows_;
  std::vector<LaneState> lanes_;
  std::vector<CellState> cells_;
  std::vector<SliceState> slices_;
  std::array<StreamState, kSessionsMax> streams_{};
  std::array<std::uint64_t, kRefusalEntries> refusal_ns_{};  ///< stamps of all lanes, for the engine's window
  std::array<std::uint64_t, kLanesMax> flights_{};
  std::bitset<kLanesMax> lease_lost_;
  std::bitset<kLanesMax> shut_explained_;
  GateView gate_;
  LedgerView ledger_;
  std::uint64_t shared_from_ = 0;
  std::uint64_t shared_head_ = 0;
  std::uint64_t refusals_ = 0;       ///< of all lanes since arming
  std::uint64_t unreadable_ns_ = 0;
  std::uint32_t order_slice_ = 0;
  std::uint32_t parent_slice_ = 0;
  std::uint32_t standing_row_ = kNoRow;
  bool shared_incomplete_ = false;   ///< an entry of the shared ring is claimed, but not written
  bool torn_order_ = false;
  bool all_evaluated_ = false;
};

}  // namespace portcullis
