// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "control/edit/edit.h"
#include "control/running.h"

namespace sluice::edit {

namespace {

struct HostPortHash {
  size_t operator()(const HostPort& at) const {
    uint64_t halves[2];
    memcpy(halves, &at.address.raw(), sizeof(halves));
    uint64_t hash = (halves[0] ^ at.port) * 0xff51afd7ed558ccdU;
    hash = (hash ^ (hash >> 32) ^ halves[1]) * 0xc4ceb9fe1a85ec53U;
    return hash ^ (hash >> 29);
  }
};

// The configuration of the file is put together beside the running one, in the order of the file.
class Builder {
 public:
  Builder(const Configuration& running, Numbers& numbers)
      : running_(running), by_name_(running), numbers_(numbers) {}

  Result<void> add(const DesiredService& desired) {
    const RunningService* was = by_name_.named(desired.service.name);
    std::optional<Service> continued;
    if (was != nullptr) continued = continued_as(*was, desired.service);
    Service service = continued.value_or(desired.service);
    if (!continued) {
      was = nullptr;
      service.number = TRY(numbers_.service(service.name));
    }
    if (!(desired.policy == Policy{})) built_.policies.emplace_back(service.number, desired.policy);
    for (const DesiredFilter& filter : desired.filters)
      built_.filters.push_back(
          {.service = service.number, .prefix = filter.prefix, .action = filter.action});
    for (const DesiredClientWeight& weight : desired.client_weights)
      built_.weights.push_back({service.number, weight.prefix, weight.weight});
    TRY(add_backends(desired, service, was));
    built_.services.push_back(std::move(service));
    return {};
  }

  // An earlier command removed some and nothing has finished it yet (in a dry run): those are not
  // the file's to change.
  Configuration take() {
    std::unordered_set<uint32_t> leaving;
    for (const Service& service : running_.services) {
      if (!service.removing) continue;
      leaving.insert(service.number);
      built_.services.push_back(service);
    }
    keep(running_.backends, built_.backends, [&](const Backend& backend) {
      return backend.removing || leaving.contains(backend.service);
    });
    keep(running_.filters, built_.filters,
         [&](const Filter& filter) { return filter.removing || leaving.contains(filter.service); });
    keep(running_.weights, built_.weights,
         [&](const ClientWeight& weight) { return leaving.contains(weight.service); });
    keep(running_.policies, built_.policies,
         [&](const auto& numbered) { return leaving.contains(numbered.first); });
    return std::move(built_);
  }

  BackendLines lines;

 private:
  // The running service with the options that are wanted. Nothing: a new service has to replace it.
  static std::optional<Service> continued_as(const RunningService& was, const Service& wanted) {
    // Numbers and counters are not in a file.
    Service service = wanted;
    service.number = was.service->number;
    service.ring_bits = was.service->ring_bits;
    service.retired = was.service->retired;
    // Without backends no connection depends on any option.
    const bool idle = was.backends.empty() && wanted.endpoint == was.service->endpoint;
    if (same_but_live(service, *was.service) || idle) return service;
    return std::nullopt;
  }

  Result<void> add_backends(const DesiredService& desired, const Service& service,
                            const RunningService* was) {
    std::unordered_map<HostPort, const Backend*, HostPortHash> there;
    if (was != nullptr)
      for (const Backend* backend : was->backends) there.emplace(backend->at, backend);
    for (const DesiredBackend& wanted : desired.backends) {
      Backend backend{.service = service.number, .at = wanted.at};
      if (const auto same = there.find(wanted.at); same != there.end()) {
        backend = *same->second;
        // What the daemon observed stays, unless it no longer observes the backend.
        if (!desired.health) backend.failing = false;
        if (desired.weights != Weights::adapt) backend.adapted_permille = 0;
      } else {
        backend.number = TRY(numbers_.backend(service, wanted.at));
        if (wanted.mark.line != 0) lines.emplace(backend.number, wanted.mark.line);
      }
      backend.weight = wanted.weight;
      backend.state = wanted.state;
      built_.backends.push_back(backend);
    }
    return {};
  }

  template <typename Items, typename Stays>
  static void keep(const Items& from, Items& to, Stays stays) {
    std::copy_if(from.begin(), from.end(), std::back_inserter(to), stays);
  }

  const Configuration& running_;
  Running by_name_;
  Numbers& numbers_;
  Configuration built_;
};

// While the change is carried out, the map holds what comes and what goes.
template <typename Items>
Result<void> check_room(const char* what, const Items& before, const Items& after,
                        size_t capacity) {
  if (before.size() + after.size() <= capacity) return {};
  std::set<std::pair<uint32_t, Prefix>> prefixes;
  for (const auto* items : {&before, &after})
    for (const auto& item : *items) prefixes.emplace(item.service, item.prefix);
  if (prefixes.size() <= capacity) return {};
  return failed(
      "{}: {} are needed, with those that go, and there is room for {}; apply in two steps", what,
      prefixes.size(), capacity);
}

}  // namespace

Result<BackendLines> desired_services(Configuration& configuration,
                                      const std::vector<DesiredService>& desired,
                                      const Capacities& capacities, Numbers& numbers) {
  Builder builder(configuration, numbers);
  for (const DesiredService& each : desired) TRY(builder.add(each));
  Configuration built = builder.take();
  TRY(check_room("filters", configuration.filters, built.filters, capacities.filters));
  TRY(check_room("weights of clients", configuration.weights, built.weights,
                 capacities.client_weights));
  configuration = std::move(built);
  return std::move(builder.lines);
}

}  // namespace sluice::edit
