// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The catalogue: all cases of the congestion benchmark and the figures that are shown for each.
#pragma once

#include <string>
#include <vector>

#include "benchmark/congestion/scenario.h"

namespace sluice::benchmark {

struct Case {
  std::string name;
  std::string sentence;
  std::vector<std::string> figures;  // shown in this order (figures.h)
};

// In display order.
[[nodiscard]] const std::vector<Case>& cases();

// The requested part of the catalogue.
struct Selection {
  std::vector<std::string> only;  // cases; empty: all
  std::vector<std::string> algorithms{"sluice", "cubic", "bbr"};
  std::vector<double> rates_mbit{10, 50, 200, 500};  // of the case "alone", like the next two
  std::vector<double> rtts_ms{10, 40, 100};
  std::vector<double> buffers_bdp{0.2, 1, 4};  // of all cases
  std::vector<double> losses_percent{0, 0.1, 1, 2};
  std::vector<std::string> receivers{""};  // of the case "marks": Scenario::receiver
  double seconds = 0;                      // per run; 0: the case's default
  unsigned seeds = 5;
};

// One scenario per algorithm, variant and seed. Ordered by seed, so that an interrupted run covers
// all cases.
[[nodiscard]] std::vector<Scenario> scenarios(const Selection& selection);

}  // namespace sluice::benchmark
