// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/absent.h"

#include "kernel/system/routes.h"
#include "sluice/limits.h"

namespace sluice {

AbsentInstance::AbsentInstance() {
  limits = {.services = SLUICE_SERVICES_DEFAULT,
            .backends = SLUICE_BACKENDS_DEFAULT,
            .filters = SLUICE_SOURCE_FILTERS_DEFAULT,
            .client_weights = SLUICE_CLIENT_WEIGHTS_DEFAULT,
            .flows = SLUICE_FLOWS_DEFAULT};
}

// The kernel's own table, which needs no instance: a dry run asks it as the change would.
Result<Route> AbsentInstance::route_towards(const Address& destination) {
  return sluice::route_towards(destination);
}

Result<void> AbsentInstance::before_write() {
  return failed(
      "instance: it is not there, so nothing can be written to it; add a service first: "
      "sluice service add NAME ADDR:PORT/PROTO");
}

}  // namespace sluice
