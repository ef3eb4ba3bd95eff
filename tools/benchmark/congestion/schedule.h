// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Concurrent runs of the benchmark within the machine's capacity. A run's weight is its link's
// rate; a run heavier than the capacity runs alone.
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

// The duration of play() for these jobs, with 150 ms of overhead each.
[[nodiscard]] std::chrono::milliseconds estimate(const std::vector<Job>& jobs, double capacity,
                                                 size_t at_once);

// Runs all jobs, each on its own thread, in order of the list as capacity allows. `run(job, slot)`:
// concurrent jobs have different slots, 0 to at_once - 1.
void play(const std::vector<Job>& jobs, double capacity, size_t at_once,
          const std::function<void(size_t job, size_t slot)>& run);

}  // namespace sluice::benchmark
