// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The Dataplane of an instance in the kernel: its pinned maps.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/dataplane.h"
#include "kernel/state/flow_record.h"
#include "kernel/state/inner_maps.h"
#include "kernel/state/ring_store.h"
#include "kernel/system/map.h"
#include "sluice/counters.h"
#include "sluice/departure.h"
#include "sluice/flow.h"
#include "sluice/instance.h"
#include "sluice/pace.h"
#include "sluice/policy.h"
#include "sluice/ring.h"
#include "sluice/service.h"

namespace sluice {

class KernelDataplane : public Dataplane {
 public:
  static Result<std::unique_ptr<KernelDataplane>> open(const std::string& directory);

  [[nodiscard]] Capacities capacities() const override;
  [[nodiscard]] uint32_t now_s() const override;
  [[nodiscard]] const sluice_seed& seed() const override { return root_.seed; }
  Result<std::vector<Service>> services() override;
  Result<std::vector<Backend>> backends() override;
  Result<std::vector<std::pair<uint32_t, Policy>>> policies() override;
  Result<std::vector<Filter>> filters() override;
  Result<void> put_service(const Service& service) override;
  Result<void> erase_service(const Service& service) override;
  Result<void> put_backend(const Backend& backend) override;
  Result<void> erase_backend(const Backend& backend) override;
  Result<void> put_policy(uint32_t service, const Policy& policy) override;
  Result<void> erase_policy(uint32_t service) override;
  Result<void> put_filters(const std::vector<Filter>& filters) override;
  Result<void> erase_filters(const std::vector<Filter>& filters) override;
  Result<std::vector<ClientWeight>> client_weights() override;
  Result<void> put_client_weight(const ClientWeight& weight) override;
  Result<void> erase_client_weight(const ClientWeight& weight) override;
  Result<void> write_all(const Writes& writes) override;
  Result<void> put_journal(const Writes& writes) override;
  Result<std::optional<Writes>> journal() override;
  Result<void> erase_journal() override;
  Result<uint32_t> pending() override;
  Result<void> set_pending(uint32_t service) override;
  Result<Ring> ring(const Service& service) override;
  Result<void> swap_ring(const Service& service, const Ring& ring) override;
  Result<void> erase_ring(uint32_t service) override;
  Result<void> swap_rings(const std::vector<std::pair<Service, Ring>>& rings) override;
  Result<void> swap_service_table(const std::vector<TableEntry>& entries) override;
  Result<bool> knows_replies_to(const Address& source) override;
  Result<void> write_backend(const Service& service, const Backend& backend,
                             const Address& source) override;
  Result<void> erase_backend_record(uint32_t backend) override;
  Result<std::vector<uint64_t>> backends_freed() override;
  Result<void> set_endpoints(const std::vector<std::pair<Endpoint, uint32_t>>& endpoints) override;
  Result<void> set_endpoint(const Endpoint& endpoint, uint32_t service) override;
  Result<Route> route_towards(const Address& destination) override;
  Result<void> purge_backends(const std::vector<uint32_t>& backends) override;
  Result<std::vector<TrackedFlow>> tracked_flows() override;
  Result<void> purge_flows(const std::vector<TrackedFlow>& flows) override;
  Result<std::optional<Address>> backend_source(uint32_t backend) override;
  Result<std::vector<Address>> backend_sources(const std::vector<uint32_t>& backends) override;
  Result<Traffic> backend_traffic(uint32_t backend) override;
  Result<void> clear_backend_traffic(uint32_t backend) override;
  Result<void> clear_verdicts(uint32_t service) override;
  Result<FlowTotals> flow_totals(uint32_t service) override;
  Result<std::vector<VerdictCount>> verdicts(uint32_t service) override;

  Result<std::vector<FlowRecord>> flows();

 private:
  Result<void> set_service_prefixes(const std::vector<TableEntry>& entries);

  std::string directory_;
  sluice_instance root_{};
  Map<uint32_t, sluice_instance> instance_;
  Map<sluice_name, sluice_service_config> service_configs_;
  Map<sluice_backend_key, sluice_backend_config> backend_configs_;
  Map<uint32_t, sluice_policy> policies_;
  Map<sluice_filter_key, uint32_t> source_filters_;
  Map<sluice_filter_key, uint32_t> client_weights_;
  Map<sluice_endpoint, uint32_t> endpoints_;
  Map<uint32_t, uint32_t> service_tables_;  // outer: values are map fds in, ids out
  Map<sluice_prefix_key, sluice_service_entry> service_prefixes_;
  Map<uint32_t, sluice_address_filter> address_filter_;
  Map<uint32_t, sluice_backend> backends_;
  Map<uint32_t, uint64_t> backends_freed_;
  Map<sluice_flow, sluice_tracked_flow> flows_;
  Map<sluice_flow, sluice_tracked_flow> half_open_;
  Map<sluice_flow, sluice_translation> translations_;
  Map<uint32_t, sluice_share> shares_;
  PerCpuArray<sluice_backend_path> backend_paths_;
  PerCpuArray<sluice_verdict_counters> verdicts_;
  PerCpuArray<sluice_flow_totals> flow_totals_;
  RingStore ring_store_;
  InnerMaps inner_maps_;
};

}  // namespace sluice
