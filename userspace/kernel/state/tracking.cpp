// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads and purges tracked flows.
#include <algorithm>

#include "kernel/state/kernel_packet_path.h"
#include "kernel/state/purge.h"

namespace sluice {
namespace {

using Tracked = Map<sluice_flow, sluice_tracked_flow>;

// The entries whose backend is one of `sorted`, in one pass.
template <typename Table>
Result<std::vector<sluice_purge_entry>> entries_of(const Table& table,
                                                   const std::vector<uint32_t>& sorted) {
  auto entries = TRY(table.entries());
  std::vector<sluice_purge_entry> found;
  for (const auto& [flow, value] : entries) {
    if (std::binary_search(sorted.begin(), sorted.end(), value.backend))
      found.push_back({flow, value.backend});
  }
  return found;
}

Result<void> read_into(std::vector<TrackedFlow>& all, const Tracked& table, bool half_open) {
  auto entries = TRY(table.entries());
  for (const auto& [flow, tracked] : entries) {
    if (tracked.backend != 0) all.push_back({flow, tracked.backend, tracked.seen_s, half_open});
  }
  return {};
}

}  // namespace

Result<void> KernelPacketPath::purge_backends(const std::vector<uint32_t>& backends) {
  std::vector<uint32_t> sorted = backends;
  std::sort(sorted.begin(), sorted.end());
  const PurgeTables tables{half_open_.fd(), flows_.fd(), translations_.fd()};
  const auto purge_in = [&](const auto& table, sluice_purge_table which) -> Result<void> {
    auto found = TRY(entries_of(table, sorted));
    return purge_entries(tables, which, found);
  };
  // In the order in which a flow moves through the tables, so that none is missed.
  TRY(purge_in(half_open_, SLUICE_PURGE_HALF_OPEN));
  TRY(purge_in(flows_, SLUICE_PURGE_FLOW));
  return purge_in(translations_, SLUICE_PURGE_TRANSLATION);
}

Result<std::vector<TrackedFlow>> KernelPacketPath::tracked_flows() {
  std::vector<TrackedFlow> all;
  TRY(read_into(all, half_open_, true));
  TRY(read_into(all, flows_, false));
  return all;
}

Result<void> KernelPacketPath::purge_flows(const std::vector<TrackedFlow>& flows) {
  std::vector<sluice_flow> half_open;
  std::vector<sluice_flow> established;
  for (const auto& each : flows) (each.half_open ? half_open : established).push_back(each.flow);
  TRY(half_open_.erase(half_open));
  return flows_.erase(established);
}

}  // namespace sluice
