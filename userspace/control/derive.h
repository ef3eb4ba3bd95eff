// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the packet path reads, derived from the configuration. Everything is derived through
// control/commit.h, and after a kill through control/recover.h.
//
// The order holds for a packet that arrives, and for a kill, between any two steps:
//   additions: records, endpoints, service table, rings. The table comes before the rings because
//     it has the addresses that snat replies come to: without them, replies of a backend that the
//     ring names would not be recognised.
//   removals: the state `down` in the record, rings without the backend, its flows, its counters,
//     its record, its configuration; then endpoints and service table once more, without it.
//   a service that is removed leaves the service table first: from then on its packets pass.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "control/configuration.h"
#include "control/ports/dataplane.h"

namespace sluice {

// What may be out of date. A change that starts from a whole state says what it touched
// (control/difference.h); after a kill, everything may be.
struct DirtySet {
  bool records = false;
  bool endpoints = false;
  bool table = false;
  bool rings = false;
  bool timeouts = false;  // of rings that move
  // Of services themselves, beside those of backends.
  bool service_endpoints = false;
  // Of the records, and of the endpoints. Nothing: all of them.
  std::optional<std::vector<uint32_t>> only_backends{};
  // Of records that do not exist yet: the source address of the route, by backend number.
  std::map<uint32_t, Address> sources{};

  static DirtySet everything() {
    return {.records = true, .endpoints = true, .table = true, .rings = true, .timeouts = true};
  }
};

// The configuration is kept up to date with what is written and erased.
Result<void> derive_services(Dataplane dataplane, Configuration& configuration,
                             const std::vector<uint32_t>& numbers, const DirtySet& dirty);

// What the service table says of a policy: enum sluice_service_flag.
[[nodiscard]] uint32_t policy_flags(const Policy& policy);
// The same of a service's filters.
[[nodiscard]] uint32_t filter_flags(const Configuration& configuration, uint32_t service);

// Every service that is not removing, their addresses, the addresses that snat replies come to and
// the backends that nat replies come from.
Result<std::vector<TableEntry>> table_entries(PacketPath& packet_path,
                                              const Configuration& configuration);
// Endpoints of services of one address, of these addresses themselves (any port, ICMP) and of
// backends. An endpoint of both a service and a backend is the service's; one of several services
// is that of the lowest number.
[[nodiscard]] std::vector<std::pair<Endpoint, uint32_t>> endpoints_of(
    const Configuration& configuration);
// The service of this endpoint; 0: none.
[[nodiscard]] uint32_t endpoint_service(const Configuration& configuration,
                                        const Endpoint& endpoint);

}  // namespace sluice
