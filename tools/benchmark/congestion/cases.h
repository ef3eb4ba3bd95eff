// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The catalogue: every case of the congestion benchmark, and which of its figures people look at.
#pragma once

#include <string>
#include <vector>

#include "benchmark/congestion/scenario.h"

namespace sluice::benchmark {

struct Case {
  std::string name;
  std::string sentence;
  std::vector<std::string> figures;  // shown, in this order (figures.h)
};

// In the order in which they are shown.
[[nodiscard]] const std::vector<Case>& cases();

// What of the catalogue is asked for.
struct Selection {
  std::vector<std::string> only;  // cases; none: all
  std::vector<std::string> algorithms{"sluice", "cubic", "bbr"};
  std::vector<double> rates_mbit{10, 50, 200, 500};  // of the case "alone", and so on
  std::vector<double> rtts_ms{10, 40, 100};
  std::vector<double> buffers_bdp{0.2, 1, 4};  // of every case
  std::vector<double> losses_percent{0, 0.1, 1, 2};
  std::vector<std::string> receivers{""};  // of the case "marks": Scenario::receiver
  double seconds = 0;                      // of each run; 0: as the case has it
  unsigned seeds = 5;
};

// One scenario for each algorithm, variant and seed; of one seed after the other, so that a run
// that is cut short has something of everything.
[[nodiscard]] std::vector<Scenario> scenarios(const Selection& selection);

}  // namespace sluice::benchmark
