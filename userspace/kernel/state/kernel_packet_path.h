// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The packet path of an instance in the kernel: the pinned maps that programs read and fill.
#pragma once

#include <string>
#include <vector>

#include "control/ports/packet_path.h"
#include "kernel/state/flow_record.h"
#include "kernel/state/inner_maps.h"
#include "kernel/state/kernel_configuration.h"
#include "kernel/state/ring_store.h"
#include "kernel/system/map.h"
#include "sluice/flow.h"
#include "sluice/instance.h"
#include "sluice/ring.h"
#include "sluice/service.h"

namespace sluice {

class KernelPacketPath final : public PacketPath {
 public:
  static Result<KernelPacketPath> open(const std::string& directory,
                                       const KernelConfiguration& configuration);

  [[nodiscard]] uint32_t now_s() const override;
  [[nodiscard]] const sluice_seed& seed() const override { return seed_; }
  Result<Ring> ring(const Service& service) override;
  Result<void> swap_rings(const std::vector<std::pair<Service, Ring>>& rings) override;
  Result<void> swap_service_table(const std::vector<TableEntry>& entries) override;
  Result<bool> knows_replies_to(const Address& source) override;
  Result<void> write_backend(const Service& service, const Backend& backend,
                             const Address& source) override;
  Result<void> erase_backend_record(uint32_t backend) override;
  Result<std::vector<uint64_t>> backends_freed() override;
  Result<std::optional<Address>> backend_source(uint32_t backend) override;
  Result<std::vector<Address>> backend_sources(const std::vector<uint32_t>& backends) override;
  Result<void> set_endpoints(const std::vector<std::pair<Endpoint, uint32_t>>& endpoints) override;
  Result<void> set_endpoint(const Endpoint& endpoint, uint32_t service) override;
  Result<void> purge_backends(const std::vector<uint32_t>& backends) override;
  Result<std::vector<TrackedFlow>> tracked_flows() override;
  Result<void> purge_flows(const std::vector<TrackedFlow>& flows) override;
  Result<Route> route_towards(const Address& destination) override;

  // All flow maps, joined.
  Result<std::vector<FlowRecord>> flows();

 private:
  Result<void> set_service_prefixes(const std::vector<TableEntry>& entries);

  std::string directory_;
  sluice_seed seed_{};
  size_t table_buckets_ = 0;
  Map<sluice_endpoint, uint32_t> endpoints_;
  Map<uint32_t, uint32_t> service_tables_;  // outer: values are map fds in, ids out
  Map<sluice_prefix_key, sluice_service_entry> service_prefixes_;
  Map<uint32_t, sluice_address_filter> address_filter_;
  Map<uint32_t, sluice_backend> backends_;
  Map<uint32_t, uint64_t> backends_freed_;
  Map<sluice_flow, sluice_tracked_flow> flows_;
  Map<sluice_flow, sluice_tracked_flow> half_open_;
  Map<sluice_flow, sluice_translation> translations_;
  RingStore ring_store_;
  InnerMaps inner_maps_;
};

}  // namespace sluice
