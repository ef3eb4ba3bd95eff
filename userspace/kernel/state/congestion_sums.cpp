// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/congestion_sums.h"

#include <algorithm>
#include <cstring>

#include "kernel/system/bpffs.h"
#include "kernel/system/map.h"

namespace sluice {
namespace {

using Sums = PerCpuArray<sluice_congestion_service>;
constexpr const char* sums_name = "congestion_services";

void add(sluice_congestion_service& sum, const sluice_congestion_service& one) {
  for (size_t state = 0; state < SLUICE_CONGESTION_STATE_COUNT; state++)
    sum.flows[state] += one.flows[state];
  sum.opened += one.opened;
  sum.delivered_bytes += one.delivered_bytes;
  sum.lost_packets += one.lost_packets;
  sum.retransmitted_packets += one.retransmitted_packets;
  sum.marked_packets += one.marked_packets;
  sum.timeouts += one.timeouts;
}

}  // namespace

Result<CongestionSums> congestion_sums(const std::string& instance_dir) {
  CongestionSums sums;
  if (!is_pinned(instance_dir, sums_name)) return sums;
  const auto map = TRY(Sums::open(instance_dir, sums_name));
  for (uint32_t service = 0; service < map.capacity(); service++) {
    const auto of_cpus = TRY(map.read(service));
    sluice_congestion_service sum{};
    for (const auto& one : of_cpus) add(sum, one);
    constexpr sluice_congestion_service nothing{};
    if (memcmp(&sum, &nothing, sizeof(sum)) != 0) sums.emplace_back(service, sum);
  }
  return sums;
}

Result<void> purge_congestion_sums(const std::string& instance_dir, uint32_t service) {
  if (!is_pinned(instance_dir, sums_name)) return {};
  auto map = TRY(Sums::open(instance_dir, sums_name));
  if (service >= map.capacity()) return {};
  auto of_cpus = TRY(map.read(service));
  for (auto& one : of_cpus) {
    sluice_congestion_service kept{};
    std::copy(std::begin(one.flows), std::end(one.flows), std::begin(kept.flows));
    one = kept;
  }
  return map.put(service, of_cpus);
}

}  // namespace sluice
