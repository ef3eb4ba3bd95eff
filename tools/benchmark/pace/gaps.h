// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Rates and packet gaps from a receiver's log of arrivals. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "benchmark/bpf/arrivals.h"

namespace sluice::benchmark {

// Gaps between consecutive packets, in ideal gaps: the time that the first packet takes at the
// rate. Segments of one arrival have gaps of 0.
struct Gaps {
  double p1 = 0;
  double p50 = 0;
  double p99 = 0;
  double most = 0;
};

struct FlowRate {
  uint32_t flow = 0;              // as in struct arrival
  double rate_bytes_per_sec = 0;  // from the first packet to the last
};

struct Arrivals {
  std::vector<FlowRate> flows;  // flows with at least two packets
  uint64_t packets = 0;         // segments
  uint64_t bytes = 0;
  double packet_bytes = 0;  // median
  Gaps gaps;                // of all flows together
};

// Arrivals in [from, to) ns. `flow_rate`: the rate of the ideal gap; 0: each flow's measured rate.
[[nodiscard]] Arrivals arrivals_between(const std::vector<arrival>& log, uint64_t from_ns,
                                        uint64_t to_ns, double flow_rate_bytes_per_sec);

// The log with all flows merged into one.
[[nodiscard]] std::vector<arrival> as_one_flow(std::vector<arrival> log);

}  // namespace sluice::benchmark
