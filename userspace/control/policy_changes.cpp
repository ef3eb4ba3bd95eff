// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Policies: set, cleared. A policy is read where it is kept; what derives from it is only whether
// its service's packets leave through tc, where `pace` sees them, and whether `steer` counts its
// new connections and what its clients send.
#include <algorithm>

#include "control/commit.h"
#include "control/service_checks.h"

namespace sluice {

namespace {

// `wanted` that limits nothing is no policy.
Result<Change> replace_policy(Dataplane& dataplane, Configuration& configuration,
                              const Service& service, const Policy& wanted, Apply apply) {
  const Policy* current = configuration.policy(service.number);
  const Policy before = current != nullptr ? *current : Policy{};
  if (before == wanted) {
    return Change{false, fmt::format("policy of {}: is already so", service.name)};
  }
  const bool clears = wanted == Policy{};
  const Change change{true, fmt::format("policy of {}: {}", service.name,
                                        clears ? "cleared" : policy_text(wanted))};
  if (apply == Apply::only_show) return change;

  const bool flagged = policy_flags(before) != policy_flags(wanted);
  const uint32_t number = service.number;
  std::erase_if(configuration.policies,
                [&](const auto& numbered) { return numbered.first == number; });
  if (!clears) configuration.policies.emplace_back(number, wanted);
  auto done = carry_out(
      dataplane, configuration, number,
      [&] {
        return clears ? dataplane.erase_policy(number) : dataplane.put_policy(number, wanted);
      },
      DirtySet{.records = false, .endpoints = false, .table = flagged, .rings = false});
  if (!done) return tl::unexpected(done.error());
  return change;
}

}  // namespace

Result<Change> policy_set(Dataplane& dataplane, const std::string& name, const PolicyPatch& patch,
                          Apply apply) {
  auto configuration = TRY(begin_change(dataplane, apply));
  auto service = TRY(find_service(configuration, name));
  if (is_empty(patch)) {
    return misused("policy of {}: nothing to set; say a flow rate, a window or another limit",
                   name);
  }
  const Policy* current = configuration.policy(service->number);
  const Policy wanted = policy_with(patch, current != nullptr ? *current : Policy{});
  TRY(check_policy_of(*service, wanted));
  return replace_policy(dataplane, configuration, *service, wanted, apply);
}

Result<Change> policy_clear(Dataplane& dataplane, const std::string& name, Apply apply) {
  auto configuration = TRY(begin_change(dataplane, apply));
  auto service = TRY(find_service(configuration, name));
  return replace_policy(dataplane, configuration, *service, Policy{}, apply);
}

}  // namespace sluice
