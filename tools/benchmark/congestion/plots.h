// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Pictures of the congestion benchmark, by gnuplot: goodput and queue over time where flows meet,
// and bars over the matrix.
#pragma once

#include <string>
#include <vector>

#include "benchmark/congestion/report.h"
#include "support/result.h"

namespace sluice::benchmark {

// One PNG for each variant of each case in the directory, which is made. Names are those of the
// case and its variant. No gnuplot: an error that says how to get it.
[[nodiscard]] Result<void> plot(const std::vector<Outcome>& outcomes, const std::string& directory);

}  // namespace sluice::benchmark
