// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/backend_checks.h"

#include <unordered_map>

#include "sluice/limits.h"

namespace sluice {

namespace {

std::string_view family_text(const Address& address) {
  return address.is_v4() ? "IPv4" : "IPv6";
}

Result<void> check_port(const Service& service, const HostPort& at) {
  if (service.endpoint.port == 0 && at.port != 0) {
    return misused(
        "{}: the service takes any port, and its backends get the port that the client asked for; "
        "write {}",
        backend_text(service, at), HostPort{at.address, 0}.text());
  }
  if (service.endpoint.port != 0 && at.port == 0) {
    return misused("{}: port 0 is for services of any port, and the service's is {}; write a port",
                   backend_text(service, at), service.endpoint.port);
  }
  return {};
}

Result<void> check_family(const Service& service, const HostPort& at) {
  if (at.address.is_v4() == service.endpoint.address.is_v4()) return {};
  const std::string_view why = traits(service.mode).one_family;
  if (why.empty()) return {};
  return misused(
      "{}: mode {} {}, and the service's is {}; give an {} backend, or use a service of mode ipip",
      backend_text(service, at), mode_text(service.mode), why, service.endpoint.address.text(),
      family_text(service.endpoint.address));
}

}  // namespace

Result<void> check_replies(const Service& service, const HostPort& at, const Service& other) {
  if (!traits(service.mode).replies_by_source() ||
      other.endpoint.l4_proto != service.endpoint.l4_proto)
    return {};
  if (!(other.endpoint.prefix() == Prefix{at.address}) || other.endpoint.port != at.port) return {};
  return misused(
      "{}: is the endpoint of service {} here, and in mode nat packets from there would be taken "
      "for its replies; use another mode",
      backend_text(service, at), other.name);
}

Result<void> check_replies(const Service& service, const HostPort& at, const Backend& backend,
                           const Service& of) {
  if (!traits(service.mode).replies_by_source() || !traits(of.mode).replies_by_source() ||
      of.name == service.name)
    return {};
  if (of.endpoint.l4_proto != service.endpoint.l4_proto) return {};
  if (!(backend.at.address == at.address)) return {};
  if (backend.at.port != at.port && backend.at.port != 0 && at.port != 0) return {};
  return misused(
      "{}: {} is a backend of service {}, in mode nat too, and a reply from there could be of "
      "either; give another port, or use mode snat",
      backend_text(service, at), backend.at.text(), of.name);
}

Result<void> check_backend(const Service& service, const HostPort& at) {
  // A file has tens of thousands of backends: the text is made only for those that are refused.
  const auto refuse = [&](std::string_view why) {
    return misused("{}: {}", backend_text(service, at), why);
  };
  if (at.address.is_unspecified()) return refuse("the unspecified address is no host");
  if (at.address.is_multicast()) return refuse("a multicast address is no host");
  TRY(check_port(service, at));
  if (service.endpoint.prefix().contains(at.address) && at.port == service.endpoint.port)
    return refuse("is the service's own endpoint, so its packets would loop for ever");
  return check_family(service, at);
}

Result<void> check_backend(const Configuration& configuration, const Service& service,
                           const HostPort& at) {
  TRY(check_backend(service, at));
  if (!traits(service.mode).replies_by_source()) return {};
  std::unordered_map<uint32_t, const Service*> others;
  for (const Service& other : configuration.services) {
    if (other.removing) continue;
    TRY(check_replies(service, at, other));
    others.emplace(other.number, &other);
  }
  for (const Backend& backend : configuration.backends) {
    const auto of = others.find(backend.service);
    if (of == others.end()) continue;
    TRY(check_replies(service, at, backend, *of->second));
  }
  return {};
}

Result<void> check_route(const Service& service, const HostPort& at, const Route& route) {
  if (traits(service.mode).needs_neighbour && !route.on_link) {
    return misused(
        "{}: is on no segment of this host, and mode {} changes only the MAC; use a service of "
        "mode "
        "ipip or gue (ip route get {})",
        backend_text(service, at), mode_text(service.mode), at.address.text());
  }
  const bool v4 = service.endpoint.address.is_v4();
  const size_t fits = v4 ? SLUICE_FITS_V4 : SLUICE_FITS_V6;
  const size_t outer = outer_bytes(service, at.address);
  if (route.mtu < fits + outer) {
    return misused(
        "{}: the MTU there is {}, and an {} packet of {} bytes, which must fit, has {} with the "
        "outer headers of mode {}; raise the MTU (ip route get {})",
        backend_text(service, at), route.mtu, v4 ? "IPv4" : "IPv6", fits, fits + outer,
        mode_text(service.mode), at.address.text());
  }
  return {};
}

}  // namespace sluice
