// Read without the lock: a view that meets a change under way shows some of it, but never what the
// operator has removed already.
#include "control/views.h"

#include <algorithm>
#include <unordered_map>

#include "control/configuration.h"
#include "control/sweep.h"

namespace sluice {

namespace {

// What belongs to a service. Put together once: a table of all services would else go through all
// of it for each.
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

Result<ServiceView> view_of(Dataplane& dataplane, ByService& all, const Service& service) {
  const Belongings& belongings = all[service.number];
  ServiceView view;
  view.service = service;
  view.traffic = service.retired;
  view.policy = belongings.policy;
  view.filters = belongings.filters;
  view.weights = belongings.weights;

  auto ring = dataplane.ring(service);
  if (!ring) return tl::unexpected(ring.error());
  view.slots = ring->size();
  view.moving_slots = ring_moving_slots(*ring);
  std::unordered_map<uint32_t, size_t> slots;
  for (const RingSlot& slot : *ring) slots[slot.backend]++;

  for (const Backend* backend : belongings.backends) {
    auto traffic = dataplane.backend_traffic(backend->number);
    if (!traffic) return tl::unexpected(traffic.error());
    view.traffic += *traffic;
    if (!backend->removing) view.backends.push_back({*backend, slots[backend->number], *traffic});
  }
  std::sort(view.backends.begin(), view.backends.end(),
            [](const BackendView& a, const BackendView& b) {
              const HostPort& left = a.backend.at;
              const HostPort& right = b.backend.at;
              if (left.address == right.address) return left.port < right.port;
              return left.address < right.address;
            });

  auto verdicts = dataplane.verdicts(service.number);
  if (!verdicts) return tl::unexpected(verdicts.error());
  view.verdicts = std::move(*verdicts);
  auto totals = dataplane.flow_totals(service.number);
  if (!totals) return tl::unexpected(totals.error());
  view.flow_totals = *totals;
  return view;
}

// Of all views at once, for it takes a pass over the tables; settled slots remember nothing.
Result<void> count_tracked(Dataplane& dataplane, const Configuration& configuration,
                           std::vector<ServiceView>& views) {
  if (std::none_of(views.begin(), views.end(),
                   [](const ServiceView& view) { return view.moving_slots > 0; }))
    return {};
  auto flows = tracked_by_service(dataplane, configuration);
  if (!flows) return tl::unexpected(flows.error());
  for (ServiceView& view : views) view.tracked_flows = (*flows)[view.service.number].size();
  return {};
}

}  // namespace

Result<std::vector<ServiceView>> service_views(Dataplane& dataplane) {
  auto configuration = Configuration::load(dataplane);
  if (!configuration) return tl::unexpected(configuration.error());
  ByService all = by_service(*configuration);
  std::vector<ServiceView> views;
  for (const Service& service : configuration->services) {
    if (service.removing) continue;
    auto view = view_of(dataplane, all, service);
    if (!view) return tl::unexpected(view.error());
    views.push_back(std::move(*view));
  }
  if (auto done = count_tracked(dataplane, *configuration, views); !done)
    return tl::unexpected(done.error());
  std::sort(views.begin(), views.end(), [](const ServiceView& a, const ServiceView& b) {
    return a.service.name < b.service.name;
  });
  return views;
}

Result<ServiceView> service_view(Dataplane& dataplane, const std::string& name) {
  auto configuration = Configuration::load(dataplane);
  if (!configuration) return tl::unexpected(configuration.error());
  auto service = find_service(*configuration, name);
  if (!service) return tl::unexpected(service.error());
  ByService all = by_service(*configuration);
  auto view = view_of(dataplane, all, **service);
  if (!view) return view;
  std::vector<ServiceView> views{std::move(*view)};
  if (auto done = count_tracked(dataplane, *configuration, views); !done)
    return tl::unexpected(done.error());
  return std::move(views.front());
}

namespace {

// The names of services by number, of all or of the one asked for.
Result<std::unordered_map<uint32_t, std::string>> names_of(Configuration& configuration,
                                                           const std::string& service) {
  std::unordered_map<uint32_t, std::string> names;
  if (!service.empty()) {
    auto found = find_service(configuration, service);
    if (!found) return tl::unexpected(found.error());
    names.emplace((*found)->number, service);
    return names;
  }
  for (const Service& each : configuration.services) {
    if (!each.removing) names.emplace(each.number, each.name);
  }
  return names;
}

}  // namespace

Result<std::vector<FilterView>> filter_views(Dataplane& dataplane, const std::string& service) {
  auto configuration = Configuration::load(dataplane);
  if (!configuration) return tl::unexpected(configuration.error());
  auto names = names_of(*configuration, service);
  if (!names) return tl::unexpected(names.error());
  std::vector<FilterView> views;
  for (const Filter& filter : configuration->filters) {
    const auto name = names->find(filter.service);
    if (!filter.removing && name != names->end()) views.push_back({name->second, filter});
  }
  std::sort(views.begin(), views.end(), [](const FilterView& a, const FilterView& b) {
    return a.service == b.service ? a.filter.prefix < b.filter.prefix : a.service < b.service;
  });
  return views;
}

Result<std::vector<ClientWeightView>> client_weight_views(Dataplane& dataplane,
                                                          const std::string& service) {
  auto configuration = Configuration::load(dataplane);
  if (!configuration) return tl::unexpected(configuration.error());
  auto names = names_of(*configuration, service);
  if (!names) return tl::unexpected(names.error());
  std::vector<ClientWeightView> views;
  for (const ClientWeight& weight : configuration->weights) {
    const auto name = names->find(weight.service);
    if (name != names->end()) views.push_back({name->second, weight});
  }
  std::sort(views.begin(), views.end(), [](const ClientWeightView& a, const ClientWeightView& b) {
    return a.service == b.service ? a.weight.prefix < b.weight.prefix : a.service < b.service;
  });
  return views;
}

Result<Service> service_named(Dataplane& dataplane, const std::string& name) {
  auto configuration = Configuration::load(dataplane);
  if (!configuration) return tl::unexpected(configuration.error());
  auto service = find_service(*configuration, name);
  if (!service) return tl::unexpected(service.error());
  return **service;
}

}  // namespace sluice
