// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the mode of a service requires of its backends. Checked before anything is changed; every
// error gives the reason.
#pragma once

#include "control/configuration.h"
#include "control/ports/packet_path.h"
#include "model/service.h"
#include "support/result.h"

namespace sluice {

// Refuses: an address that is no host's, the other family if the mode needs one family, a port if
// the service takes any port or the reverse, the service's own endpoint, a reply that two services
// would claim.
Result<void> check_backend(const Configuration& configuration, const Service& service,
                           const HostPort& at);

// The same without looking at other services.
Result<void> check_backend(const Service& service, const HostPort& at);
// In mode nat, the source of a reply alone identifies it: it must be no other service's endpoint
// and no backend of another service of mode nat. Backends of the same service do not matter.
Result<void> check_replies(const Service& service, const HostPort& at, const Service& other);
Result<void> check_replies(const Service& service, const HostPort& at, const Backend& backend,
                           const Service& of);

// Refuses a route through a gateway if the mode needs a neighbour, and an MTU below the smallest
// packet that must fit once it is encapsulated.
Result<void> check_route(const Service& service, const HostPort& at, const Route& route);

}  // namespace sluice
