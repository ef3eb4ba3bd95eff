// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Measures the cases of `steer`, each against an empty program, trial by trial.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "benchmark/cost.h"
#include "benchmark/steer_cases.h"

namespace sluice::benchmark {

class SteerBench {
 public:
  static Result<SteerBench> open(uint32_t ifindex, const Effort& effort);

  // `flows`: powers of two, fewest first.
  Result<std::vector<Figure>> measure(const Case& one, uint32_t services,
                                      const std::vector<uint32_t>& flows);

 private:
  SteerBench(Traffic baseline, Traffic subject, const Effort& effort)
      : baseline_(std::move(baseline)),
        subject_(std::move(subject)),
        meter_(effort.clock),
        effort_(effort) {}

  Result<void> need_director(const Plan& plan);
  Result<void> fill_tables(const Case& one, const Stream& stream);
  Result<uint64_t> verified(const Case& one, const Tally& before, uint64_t sent);

  Traffic baseline_;
  Traffic subject_;
  CostMeter meter_;
  Effort effort_;
  Plan plan_;
  std::unique_ptr<Director> director_;
};

}  // namespace sluice::benchmark
