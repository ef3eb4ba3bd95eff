// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The goals of sluice's congestion control, and whether a run of the benchmark reaches them. Pure.
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
  std::string asked;  // ">= 95 %"
  size_t variants =
      0;  // number of variants that the goal covers; the figures are the worst of these
  std::map<std::string, double> figures;  // by algorithm
  bool reached = false;                   // by sluice
};

// Only goals that the runs cover.
[[nodiscard]] std::vector<GoalResult> goals_of(const std::vector<Judged>& judged);

}  // namespace sluice::benchmark
