// SPDX-License-Identifier: Apache-2.0
/// @file Single operations under Google Benchmark: means of a hot loop, for comparison with the rounds, and
/// what does not fit into rounds (sd_notify takes as long as hundreds of orders).
#include <benchmark/benchmark.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "tests/speed/bare.hpp"
#include "tests/speed/parts.hpp"
#include "tests/speed/quickfix_order.hpp"
#include "tests/speed/quiet_gate.hpp"

namespace portcullis::speed {
namespace {

constexpr const char* kId = "ORDER-ID-OF-36-BYTES0000000000000001";

void clock_read(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(monotonic_now_ns());
}

void id_copy_and_hash(benchmark::State& state) {
  Id id;
  for (auto _ : state) {
    benchmark::DoNotOptimize(id.assign(kId, kIdBytes));
    benchmark::DoNotOptimize(id.hash());
  }
}

void quickfix_fresh(benchmark::State& state) {
  QuickFixWriter writer;
  for (auto _ : state) benchmark::DoNotOptimize(writer.write_fresh(kId, 7));
}

void quickfix_reused(benchmark::State& state) {
  QuickFixWriter writer;
  for (auto _ : state) benchmark::DoNotOptimize(writer.write_reused(kId, 7));
}

/// Submit, sent, accepted, filled of one order, back to back.
void lifecycle_hot(benchmark::State& state) {
  QuietGate gate;
  for (auto _ : state) gate.lifecycle();
}

/// The whole life of 16 orders that are asked for together, per order.
void lifecycle_batch_16(benchmark::State& state) {
  QuietGate gate;
  for (auto _ : state) gate.lifecycle_of_batch();
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * QuietGate::kBatch);
}

/// A service that told systemd about every order. Somebody reads the other end, as PID 1 would.
void sd_notify_per_order(benchmark::State& state) {
  char folder[] = "/tmp/pcb-XXXXXX";
  if (mkdtemp(folder) == nullptr) return state.SkipWithError("no folder");
  const std::string path = std::string(folder) + "/notify";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int reader = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (bind(reader, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return state.SkipWithError("no socket");
  std::atomic<bool> stop{false};
  std::thread reading([&] {
    char bytes[256];
    pollfd waited{reader, POLLIN, 0};
    while (!stop.load())
      if (poll(&waited, 1, 20) > 0) static_cast<void>(!recv(reader, bytes, sizeof bytes, 0));
  });
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  for (auto _ : state)
    if (sd_notify(0, "STATUS=order ORDER-ID-OF-36-BYTES0000000000000001") <= 0)
      state.SkipWithError("sd_notify");
  unsetenv("NOTIFY_SOCKET");
  stop.store(true);
  reading.join();
  close(reader);
  unlink(path.c_str());
  rmdir(folder);
}

/// Takes the results over instead of printing them.
class Collector : public benchmark::BenchmarkReporter {
 public:
  explicit Collector(Report& report) : report_(report) {}
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
      const std::string name = run.benchmark_name();
      const double orders = name == "lifecycle_batch_16" ? QuietGate::kBatch : 1.0;
      report_.add_mean("hot_" + name, "none", run.GetAdjustedRealTime() / orders,
                       static_cast<std::size_t>(run.iterations), "mean of a hot loop");
    }
  }

 private:
  Report& report_;
};

}  // namespace

void measure_operations(Report& report) {
  benchmark::RegisterBenchmark("clock_read", clock_read);
  benchmark::RegisterBenchmark("id_copy_and_hash", id_copy_and_hash);
  benchmark::RegisterBenchmark("lifecycle", lifecycle_hot);
  benchmark::RegisterBenchmark("lifecycle_batch_16", lifecycle_batch_16);
  benchmark::RegisterBenchmark("quickfix_order_fresh", quickfix_fresh);
  benchmark::RegisterBenchmark("quickfix_order_reused", quickfix_reused);
  benchmark::RegisterBenchmark("sd_notify_per_order", sd_notify_per_order);
  Collector collector(report);
  benchmark::RunSpecifiedBenchmarks(&collector);
}

}  // namespace portcullis::speed
