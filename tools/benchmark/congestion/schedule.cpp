// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/congestion/schedule.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace sluice::benchmark {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kOverhead{150};

// A job heavier than the capacity fits when nothing else runs.
bool fits(double load, double weight, double capacity) {
  return load <= 0 || load + weight <= capacity;
}

}  // namespace

milliseconds estimate(const std::vector<Job>& jobs, double capacity, size_t at_once) {
  struct Running {
    milliseconds ends;
    double weight;
  };
  std::vector<Running> running;
  milliseconds now{0};
  double load = 0;
  for (const Job& job : jobs) {
    while (running.size() >= at_once || !fits(load, job.weight, capacity)) {
      const auto first =
          std::min_element(running.begin(), running.end(),
                           [](const auto& a, const auto& b) { return a.ends < b.ends; });
      now = first->ends;
      load -= first->weight;
      running.erase(first);
    }
    running.push_back({now + job.lasts + kOverhead, job.weight});
    load += job.weight;
  }
  for (const Running& each : running) now = std::max(now, each.ends);
  return now;
}

void play(const std::vector<Job>& jobs, double capacity, size_t at_once,
          const std::function<void(size_t, size_t)>& run) {
  std::mutex mutex;
  std::condition_variable changed;
  double load = 0;
  size_t running = 0;
  std::vector<bool> taken(at_once, false);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < jobs.size(); i++) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return running < at_once && fits(load, jobs[i].weight, capacity); });
    const auto slot =
        static_cast<size_t>(std::find(taken.begin(), taken.end(), false) - taken.begin());
    taken[slot] = true;
    load += jobs[i].weight;
    if (++running == 1) load = jobs[i].weight;  // discards rounding errors
    threads.emplace_back([&, i, slot] {
      run(i, slot);
      const std::lock_guard ended(mutex);
      taken[slot] = false;
      load = --running == 0 ? 0 : load - jobs[i].weight;
      changed.notify_one();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace sluice::benchmark
