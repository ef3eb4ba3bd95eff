// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Carries a scenario out: two network namespaces of its own, an emulated link between them with a
// thread of its own, and the flows over it, sampled every 100 ms. Several may run at once, each on
// a thread of its caller's; nothing of them outlives run().
#pragma once

#include <string>

#include "benchmark/congestion/scenario.h"
#include "support/result.h"

namespace sluice::benchmark {

// How sluice's algorithm is found in this kernel.
struct Governed {
  std::string name;       // as sockets choose it; scenarios call it "sluice"
  std::string directory;  // of its instance, in bpffs; empty: none is loaded
};

// Addresses of flows under a policy, by role; tools/bench gives the policies to services there.
inline constexpr const char* kHeavyAddress = "10.254.0.3";
inline constexpr const char* kLightAddress = "10.254.0.1";
inline constexpr const char* kRatedAddress = "10.254.0.20";

// `place` tells runs of the same time apart: 0 to 9999.
[[nodiscard]] Result<Record> run_scenario(const Scenario& scenario, const Governed& governed,
                                          int place);

}  // namespace sluice::benchmark
