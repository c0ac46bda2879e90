// SPDX-License-Identifier: Apache-2.0
#include "watchdog/cli/halt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "shm/clock.hpp"
#include "watchdog/cli/control_answer.hpp"
#include "watchdog/cli/render.hpp"

namespace portcullis::cli {
namespace {

/// One request on its way. `asked` is what sending it met; the answer is waited for later.
class Attempt {
 public:
  Attempt(HaltTarget target, const HaltSettings& settings) : target_(std::move(target)), settings_(settings) {
    asked_ = send_request(monotonic_now_ns());  // a deadline of now: connect and send, wait for nothing
  }

  /// Waits for receipt and result, fences where there is none.
  HaltOutcome finish();

 private:
  ClientError send_request(std::uint64_t deadline_ns);
  ClientError await_receipt();
  ClientError await_result();
  HaltOutcome from_answer();
  HaltOutcome fence(ClientError why, bool may_give_way);
  std::optional<HaltOutcome> fence_by_helper(ClientError why);
  HaltOutcome refused(ExitCode exit, const std::string& sentence) const;
  bool answered_now();
  [[nodiscard]] std::string now_what() const {
    return fmt::format("     NOW WHAT  portcullis runbook {}\n", target_.engine);
  }

  HaltTarget target_;
  const HaltSettings& settings_;
  Client client_;
  ClientError asked_ = ClientError::system;
};

bool is_dead(ClientError error) noexcept {
  return error == ClientError::absent || error == ClientError::not_listening;
}

/// A whole answer without a halt and without a reason to refuse one: too many clients, say.
bool turned_away(const Client& client) {
  return client.done() && object_of(client.answer(), "halt").empty() &&
         exit_of(client.answer()) == ExitCode::internal;
}

ClientError Attempt::send_request(std::uint64_t deadline_ns) {
  Json request = make_request("halt");
  if (!target_.lane.empty()) request["lane"] = target_.lane;
  if (!settings_.reason.empty()) request["reason"] = settings_.reason;
  client_ = Client();
  const ClientError error = client_.open(run_path(settings_.run_dir, target_.engine, "halt"), deadline_ns);
  return error == ClientError::ok ? client_.send(request) : error;
}

ClientError Attempt::await_receipt() {
  const std::uint64_t deadline_ns = monotonic_now_ns() + settings_.receipt_ns;
  ClientError error = asked_;
  while (true) {
    while (error == ClientError::ok && !client_.received()) {
      error = client_.receive(deadline_ns);
      if (error == ClientError::garbage) error = ClientError::ok;  // bounded: kMaxPackets, and the deadline
      if (monotonic_now_ns() >= deadline_ns && !client_.received()) return ClientError::no_answer;
    }
    if (error == ClientError::ok && turned_away(client_)) error = ClientError::busy;
    if (error == ClientError::ok || is_dead(error) || error == ClientError::no_permission) return error;
    if (error != ClientError::busy && error != ClientError::hung_up) return error;
    if (monotonic_now_ns() >= deadline_ns) return error;
    // turned away before anything was said: a full queue or too many clients. Ask again until the second is
    // over.
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    error = send_request(deadline_ns);
  }
}

ClientError Attempt::await_result() {
  const std::uint64_t deadline_ns = monotonic_now_ns() + settings_.done_ns;
  while (!client_.done()) {
    const ClientError error = client_.receive(deadline_ns);
    if (error == ClientError::no_answer && monotonic_now_ns() < deadline_ns) continue;
    if (error != ClientError::ok) return error;
  }
  return ClientError::ok;
}

bool Attempt::answered_now() {
  if (client_.done()) return true;
  const bool before = client_.received();
  const ClientError error = client_.receive(monotonic_now_ns());
  return error == ClientError::ok && (client_.received() && !before ? true : client_.done());
}

HaltOutcome Attempt::refused(ExitCode exit, const std::string& sentence) const {
  const Json json = {{"engine", target_.engine}, {"exit", static_cast<int>(exit)}, {"error", sentence}};
  return {target_, exit, fmt::format("{}  {}\n", target_.engine, sentence), json};
}

HaltOutcome Attempt::from_answer() {
  const Json& answer = client_.answer();
  RunRecord record;
  if (contacts_of(answer).empty() &&
      read_record(settings_.run_dir, target_.engine, record) != RecordError::ok)
    record.contact.clear();
  HaltOutcome outcome{target_, judge_halt(answer), {}, answer};
  outcome.text = render_halt(target_.engine, answer, record.contact, NameSource::local_file);
  outcome.text += now_what();
  outcome.json["engine"] = target_.engine;
  outcome.json["exit"] = static_cast<int>(outcome.exit);
  return outcome;
}

HaltOutcome Attempt::fence(ClientError why, bool may_give_way) {
  const auto answered = [&] { return may_give_way && answered_now(); };
  const BlindFenceReport report = blind_fence(settings_.run_dir, target_.engine, answered, settings_.fence);
  const std::string text = render_fence(target_.engine, client_error_text(why), report);
  if (report.supervisor_answered) {
    const ClientError error = await_result();
    HaltOutcome outcome = error == ClientError::ok ? from_answer() : fence(error, false);
    outcome.text = text + outcome.text;
    outcome.json["fence_given_up"] = fence_json(report);
    return outcome;
  }
  ExitCode exit = judge_fence(report);
  // only a supervisor that is gone may be called "not running"; of a silent one nothing is known
  if (exit == ExitCode::not_running && !is_dead(why)) exit = ExitCode::internal;
  const Json json = {{"engine", target_.engine},
                     {"exit", static_cast<int>(exit)},
                     {"error", client_error_text(why)},
                     {"fence", fence_json(report)}};
  return {target_, exit, exit == ExitCode::fenced_blind ? text + now_what() : text, json};
}

/// Connecting is the order; nothing is sent. nullopt: there is no helper here, or it did not do it.
std::optional<HaltOutcome> Attempt::fence_by_helper(ClientError why) {
  const std::uint64_t deadline_ns = monotonic_now_ns() + settings_.helper_ns;
  Client helper;
  ClientError error = helper.open(run_path(settings_.run_dir, target_.engine, "fence"), deadline_ns);
  if (error == ClientError::ok) error = helper.receive_all(deadline_ns);
  const Json& answer = helper.answer();
  const ExitCode exit = exit_code_from(number_of(answer, "exit").value_or(1));
  if (error != ClientError::ok || exit != ExitCode::fenced_blind) return std::nullopt;
  HaltOutcome outcome{target_, exit, fmt::format("{}  {}; the root helper fenced it\n", target_.engine, client_error_text(why)), answer};
  for (const Json& line : array_of(answer, "lines"))
    if (line.is_string()) outcome.text += printable(line.get_ref<const std::string&>()) + "\n";
  outcome.text += now_what();
  outcome.json.erase("lines");
  outcome.json["error"] = client_error_text(why);
  return outcome;
}

HaltOutcome Attempt::finish() {
  ClientError error = await_receipt();
  if (error == ClientError::ok) error = await_result();
  if (error == ClientError::ok) return from_answer();
  if (error == ClientError::no_permission) return refused(ExitCode::permission, client_error_text(error));
  if (!settings_.may_fence) return refused(ExitCode::not_running, client_error_text(error));
  if (settings_.use_helper)
    if (auto fenced = fence_by_helper(error)) return std::move(*fenced);
  return fence(error, true);
}

/// Hands each finished outcome to the caller, one at a time, and keeps the worst code.
class Collector {
 public:
  explicit Collector(const std::function<void(const HaltOutcome&)>& report) : report_(report) {}
  void take(const HaltOutcome& outcome) {
    const std::lock_guard lock(mutex_);
    worst_ = worse(worst_, outcome.exit);
    report_(outcome);
  }
  [[nodiscard]] ExitCode worst() const noexcept { return worst_; }

