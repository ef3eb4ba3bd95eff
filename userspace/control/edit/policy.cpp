// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/edit/edit.h"
#include "control/service_checks.h"

namespace sluice::edit {

namespace {

Outcome set(Configuration& configuration, const Service& service, const Policy& policy) {
  configuration.set_policy(service.number, policy);
  return {.unchanged = fmt::format("policy of {}: is already so", service.name)};
}

}  // namespace

Result<Outcome> policy_set(Configuration& configuration, const std::string& name,
                           const PolicyPatch& patch) {
  const Service& service = *TRY(find_service(configuration, name));
  if (patch.empty()) {
    return misused("policy of {}: nothing to set; give a flow rate, a window or another limit",
                   name);
  }
  const Policy* current = configuration.policy(service.number);
  const Policy wanted = policy_with(patch, current != nullptr ? *current : Policy{});
  TRY(check_policy_of(service, wanted));
  return set(configuration, service, wanted);
}

Result<Outcome> policy_clear(Configuration& configuration, const std::string& name) {
  const Service& service = *TRY(find_service(configuration, name));
  return set(configuration, service, Policy{});
}

}  // namespace sluice::edit
