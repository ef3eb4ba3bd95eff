// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What packets read, what they leave behind per flow, and the kernel's routes.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "model/ring.h"
#include "model/service.h"
#include "sluice/flow.h"
#include "sluice/instance.h"
#include "support/result.h"

namespace sluice {

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
  uint32_t seen_s = 0;  // by PacketPath::now_s()
  bool half_open = false;

  friend bool operator==(const TrackedFlow& a, const TrackedFlow& b) {
    return memcmp(&a.flow, &b.flow, sizeof(a.flow)) == 0 && a.backend == b.backend &&
           a.seen_s == b.seen_s && a.half_open == b.half_open;
  }
};

class PacketPath {
 public:
  virtual ~PacketPath() = default;

  // CLOCK_MONOTONIC_COARSE, the clock of rings and flows.
  [[nodiscard]] virtual uint32_t now_s() const = 0;
  // The seed of the hash that picks a flow's slot (model/flow_slot.h).
  [[nodiscard]] virtual const sluice_seed& seed() const = 0;

  virtual Result<Ring> ring(const Service& service) = 0;  // empty: none yet
  // When it returns, no packet in flight uses a former ring. An empty ring is erased.
  virtual Result<void> swap_rings(const std::vector<std::pair<Service, Ring>>& rings) = 0;

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
  // The source that a written backend record has; nothing for one that was never written.
  virtual Result<std::optional<Address>> backend_source(uint32_t backend) = 0;
  // Of all of these that have a record, each source once.
  virtual Result<std::vector<Address>> backend_sources(const std::vector<uint32_t>& backends) = 0;

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
};

}  // namespace sluice
