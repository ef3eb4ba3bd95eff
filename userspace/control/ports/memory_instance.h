// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An instance in memory. Empty, it stands for an instance that does not exist (cli/absent.h); unit
// tests fill it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/ports/dataplane.h"

namespace sluice {

// A backend's record of the packet path.
struct MemoryRecord {
  uint32_t service = 0;
  HostPort at;
  Mode mode{};
  BackendState state{};
  Address source;

  friend bool operator==(const MemoryRecord&, const MemoryRecord&) = default;
};

struct EndpointOrder {
  bool operator()(const Endpoint& a, const Endpoint& b) const {
    return std::pair{a.text(), a.l4_proto} < std::pair{b.text(), b.l4_proto};
  }
};

// Everything that outlives a command.
struct InstanceMemory {
  std::map<uint32_t, Service> services;
  std::map<uint32_t, Backend> backends;
  std::map<uint32_t, Policy> policies;
  std::map<std::pair<uint32_t, std::string>, Filter> filters;  // by service and prefix
  std::map<std::pair<uint32_t, std::string>, ClientWeight> client_weights;
  uint32_t pending = 0;
  std::optional<Writes> journal;
  std::map<uint32_t, Ring> rings;
  std::map<uint32_t, uint32_t> ring_timeouts;  // in the rings' lines, by service
  std::vector<TableEntry> table;
  std::map<uint32_t, MemoryRecord> records;
  std::vector<uint32_t> freed;  // numbers of backends, the one that was freed last at the end
  std::map<Endpoint, uint32_t, EndpointOrder> endpoints;
  std::map<uint32_t, Traffic> traffic;             // by backend
  std::map<uint32_t, uint64_t> no_backend;         // packets with that verdict, by service
  std::set<uint32_t> backends_with_tracked_flows;  // by number; beside `flows`
  std::vector<TrackedFlow> flows;

  friend bool operator==(const InstanceMemory&, const InstanceMemory&) = default;
};

// A derived class gives the clock, the seed and the routes, and observes the calls.
class MemoryInstance : public ConfigurationStore, public PacketPath, public TrafficCounters {
 public:
  InstanceMemory memory;
  Capacities limits;

  operator Dataplane() { return {*this, *this, *this}; }

  [[nodiscard]] Capacities capacities() const override { return limits; }
  Result<std::vector<Service>> services() override;
  Result<std::optional<Service>> service_with_name(const std::string& name) override;
  Result<std::vector<Backend>> backends() override;
  Result<std::vector<Backend>> backends_of(uint32_t service) override;
  Result<std::vector<std::pair<uint32_t, Policy>>> policies() override;
  Result<std::vector<Filter>> filters() override;
  Result<std::vector<ClientWeight>> client_weights() override;
  Result<void> write_all(const Writes& writes) override;
  Result<void> erase_service(const Service& service) override;
  Result<void> erase_backend(const Backend& backend) override;
  Result<void> erase_filters(const std::vector<Filter>& filters) override;
  Result<void> put_journal(const Writes& writes) override;
  Result<std::optional<Writes>> journal() override;
  Result<void> erase_journal() override;
  Result<uint32_t> pending() override;
  Result<void> set_pending(uint32_t service) override;

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

  Result<Traffic> backend_traffic(uint32_t backend) override;
  Result<void> clear_backend_traffic(uint32_t backend) override;
  Result<std::vector<VerdictCount>> verdicts(uint32_t service) override;
  Result<FlowTotals> flow_totals(uint32_t service) override;
  Result<void> clear_verdicts(uint32_t service) override;

 protected:
  // Before each call; an error becomes its result. write_all() and swap_rings() consist of one
  // write per record or ring, so that a test can interrupt them between any two.
  virtual Result<void> before_read() { return {}; }
  virtual Result<void> before_write() { return {}; }
  // After each write, except of the journal and the announcement. `name` is "put_service",
  // "swap_ring", "purge_flows" ...
  virtual void after_write(const char* /*name*/) {}

 private:
  template <typename Act>
  Result<void> write(const char* name, Act act);
  Result<void> write_policy(uint32_t service, const Policy& policy);
  Result<void> write_weight(const ClientWeight& weight);
  Result<void> swap_ring(const Service& service, const Ring& ring);
};

}  // namespace sluice
