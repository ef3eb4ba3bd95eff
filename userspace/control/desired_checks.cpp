// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The rules are those of service_checks.h and backend_checks.h. Here, tables find the pairs that
// they apply to: a file has thousands of services and tens of thousands of backends.
#include "control/desired_checks.h"

#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include "control/backend_checks.h"
#include "control/service_checks.h"

namespace sluice {

namespace {

struct AddressHash {
  size_t operator()(const Address& address) const {
    uint64_t halves[2];
    memcpy(halves, &address.raw(), sizeof(halves));
    uint64_t hash = (halves[0] ^ 0x9e3779b97f4a7c15U) * 0xff51afd7ed558ccdU;
    hash = (hash ^ (hash >> 32) ^ halves[1]) * 0xc4ceb9fe1a85ec53U;
    return hash ^ (hash >> 29);
  }
};
struct HostPortHash {
  size_t operator()(const HostPort& at) const { return AddressHash{}(at.address) * 31 + at.port; }
};

// A backend in mode nat, and its service.
struct NatBackend {
  Backend backend;
  const Service* service;
};

class Checks {
 public:
  explicit Checks(const Desired& desired) : services_(*desired.services) {}

  std::vector<FileError> run() {
    for (const DesiredService& each : services_) check_one(each);
    for (const DesiredService& each : services_)
      if (traits(each.service.mode).replies_by_source()) check_nat(each);
    return std::move(errors_);
  }

 private:
  void check_one(const DesiredService& each);
  bool check_options(const DesiredService& each);
  void check_claim(const DesiredService& each);
  void check_backends(const DesiredService& each);
  void check_nat(const DesiredService& each);
  bool accept(Mark mark, const Result<void>& valid) {
    if (!valid) errors_.push_back({mark, valid.error().text});
    return valid.has_value();
  }

  const std::vector<DesiredService>& services_;
  std::vector<FileError> errors_;
  std::unordered_multimap<Address, const Service*, AddressHash> by_address_;
  std::vector<const Service*> prefixes_;
  std::unordered_multimap<Address, NatBackend, AddressHash> nat_backends_;
};

void Checks::check_one(const DesiredService& each) {
  const Service& service = each.service;
  bool good = accept(each.endpoint_mark, check_endpoint(service));
  good = check_options(each) && good;
  if (good) check_claim(each);
  accept(each.policy_mark, check_policy_of(service, each.policy));
  std::unordered_set<std::string> prefixes;
  for (const DesiredFilter& filter : each.filters) {
    if (!accept(filter.mark, check_filter(service, filter.prefix))) continue;
    if (!prefixes.insert(filter.prefix.text()).second)
      accept(filter.mark,
             misused("{}: is here a second time; remove one", filter_text(service, filter.prefix)));
  }
  prefixes.clear();
  for (const DesiredClientWeight& weight : each.client_weights) {
    if (!accept(weight.mark, check_client_weight(service, weight.prefix))) continue;
    if (!prefixes.insert(weight.prefix.text()).second)
      accept(weight.mark, misused("{}: is here a second time; remove one",
                                  client_weight_text(service, weight.prefix)));
  }
  check_backends(each);
}

// Of those that the file names and those that are not the default.
bool Checks::check_options(const DesiredService& each) {
  bool good = true;
  for (size_t i = 0; i < each.option_marks.size(); i++) {
    const ServiceOption& option = service_options()[i];
    const Mark mark = each.option_marks[i];
    if (mark.line != 0)
      good = accept(mark, check_option(option, each.service)) && good;
    else if (!is_default(option, each.service))
      good = accept(each.endpoint_mark, check_option(option, each.service)) && good;
  }
  return good;
}

void Checks::check_claim(const DesiredService& each) {
  const Service& service = each.service;
  bool apart = true;
  const auto compare = [&](const Service& other) {
    apart = apart && accept(each.endpoint_mark, check_apart(service, other));
  };
  if (service.endpoint.is_prefix()) {
    for (const auto& [address, other] : by_address_) compare(*other);
    prefixes_.push_back(&service);
  } else {
    const auto [first, last] = by_address_.equal_range(service.endpoint.address);
    for (auto other = first; other != last; ++other) compare(*other->second);
    by_address_.emplace(service.endpoint.address, &service);
  }
  for (const Service* other : prefixes_)
    if (other != &service) compare(*other);
}

void Checks::check_backends(const DesiredService& each) {
  std::unordered_set<HostPort, HostPortHash> seen;
  seen.reserve(each.backends.size());
  for (const DesiredBackend& backend : each.backends) {
    if (!accept(backend.mark, check_backend(each.service, backend.at))) continue;
    if (!seen.insert(backend.at).second)
      accept(backend.mark, misused("{}: is here a second time; remove one",
                                   backend_text(each.service, backend.at)));
  }
}

// Once all services are known.
void Checks::check_nat(const DesiredService& each) {
  for (const DesiredBackend& wanted : each.backends) {
    bool apart = true;
    const auto [service, last] = by_address_.equal_range(wanted.at.address);
    for (auto other = service; other != last && apart; ++other)
      apart = accept(wanted.mark, check_replies(each.service, wanted.at, *other->second));
    const auto [first, end] = nat_backends_.equal_range(wanted.at.address);
    for (auto other = first; other != end && apart; ++other)
      apart = accept(wanted.mark, check_replies(each.service, wanted.at, other->second.backend,
                                                *other->second.service));
    Backend backend;
    backend.at = wanted.at;
    if (apart) nat_backends_.emplace(wanted.at.address, NatBackend{backend, &each.service});
  }
}

}  // namespace

std::vector<FileError> check_desired(const Desired& desired) {
  if (!desired.services) return {};
  return Checks(desired).run();
}

}  // namespace sluice
