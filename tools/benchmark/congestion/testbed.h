// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Runs a scenario: two network namespaces, an emulated link between them with its own thread, and
// the flows over it, sampled every 100 ms. Several scenarios may run at once, each on a thread of
// the caller; nothing outlives run_scenario().
#pragma once

#include <string>

#include "benchmark/congestion/scenario.h"
#include "support/result.h"

namespace sluice::benchmark {

// Sluice's algorithm as loaded in this kernel.
struct Governed {
  std::string name;       // for TCP_CONGESTION; scenarios call it "sluice"
  std::string directory;  // of its instance in bpffs; empty: not loaded
};

// Sender addresses of flows under a policy, by role; tools/bench sets the policies of services at
// these addresses.
inline constexpr const char* kHeavyAddress = "10.254.0.3";
inline constexpr const char* kLightAddress = "10.254.0.1";
inline constexpr const char* kRatedAddress = "10.254.0.20";

// `slot`: a number that no concurrent run has, 0 to 9999.
[[nodiscard]] Result<Record> run_scenario(const Scenario& scenario, const Governed& governed,
                                          int slot);

}  // namespace sluice::benchmark
