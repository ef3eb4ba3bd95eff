// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Latencies of backends that steer measures on request (sluice/latency.h).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/result.h"

namespace sluice {

// Sums since the start, or over an interval; counters wrap.
struct Latency {
  uint64_t handshake_us = 0;  // sum of all handshakes
  uint64_t response_us = 0;
  uint32_t handshakes = 0;
  uint32_t responses = 0;
  uint32_t unanswered = 0;  // retransmitted SYNs
  uint32_t refused = 0;     // SYNs answered by a RST; only if replies pass this host

  friend bool operator==(const Latency&, const Latency&) = default;
};
[[nodiscard]] Latency operator-(const Latency& now, const Latency& before);

// Measures these services until that time of CLOCK_MONOTONIC in seconds; 0: stops.
Result<void> ask_latencies(const std::string& directory, const std::vector<uint32_t>& services,
                           uint32_t until_s);
// By backend number. `directory` is the instance's.
Result<std::map<uint32_t, Latency>> read_latencies(const std::string& directory,
                                                   const std::vector<uint32_t>& backends);

}  // namespace sluice
