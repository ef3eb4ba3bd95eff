// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Views are read without the lock: during a change they show a part of it, but nothing that the
// operator has removed.
#include "control/views.h"

#include <algorithm>
#include <unordered_map>

#include "control/configuration.h"
#include "control/settle.h"

namespace sluice {

namespace {

// What belongs to a service, grouped once for all services.
struct Belongings {
  std::vector<const Backend*> backends;
  std::vector<Filter> filters;
  std::vector<ClientWeight> weights;
  std::optional<Policy> policy;
};

using ByService = std::unordered_map<uint32_t, Belongings>;

ByService by_service(const Configuration& configuration) {
  ByService all;
  for (const Backend& backend : configuration.backends) {
    all[backend.service].backends.push_back(&backend);
  }
  for (const Filter& filter : configuration.filters) {
    if (!filter.removing) all[filter.service].filters.push_back(filter);
  }
  for (const ClientWeight& weight : configuration.weights) {
    all[weight.service].weights.push_back(weight);
  }
  for (const auto& [service, policy] : configuration.policies) all[service].policy = policy;
  return all;
}

Result<ServiceView> view_of(Dataplane dataplane, ByService& all, const Service& service) {
  const Belongings& belongings = all[service.number];
  ServiceView view;
  view.service = service;
  view.traffic = service.retired;
  view.policy = belongings.policy;
  view.filters = belongings.filters;
  view.weights = belongings.weights;

  auto ring = TRY(dataplane.packet_path.ring(service));
  view.slots = ring.size();
  view.moving_slots = ring_moving_slots(ring);
  std::unordered_map<uint32_t, size_t> slots;
  for (const RingSlot& slot : ring) slots[slot.backend]++;

  for (const Backend* backend : belongings.backends) {
    auto traffic = TRY(dataplane.counters.backend_traffic(backend->number));
    view.traffic += traffic;
    if (!backend->removing) view.backends.push_back({*backend, slots[backend->number], traffic});
  }
  std::sort(view.backends.begin(), view.backends.end(),
            [](const BackendView& a, const BackendView& b) {
              const HostPort& left = a.backend.at;
              const HostPort& right = b.backend.at;
              if (left.address == right.address) return left.port < right.port;
              return left.address < right.address;
            });

  auto verdicts = TRY(dataplane.counters.verdicts(service.number));
  view.verdicts = std::move(verdicts);
  auto totals = TRY(dataplane.counters.flow_totals(service.number));
  view.flow_totals = totals;
  return view;
}

// For all views at once, because it takes a pass over the tables. Settled slots track nothing.
Result<void> count_tracked(PacketPath& packet_path, const Configuration& configuration,
                           std::vector<ServiceView>& views) {
  if (std::none_of(views.begin(), views.end(),
                   [](const ServiceView& view) { return view.moving_slots > 0; }))
    return {};
  auto flows = TRY(tracked_by_service(packet_path, configuration));
  for (ServiceView& view : views) view.tracked_flows = flows[view.service.number].size();
  return {};
}

}  // namespace

Result<std::vector<ServiceView>> service_views(Dataplane dataplane) {
  auto configuration = TRY(Configuration::load(dataplane.configuration));
  ByService all = by_service(configuration);
  std::vector<ServiceView> views;
  for (const Service& service : configuration.services) {
    if (service.removing) continue;
    auto view = TRY(view_of(dataplane, all, service));
    views.push_back(std::move(view));
  }
  TRY(count_tracked(dataplane.packet_path, configuration, views));
  std::sort(views.begin(), views.end(), [](const ServiceView& a, const ServiceView& b) {
    return a.service.name < b.service.name;
  });
  return views;
}

Result<ServiceView> service_view(Dataplane dataplane, const std::string& name) {
  auto configuration = TRY(Configuration::load(dataplane.configuration));
  auto service = TRY(find_service(configuration, name));
  ByService all = by_service(configuration);
  auto view = TRY(view_of(dataplane, all, *service));
  std::vector<ServiceView> views{std::move(view)};
  TRY(count_tracked(dataplane.packet_path, configuration, views));
  return std::move(views.front());
}

namespace {

// Names by service number: of all services, or of the named one.
Result<std::unordered_map<uint32_t, std::string>> names_of(Configuration& configuration,
                                                           const std::string& service) {
  std::unordered_map<uint32_t, std::string> names;
  if (!service.empty()) {
    auto found = TRY(find_service(configuration, service));
    names.emplace(found->number, service);
    return names;
  }
  for (const Service& each : configuration.services) {
    if (!each.removing) names.emplace(each.number, each.name);
  }
  return names;
}

}  // namespace

Result<std::vector<FilterView>> filter_views(ConfigurationStore& store,
                                             const std::string& service) {
  auto configuration = TRY(Configuration::load(store));
  auto names = TRY(names_of(configuration, service));
  std::vector<FilterView> views;
  for (const Filter& filter : configuration.filters) {
    const auto name = names.find(filter.service);
    if (!filter.removing && name != names.end()) views.push_back({name->second, filter});
  }
  std::sort(views.begin(), views.end(), [](const FilterView& a, const FilterView& b) {
    return a.service == b.service ? a.filter.prefix < b.filter.prefix : a.service < b.service;
  });
  return views;
}

Result<std::vector<ClientWeightView>> client_weight_views(ConfigurationStore& store,
                                                          const std::string& service) {
  auto configuration = TRY(Configuration::load(store));
  auto names = TRY(names_of(configuration, service));
  std::vector<ClientWeightView> views;
  for (const ClientWeight& weight : configuration.weights) {
    const auto name = names.find(weight.service);
    if (name != names.end()) views.push_back({name->second, weight});
  }
  std::sort(views.begin(), views.end(), [](const ClientWeightView& a, const ClientWeightView& b) {
    return a.service == b.service ? a.weight.prefix < b.weight.prefix : a.service < b.service;
  });
  return views;
}

Result<Service> service_named(ConfigurationStore& store, const std::string& name) {
  auto configuration = TRY(Configuration::load(store));
  auto service = TRY(find_service(configuration, name));
  return *service;
}

}  // namespace sluice
