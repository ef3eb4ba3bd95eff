// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Measures one case of `steer` after the other: each against an empty program, trial by trial.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "benchmark/cost.h"
#include "benchmark/steer_cases.h"

namespace sluice::benchmark {

struct Figure {
  std::string name;
  uint32_t flows = 0;
  uint32_t services = 0;
  Cost net{};    // median over the trials of what is above the empty program
  Cost empty{};  // median of the empty program's round itself
  uint32_t trials = 0;
  uint64_t packets = 0;   // sent at the program under test while measuring
  uint64_t verified = 0;  // of them, those that its counters prove took the way
};

// Many short trials: what disturbs one (somebody else's turn on the CPU) spoils that one alone.
// They go on through the flows where the last one stopped, so that together they see all of them.
struct Effort {
  uint32_t trials = 201;
  uint32_t packets = 1 << 15;  // of a trial
  Clock clock = Clock::real;
};

class SteerBench {
 public:
  static Result<SteerBench> open(uint32_t ifindex, const Effort& effort);

  // Flows are powers of two, fewest first.
  Result<std::vector<Figure>> measure(const Case& one, uint32_t services,
                                      const std::vector<uint32_t>& flows);

 private:
  SteerBench(Traffic baseline, Traffic subject, const Effort& effort)
      : baseline_(std::move(baseline)),
        subject_(std::move(subject)),
        meter_(effort.clock),
        effort_(effort) {}

  Result<void> need_director(const Plan& plan);
  Result<void> make_known(const Case& one, const Stream& stream);
  Result<void> run_trials(Figure& figure);
  Result<uint64_t> verified(const Case& one, const Tally& before, uint64_t sent);

  Traffic baseline_;
  Traffic subject_;
  CostMeter meter_;
  Effort effort_;
  Plan plan_;
  std::unique_ptr<Director> director_;
};

}  // namespace sluice::benchmark
