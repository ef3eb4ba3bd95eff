// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Edits of a configuration, all of them pure: each checks what is asked for against the
// configuration and against what the instance has room for, and makes the change in it, or returns
// the reason why not and leaves a configuration that must not be used. What is removed is erased;
// control/difference.h finds out what that means for the instance.
#pragma once

#include <string>
#include <vector>

#include "control/changes.h"
#include "control/commit.h"
#include "control/configuration.h"
#include "control/edit/numbers.h"
#include "control/observe.h"
#include "model/desired.h"
#include "support/result.h"

namespace sluice::edit {

struct Outcome {
  std::string unchanged{};  // the sentence if nothing differs
  std::string summary{};    // one sentence instead of those of the difference; empty: those
};

// Of itself, before any configuration is read.
Result<Service> new_service(const std::string& name, const Endpoint& endpoint,
                            const ServicePatch& patch);
Result<Outcome> service_add(Configuration& configuration, Service service, Numbers& numbers);
Result<Outcome> service_set(Configuration& configuration, const std::string& name,
                            const ServicePatch& patch);
Result<Outcome> service_remove(Configuration& configuration, const std::string& name);

Result<Outcome> backend_add(Configuration& configuration, const std::string& service,
                            const HostPort& at, uint32_t weight, Numbers& numbers);
Result<Outcome> backend_set(Configuration& configuration, const std::string& service,
                            const HostPort& at, const BackendPatch& patch);
Result<Outcome> backend_remove(Configuration& configuration, const std::string& service,
                               const HostPort& at);

Result<Outcome> policy_set(Configuration& configuration, const std::string& service,
                           const PolicyPatch& patch);
Result<Outcome> policy_clear(Configuration& configuration, const std::string& service);

Result<Outcome> client_weight_set(Configuration& configuration, const std::string& service,
                                  const Prefix& prefix, uint32_t weight, uint32_t capacity);
Result<Outcome> client_weight_remove(Configuration& configuration, const std::string& service,
                                     const Prefix& prefix);

Result<Outcome> filter_add(Configuration& configuration, const std::string& service,
                           const Prefix& prefix, FilterAction action, uint32_t capacity);
Result<Outcome> filter_remove(Configuration& configuration, const std::string& service,
                              const Prefix& prefix);
Result<Outcome> filter_clear(Configuration& configuration, const std::string& service);

// Health and adapted weights. A service or a backend that no longer exists is skipped.
void observe(Configuration& configuration, const std::vector<Observation>& observations);

// The services of a file, which replace all others. A service keeps its number, its ring and its
// connections through every change but one: another endpoint, or other options that pick a backend,
// while it has backends. Then a new service replaces it.
Result<BackendLines> desired_services(Configuration& configuration,
                                      const std::vector<DesiredService>& desired,
                                      const Capacities& capacities, Numbers& numbers);

}  // namespace sluice::edit
