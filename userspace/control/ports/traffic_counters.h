// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What packets count, added up over the CPUs.
#pragma once

#include <cstdint>
#include <vector>

#include "model/service.h"
#include "sluice/verdict.h"
#include "support/result.h"

namespace sluice {

struct VerdictCount {
  sluice_verdict verdict{};
  uint64_t packets = 0;
  uint64_t bytes = 0;
};

class TrafficCounters {
 public:
  virtual ~TrafficCounters() = default;

  virtual Result<Traffic> backend_traffic(uint32_t backend) = 0;
  virtual Result<void> clear_backend_traffic(uint32_t backend) = 0;
  // Those that are not zero. Service 0: packets that belong to no service.
  virtual Result<std::vector<VerdictCount>> verdicts(uint32_t service) = 0;
  virtual Result<FlowTotals> flow_totals(uint32_t service) = 0;
  // Verdicts and flow totals.
  virtual Result<void> clear_verdicts(uint32_t service) = 0;
};

}  // namespace sluice
