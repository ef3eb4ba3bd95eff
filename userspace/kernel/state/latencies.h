// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What steer measures of backends in passing, for who asks it to (sluice/latency.h).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/result.h"

namespace sluice {

// So far, or within a time; counts wrap.
struct Latency {
  uint64_t handshake_us = 0;  // of all of them together
  uint64_t response_us = 0;
  uint32_t handshakes = 0;
  uint32_t responses = 0;
  uint32_t unanswered = 0;  // SYNs that came again
  uint32_t refused = 0;     // SYNs that a RST answered; where replies pass here

  friend bool operator==(const Latency&, const Latency&) = default;
};
[[nodiscard]] Latency operator-(const Latency& now, const Latency& before);

// Has these services measured until then, by CLOCK_MONOTONIC in seconds; 0: no longer.
Result<void> ask_latencies(const std::string& directory, const std::vector<uint32_t>& services,
                           uint32_t until_s);
// By backend number. `directory` is the instance's.
Result<std::map<uint32_t, Latency>> read_latencies(const std::string& directory,
                                                   const std::vector<uint32_t>& backends);

}  // namespace sluice
