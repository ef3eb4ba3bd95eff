// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The cost of a payload byte for the sending host, in kernel instructions: all work of TCP and the
// device, acknowledgements and pacing timers included. One thread, which never sleeps, drives both
// ends of an emulated link and the link, so that all kernel work on its processor is counted; the
// receiver's work is subtracted.
#pragma once

#include <chrono>
#include <string>

#include "benchmark/congestion/testbed.h"
#include "support/result.h"

namespace sluice::benchmark {

struct Cost {
  double sender_per_kb = 0;    // instructions per 1000 bytes of payload
  double receiver_per_kb = 0;  // the receiver's, for comparison
  double goodput_mbit = 0;
};

// The duration of one measurement.
inline constexpr std::chrono::milliseconds kCostLasts{13'000};

// `virtual_time`: time counts instructions. Otherwise hardware counters are needed; fails without.
[[nodiscard]] Result<Cost> measure_cost(const std::string& algorithm, const Governed& governed,
                                        double rate_mbit, bool virtual_time);

}  // namespace sluice::benchmark
