// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Runs of the benchmark side by side, as many as the machine carries: a run weighs what its link
// carries, and the heaviest runs alone.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

namespace sluice::benchmark {

struct Job {
  double weight = 0;  // Mbit/s of its link
  std::chrono::milliseconds lasts{0};
};

// How long play() takes for these; each needs `overhead` besides.
[[nodiscard]] std::chrono::milliseconds estimate(const std::vector<Job>& jobs, double capacity,
                                                 size_t at_once);

// Runs all of them, each on a thread of its own, in order of the list as far as they fit.
// `run(job, place)`: places tell jobs of one time apart, from 0 up to at_once - 1.
void play(const std::vector<Job>& jobs, double capacity, size_t at_once,
          const std::function<void(size_t job, size_t place)>& run);

}  // namespace sluice::benchmark
