// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/ports/memory_instance.h"

#include <algorithm>

namespace sluice {
namespace {

// What a map has, in the order of its keys.
template <typename Items>
auto values_of(const Items& items) {
  std::vector<typename Items::mapped_type> values;
  values.reserve(items.size());
  for (const auto& [key, value] : items) values.push_back(value);
  return values;
}

template <typename Values>
typename Values::mapped_type value_or_none(const Values& values, uint32_t key) {
  const auto found = values.find(key);
  return found == values.end() ? typename Values::mapped_type{} : found->second;
}

// Filters and client weights are found by the same kind of key.
template <typename Item>
std::pair<uint32_t, std::string> item_key(const Item& item) {
  return {item.service, item.prefix.text()};
}

}  // namespace

template <typename Act>
Result<void> MemoryInstance::write(const char* name, Act act) {
  TRY(before_write());
  act();
  after_write(name);
  return {};
}

Result<std::vector<Service>> MemoryInstance::services() {
  TRY(before_read());
  auto services = values_of(memory.services);
  std::stable_sort(services.begin(), services.end(),
                   [](const Service& a, const Service& b) { return a.name < b.name; });
  return services;
}

Result<std::optional<Service>> MemoryInstance::service_with_name(const std::string& name) {
  TRY(before_read());
  for (const auto& [number, service] : memory.services)
    if (!service.removing && service.name == name) return service;
  return std::optional<Service>{};
}

Result<std::vector<Backend>> MemoryInstance::backends() {
  TRY(before_read());
  return values_of(memory.backends);
}

Result<std::vector<Backend>> MemoryInstance::backends_of(uint32_t service) {
  auto all = TRY(backends());
  std::erase_if(all, [&](const Backend& backend) { return backend.service != service; });
  return all;
}

Result<std::vector<std::pair<uint32_t, Policy>>> MemoryInstance::policies() {
  TRY(before_read());
  return std::vector<std::pair<uint32_t, Policy>>(memory.policies.begin(), memory.policies.end());
}

Result<std::vector<Filter>> MemoryInstance::filters() {
  TRY(before_read());
  return values_of(memory.filters);
}

Result<std::vector<ClientWeight>> MemoryInstance::client_weights() {
  TRY(before_read());
  return values_of(memory.client_weights);
}

Result<void> MemoryInstance::write_policy(uint32_t service, const Policy& policy) {
  if (policy == Policy{}) return write("erase_policy", [&] { memory.policies.erase(service); });
  return write("put_policy", [&] { memory.policies[service] = policy; });
}

Result<void> MemoryInstance::write_weight(const ClientWeight& weight) {
  if (weight.weight == 0)
    return write("erase_client_weight", [&] { memory.client_weights.erase(item_key(weight)); });
  return write("put_client_weight", [&] { memory.client_weights[item_key(weight)] = weight; });
}

Result<void> MemoryInstance::write_all(const Writes& writes) {
  for (const Service& service : writes.services)
    TRY(write("put_service", [&] { memory.services[service.number] = service; }));
  for (const Backend& backend : writes.backends)
    TRY(write("put_backend", [&] { memory.backends[backend.number] = backend; }));
  for (const auto& [service, policy] : writes.policies) TRY(write_policy(service, policy));
  for (const ClientWeight& weight : writes.weights) TRY(write_weight(weight));
  if (writes.filters.empty()) return {};
  return write("put_filters", [&] {
    for (const Filter& filter : writes.filters) memory.filters[item_key(filter)] = filter;
  });
}

Result<void> MemoryInstance::erase_service(const Service& service) {
  return write("erase_service", [&] { memory.services.erase(service.number); });
}

Result<void> MemoryInstance::erase_backend(const Backend& backend) {
  return write("erase_backend", [&] { memory.backends.erase(backend.number); });
}

Result<void> MemoryInstance::erase_filters(const std::vector<Filter>& filters) {
  return write("erase_filters", [&] {
    for (const Filter& filter : filters) memory.filters.erase(item_key(filter));
  });
}

Result<void> MemoryInstance::put_journal(const Writes& writes) {
  TRY(before_write());
  memory.journal = writes;
  return {};
}

Result<std::optional<Writes>> MemoryInstance::journal() {
  TRY(before_read());
  return memory.journal;
}

Result<void> MemoryInstance::erase_journal() {
  TRY(before_write());
  memory.journal.reset();
  return {};
}

Result<uint32_t> MemoryInstance::pending() {
  TRY(before_read());
  return memory.pending;
}

Result<void> MemoryInstance::set_pending(uint32_t service) {
  TRY(before_write());
  memory.pending = service;
  return {};
}

Result<Ring> MemoryInstance::ring(const Service& service) {
  TRY(before_read());
  return value_or_none(memory.rings, service.number);
}

Result<void> MemoryInstance::swap_ring(const Service& service, const Ring& ring) {
  if (ring.empty()) {
    return write("erase_ring", [&] {
      memory.rings.erase(service.number);
      memory.ring_timeouts.erase(service.number);
    });
  }
  return write("swap_ring", [&] {
    memory.rings[service.number] = ring;
    memory.ring_timeouts[service.number] = service_timeout_s(service);
  });
}

Result<void> MemoryInstance::swap_rings(const std::vector<std::pair<Service, Ring>>& rings) {
  for (const auto& [service, ring] : rings) TRY(swap_ring(service, ring));
  return {};
}

Result<void> MemoryInstance::swap_service_table(const std::vector<TableEntry>& entries) {
  return write("swap_service_table", [&] { memory.table = entries; });
}

Result<bool> MemoryInstance::knows_replies_to(const Address& source) {
  TRY(before_read());
  return std::any_of(memory.table.begin(), memory.table.end(), [&](const TableEntry& entry) {
    return entry.flags == SLUICE_SERVICE_REPLIES && entry.endpoint.address == source;
  });
}

Result<void> MemoryInstance::write_backend(const Service& service, const Backend& backend,
                                           const Address& source) {
  return write("write_backend", [&] {
    memory.records[backend.number] = {service.number, backend.at, service.mode,
                                      effective_state(backend), source};
  });
}

Result<void> MemoryInstance::erase_backend_record(uint32_t backend) {
  return write("erase_backend_record", [&] {
    memory.records.erase(backend);
    std::erase(memory.freed, backend);
    memory.freed.push_back(backend);
  });
}

Result<std::vector<uint64_t>> MemoryInstance::backends_freed() {
  TRY(before_read());
  std::vector<uint64_t> freed(limits.backends + 1);
  for (size_t i = 0; i < memory.freed.size(); i++) freed[memory.freed[i]] = i + 1;
  return freed;
}

Result<std::optional<Address>> MemoryInstance::backend_source(uint32_t backend) {
  TRY(before_read());
  const auto found = memory.records.find(backend);
  if (found == memory.records.end()) return std::optional<Address>{};
  return std::optional<Address>{found->second.source};
}

Result<std::vector<Address>> MemoryInstance::backend_sources(
    const std::vector<uint32_t>& backends) {
  TRY(before_read());
  std::set<Address> sources;
  for (const uint32_t backend : backends) {
    const auto found = memory.records.find(backend);
    if (found != memory.records.end()) sources.insert(found->second.source);
  }
  return std::vector<Address>(sources.begin(), sources.end());
}

Result<void> MemoryInstance::set_endpoints(
    const std::vector<std::pair<Endpoint, uint32_t>>& endpoints) {
  return write("set_endpoints", [&] { memory.endpoints = {endpoints.begin(), endpoints.end()}; });
}

Result<void> MemoryInstance::set_endpoint(const Endpoint& endpoint, uint32_t service) {
  return write("set_endpoint", [&] {
    memory.endpoints.erase(endpoint);
    if (service != 0) memory.endpoints[endpoint] = service;
  });
}

Result<void> MemoryInstance::purge_backends(const std::vector<uint32_t>& backends) {
  return write("purge_backends", [&] {
    for (const uint32_t backend : backends) {
      memory.backends_with_tracked_flows.erase(backend);
      std::erase_if(memory.flows, [&](const TrackedFlow& flow) { return flow.backend == backend; });
    }
  });
}

Result<std::vector<TrackedFlow>> MemoryInstance::tracked_flows() {
  TRY(before_read());
  return memory.flows;
}

Result<void> MemoryInstance::purge_flows(const std::vector<TrackedFlow>& flows) {
  return write("purge_flows", [&] {
    std::erase_if(memory.flows, [&](const TrackedFlow& flow) {
      return std::find(flows.begin(), flows.end(), flow) != flows.end();
    });
  });
}

Result<Traffic> MemoryInstance::backend_traffic(uint32_t backend) {
  TRY(before_read());
  return value_or_none(memory.traffic, backend);
}

Result<void> MemoryInstance::clear_backend_traffic(uint32_t backend) {
  return write("clear_backend_traffic", [&] { memory.traffic.erase(backend); });
}

Result<std::vector<VerdictCount>> MemoryInstance::verdicts(uint32_t service) {
  TRY(before_read());
  std::vector<VerdictCount> counts;
  const uint64_t packets = value_or_none(memory.no_backend, service);
  if (packets != 0) counts.push_back({SLUICE_VERDICT_NO_BACKEND, packets, packets * 60});
  return counts;
}

Result<FlowTotals> MemoryInstance::flow_totals(uint32_t) {
  return FlowTotals{};
}

Result<void> MemoryInstance::clear_verdicts(uint32_t service) {
  return write("clear_verdicts", [&] { memory.no_backend.erase(service); });
}

}  // namespace sluice
