// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The use cases that change something. Each validates everything first, then commits with one
// write, then brings what the packet path reads up to date (control/recover.h); the caller holds
// the instance's lock. Repeating a change that is already made is success and says so.
#pragma once

#include <optional>
#include <string>

#include "control/dataplane.h"
#include "model/policy.h"
#include "model/service.h"
#include "support/result.h"

namespace sluice {

enum class Apply { perform, only_show };  // only_show: --dry-run

struct Change {
  bool needed = true;  // false: everything is as asked already
  std::string
      sentence;  // what was (or would be) done: "service web: added 203.0.113.10:443/tcp, snat"
};

struct ServicePatch {
  std::optional<Mode> mode{};
  std::optional<Affinity> affinity{};
  std::optional<uint8_t> gue_variant{};
  std::optional<bool> quic{};
  std::optional<uint32_t> idle_timeout_s{};
  std::optional<uint32_t> udp_timeout_s{};
};

// Refuses: a name or an endpoint that another service has, a prefix that overlaps another service,
// a full table, an unspecified or multicast address, options that do not go together. What the
// patch does not name is as in a new Service. The same again is success.
Result<Change> service_add(Dataplane& dataplane, const std::string& name, const Endpoint& endpoint,
                           const ServicePatch& patch, Apply apply);
// Leaves what the patch does not name as it was. Time-outs may be set at any time; anything else is
// refused while the service has backends, for their connections depend on it.
Result<Change> service_set(Dataplane& dataplane, const std::string& name, const ServicePatch& patch,
                           Apply apply);
// With its backends, its policy, its filters and the weights of its clients.
Result<Change> service_remove(Dataplane& dataplane, const std::string& name, Apply apply);

struct BackendPatch {
  std::optional<uint32_t> weight;
  std::optional<BackendState> state;
};

// Refuses: an unknown service, a full table, an address and port that the service has already with
// another weight (says: use `backend set`), the service's own endpoint, a port where the service
// has none and the reverse, and what its mode cannot do (control/backend_checks.h). A backend that
// drains or is down and is added again is not brought up.
Result<Change> backend_add(Dataplane& dataplane, const std::string& service, const HostPort& at,
                           uint32_t weight, Apply apply);
// Up is up now: also a backend that `sluice run` saw failing, until it sees that again.
Result<Change> backend_set(Dataplane& dataplane, const std::string& service, const HostPort& at,
                           const BackendPatch& patch, Apply apply);
// Ends its connections with it; drain it first to keep them.
Result<Change> backend_remove(Dataplane& dataplane, const std::string& service, const HostPort& at,
                              Apply apply);

// Leaves what the patch does not name as it was. Refuses an empty patch, and what check_policy()
// (model/policy.h) refuses; a policy that limits nothing is cleared.
Result<Change> policy_set(Dataplane& dataplane, const std::string& service,
                          const PolicyPatch& patch, Apply apply);
Result<Change> policy_clear(Dataplane& dataplane, const std::string& service, Apply apply);

// Sets one, or another one in its place. Refuses a prefix of the other family, and a full table.
Result<Change> client_weight_set(Dataplane& dataplane, const std::string& service,
                                 const Prefix& prefix, uint32_t weight, Apply apply);
Result<Change> client_weight_remove(Dataplane& dataplane, const std::string& service,
                                    const Prefix& prefix, Apply apply);

// Refuses a prefix that the service has with the other action, and a full table.
Result<Change> filter_add(Dataplane& dataplane, const std::string& service, const Prefix& prefix,
                          FilterAction action, Apply apply);
Result<Change> filter_remove(Dataplane& dataplane, const std::string& service, const Prefix& prefix,
                             Apply apply);
Result<Change> filter_clear(Dataplane& dataplane, const std::string& service, Apply apply);

}  // namespace sluice
