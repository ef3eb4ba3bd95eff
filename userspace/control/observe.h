// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the daemon observes of backends, kept beside the operator's configuration: health checks and
// adapted weights. Many observations are one change, under the lock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/ports/dataplane.h"
#include "model/service.h"

namespace sluice {

struct Observation {
  std::string service;
  HostPort backend;
  std::optional<bool> failing{};               // its health checks
  std::optional<uint16_t> adapted_permille{};  // of its weight; 0: all of it
};

// One sentence per change: "backend 10.0.0.11:8443 of web: failing". A service or backend that no
// longer exists is skipped.
Result<std::vector<std::string>> backends_observe(Dataplane dataplane,
                                                  const std::vector<Observation>& observations);

}  // namespace sluice
