// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/running.h"

#include <algorithm>

namespace sluice {

namespace {

// Maps have no order; the same state gives the same text.
void sort_parts(DesiredService& service) {
  const auto by_prefix = [](const auto& a, const auto& b) { return a.prefix < b.prefix; };
  std::sort(service.client_weights.begin(), service.client_weights.end(), by_prefix);
  // As a file has them: those that allow come first.
  std::sort(service.filters.begin(), service.filters.end(), [](const auto& a, const auto& b) {
    return a.action == b.action ? a.prefix < b.prefix : a.action == FilterAction::allow;
  });
  std::sort(service.backends.begin(), service.backends.end(), [](const auto& a, const auto& b) {
    return a.at.address == b.at.address ? a.at.port < b.at.port : a.at.address < b.at.address;
  });
}

}  // namespace

Running::Running(const Configuration& configuration) {
  services_.reserve(configuration.services.size());
  for (const Service& service : configuration.services)
    if (!service.removing) services_.push_back({.service = &service});
  std::unordered_map<uint32_t, RunningService*> by_number;
  by_number.reserve(services_.size());
  by_name_.reserve(services_.size());
  for (RunningService& each : services_) {
    by_name_.emplace(each.service->name, &each);
    by_number.emplace(each.service->number, &each);
  }
  const auto of = [&](uint32_t number) -> RunningService* {
    const auto found = by_number.find(number);
    return found == by_number.end() ? nullptr : found->second;
  };
  for (const Backend& backend : configuration.backends)
    if (RunningService* each = backend.removing ? nullptr : of(backend.service))
      each->backends.push_back(&backend);
  for (const Filter& filter : configuration.filters)
    if (RunningService* each = filter.removing ? nullptr : of(filter.service))
      each->filters.push_back(&filter);
  for (const ClientWeight& weight : configuration.weights)
    if (RunningService* each = of(weight.service)) each->weights.push_back(&weight);
  for (const auto& [number, policy] : configuration.policies)
    if (RunningService* each = of(number)) each->policy = policy;
}

const RunningService* Running::named(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

std::vector<DesiredService> services_of(const Configuration& configuration) {
  const Running running(configuration);
  std::vector<DesiredService> services;
  for (const RunningService& each : running.services()) {
    DesiredService service{.service = *each.service};
    service.service.number = 0;
    service.service.ring_bits = 0;
    service.service.retired = {};
    service.policy = each.policy;
    for (const Filter* filter : each.filters)
      service.filters.push_back({filter->prefix, filter->action});
    for (const ClientWeight* weight : each.weights)
      service.client_weights.push_back({weight->prefix, weight->weight});
    for (const Backend* backend : each.backends)
      service.backends.push_back({backend->at, backend->weight, backend->state});
    sort_parts(service);
    services.push_back(std::move(service));
  }
  std::sort(services.begin(), services.end(),
            [](const auto& a, const auto& b) { return a.service.name < b.service.name; });
  return services;
}

}  // namespace sluice
