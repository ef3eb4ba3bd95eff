// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/kernel_counters.h"

#include <cstring>

#include "kernel/state/congestion_sums.h"
#include "kernel/state/open_map_into.h"

namespace sluice {

Result<KernelCounters> KernelCounters::open(const std::string& directory) {
  KernelCounters opened;
  opened.directory_ = directory;
  TRY(open_map_into(opened.backend_paths_, directory, "backend_paths"));
  TRY(open_map_into(opened.verdicts_, directory, "verdicts"));
  TRY(open_map_into(opened.flow_totals_, directory, "flow_totals"));
  return opened;
}

Result<Traffic> KernelCounters::backend_traffic(uint32_t backend) {
  auto paths = TRY(backend_paths_.read(backend));
  Traffic traffic;
  for (const auto& path : paths) traffic += Traffic{path.packets, path.bytes, path.connections};
  return traffic;
}

Result<void> KernelCounters::clear_backend_traffic(uint32_t backend) {
  return backend_paths_.clear(backend);
}

Result<std::vector<VerdictCount>> KernelCounters::verdicts(uint32_t service) {
  auto per_cpu = TRY(verdicts_.read(service));
  std::vector<VerdictCount> counts;
  for (size_t i = 0; i < SLUICE_VERDICT_COUNT; i++) {
    VerdictCount count{static_cast<sluice_verdict>(i), 0, 0};
    for (const auto& counters : per_cpu) {
      sluice_counter counter{};
      memcpy(&counter, reinterpret_cast<const char*>(&counters) + i * sizeof(counter),
             sizeof(counter));
      count.packets += counter.packets;
      count.bytes += counter.bytes;
    }
    if (count.packets != 0) counts.push_back(count);
  }
  return counts;
}

Result<FlowTotals> KernelCounters::flow_totals(uint32_t service) {
  auto per_cpu = TRY(flow_totals_.read(service));
  FlowTotals totals;
  for (const auto& cpu : per_cpu) {
    totals.begun += cpu.begun;
    totals.finished += cpu.finished;
    totals.reset += cpu.reset;
    totals.windows_lowered += cpu.windows_lowered;
    totals.server_retransmits += cpu.server_retransmits;
    totals.client_retransmits += cpu.client_retransmits;
  }
  return totals;
}

Result<void> KernelCounters::clear_verdicts(uint32_t service) {
  TRY(flow_totals_.clear(service));
  TRY(verdicts_.clear(service));
  return purge_congestion_sums(directory_, service);
}

}  // namespace sluice
