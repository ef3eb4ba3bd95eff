// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The maps that all services share, built from the configuration: the packet path's service table,
// and the endpoints by which `decap`, `pace` and `congestion` find a service.
#include <algorithm>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "control/derive.h"
#include "model/demand.h"
#include "model/service_options.h"

namespace sluice {

namespace {

bool before(const Endpoint& a, const Endpoint& b) {
  if (!(a.address == b.address)) return a.address < b.address;
  return std::tie(a.port, a.l4_proto, a.prefix_bits) < std::tie(b.port, b.l4_proto, b.prefix_bits);
}

// The address itself, of any port: the destination of echo requests and of fragments without ports.
Endpoint address_of(const Endpoint& endpoint) {
  return {endpoint.address, 0, endpoint.address.is_v4() ? L4Proto::icmp : L4Proto::icmpv6,
          endpoint.prefix_bits};
}

void demand_whole(const Configuration& configuration) {
  demand(configuration.whole, "tables: from the configuration of one service");
}

uint32_t flags_of(const Filter& filter) {
  if (filter.removing) return 0;
  return filter.action == FilterAction::allow ? SLUICE_SERVICE_FILTERED | SLUICE_SERVICE_DENIES
                                              : SLUICE_SERVICE_FILTERED;
}

uint32_t option_flags(const Service& service) {
  uint32_t flags = 0;
  if (traits(service.mode).keeps_translations) flags |= SLUICE_SERVICE_TRANSLATED;
  for (const ServiceOption& option : service_options())
    if (!is_default(option, service)) flags |= option.flag;
  return flags;
}

std::vector<TableEntry> entries_of_services(const Configuration& configuration) {
  std::unordered_map<uint32_t, uint32_t> flags;
  for (const Filter& filter : configuration.filters) flags[filter.service] |= flags_of(filter);
  for (const auto& [service, policy] : configuration.policies) {
    flags[service] |= policy_flags(policy);
  }
  std::vector<TableEntry> entries;
  for (const Service& service : configuration.services) {
    if (service.removing) continue;
    entries.push_back({.endpoint = service.endpoint,
                       .service = service.number,
                       .flags = flags[service.number] | option_flags(service),
                       .salt = affinity_salt(service)});
    entries.push_back({.endpoint = address_of(service.endpoint),
                       .service = service.number,
                       .flags = SLUICE_SERVICE_ADDRESS});
  }
  return entries;
}

// Of services whose mode is wanted, including those that are removing: their replies still arrive.
template <typename Take>
void for_backends(const Configuration& configuration, bool (*wanted)(const ModeTraits&),
                  Take take) {
  std::unordered_map<uint32_t, const Service*> services;
  for (const Service& service : configuration.services) {
    if (wanted(traits(service.mode))) services.emplace(service.number, &service);
  }
  if (services.empty()) return;
  for (const Backend& backend : configuration.backends) {
    const auto service = services.find(backend.service);
    if (service != services.end()) take(*service->second, backend);
  }
}

// Replies from a backend belong to one service. If a service replaces another, they belong to the
// new one.
void add_nat_replies(const Configuration& configuration, std::vector<TableEntry>& entries) {
  std::vector<TableEntry> leaving;
  const size_t first = entries.size();
  const auto stateless = [](const ModeTraits& mode) { return mode.replies_by_source(); };
  for_backends(configuration, stateless, [&](const Service& service, const Backend& backend) {
    (service.removing ? leaving : entries)
        .push_back({.endpoint = {backend.at.address, backend.at.port, service.endpoint.l4_proto},
                    .service = service.number,
                    .flags = SLUICE_SERVICE_NAT_REPLIES,
                    .salt = backend.number});
  });
  const size_t staying = entries.size();
  for (const TableEntry& entry : leaving) {
    const auto same = [&](const TableEntry& other) { return other.endpoint == entry.endpoint; };
    const auto begin = entries.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = entries.begin() + static_cast<std::ptrdiff_t>(staying);
    if (std::none_of(begin, end, same)) entries.push_back(entry);
  }
}

void sort_and_merge(std::vector<TableEntry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const TableEntry& a, const TableEntry& b) {
    if (before(a.endpoint, b.endpoint)) return true;
    if (before(b.endpoint, a.endpoint)) return false;
    return a.service < b.service;
  });
  // Only addresses occur more than once; they belong to the service of the lowest number.
  const auto last = std::unique(
      entries.begin(), entries.end(),
      [](const TableEntry& a, const TableEntry& b) { return a.endpoint == b.endpoint; });
  entries.erase(last, entries.end());
}

