// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/edit/edit.h"
#include "control/sentences.h"
#include "control/service_checks.h"
#include "model/service_options.h"

namespace sluice::edit {

namespace {

// The service with the patch in it, or why its options do not go together.
Result<Service> checked(Service service, const ServicePatch& patch) {
  service = TRY(patched(std::move(service), patch));
  TRY(check_service(service));
  return service;
}

Result<void> check_claims(Configuration& configuration, const Service& service) {
  for (const Service& other : configuration.services) {
    if (other.removing) continue;
    TRY(check_apart(service, other));
  }
  for (const Backend& backend : configuration.backends) {
    const Service* of = configuration.service(backend.service);
    if (of == nullptr) continue;
    TRY(check_apart(service, backend, *of));
  }
  return {};
}

// A service of the same name is there already.
Result<Outcome> compare(const Service& there, const Service& service) {
  const std::string& name = service.name;
  const std::string differs = settings_text(there, service);
  const bool elsewhere = !(there.endpoint == service.endpoint);
  if (!elsewhere && differs.empty()) {
    return Outcome{.unchanged = fmt::format("service {}: is already so", name)};
  }
  const std::string next = elsewhere ? fmt::format("sluice service remove {}", name)
                                     : fmt::format("sluice service set {}{}", name, differs);
  return misused("service {}: is there already, as {}; change it with: {}", name,
                 service_text(there), next);
}

}  // namespace

Result<Service> new_service(const std::string& name, const Endpoint& endpoint,
                            const ServicePatch& patch) {
  TRY(parse_service_name(name));
  Service blank;
  blank.name = name;
  blank.endpoint = endpoint;
  return checked(blank, patch);
}

Result<Outcome> service_add(Configuration& configuration, Service service, Numbers& numbers) {
  if (const Service* there = configuration.service_with_name(service.name))
    return compare(*there, service);
  TRY(check_claims(configuration, service));
  service.number = TRY(numbers.service(service.name));
  configuration.services.push_back(std::move(service));
  return Outcome{};
}

Result<Outcome> service_set(Configuration& configuration, const std::string& name,
                            const ServicePatch& patch) {
  Service& service = *TRY(find_service(configuration, name));
  const Service wanted = TRY(checked(service, patch));
  if (const size_t backends = configuration.backends_of(service.number);
      backends > 0 && !same_but_live(wanted, service)) {
    return misused("service {}: has {} backend{}, whose connections depend on {}; remove {} first",
                   name, backends, backends == 1 ? "" : "s", service_options_text(service),
                   backends == 1 ? "it" : "them");
  }
  service = wanted;
  return Outcome{.unchanged = fmt::format("service {}: is already so", name)};
}

Result<Outcome> service_remove(Configuration& configuration, const std::string& name) {
  const uint32_t number = TRY(find_service(configuration, name))->number;
  configuration.purge_service(number);
  return Outcome{};
}

}  // namespace sluice::edit
