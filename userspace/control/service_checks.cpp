// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/service_checks.h"

#include "model/service_options.h"

namespace sluice {

Result<void> check_endpoint(const Service& service) {
  const Endpoint& endpoint = service.endpoint;
  const char* why = nullptr;
  if (endpoint.address.is_unspecified()) why = "the unspecified address is no packet's destination";
  if (endpoint.address.is_multicast()) why = "a multicast address has no backends to choose from";
  if (why == nullptr) return {};
  return misused("service {}: {}: {}", service.name, endpoint.text(), why);
}

Result<void> check_service(const Service& service) {
  TRY(check_endpoint(service));
  for (const ServiceOption& option : service_options()) {
    if (is_default(option, service)) continue;
    TRY(check_option(option, service));
  }
  return {};
}

Result<void> check_apart(const Service& service, const Service& other) {
  const Endpoint& endpoint = service.endpoint;
  const Endpoint& theirs = other.endpoint;
  if (theirs == endpoint) {
    return misused("service {}: {} belongs to service {} already", service.name, endpoint.text(),
                   other.name);
  }
  if (theirs.l4_proto != endpoint.l4_proto) return {};
  if (!endpoint.is_prefix() && !theirs.is_prefix()) return {};
  if (endpoint.port != theirs.port && endpoint.port != 0 && theirs.port != 0) return {};
  if (!endpoint.prefix().overlaps(theirs.prefix())) return {};
  return misused("service {}: {} overlaps {} of service {}", service.name, endpoint.text(),
                 theirs.text(), other.name);
}

Result<void> check_apart(const Service& service, const Backend& backend, const Service& of) {
  const Endpoint& endpoint = service.endpoint;
  if (!traits(of.mode).replies_by_source() || endpoint.is_prefix() ||
      !(backend.at.address == endpoint.address) || backend.at.port != endpoint.port ||
      of.endpoint.l4_proto != endpoint.l4_proto)
    return {};
  return misused(
      "service {}: {} is a backend of service {}, in mode nat, and packets from there are taken "
      "for its replies",
      service.name, endpoint.text(), of.name);
}

Result<void> check_policy_of(const Service& service, const Policy& policy) {
  auto good = check_policy(policy);
  if (good) return {};
  return misused("policy of {}: {}", service.name, good.error().text);
}

Result<void> check_filter(const Service& service, const Prefix& prefix) {
  if (prefix.address.is_v4() == service.endpoint.address.is_v4()) return {};
  return misused("{}: clients of {} are of the other family, so it would never match",
                 filter_text(service, prefix), service.endpoint.text());
}

Result<void> check_client_weight(const Service& service, const Prefix& prefix) {
  if (prefix.address.is_v4() == service.endpoint.address.is_v4()) return {};
  return misused("{}: clients of {} are of the other family, so it would never match",
                 client_weight_text(service, prefix), service.endpoint.text());
}

std::string filter_text(const Service& service, const Prefix& prefix) {
  return fmt::format("filter {} of {}", prefix.text(), service.name);
}

std::string client_weight_text(const Service& service, const Prefix& prefix) {
  return fmt::format("weight of {} at {}", prefix.text(), service.name);
}

}  // namespace sluice