// A service or a backend that listens at an endpoint.
struct Claim {
  Endpoint endpoint;
  bool of_backend;
  bool leaving;  // its service is removing
  uint32_t service;
};

template <typename Take>
void for_claims(const Configuration& configuration, Take take) {
  std::unordered_map<uint32_t, const Service*> services;
  services.reserve(configuration.services.size());
  for (const Service& service : configuration.services) {
    // Including those that are removing: their servers still find them by the endpoint.
    services.emplace(service.number, &service);
    // Prefixes are in `service_prefixes`.
    if (service.endpoint.is_prefix()) continue;
    take(Claim{service.endpoint, false, service.removing, service.number});
    take(Claim{address_of(service.endpoint), false, service.removing, service.number});
  }
  for (const Backend& backend : configuration.backends) {
    const auto service = services.find(backend.service);
    if (service == services.end()) continue;
    const L4Proto l4_proto = service->second->endpoint.l4_proto;
    take(Claim{{backend.at.address, backend.at.port, l4_proto},
               true,
               service->second->removing,
               backend.service});
  }
}

// Of two claims to one endpoint.
bool goes_before(const Claim& a, const Claim& b) {
  return std::tie(a.of_backend, a.leaving, a.service) <
         std::tie(b.of_backend, b.leaving, b.service);
}

}  // namespace

uint32_t policy_flags(const Policy& policy) {
  uint32_t flags = 0;
  if (policy.lowers_windows()) flags |= SLUICE_SERVICE_WINDOWED;
  if (policy.connections_per_sec > 0) flags |= SLUICE_SERVICE_LIMITED;
  if (policy.ingress_rate_bytes_per_sec > 0) flags |= SLUICE_SERVICE_POLICED;
  return flags;
}

uint32_t filter_flags(const Configuration& configuration, uint32_t service) {
  uint32_t flags = 0;
  for (const Filter& filter : configuration.filters)
    if (filter.service == service) flags |= flags_of(filter);
  return flags;
}

Result<std::vector<TableEntry>> table_entries(PacketPath& packet_path,
                                              const Configuration& configuration) {
  demand_whole(configuration);
  std::vector<TableEntry> entries = entries_of_services(configuration);
  add_nat_replies(configuration, entries);
  std::vector<uint32_t> translated;
  const auto tracks = [](const ModeTraits& mode) { return mode.keeps_translations; };
  for_backends(configuration, tracks, [&](const Service&, const Backend& backend) {
    translated.push_back(backend.number);
  });
  if (!translated.empty()) {
    auto sources = TRY(packet_path.backend_sources(translated));
    for (const Address& source : sources) {
      entries.push_back({.endpoint = {.address = source, .l4_proto = L4Proto::any},
                         .flags = SLUICE_SERVICE_REPLIES});
    }
  }
  sort_and_merge(entries);
  return entries;
}

std::vector<std::pair<Endpoint, uint32_t>> endpoints_of(const Configuration& configuration) {
  demand_whole(configuration);
  std::vector<Claim> claims;
  for_claims(configuration, [&](const Claim& claim) { claims.push_back(claim); });
  std::sort(claims.begin(), claims.end(), [](const Claim& a, const Claim& b) {
    if (before(a.endpoint, b.endpoint)) return true;
    return a.endpoint == b.endpoint && goes_before(a, b);
  });
  std::vector<std::pair<Endpoint, uint32_t>> endpoints;
  for (const Claim& claim : claims) {
    if (!endpoints.empty() && endpoints.back().first == claim.endpoint) continue;
    endpoints.emplace_back(claim.endpoint, claim.service);
  }
  return endpoints;
}

uint32_t endpoint_service(const Configuration& configuration, const Endpoint& endpoint) {
  demand_whole(configuration);
  std::optional<Claim> best;
  for_claims(configuration, [&](const Claim& claim) {
    if (claim.endpoint == endpoint && (!best || goes_before(claim, *best))) best = claim;
  });
  return best ? best->service : 0;
}

}  // namespace sluice