 private:
  std::mutex mutex_;
  ExitCode worst_ = ExitCode::ok;
  const std::function<void(const HaltOutcome&)>& report_;
};

/// A thread where there can be one; nullopt when the system has none left.
template <typename Work>
std::optional<std::thread> try_thread(Work work) {
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error&) {
    return std::nullopt;
  }
}

}  // namespace

bool parse_target(const std::string& text, HaltTarget& target) {
  const std::size_t slash = text.find('/');
  HaltTarget parsed{text.substr(0, slash), slash == std::string::npos ? "" : text.substr(slash + 1)};
  if (!is_name(parsed.engine) || (slash != std::string::npos && !is_name(parsed.lane))) return false;
  target = std::move(parsed);
  return true;
}

std::vector<HaltTarget> without_doubles(const std::vector<HaltTarget>& targets) {
  std::vector<HaltTarget> kept;
  const auto covers = [](const HaltTarget& a, const HaltTarget& b) {
    return a.engine == b.engine && (a.lane.empty() || a.lane == b.lane);
  };
  for (const HaltTarget& target : targets) {
    if (std::any_of(kept.begin(), kept.end(), [&](const HaltTarget& other) { return covers(other, target); }))
      continue;
    std::erase_if(kept, [&](const HaltTarget& other) { return covers(target, other); });
    kept.push_back(target);
  }
  return kept;
}

ExitCode halt_all(const std::vector<HaltTarget>& targets, const HaltSettings& settings,
                  const std::function<void(const HaltOutcome&)>& report) {
  std::vector<std::unique_ptr<Attempt>> attempts;
  for (const HaltTarget& target : without_doubles(targets))
    attempts.push_back(std::make_unique<Attempt>(target, settings));
  Collector collector(report);
  std::vector<std::thread> threads;
  std::vector<Attempt*> without_thread;
  for (const auto& attempt : attempts) {
    Attempt* const one = attempt.get();
    auto thread = try_thread([one, &collector] { collector.take(one->finish()); });
    if (thread)
      threads.push_back(std::move(*thread));
    else
      without_thread.push_back(one);
  }
  for (Attempt* const one : without_thread) collector.take(one->finish());
  for (std::thread& thread : threads) thread.join();
  return collector.worst();
}

}  // namespace portcullis::cli
