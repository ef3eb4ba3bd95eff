// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a byte costs the host that sends it, in instructions of the kernel: everything that TCP and
// the device do for it, acknowledgements and pacing timers included. Both ends of an emulated link
// and the link itself are one thread here, which never sleeps, so that whatever the kernel does for
// them on its processor is counted as the thread's; what the receiving end did is taken off.
#pragma once

#include <chrono>
#include <string>

#include "benchmark/congestion/testbed.h"
#include "support/result.h"

namespace sluice::benchmark {

struct Cost {
  double sender_per_kb = 0;    // instructions for 1000 bytes of payload
  double receiver_per_kb = 0;  // of the other end, for comparison
  double goodput_mbit = 0;
};

// How long one measurement takes.
inline constexpr std::chrono::milliseconds kCostLasts{13'000};

// In a machine whose time is virtual, time counts instructions; otherwise, without hardware
// counters: an error that says so.
[[nodiscard]] Result<Cost> measure_cost(const std::string& algorithm, const Governed& governed,
                                        double rate_mbit, bool virtual_time);

}  // namespace sluice::benchmark
