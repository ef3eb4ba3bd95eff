// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the congestion benchmark says: tables for people, JSON for everything else.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "benchmark/congestion/cost.h"
#include "benchmark/congestion/figures.h"
#include "benchmark/congestion/scenario.h"

namespace sluice::benchmark {

struct Outcome {
  Scenario scenario;
  Record record;
  Figures figures;
};

// One line for a run that has just ended.
void print_outcome(const Outcome& outcome, size_t number, size_t of);

struct CostRow {
  std::string algorithm;
  Cost cost;
};

// A table a case: medians over the seeds, a row for each variant and algorithm; then the goals.
void print_tables(const std::vector<Outcome>& outcomes, const std::vector<CostRow>& costs);

[[nodiscard]] nlohmann::ordered_json report_json(const std::vector<Outcome>& outcomes,
                                                 const std::vector<CostRow>& costs);

}  // namespace sluice::benchmark
