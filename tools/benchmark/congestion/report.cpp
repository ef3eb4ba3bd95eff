// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/congestion/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "benchmark/congestion/cases.h"
#include "benchmark/congestion/goals.h"
#include "sluice/congestion.h"

namespace sluice::benchmark {

using nlohmann::ordered_json;

namespace {

constexpr const char* kStates[] = {
#define SLUICE_STATE_NAME(NUMBER, NAME, name, sentence) #name,
    SLUICE_CONGESTION_STATES(SLUICE_STATE_NAME)
#undef SLUICE_STATE_NAME
};

constexpr const char* kRoles[] = {"tested", "rival", "late", "short", "heavy", "light", "rated"};

// Above this the emulator adds a queue that the link does not have; such runs are marked.
constexpr double kLateMost = 2000;  // us, 99th percentile

bool is_sound(const Record& record) {
  return record.device_drops == 0 && record.late_p99_us <= kLateMost;
}

std::string number(double value) {
  if (value >= 1000) return fmt::format("{:.0f}", value);
  if (value >= 10) return fmt::format("{:.1f}", value);
  return value == 0 ? "0" : fmt::format("{:.3g}", value);
}

struct Row {
  const Scenario* scenario;
  std::vector<Figures> seeds;
  bool sound = true;
};

// In the catalogue's order of variants; the algorithms of a variant are adjacent.
std::vector<Row> rows_of(const std::vector<Outcome>& outcomes, const std::string& name) {
  std::vector<std::string> variants;
  std::vector<Row> rows;
  for (const Outcome& outcome : outcomes) {
    const Scenario& scenario = outcome.scenario;
    if (scenario.name != name) continue;
    if (std::find(variants.begin(), variants.end(), scenario.variant) == variants.end())
      variants.push_back(scenario.variant);
    auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& each) {
      return each.scenario->variant == scenario.variant &&
             each.scenario->algorithm == scenario.algorithm;
    });
    if (row == rows.end()) row = rows.insert(rows.end(), Row{&scenario, {}, true});
    row->seeds.push_back(outcome.figures);
    row->sound = row->sound && is_sound(outcome.record);
  }
  const auto rank = [&](const Row& row) {
    return std::find(variants.begin(), variants.end(), row.scenario->variant) - variants.begin();
  };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Row& a, const Row& b) { return rank(a) < rank(b); });
  return rows;
}

double seconds_of(milliseconds time) {
  return std::chrono::duration<double>(time).count();
}

double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

ordered_json scenario_json(const Scenario& scenario) {
  return {{"case", scenario.name},
          {"variant", scenario.variant},
          {"algorithm", scenario.algorithm},
          {"rate_mbit", scenario.rate_mbit},
          {"rtt_ms", scenario.rtt.count()},
          {"buffer_bdp", scenario.buffer_bdp},
          {"loss_percent", scenario.loss_percent},
          {"jitter_ms", scenario.jitter.count()},
          {"ecn", scenario.ecn},
          {"receiver", scenario.receiver},
          {"seconds", seconds_of(scenario.lasts)},
          {"warm_up_seconds", seconds_of(scenario.warm_up)}};
}

ordered_json flow_json(const FlowRecord& flow) {
  ordered_json json{{"role", kRoles[static_cast<size_t>(flow.spec.role)]},
                    {"algorithm", flow.spec.algorithm},
                    {"started_s", rounded(flow.started_s)}};
  json["finished_s"] =
      flow.finished_s > 0 ? ordered_json(rounded(flow.finished_s)) : ordered_json();
  ordered_json entered = ordered_json::object();
  for (size_t state = 0; state < flow.states_entered.size(); state++)
    entered[kStates[state]] = flow.states_entered[state];
  if (!entered.empty()) {
    json["states_entered"] = entered;
    json["accurate_marks"] = flow.accurate_marks;
  }
  for (const Sample& sample : flow.samples) {
    json["at_s"].push_back(rounded(sample.at_s));
    json["received_bytes"].push_back(sample.received_bytes);
    json["srtt_ms"].push_back(sample.srtt_us / 1000.0);
    json["cwnd_packets"].push_back(sample.cwnd_packets);
    if (sample.state >= 0) json["state"].push_back(kStates[sample.state]);
  }
  return json;
}

ordered_json figures_json(const Figures& figures) {
  ordered_json json = ordered_json::object();
  for (const auto& [name, value] : figures) json[name] = rounded(value);
  return json;
}

std::vector<Judged> judged_of(const std::vector<Outcome>& outcomes,
                              const std::vector<CostRow>& costs) {
  std::vector<Judged> judged;
  for (const CostRow& row : costs) {
    Judged one;
    one.scenario.name = "cost";
    one.scenario.algorithm = row.algorithm;
    one.medians = {{"instructions_per_kb", row.cost.sender_per_kb}};
    judged.push_back(std::move(one));
  }
  for (const Case& one : cases())
    for (const Row& row : rows_of(outcomes, one.name))
      judged.push_back({*row.scenario, medians(row.seeds)});
  return judged;
}

void print_goals(const std::vector<Outcome>& outcomes, const std::vector<CostRow>& costs) {
  const std::vector<GoalResult> goals = goals_of(judged_of(outcomes, costs));
  if (goals.empty()) return;
  fmt::print("\ngoals: medians over the seeds, the worst of the covered variants\n");
  fmt::print("  {:<40} {:>13} {:>9} {:>9} {:>9}  {:>8}\n", "goal", "asked", "sluice", "cubic",
             "bbr", "variants");
  for (const GoalResult& goal : goals) {
    const auto text = [&](const char* algorithm) {
      const auto found = goal.figures.find(algorithm);
      return found == goal.figures.end() ? std::string("-") : number(found->second);
    };
    fmt::print("  {:<40} {:>13} {:>9} {:>9} {:>9}  {:>8}  {}\n", goal.sentence, goal.asked,
               text("sluice"), text("cubic"), text("bbr"), goal.variants,
               goal.reached ? "reached" : "missed");
  }
}

