// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Plots of the congestion benchmark, drawn by gnuplot: goodput and queue over time where flows
// meet, and bars over the matrix.
#pragma once

#include <string>
#include <vector>

#include "benchmark/congestion/report.h"
#include "support/result.h"

namespace sluice::benchmark {

// Writes one PNG per variant of each case, named after both, to the directory, which is made. Fails
// with a hint if gnuplot is missing.
[[nodiscard]] Result<void> plot(const std::vector<Outcome>& outcomes, const std::string& directory);

}  // namespace sluice::benchmark
