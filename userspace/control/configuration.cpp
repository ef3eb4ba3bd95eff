// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/configuration.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "sluice/instance.h"

namespace sluice {

namespace {

// Names that an error lists before it counts the others.
constexpr size_t names_listed = 8;

std::string listed(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  const size_t more = names.size() > names_listed ? names.size() - names_listed : 0;
  names.resize(names.size() - more);
  std::string text = names.size() + more == 1 ? "there is: " : "there are: ";
  text += fmt::format("{}", fmt::join(names, ", "));
  if (more > 0) text += fmt::format(" and {} more", more);
  return text;
}

template <typename Items, typename Predicate>
auto find_in(Items& items, Predicate predicate) -> decltype(&items.front()) {
  auto found = std::find_if(items.begin(), items.end(), predicate);
  return found == items.end() ? nullptr : &*found;
}

void put_backends(std::vector<Backend>& backends, const std::vector<Backend>& written) {
  std::unordered_map<uint32_t, const Backend*> by_number;
  for (const Backend& backend : written) by_number.emplace(backend.number, &backend);
  for (Backend& backend : backends) {
    if (by_number.empty()) return;
    const auto found = by_number.find(backend.number);
    if (found == by_number.end()) continue;
    backend = *found->second;
    by_number.erase(found);
  }
  for (const Backend& backend : written)
    if (by_number.contains(backend.number)) backends.push_back(backend);
}

}  // namespace

Result<Configuration> Configuration::load(ConfigurationStore& store) {
  auto services = TRY(store.services());
  auto backends = TRY(store.backends());
  auto policies = TRY(store.policies());
  auto filters = TRY(store.filters());
  auto weights = TRY(store.client_weights());
  Configuration configuration{std::move(services), std::move(backends), std::move(policies),
                              std::move(filters), std::move(weights)};
  auto pending = TRY(store.pending());
  if (pending != SLUICE_PENDING_JOURNAL) return configuration;
  auto journal = TRY(store.journal());
  if (journal) configuration.take(*journal);
  return configuration;
}

Result<Configuration> Configuration::load_backends_of(ConfigurationStore& store,
                                                      const std::string& service) {
  if (TRY(store.pending()) == SLUICE_PENDING_JOURNAL) return load(store);
  auto found = TRY(store.service_with_name(service));
  if (!found) return load(store);  // the error names the others
  Configuration configuration;
  configuration.whole = false;
  configuration.backends = TRY(store.backends_of(found->number));
  configuration.services.push_back(std::move(*found));
  return configuration;
}

Service* Configuration::service(uint32_t number) {
  return find_in(services, [&](const Service& service) { return service.number == number; });
}

const Policy* Configuration::policy(uint32_t service) const {
  const auto* found =
      find_in(policies, [&](const auto& numbered) { return numbered.first == service; });
  return found ? &found->second : nullptr;
}

Service* Configuration::service_with_name(const std::string& name) {
  return find_in(services,
                 [&](const Service& service) { return !service.removing && service.name == name; });
}

Service* Configuration::service_with_endpoint(const Endpoint& endpoint) {
  return find_in(services, [&](const Service& service) {
    return !service.removing && service.endpoint == endpoint;
  });
}

Backend* Configuration::backend_at(uint32_t service, const HostPort& at) {
  return find_in(backends, [&](const Backend& backend) {
    return !backend.removing && backend.service == service && backend.at == at;
  });
}

size_t Configuration::backends_of(uint32_t service) const {
  return static_cast<size_t>(std::count_if(
      backends.begin(), backends.end(),
      [&](const Backend& backend) { return !backend.removing && backend.service == service; }));
}

const Filter* Configuration::filter(uint32_t service, const Prefix& prefix) const {
  return find_in(filters, [&](const Filter& filter) {
    return !filter.removing && filter.service == service && filter.prefix == prefix;
  });
}

ClientWeight* Configuration::weight(uint32_t service, const Prefix& prefix) {
  return find_in(weights, [&](const ClientWeight& weight) {
    return weight.service == service && weight.prefix == prefix;
  });
}

void Configuration::set_policy(uint32_t service, const Policy& policy) {
  const auto current = std::find_if(policies.begin(), policies.end(), [&](const auto& numbered) {
    return numbered.first == service;
  });
  if (policy == Policy{}) {
    if (current != policies.end()) policies.erase(current);
  } else if (current == policies.end()) {
    policies.emplace_back(service, policy);
  } else {
    current->second = policy;
  }
}

void Configuration::take(const Writes& writes) {
  if (!writes.services.empty()) {
    std::unordered_set<uint32_t> written;
    for (const Service& service : writes.services) written.insert(service.number);
    std::erase_if(services,
                  [&](const Service& service) { return written.contains(service.number); });
    services.insert(services.end(), writes.services.begin(), writes.services.end());
  }
  put_backends(backends, writes.backends);
  for (const auto& [service, policy] : writes.policies) set_policy(service, policy);
  for (const Filter& filter : writes.filters) {
    std::erase_if(filters, [&](const Filter& other) {
      return other.service == filter.service && other.prefix == filter.prefix;
    });
    filters.push_back(filter);
  }
  for (const ClientWeight& weight : writes.weights) {
    std::erase_if(weights, [&](const ClientWeight& other) {
      return other.service == weight.service && other.prefix == weight.prefix;
    });
    if (weight.weight != 0) weights.push_back(weight);
  }
}

void Configuration::purge_backend(uint32_t number) {
  std::erase_if(backends, [&](const Backend& backend) { return backend.number == number; });
}

void Configuration::purge_service(uint32_t number) {
  std::erase_if(services, [&](const Service& service) { return service.number == number; });
  std::erase_if(policies, [&](const auto& numbered) { return numbered.first == number; });
  std::erase_if(filters, [&](const Filter& filter) { return filter.service == number; });
  std::erase_if(weights, [&](const ClientWeight& weight) { return weight.service == number; });
}

Result<Service*> find_service(Configuration& configuration, const std::string& name) {
  if (Service* found = configuration.service_with_name(name)) return found;
  std::vector<std::string> names;
  for (const Service& service : configuration.services) {
    if (!service.removing) names.push_back(service.name);
  }
  if (names.empty()) {
    return misused(
        "service \"{}\": no such service (there is none; add one with: sluice service add NAME "
        "ADDRESS:PORT/tcp)",
        name);
  }
  return misused("service \"{}\": no such service ({})", name, listed(std::move(names)));
}

Result<Backend*> find_backend(Configuration& configuration, const Service& service,
                              const HostPort& at) {
  if (Backend* found = configuration.backend_at(service.number, at)) return found;
  std::vector<std::string> names;
  for (const Backend& backend : configuration.backends) {
    if (!backend.removing && backend.service == service.number) names.push_back(backend.at.text());
  }
  if (names.empty()) {
    return misused(
        "{}: no such backend (there is none; add one with: sluice backend add {} ADDRESS:PORT)",
        backend_text(service, at), service.name);
  }
  return misused("{}: no such backend ({})", backend_text(service, at), listed(std::move(names)));
}

std::string backend_text(const Service& service, const HostPort& at) {
  return fmt::format("backend {} of {}", at.text(), service.name);
}

}  // namespace sluice
