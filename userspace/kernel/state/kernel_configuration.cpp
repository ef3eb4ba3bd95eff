// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/kernel_configuration.h"

#include <algorithm>

#include "kernel/state/open_map_into.h"
#include "kernel/state/records.h"
#include "kernel/state/release.h"
#include "sluice/flow.h"

namespace sluice {
namespace {

constexpr uint32_t kRoot = 0;

}  // namespace

Result<KernelConfiguration> KernelConfiguration::open(const std::string& directory) {
  KernelConfiguration opened;
  opened.directory_ = directory;
  opened.root_ = TRY(instance_root(directory));
  TRY(open_map_into(opened.instance_, directory, "instance"));
  TRY(open_map_into(opened.service_configs_, directory, "service_configs"));
  TRY(open_map_into(opened.backend_configs_, directory, "backend_configs"));
  TRY(open_map_into(opened.policies_, directory, "policies"));
  TRY(open_map_into(opened.shares_, directory, "shares"));
  TRY(open_map_into(opened.source_filters_, directory, "source_filters"));
  TRY(open_map_into(opened.client_weights_, directory, "client_weights"));
  const auto flows = TRY(Map<sluice_flow, sluice_tracked_flow>::open(directory, "flows"));
  opened.capacities_ = {.services = opened.service_configs_.capacity(),
                        .backends = opened.backend_configs_.capacity(),
                        .filters = opened.source_filters_.capacity(),
                        .client_weights = opened.client_weights_.capacity(),
                        .flows = flows.capacity()};
  return opened;
}

Result<std::vector<Service>> KernelConfiguration::services() {
  auto entries = TRY(service_configs_.entries());
  std::vector<Service> services;
  services.reserve(entries.size());
  for (const auto& [name, config] : entries) services.push_back(service_from(name, config));
  std::sort(services.begin(), services.end(),
            [](const Service& a, const Service& b) { return a.name < b.name; });
  return services;
}

Result<std::vector<Backend>> KernelConfiguration::backends() {
  auto entries = TRY(backend_configs_.entries());
  // By number. Only the numbers are sorted: moving thousands of records costs more.
  std::vector<std::pair<uint32_t, uint32_t>> order;
  order.reserve(entries.size());
  for (uint32_t i = 0; i < entries.size(); i++) order.emplace_back(entries[i].second.backend, i);
  std::sort(order.begin(), order.end());
  std::vector<Backend> backends;
  backends.reserve(entries.size());
  for (const auto& [number, i] : order)
    backends.push_back(backend_from(entries[i].first, entries[i].second));
  return backends;
}

Result<std::vector<std::pair<uint32_t, Policy>>> KernelConfiguration::policies() {
  auto entries = TRY(policies_.entries());
  std::vector<std::pair<uint32_t, Policy>> policies;
  for (const auto& [service, record] : entries) policies.emplace_back(service, policy_from(record));
  std::sort(policies.begin(), policies.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return policies;
}

Result<std::vector<Filter>> KernelConfiguration::filters() {
  auto entries = TRY(source_filters_.entries());
  std::vector<Filter> filters;
  filters.reserve(entries.size());
  for (const auto& [key, record] : entries) filters.push_back(filter_from(key, record));
  std::sort(filters.begin(), filters.end(), [](const Filter& a, const Filter& b) {
    return a.service == b.service ? a.prefix < b.prefix : a.service < b.service;
  });
  return filters;
}

Result<std::vector<ClientWeight>> KernelConfiguration::client_weights() {
  auto entries = TRY(client_weights_.entries());
  std::vector<ClientWeight> weights;
  weights.reserve(entries.size());
  for (const auto& [key, weight] : entries) weights.push_back(client_weight_from(key, weight));
  std::sort(weights.begin(), weights.end(), [](const ClientWeight& a, const ClientWeight& b) {
    return a.service == b.service ? a.prefix < b.prefix : a.service < b.service;
  });
  return weights;
}

// Erases also what is kept for a service beside its policy.
Result<void> KernelConfiguration::write_policy(uint32_t service, const Policy& policy) {
  if (policy != Policy{}) return policies_.put(service, policy_record(policy));
  TRY(policies_.erase(service));
  return shares_.erase(service);
}

Result<void> KernelConfiguration::write_weight(const ClientWeight& weight) {
  const sluice_filter_key key = client_weight_key(weight);
  return weight.weight == 0 ? client_weights_.erase(key) : client_weights_.put(key, weight.weight);
}

Result<void> KernelConfiguration::write_all(const Writes& writes) {
  std::vector<std::pair<sluice_name, sluice_service_config>> services;
  for (const Service& service : writes.services)
    services.emplace_back(name_record(service.name), service_record(service));
  TRY(service_configs_.put_all(services));
  std::vector<std::pair<sluice_backend_key, sluice_backend_config>> backends;
  for (const Backend& backend : writes.backends)
    backends.emplace_back(backend_key(backend), backend_record(backend));
  TRY(backend_configs_.put_all(backends));
  for (const auto& [service, policy] : writes.policies) TRY(write_policy(service, policy));
  for (const ClientWeight& weight : writes.weights) TRY(write_weight(weight));
  std::vector<std::pair<sluice_filter_key, uint32_t>> filters;
  for (const Filter& filter : writes.filters)
    filters.emplace_back(filter_key(filter), filter_record(filter));
  return source_filters_.put_all(filters);
}

Result<void> KernelConfiguration::erase_service(const Service& service) {
  return service_configs_.erase(name_record(service.name));
}

Result<void> KernelConfiguration::erase_backend(const Backend& backend) {
  return backend_configs_.erase(backend_key(backend));
}

Result<void> KernelConfiguration::erase_filters(const std::vector<Filter>& filters) {
  for (const Filter& filter : filters) TRY(source_filters_.erase(filter_key(filter)));
  return {};
}

Result<uint32_t> KernelConfiguration::pending() {
  auto root = TRY(instance_.find(kRoot));
  return root.value_or(sluice_instance{}).pending;
}

Result<void> KernelConfiguration::set_pending(uint32_t service) {
  root_.pending = service;
  return instance_.put(kRoot, root_);
}

}  // namespace sluice
