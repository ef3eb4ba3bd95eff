// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The output of the congestion benchmark: tables and JSON.
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

// Prints one line for a finished run.
void print_outcome(const Outcome& outcome, size_t number, size_t of);

struct CostRow {
  std::string algorithm;
  Cost cost;
};

// Prints a table per case, with medians over the seeds and a row per variant and algorithm, and the
// goals.
void print_tables(const std::vector<Outcome>& outcomes, const std::vector<CostRow>& costs);

[[nodiscard]] nlohmann::ordered_json report_json(const std::vector<Outcome>& outcomes,
                                                 const std::vector<CostRow>& costs);

}  // namespace sluice::benchmark
