// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The counters of an instance in the kernel.
#pragma once

#include <string>
#include <vector>

#include "control/ports/traffic_counters.h"
#include "kernel/system/map.h"
#include "sluice/counters.h"
#include "sluice/pace.h"
#include "sluice/service.h"

namespace sluice {

class KernelCounters final : public TrafficCounters {
 public:
  static Result<KernelCounters> open(const std::string& directory);

  Result<Traffic> backend_traffic(uint32_t backend) override;
  Result<void> clear_backend_traffic(uint32_t backend) override;
  Result<std::vector<VerdictCount>> verdicts(uint32_t service) override;
  Result<FlowTotals> flow_totals(uint32_t service) override;
  Result<void> clear_verdicts(uint32_t service) override;  // and those of the congestion control

 private:
  std::string directory_;
  PerCpuArray<sluice_backend_path> backend_paths_;
  PerCpuArray<sluice_verdict_counters> verdicts_;
  PerCpuArray<sluice_flow_totals> flow_totals_;
};

}  // namespace sluice
