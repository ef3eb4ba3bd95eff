// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// bench congestion: sluice's congestion control on emulated links, compared with cubic and bbr.
// tools/bench loads it, sets the policies of its services, runs this, and unloads it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "benchmark/congestion/cases.h"
#include "benchmark/congestion/figures.h"
#include "benchmark/congestion/plots.h"
#include "benchmark/congestion/report.h"
#include "benchmark/congestion/schedule.h"
#include "benchmark/congestion/testbed.h"

namespace sluice::benchmark {
namespace {

struct Options {
  Selection selection;
  Governed governed;
  std::string json;
  std::string plots;
  double capacity_mbit = 200;
  bool quick = false;
  bool virtual_time = false;
  bool verbose = false;
};

constexpr size_t kAtOnce = 8;

Result<void> check(const Options& options) {
  for (const std::string& name : options.selection.only) {
    const auto& all = cases();
    if (name != "cost" &&
        std::none_of(all.begin(), all.end(), [&](const Case& one) { return one.name == name; })) {
      std::string names = "cost";
      for (const Case& one : all) names += ", " + one.name;
      return misused("case '{}' is unknown; the cases are {}", name, names);
    }
  }
  for (const std::string& algorithm : options.selection.algorithms) {
    if (algorithm == "sluice" && options.governed.name.empty())
      return misused("algorithm sluice: --governed must give the name under which it is loaded");
  }
  return {};
}

constexpr double kCostMbit = 200;

bool asked_for(const Options& options, const std::string& name) {
  const auto& only = options.selection.only;
  return only.empty() || std::find(only.begin(), only.end(), name) != only.end();
}

// Runs alone, before everything else, so that nothing disturbs it. The algorithms take turns, so
// that changes of the machine affect all of them.
Result<std::vector<CostRow>> measure_costs(const Options& options) {
  std::map<std::string, std::vector<Cost>> costs;
  for (unsigned seed = 0; seed < options.selection.seeds; seed++)
    for (const std::string& algorithm : options.selection.algorithms) {
      costs[algorithm].push_back(
          TRY(measure_cost(algorithm, options.governed, kCostMbit, options.virtual_time)));
    }
  std::vector<CostRow> rows;
  for (const std::string& algorithm : options.selection.algorithms) {
    const auto middle = [&](double Cost::*part) {
      std::vector<Figures> seeds;
      for (const Cost& cost : costs[algorithm]) seeds.push_back({{"", cost.*part}});
      return medians(seeds)[""];
    };
    rows.push_back({algorithm,
                    {.sender_per_kb = middle(&Cost::sender_per_kb),
                     .receiver_per_kb = middle(&Cost::receiver_per_kb),
                     .goodput_mbit = middle(&Cost::goodput_mbit)}});
  }
  return rows;
}

std::vector<Job> jobs_of(const std::vector<Scenario>& all) {
  std::vector<Job> jobs;
  for (const Scenario& scenario : all) jobs.push_back({scenario.rate_mbit, scenario.lasts});
  return jobs;
}

std::string duration_text(milliseconds time) {
  const auto whole = std::chrono::round<seconds>(time).count();
  if (whole < 120) return fmt::format("{} s", whole);
  if (whole < 7200) return fmt::format("{} min", (whole + 30) / 60);
  return fmt::format("{:.1f} h", static_cast<double>(whole) / 3600);
}

Result<void> run(const Options& options) {
  TRY(check(options));
  const std::vector<Scenario> all = scenarios(options.selection);
  const std::vector<Job> jobs = jobs_of(all);
  milliseconds needed = estimate(jobs, options.capacity_mbit, kAtOnce);
  if (asked_for(options, "cost"))
    needed += kCostLasts * options.selection.seeds * options.selection.algorithms.size();
  fmt::print(stderr, "{} runs, about {}\n", all.size(), duration_text(needed));
  std::vector<CostRow> costs;
  if (asked_for(options, "cost")) {
    auto measured = measure_costs(options);
    // On a machine without counters, all other cases still run.
    if (!measured && !options.selection.only.empty()) return tl::unexpected(measured.error());
    if (measured)
      costs = std::move(*measured);
    else
      fmt::print(stderr, "{}\n", measured.error().text);
  }

  std::mutex mutex;
  std::vector<Outcome> outcomes(all.size());
  Result<void> worst;
  size_t over = 0;
  play(jobs, options.capacity_mbit, kAtOnce, [&](size_t job, size_t slot) {
    auto record = run_scenario(all[job], options.governed, static_cast<int>(slot));
    const std::lock_guard lock(mutex);
    over++;
    if (!record) {
      worst = failed("{}, {}, {}: {}", all[job].name, all[job].variant, all[job].algorithm,
                     record.error().text);
      return;
    }
    Outcome& outcome = outcomes[job];
    outcome.scenario = all[job];
    outcome.figures = figures_of(all[job], *record);
    outcome.record = std::move(*record);
    if (options.verbose) print_outcome(outcome, over, all.size());
  });
  if (!worst) return worst;
  print_tables(outcomes, costs);
  if (!options.plots.empty()) TRY(plot(outcomes, options.plots));
  if (options.json.empty()) return {};
  std::ofstream file(options.json);
  file << report_json(outcomes, costs).dump(1) << '\n';
  file.close();
  if (!file) return failed("{}: cannot be written", options.json);
  return {};
}

}  // namespace
}  // namespace sluice::benchmark

