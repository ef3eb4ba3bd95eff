// Services: added, set, removed.
#include <fmt/ranges.h>

#include "control/commit.h"
#include "model/quantity.h"

namespace sluice {

namespace {

// What the operator may choose of a service, as text: "203.0.113.10:443/tcp, mode snat".
std::vector<std::string> options_of(const Service& service) {
  std::vector<std::string> options{fmt::format("mode {}", mode_text(service.mode))};
  if (service.gue_variant != gue_variant_default) {
    options.push_back(fmt::format("GUE variant {}", service.gue_variant));
  }
  if (service.affinity != Affinity::flow) {
    options.push_back(fmt::format("affinity {}", affinity_text(service.affinity)));
  }
  if (service.quic) options.emplace_back("QUIC");
  if (service.idle_timeout_s != SLUICE_IDLE_TIMEOUT_S_DEFAULT) {
    options.push_back(fmt::format("idle time-out {}", duration_text(service.idle_timeout_s)));
  }
  if (service.udp_timeout_s != SLUICE_UDP_TIMEOUT_S_DEFAULT) {
    options.push_back(fmt::format("UDP time-out {}", duration_text(service.udp_timeout_s)));
  }
  return options;
}

std::string what_it_is(const Service& service) {
  return fmt::format("{}, {}", service.endpoint.text(), fmt::join(options_of(service), ", "));
}

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
Result<Service> as_wished(Service service, const ServiceWish& wish) {
  service.mode = wish.mode.value_or(service.mode);
  service.affinity = wish.affinity.value_or(service.affinity);
  service.quic = wish.quic.value_or(service.quic);
  service.idle_timeout_s = wish.idle_timeout_s.value_or(service.idle_timeout_s);
  service.udp_timeout_s = wish.udp_timeout_s.value_or(service.udp_timeout_s);
  service.gue_variant = wish.gue_variant.value_or(service.mode == Mode::gue ? service.gue_variant
                                                                            : gue_variant_default);
  if (wish.gue_variant && service.mode != Mode::gue) {
    return misused("service {}: a GUE variant is for mode gue, and its mode is {}", service.name,
                   mode_text(service.mode));
  }
  if (service.quic && service.endpoint.l4_proto != L4Proto::udp) {
    return misused("service {}: QUIC runs over UDP, and {} is TCP", service.name,
                   service.endpoint.text());
  }
  if (service.mode == Mode::nat && service.endpoint.is_prefix()) {
    return misused(
        "service {}: mode nat keeps no state, so a reply could not tell which address of {} it is "
        "from; use mode snat, or one address",
        service.name, service.endpoint.prefix().text());
  }
  return service;
}

Result<void> check_address(const std::string& name, const Endpoint& endpoint) {
  const char* why = nullptr;
  if (endpoint.address.is_unspecified()) why = "the unspecified address is no packet's destination";
  if (endpoint.address.is_multicast()) why = "a multicast address has no backends to choose from";
  if (why) return misused("service {}: {}: {}", name, endpoint.text(), why);
  return {};
}

// One endpoint, one service: no other may claim the same packets with the same right.
Result<void> check_claims(Configuration& configuration, const std::string& name,
                          const Endpoint& endpoint) {
  if (const Service* other = configuration.service_with_endpoint(endpoint)) {
    return misused("service {}: {} belongs to service {} already", name, endpoint.text(),
                   other->name);
  }
  for (const Service& other : configuration.services) {
    const Endpoint& theirs = other.endpoint;
    if (other.removing || theirs.l4_proto != endpoint.l4_proto) continue;
    if (!endpoint.is_prefix() && !theirs.is_prefix()) continue;
    if (endpoint.port != theirs.port && endpoint.port != 0 && theirs.port != 0) continue;
    if (!endpoint.prefix().overlaps(theirs.prefix())) continue;
    return misused("service {}: {} overlaps {} of service {}", name, endpoint.text(), theirs.text(),
                   other.name);
  }
  for (const Backend& backend : configuration.backends) {
    if (endpoint.is_prefix() || !(backend.at.address == endpoint.address)) continue;
    const Service* service = configuration.service(backend.service);
    if (service == nullptr || service->mode != Mode::nat) continue;
    if (backend.at.port != endpoint.port || service->endpoint.l4_proto != endpoint.l4_proto)
      continue;
    return misused(
        "service {}: {} is a backend of service {}, in mode nat, and what comes from there is "
        "taken for its replies",
        name, endpoint.text(), service->name);
  }
  return {};
}

}  // namespace

Result<Change> service_add(Dataplane& dataplane, const std::string& name, const Endpoint& endpoint,
                           const ServiceWish& wish, Apply apply) {
  if (auto valid = parse_service_name(name); !valid) return tl::unexpected(valid.error());
  if (auto valid = check_address(name, endpoint); !valid) return tl::unexpected(valid.error());
  Service blank;
  blank.name = name;
  blank.endpoint = endpoint;
  auto service = as_wished(blank, wish);
  if (!service) return tl::unexpected(service.error());
  auto configuration = begin_change(dataplane, apply);
  if (!configuration) return tl::unexpected(configuration.error());

  if (const Service* same = configuration->service_with_name(name)) {
    const std::string differs = settings(*same, *service);
    const bool elsewhere = !(same->endpoint == endpoint);
    if (!elsewhere && differs.empty()) {
      return Change{false, fmt::format("service {}: is already so", name)};
    }
    const std::string next = elsewhere ? fmt::format("sluice service remove {}", name)
                                       : fmt::format("sluice service set {}{}", name, differs);
    return misused("service {}: is there already, as {}; change it with: {}", name,
                   what_it_is(*same), next);
  }
  if (auto valid = check_claims(*configuration, name, endpoint); !valid) {
    return tl::unexpected(valid.error());
  }
  const uint32_t capacity = dataplane.capacities().services;
  service->number = configuration->free_service_number(capacity);
  if (service->number == 0) {
    return failed("services: {} of {} are in use; remove some, or make an instance with more",
                  configuration->services.size(), capacity);
  }

  const Change change{true, fmt::format("service {}: added {}", name, what_it_is(*service))};
  if (apply == Apply::only_show) return change;
  configuration->services.push_back(*service);
  auto done = carry_out(
      dataplane, *configuration, service->number, [&] { return dataplane.put_service(*service); },
      Stale{.records = false, .rings = false});
  if (!done) return tl::unexpected(done.error());
  return change;
}

Result<Change> service_set(Dataplane& dataplane, const std::string& name, const ServiceWish& wish,
                           Apply apply) {
  auto configuration = begin_change(dataplane, apply);
  if (!configuration) return tl::unexpected(configuration.error());
  auto found = find_service(*configuration, name);
  if (!found) return tl::unexpected(found.error());
  Service& service = **found;
  const auto wanted = as_wished(service, wish);
  if (!wanted) return tl::unexpected(wanted.error());

  if (*wanted == service) return Change{false, fmt::format("service {}: is already so", name)};
  Service otherwise = *wanted;
  otherwise.idle_timeout_s = service.idle_timeout_s;
  otherwise.udp_timeout_s = service.udp_timeout_s;
  if (const size_t backends = configuration->backends_of(service.number);
      backends > 0 && !(otherwise == service)) {
    return misused("service {}: has {} backend{}, whose connections depend on {}; remove {} first",
                   name, backends, backends == 1 ? "" : "s", fmt::join(options_of(service), ", "),
                   backends == 1 ? "it" : "them");
  }

  const Change change{true,
                      fmt::format("service {}: {}", name, fmt::join(options_of(*wanted), ", "))};
  if (apply == Apply::only_show) return change;
  service = *wanted;
  auto done = carry_out(
      dataplane, *configuration, service.number, [&] { return dataplane.put_service(service); },
      Stale{.records = false, .endpoints = false});
  if (!done) return tl::unexpected(done.error());
  return change;
}

Result<Change> service_remove(Dataplane& dataplane, const std::string& name, Apply apply) {
  auto configuration = begin_change(dataplane, apply);
  if (!configuration) return tl::unexpected(configuration.error());
  auto service = find_service(*configuration, name);
  if (!service) return tl::unexpected(service.error());

  const uint32_t number = (*service)->number;
  const size_t backends = configuration->backends_of(number);
  Change change{true, fmt::format("service {}: removed", name)};
  if (backends > 0) {
    change.sentence += fmt::format(", with {} backend{}", backends, backends == 1 ? "" : "s");
  }
  if (apply == Apply::only_show) return change;
  (*service)->removing = true;
  auto done = carry_out(
      dataplane, *configuration, number, [&] { return dataplane.put_service(**service); },
      Stale{.records = false, .endpoints = false});
  if (!done) return tl::unexpected(done.error());
  return change;
}

}  // namespace sluice
