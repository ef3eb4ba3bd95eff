// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The port between control and what it acts on: the kernel's maps (userspace/kernel), or memory in
// tests. The packet path sees every call as atomic, and no call depends on another: a process
// killed between two calls leaves a state that control/recover.h can finish.
//
// The order of a change is always: set_pending, the configuration (this write is the commit), what
// derives from it, set_pending(0). See control/commit.h.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "model/policy.h"
#include "model/ring.h"
#include "model/service.h"
#include "sluice/flow.h"
#include "sluice/instance.h"
#include "sluice/verdict.h"
#include "support/result.h"

namespace sluice {

struct Capacities {
  uint32_t services = 0;
  uint32_t backends = 0;
  uint32_t filters = 0;
  uint32_t client_weights = 0;
  uint32_t flows = 0;
};

// An entry of the packet path's service table, before it is laid out (struct sluice_service_entry).
struct TableEntry {
  Endpoint endpoint;
  uint32_t service = 0;
  uint32_t flags = 0;  // enum sluice_service_flag
  uint32_t salt = 0;

  friend bool operator==(const TableEntry&, const TableEntry&) = default;
};

// The kernel's route to an address.
struct Route {
  Address source;        // the local address that it would send from
  bool on_link = false;  // to a neighbour, not through a gateway
  uint32_t mtu = 0;      // bytes, from the IP header on

  friend bool operator==(const Route&, const Route&) = default;
};

// An entry of map `flows` or `half_open`.
struct TrackedFlow {
  sluice_flow flow{};
  uint32_t backend = 0;
  uint32_t seen_s = 0;  // by Dataplane::now_s()
  bool half_open = false;

  friend bool operator==(const TrackedFlow& a, const TrackedFlow& b) {
    return memcmp(&a.flow, &b.flow, sizeof(a.flow)) == 0 && a.backend == b.backend &&
           a.seen_s == b.seen_s && a.half_open == b.half_open;
  }
};

struct VerdictCount {
  sluice_verdict verdict{};
  uint64_t packets = 0;
  uint64_t bytes = 0;
};

// The records that one change writes into the configuration. What is removed is `removing`; a
// policy that limits nothing and a weight of 0 are erased.
struct Writes {
  std::vector<Service> services;
  std::vector<Backend> backends;
  std::vector<std::pair<uint32_t, Policy>> policies;  // by service number
  std::vector<Filter> filters;
  std::vector<ClientWeight> weights;

  [[nodiscard]] bool empty() const {
    return services.empty() && backends.empty() && policies.empty() && filters.empty() &&
           weights.empty();
  }
  friend bool operator==(const Writes&, const Writes&) = default;
};

class Dataplane {
 public:
  virtual ~Dataplane() = default;

  [[nodiscard]] virtual Capacities capacities() const = 0;
  // CLOCK_MONOTONIC_COARSE, the clock of rings and flows.
  [[nodiscard]] virtual uint32_t now_s() const = 0;
  // The seed of the hash that picks a flow's slot (model/flow_slot.h).
  [[nodiscard]] virtual const sluice_seed& seed() const = 0;

  // The configuration.
  virtual Result<std::vector<Service>> services() = 0;
  virtual Result<std::vector<Backend>> backends() = 0;                      // of all services
  virtual Result<std::vector<std::pair<uint32_t, Policy>>> policies() = 0;  // by service number
  virtual Result<std::vector<Filter>> filters() = 0;                        // by service and prefix
  virtual Result<void> put_service(const Service& service) = 0;
  virtual Result<void> erase_service(const Service& service) = 0;
  virtual Result<void> put_backend(const Backend& backend) = 0;
  virtual Result<void> erase_backend(const Backend& backend) = 0;
  virtual Result<void> put_policy(uint32_t service, const Policy& policy) = 0;
  virtual Result<void> erase_policy(uint32_t service) = 0;  // success when there is none
  // All of them or none, even if the process is killed during the call.
  virtual Result<void> put_filters(const std::vector<Filter>& filters) = 0;
  virtual Result<void> erase_filters(const std::vector<Filter>& filters) = 0;
  virtual Result<std::vector<ClientWeight>> client_weights() = 0;  // by service and prefix
  virtual Result<void> put_client_weight(const ClientWeight& weight) = 0;
  virtual Result<void> erase_client_weight(const ClientWeight& weight) = 0;  // if there is one

