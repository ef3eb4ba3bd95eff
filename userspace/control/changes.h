// The use cases that change something. Each validates everything first, then commits with one
// write, then brings what the packet path reads up to date (control/recover.h); the caller holds
// the instance's lock. Repeating a change that is already made is success and says so.
#pragma once

#include <optional>
#include <string>

#include "control/dataplane.h"
#include "model/service.h"
#include "support/result.h"

namespace sluice {

enum class Apply { perform, only_show };  // only_show: --dry-run

struct Change {
  bool needed = true;  // false: everything is as asked already
  std::string
      sentence;  // what was (or would be) done: "service web: added 203.0.113.10:443/tcp, snat"
};

// Seconds, of silence; what is not named stays as it is, or is the default.
struct TimeoutsWish {
  std::optional<uint32_t> idle_s;
  std::optional<uint32_t> udp_s;
};

// Refuses: a name or an endpoint that another service has, a full table, an unspecified or
// multicast address. The same again is success.
Result<Change> service_add(Dataplane& dataplane, const std::string& name, const Endpoint& endpoint,
                           Mode mode, Apply apply, const TimeoutsWish& timeouts = {});
// Refuses another mode while the service has backends: their connections depend on it. Time-outs
// may be set at any time.
Result<Change> service_set(Dataplane& dataplane, const std::string& name, std::optional<Mode> mode,
                           Apply apply, const TimeoutsWish& timeouts = {});
// With its backends and its policy.
Result<Change> service_remove(Dataplane& dataplane, const std::string& name, Apply apply);

struct BackendWish {
  std::optional<uint32_t> weight;
  std::optional<BackendState> state;
};

// Refuses: an unknown service, a backend of the other family in mode snat, a full table, no route,
// the service's own endpoint, an address and port that the service has already with another weight
// (says: use `backend set`). A backend that drains or is down and is added again is not brought up.
Result<Change> backend_add(Dataplane& dataplane, const std::string& service, const HostPort& at,
                           uint32_t weight, Apply apply);
Result<Change> backend_set(Dataplane& dataplane, const std::string& service, const HostPort& at,
                           const BackendWish& wish, Apply apply);
// Ends its connections with it; drain it first to keep them.
Result<Change> backend_remove(Dataplane& dataplane, const std::string& service, const HostPort& at,
                              Apply apply);

struct PolicyWish {
  std::optional<uint64_t> flow_rate_bytes_per_sec;  // 0: no limit any more
  std::optional<uint32_t> window_bytes;
};

// Leaves what the wish does not name as it was. Refuses a window below one segment of 1460 bytes
// and an empty wish; a policy that limits nothing is cleared.
Result<Change> policy_set(Dataplane& dataplane, const std::string& service, const PolicyWish& wish,
                          Apply apply);
Result<Change> policy_clear(Dataplane& dataplane, const std::string& service, Apply apply);

}  // namespace sluice
