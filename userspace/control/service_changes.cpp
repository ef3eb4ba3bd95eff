// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Services: added, set, removed.
#include "control/commit.h"
#include "control/sentences.h"
#include "control/service_checks.h"
#include "model/quantity.h"

namespace sluice {

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

// The service as it is wished, or why it cannot be so.
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

}  // namespace

Result<Change> service_add(Dataplane& dataplane, const std::string& name, const Endpoint& endpoint,
                           const ServicePatch& patch, Apply apply) {
  TRY(parse_service_name(name));
  Service blank;
  blank.name = name;
  blank.endpoint = endpoint;
  auto service = TRY(patched(blank, patch));
  auto configuration = TRY(begin_change(dataplane, apply));

  if (const Service* same = configuration.service_with_name(name)) {
    const std::string differs = settings(*same, service);
    const bool elsewhere = !(same->endpoint == endpoint);
    if (!elsewhere && differs.empty()) {
      return Change{false, fmt::format("service {}: is already so", name)};
    }
    const std::string next = elsewhere ? fmt::format("sluice service remove {}", name)
                                       : fmt::format("sluice service set {}{}", name, differs);
    return misused("service {}: is there already, as {}; change it with: {}", name,
                   service_text(*same), next);
  }
  TRY(check_claims(configuration, service));
  const uint32_t capacity = dataplane.capacities().services;
  service.number = configuration.free_service_number(capacity);
  if (service.number == 0) {
    return failed("services: {} of {} are in use; remove some, or make an instance with more",
                  configuration.services.size(), capacity);
  }

  const Change change{true, fmt::format("service {}: added {}", name, service_text(service))};
  if (apply == Apply::only_show) return change;
  configuration.services.push_back(service);
  auto done = carry_out(
      dataplane, configuration, service.number, [&] { return dataplane.put_service(service); },
      DirtySet{.records = false, .rings = false});
  if (!done) return tl::unexpected(done.error());
  return change;
}

Result<Change> service_set(Dataplane& dataplane, const std::string& name, const ServicePatch& patch,
                           Apply apply) {
  auto configuration = TRY(begin_change(dataplane, apply));
  auto found = TRY(find_service(configuration, name));
  Service& service = *found;
  const auto wanted = TRY(patched(service, patch));

  if (wanted == service) return Change{false, fmt::format("service {}: is already so", name)};
  Service otherwise = wanted;
  otherwise.idle_timeout_s = service.idle_timeout_s;
  otherwise.udp_timeout_s = service.udp_timeout_s;
  if (const size_t backends = configuration.backends_of(service.number);
      backends > 0 && !(otherwise == service)) {
    return misused("service {}: has {} backend{}, whose connections depend on {}; remove {} first",
                   name, backends, backends == 1 ? "" : "s", service_options_text(service),
                   backends == 1 ? "it" : "them");
  }

  const Change change{true, fmt::format("service {}: {}", name, service_options_text(wanted))};
  if (apply == Apply::only_show) return change;
  service = wanted;
  auto done = carry_out(
      dataplane, configuration, service.number, [&] { return dataplane.put_service(service); },
      DirtySet{.records = false, .endpoints = false});
  if (!done) return tl::unexpected(done.error());
  return change;
}

Result<Change> service_remove(Dataplane& dataplane, const std::string& name, Apply apply) {
  auto configuration = TRY(begin_change(dataplane, apply));
  auto service = TRY(find_service(configuration, name));

  const uint32_t number = service->number;
  const size_t backends = configuration.backends_of(number);
  Change change{true, fmt::format("service {}: removed", name)};
  if (backends > 0) {
    change.sentence += fmt::format(", with {} backend{}", backends, backends == 1 ? "" : "s");
  }
  if (apply == Apply::only_show) return change;
  service->removing = true;
  auto done = carry_out(
      dataplane, configuration, number, [&] { return dataplane.put_service(*service); },
      DirtySet{.records = false, .endpoints = false});
  if (!done) return tl::unexpected(done.error());
  return change;
}

}  // namespace sluice
