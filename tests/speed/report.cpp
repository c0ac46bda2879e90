// SPDX-License-Identifier: Apache-2.0
#include "tests/speed/report.hpp"

#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace portcullis::speed {
namespace {

using Json = nlohmann::ordered_json;

/// Three decimals: more would be noise.
double rounded(double value) { return std::round(value * 1'000) / 1'000; }
double rounded_ns(double value) { return std::round(value * 10) / 10; }

std::string promises(const std::vector<Ratio>& rows) {
  std::string text;
  for (const Ratio& r : rows)
    text += fmt::format("{:<32} {:>10.3f} {:>10.3f}  {:<6} {}\n", r.name, r.value, r.target,
                        r.value <= r.target ? "kept" : "MISSED", r.supervisor);
  return text;
}

void put(Json& into, const std::vector<Ratio>& rows) {
  for (const Ratio& r : rows) into[r.name] = rounded(r.value);
}

}  // namespace

void Report::add(const std::string& name, const std::string& supervisor, Samples& samples,
                 const std::string& what) {
  std::vector<double>& all = samples.all();
  const double most = all.empty() ? 0 : *std::max_element(all.begin(), all.end());
  figures.push_back({name, supervisor, stepped_median(all), quantile(all, 0.99), quantile(all, 0.999), most,
                     all.size(), what});
}

void Report::add_mean(const std::string& name, const std::string& supervisor, double mean_ns,
                      std::size_t samples, const std::string& what) {
  figures.push_back({name, supervisor, mean_ns, 0, 0, 0, samples, what});
}

void Report::ratio(const std::string& name, double value, double target, const std::string& supervisor) {
  ratios.push_back({name, value, target, supervisor});
}
void Report::bound(const std::string& name, double value, double target, const std::string& supervisor) {
  bounds.push_back({name, value, target, supervisor});
}

std::string to_text(const Report& report) {
  std::string text = fmt::format("{:<34} {:<5} {:>10} {:>10} {:>10} {:>9}  {}\n", "FIGURE (ns)", "SUPER",
                                 "p50", "p99", "p99.9", "SAMPLES", "WHAT");
  for (const Figure& f : report.figures) {
    text += fmt::format("{:<34} {:<5} {:>10.1f} ", f.name, f.supervisor, f.p50);
    text += f.max > 0 ? fmt::format("{:>10.1f} {:>10.1f} ", f.p99, f.p999)
                      : fmt::format("{:>10} {:>10} ", "mean", "");
    text += fmt::format("{:>9}  {}\n", f.samples, f.what);
  }
  text += '\n';
  for (const auto& [name, value] : report.facts) text += fmt::format("{:<32} {:>10.3f}\n", name, value);
  text += fmt::format("\n{:<32} {:>10} {:>10}\n", "PROMISE", "VALUE", "AT MOST");
  return text + promises(report.ratios) + promises(report.bounds);
}

std::string to_json(const Report& report) {
  Json json;
  put(json["ratios"], report.ratios);
  put(json, report.bounds);
  for (const auto* rows : {&report.ratios, &report.bounds})
    for (const Ratio& r : *rows) {
      json["targets"][r.name] = rounded(r.target);
      json["supervisors"][r.name] = r.supervisor;
    }
  for (const auto& [name, value] : report.facts) json[name] = rounded(value);
  json["rounds"] = report.rounds;
  json["seed"] = report.seed;
  for (const Figure& f : report.figures) {
    Json row = {{"name", f.name}, {"supervisor", f.supervisor}, {"unit", "ns"}, {"samples", f.samples}};
    if (f.max > 0) {
      row.update({{"p50", rounded_ns(f.p50)}, {"p99", rounded_ns(f.p99)}, {"p99_9", rounded_ns(f.p999)}});
    } else {
      row["mean"] = rounded_ns(f.p50);
    }
    row["what"] = f.what;
    json["figures"].push_back(std::move(row));
  }
  return json.dump();
}

}  // namespace portcullis::speed