int main(int argc, char** argv) {
  using namespace sluice::benchmark;
  Options options;
  CLI::App app{"Congestion controls on emulated links.", "bench_congestion"};
  Selection& selection = options.selection;
  app.add_option("--governed", options.governed.name,
                 "name under which sluice's algorithm is loaded");
  app.add_option("--directory", options.governed.directory, "directory of its instance in bpffs");
  app.add_option("--only", selection.only, "cases")->delimiter(',');
  app.add_option("--algorithms", selection.algorithms, "sluice, cubic, bbr, ...")->delimiter(',');
  app.add_option("--rates", selection.rates_mbit, "link rates in mbit, case alone")->delimiter(',');
  app.add_option("--rtts", selection.rtts_ms, "round trips in ms, case alone")->delimiter(',');
  app.add_option("--buffers", selection.buffers_bdp, "buffers in bandwidth-delay products")
      ->delimiter(',');
  app.add_option("--losses", selection.losses_percent, "random loss in percent, case alone")
      ->delimiter(',');
  app.add_option("--receivers", selection.receivers,
                 "congestion controls of the receiver, case marks")
      ->delimiter(',');
  app.add_option("--seeds", selection.seeds)->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--seconds", selection.seconds, "duration of each run")
      ->check(CLI::Range(1.0, 3600.0));
  app.add_option("--capacity", options.capacity_mbit,
                 "total rate in mbit of links that run at once")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app.add_option("--json", options.json, "write all figures and samples to this file");
  app.add_option("--plots", options.plots, "write plots (PNG) to this directory");
  app.add_flag("--verbose", options.verbose, "print a line per run");
  app.add_flag("--virtual-time", options.virtual_time,
               "cost: time counts instructions, inside tests/vm/run --virtual-time");
  app.add_flag("--quick", options.quick, "50 mbit and 40 ms only, one seed, short runs");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.quick) {
    if (app.count("--rates") == 0) selection.rates_mbit = {50};
    if (app.count("--rtts") == 0) selection.rtts_ms = {40};
    if (app.count("--losses") == 0) selection.losses_percent = {0, 1};
    if (app.count("--seeds") == 0) selection.seeds = 1;
    if (app.count("--seconds") == 0) selection.seconds = 15;
  }
  const auto done = run(options);
  if (done) return 0;
  fmt::print(stderr, "bench congestion: {}\n", done.error().text);
  return static_cast<int>(done.error().kind);
}
