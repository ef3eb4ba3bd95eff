// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/edit/edit.h"

namespace sluice::edit {

void observe(Configuration& configuration, const std::vector<Observation>& observations) {
  for (const Observation& observation : observations) {
    const Service* service = configuration.service_with_name(observation.service);
    if (service == nullptr) continue;
    Backend* backend = configuration.backend_at(service->number, observation.backend);
    if (backend == nullptr) continue;
    backend->failing = observation.failing.value_or(backend->failing);
    backend->adapted_permille = observation.adapted_permille.value_or(backend->adapted_permille);
  }
}

}  // namespace sluice::edit
