// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Counters of the congestion control, summed per service (map `congestion_services`).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sluice/congestion.h"
#include "support/result.h"

namespace sluice {

// By service number; 0: flows without a service. Services with all counters zero are left out.
// Empty if the congestion control was never loaded.
using CongestionSums = std::vector<std::pair<uint32_t, sluice_congestion_service>>;
Result<CongestionSums> congestion_sums(const std::string& instance_dir);

// For a service number that is used again. The gauges of existing flows stay.
Result<void> purge_congestion_sums(const std::string& instance_dir, uint32_t service);

}  // namespace sluice
