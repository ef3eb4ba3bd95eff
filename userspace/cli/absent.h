// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The data plane of an instance that does not exist: it has no services and no backends, and every
// write fails. Dry runs, and changes that need an existing object, go through the same use cases with
// it, without creating an instance first.
#pragma once

#include "control/dataplane.h"

namespace sluice {

class AbsentDataplane final : public Dataplane {
 public:
  [[nodiscard]] Capacities capacities() const override;
  [[nodiscard]] uint32_t now_s() const override;
  [[nodiscard]] const sluice_seed& seed() const override;

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
  Result<void> swap_service_table(const std::vector<TableEntry>& entries) override;
  Result<bool> knows_replies_to(const Address& source) override;
  Result<void> write_backend(const Service& service, const Backend& backend,
                             const Address& source) override;
  Result<void> erase_backend_record(uint32_t backend) override;
  Result<std::vector<uint64_t>> backends_freed() override;
  Result<void> set_endpoints(const std::vector<std::pair<Endpoint, uint32_t>>& endpoints) override;
  Result<void> set_endpoint(const Endpoint& endpoint, uint32_t service) override;
  Result<void> purge_backends(const std::vector<uint32_t>& backends) override;
  Result<std::vector<TrackedFlow>> tracked_flows() override;
  Result<void> purge_flows(const std::vector<TrackedFlow>& flows) override;

  Result<Route> route_towards(const Address& destination) override;
  Result<std::optional<Address>> backend_source(uint32_t backend) override;
  Result<std::vector<Address>> backend_sources(const std::vector<uint32_t>& backends) override;

  Result<Traffic> backend_traffic(uint32_t backend) override;
  Result<void> clear_backend_traffic(uint32_t backend) override;
  Result<void> clear_verdicts(uint32_t service) override;
  Result<FlowTotals> flow_totals(uint32_t service) override;
  Result<std::vector<VerdictCount>> verdicts(uint32_t service) override;
};

}  // namespace sluice
