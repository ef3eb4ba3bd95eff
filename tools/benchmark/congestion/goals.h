// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is asked of sluice's congestion control, and what a run of the benchmark says to it. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "benchmark/congestion/figures.h"
#include "benchmark/congestion/scenario.h"

namespace sluice::benchmark {

// Medians of one scenario over its seeds.
struct Judged {
  Scenario scenario;
  Figures medians;
};

struct GoalResult {
  std::string sentence;
  std::string asked;    // ">= 95 %"
  size_t variants = 0;  // that the goal is about; the figures are the worst of them
  std::map<std::string, double> figures;  // by algorithm
  bool reached = false;                   // by sluice
};

// Only goals that the runs say something to.
[[nodiscard]] std::vector<GoalResult> goals_of(const std::vector<Judged>& judged);

}  // namespace sluice::benchmark
