// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/edit/edit.h"
#include "control/sentences.h"
#include "control/service_checks.h"
#include "model/quantity.h"

namespace sluice::edit {

namespace {

// "--mode ipip --affinity client": what makes `from` as `to` is.
std::string settings(const Service& from, const Service& to) {
  std::string text;
  if (from.mode != to.mode) text += fmt::format(" --mode {}", mode_text(to.mode));
  if (from.gue_variant != to.gue_variant && to.mode == Mode::gue) {
    text += fmt::format(" --gue-variant {}", to.gue_variant);
  }
  if (from.affinity != to.affinity) {
    text += fmt::format(" --affinity {}", affinity_text(to.affinity));
  }
  if (from.quic != to.quic) text += to.quic ? " --quic" : " --no-quic";
  if (from.idle_timeout_s != to.idle_timeout_s) {
    text += fmt::format(" --idle-timeout {}", duration_text(to.idle_timeout_s));
  }
  if (from.udp_timeout_s != to.udp_timeout_s) {
    text += fmt::format(" --udp-timeout {}", duration_text(to.udp_timeout_s));
  }
  return text;
}

// The service with the patch in it, or why its options do not go together.
Result<Service> patched(Service service, const ServicePatch& patch) {
  service.mode = patch.mode.value_or(service.mode);
  service.affinity = patch.affinity.value_or(service.affinity);
  service.quic = patch.quic.value_or(service.quic);
  service.idle_timeout_s = patch.idle_timeout_s.value_or(service.idle_timeout_s);
  service.udp_timeout_s = patch.udp_timeout_s.value_or(service.udp_timeout_s);
  service.gue_variant = patch.gue_variant.value_or(service.mode == Mode::gue ? service.gue_variant
                                                                             : gue_variant_default);
  if (patch.gue_variant && service.mode != Mode::gue) {
    return misused("service {}: a GUE variant is for mode gue, and its mode is {}", service.name,
                   mode_text(service.mode));
  }
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
  const std::string differs = settings(there, service);
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
  return patched(blank, patch);
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
  const Service wanted = TRY(patched(service, patch));
  Service same_picks = wanted;
  same_picks.idle_timeout_s = service.idle_timeout_s;
  same_picks.udp_timeout_s = service.udp_timeout_s;
  if (const size_t backends = configuration.backends_of(service.number);
      backends > 0 && !(same_picks == service)) {
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
