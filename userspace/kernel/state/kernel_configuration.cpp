// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/kernel_configuration.h"

#include <algorithm>
#include <numeric>

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
  opened.capacities_ = {.services = opened.service_configs_.capacity() - 1,
                        .backends = opened.backend_configs_.capacity() - 1,
                        .filters = opened.source_filters_.capacity(),
                        .client_weights = opened.client_weights_.capacity(),
                        .flows = flows.capacity()};
  return opened;
}

Result<std::vector<Service>> KernelConfiguration::services() {
  std::vector<Service> services;
  TRY(service_configs_.for_each_mapped(
      &sluice_service_config::service, {},
      [&](uint32_t, const auto& config) { services.push_back(service_from(config)); }));
  // Only numbers are sorted: moving the records costs more.
  std::vector<uint32_t> order(services.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return services[a].name < services[b].name; });
  std::vector<Service> sorted;
  sorted.reserve(services.size());
  for (const uint32_t i : order) sorted.push_back(std::move(services[i]));
  return sorted;
}

Result<std::optional<Service>> KernelConfiguration::service_with_name(const std::string& name) {
  std::optional<Service> found;
  TRY(service_configs_.for_each_mapped(&sluice_service_config::service, {},
                                       [&](uint32_t, const auto& config) {
                                         if (config.removing == 0 && name == config.name.text)
                                           found = service_from(config);
                                       }));
  return found;
}

Result<std::vector<Backend>> KernelConfiguration::backends() {
  return read_backends({});
}

Result<std::vector<Backend>> KernelConfiguration::backends_of(uint32_t service) {
  return read_backends(service);
}

Result<std::vector<Backend>> KernelConfiguration::read_backends(std::optional<uint32_t> service) {
  std::vector<Backend> backends;
  TRY(backend_configs_.for_each_mapped(&sluice_backend_config::service, service,
                                       [&](uint32_t number, const auto& config) {
                                         backends.push_back(backend_from(number, config));
                                       }));
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
  std::vector<std::pair<uint32_t, sluice_service_config>> services;
  for (const Service& service : writes.services)
    services.emplace_back(service.number, service_record(service));
  TRY(service_configs_.put_all(services));
  std::vector<std::pair<uint32_t, sluice_backend_config>> backends;
  for (const Backend& backend : writes.backends)
    backends.emplace_back(backend.number, backend_record(backend));
  TRY(backend_configs_.put_all(backends));
  for (const auto& [service, policy] : writes.policies) TRY(write_policy(service, policy));
  for (const ClientWeight& weight : writes.weights) TRY(write_weight(weight));
  std::vector<std::pair<sluice_filter_key, uint32_t>> filters;
  for (const Filter& filter : writes.filters)
    filters.emplace_back(filter_key(filter), filter_record(filter));
  return source_filters_.put_all(filters);
}

Result<void> KernelConfiguration::erase_service(const Service& service) {
  return service_configs_.put(service.number, sluice_service_config{});
}

Result<void> KernelConfiguration::erase_backend(const Backend& backend) {
  return backend_configs_.put(backend.number, sluice_backend_config{});
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
