// The two maps that all services share, put together from the configuration: the packet path's
// service table, and the endpoints by which `decap`, `pace` and `congestion` find a service.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "control/derive.h"

namespace sluice {

namespace {

struct EndpointOrder {
  bool operator()(const Endpoint& a, const Endpoint& b) const {
    if (!(a.address == b.address)) return a.address < b.address;
    return std::tie(a.port, a.l4_proto) < std::tie(b.port, b.l4_proto);
  }
};

}  // namespace

Result<std::vector<TableEntry>> table_entries(Dataplane& dataplane,
                                              const Configuration& configuration) {
  std::vector<TableEntry> entries;
  std::set<uint32_t> snat_services;
  for (const Service& service : configuration.services) {
    if (service.mode == Mode::snat) snat_services.insert(service.number);
    if (service.removing) continue;
    entries.push_back({.endpoint = service.endpoint,
                       .service = service.number,
                       .paced = configuration.policy(service.number) != nullptr,
                       .translated = service.mode == Mode::snat});
  }
  std::set<Address> sources;
  for (const Backend& backend : configuration.backends) {
    if (!snat_services.contains(backend.service)) continue;
    auto source = dataplane.backend_source(backend.number);
    if (!source) return tl::unexpected(source.error());
    if (*source) sources.insert(**source);
  }
  for (const Address& source : sources) {
    entries.push_back({.endpoint = {.address = source}, .replies = true});
  }
  std::sort(entries.begin(), entries.end(), [](const TableEntry& a, const TableEntry& b) {
    return EndpointOrder()(a.endpoint, b.endpoint);
  });
  return entries;
}

std::vector<std::pair<Endpoint, uint32_t>> endpoints_of(const Configuration& configuration) {
  std::map<uint32_t, L4Proto> l4_protos;
  std::map<Endpoint, uint32_t, EndpointOrder> endpoints;
  for (const Service& service : configuration.services) {
    l4_protos.emplace(service.number, service.endpoint.l4_proto);
  }
  for (const Backend& backend : configuration.backends) {
    auto l4_proto = l4_protos.find(backend.service);
    if (l4_proto == l4_protos.end()) continue;
    const Endpoint endpoint{backend.at.address, backend.at.port, l4_proto->second};
    auto [entry, added] = endpoints.emplace(endpoint, backend.service);
    if (!added) entry->second = std::min(entry->second, backend.service);
  }
  for (const Service& service : configuration.services) {
    endpoints.insert_or_assign(service.endpoint, service.number);
  }
  return {endpoints.begin(), endpoints.end()};
}

}  // namespace sluice
