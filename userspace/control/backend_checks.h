// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a backend must be so that its service's mode can work with it. Checked before anything is
// changed; every refusal says why.
#pragma once

#include "control/configuration.h"
#include "control/dataplane.h"
#include "model/service.h"
#include "support/result.h"

namespace sluice {

// Of itself: no host's address, the other family where the mode needs one, a port where the service
// has any port or the reverse, the service's own endpoint, a reply that two services would claim.
Result<void> check_backend(const Configuration& configuration, const Service& service,
                           const HostPort& at);

// The same, of what can be said without looking at any other.
Result<void> check_backend(const Service& service, const HostPort& at);
// In mode nat a reply is known by where it comes from alone: that is no other service's endpoint,
// and no other such service's backend. Backends of the service itself do not matter.
Result<void> check_replies(const Service& service, const HostPort& at, const Service& other);
Result<void> check_replies(const Service& service, const HostPort& at, const Backend& backend,
                           const Service& of);

// Of the way there: a gateway where the mode needs a neighbour, an MTU that the smallest packet
// that must fit does not fit in once it is encapsulated.
Result<void> check_route(const Service& service, const HostPort& at, const Route& route);

}  // namespace sluice
