// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a receiver's log of arrivals says of how evenly and how fast its flows came. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "benchmark/bpf/arrivals.h"

namespace sluice::benchmark {

// Of a packet from the one before it, in ideal gaps: the time that the one before takes at the
// rate. Segments that come as one packet have gaps of 0 on the wire.
struct Gaps {
  double p1 = 0;
  double p50 = 0;
  double p99 = 0;
  double most = 0;
};

struct FlowRate {
  uint32_t flow = 0;              // as in struct arrival
  double rate_bytes_per_sec = 0;  // from its first packet to its last
};

struct Arrivals {
  std::vector<FlowRate> flows;  // by flow; those of two packets and more
  uint64_t packets = 0;         // segments each for itself
  uint64_t bytes = 0;
  double packet_bytes = 0;  // the median packet's
  Gaps gaps;                // of all flows together
};

// Within [from, to) ns. `flow_rate` is that of each flow; 0: of each what it got itself.
[[nodiscard]] Arrivals arrivals_between(const std::vector<arrival>& log, uint64_t from_ns,
                                        uint64_t to_ns, double flow_rate_bytes_per_sec);

// The same log as if all flows were one.
[[nodiscard]] std::vector<arrival> as_one_flow(std::vector<arrival> log);

}  // namespace sluice::benchmark