  // Many writes at once. A kill may interrupt them; they can be repeated.
  virtual Result<void> write_all(const Writes& writes) = 0;

  // What a transaction writes, kept as a whole or not at all, beside the configuration. It is
  // committed while pending() is SLUICE_PENDING_JOURNAL. Nothing: there is no journal.
  virtual Result<void> put_journal(const Writes& writes) = 0;
  virtual Result<std::optional<Writes>> journal() = 0;
  virtual Result<void> erase_journal() = 0;  // success when there is none

  // 0, a service's number, or SLUICE_PENDING_ALL or _JOURNAL: see struct sluice_instance.
  virtual Result<uint32_t> pending() = 0;
  virtual Result<void> set_pending(uint32_t service) = 0;

  // What the packet path reads.
  virtual Result<Ring> ring(const Service& service) = 0;  // empty: none yet
  // When it returns, no packet in flight uses the former ring.
  virtual Result<void> swap_ring(const Service& service, const Ring& ring) = 0;
  virtual Result<void> erase_ring(uint32_t service) = 0;  // success when there is none
  // The same for several services, with one wait for all of them. An empty ring is erased.
  virtual Result<void> swap_rings(const std::vector<std::pair<Service, Ring>>& rings) {
    for (const auto& [service, ring] : rings) {
      TRY(ring.empty() ? erase_ring(service.number) : swap_ring(service, ring));
    }
    return {};
  }
  virtual Result<void> swap_service_table(const std::vector<TableEntry>& entries) = 0;
  // Does the live service table have this address for replies of snat?
  virtual Result<bool> knows_replies_to(const Address& source) = 0;
  // The record that rings and flows refer to by number. `source`: from route_towards().
  virtual Result<void> write_backend(const Service& service, const Backend& backend,
                                     const Address& source) = 0;
  // Also records the time at which its number became free.
  virtual Result<void> erase_backend_record(uint32_t backend) = 0;
  // When each number was freed, by number: a larger value is later, 0 or no value: never used.
  virtual Result<std::vector<uint64_t>> backends_freed() = 0;
  // Sets the whole map of endpoints: endpoint to service number (bpf/maps/policies.h).
  virtual Result<void> set_endpoints(
      const std::vector<std::pair<Endpoint, uint32_t>>& endpoints) = 0;

  // Sets one endpoint; service 0 erases it. Repeating it is success.
  virtual Result<void> set_endpoint(const Endpoint& endpoint, uint32_t service) = 0;

  // Purges every tracked flow and translation of these backends. Precondition: they are down and no
  // ring has them, so no packet tracks a new flow for one of them.
  virtual Result<void> purge_backends(const std::vector<uint32_t>& backends) = 0;
  virtual Result<std::vector<TrackedFlow>> tracked_flows() = 0;  // of all services
  virtual Result<void> purge_flows(const std::vector<TrackedFlow>& flows) = 0;

  virtual Result<Route> route_towards(const Address& destination) = 0;
  // The source that a written backend record has; nothing for one that was never written.
  virtual Result<std::optional<Address>> backend_source(uint32_t backend) = 0;
  // Of all of these that have a record, each source once.
  virtual Result<std::vector<Address>> backend_sources(const std::vector<uint32_t>& backends) = 0;

  // Counters, added up over the CPUs.
  virtual Result<Traffic> backend_traffic(uint32_t backend) = 0;
  virtual Result<void> clear_backend_traffic(uint32_t backend) = 0;
  // Also the totals of its flows.
  virtual Result<void> clear_verdicts(uint32_t service) = 0;
  virtual Result<FlowTotals> flow_totals(uint32_t service) = 0;
  // Those that are not zero. Service 0: packets that belong to no service.
  virtual Result<std::vector<VerdictCount>> verdicts(uint32_t service) = 0;
};

}  // namespace sluice
