// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/congestion/goals.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <set>

namespace sluice::benchmark {

namespace {

constexpr double kNoBound = std::numeric_limits<double>::infinity();

struct Goal {
  std::string sentence;
  std::string name;  // of the case
  std::string figure;
  double least = -kNoBound, most = kNoBound;
  std::string unit;
  std::function<bool(const Scenario&)> about = [](const Scenario&) { return true; };
  double of_cubic = 0;  // not 0: `most` is this multiple of cubic's figure
};

bool clean(const Scenario& scenario) {
  return scenario.loss_percent == 0;
}

bool deep(const Scenario& scenario) {
  return clean(scenario) && scenario.buffer_bdp >= 1;
}

std::vector<Goal> all_goals() {
  return {
      {"utilisation, buffer of 1 BDP and more", "alone", "utilisation", 95, kNoBound, " %", deep},
      {"utilisation, buffer of 0.2 BDP", "alone", "utilisation", 90, kNoBound, " %",
       [](const Scenario& one) { return clean(one) && one.buffer_bdp < 1; }},
      {"queue alone, median", "alone", "queue_p50_ms", -kNoBound, 3, " ms", deep},
      {"queue alone, 95th percentile", "alone", "queue_p95_ms", -kNoBound, 5, " ms", deep},
      {"utilisation at 1 % random loss", "alone", "utilisation", 85, kNoBound, " %",
       [](const Scenario& one) { return one.loss_percent == 1 && one.buffer_bdp >= 1; }},
      {"four flows: Jain's index", "four", "jain", 0.98, kNoBound, ""},
      {"four flows at 1 BDP: retransmitted", "four", "retransmitted", -kNoBound, 0.5, " %",
       [](const Scenario& one) { return one.buffer_bdp == 1; }},
      {"late flow's fair share, after 10 s", "latecomer", "late", 90, kNoBound, " %"},
      {"weights 3 to 1, after 30 s", "weights", "ratio", 2.5, 3.5, ""},
      {"share beside one cubic, 0.2 BDP", "cubic-one", "share", 30, 60, " %",
       [](const Scenario& one) { return one.buffer_bdp < 1; }},
      {"share beside one cubic, 1 BDP", "cubic-one", "share", 30, 60, " %",
       [](const Scenario& one) { return one.buffer_bdp == 1; }},
      {"share beside one cubic, 4 BDP", "cubic-one", "share", 30, 60, " %",
       [](const Scenario& one) { return one.buffer_bdp > 1; }},
      {"short flows' completion at 4 BDP, p95", "short", "done_p95_ms", -kNoBound, kNoBound, " ms",
       [](const Scenario& one) { return one.buffer_bdp == 4; }, 0.5},
      {"jitter: the slowest flow's fair share", "jitter", "least", 25, kNoBound, " %"},
      {"policy limit as a rate", "rate", "rate", 98, 102, " %"},
      {"sender's instructions for 1000 bytes", "cost", "instructions_per_kb", -kNoBound, kNoBound,
       "", [](const Scenario&) { return true; }, 1.05},
  };
}

std::string asked_text(const Goal& goal) {
  if (goal.most == kNoBound) return fmt::format(">= {}{}", goal.least, goal.unit);
  if (goal.least == -kNoBound) return fmt::format("<= {:.4g}{}", goal.most, goal.unit);
  return fmt::format("{} to {}{}", goal.least, goal.most, goal.unit);
}

// The distance by which the figure misses the goal; negative if it reaches it.
double miss(const Goal& goal, double figure) {
  return std::max(goal.least - figure, figure - goal.most);
}

}  // namespace

std::vector<GoalResult> goals_of(const std::vector<Judged>& judged) {
  std::vector<GoalResult> results;
  for (Goal goal : all_goals()) {
    GoalResult result;
    result.sentence = goal.sentence;
    std::set<std::string> variants;
    std::map<std::string, std::vector<double>> figures;
    for (const Judged& one : judged) {
      const auto figure = one.medians.find(goal.figure);
      if (one.scenario.name != goal.name || figure == one.medians.end() ||
          !goal.about(one.scenario))
        continue;
      variants.insert(one.scenario.variant);
      figures[one.scenario.algorithm].push_back(figure->second);
    }
    result.variants = variants.size();
    if (figures.find("sluice") == figures.end()) continue;
    if (goal.of_cubic > 0) {
      if (figures.find("cubic") == figures.end()) continue;
      const auto& cubic = figures["cubic"];
      goal.most = goal.of_cubic * *std::min_element(cubic.begin(), cubic.end());
    }
    for (const auto& [algorithm, values] : figures) {
      result.figures[algorithm] =
          *std::max_element(values.begin(), values.end(),
                            [&](double a, double b) { return miss(goal, a) < miss(goal, b); });
    }
    result.asked = asked_text(goal);
    result.reached = miss(goal, result.figures["sluice"]) <= 0;
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace sluice::benchmark
