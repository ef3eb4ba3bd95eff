// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The changes of the command line. Each validates everything first, then commits with one write,
// then brings what the packet path reads up to date (control/commit.h). The caller holds the
// instance's lock. Repeating a change is success and says so.
#pragma once

#include <optional>
#include <string>

#include "control/ports/apply_mode.h"
#include "control/ports/dataplane.h"
#include "model/policy.h"
#include "model/service_options.h"
#include "support/result.h"

namespace sluice {

struct Change {
  bool needed = true;    // false: everything is already as asked
  std::string sentence;  // "service web: added 203.0.113.10:443/tcp, mode snat"
};

// Refuses: a name or an endpoint that another service has, a prefix that overlaps another service,
// a full table, an unspecified or multicast address, options that exclude each other. An option
// that is not in the patch has its default.
Result<Change> service_add(Dataplane dataplane, const std::string& name, const Endpoint& endpoint,
                           const ServicePatch& patch, Apply apply);
// Options that are not in the patch stay. Time-outs can be set at any time; any other option is
// refused while the service has backends, because their connections depend on it.
Result<Change> service_set(Dataplane dataplane, const std::string& name, const ServicePatch& patch,
                           Apply apply);
// Also its backends, its policy, its filters and its client weights.
Result<Change> service_remove(Dataplane dataplane, const std::string& name, Apply apply);

struct BackendPatch {
  std::optional<uint32_t> weight;
  std::optional<BackendState> state;
};

// Refuses: an unknown service, a full table, an address and port that the service has with another
// weight (the error names `backend set`), the service's own endpoint, a port if the service takes
// any port and the reverse, and what the mode cannot do (control/backend_checks.h). Adding a
// backend again that drains or is down leaves its state.
Result<Change> backend_add(Dataplane dataplane, const std::string& service, const HostPort& at,
                           uint32_t weight, Apply apply);
// Up also ends the failure that the daemon's health checks reported, until they report one again.
Result<Change> backend_set(Dataplane dataplane, const std::string& service, const HostPort& at,
                           const BackendPatch& patch, Apply apply);
// Ends its connections; drain it first to keep them.
Result<Change> backend_remove(Dataplane dataplane, const std::string& service, const HostPort& at,
                              Apply apply);

// Limits that are not in the patch stay. Refuses an empty patch, and what check_policy()
// (model/policy.h) refuses. A policy that limits nothing is cleared.
Result<Change> policy_set(Dataplane dataplane, const std::string& service, const PolicyPatch& patch,
                          Apply apply);
Result<Change> policy_clear(Dataplane dataplane, const std::string& service, Apply apply);

// Sets or replaces the weight. Refuses a prefix of the other family, and a full table.
Result<Change> client_weight_set(Dataplane dataplane, const std::string& service,
                                 const Prefix& prefix, uint32_t weight, Apply apply);
Result<Change> client_weight_remove(Dataplane dataplane, const std::string& service,
                                    const Prefix& prefix, Apply apply);

// Refuses a prefix that the service has with the other action, and a full table.
Result<Change> filter_add(Dataplane dataplane, const std::string& service, const Prefix& prefix,
                          FilterAction action, Apply apply);
Result<Change> filter_remove(Dataplane dataplane, const std::string& service, const Prefix& prefix,
                             Apply apply);
Result<Change> filter_clear(Dataplane dataplane, const std::string& service, Apply apply);

}  // namespace sluice