void print_costs(const std::vector<CostRow>& costs) {
  if (costs.empty()) return;
  fmt::print(
      "\ncost: instructions of the kernel for 1000 bytes of payload, one flow at 200 mbit\n");
  fmt::print("  {:<9}  {:>8}  {:>8}  {:>12}\n", "algorithm", "sender", "receiver", "goodput_mbit");
  for (const CostRow& row : costs)
    fmt::print("  {:<9}  {:>8.0f}  {:>8.0f}  {:>12.1f}\n", row.algorithm, row.cost.sender_per_kb,
               row.cost.receiver_per_kb, row.cost.goodput_mbit);
}

ordered_json goals_json(const std::vector<Outcome>& outcomes, const std::vector<CostRow>& costs) {
  ordered_json all = ordered_json::array();
  for (const GoalResult& goal : goals_of(judged_of(outcomes, costs))) {
    ordered_json figures = ordered_json::object();
    for (const auto& [algorithm, figure] : goal.figures) figures[algorithm] = rounded(figure);
    all.push_back({{"goal", goal.sentence},
                   {"asked", goal.asked},
                   {"variants", goal.variants},
                   {"figures", figures},
                   {"reached", goal.reached}});
  }
  return all;
}

}  // namespace

void print_outcome(const Outcome& outcome, size_t number_of, size_t of) {
  const Scenario& scenario = outcome.scenario;
  std::string text;
  for (const Case& one : cases()) {
    if (one.name != scenario.name) continue;
    for (const std::string& name : one.figures)
      if (const auto found = outcome.figures.find(name); found != outcome.figures.end())
        text += fmt::format("  {} {}", name, number(found->second));
  }
  fmt::print("{}/{} {}, {}, {}, seed {}:{}{}\n", number_of, of, scenario.name, scenario.variant,
             scenario.algorithm, scenario.seed, text,
             is_sound(outcome.record) ? "" : "  (the emulator could not keep up)");
  std::fflush(stdout);
}

void print_tables(const std::vector<Outcome>& outcomes, const std::vector<CostRow>& costs) {
  for (const Case& one : cases()) {
    const std::vector<Row> rows = rows_of(outcomes, one.name);
    if (rows.empty()) continue;
    fmt::print("\n{}: {}\n", one.name, one.sentence);
    size_t wide = 7;
    for (const Row& row : rows) wide = std::max(wide, row.scenario->variant.size());
    fmt::print("  {:<{}}  {:<9}", "variant", wide, "algorithm");
    for (const std::string& name : one.figures) fmt::print("  {:>{}}", name, name.size());
    fmt::print("\n");
    for (const Row& row : rows) {
      const Figures middle = medians(row.seeds);
      fmt::print("  {:<{}}  {:<9}", row.scenario->variant, wide, row.scenario->algorithm);
      for (const std::string& name : one.figures) {
        const auto found = middle.find(name);
        fmt::print("  {:>{}}", found == middle.end() ? "-" : number(found->second), name.size());
      }
      fmt::print("{}\n", row.sound ? "" : "  (the emulator could not keep up)");
    }
  }
  print_costs(costs);
  print_goals(outcomes, costs);
  std::fflush(stdout);
}

ordered_json report_json(const std::vector<Outcome>& outcomes, const std::vector<CostRow>& costs) {
  ordered_json medians_of = ordered_json::array();
  for (const Case& one : cases())
    for (const Row& row : rows_of(outcomes, one.name)) {
      ordered_json json = scenario_json(*row.scenario);
      json["seeds"] = row.seeds.size();
      json["sound"] = row.sound;
      json["figures"] = figures_json(medians(row.seeds));
      medians_of.push_back(json);
    }
  ordered_json runs = ordered_json::array();
  for (const Outcome& outcome : outcomes) {
    ordered_json json = scenario_json(outcome.scenario);
    json["seed"] = outcome.scenario.seed;
    json["figures"] = figures_json(outcome.figures);
    json["dropped_full"] = outcome.record.dropped_full;
    json["marked"] = outcome.record.marked;
    json["device_drops"] = outcome.record.device_drops;
    json["late_p99_us"] = outcome.record.late_p99_us;
    for (const FlowRecord& flow : outcome.record.flows) json["flows"].push_back(flow_json(flow));
    for (const QueueSample& sample : outcome.record.queue) {
      json["queue"]["at_s"].push_back(rounded(sample.at_s));
      json["queue"]["delay_ms"].push_back(rounded(sample.delay_ms));
    }
    runs.push_back(json);
  }
  ordered_json cost = ordered_json::array();
  for (const CostRow& row : costs)
    cost.push_back({{"algorithm", row.algorithm},
                    {"sender_instructions_per_kb", rounded(row.cost.sender_per_kb)},
                    {"receiver_instructions_per_kb", rounded(row.cost.receiver_per_kb)},
                    {"goodput_mbit", rounded(row.cost.goodput_mbit)}});
  return {{"cost", cost},
          {"goals", goals_json(outcomes, costs)},
          {"medians", medians_of},
          {"runs", runs}};
}

}  // namespace sluice::benchmark
